"""Parser of the engine's event log: changes, their Regions, and errors. Pure.

The format is `apitype.EngineEvent` of pulumi/pulumi, one JSON document per line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from common.json_values import mapping
from common.problems import path_text
from operations.fleet.results import ACCOUNT_WIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_STAYS = frozenset({"same", "read", "refresh", "discard", "discard-replaced"})
_OWN_TYPES = ("pulumi:", "shell-access:")
_ADOPTED = "pulumi-python:dynamic/shellaccess:AdoptedResource"
"""Type of the resource that creates or finds a fixed name; the AWS provider then imports the name (components/adoption)."""
_NOTICE = re.compile(r"(.+) in (\S+) .*\b(?:will be taken over|will be replaced|has lost its tags);[^:]*(:?)$")
"""First line of a notice of a dynamic resource, whose further lines are indented."""
_MOST_NOTICE_LINES = 10
_LONGEST = 120
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Text for a value that is known only after the update (sdk/go/common/resource/plugin/rpc.go)."""
NOT_SET: Any = object()
"""Value of a property that does not exist."""
_MARKUP = re.compile(r"<\{%.*?%\}>")
_PARTS = {"create-replacement", "delete-replaced", "read-replacement", "read-discard"}
"""Steps of a replacement, which the step `replace` represents."""


@dataclass
class EventLog:
    """Events of one engine execution so far.

    Attributes:
        looks_for_drift: Whether the operation is a refresh, so that the outputs of each resource count.
        is_preview: Whether the operation is a preview, in which fixed names that do not exist yet are created, but `up`
            imports them.
        changes: Number of resources by step.
        by_region: Differences by Region, one line each.
        errors: Distinct error messages of the engine; those with several problems have one per line.
        is_over: Whether the engine has written its summary.
    """

    looks_for_drift: bool = False
    is_preview: bool = False
    changes: Counter[str] = field(default_factory=Counter[str])
    by_region: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    errors: list[str] = field(default_factory=list[str])
    is_over: bool = False
    _adopted: set[str] = field(default_factory=set[str])
    _notice: tuple[str, int] | None = None
    """Region and position of the notice that further lines belong to."""

    def read(self, lines: Iterable[str]) -> None:
        """Read new lines of the log; incomplete lines are ignored."""
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                self._note(cast("dict[str, Any]", event))

    def _note(self, event: Mapping[str, Any]) -> None:
        step = event.get("resOutputsEvent" if self.looks_for_drift else "resourcePreEvent")
        if step:
            self._step(step["metadata"])
        elif "diagnosticEvent" in event and event["diagnosticEvent"].get("severity") == "error":
            self._error(event["diagnosticEvent"].get("message", ""))
        elif "policyEvent" in event and event["policyEvent"].get("enforcementLevel") == "mandatory":
            policy = event["policyEvent"]
            message = " ".join(str(policy.get("message", "")).split())
            self._error(f"policy {policy.get('policyName', '')}: {message}")
        elif "diagnosticEvent" in event and str(event["diagnosticEvent"].get("severity")).startswith("info"):
            self._notices(event["diagnosticEvent"].get("message", ""))
        elif "summaryEvent" in event:
            self.is_over = True

    def _step(self, metadata: Mapping[str, Any]) -> None:
        operation, name = metadata["op"], metadata["urn"].rsplit("::", 1)[-1]
        if operation in _STAYS | _PARTS or metadata["type"].startswith(_OWN_TYPES):
            return
        if self.is_preview and operation == "create" and name in self._adopted:
            operation = "import"
        if metadata["type"] == _ADOPTED:
            self._adopted.add(name)
        self.changes[operation] += 1
        changed = _changed(metadata)
        change = f"{operation} {_name(metadata)}{': ' if changed else ''}{', '.join(changed)}"
        self.by_region.setdefault(region_of(metadata), []).append(change)

    def _notices(self, message: str) -> None:
        """Note what a dynamic resource will take over or replace; each line may be an event of its own."""
        for line in _MARKUP.sub("", message).splitlines():
            if line.startswith("    ") and self._notice:
                region, position = self._notice
                self._extend(self.by_region[region], position, line.strip())
            elif found := _NOTICE.fullmatch(line.strip()):
                notices = self.by_region.setdefault(found[2], [])
                kind = "take over" if "taken over" in line else "replace changes of another principal to"
                notices.append(f"{kind} {found[1]}")
                self._notice = (found[2], len(notices) - 1) if found[3] else None
            elif line.strip():
                self._notice = None

    @staticmethod
    def _extend(notices: list[str], position: int, line: str) -> None:
        lines = notices[position].count(", ") + 1
        if lines <= _MOST_NOTICE_LINES:
            notices[position] += f"{', ' if ': ' in notices[position] else ': '}{line}"

    def _error(self, message: str) -> None:
        lines = (" ".join(line.split()) for line in _MARKUP.sub("", message).splitlines())
        text = "\n".join(filter(None, lines))
        if text and text not in self.errors:
            self.errors.append(text)


