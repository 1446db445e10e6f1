"""Policies and their statements, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Texts = str | Sequence[str]

Statement = dict[str, Any]
Policy = dict[str, Any]

POLICY_VERSION: Final = "2012-10-17"


def document(statements: Iterable[Statement]) -> Policy:
    """Return a policy with these statements."""
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def allow(
    sid: str,
    action: Texts,
    resource: Texts = "",
    *,
    principal: str | Mapping[str, Texts] = "",
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """Return a statement that allows actions; empty elements are left out, as trust policies have no resource."""
    return _statement("Allow", sid, action, resource, principal, condition)


def deny(
    sid: str,
    action: Texts,
    resource: Texts = "",
    *,
    principal: str | Mapping[str, Texts] = "",
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """Return a statement that denies actions, see `allow`."""
    return _statement("Deny", sid, action, resource, principal, condition)


def _statement(  # noqa: PLR0913, PLR0917 -- the elements of a statement
    effect: str,
    sid: str,
    action: Texts,
    resource: Texts,
    principal: str | Mapping[str, Texts],
    condition: Mapping[str, Any] | None,
) -> Statement:
    elements = {
        "Sid": sid,
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
    return {name: value for name, value in elements.items() if value not in ("", None)}
