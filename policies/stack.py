"""Stacks as checks see them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from policies.embedded.containers import embedded_in
from policies.findings import Resource

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from pulumi_policy import PolicyResource

_TAG: Final = "aws:ec2/tag:Tag"


@dataclass(frozen=True)
class StackContents:
    """Resources of a stack, in the order of the engine, which all rules share."""

    resources: tuple[Resource, ...]

    @cached_property
    def by_type(self) -> Mapping[str, list[Resource]]:
        """Return the resources by type token."""
        found: dict[str, list[Resource]] = {}
        for each in self.resources:
            found.setdefault(each.type, []).append(each)
        return found


_SHARED: Final = ContextVar[StackContents | None]("contents", default=None)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Resources of a stack after the update.

    Their properties are *outputs*, of which fewer are known in preview than of inputs.
    """

    contents: StackContents
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _of_type: dict[str, tuple[Resource, ...]] = field(
        default_factory=dict[str, tuple[Resource, ...]], init=False, compare=False, repr=False
    )

    @property
    def resources(self) -> Iterator[Resource]:
        """Return all resources, in the order of the engine."""
        return (replace(each, settings=self.settings) for each in self.contents.resources)

    def of(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of some types, type by type."""
        return tuple(each for type_ in types for each in self._of(type_))

    def _of(self, type_: str) -> tuple[Resource, ...]:
        if type_ not in self._of_type:
            found = self.contents.by_type.get(type_, ())
            self._of_type[type_] = tuple(replace(each, settings=self.settings) for each in found)
        return self._of_type[type_]


@contextmanager
def sharing_contents(resources: Iterable[PolicyResource]) -> Generator[None]:
    """Let all rules evaluate these resources while a request is answered, instead of those that they are given."""
    token = _SHARED.set(_contents(resources))
    try:
        yield
    finally:
        _SHARED.reset(token)


def stack_of(resources: Iterable[PolicyResource], settings: Mapping[str, Any]) -> Stack:
    """Return the stack of the SDK's arguments, including resources inside others as far as they can be read."""
    return Stack(contents=_SHARED.get() or _contents(resources), settings=settings)


def _contents(resources: Iterable[PolicyResource]) -> StackContents:
    given = [_resource(each) for each in resources]
    embedded = [one for each in given for one in embedded_in(each)]
    return StackContents(tuple(_with_added_tags([*given, *embedded])))


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


def _resource(given: PolicyResource) -> Resource:
    sources = {name: tuple(each.urn for each in several) for name, several in given.property_dependencies.items()}
    return Resource(
        type=given.resource_type,
        name=given.name,
        properties=given.props,
        urn=given.urn,
        sources=sources,
        is_output=True,
    )
