"""Scope of a deployer's permissions: account, Regions, systems, and the names in settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from common.aws.arns import partition_of
from components.approval.alarms import IAM_EVENT_REGIONS, forwarding_regions
from components.approval.names import WorkflowLocation
from components.approval.settings import ApproverType
from components.detection.names import SecurityService
from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.operations.promotion import secret_arns
from components.domain_controllers.settings import DomainControllersSection, raised_quotas
from components.just_in_time.documents import policy_documents
from components.session_manager.settings import SessionManagerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from components.settings import Settings

ANY: Final = "*"
PUBLIC_PARAMETERS: Final = "/aws/service/"
"""Prefix of the public parameters of AWS, which belong to no account."""


class System(StrEnum):
    """A system of a stack."""

    SESSION_MANAGER = "session-manager"
    ENDPOINTS = "endpoints"
    APPROVAL = "approval"
    CONTROLLERS = "domain-controllers"
    CONTROLLER_OPERATIONS = "domain-controller-operations"
    """Event logs, health checks and documents of controllers."""
    CONTROLLER_PATCHING = "domain-controller-patching"
    """Maintenance windows of controllers."""
    NODES = "nodes"


@dataclass(frozen=True, kw_only=True)
class DeploymentScope:
    """Scope of permissions.

    Attributes:
        regions: Governed Regions; the first is used for global services.
        tag: Key and value that every stack has in `shell-access:tags`; KMS keys and EC2 resources have no names of
            their own, so this tag identifies ours.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account: Account ID; `*` for policies that apply in any account.
        roles: Names of roles that stacks attach their policies to, and do not create.
        users: Names of users that stacks attach their policies to.
        operator_roles: Those of the roles that can have a grant.
        operator_users: Those of the users that can have a grant.
        buckets: Names of buckets for session logs, which are only read.
        image_parameters: Names of parameters with images for controllers, without public ones of AWS.
        alarm_topics: ARNs of topics that receive alarms of approval, besides its own.
        event_regions: Regions outside `regions` in which rules forward events of IAM.
        identity_regions: Regions of IAM Identity Center, whose users are operators; empty: none are.
        applications: ARNs of applications of account access manager in which stacks create entitlements.
        operator_applications: ARNs of applications whose entitlements name operators, which are only read.
        controller_subnets: IDs of the controllers' subnets; empty where a stack gives one by its Name tag.
        has_resolver_endpoints: Whether a stack has Route 53 Resolver endpoints.
        backup_buckets: Names of buckets for backups of controllers, whose settings are read.
        promotion_secrets: ARNs of the secrets of promotions, whose settings are read, and never their values.
        reads_network_quotas: Whether a stack declares quotas of Amazon VPC above their defaults.
        empties_trail_bucket: Whether a stack may delete its trail's logs (`terminationProtection: false`).
        has_break_glass: Whether a stack has the role for emergency access.
        exports_evidence: Whether a stack exports the records of sessions.
        queries_trail: Whether a stack defines the queries of an existing trail.
        detection: Detection services that stacks enable.
        has_cis_scans: Whether a stack has CIS scans of controllers.
        approval_policies: Names of the documents of just-in-time node access; empty where no stack has that mode, and for
            stacks with any settings: these policies decide which people get a shell.
    """

    regions: tuple[str, ...]
    tag: tuple[str, str]
    systems: frozenset[System] = frozenset(System)
    partition: str = "aws"
    account: str = ANY
    roles: frozenset[str] = field(default_factory=frozenset[str])
    users: frozenset[str] = field(default_factory=frozenset[str])
    operator_roles: frozenset[str] = field(default_factory=frozenset[str])
    operator_users: frozenset[str] = field(default_factory=frozenset[str])
    log_groups: frozenset[str] = field(default_factory=frozenset[str])
    buckets: frozenset[str] = field(default_factory=frozenset[str])
    image_parameters: frozenset[str] = field(default_factory=frozenset[str])
    alarm_topics: frozenset[str] = field(default_factory=frozenset[str])
    event_regions: frozenset[str] = field(default_factory=frozenset[str])
    identity_regions: frozenset[str] = field(default_factory=frozenset[str])
    applications: frozenset[str] = field(default_factory=frozenset[str])
    operator_applications: frozenset[str] = field(default_factory=frozenset[str])
    controller_subnets: frozenset[str] = field(default_factory=frozenset[str])
    has_resolver_endpoints: bool = False
    backup_buckets: frozenset[str] = field(default_factory=frozenset[str])
    promotion_secrets: frozenset[str] = field(default_factory=frozenset[str])
    reads_network_quotas: bool = False
    empties_trail_bucket: bool = False
    has_break_glass: bool = False
    exports_evidence: bool = False
    queries_trail: bool = False
    detection: frozenset[SecurityService] = field(default_factory=frozenset[SecurityService])
    has_cis_scans: bool = False
    approval_policies: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def requested(self) -> dict[str, str]:
        """Condition keys of requests with our tag, with its value."""
        key, value = self.tag
        return {f"aws:RequestTag/{key}": value}

    @property
    def tagged(self) -> dict[str, str]:
        """Condition keys of resources with our tag, with its value."""
        key, value = self.tag
        return {f"aws:ResourceTag/{key}": value}

    @property
    def read_applications(self) -> list[str]:
        """ARNs of the applications of account access manager whose entitlements are read."""
        return sorted(self.applications | self.operator_applications)

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN in this account and any Region; conditions limit the Regions."""
        return f"arn:{self.partition}:{service}:*:{self.account}:{resource}"

    def iam(self, resource: str) -> str:
        """Return an ARN of IAM in this account."""
        return f"arn:{self.partition}:iam::{self.account}:{resource}"

    def policy(self, name: str) -> str:
        """Return the ARN of a managed policy of this account."""
        return self.iam(f"policy/{name}")

    def principals(self, kind: str, names: Iterable[str]) -> list[str]:
        """Return the ARNs of roles or users under any path: IAM names are unique in an account."""
        return [self.iam(f"{kind}/{path}{name}") for name in sorted(names) for path in ("", "*/")]


