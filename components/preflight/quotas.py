"""Quotas of the account, compared with what the settings need before the first resource is registered.

Without these checks, a managed policy, role or rule too many would stop an update halfway. The quotas are those of managed
policies on roles and users that the settings name, of roles, and of Amazon VPC where the settings raise them.

Sources: Amazon VPC User Guide, "Amazon VPC quotas"; Service Quotas API Reference, GetServiceQuota.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, code_of, why_not
from common.limits import ATTACHED_POLICIES, ROLES
from common.problems import Problem, SettingPath, SettingsError, raise_problems
from components.adoption.lookup import program_clients
from components.approval.names import APPROVER_POLICY_NAME, OPERATORS_PATH, WorkflowLocation
from components.approval.plan import operator_policy_names
from components.approval.settings import ApproverType
from components.domain_controllers.settings import QuotaSettings, raised_quotas
from components.session_manager.instance_policy import instance_policies, instance_policy_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.aws.session import AwsClients
    from components.account import Account
    from components.approval.identity_center import IdentityCenterOperators
    from components.settings import Settings

_AT_A_TIME: Final = 8
_SERVICE: Final = "iam"
_MISSING: Final = "NoSuchEntity"
_DEFAULT: Final = "NoSuchResourceException"
"""Error code for a quota that was never changed, of which only the default value is available."""
_VPC_QUOTAS: Final = {
    "rules_per_security_group": "L-0EA8095F",
    "security_groups_per_interface": "L-2AFB9258",
    "rules_per_network_acl": "L-2AEEBF1A",
}


@dataclass(frozen=True)
class AttachedPrincipal:
    """A role or a user of the account.

    Attributes:
        kind: `role` or `user`.
        name: Name of the role or user.
    """

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Attachments:
    """Policies that a stack attaches to one principal.

    Attributes:
        path: Setting that names the principal.
        arns: ARNs of the policies.
    """

    path: SettingPath
    arns: frozenset[str]


def check_attachments(settings: Settings, account: Account) -> None:
    """Check that the number of instance policies, and of policies attached to each principal, is within its quota.

    Raises:
        SettingsError: A quota is exceeded, or a principal's policies cannot be read; lists all problems.
    """
    clients, region = program_clients(), settings.regions[0]
    problems = instance_policy_problems(
        settings.session_manager, settings.session_manager_path, partition=account.partition, account_id=account.id
    )
    if not problems:
        desired = desired_attachments(settings, account)
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            found = pool.map(partial(_problem, clients, region), desired, desired.values())
            problems = [problem for problem in found if problem is not None]
    raise_problems(problems)


def check_roles(operators: IdentityCenterOperators, region: str) -> None:
    """Check that the account has room for the roles of operators of IAM Identity Center.

    Raises:
        SettingsError: The quota is exceeded, or the number of roles cannot be read.
    """
    clients, path = program_clients(), ("approval", "operators")
    iam = clients.client(_SERVICE, region)
    try:
        pages = iam.get_paginator("list_roles").paginate(PathPrefix=OPERATORS_PATH)
        existing = {str(role["RoleName"]) for page in pages for role in page["Roles"]}
        summary = iam.get_account_summary()["SummaryMap"]
        used, quota = int(summary["Roles"]), int(summary.get("RolesQuota", ROLES.maximum))
    except NOT_DONE as failed:
        why = why_not(failed, _SERVICE, region, lambda: clients.caller_arn(region))
        message = f"expected room for the roles, got no answer: {why}"
        raise SettingsError([Problem(path=path, message=message)]) from None
    missing = len(set(operators.roles) - existing)
    if used + missing > quota:
        message = (
            f"expected room for {missing} more roles in the account, one for each person, got {used} of {quota} that it may "
            "have. Name fewer people or smaller groups, or raise the IAM quota Roles per account"
        )
        raise SettingsError([Problem(path=path, message=message)])


def desired_attachments(settings: Settings, account: Account) -> dict[AttachedPrincipal, Attachments]:
    """Return what the stack attaches to principals that it does not create."""
    desired: dict[AttachedPrincipal, Attachments] = {}
    for principal, path, arns in _attached(settings, account):
        before = desired.get(principal, Attachments(path=path, arns=frozenset()))
        desired[principal] = replace(before, arns=before.arns | arns)
    return desired


def _attached(settings: Settings, account: Account) -> Iterator[tuple[AttachedPrincipal, SettingPath, frozenset[str]]]:
    place = WorkflowLocation(partition=account.partition, account_id=account.id, region=settings.regions[0])
    names = instance_policies(settings.session_manager, partition=account.partition, account_id=account.id)
    of_nodes = frozenset(place.iam(f"policy/{name}") for name in names)
    for position, role in enumerate(settings.instance_roles):
        yield AttachedPrincipal("role", role), ("sessionManager", "instanceRoles", position), of_nodes
    approval = settings.approval
    if approval is None:
        return
    of_operators = frozenset(place.iam(f"policy/{name}") for name in operator_policy_names(approval))
    for kind, key, operators in (
        ("role", "operatorRoles", approval.operator_roles),
        ("user", "operatorUsers", approval.operator_users),
    ):
        for position, name in enumerate(operators):
            yield AttachedPrincipal(kind, name), ("approval", key, position), of_operators
    of_approvers = frozenset({place.iam(f"policy/{APPROVER_POLICY_NAME}")})
    for kind, type_ in (("role", ApproverType.IAM_ROLE), ("user", ApproverType.IAM_USER)):
        names_of_kind = approval.attachable_approvers(type_)
        for position, approver in enumerate(approval.approvers):
            if approver.type is type_ and approver.bare_name in names_of_kind:
                path = ("approval", "approvers", position, "name")
                yield AttachedPrincipal(kind, approver.bare_name), path, of_approvers


def _problem(clients: AwsClients, region: str, principal: AttachedPrincipal, desired: Attachments) -> Problem | None:
    """Return the problem of a principal; None where the principal is missing, which `named_resources` reports."""
    iam = clients.client(_SERVICE, region)
    try:
        attached = _attached_policies(iam, principal)
        total = len(attached | desired.arns)
        if total <= ATTACHED_POLICIES.maximum:
            return None
        quota = _quota(iam, principal.kind)
    except NOT_DONE as failed:
        if isinstance(failed, ClientError) and code_of(failed) == _MISSING:
            return None
        why = why_not(failed, _SERVICE, region, lambda: clients.caller_arn(region))
        message = (
            f"expected the {principal.kind} {principal.name} to have room for {len(desired.arns)} managed policies, got no "
            f"answer: {why}"
        )
        return Problem(path=desired.path, message=message)
    if total <= quota:
        return None
    missing = len(desired.arns - attached)
    message = (
        f"expected room for {missing} more managed policies on the {principal.kind} {principal.name}, got "
        f"{len(attached)} attached of {quota} that it may have. Detach others, or raise the IAM quota Managed policies "
        f"attached to an IAM {principal.kind}"
    )
    return Problem(path=desired.path, message=message)


def _attached_policies(iam: Any, principal: AttachedPrincipal) -> frozenset[str]:
    operation, argument = {
        "role": ("list_attached_role_policies", "RoleName"),
        "user": ("list_attached_user_policies", "UserName"),
    }[principal.kind]
    pages = iam.get_paginator(operation).paginate(**{argument: principal.name})
    return frozenset(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])


def _quota(iam: Any, kind: str) -> int:
    """Return the account's quota, which may have been raised."""
    key = f"AttachedPoliciesPer{kind.capitalize()}Quota"
    return int(iam.get_account_summary()["SummaryMap"].get(key, ATTACHED_POLICIES.maximum))


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
        found = pool.map(partial(_quota_problem, program_clients()), *zip(*product(sites, raised.items()), strict=True))
        raise_problems(problem for problem in found if problem is not None)


def _quota_problem(clients: AwsClients, region: str, raised: tuple[str, int]) -> Problem | None:
    name, declared = raised
    field, code = QuotaSettings.model_fields[name], _VPC_QUOTAS[name]
    path = ("domainControllers", "quotas", field.alias or name)
    try:
        answer = clients.client("service-quotas", region).get_service_quota(ServiceCode="vpc", QuotaCode=code)
        current = int(answer["Quota"]["Value"])
    except NOT_DONE as failed:
        if not (isinstance(failed, ClientError) and code_of(failed) == _DEFAULT):
            why = why_not(failed, "service-quotas", region, lambda: clients.caller_arn(region))
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
