"""The commands `request`, `approve`, `status` and `revoke`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from common.problems import visible
from components.approval.runbook import APPROVAL_SECONDS
from operations.approval.executions import (
    NewRequest,
    check_decision,
    check_duplicates,
    check_request_text,
    check_workflow,
    decide,
    find_request,
    is_settled,
    list_requests,
    poll_request,
    requested_principal,
    submit_request,
)
from operations.approval.lookups import find_instance, find_operator, read_tags, tags_without_grant, with_live_data
from operations.approval.output import (
    local_time,
    print_request,
    print_tags,
    request_document,
    requests_table,
    start_command,
    state_text,
    tags_document,
)
from operations.approval.requests import ApprovalRequest, RequestState
from operations.approval.session import CallError, WorkflowSelector, open_session
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import ExitCode, UnusableError
from operations.reading import Unread
from operations.terminal import Terminal, print_json, print_line

if TYPE_CHECKING:
    from datetime import datetime

    from operations.approval.principals import Principal
    from operations.approval.session import ApprovalSession

_APPROVAL_HOURS: Final = APPROVAL_SECONDS // 3_600
_INTERRUPTED: Final = 130
"""Exit code of shells for an interrupt."""
_DECISION_POLLS: Final = 11
"""Maximum of polls for the result of a decision; other approvers may still have to approve."""

_Mode = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="automation or change-manager; with --region in place of a stack."),
]
_Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="Where the workflow lives; with --mode.")
]


def request(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="An ID, or a name such as app-1 (its Name tag).")],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for the approvers.")],
    as_role: Annotated[
        str | None, typer.Option("--as-role", metavar="NAME", help="Role to grant the session to. Default: the caller.")
    ] = None,
    as_user: Annotated[
        str | None, typer.Option("--as-user", metavar="NAME", help="User to grant the session to.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Request although the same is requested or granted already.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is granted or refused.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: _Mode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """Request a session on an instance. **Starts a run** that waits for the approval of another person.

    Works with your own AWS credentials, in either mode of approval. The grant is for the role or user of these
    credentials, unless another one is named.

    Exit codes: 0 asked (with --wait: granted), 1 AWS did not take the request (with --wait: no grant came of it), 2 the
    command line or the stack cannot be used.
    """
    if as_role and as_user:
        raise UnusableError("--as-role and --as-user are alternatives: choose one.")
    check_request_text(reason, as_role, as_user)
    command = CommandContext.of(context)
    session = open_session(command, WorkflowSelector(stack=stack, cwd=cwd, mode=mode, region=region))
    principal = requested_principal(session.identity.arn, as_role, as_user)
    new = _checked_request(session, principal, instance, reason, again=again)
    made = ApprovalRequest(
        id=submit_request(session, new),
        # The rest is not known yet, and reading it needs another permission.
        grant_id=None,
        requester=session.identity.arn,
        requested_at=command.now(),
        principal=new.principal,
        instance=new.instance,
        reason=new.reason,
        state=RequestState.WAITING,
    )
    if not json_output:
        _print_submitted(made, new, session.options)
    if wait:
        made = _wait(session, made, command)
    if json_output:
        print_json(request_document(made, command.now()))
    elif wait:
        _print_outcome(made, command.now())
    if wait and made.state is not RequestState.GRANTED:
        raise typer.Exit(ExitCode.FINDINGS)


def approve(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The request: the id of its run, or how it begins.")
    ] = None,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    comment: Annotated[str, typer.Option("--comment", "-m", metavar="TEXT", help="Why, for everybody.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: _Mode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """Lists what waits for approval; with RUN **says yes, or no,** to one request.

    Works with your own AWS credentials. Shows who asks for what before it asks you. Nobody approves their own request.

    Exit codes: 0 listed, or decided; 1 there was nothing to decide, AWS did not take the decision, or the runbook
    refused the request all the same; 2 the command line or the stack cannot be used, or you were not sure.
    """
    command = CommandContext.of(context)
    if run is None and (reject or comment or yes):
        raise UnusableError("--reject, --comment and --yes need a RUN. What waits: python -m operations approve")
    session = open_session(command, WorkflowSelector(stack=stack, cwd=cwd, mode=mode, region=region))
    if run is None:
        _print_waiting(session, command.now(), json_output=json_output)
        return
    (found,) = with_live_data(session, [find_request(session, run)])
    check_decision(found, session.identity.arn, approve=not reject)
    print_request(Terminal(stderr=True), found, command.now())
    if not yes:
        _confirm("Reject this?" if reject else "Approve this?", "Nothing was decided.")
    decide(session, found, approve=not reject, comment=comment)
    decided = poll_request(
        session,
        found.id,
        command.pause,
        # Settled, or the next level of approvers has to decide.
        lambda each: is_settled(each) or (each.state is RequestState.WAITING and each.levels[0] > found.levels[0]),
        attempts=_DECISION_POLLS,
    )
    if json_output:
        print_json(request_document(decided, command.now()))
    else:
        done = "Rejected. " if reject else "Approved. "
        state = state_text(decided, command.now())
        print_line(Terminal(), Text.assemble((done, "bold"), "The request is now: ", state))
    if not reject and decided.state in (RequestState.REFUSED, RequestState.FAILED):
        raise typer.Exit(ExitCode.FINDINGS)


def status(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="One request: the id of its run, or how it begins.")
    ] = None,
    *,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, max=1_000, metavar="NUMBER", help="How many that are over.")
    ] = 10,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: _Mode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """Lists requests and grants: who asked, who approved, where each stands, how much time is left. Changes nothing.

    All requests that are not over, and the last ones that are; Systems Manager keeps them for 30 days. Open sessions of a
    grant are listed with it. Below the table: operators who have the tag although no grant stands behind it.

    Exit codes: 0 listed, 1 an operator has a tag without a grant, or that or the requests cannot be told, 2 the command
    line or the stack cannot be used.
    """
    command = CommandContext.of(context)
    session = open_session(command, WorkflowSelector(stack=stack, cwd=cwd, mode=mode, region=region))
    if run is None:
        raise typer.Exit(_print_status(session, last, command.now(), json_output=json_output))
    (found,) = with_live_data(session, [find_request(session, run)])
    if json_output:
        print_json(request_document(found, command.now()))
        return
    console = Terminal()
    print_request(console, found, command.now())
    if found.state is RequestState.GRANTED:
        print_line(console, f"{'start:':13}{start_command(found)}")
        print_line(console, f"{'revoke:':13}python -m operations revoke {found.id}{session.options}")


def revoke(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The ID of the grant's run, or how it begins.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: _Mode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """End a grant early, **with the operator's open sessions** on its instance.

    Stops the run of the grant. The run then removes the tag and ends the sessions with its own role, so that no other
    principal needs a permission to end sessions.

    Exit codes: 0 ended; 1 there is no live grant, AWS did not stop it, or a session is still open; 2 the command line or
    the stack cannot be used, or it was not confirmed.
    """
    command = CommandContext.of(context)
    session = open_session(command, WorkflowSelector(stack=stack, cwd=cwd, mode=mode, region=region))
    (granted,) = with_live_data(session, [find_request(session, run)])
    grant_id = _live_grant(granted, session.options)
    print_request(Terminal(stderr=True), granted, command.now())
    if not yes:
        _confirm("End this grant and its sessions?", "Nothing was ended.")
    session.call("stop_automation_execution", AutomationExecutionId=grant_id, Type="Cancel")
    ended = poll_request(session, granted.id, command.pause, lambda each: each.is_over)
    (ended,) = with_live_data(session, [ended])
    if json_output:
        print_json(request_document(ended, command.now()))
    else:
        console = Terminal()
        print_line(console, Text.assemble("The grant is now: ", state_text(ended, command.now())))
        for each in ended.sessions or ():
            print_line(console, f"Session {each} is still open.", "bold red")
    if ended.sessions or ended.holds_tag:
        raise typer.Exit(ExitCode.FINDINGS)


def _checked_request(
    session: ApprovalSession, principal: Principal, instance: str, reason: str, *, again: bool
) -> NewRequest:
    """Return the request once instance, operator and other requests are checked, before any approver is asked."""
    with suppress(CallError):
        # The document may not be readable; starting it reports the error.
        check_workflow(session)
    found, name = find_instance(session, instance)
    new = NewRequest(principal=principal, instance=found, name=name, reason=reason)
    new.check()
    new = replace(new, principal=find_operator(session, principal))
    if not again:
        check_duplicates(session, new)
    return new


def _print_submitted(made: ApprovalRequest, new: NewRequest, options: str) -> None:
    approve_command = f"python -m operations approve {made.id}{options}"
    for line in (
        f"Requested a session on {new.shown_instance} for {made.principal}, as {made.requester}.",
        f"  run:       {made.id}",
        f"  approve:   {approve_command}    (another person, within {_APPROVAL_HOURS} hours)",
        f"  follow:    python -m operations status {made.id}{options}",
    ):
        print_line(Terminal(), line)


def _wait(session: ApprovalSession, made: ApprovalRequest, command: CommandContext) -> ApprovalRequest:
    """Poll a request until it is granted or refused, and report each new state on standard error."""
    console, reported = Terminal(stderr=True), set[tuple[RequestState, bool]]()

    def report(polled: ApprovalRequest) -> bool:
        state = (polled.state, polled.until is None)
        if state not in reported:
            reported.add(state)
            print_line(console, Text.assemble("  now:       ", state_text(polled, command.now())))
        return is_settled(polled)

    try:
        with console.status("Waiting ..."):
            return poll_request(session, made.id, command.pause, report)
    except KeyboardInterrupt:
        typer.echo(f"The request stands: python -m operations status {made.id}{session.options}", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _print_outcome(made: ApprovalRequest, now: datetime) -> None:
    console = Terminal()
    if made.state is not RequestState.GRANTED:
        print_line(console, Text.assemble("No grant: ", state_text(made, now)))
        return
    until = f" until {local_time(made.until, now)}" if made.until else ""
    print_line(console, f"Granted{until}. Start the session as {made.principal}:", "bold green")
    print_line(console, f"  {start_command(made)}")


def _print_waiting(session: ApprovalSession, now: datetime, *, json_output: bool) -> None:
    requests = list_requests(session, ended=0)
    waiting = with_live_data(session, [each for each in requests if each.state is RequestState.WAITING])
    if json_output:
        print_json({"waiting": [request_document(each, now) for each in waiting]})
        return
    console = Terminal()
    if not waiting:
        print_line(console, "Nothing waits for approval.")
        return
    console.print(requests_table(waiting, now, "Waiting for approval"))
    for each in waiting:
        print_line(console, f"{each.id[:8]} reason: {visible(each.reason) or 'none given'}")
    print_line(console, f"Decide: python -m operations approve RUN [--reject] [--comment TEXT]{session.options}")


def _print_status(session: ApprovalSession, last: int, now: datetime, *, json_output: bool) -> ExitCode:
    """Print all requests and the tags without a grant, and return the exit code."""
    tags = read_tags(session)
    incomplete: list[str] = []
    requests = with_live_data(session, list_requests(session, last, incomplete))
    if incomplete and not isinstance(tags, Unread):
        # A grant that was not read may belong to any of the tags.
        tags = Unread(action="ssm:DescribeAutomationExecutions", cause=incomplete[0], remedy="try again")
    stray = tags if isinstance(tags, Unread) else tags_without_grant(tags, requests)
    if json_output:
        listed = [request_document(each, now) for each in requests]
        print_json({"requests": listed, **tags_document(stray), **({"incomplete": incomplete} if incomplete else {})})
    else:
        console = Terminal()
        for why in incomplete:
            print_line(console, f"Incomplete: {why}", "bold magenta")
        if requests:
            console.print(requests_table(requests, now, f"Requests in {session.workflow.region}"))
        elif not incomplete:
            print_line(console, "No session has been requested.")
        print_tags(console, stray)
    return ExitCode.FINDINGS if stray or incomplete else ExitCode.SUCCESS


def _live_grant(request: ApprovalRequest, options: str) -> str:
    """Return the ID of the execution to stop.

    Raises:
        CallError: There is no live grant.
    """
    if request.state is RequestState.WAITING:
        raise CallError(
            f"Request {request.id} is not granted: it waits for approval. Reject it: python -m operations approve "
            f"{request.id} --reject{options}"
        )
    if not request.state.is_open or request.grant_id is None:
        still = f" Open sessions of it: {', '.join(request.sessions)}." if request.sessions else ""
        raise CallError(f"Request {request.id} has no live grant: it is {request.state}.{still}")
    return request.grant_id


def _confirm(question: str, refusal: str) -> None:
    """Ask for confirmation, on standard error, so that standard output stays one document.

    Raises:
        UnusableError: The answer is not yes, or there is no terminal.
    """
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UnusableError(f"\n{refusal} To confirm without a terminal: --yes")
