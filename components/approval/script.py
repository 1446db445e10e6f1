"""The sources of the runbooks' scripts, as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

RUNTIME = "python3.11"
_SCRIPTS = Path(__file__).parent / "scripts"


@cache
def source(script: str) -> str:
    """The text of a script: `grants` or `refuse`."""
    return (_SCRIPTS / f"{script}.py").read_text(encoding="utf-8")


def script_inputs(script: str, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Inputs of an `aws:executeScript` step that calls a handler of a script."""
    return {"Runtime": RUNTIME, "Handler": handler, "InputPayload": payload, "Script": source(script)}
