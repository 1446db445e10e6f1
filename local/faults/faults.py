"""What can go wrong with a call, as rules for the proxy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from components.aws_failures import Cause

if TYPE_CHECKING:
    from local.faults.proxy import Rule

HELD_MILLISECONDS: Final = 3_000
"""For how long a call that times out is held: longer than any client of the tests waits."""

_REST_XML: Final = {"throttled": ("SlowDown", 503), "failing": ("InternalError", 500), "denied": ("AccessDenied", 403)}
_JSON: Final = {
    "throttled": ("ThrottlingException", 400),
    "failing": ("InternalServerError", 500),
    "denied": ("AccessDeniedException", 400),
}
_REFUSED: Final = "User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: {service}:{operation}"


class Times(StrEnum):
    """How often a fault happens."""

    ONCE = "once"
    FOR_EVER = "for ever"


class Fault(StrEnum):
    """One way in which a call goes wrong."""

    THROTTLED = "throttled"
    FAILING = "HTTP 500"
    TIME_OUT = "time-out"
    RESET = "reset before"
    ABORTED = "aborted mid-response"
    LOST = "lost after success"
    DENIED = "access denied"

    @property
    def cause(self) -> Cause:
        """What a run that it stops has to say."""
        causes = {
            Fault.THROTTLED: Cause.THROTTLING,
            Fault.FAILING: Cause.SERVICE,
            Fault.DENIED: Cause.PERMISSION,
        }
        return causes.get(self, Cause.NETWORK)

    @property
    def passes(self) -> bool:
        """Whether the same call is tried again, so that happening once does not stop a run."""
        return self is not Fault.DENIED


@dataclass(frozen=True)
class Call:
    """A call to AWS.

    Attributes:
        service: as it signs, `ssm`.
        operation: `DescribeDocument`.
    """

    service: str
    operation: str

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def writes(call: Call) -> bool:
    """Whether a call may change something."""
    return not call.operation.startswith(("Describe", "Get", "Head", "List"))


def rule(call: Call, fault: Fault, times: Times) -> Rule:
    """The proxy's rule that lets a call go wrong."""
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
