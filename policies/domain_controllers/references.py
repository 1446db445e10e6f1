"""Resources of the stack that properties refer to, in preview and after the update."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from common.json_values import listed
from policies.findings import UNKNOWN, Resource

if TYPE_CHECKING:
    from policies.stack import Stack


@dataclass(frozen=True)
class ResourceReference:
    """A reference to one of some resources of the stack; its value is None where it is not known yet."""

    candidates: tuple[Resource, ...]
    value: str | None

    @property
    def is_lost(self) -> bool:
        """Return whether the reference is unknown in preview."""
        return self.value is None and not self.candidates


_IDENTITIES: Final = ("id", "arn", "name", "primaryNetworkInterfaceId")
"""Properties by which others refer to a resource; to an instance also by its primary interface."""

NOTHING: Final = ResourceReference((), "")
"""Reference to no resource of the stack."""


class ReferenceIndex:
    """Resources of some types, by the references to them."""

    def __init__(self, stack: Stack, *types: str) -> None:
        self.resources = stack.of(*types)

    def of(self, holder: Resource, name: str, value: Any) -> ResourceReference:
        """Resolve a value of a property."""
        coming = (self._by_urn[urn] for urn in holder.sources.get(name, ()) if urn in self._by_urn)
        if value is UNKNOWN:
            return ResourceReference(tuple(coming), None)
        # The outputs of a provider may lack the ID.
        found = self._by_identity.get(str(value)) or tuple(each for each in coming if not _is_another(each, str(value)))
        return ResourceReference(found, str(value))

    def all_of(self, holder: Resource, name: str) -> tuple[ResourceReference, ...]:
        """Resolve the values of a property, which may be one or a list."""
        return tuple(self.of(holder, name, each) for each in listed(holder.given(name)) if each is not None)

    @cached_property
    def _by_urn(self) -> dict[str, Resource]:
        return {each.urn: each for each in self.resources}

    @cached_property
    def _by_identity(self) -> dict[str, tuple[Resource, ...]]:
        found: dict[str, tuple[Resource, ...]] = {}
        for each in self.resources:
            for identity in {each.value(name) for name in _IDENTITIES}:
                if isinstance(identity, str):
                    found[identity] = (*found.get(identity, ()), each)
        return found


def _is_another(resource: Resource, value: str) -> bool:
    """Return whether a resource certainly does not have an ID, ARN or name."""
    identity = resource.value("arn" if value.startswith("arn:") else "id")
    return isinstance(identity, str) and identity != value
