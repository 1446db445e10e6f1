"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}`.

IAM User Guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from common.iam.context import Known, OneOf, UnknownValue
from common.iam.patterns import LITERAL_QUESTION, LITERAL_STAR, has_wildcard, literal

if TYPE_CHECKING:
    from common.iam.context import RequestContext
    from common.iam.documents import Statement

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_NAME: Final = re.compile(r"\s*([^,]+?)\s*(?:,\s*'(.*)'\s*)?")
_ESCAPES: Final = {"*": LITERAL_STAR, "?": LITERAL_QUESTION, "$": "$"}


@dataclass(frozen=True)
class Expanded:
    """A pattern with its variables resolved.

    The pattern is None where a variable has no value, so that nothing matches. Where a value is unknown, it is
    doubtful, and the widest possible.
    """

    pattern: str | None
    doubtful: bool = False


def expand(text: str, context: RequestContext) -> Expanded:
    """Replace the variables with the values of a request.

    Stars of a value are no wildcards. Whether stars of a default are is not documented, so the result is doubtful.
    """
    if "${" not in text:
        return Expanded(text)
    parts: list[str] = []
    doubtful, end = False, 0
    for found in _VARIABLE.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if found[1] in _ESCAPES:
            parts.append(_ESCAPES[found[1]])
            continue
        value = _value(found[1], context)
        if value.pattern is None:
            return value
        doubtful = doubtful or value.doubtful
        parts.append(value.pattern)
    return Expanded("".join(parts) + text[end:], doubtful)


def names_in(text: str) -> tuple[str, ...]:
    """Return the keys that the variables of a text name, in lower case."""
    if "${" not in text:
        return ()
    bodies = (found[1] for found in _VARIABLE.finditer(text) if found[1] not in _ESCAPES)
    return tuple(match[1].lower() for body in bodies if (match := _NAME.fullmatch(body)))


def variable_in(text: str) -> str:
    """Return the key, in lowercase, of a text that is one variable and nothing else; empty: it is not."""
    found = _VARIABLE.fullmatch(text)
    names = names_in(text) if found else ()
    return names[0] if names else ""


def keys_of(statement: Statement) -> frozenset[str]:
    """Return the condition keys that a statement depends on, in lower case."""
    keys = {condition.key for condition in statement.conditions}
    if statement.variables:
        texts = (*statement.resources, *(value for each in statement.conditions for value in each.values))
        keys.update(name for text in texts for name in names_in(text))
    return frozenset(keys)


def _value(body: str, context: RequestContext) -> Expanded:
    match = _NAME.fullmatch(body)
    if match is None:
        return Expanded(None)
    value = context.value(match[1])
    if isinstance(value, UnknownValue | OneOf):
        return Expanded("*", doubtful=True)
    if isinstance(value, Known) and not value.many and len(value.values) == 1:
        return Expanded(literal(value.values[0]))
    default: str | None = match[2]
    return Expanded(default, doubtful=default is not None and has_wildcard(default))
