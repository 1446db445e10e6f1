"""Names that are the same in every account, as principals outside the stack depend on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

ValueT = TypeVar("ValueT")

DATA_KEY_ALIAS: Final = "alias/session-manager/data"
LOGS_KEY_ALIAS: Final = "alias/session-manager/logs"

DATA_KEY_PARAMETER: Final = "/session-manager/session-data-key"
"""Parameter with the ID of the data key, as in the post, for consumers outside this stack."""

INSTANCE_POLICY_NAME: Final = "ShellAccessSessionManagerNode"
"""Name of the managed policy for nodes, and prefix of further ones, see `numbered`."""


def numbered(name: str, values: Iterable[ValueT]) -> dict[str, ValueT]:
    """Return values by name: `name`, `name-2`, `name-3`, ..."""
    return {name if number == 1 else f"{name}-{number}": value for number, value in enumerate(values, start=1)}
