import gc
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from local.client_parts import share_client_parts
from tests.support.emulator import Emulator, reset, running_emulator
from tests.support.golden_files import Golden
from tests.support.warm_python import share_warm_python

# Imported modules stay in memory; scanning them for garbage takes a tenth of the time. So does looking for the garbage of
# tests after every 700 objects, the default; 100,000 objects are some 15 MB.
gc.disable()
gc.set_threshold(2_000, 10, 200)

share_client_parts()

# A shell without a terminal starts background jobs with SIGINT ignored, and `nohup` with SIGHUP, which children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A loaded machine is no failure: no test depends on a time.
settings.register_profile("project", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# Tests use no accounts or stacks of the user, and no settings of a build image.
for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_")) or name == "PYTHONUNBUFFERED"]:
    del os.environ[name]
os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}

ENGINE_SECONDS = 300
"""Timeout of a test on the engine: five times the duration on a loaded machine."""

_ON_THE_LOCAL_AWS = frozenset({"arena", "aws_address", "emulator", "endpoint"})
"""Fixtures that start one."""


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """Local AWS of this process, for tests that reset it first."""
    with running_emulator() as running:
        yield running


@pytest.fixture(scope="session")
def endpoint(emulator: Emulator) -> str:
    return emulator.endpoint_url


@pytest.fixture(scope="module")
def emptied_once(emulator: Emulator) -> str:
    """Address of a local AWS that is empty at the first test of a file, for tests that share what they build."""
    reset(emulator.endpoint_url)
    return emulator.endpoint_url


@pytest.fixture
def empty_aws(endpoint: str) -> str:
    """Address of an empty local AWS."""
    reset(endpoint)
    return endpoint


@pytest.fixture
def client(empty_aws: str) -> Callable[..., Any]:
    """Clients of an empty local AWS: `client("ssm")`."""
    return _clients(empty_aws)


@cache
def _clients(endpoint: str) -> Callable[..., Any]:
    @cache
    def make(service: str, region: str = "eu-west-1", account: str = "local") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    return make


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files (make golden)")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare with a golden file: `golden("rules.yaml", rules)`."""
    return Golden(updates=request.config.getoption("--update-golden"))


def pytest_configure(config: pytest.Config) -> None:
    """Let all workers of a run fork from the same warm Pythons; they start with the first test that uses one."""
    if not hasattr(config, "workerinput"):
        share_warm_python()


_SHARING = ("tests/engine/test_fleet.py",)
"""Files of tests on the engine whose fixtures cost more than what running the tests at the same time saves."""


class _Scheduling(LoadFileScheduling):
    """Assigns whole files to a worker, whose tests share fixtures; tests on the engine are long, and are assigned singly.

    The marker `xdist_group` has no effect: pytest 9 keeps the ID of a test that the plugin renames.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return nodeid if file.startswith("tests/engine/") and file not in _SHARING else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling:
    config.option.loadscopereorder = False  # the longest come first, not those with the most tests
    return _Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark tests by their fixtures, bound those on the engine, and begin with the longest."""
    for item in items:
        if _ON_THE_LOCAL_AWS & set(item.fixturenames):
            item.add_marker(pytest.mark.local_aws)
        if "golden" in item.fixturenames:
            item.add_marker(pytest.mark.golden)
        if item.get_closest_marker("engine") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(ENGINE_SECONDS))
    items.sort(key=_longest_first)


def _longest_first(item: pytest.Function) -> tuple[int, bool]:
    """Order by the time that a test may take; those on the local AWS come before those that need nothing."""
    marker = item.get_closest_marker("timeout")
    return -int(marker.args[0]) if marker else 0, not item.get_closest_marker("local_aws")


def pytest_collection_finish() -> None:
    # What collection has left as garbage is little, and finding it takes as long as importing a tenth of the tests.
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Report what the last tests left as garbage; pytest then looks for it five times, among a million objects."""
    gc.collect()
    gc.freeze()
