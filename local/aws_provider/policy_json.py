"""Equivalence of JSON texts.

IAM rewrites policies, so that another spelling must not be a difference. The rules are those of the library that the
Terraform AWS provider uses (`hashicorp/awspolicyequivalence`), which counts the Sid, repeated actions and the case of names
as differences. `operations.verify.policies` compares by meaning, so that policies which are equal here are equal there.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from local.aws_provider.model import Property, Validator
from local.aws_provider.wire import Values, is_list, is_map

_account_root = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):root")


class DuplicateKeyError(ValueError):
    """A duplicate key in an object."""


def _unique(pairs: list[tuple[str, Any]]) -> Values:
    result: Values = {}
    for key, value in pairs:
        if key in result:
            raise DuplicateKeyError(key)
        result[key] = value
    return result


def parse(text: str) -> Any:
    """Parse JSON without duplicate keys."""
    return json.loads(text, object_pairs_hook=_unique)


def compact(value: Any) -> str:
    """Return JSON without white space, with sorted keys."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def normal_form(text: Any) -> Any:
    """Return a policy as outputs store it: compact with sorted keys; invalid JSON is returned unchanged."""
    try:
        return compact(json.loads(text))
    except (TypeError, ValueError):
        return text


def same_policy(first: Any, second: Any) -> bool:
    """Return whether two IAM policies are equivalent; invalid JSON equals only itself."""
    if first == second:
        return True
    try:
        one, two = json.loads(first), json.loads(second)
        return _document(one) == _document(two)
    except (TypeError, ValueError, AttributeError):
        return False


def _document(policy: Values) -> tuple[Any, ...]:
    statements = policy.get("Statement", [])
    listed: list[Any] = statements if is_list(statements) else [statements]
    known = {"Version", "Id", "Statement"}
    rest = {key: value for key, value in policy.items() if key not in known}
    return (
        policy.get("Version", ""),
        policy.get("Id", ""),
        Counter(compact(_statement(statement)) for statement in listed),
        compact(rest),
    )


def _statement(statement: Values) -> Values:
    result: Values = {"Effect": str(statement.get("Effect", "")).lower(), "Sid": statement.get("Sid", "")}
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        result[name] = sorted(_strings(statement.get(name)))
    for name in ("Principal", "NotPrincipal"):
        result[name] = _principal(statement.get(name))
    result["Condition"] = _condition(statement.get("Condition"))
    return result


def _strings(value: Any) -> list[str]:
    """Return a list of strings: a scalar is a list of one; booleans and numbers are converted to text."""
    if value is None:
        return []
    items: list[Any] = value if is_list(value) else [value]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


def _principal(value: Any) -> Any:
    if not is_map(value):
        # The string "*" includes anonymous callers, so that it is not the same as {"AWS": "*"}.
        return value
    kinds = {kind: sorted(_principal_id(name) for name in _strings(names)) for kind, names in value.items()}
    return {kind: names for kind, names in kinds.items() if names} or None


def _principal_id(name: str) -> str:
    """Return the account ID for the ARN of the account's root: both are the same principal."""
    root = _account_root.fullmatch(name)
    return root.group(1) if root else name


def _condition(value: Any) -> Any:
    if not is_map(value):
        return value
    result: Values = {}
    for operator, keys in value.items():
        if not is_map(keys):
            raise TypeError("a condition operator must hold an object")
        result[operator] = {key: sorted(set(_strings(values))) for key, values in keys.items()}
    return result or None


# Properties that hold JSON.


def json_text(value: Any) -> str | None:
    """Validate JSON."""
    try:
        json.loads(value)
    except ValueError as problem:
        return f"contains an invalid JSON: {problem}"
    return None


def iam_policy(value: Any) -> str | None:
    """Validate a JSON object, as IAM accepts it, with specific messages for the usual mistakes."""
    trimmed = value.strip()
    if not trimmed.startswith("{"):
        return f"contains an invalid JSON policy: {_not_an_object(trimmed)}"
    try:
        parse(trimmed)
    except DuplicateKeyError as duplicate:
        return f"contains duplicate JSON keys: {duplicate}"
    except ValueError as problem:
        return f"contains an invalid JSON policy: {problem}"
    return None


def _not_an_object(text: str) -> str:
    if not text:
        return "an empty string"
    if text.startswith("["):
        return "contains a JSON array, not an object"
    if text.startswith('"'):
        return "contains a JSON-encoded string, not a JSON-encoded object (encoded twice?)"
    if text.startswith(("file://", "./", "/")) or text.endswith(".json"):
        return "a file name, not the content of the file"
    return "leading characters must be those of a JSON object"


def policy(check: Validator = json_text, **options: Any) -> Property:
    """Build a property that is a policy in JSON."""
    return Property(checks=(check,), same=same_policy, stored_as=normal_form, **options)


def names_principal(policy: str) -> Callable[[Values], bool]:
    """Return the condition that a policy has a principal that AWS may not know for some time."""
    return lambda values: ":role/" in values[policy] or ":user/" in values[policy]
