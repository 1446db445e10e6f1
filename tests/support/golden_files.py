"""Golden files: the public surface of the project as it was last agreed on, in tests/golden."""

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from click.testing import Result

from components.adoption.document_content import text_of_input

FOLDER = Path(__file__).parents[1] / "golden"
COMMANDS = "commands"
"""Folder of the files that `Golden.command` compares."""

_LONGEST_DIFF = 200
_LONGEST_FLOW = 60
"""Characters of a list or mapping that is written on one line."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands in the engine's events for what is known only after the update."""
_SECRET = "4dabf18193072939515e22adb298388d"
"""Marks an encrypted value in a state."""
_GENERATED = re.compile(
    r"\b(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
    r"|\b(?P<kind>acl|ami|eni|i|mi|pl|rtb|sg|subnet|vol|vpc|vpce)-[0-9a-f]{8,17}\b"
)
_OF_THE_ENGINE = {"__defaults", "__internal", "__provider", "tagsAll"}
"""Inputs that the engine and the provider derive from the others; `__provider` is the pickled code of a provider."""


@dataclass(frozen=True)
class Golden:
    """Compares with the golden files, or rewrites them.

    Attributes:
        updates: Rewrites instead of comparing.
        folder: Holds the files.
    """

    updates: bool
    folder: Path = FOLDER

    def __call__(self, name: str, content: Any) -> None:
        """Compare content with a golden file.

        Args:
            name: Path of the file within the folder.
            content: Text, or data that is written as YAML.
        """
        text = content if isinstance(content, str) else _yaml(content)
        file = self.folder / name
        if self.updates:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        expected = file.read_text(encoding="utf-8") if file.exists() else ""
        if text != expected:
            pytest.fail(_difference(f"tests/golden/{name}", expected, text), pytrace=False)

    def command(self, name: str, results: Mapping[str, Result]) -> None:
        """Compare the exit codes of a command, and the shape of the JSON documents that it prints.

        Args:
            name: The command with its group, as it is typed.
            results: Results of the command by situation. JSON documents with the same keys are shown as one.
        """
        content: dict[str, Any] = {
            "exit codes": {situation: int(result.exit_code) for situation, result in results.items()}
        }
        documents = {situation: _json(result.stdout) for situation, result in results.items()}
        alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for situation, document in documents.items():
            if document is not None:
                alike[tuple(sorted(document)) if isinstance(document, dict) else ()].append(situation)
        if alike:
            content["json"] = {
                ", ".join(situations): shape([documents[each] for each in situations]) for situations in alike.values()
            }
        self(f"{COMMANDS}/{name.replace(' ', '-')}.yaml", content)


def shape(documents: Iterable[Any]) -> dict[str, str]:
    """Return the types of everything in JSON documents, by path; what some objects lack is "absent" there."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    keys: defaultdict[str, list[set[str]]] = defaultdict(list)

    def visit(path: str, value: Any) -> None:
        types[path].add(_type(value))
        if _type(value) == "object":
            keys[path].append(set(value))
            for key, each in value.items():
                visit(f"{path}.{_GENERATED.sub('<id>', key)}".removeprefix("."), each)
        elif isinstance(value, list):
            for each in value:
                visit(f"{path}[]", each)

    for document in documents:
        visit("", document)
    for path, of_objects in keys.items():
        for key in set.union(*of_objects) - set.intersection(*of_objects):
            types[f"{path}.{key}".removeprefix(".")].add("absent")
    return {path or "document": ", ".join(sorted(found)) for path, found in sorted(types.items())}


def _type(value: Any) -> str:
    """Return the type of a JSON value; the shape of IAM policies is IAM's, and no part of ours."""
    if isinstance(value, dict) and value.keys() >= {"Version", "Statement"}:
        return "policy document"
    return "policy statement" if isinstance(value, dict) and "Effect" in value else _TYPES[type(value)]


