"""Live data about requests: instances, operators and their tags, and open sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from components.approval.names import OPERATOR_POLICY_NAME, TAG_KEY
from components.approval.runbook import INSTANCE_PATTERN
from operations.approval.session import CallError
from operations.inventory.instances import Finder, NoConnectionError, UnreadInstanceError
from operations.inventory.reader import ReadFailure
from operations.principals import GrantedPrincipal, principal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from operations.approval.requests import ApprovalRequest
    from operations.approval.session import ApprovalSession
    from operations.inventory.reader import Reader

_TAG_KEY: Final = TAG_KEY.lower()
"""The key in lower case, as IAM does not distinguish tag keys by case."""


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


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """An open session.

    Attributes:
        id: ID of the session.
        owner: ARN of the principal that started it.
        target: ID of the instance.
        started: Start time.
        is_just_in_time: Whether the access token of a request started it.
    """

    id: str
    owner: str
    target: str
    started: datetime
    is_just_in_time: bool = False


def find_instance(session: ApprovalSession, named: str) -> tuple[str, str]:
    """Return ID and name of an instance that is ready for a session.

    Args:
        session: Session of the command.
        named: ID or Name tag. The runbook checks an ID that cannot be resolved here.

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

    Args:
        session: Session of the command.
        principal: Role or user. The runbook checks it where the operators cannot be read.

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
    policy = session.place.iam(f"policy/{OPERATOR_POLICY_NAME}")
    answer = reader.read("iam", "list_entities_for_policy", ("NoSuchEntity",), PolicyArn=policy)
    if isinstance(answer, ReadFailure):
        return answer
    found = answer or {}
    return [
        *(GrantedPrincipal("role", each["RoleName"]) for each in found.get("PolicyRoles", [])),
        *(GrantedPrincipal("user", each["UserName"]) for each in found.get("PolicyUsers", [])),
    ]


def read_tags(session: ApprovalSession) -> tuple[OperatorTag, ...] | ReadFailure:
    """Return the tags of all principals with the operators' policy, or why they cannot be read."""
    if session.is_just_in_time:
        return ()
    reader = session.reader()
    principals = read_operators(session, reader)
    if isinstance(principals, ReadFailure):
        return principals
    tags: list[OperatorTag] = []
    for principal in principals:
        operation, key = ("list_role_tags", "RoleName") if principal.kind == "role" else ("list_user_tags", "UserName")
        answer = reader.read("iam", operation, ("NoSuchEntity",), **{key: principal.name})
        if isinstance(answer, ReadFailure):
            return answer
        given = (answer or {}).get("Tags", [])
        tags += [
            OperatorTag(principal=principal, value=tag["Value"]) for tag in given if tag["Key"].lower() == _TAG_KEY
        ]
    return tuple(tags)


def tags_without_grant(tags: Iterable[OperatorTag], requests: Iterable[ApprovalRequest]) -> tuple[OperatorTag, ...]:
    """Return the tags without a live grant.

    Args:
        tags: Tags, read before the requests, so that the tag of a grant made in between does not count as one without.
        requests: All requests that have not ended.
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
    sessions = _open_sessions(session, requests)
    return [
        replace(
            each,
            instance_name=names.get(each.instance, ""),
            sessions=None if isinstance(sessions, ReadFailure) else _sessions_of(each, sessions),
        )
        for each in requests
    ]


def _instance_names(session: ApprovalSession, instances: Iterable[str]) -> dict[str, str]:
    """Return the Name tags of instances by ID, as far as they can be read."""
    ids = sorted({each for each in instances if re.fullmatch(INSTANCE_PATTERN, each)})
    found: dict[str, str] = {}
    for region in session.regions if ids else ():
        by_id = [{"Name": "instance-id", "Values": ids}]
        answer = session.reader(region).read("ec2", "describe_instances", Filters=by_id)
        if answer is None or isinstance(answer, ReadFailure):
            continue
        for group in answer.get("Reservations", ()):
            for each in group["Instances"]:
                name = next((tag["Value"] for tag in each.get("Tags", ()) if tag["Key"] == "Name"), "")
                found |= {each["InstanceId"]: name} if name else {}
    return found


def _open_sessions(session: ApprovalSession, requests: Iterable[ApprovalRequest]) -> list[OpenSession] | ReadFailure:
    """Return the open sessions in the Regions of granted instances; a request that was never granted has no Region."""
    found: list[OpenSession] = []
    chosen: dict[str, Any] = (
        {"Filters": [{"key": "AccessType", "value": "JustInTime"}]} if session.is_just_in_time else {}
    )
    for region in sorted({each.region for each in requests if each.region}):
        answer = session.reader(region).read("ssm", "describe_sessions", State="Active", **chosen)
        if isinstance(answer, ReadFailure):
            return answer
        found += [
            OpenSession(
                id=each["SessionId"],
                owner=each.get("Owner", ""),
                target=each.get("Target", ""),
                started=each["StartDate"],
                is_just_in_time=each.get("AccessType") == "JustInTime",
            )
            for each in (answer or {}).get("Sessions", ())
        ]
    return found


def _sessions_of(request: ApprovalRequest, sessions: Sequence[OpenSession]) -> tuple[str, ...]:
    """Return the IDs of a grant's sessions: the operator's on the instance, started after the request.

    A session of an access request is the token role's, with the name of the requester's session (which AWS does not document).
    """
    return tuple(
        each.id
        for each in sessions
        if each.target == request.instance
        and (
            each.owner.rsplit("/", 1)[-1] == request.requester.rsplit("/", 1)[-1]
            if each.is_just_in_time
            else request.principal.is_same(principal_of(each.owner))
        )
        and each.started >= request.requested_at
    )
