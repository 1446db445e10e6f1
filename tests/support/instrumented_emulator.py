"""`python -m tests.support.instrumented_emulator`: the local AWS, whose calls are counted and recorded."""

from __future__ import annotations

from typing import Any

from local.emulator.server import main
from tests.support.calls import CountingApplication
from tests.support.recording.recorder import RecordingApplication


def instrumented(application: Any) -> Any:
    return CountingApplication(RecordingApplication(application))


if __name__ == "__main__":
    raise SystemExit(main(wrap=instrumented))
