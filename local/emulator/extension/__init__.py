"""Extensions and corrections of moto: one module per service, loaded with the first call of the service.

Late loading shortens the start: a test that only needs Systems Manager never loads EC2.

Responses to unknown actions and internal errors: moto responds to an action that it lacks with HTTP 500 and an HTML page; botocore
treats that as an outage and retries for minutes. AWS responds to an unknown action with HTTP 400: `InvalidAction` in the Query
protocol, `UnknownOperationException` in the JSON protocol. Sources:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import logging
from functools import cache
from importlib import import_module
from inspect import isfunction
from typing import Any, Final, cast

from moto.core import responses
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from local.emulator.extension import event_history

MODULES: Final = {
    "athena": "athena:LocalAthena",
    "cloudtrail": "cloudtrail:LocalCloudTrail",
    "config": "config:LocalConfig",
    "ec2": "ec2:LocalCompute",
    "events": "eventbridge:LocalEvents",
    "guardduty": "detection:LocalGuardDuty",
    "iam": "iam:LocalIam",
    "inspector2": "detection:LocalInspector",
    "kms": "kms:LocalKeys",
    "logs": "logs:LocalLogs",
    "organizations": "organization:LocalOrganizations",
    "ram": "name_resolution:LocalResourceAccessManager",
    "route53resolver": "name_resolution:LocalResolver",
    "s3": "s3",
    "scheduler": "eventbridge:LocalScheduler",
    "securityhub": "detection:LocalSecurityHub",
    "servicequotas": "service_quotas:LocalServiceQuotas",
    "sns": "sns:LocalSns",
    "ssm": "ssm:LocalSystemsManager",
    "ssoadmin": "organization:LocalIdentityCenter",
    "sts": "callers:LocalSts",
}
"""Module by service, with the class that responds instead of moto's: on moto's paths, and its `further_paths`, which moto lacks.

`apply` of a module makes further changes.
"""

_KEEPING_TAGS: Final = {
    "athena": ("AthenaBackend", ("delete_work_group",)),
    "cloudwatch": ("CloudWatchBackend", ("delete_alarms",)),
    "glue": ("GlueBackend", ("delete_database", "delete_table")),
    "scheduler": ("EventBridgeSchedulerBackend", ("delete_schedule_group",)),
}
"""Deletions by service after which moto keeps the tags, so that the next resource of the name would have them."""


@cache
def apply_to(service: str) -> None:
    """Apply the changes for one service, once. Call before its routes are read."""
    # moto registers the account of every request with Identity and Access Management
    iam: Any = import_module(f"{__name__}.iam")
    iam.load_policies_on_first_use()
    name, _, response = MODULES.get(service, "").partition(":")
    module: Any = import_module(f"{__name__}.{name}") if name else None
    if response:
        routes: Any = import_module(f"moto.{service}.urls")
        dispatched = [path for path, handler in routes.url_paths.items() if hasattr(handler, "__self__")]
        handler = getattr(module, response)
        for path in (*dispatched, *getattr(handler, "further_paths", ())):
            routes.url_paths[path] = handler.dispatch
    if hasattr(module, "apply"):
        module.apply()
    backend, deletions = _KEEPING_TAGS.get(service, ("", ()))
    for each in deletions:
        _delete_tags_after(getattr(import_module(f"moto.{service}.models"), backend), each)


def _delete_tags_after(backend: Any, deletion: str) -> None:
    """Delete the tags of what a method of a backend deletes; its last argument is a name, or a list of names."""
    delete = getattr(backend, deletion)

    def delete_with_tags(self: Any, *arguments: Any, **keywords: Any) -> Any:
        result = delete(self, *arguments, **keywords)
        given = (*arguments, *keywords.values())[-1]
        for name in cast("list[str]", given if isinstance(given, list) else [given]):
            for arn in [each for each in self.tagger.tags if each.endswith((f"/{name}", f":{name}"))]:
                self.tagger.delete_all_tags_for_resource(arn)
        return result

    setattr(backend, deletion, delete_with_tags)


# Responses.


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
    # moto lists all members of the class at every call, a seventh of its cost, to look for one.
    cast("Any", responses).method_names_from_class = _Methods


class _Methods:
    """Names of the methods of a class."""

    def __init__(self, of: type) -> None:
        self._of = of

    def __contains__(self, name: str) -> bool:
        return isfunction(getattr(self._of, name, None))


def refuse(response: BaseResponse, error: ServiceException) -> Any:
    """Serialize an error in the service's protocol."""
    return response.serialized(ActionResult(error))


def unknown_action(response: BaseResponse, missing: NotImplementedError) -> ServiceException:
    """Return the error for an action that the emulator does not have."""
    json_protocol = any(name.lower() == "x-amz-target" for name in dict(response.headers))
    code = "UnknownOperationException" if json_protocol else "InvalidAction"
    return LocalError(code, f"The local AWS does not have it ({response.service_name}): {missing}")
