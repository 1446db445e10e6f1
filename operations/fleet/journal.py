"""Remembers what an unfinished run has done, so that the next one goes on from there.

There is a journal only while something is left to do: a run that has done every account takes it away, and the run
after that does everything again.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Journal:
    """Accounts that are done, by ID, each with the fingerprint of what was applied there."""

    def __init__(self, path: Path) -> None:
        """Opens it; a file that cannot be used counts as none, so that accounts are rather done twice.

        Args:
            path: of the file.
        """
        self._path = path
        self._lock = Lock()
        try:
            content = json.loads(path.read_text())["done"]
        except (OSError, ValueError, KeyError, TypeError):
            content = {}
        self._done = cast("dict[str, str]", content if isinstance(content, dict) else {})

    def has(self, account_id: str, fingerprint: str) -> bool:
        """Whether an account is done, and just so."""
        return self._done.get(account_id) == fingerprint

    def note(self, account_id: str, fingerprint: str, *, succeeded: bool) -> None:
        """Notes how an account came out, at once and whatever happens next."""
        with self._lock:
            if succeeded:
                self._done[account_id] = fingerprint
            else:
                self._done.pop(account_id, None)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._path.with_suffix(".new")
            whole.write_text(json.dumps({"done": self._done}, indent=2))
            whole.replace(self._path)

    def close(self, wanted: Mapping[str, str]) -> None:
        """Takes the journal away where nothing is left to do.

        Args:
            wanted: the fingerprint of every account of the fleet, by ID.
        """
        if all(self.has(account, fingerprint) for account, fingerprint in wanted.items()):
            self._path.unlink(missing_ok=True)
