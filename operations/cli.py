"""The command line: one module per subcommand, imported when it runs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from operations.defaults import PROFILE, REGIONS, option_defaults
from operations.errors import CommandError, ExitCode
from operations.version import VERSION

if TYPE_CHECKING:
    from typer._click.core import Command, Context  # Typer has no public names for them.

_MARKUP: Final = "markdown"
_OUTPUT_FAILURES: Final = {
    errno.EPIPE: "The output was closed before it was complete.",
    errno.ENOSPC: "The output cannot be written completely: no space left on device.",
}
_WITHOUT_AWS: Final = ("ports", "policy-pack", "deployer")
"""Commands that call no AWS API."""

COMMANDS: Final = {
    "ports": (
        "operations.ports.command:ports",
        "List the open ports of domain controllers, with their sources. Reads the stack's configuration and outputs only.",
    ),
    "verify": (
        "operations.verify.command:verify",
        "Compare live resources with the stack's settings. Changes nothing.",
    ),
    "connect": (
        "operations.connect.command:connect",
        "Start a session on an instance through Session Manager: a shell, or with --rdp or --remote-port a forwarded port.",
    ),
    "nodes": (
        "operations.doctor.command:nodes",
        "List all managed nodes of the stack's Regions, and running instances that are not managed. Changes nothing.",
    ),
    "orphans": (
        "operations.orphans:orphans",
        "List resources that carry the stack's owner tag and are not in its state. Changes nothing.",
    ),
    "doctor": (
        "operations.doctor.command:doctor",
        "Diagnose why a session on a node would fail or would not be logged, the most likely cause first. Changes nothing.",
    ),
    "audit": (
        "operations.audit.command:audit",
        "Find principals that bypass session approval. Changes nothing.",
    ),
    "request": (
        "operations.approval.commands:request",
        "Request a session on an instance. **Starts an Automation execution** that waits for approval.",
    ),
    "approve": (
        "operations.approval.commands:approve",
        "List requests that wait for approval; with RUN, **approve or reject** one of them.",
    ),
    "status": (
        "operations.approval.commands:status",
        "List requests and grants, with requesters, approvers, states and remaining time. Changes nothing.",
    ),
    "revoke": (
        "operations.approval.commands:revoke",
        "End a grant early, **with the operator's open sessions** on its instance.",
    ),
    "access": (
        "operations.access.command:app",
        "Show who can access which nodes through just-in-time node access. Changes nothing.",
    ),
    "migrate": (
        "operations.migration.command:app",
        "Move a stack to another mode of approval, step by step. CHANGES THE ACCOUNT.",
    ),
    "evidence": (
        "operations.evidence.command:evidence",
        "List sessions with their approvals and logs, from AWS' own records, with findings. Changes nothing.",
    ),
    "fleet": (
        "operations.fleet.commands:app",
        "Run one stack per account for a whole organization, in waves (docs/fleet.md).",
    ),
    "policy-pack": (
        "operations.policy_pack:policy_pack",
        """Write the policy pack's folder, and print its path for `--policy-pack "$(shell-access policy-pack)"`.""",
    ),
    "deployer": (
        "operations.deployer.commands:app",
        """Print the policies, permissions boundaries and trust policy of the roles for deployment, previews and \
`doctor`.""",
    ),
}
"""Import path and first paragraph of the help of each subcommand; a test compares it with the command's own help."""


