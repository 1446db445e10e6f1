from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulator.simulator import Simulator, running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def simulator(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(endpoint, tmp_path_factory.mktemp("simulator")) as running:
        yield running
