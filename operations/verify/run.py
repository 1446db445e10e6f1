"""Verification of a stack, with all Regions in parallel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import Scope
from components.adoption.governance import policy_arn
from components.just_in_time.documents import policy_documents
from components.session_manager.instance_policy import instance_policies
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding, listed
from operations.inventory.iam import read_policy, read_policy_tags
from operations.inventory.orphans import GLOBAL, find_orphans
from operations.inventory.reader import Identity, Reader, ReadFailure, aws_clients, identify
from operations.inventory.session_manager import read_data_key, read_region
from operations.stack import chosen_regions
from operations.terminal import program_name
from operations.verify.approval import ApprovalVerification
from operations.verify.domain_controllers.verification import DomainControllersVerification
from operations.verify.findings import Check, Verification, without_secrets
from operations.verify.identity_center import AccountAccessVerification
from operations.verify.just_in_time import JustInTimeVerification
from operations.verify.nodes import NodesVerification
from operations.verify.policies import boundary_arn, governing_stack_finding, instance_policy_findings
from operations.verify.session_manager import data_key_tag_findings, region_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from common.aws.session import AwsClients
    from components.settings import Settings
    from operations.inventory.orphans import Orphans
    from operations.stack import StackConfiguration, StackState


Progress = Callable[[str], None]
"""Receives each Region that is done."""

Part = Callable[[], dict[str, list[Finding]]]
"""A part of the verification, which returns findings by Region."""

_AT_A_TIME = 8
"""Number of parallel Regions; each makes some twenty calls in sequence, far below an account's API quotas."""


