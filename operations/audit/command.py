"""`audit`: find approval bypasses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from operations.audit.catalog import Severity
from operations.audit.exceptions import DEFAULT_FILE, chosen_exceptions
from operations.audit.protected import DeclaredPrincipals
from operations.audit.report import as_json, show
from operations.audit.run import AuditOptions, audit_stack
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import UnusableError
from operations.terminal import Terminal, print_json

if TYPE_CHECKING:
    from operations.audit.findings import Audit
    from operations.stack import StackConfiguration

_ARNS = "ARN or pattern of ARNs. Repeatable."


def audit(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    machine: Json = False,
    severity: Annotated[
        str, typer.Option(metavar="LEVEL", help="Minimum severity to report (low, medium, high, critical).")
    ] = "low",
    declare_admin: Annotated[
        list[str] | None, typer.Option(metavar="ARN", help=f"Administrator that may do everything by design. {_ARNS}")
    ] = None,
    approver: Annotated[
        list[str] | None, typer.Option(metavar="ARN", help=f"Approver in addition to the stack's. {_ARNS}")
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option(metavar="ARN", help=f"Operator in addition to the stack's. {_ARNS}")
    ] = None,
    exceptions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Accepted exceptions (YAML). Default: {DEFAULT_FILE} beside Pulumi.yaml, where it exists.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Find principals that bypass session approval. Changes nothing.

    Reads all users, groups, roles and policies of the stack's account (iam:GetAccountAuthorizationDetails), and the
    organization's service control policies where the credentials allow it. Lists each principal that can start, resume
    or end sessions outside the operators' policy, run code on nodes in another way, or change the roles, policies, tags
    or documents that the approval depends on, with the statements that allow it. Where a condition cannot be evaluated,
    the finding is one level lower and marked "cannot tell". docs/audit.md has an example and the remediation of each
    rule.

    Exit codes: 0 no finding, 1 findings, or IAM cannot be read, 2 the command line or the configuration cannot be used.
    """
    declared = DeclaredPrincipals(
        administrators=tuple(declare_admin or ()), approvers=tuple(approver or ()), operators=tuple(operator or ())
    )
    found = _audit(
        CommandContext.of(context).read_stack(cwd, stack),
        AuditOptions(declared=declared, least=_severity(severity), exceptions=chosen_exceptions(exceptions, cwd)),
    )
    if machine:
        print_json(as_json(found))
    else:
        show(found, Terminal())
    raise typer.Exit(found.exit_code)


def _severity(word: str) -> Severity:
    try:
        return Severity[word.upper()]
    except KeyError:
        allowed = ", ".join(each.word for each in Severity)
        raise UnusableError(f"--severity: expected one of {allowed}, got {word!r}.") from None


def _audit(configuration: StackConfiguration, options: AuditOptions) -> Audit:
    errors = Terminal(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Auditing ...", total=None)
        return audit_stack(
            configuration,
            options,
            lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
        )
