"""Access requests of just-in-time node access: submit, list, find, decide and revoke them.

An access request is an OpsItem of type `/aws/accessrequest`, which AWS keeps for a year. One that people approve is also an
Automation execution of a manual approval policy, to which the approvers send their signals.

Sources: Systems Manager API Reference, StartAccessRequest, GetAccessToken, OpsItem, AutomationExecution; User Guide, "Approving
and denying just-in-time node access requests". Of the content of `/aws/accessrequest`, AWS publishes `automationExecutionId`
only, so each use of it is verified: the execution must be of an access request, and of a document of type
`ManualApprovalPolicy`. What is not found is reported, and such a request cannot be approved here.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from components.just_in_time.decisions import Outcome
from components.just_in_time.decisions import decide as predict
from components.just_in_time.documents import UnknownContentError, approval_levels, level_texts
from components.just_in_time.names import MANUAL_APPROVAL
from components.just_in_time.settings import MAX_HOURS
from operations.approval.requests import (
    ApprovalRequest,
    RequestState,
    approval_steps,
    decisions_of,
    passed_levels,
)
from operations.approval.session import CallError
from operations.errors import UnusableError
from operations.inventory.just_in_time import read_nodes, read_policies, why_not_one
from operations.inventory.reader import ReadFailure, returns_failure
from operations.principals import GrantedPrincipal, principal_of, short
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from components.just_in_time.decisions import AccessDecision, ManagedNode
    from operations.approval.requests import Execution
    from operations.approval.session import ApprovalSession
    from operations.inventory.reader import Answer, Reader

OPS_ITEM_TYPE: Final = "/aws/accessrequest"
"""Type of the OpsItem, and key of its operational data, which only AWS can write (OpsItem operational data keys)."""
ACCESS_REQUEST_ID: Final = re.compile(r"oi-[0-9a-f]{12}")
MAX_REASON: Final = 256
ASSUMED: Final = ":assumed-role/"
_SERVICE_ROLE: Final = "AWSServiceRole"
_SUBTYPE: Final = "AccessRequest"
_NODE: Final = re.compile(r"(?:.*[:/])?(i-(?:[0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})")
_AUTOMATIC: Final = timedelta(hours=1)
"""Fixed by AWS (User Guide, "Create an auto-approval policy for just-in-time node access")."""
_CONCURRENT_READS: Final = 8
_SEARCHED: Final = 50
_REPORTED: Final = 5
"""Requests of a Region that are searched for one node, and those that are reported."""
_NO_EXECUTION: Final = ("AutomationExecutionNotFoundException",)
"""Of an access request that is older than the history of executions."""
_NO_VERSION: Final = ("InvalidDocument", "InvalidDocumentVersion")
_STATES: Final = {
    **dict.fromkeys(
        ("Open", "InProgress", "Pending", "PendingApproval", "RunbookInProgress", "Scheduled"), RequestState.WAITING
    ),
    "Approved": RequestState.GRANTED,
    **dict.fromkeys(("Resolved", "Closed", "CompletedWithSuccess"), RequestState.ENDED),
    "Rejected": RequestState.REJECTED,
    "TimedOut": RequestState.EXPIRED,
    **dict.fromkeys(("Cancelled", "Cancelling"), RequestState.CANCELLED),
    "Revoked": RequestState.REVOKED,
    **dict.fromkeys(("Failed", "CompletedWithFailure"), RequestState.FAILED),
}
"""States by API_OpsItem, Status."""
_TOKEN_STATES: Final = {
    "Approved": RequestState.GRANTED,
    "Pending": RequestState.WAITING,
    "Rejected": RequestState.REJECTED,
    "Revoked": RequestState.REVOKED,
    "Expired": RequestState.EXPIRED,
}
"""States by API_GetAccessToken, AccessRequestStatus."""


def check_requester(caller: str) -> None:
    """Check that AWS accepts access requests with these credentials.

    Raises:
        UnusableError: They are not of `sts:AssumeRole`.
    """
    if ASSUMED not in caller:
        raise UnusableError(
            f"{caller} cannot request access: just-in-time node access accepts the credentials of sts:AssumeRole only (Systems "
            "Manager User Guide, Setting up just-in-time access). Assume a role whose sessions have your name, or sign in "
            "through IAM Identity Center."
        )


def find_node(session: ApprovalSession, named: str) -> ManagedNode:
    """Return the managed node with this ID or Name tag in the Regions of the session.

    Raises:
        CallError: There is none, there are several, its agent does not respond, or a Region cannot be read.
    """
    readers = [session.reader(region) for region in session.regions]
    with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
        answers = dict(zip(session.regions, pool.map(read_nodes, readers), strict=True))
    read = [each for each in answers.values() if not isinstance(each, ReadFailure)]
    found = [each for several in read for each in several if named in (each.id, each.name)]
    unread = [(region, each) for region, each in answers.items() if isinstance(each, ReadFailure)]
    problem = why_not_one(named, found, unread)
    if problem or not found:
        absent = f"There is no managed node {named} in {' or '.join(session.regions)}"
        raise CallError(
            problem or f"{absent}. If the instance exists, see why it is not managed: {program_name()} doctor {named}"
        )
    (node,) = found
    if node.ping != "Online":
        raise CallError(
            f"The agent of {node.name or node.id} does not respond ({node.ping}). Check: {program_name()} doctor {node.id}"
        )
    return node


def expect_decision(session: ApprovalSession, node: ManagedNode) -> tuple[str, ...]:
    """Return who decides about access to a node, as far as the policies can be read.

    Raises:
        CallError: AWS would refuse every request for the node.
    """
    policies = read_policies(session.reader(node.region))
    if isinstance(policies, ReadFailure):
        return (f"not known: {policies.explanation}",)
    decision = predict(node, policies)
    if not (decision.approved or decision.depends_on or decision.unknown):
        shown = node.name or node.id
        if decision.outcome is Outcome.NO_POLICY:
            raise CallError(f"AWS refuses access to {shown}: no approval policy applies to its tags. Correct the tags.")
        if decision.outcome is Outcome.CONFLICT:
            names = ", ".join(each.name for each in decision.policies)
            raise CallError(
                f"AWS fails each request for {shown}: the approval policies {names} all apply to its tags. Correct the tags, so "
                "that one policy applies."
            )
    return tuple(_expected(decision))


def submit(session: ApprovalSession, node: str, reason: str) -> str:
    """Request access to a node in the session's Region, and return the ID of the request.

    Raises:
        UnusableError: The reason is longer than AWS accepts.
    """
    if len(reason) > MAX_REASON:
        raise UnusableError(f"--reason: expected at most {MAX_REASON} characters, got {len(reason)}. Shorten it.")
    target = {"Key": "InstanceIds", "Values": [node]}
    return str(session.call("start_access_request", Reason=reason, Targets=[target])["AccessRequestId"])


def list_access_requests(
    session: ApprovalSession, ended: int, incomplete: list[str] | None = None, *, by: str = ""
) -> list[ApprovalRequest]:
    """Return all requests that have not ended, and the latest `ended` of the others, of all Regions; the newest first.

    `incomplete` receives why requests cannot be read, and the others count; None: that is an error. `by` is the ARN of a
    requester; empty: all.
    """
    oldest = session.now() - timedelta(hours=MAX_HOURS)
    chosen: list[tuple[ApprovalSession, str]] = []
    left = ended
    for regional, item in _summaries(session, incomplete):
        if by and _person(str(item.get("CreatedBy") or "")) not in ("", by):
            continue
        state = _STATES.get(str(item.get("Status")), RequestState.UNKNOWN)
        # The OpsItem of an approved request does not say that its time is over.
        is_open = state.may_be_open and not (
            state is RequestState.GRANTED and item.get("LastModifiedTime", item["CreatedTime"]) < oldest
        )
        if is_open or left > 0:
            chosen.append((regional, str(item["OpsItemId"])))
            left -= not is_open
    requests = _read_all(chosen, incomplete)
    late = [each for each in requests if not each.state.may_be_open][:ended]
    return [each for each in requests if each.state.may_be_open or each in late]


def match_access_requests(session: ApprovalSession, prefix: str) -> list[ApprovalRequest]:
    """Return the requests whose ID begins with a text."""
    listed = [(regional, str(item["OpsItemId"])) for regional, item in _summaries(session, None)]
    return _read_all([pair for pair in listed if pair[1].startswith(prefix)], None)


def find_access_request(session: ApprovalSession, request_id: str) -> ApprovalRequest:
    """Return the request with this ID, of any Region of the session.

    Raises:
        UnusableError: It does not exist.
    """
    for region in session.regions:
        try:
            return read_access_request(session.in_region(region), request_id)
        except CallError as failed:
            if failed.code != "OpsItemNotFoundException":
                raise
    raise UnusableError(f"There is no access request {request_id} in {' or '.join(session.regions)}.")


def read_access_request(session: ApprovalSession, request_id: str) -> ApprovalRequest:
    """Return a request of the session's Region.

    Raises:
        CallError: The OpsItem cannot be read. What else cannot be read is in `unknown` of the request.
    """
    item = session.call("get_ops_item", OpsItemId=request_id)["OpsItem"]
    return request_of(session.reader(), item, session.now())[0]


def request_of(reader: Reader, item: Mapping[str, Any], now: datetime) -> tuple[ApprovalRequest, str]:
    """Return the request of an OpsItem, and why its execution or its policy was not read (empty: they were, or are gone)."""
    run, failed, gone = execution_of(item), "", ""
    execution: Execution | None = None
    policy: Answer | None = None
    answer = reader.read("ssm", "get_automation_execution", _NO_EXECUTION, AutomationExecutionId=run) if run else None
    if isinstance(answer, ReadFailure):
        failed = _text(answer)
    elif answer:
        found = answer["AutomationExecution"]
        execution, version = found, {"Name": found["DocumentName"], "DocumentVersion": found["DocumentVersion"]}
        content = reader.read("ssm", "get_document", _NO_VERSION, DocumentFormat="JSON", **version)
        failed = _text(content) if isinstance(content, ReadFailure) else ""
        policy = None if isinstance(content, ReadFailure) else content
    elif run:
        gone = f"its execution {run} no longer exists"
    request = parse_access_request(item, execution, policy, region=reader.region, now=now, failed=failed or gone)
    return request, failed


@returns_failure
def requests_of_node(reader: Reader, node: str, now: datetime) -> tuple[ApprovalRequest, ...]:
    """Return the latest requests for a node among the latest of its Region, the newest first.

    AWS publishes no filter by node whose values it documents.
    """
    filters = [{"Key": "OpsItemType", "Values": [OPS_ITEM_TYPE], "Operator": "Equal"}]
    listed = reader.items("ssm", "describe_ops_items", "OpsItemSummaries", OpsItemFilters=filters)
    latest = sorted(listed, key=lambda each: each["CreatedTime"], reverse=True)[:_SEARCHED]

    def read(summary: Mapping[str, Any]) -> Mapping[str, Any]:
        return reader.get("ssm", "get_ops_item", OpsItemId=summary["OpsItemId"])["OpsItem"]

    with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
        found = [each for each in pool.map(read, latest) if node in _nodes(_data(each))]
    return tuple(request_of(reader, each, now)[0] for each in found[:_REPORTED])


def send_signal(session: ApprovalSession, request: ApprovalRequest, signal: str, comment: str = "") -> None:
    """Send a signal to the execution of a request: `Approve`, `Reject` or `Revoke`.

    Raises:
        CallError: The execution is not known, or AWS refused the signal of a principal that is not an approver.
    """
    if request.grant_id is None:
        why = "; ".join(request.unknown) or "it was approved automatically, so that no approver can revoke it"
        raise CallError(f"Request {request.id} cannot be decided here: {why}.")
    more: dict[str, Any] = {"Payload": {"Comment": [comment]}} if comment else {}
    regional = session.in_region(request.region)
    regional.call("send_automation_signal", AutomationExecutionId=request.grant_id, SignalType=signal, **more)


def token_state(session: ApprovalSession, request: ApprovalRequest) -> ApprovalRequest:
    """Return the caller's own request with the state that decides about sessions; its credentials are dropped."""
    answer = session.in_region(request.region).call("get_access_token", AccessRequestId=request.id)
    state = _TOKEN_STATES.get(str(answer.get("AccessRequestStatus")), RequestState.UNKNOWN)
    return replace(request, state=state, is_over=not state.is_open)


