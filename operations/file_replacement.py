"""Files that are replaced as a whole: a reader sees the old content or the new one, and an interruption leaves the old one."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def replaced_file(file: Path) -> Generator[TextIO]:
    """Open a new file, which replaces another one when the context ends without an error; its permissions are kept.

    Raises:
        OSError: The file cannot be written; it is unchanged.
    """
    file = file.resolve()  # A link stays one.
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        with new.open("x", encoding="utf-8") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        if file.exists():
            new.chmod(file.stat().st_mode)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
