"""A local AWS, a proxy that injects faults into calls, and a stack's account on it, all in this process."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.faults.account import Account
from tests.support.faults.deployer import IMPATIENT_SECONDS, PATIENT_SECONDS, Road, hurried
from tests.support.faults.faults import Call, Fault, FaultProxy, Times, rule, running_proxy
from tests.support.faults.in_process import LocalAws, local_aws


@dataclass
class Strike:
    """A fault that waits for its call.

    Attributes:
        call: Call with the fault; None until there are enough calls.
    """

    call: Call | None = None


@dataclass(frozen=True)
class Arena:
    """Environment of a deployment with faults.

    Attributes:
        proxy: Proxy in front of it, for calls with faults.
        road: Route of a deployer's calls.
    """

    aws: LocalAws
    proxy: FaultProxy
    road: Road
    account: Account

    @contextmanager
    def struck(self, position: int, fault: Fault, times: Times) -> Generator[Strike]:
        """Inject a fault into a call within this context.

        Args:
            position: Position of the call, from 0; with `FOR_EVER` its operation has the fault from there on.
            fault: Kind of fault.
            times: Frequency of the fault.
        """
        strike = Strike()
        made, fired = 0, self.proxy.fired()

        def is_hit(call: Call) -> bool:
            nonlocal made
            made += 1
            if made == position + 1:
                strike.call = call
                self.proxy.inject(rule(call, fault, times))
                return True
            return call == strike.call and times is Times.FOR_EVER

        self.road.read_seconds = IMPATIENT_SECONDS if fault is Fault.TIME_OUT else PATIENT_SECONDS
        self.road.before = is_hit
        self.road.is_free = lambda: times is Times.ONCE and self.proxy.fired() > fired
        try:
            yield strike
        finally:
            self.road.before, self.road.is_free = lambda _: False, lambda: False
            self.proxy.inject()

    @contextmanager
    def noting(self) -> Generator[list[Call]]:
        """Yield the calls within this context."""
        calls: list[Call] = []

        def note(call: Call) -> bool:
            calls.append(call)
            return False

        self.road.before = note
        try:
            yield calls
        finally:
            self.road.before = lambda _: False


@contextmanager
def running_arena() -> Generator[Arena]:
    """Yield an arena whose account has everything that preferences name, and stop it afterwards."""
    with local_aws() as aws, running_proxy(aws.endpoint_url) as proxy:
        road = Road(aws, proxy.endpoint_url)
        account = Account(aws)
        account.prepare()
        with hurried(road):
            for service in ("ssm", "kms", "logs", "s3"):
                # The proxy reads botocore's models at its first request, which exceeds the timeout.
                _any_call(road.detour(aws.client(service)))
            yield Arena(aws, proxy, road, account)


def _any_call(client: Any) -> None:
    calls = {"ssm": "list_documents", "kms": "list_keys", "logs": "describe_log_groups", "s3": "list_buckets"}
    getattr(client, calls[client.meta.service_model.service_name])()
