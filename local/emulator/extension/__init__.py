"""Extensions and corrections of moto: one module per service, loaded with the first call of the service.

Late loading shortens the start: a test that only needs Systems Manager never loads EC2.
"""

import importlib
from functools import cache
from typing import Any, cast

from local.emulator.extension.answers import answer_every_action

MODULES = {
    "athena": "local.emulator.extension.athena",
    "cloudtrail": "local.emulator.extension.cloudtrail",
    "config": "local.emulator.extension.config",
    "ec2": "local.emulator.extension.ec2",
    "events": "local.emulator.extension.events",
    "guardduty": "local.emulator.extension.guardduty",
    "iam": "local.emulator.extension.iam",
    "inspector2": "local.emulator.extension.inspector2",
    "kms": "local.emulator.extension.kms",
    "logs": "local.emulator.extension.logs",
    "organizations": "local.emulator.extension.organizations",
    "ram": "local.emulator.extension.ram",
    "route53resolver": "local.emulator.extension.route53resolver",
    "s3": "local.emulator.extension.s3",
    "scheduler": "local.emulator.extension.scheduler",
    "securityhub": "local.emulator.extension.security_hub",
    "servicequotas": "local.emulator.extension.service_quotas",
    "sns": "local.emulator.extension.sns",
    "ssm": "local.emulator.extension.ssm",
    "ssoadmin": "local.emulator.extension.ssoadmin",
    "sts": "local.emulator.extension.sts",
}


def apply_to_all() -> None:
    """Apply the changes for all services. Call once, before the first request."""
    answer_every_action()


@cache
def apply_to(service: str) -> None:
    """Apply the changes for one service, once. Call before its routes are read."""
    # moto registers the account of every request with Identity and Access Management
    cast("Any", importlib.import_module("local.emulator.extension.aws_policies")).load_on_first_use()
    if service in MODULES:
        module = cast("Any", importlib.import_module(MODULES[service]))
        module.apply()