class _Loaded(Mapping[str, "Command"]):
    """Subcommands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> Command:
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: Any = getattr(import_module(module), attribute)
        holder = typer.Typer(add_completion=False, rich_markup_mode=_MARKUP)
        holder.callback()(lambda: None)
        if isinstance(command, typer.Typer):
            holder.add_typer(command, name=name)
        else:
            holder.command(name)(command)
        group: Any = typer.main.get_command(holder)
        found = group.commands[name]
        if name not in _WITHOUT_AWS:
            _add_profile(found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(TyperGroup):
    """A group that lists its subcommands without their modules, which take half a second to import."""

    def __init__(self, **settings: Any) -> None:
        """Create the group with the settings that Typer passes."""
        super().__init__(**settings)
        self.commands: Any = _Loaded()

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 -- Typer's signature
        """Return the names of the subcommands, in the order of help."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 -- as above
        """Return a subcommand with its help only."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the subcommand to run, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS and not {*rest} & {"-h", "--help"}:
            defaults = option_defaults(name, rest)
            ctx.meta[REGIONS] = tuple(defaults.pop("regions", ()))
            ctx.default_map = {name: defaults}
        return name, self.commands[name] if name in COMMANDS else command, rest

    def invoke(self, ctx: Context) -> Any:
        """Run a command, and translate errors into a message and an exit code.

        A command also fails after any malformed response of AWS, even one without effect on the result.
        """
        _malformed_answers().clear()
        try:
            done = super().invoke(ctx)
        except typer.Exit as ended:
            if ended.exit_code:
                raise
            done = None
        except CommandError as failed:
            typer.echo(str(failed), err=True)
            raise typer.Exit(failed.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except OSError as failed:
            text = f"{failed.filename}: {failed.strerror}." if failed.filename else f"{failed.strerror or failed}."
            typer.echo(_OUTPUT_FAILURES.get(failed.errno or 0, text), err=True)
            raise typer.Exit(ExitCode.FINDINGS) from None
        except Exception as failed:
            failures = _aws_failures()
            if failures is not None and isinstance(failed, failures.ResourceError):
                typer.echo(str(CommandError(f"{failed}.")), err=True)
                raise typer.Exit(ExitCode.FINDINGS) from None
            if failures is None or not isinstance(failed, failures.NOT_DONE):
                raise
            why = failures.failure_of("", failed, "the Regions of the stack", "the caller")
            typer.echo(f"{why.reason}. Remedy: {why.remedy}.", err=True)
            raise typer.Exit(ExitCode.FINDINGS) from None
        malformed = _malformed_answers()
        if malformed:
            typer.echo(f"malformed answer: {malformed[0]}.", err=True)
            raise typer.Exit(ExitCode.FINDINGS)
        return done


def _use_profile(context: typer.Context, name: str | None) -> None:
    """Sign in with a profile only: this process, `pulumi` and the AWS CLI."""
    if name:
        context.meta[PROFILE] = name
        os.environ["AWS_PROFILE"] = os.environ["SHELL_ACCESS_PROFILE"] = name
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            os.environ.pop(variable, None)


def _with_profile(
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Profile of the shared AWS configuration files, in place of other credentials.",
            callback=_use_profile,
            expose_value=False,
        ),
    ] = None,
) -> None:
    """Declare the option that commands share."""


def _add_profile(command: Any) -> None:
    """Add the option `--profile` to a command, or to all subcommands of a group."""
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        holder = typer.Typer(add_completion=False)
        holder.command()(_with_profile)
        command.params += typer.main.get_command(holder).params
    children: dict[str, Any] = subcommands or {}
    for each in children.values():
        _add_profile(each)


def _aws_failures() -> Any:
    """Return the module about failures of AWS calls; None if no command has imported it, as for help."""
    return sys.modules.get("common.aws.failures")


def _malformed_answers() -> list[str]:
    failures = _aws_failures()
    return failures.MALFORMED_ANSWERS if failures else []


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    # A traceback would show values of the stack's configuration.
    pretty_exceptions_enable=False,
    rich_markup_mode=_MARKUP,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 -- Typer's signature
    if wanted:
        # Reading the installed versions takes time that no other command needs.
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"shell-access {VERSION} (pulumi {version('pulumi')}, pulumi-aws {version('pulumi-aws')})")
        raise typer.Exit


@app.callback()
def shell_access(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Operate a Shell Access stack. Commands change nothing unless their help says so."""
