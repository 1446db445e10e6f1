"""Extensions and corrections of moto: one module per service, loaded with the first call of the service.

Late loading shortens the start: a test that only needs Systems Manager never loads EC2.
"""

from functools import cache
from importlib import import_module
from typing import Any, Final, cast

MODULES: Final = {
    "athena": "athena:LocalAthena",
    "cloudtrail": "cloudtrail:LocalCloudTrail",
    "config": "config:LocalConfig",
    "ec2": "ec2:LocalCompute",
    "events": "events:LocalEvents",
    "guardduty": "guardduty:LocalGuardDuty",
    "iam": "iam:LocalIam",
    "inspector2": "inspector2:LocalInspector",
    "kms": "kms:LocalKeys",
    "logs": "logs:LocalLogs",
    "organizations": "organizations:LocalOrganizations",
    "ram": "ram:LocalResourceAccessManager",
    "route53resolver": "route53resolver:LocalResolver",
    "s3": "s3",
    "scheduler": "scheduler:LocalScheduler",
    "securityhub": "security_hub:LocalSecurityHub",
    "servicequotas": "service_quotas:LocalServiceQuotas",
    "sns": "sns:LocalSns",
    "ssm": "ssm:LocalSystemsManager",
    "ssoadmin": "ssoadmin:LocalIdentityCenter",
    "sts": "sts:LocalSts",
}
"""Module by service, with the class that responds instead of moto's: on moto's paths, and the `FURTHER_PATHS` that moto lacks.

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
    aws_policies: Any = import_module(f"{__name__}.aws_policies")
    aws_policies.load_on_first_use()
    name, _, response = MODULES.get(service, "").partition(":")
    module: Any = import_module(f"{__name__}.{name}") if name else None
    if response:
        routes: Any = import_module(f"moto.{service}.urls")
        dispatched = [path for path, handler in routes.url_paths.items() if hasattr(handler, "__self__")]
        for path in (*dispatched, *getattr(module, "FURTHER_PATHS", ())):
            routes.url_paths[path] = getattr(module, response).dispatch
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
