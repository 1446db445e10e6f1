"""Parser of the engine's event log: changes, their Regions, and errors. Pure.

The format is `apitype.EngineEvent` of pulumi/pulumi, one JSON document per line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from operations.fleet.results import ACCOUNT_WIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is a mapping, else an empty mapping."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


_STAYS = frozenset({"same", "read", "refresh", "discard", "discard-replaced"})
_OWN_TYPES = ("pulumi:", "shell-access:")
_LONGEST = 120
_MARKUP = re.compile(r"<\{%.*?%\}>")
_PARTS = {"create-replacement", "delete-replaced", "read-replacement", "read-discard"}
"""Steps of a replacement, which the step `replace` represents."""


@dataclass
class EventLog:
    """Events of one engine execution so far.

    Attributes:
        looks_for_drift: Whether the operation is a refresh, so that the outputs of each resource count.
        changes: Number of resources by step.
        by_region: Differences by Region, one line each.
        errors: Distinct error messages of the engine.
        is_over: Whether the engine has written its summary.
    """

    looks_for_drift: bool = False
    changes: Counter[str] = field(default_factory=Counter[str])
    by_region: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    errors: list[str] = field(default_factory=list[str])
    is_over: bool = False

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
            self._error(f"policy {policy.get('policyName', '')}: {policy.get('message', '')}")
        elif "summaryEvent" in event:
            self.is_over = True

    def _step(self, metadata: Mapping[str, Any]) -> None:
        if metadata["op"] in _STAYS | _PARTS or metadata["type"].startswith(_OWN_TYPES):
            return
        self.changes[metadata["op"]] += 1
        changed = _changed(metadata, values=self.looks_for_drift)
        change = f"{metadata['op']} {_name(metadata)}{': ' if changed else ''}{', '.join(changed)}"
        self.by_region.setdefault(region_of(metadata), []).append(change)

    def _error(self, message: str) -> None:
        text = " ".join(_MARKUP.sub("", message).split())
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


def _changed(metadata: Mapping[str, Any], *, values: bool) -> list[str]:
    """Return the properties that differ, for drift with short values."""
    names = [str(each) for each in metadata.get("diffs") or ()]
    inputs, outputs = _sides(metadata, "inputs"), _sides(metadata, "outputs")
    if not values:
        return names or _different(*inputs)
    # Inputs are more informative than outputs, such as the version of a document.
    changed_inputs = _different(*inputs)
    before, after = inputs if changed_inputs else outputs
    return [
        _difference(name, before.get(name), after.get(name)) for name in changed_inputs or names or _different(*outputs)
    ]


def _sides(metadata: Mapping[str, Any], part: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return mapping(mapping(metadata.get("old")).get(part)), mapping(mapping(metadata.get("new")).get(part))


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if not before or not after:
        return []
    names = (key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return sorted(name for name in names if not name.startswith("__"))


def _difference(name: str, before: Any, after: Any) -> str:
    texts = [json.dumps(value) for value in (before, after)]
    plain = all(value is None or isinstance(value, bool | int | float | str) for value in (before, after))
    secret = any("[secret]" in text for text in texts)
    return f"{name}: {texts[0]} -> {texts[1]}" if plain and not secret and len("".join(texts)) < _LONGEST else name