def scope_of(stacks: Iterable[Settings], tag: tuple[str, str], account: str = ANY) -> DeploymentScope:
    """Return the scope of one deployer for one or several stacks."""
    settings = tuple(stacks)
    approvals = [found for each in settings if (found := each.approval or each.evidence_export)]
    directories = [each.domain_controllers for each in settings if each.domain_controllers]
    sessions = [region for each in settings for region in each.session_manager.values()]
    operator_roles = frozenset(role for each in approvals for role in each.operator_roles)
    operator_users = frozenset(user for each in approvals for user in each.operator_users)
    approvers = {
        kind: frozenset(name for each in approvals for name in each.attachable_approvers(kind))
        for kind in (ApproverType.IAM_ROLE, ApproverType.IAM_USER)
    }
    forwarding = frozenset(region for each in settings for region in _event_regions(each))
    instance_roles = frozenset(role for each in settings for role in each.instance_roles)
    regions = tuple(dict.fromkeys(region for each in settings for region in each.regions))
    return DeploymentScope(
        regions=regions,
        tag=tag,
        systems=frozenset(system for each in settings for system in _systems(each)),
        partition=partition_of(regions[0]),
        account=account,
        roles=instance_roles | operator_roles | approvers[ApproverType.IAM_ROLE],
        users=operator_users | approvers[ApproverType.IAM_USER],
        operator_roles=operator_roles,
        operator_users=operator_users,
        log_groups=frozenset(each.cw_log_group_name for each in sessions if each.cw_log_group_name),
        buckets=frozenset(each.s3_bucket_name for each in sessions if each.s3_bucket_name),
        image_parameters=frozenset(
            controller.image_parameter
            for section in directories
            for site in section.sites.values()
            for controller in site.controllers
            if not controller.image_id and not controller.image_parameter.startswith(PUBLIC_PARAMETERS)
        ),
        alarm_topics=frozenset(arn for each in approvals for arn in each.all_topic_arns),
        event_regions=forwarding - set(regions),
        identity_regions=frozenset(
            each.approval.identity_center.home(each.regions[0])
            for each in settings
            if each.approval and each.approval.operators
        ),
        applications=frozenset(each.account_access.application_arn for each in settings if each.account_access),
        operator_applications=frozenset(each.identity_center.application_arn for each in approvals) - {""},
        controller_subnets=_controller_subnets(directories),
        has_resolver_endpoints=any(section.resolver_endpoints is not None for section in directories),
        backup_buckets=frozenset(
            bucket.bucket_name for each in directories if each.backups for bucket in each.backups.buckets.values()
        ),
        promotion_secrets=frozenset(
            arn for each in directories for region in each.sites for arn in secret_arns(each, region)
        ),
        reads_network_quotas=any(raised_quotas(section.quotas) for section in directories),
        empties_trail_bucket=any(not section.termination_protection for section in directories),
        has_break_glass=any(each.break_glass for each in approvals),
        exports_evidence=any(each.evidence for each in approvals),
        queries_trail=any(each.evidence and each.evidence.trail for each in approvals),
        detection=frozenset(service for each in directories for service in each.detected),
        has_cis_scans=any(each.benchmark for each in directories),
        approval_policies=frozenset(
            document.name for each in settings if each.just_in_time for document in policy_documents(each.just_in_time)
        ),
    )


