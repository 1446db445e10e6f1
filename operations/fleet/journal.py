"""Journal of an unfinished rollout, so that the next one resumes there.

A journal only exists while accounts remain: a rollout that has completed every account deletes it, and the next rollout
starts from the beginning.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Journal:
    """Completed accounts by ID, each with the fingerprint of what was applied."""

    def __init__(self, path: Path) -> None:
        """Open the journal; an unusable file counts as empty, because repeating an account is safer than skipping it.

        Args:
            path: Path of the journal.
        """
        self._path = path
        self._lock = Lock()
        try:
            content = json.loads(path.read_text())["done"]
        except (OSError, ValueError, KeyError, TypeError):
            content = {}
        self._done = cast("dict[str, str]", content if isinstance(content, dict) else {})

    def has(self, account_id: str, fingerprint: str) -> bool:
        """Return whether an account is completed with this fingerprint."""
        return self._done.get(account_id) == fingerprint

    def note(self, account_id: str, fingerprint: str, *, succeeded: bool) -> None:
        """Record the outcome of an account immediately, so that it survives a crash."""
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
        """Delete the journal if no account remains.

        Args:
            wanted: Fingerprint of every account of the fleet, by account ID.
        """
        if all(self.has(account, fingerprint) for account, fingerprint in wanted.items()):
            self._path.unlink(missing_ok=True)
