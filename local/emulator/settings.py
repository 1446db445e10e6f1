"""Settings of the local AWS that can change while it runs: limits, and behavior that AWS does not document."""

import copy
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast

DUPLICATES = ("latest", "any")
FAULTS = ("before", "after")


class InvalidSettingsError(ValueError):
    """Error for an unknown setting or an invalid value."""


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """Settings of `POST /local-aws/settings` (there in camelCase)."""

    duplicate_document_content: Literal["latest", "any"] = "any"
    """Versions that UpdateDocument compares new content with. AWS does not document this: callers must handle both."""

    document_version_limit: int = 1000
    """Maximum number of versions of a document (UpdateDocument, DocumentVersionLimitExceeded: 1,000)."""

    automation_page_size: int = 50
    """Automation executions per page (DescribeAutomationExecutions returns at most 50)."""

    automation_faults: dict[str, str] = field(default_factory=dict[str, str])
    """Names of runbook steps that fail, `before` or `after` their work."""

    reported_states: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Attributes that AWS sets itself, by ID, name or ARN of a resource; they replace the values in responses."""

    def to_json(self) -> dict[str, object]:
        """Return the settings as the route shows them."""
        return {
            "duplicateDocumentContent": self.duplicate_document_content,
            "documentVersionLimit": self.document_version_limit,
            "automationPageSize": self.automation_page_size,
            "automationFaults": self.automation_faults,
            "reportedStates": self.reported_states,
        }

    def changed(self, given: Mapping[str, Any]) -> "EmulatorSettings":
        """Return a copy with the given settings replaced.

        Raises:
            InvalidSettingsError: A key is unknown or a value is not allowed.
        """
        unknown = sorted(set(given) - set(self.to_json()))
        if unknown:
            raise InvalidSettingsError(f"unknown: {', '.join(unknown)}; known: {', '.join(self.to_json())}")
        duplicates = given.get("duplicateDocumentContent", self.duplicate_document_content)
        if duplicates not in DUPLICATES:
            raise InvalidSettingsError(f"duplicateDocumentContent is {duplicates!r}, not one of {DUPLICATES}")
        limit = _count(given, "documentVersionLimit", self.document_version_limit)
        page_size = _count(given, "automationPageSize", self.automation_page_size)
        faults: object = given.get("automationFaults", self.automation_faults)
        if not isinstance(faults, dict) or not set(cast("dict[str, object]", faults).values()) <= set(FAULTS):
            raise InvalidSettingsError(f"automationFaults is {faults!r}, not steps with one of {FAULTS}")
        states: object = given.get("reportedStates", self.reported_states)
        if not isinstance(states, dict) or not all(
            isinstance(each, dict) for each in cast("dict[str, object]", states).values()
        ):
            raise InvalidSettingsError(f"reportedStates is {states!r}, not attributes by resource")
        return replace(
            self,
            duplicate_document_content=duplicates,
            document_version_limit=limit,
            automation_page_size=page_size,
            automation_faults=cast("dict[str, str]", faults),
            reported_states=cast("dict[str, dict[str, Any]]", states),
        )


class SettingsStore:
    """Current settings, shared by the routes and the extension."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settings = EmulatorSettings()

    def current(self) -> EmulatorSettings:
        """Return the current settings."""
        return self._settings

    def change(self, given: Mapping[str, Any]) -> EmulatorSettings:
        """Apply the given settings, and return all of them."""
        with self._lock:
            self._settings = self._settings.changed(given)
            return self._settings

    def reset(self) -> None:
        """Restore the defaults."""
        with self._lock:
            self._settings = EmulatorSettings()


SETTINGS = SettingsStore()


def _count(given: Mapping[str, Any], name: str, current: int) -> int:
    value = given.get(name, current)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidSettingsError(f"{name} is {value!r}, not a whole number above 0")
    return value


# Reported states.


ModelT = TypeVar("ModelT")


def reported(id_: str) -> dict[str, Any]:
    """Return the attributes of a resource in the setting, by their names in the API."""
    return SETTINGS.current().reported_states.get(id_, {})


def as_reported(models: Iterable[ModelT], id_of: str = "id") -> list[ModelT]:
    """Return moto's models; for those in the setting, copies with its attributes."""
    return [_changed(each, reported(str(getattr(each, id_of)))) for each in models]


def _changed(model: ModelT, attributes: dict[str, Any]) -> ModelT:
    if not attributes:
        return model
    shown = copy.copy(model)
    for name, value in attributes.items():
        setattr(shown, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), value)
    return shown
