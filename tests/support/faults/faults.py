"""Faults of calls, and the proxy that injects them: microburst in front of a local AWS, in a thread of this process."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst

from common.aws.failures import FailureCause

START_SECONDS: Final = 30
STOP_SECONDS: Final = 10

Rule = dict[str, Any]
"""Rule of microburst: `service`, `operation`, `times`, and the effect."""

HELD_MILLISECONDS: Final = 3_000
"""Delay of a call that times out: longer than the read timeout for this fault."""

_REST_XML: Final = {"throttled": ("SlowDown", 503), "failing": ("InternalError", 500), "denied": ("AccessDenied", 403)}
_JSON: Final = {
    "throttled": ("ThrottlingException", 400),
    "failing": ("InternalServerError", 500),
    "denied": ("AccessDeniedException", 400),
}
_REFUSED: Final = "User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: {service}:{operation}"


class Times(StrEnum):
    """Frequency of a fault."""

    ONCE = "once"
    FOR_EVER = "forever"


class Fault(StrEnum):
    """Kind of fault of a call."""

    THROTTLED = "throttled"
    FAILING = "HTTP 500"
    TIME_OUT = "time-out"
    RESET = "reset before"
    ABORTED = "aborted mid-response"
    LOST = "lost after success"
    DENIED = "access denied"

    @property
    def cause(self) -> FailureCause:
        """Return the cause that a stopped deployment must report."""
        causes = {
            Fault.THROTTLED: FailureCause.THROTTLING,
            Fault.FAILING: FailureCause.SERVICE,
            Fault.DENIED: FailureCause.PERMISSION,
        }
        return causes.get(self, FailureCause.NETWORK)

    @property
    def passes(self) -> bool:
        """Return whether the same call is retried, so that one occurrence does not stop a deployment."""
        return self is not Fault.DENIED


@dataclass(frozen=True)
class Call:
    """A call to AWS.

    Attributes:
        service: Signing name, `ssm`.
        operation: `DescribeDocument`.
    """

    service: str
    operation: str

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def rule(call: Call, fault: Fault, times: Times) -> Rule:
    """Return the proxy's rule that injects a fault into a call."""
    made: Rule = {"service": call.service, "operation": call.operation, **_effect(call, fault)}
    return made | {"times": 1} if times is Times.ONCE else made


def _effect(call: Call, fault: Fault) -> Rule:
    match fault:
        case Fault.TIME_OUT:
            return {"timeout_ms": HELD_MILLISECONDS}
        case Fault.RESET:
            return {"reset": True}
        case Fault.ABORTED:
            return {"response": {"abort_frac": 0.5}}
        case Fault.LOST:
            return {"response": {"abort_bytes": 0}}
        case Fault.THROTTLED | Fault.FAILING | Fault.DENIED:
            code, status = (_REST_XML if call.service == "s3" else _JSON)[fault.name.lower()]
            message = _REFUSED.format(service=call.service, operation=call.operation) if fault is Fault.DENIED else code
            return {"error": {"code": code, "status": status, "message": message}}


class FaultProxy:
    """A proxy that applies its rules, and forwards everything else."""

    def __init__(self, upstream: str) -> None:
        self._burst: Any = Microburst(upstream, resign=False)
        self._loop = asyncio.new_event_loop()
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.endpoint_url = ""

    def start(self) -> None:
        """Start the server on a free port of 127.0.0.1, which `endpoint_url` has afterwards."""
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the fault proxy did not come up")

    def stop(self) -> None:
        """Stop the server."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(STOP_SECONDS)

    def inject(self, *rules: Rule) -> None:
        """Replace the rules; without rules, everything is forwarded."""
        self._burst.engine.set_rules(list(rules))

    def fired(self) -> int:
        """Return the number of faults injected so far."""
        return sum(self._burst.fault_counts.values())

    async def _serve(self) -> None:
        runner = web.AppRunner(make_app(self._burst), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.endpoint_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._ended.wait()
        await runner.cleanup()
        held = asyncio.all_tasks() - {asyncio.current_task()}
        for call in held:
            call.cancel()
        await asyncio.gather(*held, return_exceptions=True)


@contextmanager
def running_proxy(upstream: str) -> Generator[FaultProxy]:
    """Yield a proxy before a local AWS, and stop it afterwards."""
    proxy = FaultProxy(upstream)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