def region_of(metadata: Mapping[str, Any]) -> str:
    """Return the Region of a resource, which pulumi-aws 7 and our own resources have as an input."""
    for side in ("new", "old"):
        region = mapping(mapping(metadata.get(side)).get("inputs")).get("region")
        if isinstance(region, str):
            return region
    return ACCOUNT_WIDE


def _name(metadata: Mapping[str, Any]) -> str:
    """Return type and name, such as `LogGroup session-manager-eu-west-1-logs`."""
    return f"{metadata['type'].rsplit(':', 1)[-1]} {metadata['urn'].rsplit('::', 1)[-1]}"


def _changed(metadata: Mapping[str, Any]) -> list[str]:
    """Return the properties that differ, with their values where these are short."""
    names = list(dict.fromkeys(re.split(r"[.\[]", str(each))[0] for each in metadata.get("diffs") or ()))
    inputs, outputs = _sides(metadata, "inputs"), _sides(metadata, "outputs")
    # Inputs are more informative than outputs, such as the version of a document.
    changed_inputs = _different(*inputs)
    before, after = inputs if changed_inputs else outputs
    different = changed_inputs or names or _different(*outputs)
    return [
        change
        for name in different
        if not (name == "tagsAll" and "tags" in different)
        for change in _changes(name, before.get(name, NOT_SET), after.get(name, NOT_SET)) or [name]
    ]


def _sides(metadata: Mapping[str, Any], part: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return mapping(mapping(metadata.get("old")).get(part)), mapping(mapping(metadata.get("new")).get(part))


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if not before or not after:
        return []
    names = (key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return sorted(name for name in names if not name.startswith("__"))


def _changes(name: str, before: Any, after: Any) -> list[str]:
    """Return the differences of two values, one per innermost value of mappings and of JSON text."""
    before, after = _parsed(before), _parsed(after)
    if isinstance(before, dict) and isinstance(after, dict):
        earlier, later = mapping(before), mapping(after)
        return [
            change
            for key in dict.fromkeys((*earlier, *later))
            for change in _changes(path_text((key,), name), earlier.get(key, NOT_SET), later.get(key, NOT_SET))
        ]
    return [] if before is after or before == after else [change_text(name, before, after)]


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def change_text(name: str, before: Any, after: Any) -> str:
    """Return the name of a property with its values, or without them where they are long or secret."""
    texts = [_text(value) for value in (before, after)]
    shows = not any("[secret]" in text for text in texts) and len("".join(texts)) < _LONGEST
    return f"{name}: {texts[0]} -> {texts[1]}" if shows else name


def _text(value: Any) -> str:
    if value is NOT_SET:
        return "not set"
    return "known after the update" if value == _UNKNOWN else json.dumps(value, ensure_ascii=False)
