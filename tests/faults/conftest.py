from collections.abc import Iterator

import pytest

from tests.support.faults.arena import Arena, running_arena


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with running_arena() as running:
        yield running