def verify_stack(
    stack: StackConfiguration,
    progress: Progress = lambda _region: None,
    read_state: Callable[[], StackState] | None = None,
    chosen: Sequence[str] | None = None,
) -> Verification:
    """Compare the resources in the stack's account with the stack's settings, and report the chosen Regions.

    `progress` receives each Region that is done. Without `read_state`, there is no search for orphans.

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
        unknown = Check("account", "AWS identifies the credentials").report_unread(identity)
        return _verification(stack, None, {region: [unknown] for region in regions if region in reported})
    parts = _Parts(stack=stack, settings=settings, clients=clients, identity=identity)
    with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
        others = [pool.submit(each) for each in parts.beside_regions(regions[0], read_state)]
        running = {region: pool.submit(parts.region, region) for region in regions if region in reported}
        findings: dict[str, list[Finding]] = {}
        for region, each in running.items():
            findings[region] = each.result()
            progress(region)
        for part in others:
            for region, several in part.result().items():
                findings.setdefault(region, []).extend(several)
    return _verification(
        stack, identity.account_id, {region: each for region, each in findings.items() if region in reported}
    )


def verify_just_in_time(stack: StackConfiguration, clients: AwsClients, identity: Identity) -> Verification:
    """Compare the approval policies, what else just-in-time node access needs, and the tags of the key for session data."""
    settings = stack.settings()
    access = _Parts(stack=stack, settings=settings, clients=clients, identity=identity).just_in_time()
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


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The parts of a verification, each of which returns findings by Region."""

    stack: StackConfiguration
    settings: Settings
    clients: AwsClients
    identity: Identity

    def beside_regions(self, home: str, read_state: Callable[[], StackState] | None) -> Iterator[Part]:
        """Yield all parts other than the Regions, in the order of their findings; those about the account are in `home`.

        Without `read_state`, there is no search for orphans.
        """
        settings = self.settings
        yield lambda: {home: self._account()}
        directory, nodes, access = self._directory(), self._nodes(), self.just_in_time()
        yield from (each.findings for each in (directory, nodes, access) if each)
        if read_state:
            yield lambda: self._orphans(read_state())
        if directory:
            yield lambda: {home: directory.of_account()}
        if settings.approval or settings.evidence_export:
            yield lambda: {home: self._approval()}
        if section := settings.account_access:
            entitlements = AccountAccessVerification(
                clients=self.clients, identity=self.identity, deployment=self._deployment(home), settings=section
            )
            yield lambda: {home: entitlements.findings()}

    def region(self, region: str) -> list[Finding]:
        """Return the findings about a Region."""
        deployment = self._deployment(region)
        return region_findings(deployment, read_region(self._reader(region), deployment, key_policies=True))

    def just_in_time(self) -> JustInTimeVerification | None:
        """Return the verification of just-in-time node access."""
        if self.settings.just_in_time is None:
            return None
        return JustInTimeVerification(
            clients=self.clients,
            caller=self.identity.arn,
            regions={region: self._deployment(region) for region in self.settings.regions},
            documents=policy_documents(self.settings.just_in_time),
            account_id=self.identity.account_id,
            partition=self.identity.partition,
        )

    def _reader(self, region: str) -> Reader:
        return Reader(self.clients, region, self.identity.arn)

    def _deployment(self, region: str) -> Deployment:
        return Deployment.of(self.stack, self.settings, self.identity, region)

    def _iam_policy(self, name: str) -> str:
        return f"arn:{self.identity.partition}:iam::{self.identity.account_id}:policy/{name}"

    @property
    def _boundary(self) -> str:
        return boundary_arn(self.settings.permissions_boundary, self._iam_policy(""))

    @property
    def _instance_policies(self) -> dict[str, dict[str, Any]]:
        place = {"partition": self.identity.partition, "account_id": self.identity.account_id}
        return instance_policies(self.settings.session_manager, **place)

    def _account(self) -> list[Finding]:
        """Return findings about resources that exist once per account; the stack keeps them in the first Region."""
        region = self.settings.regions[0]
        reader, deployment = self._reader(region), self._deployment(region)
        record = read_policy_tags(reader, policy_arn(self.identity.partition, self.identity.account_id))
        findings: list[Finding] = []
        for name, desired in self._instance_policies.items():
            live = read_policy(reader, self._iam_policy(name))
            findings += instance_policy_findings(deployment, name, desired, self.settings.instance_roles, live)
        return [*findings, governing_stack_finding(deployment, record)]

    def _directory(self) -> DomainControllersVerification | None:
        section, home = self.settings.domain_controllers, self.settings.regions[0]
        if section is None:
            return None
        deployments = {
            region: SiteDeployment(deployment=self._deployment(region), section=section, boundary=self._boundary)
            for region in {home, *section.sites}
        }
        return DomainControllersVerification(
            clients=self.clients,
            caller=self.identity.arn,
            sites={region: deployments[region] for region in section.sites},
            account=deployments[home],
            instance_policies=tuple(self._instance_policies),
        )

    def _nodes(self) -> NodesVerification | None:
        if self.settings.nodes is None:
            return None
        return NodesVerification(
            clients=self.clients,
            caller=self.identity.arn,
            place=Scope(partition=self.identity.partition, account_id=self.identity.account_id),
            regions={region: self._deployment(region) for region in self.settings.regions},
            section=self.settings.nodes,
            instance_policies=tuple(self._instance_policies),
            boundary=self._boundary,
        )

    def _approval(self) -> list[Finding]:
        section = self.settings.approval or self.settings.evidence_export
        if section is None:
            return []
        deployment = self._deployment(self.settings.regions[0])
        return ApprovalVerification.of(self.settings, section, self.clients, self.identity, deployment).findings()

    def _orphans(self, state: StackState) -> dict[str, list[Finding]]:
        arns = state.arns(self.identity.partition, self.identity.account_id)
        has_networks = bool(self.settings.endpoints or self.settings.domain_controllers)
        regions = self.settings.regions
        found = find_orphans(self.clients, self.identity, state.stack, regions, arns, ec2=has_networks)
        return orphan_findings(found, regions[0])


_MOST: Final = 5
"""Maximum number of ARNs in a finding; the command `orphans` lists all."""


def orphan_findings(orphans: Orphans, home: str) -> dict[str, list[Finding]]:
    """Return the findings by Region."""
    findings: dict[str, list[Finding]] = {}
    for place in sorted({*orphans.found, *orphans.unread}, key=lambda each: each == GLOBAL):
        check = Check(
            "orphans-iam" if place == GLOBAL else "orphans",
            "all resources with the stack's owner tag are in its state",
            "Run `pulumi up`, which imports what the settings still define; then "
            f"`{program_name()} orphans` lists the rest, with a command that deletes each",
        )
        why, arns = orphans.unread.get(place), [each.arn for each in orphans.found.get(place, ())]
        text = [f"not in the state: {listed(arns, _MOST)}"] if arns else []
        findings.setdefault(home if place == GLOBAL else place, []).append(
            check.report_unread(why) if why else check.report(text)
        )
    return findings
