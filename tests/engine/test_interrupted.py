"""`SIGKILL` of the engine, or of the process that publishes the document, at each of its writes to AWS."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.nodes.names import AWS_HOST_ROLE, HOST_MANAGEMENT_SETTING, HOST_ROLE_NAME
from components.session_manager.document import DOCUMENT_NAME
from local.processes import descendants, end
from tests.engine.test_session_manager import CONSOLE_TEXT, live, make_in_console
from tests.support.emulator import reset
from tests.support.gate import Gate, running_gate
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

SECONDS = 120
PLAIN = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}
WRITES = {"adoption": 4, "update": 2, "restore": 5}
"""Number of writes of each run; a test verifies it."""
VERSIONS = {"adoption": 2, "update": 3}
"""Number of versions of a document afterwards: none is created twice."""


@pytest.fixture
def gate(aws_endpoint: str) -> Iterator[Gate]:
    with running_gate(aws_endpoint) as running:
        yield running


@pytest.fixture
def ssm(aws_endpoint: str) -> Any:
    reset(aws_endpoint)
    return boto3.client(
        "ssm",
        region_name="eu-west-1",
        endpoint_url=aws_endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


@dataclass(frozen=True)
class Kill:
    """One way to be interrupted.

    Attributes:
        run: `adoption` of a foreign document, `update`, or `restore` on destroy.
        victim: `engine` or `provider`.
        number: of the write that is under way, from 0, or its operation.
        after: AWS has done it, and only the answer is under way.
    """

    run: str
    victim: str
    number: int | str
    after: bool

    def __str__(self) -> str:
        return f"{self.run}-{self.victim}-{'after' if self.after else 'before'}-write-{self.number}"


EVERY_KILL = [
    Kill(run, victim, number, after)
    for run, written in WRITES.items()
    for victim in ("engine", "provider")
    for number in range(written)
    for after in (False, True)
    # A kill before a write leaves what one after the write before it has left.
    if after or not number
]
MAKING = (
    *("CreatePolicy", "CreateKey", "EnableKeyRotation", "CreateAlias", "CreateLogGroup", "PutParameter"),
    *("PutRetentionPolicy", "CreateDocument"),
)
"""Writes of the first run on an empty account; a test verifies them."""
# The engine is killed by the tests of a first run and of a service setting.
SAMPLE = [
    Kill("update", "provider", 0, after=True),
    Kill("restore", "provider", 1, after=True),
]


class Interruptible:
    """A stack with nothing but plain preferences, whose state is saved after every step."""

    def __init__(self, folder: Path, gate: Gate, name: str = "test") -> None:
        folder.mkdir(exist_ok=True)
        self.gate = gate
        self.stack = Stack(folder, gate.endpoint_url, name)
        self.stack.environment["PULUMI_SKIP_CHECKPOINTS"] = "false"
        self.configure(20)

    def configure(self, minutes: int) -> None:
        self.stack.configure({"sessionManager": PLAIN | {"idleSessionTimeout": minutes}})

    def arrange(self, run: str) -> None:
        self.gate.count()
        if run != "adoption":
            self.stack.up().succeeded()
        if run == "update":
            self.configure(10)

    def finish(self, run: str) -> None:
        if run == "restore":
            self.stack.destroy().succeeded()
        else:
            self.stack.up().succeeded()

    def kill(self, kill: Kill) -> None:
        """Ends the victim while the gate holds a write back; then does what docs/guarantees.md has people do."""
        self.gate.hold(kill.number, after=kill.after)
        engine = self.begin("destroy" if kill.run == "restore" else "up")
        started: list[int] = []
        try:
            assert self.gate.is_holding.wait(SECONDS), f"held nothing back; written: {self.gate.written}"
            started = descendants(engine.pid)
            os.kill(engine.pid if kill.victim == "engine" else provider_among(started), signal.SIGKILL)
            if kill.victim == "provider":
                # The process that calls AWS may be another one, which ends after the one that the engine has started.
                assert self.gate.is_abandoned(SECONDS)
                self.gate.open()
            assert engine.wait(SECONDS) != 0
        finally:
            # Plugins that have lost their engine would end by themselves some time, and go on until then.
            for process in (engine.pid, *started):
                end(process)
            engine.wait(SECONDS)
            self.gate.open()
        take_empty_descriptions_away(states_of(self.stack))
        self.stack.run("cancel", "--yes", "--stack", self.stack.name)

    def begin(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["pulumi", command, "--yes", "--skip-preview", "--stack", self.stack.name],
            cwd=self.stack.folder,
            env=self.stack.full_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def states_of(stack: Stack) -> Path:
    return Path(stack.full_environment()["PULUMI_BACKEND_URL"].removeprefix("file://"))


def take_empty_descriptions_away(states: Path) -> None:
    subprocess.run(["find", states, "-name", "*.attrs", "-size", "0", "-delete"], check=True)


def provider_among(processes: list[int]) -> int:
    """The process that runs dynamic providers."""
    (found,) = (process for process in processes if "pulumi.dynamic" in python_command(process))
    return found


def python_command(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return " ".join(words) if "python" in words[0] else ""


def interrupt(folder: Path, gate: Gate, ssm: Any, kill: Kill) -> None:
    make_in_console(ssm)
    interrupted = Interruptible(folder, gate)
    interrupted.arrange(kill.run)
    interrupted.kill(kill)
    interrupted.finish(kill.run)
    if kill.run != "restore":
        minutes = "20" if kill.run == "adoption" else "10"
        assert live(ssm) == live(ssm, "$LATEST")
        assert live(ssm)["inputs"]["idleSessionTimeout"] == minutes
        assert len(ssm.list_document_versions(Name=DOCUMENT_NAME)["DocumentVersions"]) == VERSIONS[kill.run]
        interrupted.stack.preview("--refresh", "--expect-no-changes").succeeded()
        interrupted.stack.destroy().succeeded()
    assert live(ssm) == live(ssm, "$LATEST") == json.loads(CONSOLE_TEXT)


@pytest.mark.parametrize("kill", SAMPLE, ids=str)
def test_run_after_kill_converges_and_restores(tmp_path: Path, gate: Gate, ssm: Any, kill: Kill) -> None:
    interrupt(tmp_path, gate, ssm, kill)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kill", EVERY_KILL, ids=str)
def test_run_after_kill_at_any_write_converges(tmp_path: Path, gate: Gate, ssm: Any, kill: Kill) -> None:
    interrupt(tmp_path, gate, ssm, kill)


@pytest.mark.exhaustive
def test_every_write_is_tested(tmp_path: Path, gate: Gate, ssm: Any) -> None:
    make_in_console(ssm)
    interrupted = Interruptible(tmp_path, gate)
    for run, written in WRITES.items():
        if run == "update":
            interrupted.configure(10)
        gate.count()
        interrupted.finish(run)
        # The document of the console has come back in another spelling, so nothing is refused as a duplicate.
        assert len(gate.written) == written, (run, gate.written)


def take_up_a_first_run(folder: Path, gate: Gate, ssm: Any, operation: str) -> None:
    """A first run, killed after AWS has created a resource and before the state has it."""
    interrupted = Interruptible(folder, gate)
    interrupted.stack.configure({"sessionManager": {"retainLogs": False}})
    interrupted.gate.count()
    interrupted.kill(Kill("first", "engine", operation, after=True))
    interrupted.stack.up().succeeded()
    interrupted.stack.preview("--refresh", "--expect-no-changes").succeeded()
    assert live(ssm) == live(ssm, "$LATEST")
    interrupted.stack.destroy().succeeded()
    with pytest.raises(ssm.exceptions.InvalidDocument):
        live(ssm)


def test_state_is_readable_without_empty_description(stack: Stack) -> None:
    described = states_of(stack) / ".pulumi" / "stacks" / "shell-access" / f"{stack.name}.json.attrs"
    described.write_text("")
    assert "failed to load checkpoint: EOF" in stack.run("stack", "export", "--stack", stack.name).failed().text
    take_empty_descriptions_away(states_of(stack))
    stack.run("stack", "export", "--stack", stack.name).succeeded()


def test_killed_first_run_is_completed(tmp_path: Path, gate: Gate, ssm: Any) -> None:
    take_up_a_first_run(tmp_path, gate, ssm, "CreateLogGroup")


@pytest.mark.exhaustive
@pytest.mark.parametrize("operation", MAKING)
def test_first_run_killed_at_any_write_is_completed(tmp_path: Path, gate: Gate, ssm: Any, operation: str) -> None:
    take_up_a_first_run(tmp_path, gate, ssm, operation)


@pytest.mark.exhaustive
def test_first_run_writes_are_all_tested(tmp_path: Path, gate: Gate, ssm: Any) -> None:  # noqa: ARG001 -- an empty AWS
    interrupted = Interruptible(tmp_path, gate)
    interrupted.stack.configure({"sessionManager": {}})
    gate.count()
    interrupted.stack.up().succeeded()
    tagging = {
        "UntagPolicy",
        "TagPolicy",
        "UntagResource",
        "TagResource",
        "RemoveTagsFromResource",
        "AddTagsToResource",
    }
    assert {call.operation for call in gate.written} - tagging == set(MAKING)


def host_role(ssm: Any) -> str:
    return ssm.get_service_setting(SettingId=HOST_MANAGEMENT_SETTING)["ServiceSetting"]["SettingValue"]


@pytest.mark.parametrize("after", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_service_setting_is_restored_after_killed_runs(tmp_path: Path, gate: Gate, ssm: Any, *, after: bool) -> None:
    ssm.update_service_setting(SettingId=HOST_MANAGEMENT_SETTING, SettingValue=AWS_HOST_ROLE)
    interrupted = Interruptible(tmp_path, gate)
    interrupted.stack.configure({"nodes": {"defaultHostManagement": {}}})
    interrupted.kill(Kill("first", "engine", "UpdateServiceSetting", after))
    interrupted.stack.up().succeeded()
    assert host_role(ssm) == HOST_ROLE_NAME
    interrupted.stack.preview("--refresh", "--expect-no-changes").succeeded()
    interrupted.kill(Kill("restore", "engine", "UpdateServiceSetting", after))
    interrupted.stack.destroy().succeeded()
    assert host_role(ssm) == AWS_HOST_ROLE


def test_second_of_two_concurrent_stacks_is_refused(tmp_path: Path, gate: Gate, ssm: Any) -> None:
    make_in_console(ssm)
    first, second = (Interruptible(tmp_path / name, gate, name) for name in ("first", "second"))
    gate.hold(0, after=True)
    engine = first.begin("up")
    try:
        assert gate.is_holding.wait(SECONDS)
        assert "is governed by the stack organization/shell-access/first" in second.stack.up().failed().text
        gate.open()
        assert engine.wait(SECONDS) == 0
    finally:
        gate.open()
        engine.wait(SECONDS)
    assert live(ssm) == live(ssm, "$LATEST")
    assert live(ssm)["inputs"]["idleSessionTimeout"] == "20"
    first.stack.destroy().succeeded()
    assert live(ssm) == live(ssm, "$LATEST") == json.loads(CONSOLE_TEXT)
