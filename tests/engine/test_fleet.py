"""A fleet on the real engine: accounts of an organization on the local AWS, two Regions each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml

from components.session_manager.document import DOCUMENT_NAME
from local.emulator.running import running_emulator
from local.toolchain import command_line
from local.workspace import REPOSITORY, Workspace
from tests.engine.aws_proxy import AwsProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("fleet")]

REGIONS = ["eu-west-1", "us-east-1"]
ROLE = "arn:aws:iam::{accountId}:role/ShellAccessDeployer"
LISTED = "009900990099"
"""To a careless reader of YAML a number, and a smaller one."""
# Without keys and log groups, whose business it is elsewhere, a stack takes a third of the time.
SECTION = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.text)

    @property
    def states(self) -> dict[str, str]:
        return {each["name"]: each["state"] for each in self.document["accounts"]}

    def account(self, name: str) -> dict[str, Any]:
        return next(each for each in self.document["accounts"] if each["name"] == name)


class Fleet:
    """An organization with three accounts in one unit and one account listed, a fleet file, and a state backend."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.endpoint = endpoint
        self.proxy = AwsProxy(endpoint)
        self.workspace = Workspace(folder / "engine")
        self.workspace.prepare(command_line())
        self.file = folder / "fleet.yaml"
        # A copy, as what is done counts as done for one and the same program only.
        self._program = folder / "program"
        for part in ("components", "policies"):
            shutil.copytree(REPOSITORY / part, self._program / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("__main__.py", "Pulumi.yaml", "requirements.txt"):
            shutil.copy(REPOSITORY / part, self._program / part)
        (self._program / ".venv").symlink_to(REPOSITORY / ".venv")
        self._organizations: Any = self.client("organizations", "us-east-1")
        self._organizations.create_organization(FeatureSet="ALL")
        self._root = self._organizations.list_roots()["Roots"][0]["Id"]
        made = self._organizations.create_organizational_unit(ParentId=self._root, Name="governed")
        self.unit = made["OrganizationalUnit"]["Id"]
        self.ids = {name: self.join(name) for name in ("canary", "data", "tools")} | {"web": LISTED}
        self.write()

    def join(self, name: str) -> str:
        """A new account of the unit."""
        status = self._organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        account = status["CreateAccountStatus"]["AccountId"]
        self._organizations.move_account(AccountId=account, SourceParentId=self._root, DestinationParentId=self.unit)
        return account

    def leave(self, account: str) -> None:
        """An account leaves the unit."""
        self._organizations.move_account(AccountId=account, SourceParentId=self.unit, DestinationParentId=self._root)

    def write(self, minutes: int = 20, concurrency: int = 2) -> None:
        """The file; `minutes` is a setting of every account."""
        content = {
            "accounts": {
                "list": [{"name": "web", "id": LISTED}],
                "discover": {"organizationalUnits": [self.unit]},
            },
            "assumeRole": ROLE,
            "defaults": {
                "shell-access:regions": REGIONS,
                "shell-access:sessionManager": SECTION | {"idleSessionTimeout": minutes},
            },
            "waves": [
                {"name": "first", "accounts": ["canary"], "concurrency": 1},
                {"name": "rest", "concurrency": concurrency, "failureTolerance": "34%"},
            ],
        }
        self.file.write_text(yaml.safe_dump(content))

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        fast = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
        cwd = [] if command == "verify" else ["--cwd", str(self._program)]
        return subprocess.Popen(
            [sys.executable, "-m", "operations", "fleet", command, "--file", str(self.file), *cwd, *arguments],
            cwd=REPOSITORY,
            env=os.environ | self.workspace.environment(self.proxy.url) | fast,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> Ran:
        return self.end(self.start(command, *arguments, "--json"))

    def end(self, process: subprocess.Popen[str]) -> Ran:
        text, told = process.communicate(timeout=300)
        assert process.returncode in (0, 1), told
        return Ran(process.returncode, text)

    def client(self, service: str, region: str = "eu-west-1", account: str | None = None) -> Any:
        """A client in the management account, or in another one."""
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        if account:
            assumed = self.client("sts").assume_role(RoleArn=ROLE.format(accountId=account), RoleSessionName="test")
            got = assumed["Credentials"]
            keys = {"aws_access_key_id": got["AccessKeyId"], "aws_secret_access_key": got["SecretAccessKey"]}
            keys["aws_session_token"] = got["SessionToken"]
        return boto3.client(service, region, endpoint_url=self.endpoint, **keys)

    def minutes(self, name: str, region: str = "us-east-1") -> str | None:
        """What is live in an account: the idle timeout, or None where there is no document."""
        ssm = self.client("ssm", region, self.ids[name])
        if not ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]:
            return None
        content = ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST")["Content"]
        return json.loads(content)["inputs"]["idleSessionTimeout"]

    @property
    def locks(self) -> list[Path]:
        return list(self.workspace.state.glob(".pulumi/locks/**/*.json"))


@dataclass(frozen=True)
class FirstRuns:
    """The fleet's first three runs: without the canary's role, without one of the rest's, with all of them."""

    without_canary: Ran
    live_after_canary: list[str | None]
    without_tools: Ran
    resumed: Ran


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_emulator() as emulator:
        fleet = Fleet(tmp_path_factory.mktemp("fleet"), emulator.endpoint_url)
        yield fleet
        fleet.proxy.close()


@pytest.fixture(scope="module")
def first_runs(fleet: Fleet) -> FirstRuns:
    fleet.proxy.without_role = {fleet.ids["canary"]}
    without_canary = fleet.run("up")
    live = [fleet.minutes(name) for name in fleet.ids]
    fleet.proxy.without_role = {fleet.ids["tools"]}
    without_tools = fleet.run("up")
    fleet.proxy.without_role = set()
    return FirstRuns(without_canary, live, without_tools, fleet.run("up"))


def test_a_canary_without_its_role_leaves_the_rest_untouched(first_runs: FirstRuns) -> None:
    ran = first_runs.without_canary
    assert (ran.code, ran.states) == (
        1,
        {"canary": "failed", "data": "notBegun", "tools": "notBegun", "web": "notBegun"},
    )
    error = ran.account("canary")["error"]
    assert "AssumeRole" in error or "assume" in error.lower()
    assert "Traceback" not in error
    assert first_runs.live_after_canary == [None] * 4


def test_a_wave_goes_on_within_its_tolerance_and_the_next_run_does_only_what_is_left(
    first_runs: FirstRuns, fleet: Fleet
) -> None:
    errors = [each["error"] for each in first_runs.without_tools.document["accounts"]]
    assert first_runs.without_tools.states == {
        "canary": "changed",
        "data": "changed",
        "tools": "failed",
        "web": "changed",
    }, errors
    assert first_runs.resumed.states == {"canary": "done", "data": "done", "tools": "changed", "web": "done"}
    assert first_runs.resumed.code == 0
    for name in fleet.ids:
        assert [fleet.minutes(name, region) for region in REGIONS] == ["20", "20"]
    assert fleet.locks == []


@pytest.mark.usefixtures("first_runs")
def test_drift_is_found_in_its_cell_by_the_state_and_by_the_settings(fleet: Fleet) -> None:
    ssm = fleet.client("ssm", "us-east-1", fleet.ids["data"])
    content = json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])
    content["inputs"]["idleSessionTimeout"] = "55"
    changed = ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(content))
    latest = changed["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=latest)
    ran = fleet.run("drift", "--account", "data", "--account", "web")
    assert (ran.code, ran.states) == (1, {"data": "different", "web": "unchanged"})
    (cell,) = [each for each in ran.document["regions"] if each["state"] != "unchanged"]
    assert (cell["id"], cell["region"]) == (fleet.ids["data"], "us-east-1")
    assert "idleSessionTimeout: 20 -> 55" in cell["differences"][0]
    verified = fleet.run("verify")
    assert {name for name, state in verified.states.items() if state != "unchanged"} == {"data"}
    repaired = fleet.run("up", "--account", "data", "--refresh")
    assert repaired.states == {"data": "changed"}
    assert fleet.minutes("data") == "20"


@pytest.mark.usefixtures("first_runs")
def test_a_signal_in_the_middle_of_a_wave_leaves_no_lock_and_the_next_run_goes_on(fleet: Fleet) -> None:
    fleet.write(minutes=25, concurrency=1)
    fleet.proxy.hold(fleet.ids["data"], "UpdateDocument")
    process = fleet.start("up", "--json")
    fleet.proxy.wait_for_held(process)
    process.send_signal(signal.SIGTERM)
    log = fleet.file.parent / ".fleet" / "fleet" / "logs" / f"{fleet.ids['data']}-up.log"
    while "cancelling" not in log.read_text():
        assert process.poll() is None
        time.sleep(0.1)
    fleet.proxy.release()
    stopped = fleet.end(process)
    assert stopped.states == {
        "canary": "changed",
        "web": "changed",
        "data": "interrupted",
        "tools": "notBegun",
    }
    assert fleet.locks == []
    assert fleet.minutes("tools") == "20"
    fleet.write(minutes=25)
    went_on = fleet.run("up")
    assert (went_on.code, went_on.states["canary"]) == (0, "done")
    assert {fleet.minutes(name, region) for name in fleet.ids for region in REGIONS} == {"25"}


@pytest.mark.usefixtures("first_runs")
def test_accounts_come_and_go(fleet: Fleet) -> None:
    gone = fleet.ids.pop("tools")
    fleet.leave(gone)
    fleet.join("new")
    planned = fleet.run("plan")
    assert {name: state for name, state in planned.states.items() if state != "unchanged"} == {
        "new": "added",
        gone: "orphaned",
    }
    previewed = fleet.run("preview", "--account", "new")
    assert previewed.states == {"new": "changed"}
    judged = fleet.run("preview", "--account", "new", "--policy-pack", str(REPOSITORY / "policies"))
    assert judged.states == {"new": "failed"}
    assert "session-preferences-encrypt-data" in judged.account("new")["error"]
    assert "new" not in {each["name"] for each in fleet.run("remove").document["accounts"]}
    removed = fleet.run("remove", "--account", gone)
    assert (removed.code, removed.states) == (0, {gone: "removed"})
    documents = fleet.client("ssm", "us-east-1", gone).list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])
    assert documents["DocumentIdentifiers"] == []
    assert fleet.run("remove").document["accounts"] == []
