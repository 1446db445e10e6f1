"""Parameters of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a rule.

    Attributes:
        name: Name in the configuration, in camelCase.
        description: Description.
        default: Default value.
        schema: JSON schema of its values, without description and default.
    """

    name: str
    description: str
    default: Any
    schema: Mapping[str, Any]

    @property
    def full_schema(self) -> dict[str, Any]:
        """Return the schema with description and default."""
        return {**self.schema, "description": self.description, "default": self.default}
