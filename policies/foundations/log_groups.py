"""Functions that the rules about CloudWatch log groups share."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from policies.rule import Parameter

if TYPE_CHECKING:
    from policies.findings import Resource

LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"

NAMES: Final = Parameter(
    name="names",
    description="The log groups that the rule holds for, by name (* and ? match any characters).",
    default=["*"],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)


def is_governed(group: Resource) -> bool:
    """Return whether the rule applies to a log group; a group whose name is not known counts."""
    name = group.value("name")
    return not isinstance(name, str) or any(fnmatchcase(name, pattern) for pattern in group.settings[NAMES.name])
