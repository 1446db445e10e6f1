"""The command `migrate approval`: shows a move to another mode of approval, and makes it step by step."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
import yaml

from common.problems import shown
from components.approval.settings import Mode
from operations.audit.exceptions import DEFAULT_FILE, chosen_exceptions
from operations.audit.protected import DeclaredPrincipals
from operations.audit.run import AuditOptions
from operations.command_line import CommandContext, Cwd, Json, Stack, confirm
from operations.errors import CommandError, ExitCode, UnusableError
from operations.file_replacement import replaced_file
from operations.inventory.reader import ReadFailure
from operations.migration.approval import OPEN_REQUESTS, MigrationStep, Move, move_of, obstacles
from operations.migration.output import as_json, print_move, print_obstacles, print_step
from operations.migration.situation import SituationReader
from operations.migration.stack_file import stack_file, with_approval
from operations.policy_pack import PackConfigurations, pack_options, policy_packs
from operations.terminal import Terminal, print_json, print_line, working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.migration.approval import MigrationSituation
    from operations.policy_pack import PolicyPack

app = typer.Typer(
    no_args_is_help=True, help="Move a stack to another mode of approval, step by step. CHANGES THE ACCOUNT."
)

_POLL_SECONDS: Final = 30.0
_TARGETS: Final = (Mode.AUTOMATION, Mode.JUST_IN_TIME)


@app.callback()
def migrate() -> None:
    """Move a stack to another mode of approval, step by step. CHANGES THE ACCOUNT."""


@app.command(name="approval")
def approval(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    *,
    to: Annotated[str, typer.Option("--to", metavar="MODE", help="New mode (automation, just-in-time).")],
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what changes, and what must exist first. Changes nothing.")
    ] = False,
    policies: Annotated[
        Path | None,
        typer.Option(
            "--policies",
            metavar="FILE",
            help="Section justInTime of the settings (YAML), which the first step adds to the stack's configuration.",
            dir_okay=False,
            exists=True,
        ),
    ] = None,
    policy_pack: Annotated[
        list[Path] | None,
        typer.Option("--policy-pack", metavar="DIRECTORY", help="Policy pack to evaluate in each update. Repeatable."),
    ] = None,
    policy_pack_config: PackConfigurations = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait until the workflow's requests and grants have ended.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation before each step.")] = False,
    accept_unreachable: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-unreachable",
            metavar="NODE",
            help="Node (ID or Name tag) that may remain without a policy: no session on it can be requested. * for all nodes. Repeatable.",
        ),
    ] = None,
    accept_lost_requests: Annotated[
        bool,
        typer.Option("--accept-lost-requests", help="Accept that pending change requests must be submitted again."),
    ] = False,
    declare_admin: Annotated[
        list[str] | None,
        typer.Option(
            "--declare-admin",
            metavar="ARN",
            help="Administrator that may do everything by design. ARN or pattern of ARNs. Repeatable.",
        ),
    ] = None,
    exceptions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Accepted exceptions of the audit (YAML). Default: {DEFAULT_FILE} beside Pulumi.yaml, where it exists.",
            dir_okay=False,
        ),
    ] = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """Move a stack from its mode of approval to automation or just-in-time node access.

    **Changes the account and the stack's configuration file**, unless --plan is given. Each step is an update of the stack
    (`pulumi up`), begins only when its conditions hold, and is followed by a check that a session can still be requested,
    and that none can be started without an approval. An interrupted move continues where it stopped. Needs the permissions
    of the deployment role and of `audit`. docs/just-in-time.md has the steps.

    Exit codes: 0 moved (with --plan: nothing prevents the next step), 1 a step is not possible yet or failed, 2 the command
    line or the configuration cannot be used.
    """
    if json_output and not plan:
        raise UnusableError(
            "--json: expected --plan, got --json alone. Add --plan, or omit --json: a move prints the output of pulumi."
        )
    command = CommandContext.of(context)
    options = AuditOptions(
        declared=DeclaredPrincipals(administrators=tuple(declare_admin or ())),
        exceptions=chosen_exceptions(exceptions, cwd),
    )
    runner = _Runner(
        command=command,
        directory=cwd,
        stack=stack,
        target=_mode(to),
        policies=_policies(policies),
        packs=policy_packs(policy_pack, policy_pack_config),
        options=options,
        unreachable=tuple(accept_unreachable or ()),
        accept_lost=accept_lost_requests,
    )
    if plan:
        raise typer.Exit(runner.show(json_output=json_output))
    runner.run(wait=wait, yes=yes)


@dataclass(frozen=True, kw_only=True)
class _Runner:
    """A move by the command line.

    Attributes:
        command: External dependencies of the command.
        directory: Directory of Pulumi.yaml.
        stack: Name of the stack; None: the selected one.
        policies: Section `justInTime` of the settings; None: the stack's.
        options: Declared principals and accepted exceptions of the audit.
        unreachable: Nodes that need no policy.
        accept_lost: Whether change requests that wait may be lost.
    """

    command: CommandContext
    directory: Path
    stack: str | None
    target: Mode
    policies: dict[str, Any] | None
    packs: tuple[PolicyPack, ...]
    options: AuditOptions
    unreachable: tuple[str, ...]
    accept_lost: bool
    console: Terminal = field(default_factory=Terminal)

    def show(self, *, json_output: bool) -> ExitCode:
        """Print the move; nothing is changed."""
        move = self._move()
        if move is None:
            if json_output:
                print_json({"stack": self.stack, "to": str(self.target), "steps": []})
            else:
                self._print_done()
            return ExitCode.SUCCESS
        problems = move.problems()
        situation = None if problems else self._situation(move)
        found = {step: problems if situation is None else self._obstacles(step, situation) for step in move.steps}
        if json_output:
            print_json(as_json(move, situation, found))
        else:
            print_move(self.console, move, situation, found, self.command.now())
        return ExitCode.FINDINGS if found[move.steps[0]] else ExitCode.SUCCESS

    def run(self, *, wait: bool, yes: bool) -> None:
        """Make the steps that are left.

        Raises:
            CommandError: A step is not possible yet, or failed.
            UnusableError: The configuration cannot be used, or the step is not confirmed.
        """
        step: MigrationStep | None = None
        while (move := self._move()) is not None:
            file = stack_file(self.directory, move.configuration.name)
            self._check("settings", move.steps[0], move.problems())
            step = move.steps[0]
            situation = self._situation(move)
            while wait and self._waits_only(step, situation):
                with working("Waiting for the workflow's open requests and grants to end ..."):
                    self.command.pause(_POLL_SECONDS)
                situation = self._situation(move)
            self._check("step", step, self._obstacles(step, situation))
            print_step(self.console, move, step)
            if not yes:
                confirm(f"Start step {step}?", "This step changed nothing.")
            self._deploy(move, step, file)
            self._check_paths(f"Step {step} succeeded")
        if step is None:
            # The run that made the last step may have ended before its check.
            self._check_paths(f"The approval mode is {self.target}")
        self._print_done()

    def _move(self) -> Move | None:
        configuration = self.command.read_stack(self.directory, self.stack)
        return move_of(configuration, self.target, self.policies)

    def _situation(self, move: Move) -> MigrationSituation:
        outputs = self.command.read_outputs(self.directory, self.stack)
        with working("Reading the account ..."):
            return SituationReader(move.configuration, self.options).read(move, outputs)

    def _obstacles(self, step: MigrationStep, situation: MigrationSituation) -> list[Any]:
        return obstacles(step, self.target, situation, unreachable=self.unreachable, accept_lost=self.accept_lost)

    def _waits_only(self, step: MigrationStep, situation: MigrationSituation) -> bool:
        """Return whether open requests alone prevent a step."""
        found = self._obstacles(step, situation)
        known = not isinstance(situation.requests, ReadFailure)
        return known and bool(found) and all(each.check == OPEN_REQUESTS for each in found)

    def _check(self, what: str, step: MigrationStep, found: Sequence[Any]) -> None:
        if not found:
            return
        print_obstacles(self.console, found)
        changed = "Nothing was changed." if what == "settings" else f"Step {step} was not started."
        raise CommandError(f"{changed} Fix the problems above, then run this command again.")

    def _deploy(self, move: Move, step: MigrationStep, file: Path) -> None:
        """Update the stack with the configuration after a step, then keep it in the stack's file."""
        name = move.configuration.name
        text = with_approval(file.read_text(encoding="utf-8"), move.changes(step))
        with tempfile.TemporaryDirectory(prefix="shell-access-") as folder:
            temporary = Path(folder) / file.name
            temporary.write_text(text, encoding="utf-8")
            code = run_pulumi(self.directory, name, temporary, self.packs)
        if code:
            raise CommandError(
                f"Step {step}: the update failed, as the output of pulumi above shows. {file} was not changed. Fix the cause, "
                "then run this command again to repeat the step."
            )
        try:
            with replaced_file(file) as opened:
                opened.write(text)
        except OSError as failed:
            raise CommandError(
                f"Step {step}: the update succeeded, but {file} cannot be written: {failed}. Do not run pulumi up, which would "
                "revert the update. Fix the cause, then run this command again to repeat the step."
            ) from None

    def _check_paths(self, done: str) -> None:
        """Check that a session can be requested after a step, and started by no one without an approval.

        Args:
            done: What is done, for the message.

        Raises:
            CommandError: It cannot, or that is not known.
        """
        configuration = self.command.read_stack(self.directory, self.stack)
        with working("Checking who can start sessions ..."):
            found = SituationReader(configuration, self.options).path_findings()
        if found:
            print_obstacles(self.console, found)
            raise CommandError(
                f"{done}, but the check of the principals that can start sessions failed. Fix the problems above. To roll back, "
                "restore the stack's configuration file and run pulumi up."
            )

    def _print_done(self) -> None:
        print_line(self.console, f"The approval mode is {self.target}.", style="bold green")


