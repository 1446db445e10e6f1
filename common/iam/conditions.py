"""Evaluation of conditions, with three results: yes, no, unknown.

IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from common.iam.context import Absent, Known, OneOf
from common.iam.patterns import literal, matches
from common.iam.truth import Truth, all_of, any_of, truth
from common.iam.variables import Expanded, expand

if TYPE_CHECKING:
    from common.iam.context import RequestContext, Value
    from common.iam.documents import Condition, Statement

Comparison = Callable[[str, str], bool | None]
"""Compares a value of the policy with a value of the request; None: unknown."""

_SINGLE_ONLY: Final = frozenset({"aws:tagkeys", "aws:calledvia", "sts:transitivetagkeys", "aws:principalorgpaths"})
"""Result for multivalued keys without a set operator, which IAM does not define."""


def hold(statement: Statement, context: RequestContext) -> Truth:
    """Evaluate all conditions of a statement."""
    return all_of(holds(each, context, variables=statement.variables) for each in statement.conditions)


def holds(condition: Condition, context: RequestContext, *, variables: bool = True) -> Truth:
    """Evaluate a condition.

    Without `variables`, `${...}` in its values is plain text.
    """
    value = context.value(condition.key)
    patterns = [expand(each, context) if variables else Expanded(each) for each in condition.values]
    if condition.operator == "null":
        return _null(value, patterns)
    negated, operator = _split(condition.operator)
    compare = _COMPARISONS.get(operator)
    if compare is None:
        return Truth.UNKNOWN
    if isinstance(value, Absent):
        return truth(condition.if_exists or condition.over == "forallvalues" or (negated and not condition.over))
    if isinstance(value, OneOf) and value.values:
        return _agreed(_value_holds(one, patterns, compare, negated=negated) for one in value.values)
    if not isinstance(value, Known):
        return _unknown(condition, operator, patterns, negated=negated)
    return _known_holds(condition, value, patterns, compare, negated=negated)


def _known_holds(
    condition: Condition, value: Known, patterns: list[Expanded], compare: Comparison, *, negated: bool
) -> Truth:
    if (value.many or condition.key in _SINGLE_ONLY) and not condition.over:
        return Truth.UNKNOWN
    each = [_value_holds(one, patterns, compare, negated=negated) for one in value.values]
    return any_of(each) if condition.over == "foranyvalue" else all_of(each)


def _value_holds(value: str, patterns: list[Expanded], compare: Comparison, *, negated: bool) -> Truth:
    """Compare a value of the request with the policy's values: any of them must match, or none where negated."""
    found = any_of(_matches(pattern, value, compare) for pattern in patterns)
    return found.negated() if negated else found


def _matches(pattern: Expanded, value: str, compare: Comparison) -> Truth:
    if pattern.pattern is None:
        return Truth.NO
    same = compare(pattern.pattern, value)
    return Truth.UNKNOWN if pattern.doubtful or same is None else truth(same)


def _null(value: Value, patterns: list[Expanded]) -> Truth:
    booleans = {(each.pattern or "").lower() for each in patterns}
    if booleans == {"true", "false"}:
        return Truth.YES
    if isinstance(value, Absent):
        return truth("true" in booleans)
    return truth("false" in booleans) if isinstance(value, Known | OneOf) else Truth.UNKNOWN


def _agreed(each: Iterable[Truth]) -> Truth:
    """Return the result that all possible values have in common; UNKNOWN where they differ."""
    answers = set(each)
    return answers.pop() if len(answers) == 1 else Truth.UNKNOWN


def _unknown(condition: Condition, operator: str, patterns: list[Expanded], *, negated: bool) -> Truth:
    """Evaluate a condition on a key with an unknown value: only what every value meets is certain.

    A key that nearly every request has, such as the caller's address, counts as present.
    """
    if all(each.pattern is None for each in patterns) and not condition.over and not condition.if_exists:
        # A policy variable without a value matches no value of the key, and nothing where the key is absent.
        return truth(negated)
    given = {each.pattern for each in patterns}
    everywhere = "0.0.0.0/0" in given or given >= _HALVES
    if operator == "ipaddress" and condition.key == "aws:sourceip" and everywhere:
        return truth(not negated)
    return Truth.UNKNOWN


def _split(operator: str) -> tuple[bool, str]:
    """Return the operator without its negation: `stringnotlike` is `stringlike` negated."""
    for start in ("string", "arn", "numeric", "date"):
        if operator.startswith(f"{start}not"):
            return True, start + operator.removeprefix(f"{start}not")
    return (True, "ipaddress") if operator == "notipaddress" else (False, operator)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@lru_cache(maxsize=1_024)
def _moment(text: str) -> float | None:
    """Parse ISO 8601, or seconds since 1970."""
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _ordered(read: Callable[[str], float | None], test: Callable[[float, float], bool]) -> Comparison:
    def compare(pattern: str, value: str) -> bool | None:
        limit, given = read(pattern), read(value)
        return None if limit is None or given is None else test(given, limit)

    return compare


def _address(pattern: str, value: str) -> bool | None:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def _arn(pattern: str, value: str) -> bool | None:
    """Compare each of the six parts (ArnEquals behaves as ArnLike); a pattern with fewer is not documented."""
    expected, given = pattern.split(":", 5), value.split(":", 5)
    if len(expected) == len(given):
        return all(matches(one, other) for one, other in zip(expected, given, strict=True))
    if pattern == "*" or not matches(pattern, value):
        return pattern == "*"
    return None


def _same(pattern: str, value: str) -> bool:
    return matches(literal(pattern), value)


_HALVES: Final = frozenset({"0.0.0.0/1", "128.0.0.0/1"})

_COMPARISONS: Final[dict[str, Comparison]] = {
    "stringequals": _same,
    "stringequalsignorecase": lambda pattern, value: _same(pattern.lower(), value.lower()),
    "stringlike": matches,
    "arnequals": _arn,
    "arnlike": _arn,
    "bool": lambda pattern, value: pattern.lower() == value.lower(),
    "binaryequals": _same,
    "ipaddress": _address,
    "numericequals": _ordered(_number, lambda given, limit: given == limit),
    "numericlessthan": _ordered(_number, lambda given, limit: given < limit),
    "numericlessthanequals": _ordered(_number, lambda given, limit: given <= limit),
    "numericgreaterthan": _ordered(_number, lambda given, limit: given > limit),
    "numericgreaterthanequals": _ordered(_number, lambda given, limit: given >= limit),
    "dateequals": _ordered(_moment, lambda given, limit: given == limit),
    "datelessthan": _ordered(_moment, lambda given, limit: given < limit),
    "datelessthanequals": _ordered(_moment, lambda given, limit: given <= limit),
    "dategreaterthan": _ordered(_moment, lambda given, limit: given > limit),
    "dategreaterthanequals": _ordered(_moment, lambda given, limit: given >= limit),
}
