"""Which resource of the stack a property names, in preview and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from policies.findings import UNKNOWN

if TYPE_CHECKING:
    from policies.findings import Resource
    from policies.stack import Stack


@dataclass(frozen=True)
class Named:
    """What a value names.

    Attributes:
        candidates: resources of the stack that it is, or of which it will be one.
        value: as text; None where it is not known yet.
    """

    candidates: tuple[Resource, ...]
    value: str | None

    @property
    def is_lost(self) -> bool:
        """Whether preview cannot tell at all."""
        return self.value is None and not self.candidates


_IDENTITIES: Final = ("id", "arn", "name", "primaryNetworkInterfaceId")
"""Properties by whose value others name a resource; an instance also by its first interface."""

NOTHING: Final = Named((), "")
"""Names no resource of the stack."""


class References:
    """The resources of some types, found by what names them.

    Args:
        stack: to look in.
        types: of the resources.
    """

    def __init__(self, stack: Stack, *types: str) -> None:
        self.resources = stack.of(*types)

    def of(self, holder: Resource, name: str, value: Any) -> Named:
        """What a value in a property of a resource names.

        Args:
            holder: the resource that has the property.
            name: of the property, of the first level.
            value: in it, or `UNKNOWN`.
        """
        coming = (self._by_urn[urn] for urn in holder.sources.get(name, ()) if urn in self._by_urn)
        if value is UNKNOWN:
            return Named(tuple(coming), None)
        # A provider need not repeat the ID among the outputs.
        found = self._by_identity.get(str(value)) or tuple(each for each in coming if not _is_another(each, str(value)))
        return Named(found, str(value))

    def all_of(self, holder: Resource, name: str) -> tuple[Named, ...]:
        """What a property names, value by value, where it may be one or a list of them."""
        value = given(holder, name)
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        return tuple(self.of(holder, name, each) for each in values if each is not None)

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


def given(resource: Resource, name: str) -> Any:
    """A property that the program gave; None for one that preview does not know as the provider will fill it in."""
    return resource.given(name)


def _is_another(resource: Resource, value: str) -> bool:
    """Whether a resource surely is not what an ID, ARN or name stands for."""
    identity = resource.value("arn" if value.startswith("arn:") else "id")
    return isinstance(identity, str) and identity != value
