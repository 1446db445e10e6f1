"""A small evaluator of identity policies, written apart from common/iam: one request, every key known."""

import re
from functools import cache
from typing import Any


def allows(document: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    """Return whether a policy allows a request; keys that the context lacks are absent."""
    decisions = [
        statement["Effect"]
        for statement in _list(document["Statement"])
        if _applies(statement, action, resource, context)
    ]
    return "Allow" in decisions and "Deny" not in decisions


def _applies(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    if "Action" in statement:
        named = any(_like(each.lower(), action.lower()) for each in _list(statement["Action"]))
    else:
        named = not any(_like(each.lower(), action.lower()) for each in _list(statement["NotAction"]))
    if "Resource" in statement:
        reached = any(_like(text, resource) for each in _list(statement["Resource"]) for text in _filled(each, context))
    else:
        left_out = [text for each in _list(statement["NotResource"]) for text in _filled(each, context)]
        reached = not any(_like(text, resource) for text in left_out)
    return named and reached and _holds(statement.get("Condition", {}), context)


def _holds(conditions: dict[str, Any], context: dict[str, str]) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _compare(operator, known.get(key.lower()), [text for each in _list(values) for text in _filled(each, context)])
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _compare(operator: str, value: str | None, expected: list[str]) -> bool:
    over, _, name = operator.lower().rpartition(":")
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name == "null":
        return (value is None) == (expected[0].lower() == "true")
    negated = "not" in name
    if value is None:
        return optional or over == "forallvalues" or (negated and not over)
    if name in ("stringequals", "stringnotequals"):
        found = value in expected
    elif name in ("stringequalsignorecase", "stringnotequalsignorecase", "bool"):
        found = value.lower() in [each.lower() for each in expected]
    elif name.startswith(("stringlike", "stringnotlike", "arn")):
        found = any(_like(each, value) for each in expected)
    else:
        return False
    return found != negated


def _filled(text: Any, context: dict[str, str]) -> list[str]:
    """A text with its policy variables replaced; none where a variable has no value."""
    known = {key.lower(): value for key, value in context.items()}
    filled = str(text).lower() if isinstance(text, bool) else str(text)
    for name in re.findall(r"\$\{([^}]*)\}", filled):
        if name.lower() not in known:
            return []
        filled = filled.replace(f"${{{name}}}", known[name.lower()])
    return [filled]


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern), re.DOTALL)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
