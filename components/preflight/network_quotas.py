"""VPC quotas in the settings, compared with those of the account before registration.

A plan for more rules than AWS accepts would stop an update halfway. Quotas that the settings do not raise are not looked up.

Sources: Amazon VPC User Guide, "Amazon VPC quotas"; Service Quotas API Reference, GetServiceQuota.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, code_of, why_not
from common.problems import Problem, SettingsError
from components.adoption.lookup import program_clients
from components.domain_controllers.settings import QuotaSettings, raised_quotas

if TYPE_CHECKING:
    from common.aws.session import AwsClients
    from components.settings import Settings

_AT_A_TIME: Final = 8
_SERVICE: Final = "service-quotas"
_DEFAULT: Final = "NoSuchResourceException"
"""Error code for a quota that was never changed, of which only the default value is available."""
_CODES: Final = {
    "rules_per_security_group": "L-0EA8095F",
    "security_groups_per_interface": "L-2AFB9258",
    "rules_per_network_acl": "L-2AEEBF1A",
}


def check_network_quotas(settings: Settings) -> None:
    """Check that quotas of domain controllers that exceed the defaults of AWS are those of the account.

    Raises:
        SettingsError: A quota of the account is lower, or cannot be read; lists all problems.
    """
    section = settings.domain_controllers
    raised = raised_quotas(section.quotas) if section else {}
    sites = section.sites if section else ()
    if not (raised and sites):
        return
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = pool.map(partial(_problem, program_clients()), *zip(*product(sites, raised.items()), strict=True))
        problems = [problem for problem in found if problem is not None]
    if problems:
        raise SettingsError(problems)


def _problem(clients: AwsClients, region: str, raised: tuple[str, int]) -> Problem | None:
    name, declared = raised
    field, code = QuotaSettings.model_fields[name], _CODES[name]
    path = ("domainControllers", "quotas", field.alias or name)
    try:
        answer = clients.client(_SERVICE, region).get_service_quota(ServiceCode="vpc", QuotaCode=code)
        current = int(answer["Quota"]["Value"])
    except NOT_DONE as failed:
        if not (isinstance(failed, ClientError) and code_of(failed) == _DEFAULT):
            why = why_not(failed, _SERVICE, region, lambda: clients.caller_arn(region))
            message = f"expected {declared}, or more, as the account's quota {code} in {region}, got no answer: {why}"
            return Problem(path=path, message=message)
        current = int(field.default)
    if current >= declared:
        return None
    message = (
        f"expected at most {current}, the account's quota in {region}, got {declared}. Lower it, or request an increase: "
        f"aws service-quotas request-service-quota-increase --service-code vpc --quota-code {code} --desired-value "
        f"{declared} --region {region}"
    )
    return Problem(path=path, message=message)
