"""Tags of operators, and those without a live grant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.approval.names import OPERATOR_POLICY_NAME, TAG_KEY
from operations.approval.people import Principal
from operations.inventory.reader import Reader, ReadFailure

_KEY: Final = TAG_KEY.lower()
"""The key in lower case, as IAM does not distinguish tag keys by case."""

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.approval.desk import Desk
    from operations.approval.requests import Request


@dataclass(frozen=True, kw_only=True)
class Tag:
    """The tag of an operator.

    Attributes:
        principal: Principal with the tag.
        value: ID of the instance that it allows sessions on.
        key: Key of the tag, as IAM spells it.
    """

    principal: Principal
    value: str
    key: str = TAG_KEY


def read_tags(desk: Desk) -> tuple[Tag, ...] | ReadFailure:
    """Return the tags of all principals with the operators' policy, or why they cannot be read."""
    reader = Reader(desk.clients, desk.workflow.region, desk.identity.arn)
    principals = holders(desk, reader)
    if isinstance(principals, ReadFailure):
        return principals
    tags: list[Tag] = []
    for principal in principals:
        operation, key = ("list_role_tags", "RoleName") if principal.kind == "role" else ("list_user_tags", "UserName")
        answer = reader.read("iam", operation, ("NoSuchEntity",), **{key: principal.name})
        if isinstance(answer, ReadFailure):
            return answer
        given = (answer or {}).get("Tags", [])
        tags += [Tag(principal=principal, value=tag["Value"]) for tag in given if tag["Key"].lower() == _KEY]
    return tuple(tags)


def holders(desk: Desk, reader: Reader) -> list[Principal] | ReadFailure:
    """Return all principals with the operators' policy, or why they cannot be read."""
    policy = desk.place.iam(f"policy/{OPERATOR_POLICY_NAME}")
    answer = reader.read("iam", "list_entities_for_policy", ("NoSuchEntity",), PolicyArn=policy)
    if isinstance(answer, ReadFailure):
        return answer
    found = answer or {}
    return [
        *(Principal("role", each["RoleName"]) for each in found.get("PolicyRoles", [])),
        *(Principal("user", each["UserName"]) for each in found.get("PolicyUsers", [])),
    ]


def without_grant(tags: Iterable[Tag], requests: Iterable[Request]) -> tuple[Tag, ...]:
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