def access_credentials(session: ApprovalSession, request_id: str) -> dict[str, str]:
    """Return environment variables with the credentials of an approved request of the caller.

    Raises:
        CallError: The request is not approved, or AWS refused the call.
    """
    answer = session.call("get_access_token", AccessRequestId=request_id)
    status = str(answer.get("AccessRequestStatus"))
    given = cast("dict[str, str]", answer.get("Credentials") or {})
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    if status != "Approved" or not all(given.get(name) for name in names):
        raise CallError(
            f"Access request {request_id} gives no credentials: its status is {status}. Check it: {program_name()} status "
            f"{request_id}{session.options}"
        )
    variables = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return {variable: str(given[name]) for variable, name in zip(variables, names, strict=True)}


def approved_request(session: ApprovalSession, node: str) -> ApprovalRequest:
    """Return the caller's latest approved request for a node.

    Raises:
        CallError: There is none, or the requests cannot be read.
    """
    caller = session.identity.arn
    own = [
        each
        for each in list_access_requests(session, ended=0, by=caller)
        if each.requester == caller and each.instance == node and each.state is RequestState.GRANTED
    ]
    if not own:
        raise CallError(
            f"{short(caller)} has no approved access request for {node}. Request access: {program_name()} request {node} "
            f"--reason TEXT --wait{session.options}"
        )
    return own[0]


