from collections.abc import Iterator

import pytest

from tests.simulator.simulator import Simulator, running_simulator


@pytest.fixture(scope="session")
def simulator(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(endpoint, tmp_path_factory.mktemp("simulator")) as running:
        yield running
