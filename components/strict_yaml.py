"""YAML of which no mapping repeats a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

from components.iam.documents import unique_keys

if TYPE_CHECKING:
    from collections.abc import Callable


class UniqueKeys(yaml.SafeLoader):
    """Reads YAML of which no mapping repeats a key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the library's signature
        """Return a mapping.

        Raises:
            ValueError: It repeats a key.
        """
        construct = cast("Callable[[yaml.Node], Any]", self.construct_object)  # pyright: ignore[reportUnknownMemberType]
        # As written: what is merged into a mapping may be overridden there.
        nodes = [*cast("list[tuple[yaml.Node, yaml.Node]]", node.value)]
        found = super().construct_mapping(node, deep)
        unique_keys([(construct(key), None) for key, _ in nodes])
        return found