def execution_of(item: Mapping[str, Any]) -> str:
    """Return the ID of the execution that waits for the approvers; empty: the OpsItem names none."""
    data = _data(item)
    return str(cast("dict[str, Any]", data).get("automationExecutionId") or "") if isinstance(data, dict) else ""


def parse_access_request(  # noqa: PLR0913 -- the records of a request
    item: Mapping[str, Any],
    execution: Execution | None,
    policy: Mapping[str, Any] | None,
    *,
    region: str,
    now: datetime,
    failed: str = "",
) -> ApprovalRequest:
    """Return the request of an OpsItem, with the execution that it names and that execution's policy, if they were read.

    `now` decides whether the access is over; `failed` is the reason why the execution or the policy was not read.
    """
    unknown = list(_unverified(execution, policy, item)) if execution else []
    unknown += [failed] if failed else []
    is_verified = execution is not None and not unknown
    approvers, seconds, problem = _levels(policy) if is_verified else ((), None, "")
    nodes = _nodes(_data(item))
    requester = _requester(item, execution)
    state = _STATES.get(str(item.get("Status")), RequestState.UNKNOWN)
    is_automatic = state is RequestState.GRANTED and not execution_of(item) and _data(item) is not None
    granted_at = item["CreatedTime"] if is_automatic else _granted_at(execution if is_verified else None)
    length = _AUTOMATIC if is_automatic else None if seconds is None else timedelta(seconds=seconds)
    until = granted_at + length if granted_at and length else None
    if state is RequestState.GRANTED and until and until < now:
        state = RequestState.ENDED
    unknown += [problem] if problem else []
    unknown += [] if len(nodes) == 1 else ["its record does not name one node"]
    unknown += [] if requester else ["its records do not name one requester"]
    if state is RequestState.WAITING and not execution_of(item):
        unknown.append("its record does not name an execution that approvers decide")
    known: Execution = execution if is_verified and execution else {}
    return ApprovalRequest(
        id=item["OpsItemId"],
        grant_id=execution_of(item) if is_verified and policy is not None else None,
        requester=requester,
        requested_at=item["CreatedTime"],
        principal=principal_of(requester) or GrantedPrincipal("role", ""),
        instance=next(iter(nodes)) if len(nodes) == 1 else "",
        reason=next(_values(_data(item), "reason"), "") or str(item.get("Description") or ""),
        decisions=decisions_of(known),
        levels=passed_levels(known),
        state=state,
        detail=_detail(str(item.get("Status")), state, is_automatic=is_automatic),
        until=until if state is RequestState.GRANTED else None,
        ended_at=None if state.is_open else until if state is RequestState.ENDED else item.get("LastModifiedTime"),
        region=region,
        is_over=not state.is_open,
        policy=str(known.get("DocumentName", "")),
        approvers=approvers,
        granted_at=granted_at,
        is_automatic=is_automatic,
        unknown=tuple(unknown),
    )


