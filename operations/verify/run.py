"""Verification of a stack, with all Regions in parallel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from components.adoption.governance import policy_arn
from components.nodes.names import NodesAccount
from components.session_manager.instance_policy import instance_policies
from operations.orphans.listing import find_orphans
from operations.reading import Identity, Reader, Unread, aws_clients, identify
from operations.verify.approval import ApprovalVerification
from operations.verify.comparison import region_findings
from operations.verify.domain_controllers.checks import DirectoryVerification
from operations.verify.domain_controllers.facts import AskedSite
from operations.verify.facts import Asked
from operations.verify.findings import Finding, Verification, cannot_tell
from operations.verify.instance_policy import instance_policy_findings
from operations.verify.live import read_policy, read_policy_tags, read_region
from operations.verify.nodes import NodesVerification
from operations.verify.orphans import orphan_findings
from operations.verify.ownership import governing_stack_finding
from operations.verify.roles import boundary_arn
from operations.verify.secrecy import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients
    from components.settings import Settings
    from operations.stack import StackConfiguration, StackState

    Progress = Callable[[str], None]
    """Receives each Region that is done."""

_AT_A_TIME = 8
"""Number of parallel Regions; each makes some twenty calls in sequence, far below an account's API quotas."""


def verify_stack(
    stack: StackConfiguration,
    progress: Progress = lambda _region: None,
    read_state: Callable[[], StackState] | None = None,
) -> Verification:
    """Compare the resources in the stack's account with the stack's settings.

    Args:
        stack: The stack with its configuration.
        progress: Receives each Region that is done.
        read_state: Reads the stack's state, to find orphans; None: no search for orphans.

    Raises:
        UnusableError: The configuration cannot be used.
    """
    settings = stack.settings()
    sites = settings.domain_controllers.sites if settings.domain_controllers else {}
    asked = {*settings.session_manager, *settings.endpoints, *sites}
    asked |= {settings.regions[0]} if settings.approval or settings.domain_controllers else set()
    regions = [each for each in settings.regions if each in asked or settings.nodes]
    if not regions:
        return Verification(stack=stack.name, account_id=None, regions={})
    clients = aws_clients(stack)
    identity = identify(clients, stack.sts_region(regions[0]))
    if isinstance(identity, Unread):
        nobody = cannot_tell("account", "AWS says whose credentials these are", identity)
        findings = {region: [nobody] for region in regions}
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
        running = {region: pool.submit(verify, region) for region in regions}
        findings: dict[str, list[Finding]] = {}
        for region, each in running.items():
            findings[region] = each.result()
            progress(region)
        findings[regions[0]] += shared.result()
        for several_regions in (of_sites, of_nodes, of_orphans):
            for region, several in several_regions.result().items() if several_regions else ():
                findings.setdefault(region, []).extend(several)
        findings[regions[0]] += of_account.result() if of_account else []
        findings[regions[0]] += of_approval.result() if of_approval else []
    return _verification(stack, identity.account_id, findings)


def _verification(
    stack: StackConfiguration, account_id: str | None, findings: dict[str, list[Finding]]
) -> Verification:
    regions = {
        region: tuple(without_secrets(finding, stack) for finding in several) for region, several in findings.items()
    }
    return Verification(stack=stack.name, account_id=account_id, regions=regions)


def _asked(stack: StackConfiguration, settings: Settings, identity: Identity, region: str) -> Asked:
    return Asked(
        stack=stack.name,
        account_id=identity.account_id,
        region=region,
        session_manager=settings.session_manager.get(region),
        endpoints=settings.endpoints.get(region),
        hides_values=stack.is_secret("sessionManager"),
        partition=identity.partition,
    )


def _directory(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> DirectoryVerification | None:
    section = settings.domain_controllers
    if section is None:
        return None
    boundary = _boundary(settings, identity)
    asked = {
        region: AskedSite(
            asked=_asked(stack, settings, identity, region),
            partition=identity.partition,
            section=section,
            boundary=boundary,
        )
        for region in {settings.regions[0], *section.sites}
    }
    return DirectoryVerification(
        clients=clients,
        caller=identity.arn,
        sites={region: asked[region] for region in section.sites},
        account=asked[settings.regions[0]],
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
        regions={region: _asked(stack, settings, identity, region) for region in settings.regions},
        section=settings.nodes,
        instance_policies=tuple(_instance_policies(settings, identity)),
        boundary=_boundary(settings, identity),
    )


def _approval(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> ApprovalVerification | None:
    if settings.approval is None:
        return None
    asked = _asked(stack, settings, identity, settings.regions[0])
    return ApprovalVerification.of(settings, settings.approval, clients, identity, asked)


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
    asked = _asked(stack, settings, identity, region)
    return region_findings(asked, read_region(Reader(clients, region, identity.arn), asked, key_policies=True))


def _verify_account(
    stack: StackConfiguration, settings: Settings, clients: AwsClients, identity: Identity
) -> list[Finding]:
    """Return findings about resources that exist once per account; the stack keeps them in the first Region."""
    region = settings.regions[0]
    reader, asked = Reader(clients, region, identity.arn), _asked(stack, settings, identity, region)
    record = read_policy_tags(reader, policy_arn(identity.partition, identity.account_id))
    findings: list[Finding] = []
    for name, wanted in _instance_policies(settings, identity).items():
        arn = f"arn:{identity.partition}:iam::{identity.account_id}:policy/{name}"
        findings += instance_policy_findings(asked, name, wanted, settings.instance_roles, read_policy(reader, arn))
    return [*findings, governing_stack_finding(asked, record)]
