"""Work of a computation as a number that depends neither on the machine nor on its load."""

import sys
from collections.abc import Callable
from typing import Any


def work_of(action: Callable[[], Any]) -> int:
    """Count the functions that an action calls, those of the interpreter included."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count
