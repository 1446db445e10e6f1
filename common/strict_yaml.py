"""YAML of bounded size and depth, without repeated keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

from common.iam.documents import unique_keys

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_NODES = 200_000
"""Scalars, lists and mappings of a document, with aliases expanded."""
MAX_DEPTH = 100


class BoundedLoader(yaml.SafeLoader):
    """Loader that bounds aliases and nesting, so that memory and stack suffice."""

    def get_single_node(self) -> yaml.Node | None:
        """Return the document.

        Raises:
            YAMLError: It is nested too deeply, or too large with its aliases expanded.
        """
        try:
            root = super().get_single_node()
            if root is not None and _size(root, {}, 0) > MAX_NODES:
                raise yaml.YAMLError(f"expected at most {MAX_NODES:,} values with what aliases stand for, got more")
        except RecursionError:
            raise yaml.YAMLError(f"expected at most {MAX_DEPTH} levels of lists and mappings, got more") from None
        return root


def _size(node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
    """Count a node and all its descendants; a recursive node counts once, its reader must reject it."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if id(node) not in sizes:
        sizes[id(node)] = 1
        within: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
            within = [each for pair in pairs for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            within = cast("list[yaml.Node]", node.value)
        sizes[id(node)] = 1 + sum(_size(each, sizes, depth + 1) for each in within)
    return sizes[id(node)]


class UniqueKeys(BoundedLoader):
    """Loader that rejects mappings with repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the library's signature
        """Return a mapping.

        Raises:
            ValueError: A key is repeated.
        """
        construct = cast("Callable[[yaml.Node], Any]", self.construct_object)  # pyright: ignore[reportUnknownMemberType]
        # Before merging: a mapping may override keys that it merges.
        nodes = [*cast("list[tuple[yaml.Node, yaml.Node]]", node.value)]
        found = super().construct_mapping(node, deep)
        unique_keys([(construct(key), None) for key, _ in nodes])
        return found
