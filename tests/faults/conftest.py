from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.faults.arena import Arena, running_arena

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with running_arena() as running:
        yield running
