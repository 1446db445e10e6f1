"""Mending a resource in place of refusing it: only for what cannot break what the resource is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from policies.findings import Findings, Resource, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

Remediation = Callable[[Resource], Mapping[str, Any]]
"""The properties to change, by path (`metadataOptions.httpTokens`), with their new values."""


def remediated(
    resource: Resource, remediation: Remediation, check: Callable[[Resource], Findings]
) -> Mapping[str, Any] | None:
    """All properties of a resource with the changes made, secrets and unknown values among them as they were.

    Args:
        resource: with the properties that the SDK hands over to be changed.
        remediation: what to change.
        check: of the same rule.

    Returns:
        None where the check has no violation to report, or the remediation nothing to change.
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
