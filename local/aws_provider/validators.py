"""Checks of single values. Each maker returns a function that says what is wrong, or nothing.

Limits stand with the types that use them; the wording follows the Terraform AWS provider, so that messages are found.
"""

import ipaddress
import json
import re
from typing import Any

from local.aws_provider import policy_json
from local.aws_provider.model import Validator


def one_of(*allowed: str | int) -> Validator:
    """A closed set of values."""

    def check(value: Any) -> str | None:
        listed = ", ".join(json.dumps(item) for item in allowed)
        return None if value in allowed else f"expected one of [{listed}], got {json.dumps(value)}"

    return check


def between(lowest: int, highest: int) -> Validator:
    """A number within bounds, both included."""

    def check(value: Any) -> str | None:
        inside = lowest <= value <= highest
        return None if inside else f"expected to be in the range ({lowest} - {highest}), got {value}"

    return check


def length(shortest: int, longest: int) -> Validator:
    """Characters of a string, both bounds included."""

    def check(value: Any) -> str | None:
        inside = shortest <= len(value) <= longest
        return None if inside else f"expected length to be in the range ({shortest} - {longest}), got {len(value)}"

    return check


def matches(pattern: str, meaning: str) -> Validator:
    """A whole string of a form, which `meaning` puts in words."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return None if compiled.fullmatch(value) else f"{meaning}, got {json.dumps(value)}"

    return check


def unlike(pattern: str, meaning: str) -> Validator:
    """A string that must not have a form."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return f"{meaning}, got {json.dumps(value)}" if compiled.search(value) else None

    return check


_arn = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(?:\d{12}|aws|)(?::.+)")


def arn(value: Any) -> str | None:
    """An Amazon Resource Name."""
    return None if _arn.fullmatch(value) else f"({value}) is an invalid ARN: arn: invalid prefix or sections"


def json_text(value: Any) -> str | None:
    """Any JSON."""
    try:
        json.loads(value)
    except ValueError as problem:
        return f"contains an invalid JSON: {problem}"
    return None


def iam_policy(value: Any) -> str | None:
    """A JSON object, as IAM takes it; the usual mistakes are named."""
    trimmed = value.strip()
    if not trimmed.startswith("{"):
        return f"contains an invalid JSON policy: {_not_an_object(trimmed)}"
    try:
        policy_json.parse(trimmed)
    except policy_json.DuplicateKeyError as duplicate:
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


def network_address(version: int) -> Validator:
    """A CIDR block in canonical form, without host bits."""

    def check(value: Any) -> str | None:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return f'"{value}" is not a valid IPv{version} CIDR block'
        if network.version != version or "/" not in value:
            return f'"{value}" is not a valid IPv{version} CIDR block'
        canonical = str(network)
        return None if value == canonical else f'"{value}" is not a valid CIDR block; did you mean "{canonical}"?'

    return check


def unsupported(_value: Any) -> str | None:
    """A property that the real plugin has and this stand-in has not, so that giving it is an error."""
    return "is not supported by the local stand-in provider; use the separate resource for it"


def refused(_value: Any) -> str | None:
    """A property that the real plugin has and this stand-in has not, for which there is no other resource either."""
    return "is not supported by the local stand-in provider"


def cidr(value: Any) -> str | None:
    """Any CIDR block, of either family, with host bits or without."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f'"{value}" is not a valid CIDR block'
    return None if "/" in value else f'"{value}" is not a valid CIDR block'


def ipv4_address(value: Any) -> str | None:
    """One IPv4 address."""
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return f"expected a valid IPv4 address, got {json.dumps(value)}"
    return None


def items_at_most(most: int) -> Validator:
    """How many items a list may have."""

    def check(value: Any) -> str | None:
        return None if len(value) <= most else f"at most {most} items are allowed, got {len(value)}"

    return check


def each(test: Validator) -> Validator:
    """A check for every item of a list."""

    def check(value: Any) -> str | None:
        return next((reason for item in value if (reason := test(item))), None)

    return check