_TYPES = {
    dict: "object",
    list: "list",
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def previewed(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the resources of a preview from the engine's event log."""
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    return resources([step["new"] for step in steps if step["new"]])


def previewed_outputs(events: Iterable[Mapping[str, Any]]) -> Any:
    """Return the outputs of a stack from the event log of its preview."""
    steps = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    *_, outputs = [step["new"]["outputs"] for step in steps if step["type"] == "pulumi:pulumi:Stack"]
    return _Normalizer().normalized(outputs)


def resources(states: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return URN, type and inputs of resources, as they stand in an event log or a state, sorted by URN."""
    states = list(states)
    normalizer = _Normalizer(dict(name for state in states for name in _names_of_the_engine(state)))
    shown = [
        normalizer.normalized({"urn": state["urn"], "type": state["type"], "inputs": state.get("inputs", {})})
        for state in states
    ]
    return sorted(shown, key=lambda each: (each["urn"], json.dumps(each, sort_keys=True)))


def _names_of_the_engine(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield physical names that the engine makes from a resource's name and a random suffix, and what to show for them."""
    name = state["urn"].rsplit("::", 1)[-1]
    for value in state.get("inputs", {}).values():
        if isinstance(value, str) and re.fullmatch(re.escape(name) + "-[0-9a-f]{7}", value):
            yield value, f"{name}-<random>"


class _Normalizer:
    """Replaces what AWS and the engine generate: an ID by its kind, as IDs are random and so is their order.

    Args:
        names: What to show for names that the engine has made.
    """

    def __init__(self, names: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = names

    def normalized(self, value: Any) -> Any:
        if isinstance(value, dict):
            if _SECRET in value:
                return "<secret>"
            return {key: self.normalized(each) for key, each in value.items() if key not in _OF_THE_ENGINE}
        if isinstance(value, list):
            shown = [self.normalized(each) for each in value]
            return sorted(shown) if shown and all(isinstance(each, str) and "<" in each for each in shown) else shown
        if not isinstance(value, str):
            return value
        document = _json(value)
        if document is not None:
            return self.normalized(document)
        for name, shown in self._names.items():
            value = value.replace(name, shown)
        return _GENERATED.sub(_kind, value)


def _kind(found: re.Match[str]) -> str:
    return "<unknown>" if found[0] == _UNKNOWN else f"<{found['kind'] or 'uuid'}>"


def _json(text: str) -> Any:
    """Return the object or list that a text holds as JSON, else None."""
    try:
        value = json.loads(text_of_input(text))
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


class _Dumper(yaml.SafeDumper):
    """Repeats what stands twice, and writes what is long line by line."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def represent_mapping(self, tag: str, mapping: Any, *style: Any) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, *style)
        if sum(len(key.value) + len(value.value) + 4 for key, value in node.value) > _LONGEST_FLOW:
            node.flow_style = False
        return node

    def represent_sequence(self, tag: str, sequence: Any, *style: Any) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, *style)
        if sum(len(each.value) + 2 for each in node.value) > _LONGEST_FLOW:
            node.flow_style = False
        return node

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def _yaml(content: Any) -> str:
    """Return content as YAML; the elements of a list are set apart by an empty line."""
    parts = [[each] for each in content] if isinstance(content, list) else [content]
    return "\n".join(
        yaml.dump(part, Dumper=_Dumper, default_flow_style=None, sort_keys=False, allow_unicode=True, width=10_000)
        for part in parts
    )


def _difference(file: str, expected: str, found: str) -> str:
    lines = list(difflib.unified_diff(expected.splitlines(), found.splitlines(), file, "found now", lineterm=""))
    left_out = [f"... and {len(lines) - _LONGEST_DIFF} more lines"] if len(lines) > _LONGEST_DIFF else []
    advice = f"{file}: expected no difference. If it is intended, run: make golden"
    return "\n".join([*lines[:_LONGEST_DIFF], *left_out, advice])