def whole_scope(regions: tuple[str, ...], tag: tuple[str, str], account: str = ANY) -> DeploymentScope:
    """Return the scope for stacks with any settings: every role, user, log group and bucket, and every system but one.

    Patching of controllers is left out: who manages maintenance windows can run commands on every node of the account.

    Operators of IAM Identity Center and the export of records are left out, as their permissions do not fit into the
    boundary with all others, and entitlements, as who creates them decides which people get a shell in every account.
    """
    everything = frozenset({ANY})
    return DeploymentScope(
        regions=regions,
        tag=tag,
        systems=frozenset(System) - {System.CONTROLLER_PATCHING},
        partition=partition_of(regions[0]),
        account=account,
        roles=everything,
        users=everything,
        operator_roles=everything,
        operator_users=everything,
        log_groups=frozenset({SessionManagerSettings().cw_log_group_name}),
        buckets=everything,
        alarm_topics=everything,
        has_break_glass=True,
        has_resolver_endpoints=True,
        reads_network_quotas=True,
        detection=frozenset(SecurityService),
        has_cis_scans=True,
        event_regions=frozenset({IAM_EVENT_REGIONS[partition_of(regions[0])]}) - set(regions),
    )


def _event_regions(settings: Settings) -> Iterator[str]:
    region = settings.regions[0]
    place = WorkflowLocation(partition=partition_of(region), account_id=ANY, region=region)
    if settings.approval:
        yield from forwarding_regions(settings.approval, place, settings.regions)


def _controller_subnets(directories: Iterable[DomainControllersSection]) -> frozenset[str]:
    subnets = {
        controller.subnet
        for section in directories
        for site in section.sites.values()
        for controller in site.controllers
    }
    return frozenset(subnets) if all(each.startswith("subnet-") for each in subnets) else frozenset()


def _systems(settings: Settings) -> Iterator[System]:
    if settings.session_manager:
        yield System.SESSION_MANAGER
    if settings.endpoints:
        yield System.ENDPOINTS
    if settings.approval or settings.evidence_export:
        yield System.APPROVAL
    if settings.domain_controllers:
        yield System.CONTROLLERS
        section = settings.domain_controllers
        if any(plan_operations(section, region).documents for region in section.sites):
            yield System.CONTROLLER_OPERATIONS
            if section.patching:
                yield System.CONTROLLER_PATCHING
    if settings.nodes:
        yield System.NODES
