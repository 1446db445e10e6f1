"""YAML of which no mapping repeats a key."""

from __future__ import annotations

from typing import Any, cast

import yaml

from components.iam.documents import unique_keys


class UniqueKeys(yaml.SafeLoader):
    """Reads YAML of which no mapping repeats a key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the library's signature
        unique_keys(
            [(self.construct_object(key), None) for key, _ in cast("list[tuple[yaml.Node, yaml.Node]]", node.value)]
        )  # pyright: ignore[reportUnknownMemberType]
        return super().construct_mapping(node, deep)
