"""Comparison of two IAM policies by meaning.

Source: IAM User Guide, "Grammar of the IAM JSON policy language": a value may stand for a list of one, the order of
lists and statements means nothing, names of actions, condition operators and condition keys ignore case, a Sid means
nothing. "AWS JSON policy elements: Principal": `*` is every principal, an account's ID is the ARN of its root user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from common.problems import shown
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.desired import Asked

_IGNORE_CASE = ("Action", "NotAction")
_PRINCIPALS = ("Principal", "NotPrincipal")
_ROOT = re.compile(r"arn:[^:]+:iam::([0-9]{12}):root")

Normal = dict[str, Any]


def policy_differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the differences by statement; empty if both policies have the same meaning."""
    said = [] if wanted.get("Version") == found.get("Version") else [_changed("Version", wanted, found)]
    ours, theirs = _statements(wanted), _statements(found)
    missing = [each for each in ours if _normal(each) not in [_normal(other) for other in theirs]]
    extra = [each for each in theirs if _normal(each) not in [_normal(other) for other in ours]]
    by_sid = {each.get("Sid"): each for each in extra if each.get("Sid")}
    for statement in missing:
        other = by_sid.pop(statement.get("Sid"), None)
        if other is None:
            said.append(f"statement {_name(statement)} is missing")
        else:
            extra.remove(other)
            said += _elements(statement, other)
    return said + [f"statement {_name(each)} is not asked for" for each in extra]


def policy_finding(
    check: str, asked: Asked, wanted: Mapping[str, Any], live: Mapping[str, Any] | Unread | None
) -> Finding:
    """Compare the policy of a resource.

    Args:
        check: ID of the finding.
        asked: Settings of the Region, with the command that repairs it.
        wanted: The policy as the settings define it.
        live: The policy of the resource; None: it has none.
    """
    expected = "the policy is what the settings ask for"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    unequal = ["no policy"] if live is None else policy_differences(wanted, live)
    found = "; ".join(unequal) or expected
    return compared(check, same=not unequal, expected=expected, found=found, remedy=asked.repair)


def _elements(wanted: Normal, found: Normal) -> list[str]:
    ours, theirs = _normal(wanted), _normal(found)
    names = [name for name in dict.fromkeys([*wanted, *found]) if ours.get(name) != theirs.get(name)]
    return [f"{_name(wanted)}.{_changed(name, wanted, found)}" for name in names]


def _changed(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    def value(of: Mapping[str, Any]) -> str:
        return shown(of[name]) if name in of else "nothing"

    return f"{name}: {value(wanted)} expected, {value(found)} found"


def _name(statement: Normal) -> str:
    return str(statement.get("Sid") or shown(statement))


def _statements(policy: Mapping[str, Any]) -> list[Normal]:
    return [cast("Normal", each) for each in _list(policy.get("Statement", [])) if isinstance(each, dict)]


def _normal(statement: Normal) -> Normal:
    return {name: _element(name, value) for name, value in statement.items() if name != "Sid"}


def _element(name: str, value: Any) -> Any:
    if name == "Condition" and isinstance(value, dict):
        condition = cast("dict[str, dict[str, Any]]", value)
        # A set: an operator or key that is repeated in another case must not replace the first one.
        return frozenset(
            (operator.lower(), key.lower(), _values(values))
            for operator, keys in condition.items()
            for key, values in keys.items()
        )
    if name in _PRINCIPALS:
        return _principals(value)
    values = _values(value)
    return frozenset(each.lower() for each in values) if name in _IGNORE_CASE else values


def _principals(value: Any) -> frozenset[tuple[str, str]]:
    """Return the types and names of principals, each account by its ID."""
    named = cast("dict[str, Any]", value) if isinstance(value, dict) else {"AWS": value}
    return frozenset(
        (kind, _ROOT.sub(r"\1", str(each)) if kind == "AWS" else str(each))
        for kind, names in named.items()
        for each in _list(names)
    )


def _values(value: Any) -> frozenset[str]:
    """Return the values as strings: `true` and `"true"` are the same in a condition."""
    return frozenset(str(each).lower() if isinstance(each, bool) else str(each) for each in _list(value))


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
