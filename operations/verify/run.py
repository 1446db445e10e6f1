"""Verification of a stack, with all Regions in parallel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from components.adoption.governance import policy_arn
from components.just_in_time.documents import policy_documents
from components.nodes.names import NodesAccount
from components.session_manager.instance_policy import instance_policies
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding, compared, listed, unknown_finding
from operations.inventory.iam import read_policy, read_policy_tags
from operations.inventory.orphans import GLOBAL, find_orphans
from operations.inventory.reader import Identity, Reader, ReadFailure, aws_clients, identify
from operations.inventory.session_manager import DocumentFacts, read_data_key, read_region
from operations.stack import chosen_regions
from operations.terminal import program_name
from operations.verify.account_access import AccountAccessVerification
from operations.verify.approval import ApprovalVerification
from operations.verify.documents import document_findings, document_ownership_findings, governing_stack_finding
from operations.verify.domain_controllers.verification import DomainControllersVerification
from operations.verify.endpoints import endpoint_findings
from operations.verify.findings import Verification, without_secrets
from operations.verify.just_in_time import JustInTimeVerification
from operations.verify.keys import data_key_tag_findings, key_findings
from operations.verify.log_destinations import bucket_findings, log_group_findings
from operations.verify.nodes import NodesVerification
from operations.verify.policies import boundary_arn, instance_policy_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.aws.session import AwsClients
    from components.settings import Settings
    from operations.inventory.orphans import Orphan, Orphans
    from operations.inventory.session_manager import RegionFacts
    from operations.stack import StackConfiguration, StackState


Progress = Callable[[str], None]
"""Receives each Region that is done."""

_AT_A_TIME = 8
"""Number of parallel Regions; each makes some twenty calls in sequence, far below an account's API quotas."""


def verify_stack(
    stack: StackConfiguration,
    progress: Progress = lambda _region: None,
    read_state: Callable[[], StackState] | None = None,
    chosen: Sequence[str] | None = None,
) -> Verification:
    """Compare the resources in the stack's account with the stack's settings.

    Args:
        stack: The stack with its configuration.
        progress: Receives each Region that is done.
        read_state: Reads the stack's state, to find orphans; None: no search for orphans.
        chosen: Regions to report; None: all.

    Raises:
        UnusableError: The configuration cannot be used, or has none of the chosen Regions.
    """
    settings = stack.settings()
    reported = chosen_regions(settings.regions, chosen)
    sites = settings.domain_controllers.sites if settings.domain_controllers else {}
    configured = {*settings.session_manager, *settings.endpoints, *sites}
    sections = (settings.approval, settings.evidence_export, settings.account_access, settings.domain_controllers)
    configured |= {settings.regions[0]} if any(sections) else set()
    regions = [each for each in settings.regions if each in configured or settings.nodes or settings.just_in_time]
    if not regions:
        return Verification(stack=stack.name, account_id=None, regions={})
    clients = aws_clients(stack)
    identity = identify(clients, stack.sts_region(regions[0]))
    if isinstance(identity, ReadFailure):
        unknown = unknown_finding("account", identity, expected="AWS identifies the credentials")
        findings = {region: [unknown] for region in regions if region in reported}
        return _verification(stack, None, findings)
    verify = partial(_verify_region, stack, settings, clients, identity)
    with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
        shared = pool.submit(_verify_account, stack, settings, clients, identity)
        of_orphans = pool.submit(_orphans, read_state, clients, identity, settings) if read_state else None
        directory = _directory(stack, settings, clients, identity)
        of_sites = pool.submit(directory.findings) if directory else None
        of_account = pool.submit(directory.of_account) if directory else None
        nodes = _nodes(stack, settings, clients, identity)
        of_nodes = pool.submit(nodes.findings) if nodes else None
        approval = _approval(stack, settings, clients, identity)
        of_approval = pool.submit(approval.findings) if approval else None
        access = _just_in_time(stack, settings, clients, identity)
        of_access = pool.submit(access.findings) if access else None
        entitlements = _account_access(stack, settings, clients, identity)
        of_entitlements = pool.submit(entitlements.findings) if entitlements else None
        running = {region: pool.submit(verify, region) for region in regions if region in reported}
        findings: dict[str, list[Finding]] = {}
        for region, each in running.items():
            findings[region] = each.result()
            progress(region)
        findings.setdefault(regions[0], []).extend(shared.result())
        for several_regions in (of_sites, of_nodes, of_access, of_orphans):
            for region, several in several_regions.result().items() if several_regions else ():
                findings.setdefault(region, []).extend(several)
        findings[regions[0]] += of_account.result() if of_account else []
        findings[regions[0]] += of_approval.result() if of_approval else []
        findings[regions[0]] += of_entitlements.result() if of_entitlements else []
    return _verification(
        stack, identity.account_id, {region: each for region, each in findings.items() if region in reported}
    )


