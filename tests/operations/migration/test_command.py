"""The command line of a move: what it changes, when it stops, and where it continues. The engine is replaced."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from components.just_in_time.decisions import Outcome
from operations.approval.requests import RequestState
from operations.cli import app
from operations.command_line import CommandContext
from operations.findings import Finding
from operations.inventory.reader import ReadFailure
from operations.migration import command
from operations.migration.access_paths import AccessPaths
from operations.migration.approval import MigrationSituation
from operations.stack import StackConfiguration
from tests.components.just_in_time.examples import approval, manual
from tests.operations.migration.moves import (
    OPEN,
    OPERATOR,
    POLICIES,
    READY,
    WORKFLOW,
    configuration,
    decision,
    moving,
    open_request,
)
from tests.support.golden_files import Golden

KEY = "shell-access:approval"


@dataclass
class Moved:
    """A stack's folder, and a replaced engine and account.

    Attributes:
        folder: Folder of the program.
        situations: Situations, one for each time that the account is read; the last one stays.
        codes: Exit codes of `pulumi up`; afterwards 0.
        deployed: Section `approval` of each update.
        findings: Findings about who can start sessions after a step.
        pauses: Number of pauses.
    """

    folder: Path
    situations: list[MigrationSituation] = field(default_factory=lambda: [READY])
    codes: list[int] = field(default_factory=list[int])
    deployed: list[Any] = field(default_factory=list[Any])
    findings: list[Finding] = field(default_factory=list[Finding])
    pauses: int = 0

    @property
    def section(self) -> Any:
        return yaml.safe_load((self.folder / "Pulumi.dev.yaml").read_text())["config"][KEY]

    def configure(self, section: Any) -> None:
        content = {"config": {"aws:region": "eu-west-1", KEY: section}}
        (self.folder / "Pulumi.dev.yaml").write_text("# ours\n" + yaml.safe_dump(content))

    def read_stack(self, _directory: Path, _name: str | None) -> StackConfiguration:
        return configuration(self.section)

    def pause(self, _seconds: float) -> None:
        self.pauses += 1

    def run(self, *arguments: str, to: str = "just-in-time", answer: str = "") -> Any:
        context = CommandContext(read_stack=self.read_stack, read_outputs=lambda _d, _n: {}, pause=self.pause)
        line = ["migrate", "approval", "--to", to, "--cwd", str(self.folder), *arguments]
        return CliRunner().invoke(app, line, obj=context, input=answer, env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moved:
    (tmp_path / "Pulumi.yaml").write_text("name: shell-access\n")
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(POLICIES))
    stack = Moved(tmp_path)
    stack.configure(WORKFLOW)

    def deploy(_directory: Path, name: str, file: Path, _packs: Any) -> int:
        assert name == "dev"
        stack.deployed.append(yaml.safe_load(file.read_text())["config"][KEY])
        return stack.codes.pop(0) if stack.codes else 0

    class Reader:
        def __init__(self, _configuration: Any, _options: Any) -> None: ...

        def read(self, _move: Any, _outputs: Any) -> MigrationSituation:
            return stack.situations.pop(0) if len(stack.situations) > 1 else stack.situations[0]

        def path_findings(self) -> list[Finding]:
            return stack.findings

    monkeypatch.setattr(command, "run_pulumi", deploy)
    monkeypatch.setattr(command, "SituationReader", Reader)
    return stack


def begin(moved: Moved, *arguments: str, **options: Any) -> Any:
    return moved.run("--policies", str(moved.folder / "policies.yaml"), *arguments, **options)


def test_move_makes_each_step_and_keeps_the_file(moved: Moved) -> None:
    done = begin(moved, "--yes")
    assert (done.exit_code, "The approval mode is just-in-time." in done.stdout) == (0, True)
    assert moved.deployed == [moving("parallel"), moving("draining"), approval([manual()])]
    assert moved.section == approval([manual()])
    assert (moved.folder / "Pulumi.dev.yaml").read_text().startswith("# ours\n")
    assert "removes approvers, guardRails, justInTimeMigration, operatorRoles" in done.stdout
    assert moved.run("--yes").exit_code == 0
    assert len(moved.deployed) == 3


def test_plan_changes_nothing(moved: Moved) -> None:
    moved.situations = [
        replace(
            READY,
            paths=replace(OPEN, standing=(f"{OPERATOR}2",)),
            requests=(open_request(RequestState.GRANTED),),
            decisions=(decision(Outcome.MANUAL),),
        )
    ]
    shown = begin(moved, "--plan")
    assert (shown.exit_code, moved.deployed, moved.section) == (0, [], WORKFLOW)
    for text in (
        "1. parallel: possible now",
        "2. draining: not possible yet",
        "problem: standing-sessions: 1 principal can start sessions without an approval",
        "document Databases in eu-west-1",
        "policy AllowStartSsmSessionBasedOnIamTags",
        "1 node after the move: 1 by approval",
        "run-1",
    ):
        assert text in shown.stdout, text
    plan = json.loads(begin(moved, "--plan", "--json").stdout)
    assert [each["step"] for each in plan["steps"]] == ["parallel", "draining", "complete"]
    assert [len(each["obstacles"]) for each in plan["steps"]] == [0, 1, 2]
    assert plan["access"][0]["after"] == "on request, according to the policies of the node"


def test_command_is_golden(moved: Moved, golden: Golden) -> None:
    request = open_request(RequestState.GRANTED)
    paths = replace(OPEN, standing=(f"{OPERATOR}2",))
    results = {"nothing prevents it": begin(moved, "--plan", "--json"), "moved": begin(moved, "--yes")}
    results["done before"] = moved.run("--plan", "--json")
    moved.configure(moving("draining"))
    moved.situations = [replace(READY, paths=paths, requests=(request,), decisions=(decision(Outcome.MANUAL),))]
    results["prevented"] = moved.run("--plan", "--json")
    results["step not possible"] = moved.run("--yes")
    results["wrong options"] = moved.run(to="change-manager")
    golden.command("migrate approval", results)


def test_failed_update_is_repeated_by_the_next_run(moved: Moved) -> None:
    moved.codes = [0, 1]
    failed = begin(moved, "--yes")
    assert (failed.exit_code, "Step draining: the update failed" in failed.stderr) == (1, True)
    assert moved.section == moving("parallel")
    assert moved.run("--yes").exit_code == 0
    assert [each.get("justInTimeMigration") for each in moved.deployed] == ["parallel", "draining", "draining", None]


def test_interrupted_update_is_repeated_by_the_next_run(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    moved.configure(moving("parallel"))
    with monkeypatch.context() as patched:

        def interrupted(*_: Any) -> int:
            raise KeyboardInterrupt

        patched.setattr(command, "run_pulumi", interrupted)
        assert moved.run("--yes").exit_code == 130
    assert moved.section == moving("parallel")
    assert moved.run("--yes").exit_code == 0
    assert moved.section == approval([manual()])


def test_unwritten_file_is_written_by_the_next_run(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:

        def refuse(_file: Path) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr(command, "replaced_file", refuse)
        failed = begin(moved, "--yes")
    said = "Step parallel: the update succeeded, but " in failed.stderr and "No space left on device" in failed.stderr
    assert (failed.exit_code, said, moved.section) == (1, True, WORKFLOW)
    assert begin(moved, "--yes").exit_code == 0
    assert [each.get("justInTimeMigration") for each in moved.deployed] == ["parallel", "parallel", "draining", None]


def test_check_after_the_last_step_is_repeated(moved: Moved) -> None:
    moved.configure(moving("draining"))
    moved.findings = [Finding(check="approved-path", found="closed", remedy="open it")]
    for done in ("Step complete succeeded", "The approval mode is just-in-time"):
        stopped = moved.run("--yes")
        assert (stopped.exit_code, f"{done}, but the check of the principals" in stopped.stderr) == (1, True), (
            stopped.stderr
        )
    moved.findings = []
    assert moved.run("--yes").exit_code == 0
    assert len(moved.deployed) == 1


def test_move_stops_before_a_step_that_is_not_possible(moved: Moved) -> None:
    moved.situations = [replace(READY, paths=AccessPaths())]
    stopped = begin(moved, "--yes")
    assert (stopped.exit_code, "Step draining was not started." in stopped.stderr) == (1, True)
    assert "problem: approved-path" in stopped.stdout
    assert moved.section == moving("parallel")


def test_move_stops_after_a_step_that_closes_all_ways(moved: Moved) -> None:
    moved.findings = [Finding(check="approved-path", found="closed", remedy="open it")]
    stopped = begin(moved, "--yes")
    assert (stopped.exit_code, "restore the stack's configuration file" in stopped.stderr) == (1, True)
    assert len(moved.deployed) == 1


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("", 2)])
def test_each_step_is_confirmed(moved: Moved, answer: str, code: int) -> None:
    moved.configure(moving("draining"))
    assert moved.run(answer=answer).exit_code == code
    assert len(moved.deployed) == (code == 0)


def test_wait_polls_until_requests_have_ended(moved: Moved) -> None:
    moved.configure(moving("draining"))
    busy = replace(READY, requests=(open_request(RequestState.GRANTED),))
    moved.situations = [busy, busy, READY]
    assert moved.run("--yes", "--wait").exit_code == 0
    assert moved.pauses == 2
    moved.configure(moving("draining"))
    moved.situations = [replace(busy, paths=AccessPaths())]
    assert moved.run("--yes", "--wait").exit_code == 1
    moved.situations = [replace(READY, requests=ReadFailure(action="ssm:X", cause="denied", remedy="allow it"))]
    assert moved.run("--yes", "--wait").exit_code == 1
    assert moved.pauses == 2


def test_wrong_policies_change_nothing(moved: Moved) -> None:
    (moved.folder / "policies.yaml").write_text(yaml.safe_dump({"manualPolicies": [manual(levels=[])]}))
    refused = begin(moved, "--yes")
    assert (refused.exit_code, "manualPolicies[0].levels" in refused.stdout) == (1, True)
    assert (moved.deployed, moved.section) == ([], WORKFLOW)
    shown = begin(moved, "--plan")
    assert (shown.exit_code, "manualPolicies[0].levels" in shown.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "manual"], "--to: expected one of automation, just-in-time, got 'manual'."),
        (["--to", "change-manager"], "From automation, set approval.mode to change-manager and run pulumi up."),
        (["--json"], "--json: expected --plan, got --json alone"),
        ([], "--policies: expected a YAML file"),
    ],
)
def test_wrong_command_line_is_refused(moved: Moved, arguments: list[str], message: str) -> None:
    refused = moved.run(*arguments)
    assert (refused.exit_code, message in refused.stderr) == (2, True)


@pytest.mark.parametrize("text", ["[]", "a: [", "\udce9", "justInTime: {manualPolicies: []}"])
def test_unreadable_policies_are_refused(moved: Moved, text: str) -> None:
    (moved.folder / "policies.yaml").write_bytes(text.encode(errors="surrogateescape"))
    refused = begin(moved, "--yes")
    assert (refused.exit_code, "--policies: " in refused.stderr) == (2, True)
