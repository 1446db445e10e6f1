"""Resources that a rule leaves alone for a time: who agreed to it, why, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TEXT: Final = {"type": "string", "minLength": 1}

EXEMPTIONS: Final = Parameter(
    name="exemptions",
    description="Resources that the rule leaves alone: resource (name or URN; * and ? match any characters), reason, "
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
"""A parameter of every rule."""


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A resource that a rule leaves alone.

    Attributes:
        resource: its name or URN, with wildcards.
        reason: why.
        who: agreed to it.
        until: the last day, as written.
    """

    resource: str
    reason: str
    who: str
    until: str

    def covers(self, name: str, urn: str) -> bool:
        """Whether it is about a resource."""
        return any(fnmatchcase(known_as, self.resource) for known_as in (name, urn))

    def holds_on(self, day: date) -> bool:
        """Whether it has not expired; what is no date never holds."""
        try:
            return day <= date.fromisoformat(self.until)
        except ValueError:
            return False

    @property
    def agreement(self) -> str:
        """What was agreed, for a reader."""
        return f"{self.reason} ({self.who}, until {self.until})"


def exemptions_in(settings: Mapping[str, Any]) -> tuple[Exemption, ...]:
    """Those that the configuration of a rule lists; the engine has checked their form."""
    return tuple(Exemption(**each) for each in settings[EXEMPTIONS.name])


def first_covering(exemptions: Iterable[Exemption], name: str, urn: str, day: date) -> Exemption | None:
    """The exemption of a resource: one that holds if there is one, else one that has expired."""
    covering = [each for each in exemptions if each.covers(name, urn)]
    return max(covering, key=lambda each: each.holds_on(day), default=None)
