"""Validators of single values. Each factory returns a function that returns the problem, or None.

Limits are defined with the types that use them; messages follow the Terraform AWS provider, so that users can search
for them.
"""

import ipaddress
import json
import re
from typing import Any

from local.aws_provider.model import Validator


def one_of(*allowed: str | int) -> Validator:
    """Build a validator for a closed set of values."""

    def check(value: Any) -> str | None:
        listed = ", ".join(json.dumps(item) for item in allowed)
        return None if value in allowed else f"expected one of [{listed}], got {json.dumps(value)}"

    return check


def between(lowest: int, highest: int) -> Validator:
    """Build a validator for a number within inclusive bounds."""

    def check(value: Any) -> str | None:
        inside = lowest <= value <= highest
        return None if inside else f"expected to be in the range ({lowest} - {highest}), got {value}"

    return check


def length(shortest: int, longest: int) -> Validator:
    """Build a validator for the length of a string, with inclusive bounds."""

    def check(value: Any) -> str | None:
        inside = shortest <= len(value) <= longest
        return None if inside else f"expected length to be in the range ({shortest} - {longest}), got {len(value)}"

    return check


def matches(pattern: str, meaning: str) -> Validator:
    """Build a validator for strings that match a pattern as a whole; `meaning` is the message."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return None if compiled.fullmatch(value) else f"{meaning}, got {json.dumps(value)}"

    return check


def unlike(pattern: str, meaning: str) -> Validator:
    """Build a validator for strings that must not contain a pattern."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return f"{meaning}, got {json.dumps(value)}" if compiled.search(value) else None

    return check


_arn = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(?:\d{12}|aws|)(?::.+)")


def arn(value: Any) -> str | None:
    """Validate an Amazon Resource Name."""
    return None if _arn.fullmatch(value) else f"({value}) is an invalid ARN: arn: invalid prefix or sections"


def network_address(version: int) -> Validator:
    """Build a validator for a CIDR block in canonical form, without host bits."""

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


def cidr(value: Any) -> str | None:
    """Validate a CIDR block of either address family, with or without host bits."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f'"{value}" is not a valid CIDR block'
    return None if "/" in value else f'"{value}" is not a valid CIDR block'


def ipv4_address(value: Any) -> str | None:
    """Validate an IPv4 address."""
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return f"expected a valid IPv4 address, got {json.dumps(value)}"
    return None


def items_at_most(most: int) -> Validator:
    """Build a validator for the maximum number of items of a list."""

    def check(value: Any) -> str | None:
        return None if len(value) <= most else f"at most {most} items are allowed, got {len(value)}"

    return check


def each(test: Validator) -> Validator:
    """Build a validator for every item of a list."""

    def check(value: Any) -> str | None:
        return next((reason for item in value if (reason := test(item))), None)

    return check