def verify_just_in_time(stack: StackConfiguration, clients: AwsClients, identity: Identity) -> Verification:
    """Compare the approval policies, what else just-in-time node access needs, and the tags of the key for session data."""
    settings = stack.settings()
    access = _just_in_time(stack, settings, clients, identity)
    if access is None:
        return Verification(stack=stack.name, account_id=identity.account_id, regions={})
    findings = access.findings()
    for region, preferences in settings.session_manager.items():
        if preferences.session_data_encryption:
            deployment = access.regions[region]
            key = read_data_key(Reader(clients, region, identity.arn), deployment)
            findings[region] += data_key_tag_findings(deployment, key)
    return _verification(stack, identity.account_id, findings)


def _verification(
    stack: StackConfiguration, account_id: str | None, findings: dict[str, list[Finding]]
) -> Verification:
    regions = {
        region: tuple(without_secrets(finding, stack) for finding in several) for region, several in findings.items()
    }
    return Verification(stack=stack.name, account_id=account_id, regions=regions)


def _directory(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> DomainControllersVerification | None:
    section = settings.domain_controllers
    if section is None:
        return None
    boundary = _boundary(settings, identity)
    deployments = {
        region: SiteDeployment(
            deployment=Deployment.of(stack, settings, identity, region),
            partition=identity.partition,
            section=section,
            boundary=boundary,
        )
        for region in {settings.regions[0], *section.sites}
    }
    return DomainControllersVerification(
        clients=clients,
        caller=identity.arn,
        sites={region: deployments[region] for region in section.sites},
        account=deployments[settings.regions[0]],
        instance_policies=tuple(_instance_policies(settings, identity)),
    )


def _nodes(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> NodesVerification | None:
    if settings.nodes is None:
        return None
    return NodesVerification(
        clients=clients,
        caller=identity.arn,
        place=NodesAccount(partition=identity.partition, account_id=identity.account_id),
        regions={region: Deployment.of(stack, settings, identity, region) for region in settings.regions},
        section=settings.nodes,
        instance_policies=tuple(_instance_policies(settings, identity)),
        boundary=_boundary(settings, identity),
    )


def _approval(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> ApprovalVerification | None:
    section = settings.approval or settings.evidence_export
    if section is None:
        return None
    deployment = Deployment.of(stack, settings, identity, settings.regions[0])
    return ApprovalVerification.of(settings, section, clients, identity, deployment)


def _account_access(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> AccountAccessVerification | None:
    if settings.account_access is None:
        return None
    return AccountAccessVerification(
        clients=clients,
        identity=identity,
        deployment=Deployment.of(stack, settings, identity, settings.regions[0]),
        settings=settings.account_access,
    )


def _just_in_time(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> JustInTimeVerification | None:
    if settings.just_in_time is None:
        return None
    return JustInTimeVerification(
        clients=clients,
        caller=identity.arn,
        regions={region: Deployment.of(stack, settings, identity, region) for region in settings.regions},
        documents=policy_documents(settings.just_in_time),
        account_id=identity.account_id,
        partition=identity.partition,
    )


def _orphans(
    read_state: Callable[[], StackState], clients: AwsClients, identity: Identity, settings: Settings
) -> dict[str, list[Finding]]:
    state = read_state()
    arns = state.arns(identity.partition, identity.account_id)
    has_networks = bool(settings.endpoints or settings.domain_controllers)
    found = find_orphans(clients, identity, state.stack, settings.regions, arns, ec2=has_networks)
    return orphan_findings(found, settings.regions[0])


def _boundary(settings: Settings, identity: Identity) -> str:
    return boundary_arn(settings.permissions_boundary, f"arn:{identity.partition}:iam::{identity.account_id}:policy/")


def _instance_policies(settings: Settings, identity: Identity) -> dict[str, dict[str, Any]]:
    return instance_policies(settings.session_manager, partition=identity.partition, account_id=identity.account_id)


def _verify_region(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity, region: str
) -> list[Finding]:
    deployment = Deployment.of(stack, settings, identity, region)
    return region_findings(
        deployment, read_region(Reader(clients, region, identity.arn), deployment, key_policies=True)
    )


def _verify_account(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> list[Finding]:
    """Return findings about resources that exist once per account; the stack keeps them in the first Region."""
    region = settings.regions[0]
    reader, deployment = Reader(clients, region, identity.arn), Deployment.of(stack, settings, identity, region)
    record = read_policy_tags(reader, policy_arn(identity.partition, identity.account_id))
    findings: list[Finding] = []
    for name, desired in _instance_policies(settings, identity).items():
        arn = f"arn:{identity.partition}:iam::{identity.account_id}:policy/{name}"
        findings += instance_policy_findings(
            deployment, name, desired, settings.instance_roles, read_policy(reader, arn)
        )
    return [*findings, governing_stack_finding(deployment, record)]


def region_findings(deployment: Deployment, facts: RegionFacts) -> list[Finding]:
    """Compare a Region with its settings, in the order in which a session depends on the resources."""
    findings: list[Finding] = []
    settings = deployment.session_manager
    if settings:
        findings += document_findings(deployment, settings, facts.document, facts.data_key)
        if isinstance(facts.document, DocumentFacts):
            findings += document_ownership_findings("document", deployment, facts.document.tags)
        findings += key_findings(deployment, settings, facts)
        findings += log_group_findings(deployment, settings, facts)
        findings += bucket_findings(deployment, settings, facts.bucket)
    if deployment.endpoints:
        findings += endpoint_findings(deployment, deployment.endpoints, facts.network)
    return findings


_EXPECTED: Final = "all resources with the stack's owner tag are in its state"
_MOST: Final = 5
"""Maximum number of ARNs in a finding; the command `orphans` lists all."""


def orphan_findings(orphans: Orphans, home: str) -> dict[str, list[Finding]]:
    """Return the findings by Region."""
    findings: dict[str, list[Finding]] = {}
    for place in sorted({*orphans.found, *orphans.unread}, key=lambda each: each == GLOBAL):
        why = orphans.unread.get(place)
        found = (
            unknown_finding(_check(place), why, expected=_EXPECTED) if why else _finding(place, orphans.found[place])
        )
        findings.setdefault(home if place == GLOBAL else place, []).append(found)
    return findings


def _finding(place: str, orphans: Sequence[Orphan]) -> Finding:
    arns = [each.arn for each in orphans]
    return compared(
        _check(place),
        same=not arns,
        expected=_EXPECTED,
        found=f"not in the state: {listed(arns, _MOST)}" if arns else _EXPECTED,
        remedy=f"Run `pulumi up`, which imports what the settings still define; then `{program_name()} orphans` lists the "
        "rest, with a command that deletes each",
    )


def _check(place: str) -> str:
    return "orphans-iam" if place == GLOBAL else "orphans"