def _summaries(
    session: ApprovalSession, incomplete: list[str] | None
) -> list[tuple[ApprovalSession, Mapping[str, Any]]]:
    """Return the summaries of all requests (API_OpsItemSummary) with the session of their Region, the newest first."""
    listed: list[tuple[ApprovalSession, Mapping[str, Any]]] = []
    filters = [{"Key": "OpsItemType", "Values": [OPS_ITEM_TYPE], "Operator": "Equal"}]
    for region in session.regions:
        regional = session.in_region(region)
        try:
            found = regional.call("describe_ops_items", OpsItemFilters=filters)["OpsItemSummaries"]
        except CallError as failed:
            if incomplete is None:
                raise
            incomplete.append(f"{region}: {failed}")
            found = failed.read_so_far["OpsItemSummaries"] if failed.read_so_far else []
        listed += [(regional, each) for each in found]
    return sorted(listed, key=lambda pair: pair[1]["CreatedTime"], reverse=True)


def _read_all(chosen: list[tuple[ApprovalSession, str]], incomplete: list[str] | None) -> list[ApprovalRequest]:
    def read(pair: tuple[ApprovalSession, str]) -> ApprovalRequest | None:
        try:
            return read_access_request(*pair)
        except CallError as failed:
            if incomplete is None:
                raise
            incomplete.append(f"{pair[1]}: {failed}")
            return None

    with ThreadPoolExecutor(_CONCURRENT_READS) as pool:
        return [each for each in pool.map(read, chosen) if each]


