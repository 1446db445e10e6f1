"""Ends a run as failed, with the reason where operators look for it. Data, as `grants.py`."""

from typing import Any


class RefusedError(Exception):
    """The request is not granted; the text says why."""


def refuse(events: dict[str, Any], _context: object) -> None:
    """Raises the reason of a refusal."""
    raise RefusedError(events["Reason"])
