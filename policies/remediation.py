"""Remediation: changes of resources that cannot affect their function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from policies.findings import Findings, Resource, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

Remediation = Callable[[Resource], Mapping[str, Any]]
"""New values by property path (`metadataOptions.httpTokens`)."""


def remediated(
    resource: Resource, remediation: Remediation, check: Callable[[Resource], Findings]
) -> Mapping[str, Any] | None:
    """Return all properties of a resource with the changes; secrets and unknown values stay as they are.

    Args:
        resource: Resource with the properties that the SDK passes.
        remediation: Changes.
        check: Check of the same rule.

    Returns:
        None where there is no violation, or nothing to change.
    """
    if not any(isinstance(each, Violation) for each in check(resource)):
        return None
    changes = remediation(resource)
    if not changes:
        return None
    properties = cast("MutableMapping[str, Any]", resource.properties)
    for path, value in changes.items():
        _set(properties, iter(path.split(".")), value)
    return properties


def _set(container: MutableMapping[str, Any], names: Iterator[str], value: Any) -> None:
    name = next(names)
    following = next(names, None)
    if following is None:
        container[name] = value
        return
    inner = container[name] if name in container else None  # noqa: SIM401 -- the SDK's mapping raises for unknown values only when it is indexed
    if inner is None:
        inner = container[name] = dict[str, Any]()
    _set(inner, iter([following, *names]), value)
