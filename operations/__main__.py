"""`python -m operations`."""

import atexit
import gc

from operations.cli import app

_OBJECTS_BEFORE_COLLECTION = 100_000
"""Collected at the default of 700, the garbage of an import or a large answer takes a fifth of a command's time."""

if __name__ == "__main__":
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 100)
    atexit.register(gc.freeze)
    app(prog_name="python -m operations")
