"""Entry point of the command line: `shell-access`, or `python -m operations`."""

import atexit
import gc
import os
import signal
import sys
import threading
from types import FrameType

_OBJECTS_BEFORE_COLLECTION = 100_000
"""Garbage collection threshold; at the default of 700, collection takes a fifth of a command's time."""
_SHUTDOWN_GRACE_SECONDS = 10.0
"""Time for started calls to finish after Ctrl-C."""
_INTERRUPTED = 130
"""Exit code of shells for an interrupt."""


def main() -> None:
    """Run the command line, as `shell-access` or as a module; every end is a line on stderr at most, never a traceback."""
    try:
        signal.signal(signal.SIGINT, _interrupt)
        gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 100)
        atexit.register(gc.freeze)
        # Imported here, as it takes a third of a second in which an interrupt may come, too.
        from operations.cli import app  # noqa: PLC0415

        app(prog_name="python -m operations" if sys.argv[0].endswith("__main__.py") else "shell-access")
        code = None
    except SystemExit as ended:
        code = ended.code
    except OSError as failed:
        # Only options that end the command line while it is parsed, such as --version.
        code = _not_written(failed)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201 -- typer may not be imported yet
        code = _INTERRUPTED
    try:
        sys.stdout.flush()
    except OSError as failed:
        # Otherwise the interpreter would fail at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = code or _not_written(failed)
    sys.exit(code)


def _not_written(failed: OSError) -> int:
    print(f"The output cannot be written completely: {failed.strerror}.", file=sys.stderr)  # noqa: T201 -- as above
    return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the command; calls that do not end in time, or a second interrupt, do not keep it."""
    signal.signal(signal.SIGINT, _abort)
    timer = threading.Timer(_SHUTDOWN_GRACE_SECONDS, _abort)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _abort(_number: int = 0, _frame: FrameType | None = None) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
