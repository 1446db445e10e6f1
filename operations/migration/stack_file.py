"""Changes to the section `approval` in a stack's configuration file, with everything else in the file kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from common.problems import NAMESPACE
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECTION: Final = f"{NAMESPACE}:approval"
_WIDTH: Final = 110


def stack_file(directory: Path, stack: str) -> Path:
    """Return the path of a stack's configuration file.

    Raises:
        UnusableError: There is no such file, as for a stack of a fleet.
    """
    project: Any = yaml.safe_load((directory / "Pulumi.yaml").read_text(encoding="utf-8"))
    file = directory / str(project.get("stackConfigDir") or "") / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
    if not file.is_file():
        raise UnusableError(
            f"The configuration of stack {stack} is not in {file}. If the stack belongs to a fleet, set the keys of each step "
            "in the fleet file and run fleet up: docs/just-in-time.md, Moving from another mode."
        )
    return file


def with_approval(text: str, changes: Mapping[str, Any]) -> str:
    """Return a stack's configuration with changed keys of its section `approval`; None removes a key.

    Lines of other keys, and their comments, stay as they are.

    Raises:
        UnusableError: The file has no such section, or cannot be changed without changing something else.
    """
    node = _section(text)
    if node is None:
        raise UnusableError(
            f"The stack's configuration file has no mapping {SECTION}. Run pulumi config refresh, or add it."
        )
    if "secure" in _content(text):
        raise UnusableError(
            f"{SECTION} is encrypted as a whole in the stack's configuration file. Set it in plain text, with only its secret "
            "values encrypted: pulumi config set --path --secret."
        )
    lines = text.splitlines(keepends=True)
    expected: dict[str, Any] = {**_content(text), **changes}
    changed = _in_place(lines, node, changes) if not node.flow_style else None
    result = changed or _replaced(text, node, {key: value for key, value in expected.items() if value is not None})
    after = yaml.safe_load(text)
    after["config"][SECTION] = {key: value for key, value in expected.items() if value is not None}
    if yaml.safe_load(result) != after:
        raise UnusableError(
            f"The section {SECTION} of the stack's configuration file cannot be changed without changing other lines. Write it "
            "as a plain mapping, without anchors and tags."
        )
    return result


def _content(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(text)["config"][SECTION])


def _section(text: str) -> yaml.MappingNode | None:
    parser: Any = yaml  # Its types are partly unknown.
    found: Any = parser.compose(text, Loader=yaml.SafeLoader)
    for name in ("config", SECTION):
        if not isinstance(found, yaml.MappingNode):
            return None
        values = {str(key.value): value for key, value in found.value}
        found = values.get(name)
    return found if isinstance(found, yaml.MappingNode) else None


def _in_place(lines: list[str], node: yaml.MappingNode, changes: Mapping[str, Any]) -> str:
    """Return the text with the lines of the changed keys replaced; those of new keys follow the last one."""
    entries: list[tuple[str, int, int]] = []
    starts = [key.start_mark.line for key, _ in node.value]
    end = node.end_mark
    # The mapping ends where the next key begins, or with the file.
    last = end.line + (1 if end.line < len(lines) and lines[end.line][: end.column].strip() else 0)
    for position, (key, _) in enumerate(node.value):
        after = starts[position + 1] if position + 1 < len(starts) else last
        while after > starts[position] + 1 and not _is_content(lines[after - 1]):
            after -= 1
        entries.append((str(key.value), starts[position], after))
    indent = " " * node.value[0][0].start_mark.column
    result, done = list[str](), 0
    for name, start, end in entries:
        result += lines[done:start]
        result += lines[start:end] if name not in changes else _dumped(name, changes[name], indent)
        done = end
    present = {name for name, _, _ in entries}
    if result and not result[-1].endswith("\n"):
        result[-1] += "\n"
    for name, value in changes.items():
        result += _dumped(name, value, indent) if name not in present else []
    return "".join([*result, *lines[done:]])


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _dumped(name: str, value: Any, indent: str) -> list[str]:
    if value is None:
        return []
    dumped = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return [f"{indent}{line}" for line in dumped.splitlines(keepends=True)]


def _replaced(text: str, node: yaml.MappingNode, content: Mapping[str, Any]) -> str:
    """Return the text with the whole section in flow style, as it was."""
    dumped = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=True)
    return text[: node.start_mark.index] + dumped.rstrip("\n") + text[node.end_mark.index :]
