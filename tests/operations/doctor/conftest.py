from typing import Any

import pytest

from operations.inventory import reader
from tests.operations.conftest import clients
from tests.operations.doctor.world import World, build


@pytest.fixture(scope="module")
def built(emptied_once: str) -> World:
    return build(clients(emptied_once))


@pytest.fixture
def world(built: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The resources that the doctor reads."""
    client = built.client

    class Clients:
        """Makes each client once in all tests."""

        def __init__(self, _read: object) -> None: ...

        def client(self, service: str, region: str) -> Any:
            return client(service, region)

    monkeypatch.setattr(reader, "AwsClients", Clients)
    return built
