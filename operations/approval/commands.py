"""The commands `request`, `approve`, `status` and `revoke`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from common.problems import visible
from components.approval.runbook import APPROVAL_SECONDS
from operations.approval import executions, output
from operations.approval.access_requests import check_requester, expect_decision, find_node, send_signal, token_state
from operations.approval.lookups import find_instance, find_operator, read_tags, tags_without_grant, with_live_data
from operations.approval.requests import ApprovalRequest, RequestState
from operations.approval.session import CallError, as_person, open_session
from operations.command_line import ApprovalMode, Cwd, Json, Stack, confirm
from operations.errors import ExitCode, UnusableError
from operations.inventory.reader import ReadFailure
from operations.terminal import Terminal, print_json, print_line, program_name, working

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from operations.approval.session import ApprovalSession
    from operations.principals import GrantedPrincipal

_APPROVAL_HOURS: Final = APPROVAL_SECONDS // 3_600
_DECISION_POLLS: Final = 11
"""Maximum of polls for the result of a decision; other approvers may still have to approve."""

_REVOCATION_POLLS: Final = 600
"""Maximum of polls for the end of a grant; the steps that end one take some minutes at most."""

_Region = Annotated[str | None, typer.Option("--region", metavar="REGION", help="Region of the workflow; with --mode.")]


def request(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="Instance ID, or value of its Name tag.")],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Reason, shown to the approvers.")],
    as_role: Annotated[
        str | None, typer.Option("--as-role", metavar="NAME", help="Role to grant the session to. Default: the caller.")
    ] = None,
    as_user: Annotated[
        str | None, typer.Option("--as-user", metavar="NAME", help="User to grant the session to.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Request even if the same session is already requested or granted.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is granted or refused.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ApprovalMode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """Request a session on an instance. **Starts an Automation execution** that waits for approval.

    Works with your own AWS credentials, in every mode of approval. The grant is for the role or user of these
    credentials, unless another one is named; with a permission set of IAM Identity Center, for your operator's role,
    which the command assumes. In mode just-in-time it **starts an access request** for your own session; what AWS would
    refuse, or fail as a conflict of policies, is refused before.

    Exit codes: 0 requested (with --wait: granted), 1 the request was not accepted (with --wait: not granted), 2 the
    command line or the stack cannot be used.
    """
    if as_role and as_user:
        raise UnusableError("--as-role and --as-user are alternatives: choose one.")
    executions.check_request_text(reason, as_role, as_user)
    session = open_session(context, stack, cwd, mode, region)
    session = _as_requester(session, is_for_another=bool(as_role or as_user))
    principal = executions.requested_principal(session.identity.arn, as_role, as_user)
    with working("Checking the request ..."):
        new = _checked_request(session, principal, instance, reason, again=again)
    submitted = ApprovalRequest(
        id=executions.submit_request(session, new),
        # The rest is not known yet, and reading it needs another permission.
        grant_id=None,
        requester=session.identity.arn,
        requested_at=session.now(),
        principal=new.principal,
        instance=new.instance,
        instance_name=new.name,
        reason=new.reason,
        state=RequestState.WAITING,
        region=new.region,
    )
    if not json_output:
        _print_submitted(submitted, new, session.options)
    if wait:
        submitted = _wait(session, submitted)
    if json_output:
        print_json(output.request_document(submitted, session.now()))
    elif wait:
        _print_outcome(submitted, session.now())
    if wait and submitted.state is not RequestState.GRANTED:
        raise typer.Exit(ExitCode.FINDINGS)


def approve(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Request: ID of its execution, or its first characters.")
    ] = None,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Reject the request.")] = False,
    comment: Annotated[
        str, typer.Option("--comment", "-m", metavar="TEXT", help="Comment recorded with the decision.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ApprovalMode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """List requests that wait for approval; with RUN, **approve or reject** one of them.

    Works with your own AWS credentials. Shows the request before it asks for confirmation. Requesters cannot approve
    their own requests.

    Exit codes: 0 listed, or decided; 1 the request does not wait for approval or its state is not known, AWS did not
    accept the decision, or the runbook refused the approved request; 2 the command line or the stack cannot be used, or
    it was not confirmed.
    """
    if run is None and (reject or comment or yes):
        raise UnusableError(
            f"--reject, --comment and --yes require RUN. List waiting requests: {program_name()} approve"
        )
    session = open_session(context, stack, cwd, mode, region)
    if run is None:
        raise typer.Exit(_print_waiting(session, json_output=json_output))
    with working("Reading the request ..."):
        (found,) = with_live_data(session, [executions.find_request(session, run)])
    executions.check_decision(found, session.identity.arn, approve=not reject)
    output.print_request(Terminal(stderr=True), found, session.now())
    if not yes:
        confirm("Reject this?" if reject else "Approve this?", "Nothing was decided.")
    executions.decide(session, found, approve=not reject, comment=comment)
    with working("Waiting for the result of the decision ..."):
        decided = executions.poll_request(
            lambda: executions.find_request(session, found.id),
            session.pause,
            # Settled, or the next level of approvers has to decide.
            lambda each: (
                executions.is_settled(each) or (each.state is RequestState.WAITING and each.levels[0] > found.levels[0])
            ),
            attempts=_DECISION_POLLS,
        )
    if json_output:
        print_json(output.request_document(decided, session.now()))
    else:
        done = "Rejected. " if reject else "Approved. "
        state = output.state_text(decided, session.now())
        print_line(Terminal(), Text.assemble((done, "bold"), "The request is now: ", state))
    if not reject and decided.state in (RequestState.REFUSED, RequestState.FAILED):
        raise typer.Exit(ExitCode.FINDINGS)


def status(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Show only this request: ID of its execution, or its first characters."),
    ] = None,
    *,
    last: Annotated[
        int,
        typer.Option("--last", "-n", min=0, max=1_000, metavar="NUMBER", help="Number of completed requests to show."),
    ] = 10,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ApprovalMode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """List requests and grants, with requesters, approvers, states and remaining time. Changes nothing.

    Shows all open requests and the latest completed ones, which Systems Manager keeps for 30 days. Open sessions of a
    grant are listed with it. Below the table are operators that have the tag without a grant.

    Exit codes: 0 listed, 1 an operator has the tag without a grant, or tags, requests or open sessions cannot be read, 2
    the command line or the stack cannot be used.
    """
    session = open_session(context, stack, cwd, mode, region)
    if run is None:
        raise typer.Exit(_print_status(session, last, json_output=json_output))
    with working("Reading the request ..."):
        found = executions.find_request(session, run)
        if found.state is RequestState.GRANTED and not found.is_access_request:
            # Among the others, it shows whether one of them has replaced it.
            live = executions.list_requests(session, ended=0, incomplete=[])
            found = next((each for each in live if each.id == found.id), found)
        (found,) = with_live_data(session, [found])
    if json_output:
        print_json(output.request_document(found, session.now()))
    else:
        console = Terminal()
        output.print_request(console, found, session.now())
        if found.state is RequestState.GRANTED:
            print_line(console, f"{'start:':13}{output.start_command(found)}")
            print_line(console, f"{'revoke:':13}{program_name()} revoke {found.id}{session.options}")
    raise typer.Exit(_exit_code([found]))


def revoke(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Request of the grant: ID of its execution, or its first characters.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ApprovalMode = None,
    region: _Region = None,
    json_output: Json = False,
) -> None:
    """End a grant early, **with the operator's open sessions** on its instance.

    Stops the execution of the grant, which then removes the tag and ends the sessions with its own role, so that no
    other principal needs permission to end sessions. In mode just-in-time an approver revokes the access request; AWS
    ends no session, and the command lists those that are open.

    Exit codes: 0 ended; 1 there is no active grant, AWS did not stop it, or a session is or may be still open; 2 the
    command line or the stack cannot be used, or it was not confirmed.
    """
    session = open_session(context, stack, cwd, mode, region)
    with working("Reading the request ..."):
        (granted,) = with_live_data(session, [executions.find_request(session, run)])
    grant_id = _live_grant(granted, session.options)
    output.print_request(Terminal(stderr=True), granted, session.now())
    if not yes:
        question = "Revoke this access? AWS does not end its sessions." if session.is_just_in_time else ""
        confirm(question or "End this grant and its sessions?", "Nothing was ended.")
    if session.is_just_in_time:
        send_signal(session, granted, "Revoke")
    else:
        session.call("stop_automation_execution", AutomationExecutionId=grant_id, Type="Cancel")
    with working("Ending the grant and its sessions, for about a minute ..."):
        ended = executions.poll_request(
            lambda: executions.find_request(session, granted.id),
            session.pause,
            lambda each: each.is_over,
            attempts=_REVOCATION_POLLS,
        )
        (ended,) = with_live_data(session, [ended])
    if json_output:
        print_json(output.request_document(ended, session.now()))
    else:
        console = Terminal()
        print_line(console, Text.assemble("The grant is now: ", output.state_text(ended, session.now())))
        for each in ended.sessions or ():
            print_line(console, f"Session {each} is still open.{_end_command(ended, each)}", style="bold red")
        if ended.sessions_unread:
            print_line(console, f"Cannot tell which sessions are open: {ended.sessions_unread}.", style="bold magenta")
    if ended.sessions or ended.holds_tag or not ended.is_over or _exit_code([ended]):
        raise typer.Exit(ExitCode.FINDINGS)


def _as_requester(session: ApprovalSession, *, is_for_another: bool) -> ApprovalSession:
    """Return the session with the credentials that make the request.

    Raises:
        UnusableError: These credentials cannot request access, or not for another principal.
        CallError: The person's role cannot be used.
    """
    if not session.is_just_in_time:
        return session if is_for_another else as_person(session)
    if is_for_another:
        raise UnusableError(
            "--as-role, --as-user: expected neither, as an access request is for the caller's own session."
        )
    check_requester(session.identity.arn)
    return session


def _checked_request(
    session: ApprovalSession, principal: GrantedPrincipal, instance: str, reason: str, *, again: bool
) -> executions.NewRequest:
    """Return the request once instance, operator and other requests are checked, before any approver is notified."""
    if session.is_just_in_time:
        node = find_node(session, instance)
        new = executions.NewRequest(
            principal=principal,
            instance=node.id,
            name=node.name,
            reason=reason,
            region=node.region,
            expected=expect_decision(session, node),
        )
    else:
        with suppress(CallError):
            # The document may not be readable; starting it reports the error.
            executions.check_workflow(session)
        found, name = find_instance(session, instance)
        new = executions.NewRequest(principal=principal, instance=found, name=name, reason=reason)
        new.check()
        new = replace(new, principal=find_operator(session, principal))
    unread = "" if again else executions.check_duplicates(session, new)
    if unread:
        # The permission to read them is not necessary for a request.
        print_line(Terminal(stderr=True), f"Cannot tell whether the same session is already requested: {unread}")
    return new


def _print_submitted(submitted: ApprovalRequest, new: executions.NewRequest, options: str) -> None:
    within = "" if submitted.is_access_request else f", within {_APPROVAL_HOURS} hours"
    for line in (
        f"Requested a session on {new.shown_instance} for {submitted.principal}, as {submitted.requester}.",
        f"  run:       {submitted.id}",
        *(f"  decision:  {visible(each)}" for each in new.expected),
        f"  approve:   {program_name()} approve {submitted.id}{options}    (another principal{within})",
        f"  follow:    {program_name()} status {submitted.id}{options}",
    ):
        print_line(Terminal(), line)


def _wait(session: ApprovalSession, submitted: ApprovalRequest) -> ApprovalRequest:
    """Poll a request until it is granted or refused, and report each new state on standard error."""
    console, reported = Terminal(stderr=True), set[tuple[RequestState, bool]]()

    def report(polled: ApprovalRequest) -> bool:
        state = (polled.state, polled.until is None)
        if state not in reported:
            reported.add(state)
            print_line(console, Text.assemble("  now:       ", output.state_text(polled, session.now())))
        return executions.is_settled(polled)

    try:
        with console.status("Waiting ..."):
            # The state of the access token decides about sessions; requesters may not see the approvals.
            return executions.poll_request(
                lambda: (
                    token_state(session, submitted)
                    if submitted.is_access_request
                    else executions.find_request(session, submitted.id)
                ),
                session.pause,
                report,
            )
    except KeyboardInterrupt:
        typer.echo(f"The request is still open: {program_name()} status {submitted.id}{session.options}", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _print_outcome(submitted: ApprovalRequest, now: datetime) -> None:
    console = Terminal()
    if submitted.state is not RequestState.GRANTED:
        print_line(console, Text.assemble("Not granted: ", output.state_text(submitted, now)))
        return
    until = f" until {output.local_time(submitted.until, now)}" if submitted.until else ""
    print_line(console, f"Granted{until}. Start the session as {submitted.principal}:", style="bold green")
    print_line(console, f"  {output.start_command(submitted)}")
    if not submitted.is_access_request:
        print_line(Terminal(stderr=True), output.GRANT_DELAY)


def _print_waiting(session: ApprovalSession, *, json_output: bool) -> ExitCode:
    """Print the requests that wait, or may wait, for approval, and return the exit code."""
    states, now = (RequestState.WAITING, RequestState.UNKNOWN), session.now()
    with working("Reading the requests ..."):
        waiting = with_live_data(
            session, [each for each in executions.list_requests(session, ended=0) if each.state in states]
        )
    if json_output:
        print_json({"waiting": [output.request_document(each, now) for each in waiting]})
        return _exit_code(waiting)
    console = Terminal()
    if not waiting:
        print_line(console, f"No request waits for approval in {session.scope}.")
        return ExitCode.SUCCESS
    console.print(output.requests_table(waiting, now, f"Waiting for approval in {session.scope}"))
    for each in waiting:
        print_line(console, f"{output.short_id(each)} reason: {visible(each.reason) or 'none'}")
    print_line(console, f"Decide: {program_name()} approve RUN [--reject] [--comment TEXT]{session.options}")
    return _exit_code(waiting)


def _print_status(session: ApprovalSession, last: int, *, json_output: bool) -> ExitCode:
    """Print all requests and the tags without a grant, and return the exit code."""
    incomplete, now = list[str](), session.now()
    with working("Reading the requests ..."):
        tags = read_tags(session)
        requests = with_live_data(session, executions.list_requests(session, last, incomplete))
    if incomplete and not isinstance(tags, ReadFailure):
        # A grant that was not read may belong to any of the tags.
        tags = ReadFailure(action="ssm:DescribeAutomationExecutions", cause=incomplete[0], remedy="try again")
    stray = tags if isinstance(tags, ReadFailure) else tags_without_grant(tags, requests)
    if json_output:
        listed = [output.request_document(each, now) for each in requests]
        print_json(
            {"requests": listed, **output.tags_document(stray), **({"incomplete": incomplete} if incomplete else {})}
        )
    else:
        console = Terminal()
        for why in incomplete:
            print_line(console, f"Incomplete: {why}", style="bold magenta")
        if requests:
            console.print(output.requests_table(requests, now, f"Requests in {session.scope}"))
        elif not incomplete:
            print_line(console, f"No session has been requested in {session.scope}.")
        output.print_tags(console, stray)
    return ExitCode.FINDINGS if stray or incomplete else _exit_code(requests)


def _exit_code(requests: Sequence[ApprovalRequest]) -> ExitCode:
    """Return the exit code for listed requests: the state of each is known, and so are its open sessions."""
    is_unread = any(each.sessions_unread or each.state is RequestState.UNKNOWN for each in requests)
    return ExitCode.FINDINGS if is_unread else ExitCode.SUCCESS


def _live_grant(request: ApprovalRequest, options: str) -> str:
    """Return the ID of the execution to stop; empty where there is none, which revoking an access request reports.

    Raises:
        CallError: There is no active grant.
    """
    if request.state is RequestState.WAITING:
        raise CallError(
            f"Request {request.id} is not granted: it waits for approval. Reject it: {program_name()} approve "
            f"{request.id} --reject{options}"
        )
    if not request.state.may_be_open or (request.grant_id is None and not request.is_access_request):
        still = f" Open sessions of it: {', '.join(request.sessions)}." if request.sessions else ""
        raise CallError(f"Request {request.id} has no active grant: it is {request.state}.{still}")
    return request.grant_id or ""


def _end_command(request: ApprovalRequest, session_id: str) -> str:
    """Return the command that ends a session, which in the other modes the runbook ends."""
    if not request.is_access_request:
        return ""
    return f" End it: aws ssm terminate-session --region {request.region} --session-id {visible(session_id)}"
