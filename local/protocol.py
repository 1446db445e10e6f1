"""Engine's protocol without the rest of Pulumi's SDK, whose import takes longer than all else that a plugin needs."""

import importlib.util
import os
import signal
import sys
import threading
import types
from pathlib import Path

PARENT_POLL_SECONDS = 1.0


class EndOfService:
    """End of a plugin's service: a request to stop, SIGTERM, SIGINT, or the end of the process that started it."""

    def __init__(self) -> None:
        """Register signal handlers; call in the main thread."""
        self.requested = threading.Event()
        self._parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.requested.set())

    def wait(self) -> None:
        """Wait for the end. An engine that is killed cannot stop its plugins."""
        while not self.requested.wait(PARENT_POLL_SECONDS):
            if os.getppid() != self._parent:
                return


def import_protocol_only() -> None:
    """Make `pulumi.runtime.proto` importable by itself: its modules use `pulumi` only as their package."""
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        return
    root = Path(next(iter(spec.submodule_search_locations)))
    for name, folder in (
        ("pulumi", root),
        ("pulumi.runtime", root / "runtime"),
        ("pulumi.runtime.proto", root / "runtime" / "proto"),
    ):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
