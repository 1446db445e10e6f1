"""Parameters of rules, and exemptions: resources that a rule does not apply to for a time, with owner and reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a rule.

    The schema of its values lacks description and default.
    """

    name: str
    description: str
    default: Any
    schema: Mapping[str, Any]

    @property
    def full_schema(self) -> dict[str, Any]:
        """Return the schema with description and default."""
        return {**self.schema, "description": self.description, "default": self.default}


_TEXT: Final = {"type": "string", "minLength": 1}
TEXTS: Final = {"type": "array", "items": _TEXT}
"""Schema of a list of texts."""

EXEMPTIONS: Final = Parameter(
    name="exemptions",
    description="Exempt resources: resource (name or URN; * and ? match any characters), reason, "
    "who agreed, and the last day (until, 2027-01-31).",
    default=[],
    schema={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "resource": _TEXT,
                "reason": _TEXT,
                "who": _TEXT,
                "until": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            },
            "required": ["resource", "reason", "who", "until"],
            "additionalProperties": False,
        },
    },
)
"""Parameter of every rule."""


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """An exemption of resources (name or URN, with wildcards) until a last day, and the owner who agreed."""

    resource: str
    reason: str
    who: str
    until: str

    def covers(self, name: str, urn: str) -> bool:
        """Return whether the exemption is for a resource."""
        return any(fnmatchcase(known_as, self.resource) for known_as in (name, urn))

    def holds_on(self, day: date) -> bool:
        """Return whether the exemption is valid; an invalid date never is."""
        try:
            return day <= date.fromisoformat(self.until)
        except ValueError:
            return False

    @property
    def agreement(self) -> str:
        """Return the exemption as text."""
        return f"{self.reason} ({self.who}, until {self.until})"


def exemptions_in(settings: Mapping[str, Any]) -> tuple[Exemption, ...]:
    """Return the exemptions of a rule's configuration, which the engine has validated."""
    return tuple(Exemption(**each) for each in settings[EXEMPTIONS.name])


def first_covering(exemptions: Iterable[Exemption], name: str, urn: str, day: date) -> Exemption | None:
    """Return the exemption of a resource: a valid one if there is one, else an expired one."""
    covering = [each for each in exemptions if each.covers(name, urn)]
    return max(covering, key=lambda each: each.holds_on(day), default=None)