def run_pulumi(directory: Path, stack: str, configuration: Path, packs: tuple[PolicyPack, ...]) -> int:
    """Update a stack with another configuration file; the output is shown. Return the exit code.

    Ctrl-C reaches the engine as well, which finishes its current operations; it is awaited.

    Raises:
        UnusableError: There is no `pulumi`.
        KeyboardInterrupt: Ctrl-C, after the engine has ended.
    """
    arguments = ["--non-interactive", "--yes", "--skip-preview", "--stack", stack, "--config-file", str(configuration)]
    arguments += pack_options([each.resolved() for each in packs])
    try:
        process = subprocess.Popen(["pulumi", "up", *arguments], cwd=directory, stdin=subprocess.DEVNULL)  # noqa: S603, S607
    except FileNotFoundError:
        raise UnusableError("pulumi is not on the PATH. Install it: https://www.pulumi.com/docs/install/") from None
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
            continue
        if interrupted:
            raise KeyboardInterrupt
        return code


def _mode(text: str) -> Mode:
    if text not in _TARGETS:
        fix = f" From automation, set approval.mode to {text} and run pulumi up." if text in set(Mode) else ""
        raise UnusableError(f"--to: expected one of {', '.join(_TARGETS)}, got {text!r}.{fix}")
    return Mode(text)


def _policies(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise UnusableError(f"--policies: {file} cannot be read as YAML: {wrong}") from None
    if not isinstance(content, dict) or not {"manualPolicies", "autoApprovals"} & set(cast("dict[Any, Any]", content)):
        raise UnusableError(
            f"--policies: expected a mapping with manualPolicies or autoApprovals in {file}, got {shown(content)}. Write the "
            "keys of justInTime at the top level of the file."
        )
    return {str(key): value for key, value in content.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
