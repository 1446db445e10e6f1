from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.inventory import reader
from tests.operations.conftest import clients
from tests.operations.doctor.world import World, build
from tests.support.emulator import running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A local AWS of the module's own, so that what is built once stays."""
    with running_emulator() as running:
        yield running.endpoint_url


@pytest.fixture(scope="module")
def built(endpoint: str) -> World:
    return build(clients(endpoint))


@pytest.fixture
def world(built: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """What was built, where the doctor looks."""
    client = built.client

    class Clients:
        """Makes each client once in all tests."""

        def __init__(self, _read: object) -> None: ...

        def client(self, service: str, region: str) -> Any:
            return client(service, region)

    monkeypatch.setattr(reader, "AwsClients", Clients)
    return built
