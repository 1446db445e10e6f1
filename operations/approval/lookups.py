"""Live data about requests: instances, operators and their tags, and open sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from components.approval.names import OPERATOR_POLICY_NAME, TAG_KEY
from components.approval.runbook import INSTANCE_PATTERN
from operations.approval.requests import RequestState
from operations.approval.session import CallError
from operations.inventory.iam import NO_ENTITY, read_holders
from operations.inventory.instances import Finder, NoConnectionError, UnreadInstanceError, read_names
from operations.inventory.reader import ReadFailure, returns_failure
from operations.principals import GrantedPrincipal, principal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from operations.approval.requests import ApprovalRequest
    from operations.approval.session import ApprovalSession
    from operations.inventory.reader import Answer, Reader

_BY_ACCESS_REQUEST: Final = {"key": "AccessType", "value": "JustInTime"}
"""Filter for the sessions that the access token of a request has started."""


@dataclass(frozen=True, kw_only=True)
class OperatorTag:
    """The tag of an operator.

    Attributes:
        principal: Principal with the tag.
        value: ID of the instance that it allows sessions on.
        key: Key of the tag, as IAM spells it.
    """

    principal: GrantedPrincipal
    value: str
    key: str = TAG_KEY


def find_instance(session: ApprovalSession, named: str) -> tuple[str, str]:
    """Return ID and name of an instance that is ready for a session, by ID or Name tag.

    The runbook checks an ID that cannot be resolved here.

    Raises:
        CallError: The instance does not exist, is not online, or several match.
    """
    finder = Finder(session.clients, session.regions, session.identity)
    try:
        found = finder.find(named)
    except UnreadInstanceError as problem:
        if re.fullmatch(INSTANCE_PATTERN, named):
            return named, ""
        raise CallError(f"{problem}.") from None
    except NoConnectionError as problem:
        raise CallError(f"{problem}") from None
    problem = finder.problem(found)
    if problem:
        raise CallError(f"{problem}.")
    return found.id, found.name


def find_operator(session: ApprovalSession, principal: GrantedPrincipal) -> GrantedPrincipal:
    """Return an operator with the name as IAM spells it, as the runbook accepts no other case.

    The runbook checks a principal where the operators cannot be read.

    Raises:
        CallError: The principal does not have the operators' policy.
    """
    operators = read_operators(session, session.reader())
    if isinstance(operators, ReadFailure):
        return principal
    found = next((each for each in operators if each.is_same(principal)), None)
    if found:
        return found
    listed = ", ".join(sorted(map(str, operators))) or "none"
    raise CallError(
        f"{principal} is not an operator: it does not have the policy {OPERATOR_POLICY_NAME}. Operators: {listed}. "
        "Add it to operatorRoles or operatorUsers of shell-access:approval, or name one with --as-role or --as-user."
    )


def read_operators(session: ApprovalSession, reader: Reader) -> list[GrantedPrincipal] | ReadFailure:
    """Return all principals with the operators' policy, or why they cannot be read."""
    holders = read_holders(reader, session.place.iam(f"policy/{OPERATOR_POLICY_NAME}"))
    if isinstance(holders, ReadFailure):
        return holders
    return sorted((each for each in holders if each.kind != "group"), key=str)


def read_tags(session: ApprovalSession) -> tuple[OperatorTag, ...] | ReadFailure:
    """Return the tags of all principals with the operators' policy, or why they cannot be read."""
    if session.is_just_in_time:
        return ()
    reader = session.reader()
    principals = read_operators(session, reader)
    return principals if isinstance(principals, ReadFailure) else read_operator_tags(reader, principals)


