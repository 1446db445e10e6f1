"""Every request gets a proper answer.

moto answers an action that it lacks with HTTP 500 and an HTML page; botocore takes that for an outage and tries again for
minutes. AWS answers an unknown action with HTTP 400: `InvalidAction` where the protocol is Query, `UnknownOperationException`
where it is JSON.

Sources:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import logging
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

LOGGER = logging.getLogger(__name__)

FAULT = "LocalAwsFault"
"""The code of an error inside the emulator. AWS has no such code, so that nobody takes it for an answer of AWS."""


class LocalError(ServiceException):
    """An error of ours. moto looks up its own classes by the service that they lie in; this one lies in none."""


def answer_every_action() -> None:
    """Makes every service answer unknown actions and its own faults as errors of its protocol."""
    moto_answer: Any = BaseResponse.call_action

    def answer(self: BaseResponse) -> Any:
        try:
            return moto_answer(self)
        except NotImplementedError as missing:
            return refuse(self, unknown_action(self, missing))
        except Exception as fault:
            LOGGER.exception("the emulator failed")
            return refuse(self, LocalError(FAULT, f"{type(fault).__name__}: {fault}"))

    BaseResponse.call_action = answer


def refuse(response: BaseResponse, error: ServiceException) -> Any:
    """The error as the protocol of the service writes it."""
    return response.serialized(ActionResult(error))


def unknown_action(response: BaseResponse, missing: NotImplementedError) -> ServiceException:
    """The error for an action that the emulator does not have."""
    json_protocol = any(name.lower() == "x-amz-target" for name in dict(response.headers))
    code = "UnknownOperationException" if json_protocol else "InvalidAction"
    return LocalError(code, f"The local AWS does not have it ({response.service_name}): {missing}")
