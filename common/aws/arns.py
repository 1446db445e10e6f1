"""Parts of Amazon Resource Names (ARNs)."""

from __future__ import annotations

from typing import Final, NamedTuple

_PARTS: Final = 6


class Arn(NamedTuple):
    """Parts of an ARN, or of a pattern of ARNs; a part that the text does not have is empty."""

    prefix: str
    partition: str
    service: str
    region: str
    account_id: str
    resource: str


def split_arn(text: str) -> Arn:
    """Return the parts of an ARN; colons in its resource do not separate parts."""
    parts = text.split(":", _PARTS - 1)
    return Arn(*parts, *[""] * (_PARTS - len(parts)))
