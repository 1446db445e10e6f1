"""Requests: submit, list, find, decide and poll them.

They are Automation executions, which Systems Manager keeps for 30 days after their end; in mode `just-in-time`, access requests.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from common.characters import hidden_character
from common.problems import shown, visible
from components.approval.runbook import INSTANCE_PATTERN, PRINCIPAL_PATTERN, REASON_PATTERN
from components.approval.settings import IDENTITY_CENTER_PREFIX, Mode
from operations.approval import access_requests
from operations.approval.requests import (
    ApprovalRequest,
    Execution,
    RequestState,
    is_live,
    parse_request,
    with_replacements,
)
from operations.approval.session import CallError
from operations.errors import UnusableError
from operations.principals import GrantedPrincipal, principal_of, same_person, short
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from operations.approval.session import ApprovalSession

POLL_INTERVAL_SECONDS: Final = 5.0
"""Seconds between polls while approvers decide; each poll counts toward a quota of the whole account."""
RUNBOOK_POLL_INTERVAL_SECONDS: Final = 1.0
"""Seconds between polls while the runbook works."""

_EXECUTION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORTEST_ID: Final = 4
"""Minimum of characters to select an execution by its ID."""
_EXECUTIONS: Final = "AutomationExecutionMetadataList"
_CONCURRENT_READS: Final = 8
"""Executions that are read at the same time; Systems Manager throttles sooner than most services."""


class MissingWorkflowError(UnusableError):
    """There is no workflow in the account and Region."""


class OwnRequestError(CallError):
    """An approver cannot approve their own request, or a grant to themselves."""


@dataclass(frozen=True, kw_only=True)
class NewRequest:
    """A session to request.

    Attributes:
        name: Name tag of the instance; empty: none.
        region: Region of an access request; empty in the other modes.
        expected: Who decides about an access request, by the approval policies.
    """

    principal: GrantedPrincipal
    instance: str
    name: str = ""
    reason: str
    region: str = ""
    expected: tuple[str, ...] = ()

    @property
    def shown_instance(self) -> str:
        """The instance, for display."""
        return f"{visible(self.name)} ({self.instance})" if self.name else self.instance

    def check(self) -> None:
        """Reject what the runbook would not accept.

        Raises:
            UnusableError: A value is not allowed; the message has the allowed values.
        """
        if not re.fullmatch(INSTANCE_PATTERN, self.instance):
            raise UnusableError(
                f"INSTANCE: expected the ID of an instance, such as i-0123456789abcdef0, got {self.instance!r}."
            )
        check_request_text(self.reason, self.principal.name)


def check_request_text(reason: str, *names: str | None) -> None:
    """Reject a reason or names that the runbook would not accept.

    Raises:
        UnusableError: A value is not allowed; the message has the allowed values.
    """
    if not re.fullmatch(REASON_PATTERN, reason) or hidden_character(reason):
        raise UnusableError(
            "--reason: expected one line of 1 to 300 characters, without braces and invisible characters, got "
            f"{shown(reason)}."
        )
    for name in (each for each in names if each):
        if not re.fullmatch(PRINCIPAL_PATTERN, name):
            raise UnusableError(f"expected the name of a role or user, without a path, got {name!r}.")
        if name.startswith(IDENTITY_CENTER_PREFIX):
            raise UnusableError(
                f"{name} belongs to IAM Identity Center, and no other service can tag it. Name an IAM role or user that "
                "you can use: --as-role NAME or --as-user NAME."
            )


def requested_principal(caller: str, role: str | None = None, user: str | None = None) -> GrantedPrincipal:
    """Return the principal of the grant: the role or user that is named, by default the caller.

    Raises:
        UnusableError: Neither is given, and the caller is neither a role nor a user.
    """
    if role or user:
        return GrantedPrincipal("role" if role else "user", role or user or "")
    found = principal_of(caller)
    if found is None:
        raise UnusableError(f"{caller} is neither a role nor a user. Name one: --as-role NAME or --as-user NAME.")
    return found


def submit_request(session: ApprovalSession, new: NewRequest) -> str:
    """Request a session, and return the ID of the execution that waits for approval, or of the access request.

    Raises:
        UnusableError: The runbook would not accept the request.
    """
    if session.is_just_in_time:
        return access_requests.submit(session.in_region(new.region), new.instance, new.reason)
    new.check()
    workflow = session.workflow
    parameters = {
        "InstanceId": [new.instance],
        "PrincipalType": [new.principal.kind],
        "PrincipalName": [new.principal.name],
        "Reason": [new.reason],
    }
    if workflow.mode is Mode.AUTOMATION:
        started = session.call("start_automation_execution", DocumentName=workflow.runbook, Parameters=parameters)
    else:
        runbook = {
            "DocumentName": workflow.runbook,
            "DocumentVersion": "$DEFAULT",
            "Parameters": {**parameters, "AutomationAssumeRole": [session.place.role_arn]},
        }
        started = session.call(
            "start_change_request_execution",
            DocumentName=workflow.change_template,
            ChangeRequestName=f"Session on {new.instance} for {new.principal}",
            ChangeDetails=new.reason,
            Runbooks=[runbook],
        )
    return str(started["AutomationExecutionId"])


def check_duplicates(session: ApprovalSession, new: NewRequest) -> str:
    """Check that the same session is not already requested or granted.

    Returns:
        Why the requests cannot be read; empty: they were.

    Raises:
        CallError: It is already requested or granted.
    """
    try:
        if session.is_just_in_time:
            requests = access_requests.list_access_requests(session, ended=0, by=session.identity.arn)
        else:
            requests = list_requests(session, ended=0)
    except CallError as failed:
        return str(failed)
    for each in requests:
        # An access request is for its requester, also where several people share a role.
        is_same = (
            same_person(each.requester, session.identity.arn)
            if session.is_just_in_time
            else new.principal.is_same(each.principal)
        )
        if each.state.may_be_open and each.instance == new.instance and is_same:
            raise CallError(
                f"{new.principal} already has a request for {new.instance}, which is {each.state}: {each.id}. "
                f"Check its status: {program_name()} status {each.id}{session.options}. To request another grant: --again."
            )
    return ""


def check_decision(request: ApprovalRequest, approver: str, *, approve: bool) -> None:
    """Check that the request waits for a decision, and that this approver may make it.

    The runbook checks the same again.

    Raises:
        OwnRequestError: The request, or the grant, is the approver's own.
        CallError: The request does not wait for approval.
    """
    if request.state is not RequestState.WAITING:
        detail = f" ({visible(request.detail)})" if request.detail else ""
        raise CallError(f"Request {request.id} does not wait for approval: it is {request.state}{detail}.")
    if not approve:
        return
    if request.unknown:
        raise CallError(
            f"Request {request.id} cannot be approved here, as it cannot be shown completely: {'; '.join(request.unknown)}. "
            "Correct that, or decide it in the Systems Manager console."
        )
    if same_person(request.requester, approver) or _has_user_name(request.requester_user, approver):
        raise OwnRequestError(
            f"{short(approver)} cannot approve the request of {request.requester_user or short(request.requester)}: requesters "
            "cannot approve their own requests. Another approver has to decide."
        )
    is_own = request.principal.is_for(approver) or _has_user_name(request.principal_user, approver)
    # An access request is for its requester, who may share a role of IAM Identity Center with the approver.
    if not request.is_access_request and is_own:
        raise OwnRequestError(
            f"{short(approver)} cannot approve a grant to {request.shown_principal}: both are the same person."
        )


def _has_user_name(user: str, caller: str) -> bool:
    """Return whether a caller is, by name, a user of IAM Identity Center; an empty name is no user."""
    return bool(user) and same_person(user, caller)


def decide(session: ApprovalSession, request: ApprovalRequest, *, approve: bool, comment: str = "") -> None:
    """Send the decision.

    Raises:
        OwnRequestError: The request, or the grant, is the approver's own.
        CallError: The request does not wait for approval, or AWS refused the decision of a principal that is
            not an approver.
    """
    check_decision(request, session.identity.arn, approve=approve)
    signal = "Approve" if approve else "Reject"
    if session.is_just_in_time:
        access_requests.send_signal(session, request, signal, comment)
        return
    more: dict[str, Any] = {"Payload": {"Comment": [comment]}} if comment else {}
    session.call("send_automation_signal", AutomationExecutionId=request.id, SignalType=signal, **more)


def list_requests(session: ApprovalSession, ended: int, incomplete: list[str] | None = None) -> list[ApprovalRequest]:
    """Return all requests that have not ended, and the latest `ended` of those that have; the newest first.

    If a listing ends early, `incomplete` receives the reason, and its first pages count; without it, that is an error.
    """
    if session.is_just_in_time:
        return access_requests.list_access_requests(session, ended, incomplete)
    documents = (session.workflow.change_template, session.workflow.runbook)
    listed = [each for document in documents for each in _executions_of(session, document, incomplete)]
    if not listed and not incomplete:
        check_workflow(session)
    ids = {each["AutomationExecutionId"] for each in listed}
    children = {each["ParentAutomationExecutionId"]: each for each in listed if each.get("ParentAutomationExecutionId")}
    own = [each for each in listed if each.get("ParentAutomationExecutionId") not in ids]
    own.sort(key=lambda each: each["ExecutionStartTime"], reverse=True)
    live = [each for each in own if is_live(each) or is_live(children.get(each["AutomationExecutionId"], {}))]
    over = [each for each in own if each not in live][:ended]

    def read(each: Execution) -> ApprovalRequest:
        child = children.get(each["AutomationExecutionId"])
        execution = get_execution(session, each["AutomationExecutionId"])
        return _parsed(session, execution, get_execution(session, child["AutomationExecutionId"]) if child else None)

    with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
        return with_replacements([*pool.map(read, [each for each in own if each in live or each in over])])


def check_workflow(session: ApprovalSession) -> None:
    """Check that the workflow exists, as a Region without it has no requests either.

    Raises:
        MissingWorkflowError: The workflow does not exist.
    """
    if session.is_just_in_time:
        # AWS has access requests in every Region, and refuses them where the service is not enabled.
        return
    name = session.workflow.runbook
    try:
        session.call("describe_document", Name=name)
    except CallError as failed:
        if failed.code != "InvalidDocument":
            raise
        raise MissingWorkflowError(
            f"There is no approval workflow in {session.workflow.region} of account {session.identity.account_id}: the "
            f"document {name} does not exist. Name the stack's first Region, or select the stack with --stack."
        ) from None


def find_request(session: ApprovalSession, named: str) -> ApprovalRequest:
    """Return one request, by its ID or the beginning of it.

    Raises:
        UnusableError: No request matches, several match, or the beginning is too short.
    """
    if session.is_just_in_time and access_requests.ACCESS_REQUEST_ID.fullmatch(named):
        return access_requests.find_access_request(session, named)
    if _EXECUTION_ID.fullmatch(named) and not session.is_just_in_time:
        return _request_of(session, named)
    if len(named.strip()) < _SHORTEST_ID:
        # With an empty shell variable, the only existing request would match.
        raise UnusableError(
            f"RUN: expected the ID of a request, or its first {_SHORTEST_ID} characters or more, got {named!r}."
        )
    prefix = named.strip().lower()
    if session.is_just_in_time:
        found = access_requests.match_access_requests(session, prefix)
    else:
        found = [each for each in list_requests(session, ended=1_000) if each.id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnusableError(
            f"No request has an ID that begins with {named!r}. List requests: {program_name()} status{session.options}"
        )
    listed = ", ".join(each.id for each in found)
    raise UnusableError(f"{len(found)} requests have an ID that begins with {named!r}: {listed}.")


def get_execution(session: ApprovalSession, execution_id: str) -> Execution:
    """Return an execution as Systems Manager describes it.

    Raises:
        UnusableError: The execution does not exist.
    """
    try:
        return session.call("get_automation_execution", AutomationExecutionId=execution_id)["AutomationExecution"]
    except CallError as failed:
        if failed.code != "AutomationExecutionNotFoundException":
            raise
        raise UnusableError(f"There is no execution {execution_id} in {session.workflow.region}.") from None


def poll_request(
    read: Callable[[], ApprovalRequest],
    pause: Callable[[float], None],
    until: Callable[[ApprovalRequest], bool],
    attempts: int | None = None,
) -> ApprovalRequest:
    """Poll a request until it meets a condition, and return it.

    Args:
        read: Returns the request as it is now.
        pause: Function that waits for a number of seconds.
        until: Condition, which receives the result of each poll.
        attempts: Maximum number of polls; None: no maximum.
    """
    polls = 0
    while True:
        request = read()
        polls += 1
        if until(request) or polls == attempts:
            return request
        is_waiting = request.state is RequestState.WAITING
        pause(POLL_INTERVAL_SECONDS if is_waiting and attempts is None else RUNBOOK_POLL_INTERVAL_SECONDS)


def is_settled(request: ApprovalRequest) -> bool:
    """Return whether it is known if the request is granted, and until when; requesters may not see that of an access request."""
    is_known = request.until is not None or request.is_access_request
    return not request.state.is_open or (request.state is RequestState.GRANTED and is_known)


def _request_of(session: ApprovalSession, execution_id: str) -> ApprovalRequest:
    execution = get_execution(session, execution_id)
    document, runbook = _document(execution), session.workflow.runbook
    if document == runbook:
        parent = execution.get("ParentAutomationExecutionId")
        return _parsed(session, *((get_execution(session, parent), execution) if parent else (execution,)))
    if document != session.workflow.change_template:
        raise UnusableError(f"{execution_id} is an execution of {document}, not a request for a session.")
    listed = _list_executions(session, "ParentExecutionId", execution_id)
    children = [each["AutomationExecutionId"] for each in listed if _document(each) == runbook]
    return _parsed(session, execution, get_execution(session, children[0]) if children else None)


def _parsed(session: ApprovalSession, execution: Execution, child: Execution | None = None) -> ApprovalRequest:
    """Return the request of an execution, with the people of IAM Identity Center whose roles it names."""
    found, user_of = parse_request(execution, child), session.workflow.user_of
    return replace(
        found,
        requester_user=user_of(principal_of(found.requester)),
        principal_user=user_of(found.principal),
    )


def _executions_of(session: ApprovalSession, document: str, incomplete: list[str] | None) -> list[Execution]:
    """Return the executions of a document; the filter of the API matches the beginning of a name."""
    try:
        found = _list_executions(session, "DocumentNamePrefix", document)
    except CallError as failed:
        if incomplete is None or failed.read_so_far is None:
            raise
        incomplete.append(str(failed))
        found = failed.read_so_far.get(_EXECUTIONS, [])
    return [each for each in found if _document(each) == document]


def _list_executions(session: ApprovalSession, key: str, value: str) -> Iterable[Execution]:
    filters = [{"Key": key, "Values": [value]}]
    return session.call("describe_automation_executions", Filters=filters)[_EXECUTIONS]


def _document(execution: Execution) -> str:
    """Return the name of an execution's document, which may have been started by ARN."""
    return str(execution["DocumentName"]).rsplit("/", 1)[-1].split(":")[0]
