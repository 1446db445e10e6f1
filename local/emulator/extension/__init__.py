"""Extensions and corrections of moto: one module per service, loaded with the first call of the service.

Late loading shortens the start: a test that only needs Systems Manager never loads EC2.
"""

from functools import cache
from importlib import import_module
from typing import Any, Final

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
