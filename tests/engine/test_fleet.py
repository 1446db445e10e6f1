"""A fleet on the real engine: accounts of an organization on the local AWS, two Regions each."""

import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.session_manager.document import DOCUMENT_NAME
from local.workspace import REPOSITORY
from tests.support.fleet import PREVIEW_ROLE, ROLE, WITHOUT_CHECKPOINTS, LocalFleet, Ran

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

REGIONS = ["eu-west-1", "us-east-1"]
LISTED = "009900990099"
"""To a careless reader of YAML a number, and a smaller one."""
# Without keys and log groups, whose business it is elsewhere, a stack takes a third of the time.
SECTION = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}


class Fleet(LocalFleet):
    """Three accounts in one unit and one account listed."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        super().__init__(folder, endpoint, ("canary", "data", "tools"), {"web": LISTED})
        self.ask_for()

    def ask_for(self, minutes: int = 20, concurrency: int = 2) -> None:
        """Writes the file; `minutes` is a setting of every account."""
        self.write(
            {
                "shell-access:regions": REGIONS,
                "shell-access:sessionManager": SECTION | {"idleSessionTimeout": minutes},
            },
            [
                {"name": "first", "accounts": ["canary"], "concurrency": 1},
                {"name": "rest", "concurrency": concurrency, "failureTolerance": "34%"},
            ],
        )

    def roles(self, command: str, *arguments: str) -> tuple[Ran, set[str]]:
        """Runs a command; gives the roles too that were asked for meanwhile, the account left open."""
        self.proxy.requested_roles.clear()
        ran = self.run(command, *arguments)
        return ran, {each.replace(each.split(":")[4], "{accountId}") for each in self.proxy.requested_roles}

    def minutes(self, name: str, region: str = "us-east-1") -> str | None:
        """Return the idle timeout of an account; None without a document."""
        ssm = self.client("ssm", region, self.ids[name])
        if not ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]:
            return None
        content = ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST")["Content"]
        return json.loads(content)["inputs"]["idleSessionTimeout"]


@dataclass(frozen=True)
class FirstRuns:
    """The fleet's first three runs: without the canary's role, without one of the rest's, with all of them."""

    without_canary: Ran
    live_after_canary: list[str | None]
    without_tools: Ran
    resumed: Ran


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, emptied_once: str) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), emptied_once)
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


def test_failed_canary_stops_the_rollout(first_runs: FirstRuns) -> None:
    ran = first_runs.without_canary
    assert (ran.code, ran.states) == (
        1,
        {"canary": "failed", "data": "notBegun", "tools": "notBegun", "web": "notBegun"},
    )
    error = ran.account("canary")["error"]
    assert "AssumeRole" in error or "assume" in error.lower()
    assert "Traceback" not in error
    assert first_runs.live_after_canary == [None] * 4


def test_wave_tolerates_failures_and_next_run_completes_it(first_runs: FirstRuns, fleet: Fleet) -> None:
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
def test_drift_is_reported_by_account_and_region(fleet: Fleet) -> None:
    ssm = fleet.client("ssm", "us-east-1", fleet.ids["data"])
    content = json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])
    content["inputs"]["idleSessionTimeout"] = "55"
    changed = ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(content))
    latest = changed["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=latest)
    ran, roles = fleet.roles("drift", "--account", "data", "--account", "web")
    assert (ran.code, ran.states, roles) == (1, {"data": "different", "web": "unchanged"}, {PREVIEW_ROLE})
    (cell,) = [each for each in ran.document["regions"] if each["state"] != "unchanged"]
    assert (cell["id"], cell["region"]) == (fleet.ids["data"], "us-east-1")
    assert "idleSessionTimeout: 20 -> 55" in cell["differences"][0]
    verified, roles = fleet.roles("verify")
    assert roles == {PREVIEW_ROLE}
    assert {name for name, state in verified.states.items() if state != "unchanged"} == {"data"}
    repaired, roles = fleet.roles("up", "--account", "data", "--refresh")
    assert (repaired.states, roles) == ({"data": "changed"}, {ROLE})
    assert fleet.minutes("data") == "20"


@pytest.mark.usefixtures("first_runs")
@pytest.mark.parametrize("options", [(), ("--refresh",)], ids=["by the state", "by what is live"])
def test_preview_role_shows_no_change(options: tuple[str, ...], fleet: Fleet) -> None:
    ran, roles = fleet.roles("preview", "--account", "web", *options)
    assert (ran.states, roles) == ({"web": "unchanged"}, {PREVIEW_ROLE})
    assert fleet.run("plan", "--account", "web").states == {"web": "unchanged"}


@pytest.mark.usefixtures("first_runs")
def test_signal_leaves_no_lock_and_next_run_continues(fleet: Fleet) -> None:
    fleet.ask_for(minutes=25, concurrency=1)
    fleet.proxy.hold(fleet.ids["data"], "UpdateDocument")
    process = fleet.start("up", "--json", more=WITHOUT_CHECKPOINTS)
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
    fleet.ask_for(minutes=25)
    went_on = fleet.run("up")
    assert (went_on.code, went_on.states["canary"]) == (0, "done")
    assert {fleet.minutes(name, region) for name in fleet.ids for region in REGIONS} == {"25"}


@pytest.mark.usefixtures("first_runs")
def test_joining_and_leaving_accounts_are_followed(fleet: Fleet, tmp_path: Path) -> None:
    gone = fleet.ids.pop("tools")
    fleet.leave(gone)
    fleet.join("new")
    planned = fleet.run("plan")
    assert {name: state for name, state in planned.states.items() if state != "unchanged"} == {
        "new": "added",
        gone: "orphaned",
    }
    pack = ("--policy-pack", str(REPOSITORY / "policies"))
    levels = tmp_path / "levels.json"
    levels.write_text(json.dumps({"all": "advisory"}))
    previewed = fleet.run("preview", "--account", "new", *pack, "--policy-pack-config", str(levels))
    assert previewed.states == {"new": "changed"}
    judged = fleet.run("preview", "--account", "new", *pack)
    assert judged.states == {"new": "failed"}
    assert "session-preferences-encrypt-data" in judged.account("new")["error"]
    assert "new" not in {each["name"] for each in fleet.run("remove").document["accounts"]}
    removed = fleet.run("remove", "--account", gone)
    assert (removed.code, removed.states) == (0, {gone: "removed"})
    documents = fleet.client("ssm", "us-east-1", gone).list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])
    assert documents["DocumentIdentifiers"] == []
    assert fleet.run("remove").document["accounts"] == []