def _expected(decision: AccessDecision) -> Iterator[str]:
    if decision.automatic:
        may_not = ", unless the organization's deny-access policy forbids it" if decision.may_be_denied else ""
        yield f"approved automatically, for an hour: {', '.join(decision.automatic)}{may_not}"
    if decision.outcome is Outcome.CONFLICT:
        yield f"else refused: {', '.join(each.name for each in decision.policies)} all apply"
    elif not decision.policies:
        yield "else refused: no manual policy applies"
    else:
        (policy,) = decision.policies
        levels = "; ".join(level_texts(policy.levels))
        hours = policy.seconds / 3600
        plural = "" if hours == 1 else "s"
        yield f"by approval, for {hours:g} hour{plural}, by the policy {policy.name}: {levels}"
    yield from (f"not known: {each}" for each in decision.unknown)


def _unverified(execution: Execution, policy: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an execution is not the one of this request: a signal to another one would approve something else."""
    run = execution["AutomationExecutionId"]
    if execution.get("AutomationSubtype") != _SUBTYPE:
        yield f"the execution {run} is not of an access request ({execution.get('AutomationSubtype') or 'no subtype'})"
    if execution.get("OpsItemId") not in (None, "", item["OpsItemId"]):
        yield f"the execution {run} is of {execution['OpsItemId']}"
    if policy is not None and policy.get("DocumentType") != MANUAL_APPROVAL:
        yield f"the execution {run} does not run an approval policy ({policy.get('DocumentType')})"


def _text(failure: ReadFailure) -> str:
    return f"{failure.explanation}. Remedy: {failure.remedy}."


def _levels(policy: Mapping[str, Any] | None) -> tuple[tuple[str, ...], int | None, str]:
    """Return the approvers by level, the duration, and why they are not known."""
    if policy is None:
        return (), None, "the version of its approval policy no longer exists"
    try:
        levels, seconds = approval_levels(json.loads(str(policy.get("Content", ""))))
    except (UnknownContentError, ValueError) as wrong:
        return (), None, f"its approval policy is of another form: {wrong}"
    return level_texts(levels), seconds, ""


def _granted_at(execution: Execution | None) -> datetime | None:
    """Return the time of the last approval, with which the access begins (User Guide, "Access duration")."""
    steps = approval_steps(execution or {})
    ends = [
        step["ExecutionEndTime"] for step in steps if step["StepStatus"] == "Success" and "ExecutionEndTime" in step
    ]
    return max(ends) if ends and len(ends) == len(steps) else None


def _requester(item: Mapping[str, Any], execution: Execution | None) -> str:
    """Return the ARN of the requester; empty: no record names a person's session, or they name two."""
    people = {_person(str(item.get("CreatedBy") or "")), _person(str((execution or {}).get("ExecutedBy") or ""))} - {""}
    return next(iter(people)) if len(people) == 1 else ""


def _person(arn: str) -> str:
    """Return the ARN of a role's session; empty: it is none, or that of a role of AWS."""
    return arn if ASSUMED in arn and not arn.split("/")[1].startswith(_SERVICE_ROLE) else ""


def _detail(status: str, state: RequestState, *, is_automatic: bool) -> str:
    if is_automatic:
        return "approved automatically"
    return f"its status is {status}" if state is RequestState.UNKNOWN else ""


def _data(item: Mapping[str, Any]) -> Any:
    """Return the decoded operational data of an access request; None: there is none, or it is not JSON."""
    entries = cast("dict[str, dict[str, str]]", item.get("OperationalData") or {})
    try:
        return json.loads(entries.get(OPS_ITEM_TYPE, {}).get("Value") or "null")
    except ValueError:
        return None


def _nodes(data: Any) -> set[str]:
    """Return the IDs of nodes in the operational data, whatever its keys are."""
    return {found[1] for text in _texts(data) if (found := _NODE.fullmatch(text))}


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    children = cast("dict[str, Any]", data).values() if isinstance(data, dict) else data
    if isinstance(data, dict | list):
        for each in cast("list[Any]", children):
            yield from _texts(each)


def _values(data: Any, name: str) -> Iterator[str]:
    """Yield the texts under a key at any depth, in any case."""
    if isinstance(data, dict):
        for key, value in cast("dict[str, Any]", data).items():
            if key.lower() == name and isinstance(value, str):
                yield value
    children = cast("dict[str, Any]", data).values() if isinstance(data, dict) else data
    if isinstance(data, dict | list):
        for each in cast("list[Any]", children):
            yield from _values(each, name)
