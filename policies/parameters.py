"""What the configuration of the pack may change about a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """Something about a rule that the configuration of the pack may change.

    Attributes:
        name: in camelCase, as it stands in the configuration.
        description: what it changes.
        default: where the configuration says nothing.
        schema: JSON schema of its values; description and default are added.
    """

    name: str
    description: str
    default: Any
    schema: Mapping[str, Any]

    @property
    def full_schema(self) -> dict[str, Any]:
        """The schema with description and default."""
        return {**self.schema, "description": self.description, "default": self.default}
