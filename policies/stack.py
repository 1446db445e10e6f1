"""Stacks as checks see them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from policies.embedded.containers import embedded_in
from policies.findings import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pulumi_policy import PolicyResource

_TAG: Final = "aws:ec2/tag:Tag"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Resources of a stack after the update.

    Their properties are *outputs*, of which fewer are known in preview than of inputs.

    Attributes:
        resources: Resources, in the order of the engine.
        settings: Parameters of the rule.
    """

    resources: tuple[Resource, ...]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def of(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of some types, type by type."""
        return tuple(each for type_ in types for each in self._by_type.get(type_, ()))

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for each in self.resources:
            found.setdefault(each.type, []).append(each)
        return found


def stack_of(resources: Iterable[PolicyResource], settings: Mapping[str, Any]) -> Stack:
    """Return the stack of the SDK's arguments, including resources inside others as far as they can be read."""
    given = [_resource(each, settings) for each in resources]
    hidden = [one for each in given for one in embedded_in(each)]
    return Stack(resources=tuple(_with_added_tags([*given, *hidden])), settings=settings)


def _with_added_tags(resources: list[Resource]) -> Iterator[Resource]:
    """Add the tags that `ec2.Tag` resources set."""
    added: dict[str, dict[Any, Any]] = {}
    for tag in resources:
        if tag.type == _TAG:
            ids = (*tag.sources.get("resourceId", ()), tag.value("resourceId"))
            for each in ids:
                if isinstance(each, str):
                    added.setdefault(each, {})[tag.value("key")] = tag.value("value")
    for resource in resources:
        names = {resource.urn, resource.value("id")} if added else set[Any]()
        tags = {key: value for name in names if name in added for key, value in added[name].items()}
        yield replace(resource, added_tags=tags) if tags else resource


def _resource(given: PolicyResource, settings: Mapping[str, Any]) -> Resource:
    sources = {name: tuple(each.urn for each in several) for name, several in given.property_dependencies.items()}
    return Resource(
        type=given.resource_type,
        name=given.name,
        properties=given.props,
        settings=settings,
        urn=given.urn,
        sources=sources,
        is_output=True,
    )
