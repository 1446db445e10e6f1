"""Faults of calls, as rules for the proxy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from common.aws.failures import Cause

if TYPE_CHECKING:
    from tests.support.faults.proxy import Rule

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
    FOR_EVER = "for ever"


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
    def cause(self) -> Cause:
        """Return the cause that a stopped deployment must report."""
        causes = {
            Fault.THROTTLED: Cause.THROTTLING,
            Fault.FAILING: Cause.SERVICE,
            Fault.DENIED: Cause.PERMISSION,
        }
        return causes.get(self, Cause.NETWORK)

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


def writes(call: Call) -> bool:
    """Return whether a call may change something."""
    return not call.operation.startswith(("Describe", "Get", "Head", "List"))


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
            said = _REFUSED.format(service=call.service, operation=call.operation) if fault is Fault.DENIED else code
            return {"error": {"code": code, "status": status, "message": said}}