@returns_failure
def read_operator_tags(reader: Reader, principals: Iterable[GrantedPrincipal]) -> tuple[OperatorTag, ...]:
    """Read the tags that grant sessions to principals; IAM treats keys that differ only in case as the same key."""
    found: list[OperatorTag] = []
    for principal in principals:
        kind = principal.kind
        name = {f"{kind.capitalize()}Name": principal.name}
        answer = reader.find("iam", f"list_{kind}_tags", absent=NO_ENTITY, **name) or {}
        found += [
            OperatorTag(principal=principal, value=each["Value"], key=each["Key"])
            for each in answer.get("Tags", ())
            if each["Key"].lower() == TAG_KEY.lower()
        ]
    return tuple(found)


def tags_without_grant(tags: Iterable[OperatorTag], requests: Iterable[ApprovalRequest]) -> tuple[OperatorTag, ...]:
    """Return the tags without a live grant among all requests that have not ended.

    Read the tags before the requests, so that the tag of a grant made in between does not count as one without.
    """
    held = [(each.principal, each.instance) for each in requests if each.holds_tag and each.state.is_open]
    return tuple(
        tag
        for tag in tags
        if not any(tag.principal.is_same(principal) and tag.value == instance for principal, instance in held)
    )


def with_live_data(session: ApprovalSession, requests: Sequence[ApprovalRequest]) -> list[ApprovalRequest]:
    """Return requests with the names of their instances and their open sessions, as far as these can be read."""
    names = _instance_names(session, (each.instance for each in requests))
    named = [replace(each, instance_name=names.get(each.instance, "")) for each in requests]
    sessions = _open_sessions(session, filter(_may_have_sessions, named))
    if isinstance(sessions, ReadFailure):
        why = f"{sessions.explanation}. Remedy: {sessions.remedy}"
        return [replace(each, sessions_unread=why) if _may_have_sessions(each) else each for each in named]
    return [
        replace(each, sessions_unread="its execution does not name the Region of the instance")
        if _is_granted(each) and not each.region
        else replace(each, sessions=_sessions_of(each, sessions))
        for each in named
    ]


def _may_have_sessions(request: ApprovalRequest) -> bool:
    """Return whether a request was granted: one that waits has no session, and one that never was no Region."""
    return bool(request.region) and request.state is not RequestState.WAITING


def _is_granted(request: ApprovalRequest) -> bool:
    """Return whether a request certainly was granted, whatever its Region."""
    return request.holds_tag or request.state in (RequestState.GRANTED, RequestState.ENDED)


def _instance_names(session: ApprovalSession, instances: Iterable[str]) -> dict[str, str]:
    """Return the Name tags of instances by ID, as far as they can be read."""
    ids = sorted({each for each in instances if re.fullmatch(INSTANCE_PATTERN, each)})
    return {
        instance: name
        for region in session.regions
        for instance, name in read_names(session.reader(region), ids)[0].items()
    }


@returns_failure
def _open_sessions(session: ApprovalSession, requests: Iterable[ApprovalRequest]) -> list[Answer]:
    """Return the open sessions in the Regions of granted instances (API_Session)."""
    chosen: dict[str, Any] = {"Filters": [_BY_ACCESS_REQUEST]} if session.is_just_in_time else {}
    return [
        each
        for region in sorted({each.region for each in requests})
        for each in session.reader(region).items("ssm", "describe_sessions", "Sessions", State="Active", **chosen)
    ]


def _sessions_of(request: ApprovalRequest, sessions: Sequence[Answer]) -> tuple[str, ...]:
    """Return the IDs of a grant's sessions: the operator's on the instance, started after the request.

    A session of an access request is the token role's, with the name of the requester's session (which AWS does not document).
    """

    def is_owner(each: Answer) -> bool:
        owner = each.get("Owner", "")
        if each.get("AccessType") == _BY_ACCESS_REQUEST["value"]:
            return owner.rsplit("/", 1)[-1] == request.requester.rsplit("/", 1)[-1]
        return request.principal.is_same(principal_of(owner))

    return tuple(
        each["SessionId"]
        for each in sessions
        if each.get("Target") == request.instance and is_owner(each) and each["StartDate"] >= request.requested_at
    )
