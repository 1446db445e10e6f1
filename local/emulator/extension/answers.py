"""Responses to unknown actions and internal errors.

moto responds to an action that it lacks with HTTP 500 and an HTML page; botocore treats that as an outage and retries
for minutes. AWS responds to an unknown action with HTTP 400: `InvalidAction` in the Query protocol,
`UnknownOperationException` in the JSON protocol.

Sources:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import logging
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from local.emulator.extension import event_history

LOGGER = logging.getLogger(__name__)

FAULT = "LocalAwsFault"
"""Code of an error inside the emulator. AWS has no such code, so it cannot be mistaken for a response of AWS."""


class LocalError(ServiceException):
    """Error of the emulator. moto looks up its own errors by the service of their module; this one has none."""


def answer_every_action() -> None:
    """Return unknown actions and internal errors of every service as errors of its protocol."""
    moto_answer: Any = BaseResponse.call_action

    def answer(self: BaseResponse) -> Any:
        try:
            answered = moto_answer(self)
            event_history.record(self, answered[0], answered[2])
        except NotImplementedError as missing:
            return refuse(self, unknown_action(self, missing))
        except Exception as fault:
            LOGGER.exception("the emulator failed")
            return refuse(self, LocalError(FAULT, f"{type(fault).__name__}: {fault}"))
        return answered

    BaseResponse.call_action = answer


def refuse(response: BaseResponse, error: ServiceException) -> Any:
    """Serialize an error in the service's protocol."""
    return response.serialized(ActionResult(error))


def unknown_action(response: BaseResponse, missing: NotImplementedError) -> ServiceException:
    """Return the error for an action that the emulator does not have."""
    json_protocol = any(name.lower() == "x-amz-target" for name in dict(response.headers))
    code = "UnknownOperationException" if json_protocol else "InvalidAction"
    return LocalError(code, f"The local AWS does not have it ({response.service_name}): {missing}")
