"""`python -m operations`."""

import atexit
import gc

from operations.cli import app

_OBJECTS_BEFORE_COLLECTION = 100_000
"""Garbage collection threshold; at the default of 700, collection takes a fifth of a command's time."""

if __name__ == "__main__":
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 100)
    atexit.register(gc.freeze)
    app(prog_name="python -m operations")
