"""Entry point of the command line: `shell-access`, or `python -m operations`."""

import atexit
import gc
import sys

from operations.cli import app

_OBJECTS_BEFORE_COLLECTION = 100_000
"""Garbage collection threshold; at the default of 700, collection takes a fifth of a command's time."""


def main() -> None:
    """Run the command line, as `shell-access` or as a module."""
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 100)
    atexit.register(gc.freeze)
    app(prog_name="python -m operations" if sys.argv[0].endswith("__main__.py") else "shell-access")


if __name__ == "__main__":
    main()
