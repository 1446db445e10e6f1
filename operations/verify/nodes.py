"""Verification of node readiness: agents and Default Host Management per Region, compliance where IAM is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.nodes.names import (
    HOST_MANAGED_POLICY,
    HOST_ROLE_NAME,
    REMEDIATION_ROLE_NAME,
    ROLE_TYPE,
    RUNBOOK_NAME,
    NodesAccount,
    host_trust,
)
from components.nodes.role_compliance import (
    CONCURRENT_EXECUTION_RATE_PERCENTAGE,
    ERROR_PERCENTAGE,
    MAXIMUM_AUTOMATIC_ATTEMPTS,
    REMEDIATION_POLICY_NAME,
    RESOURCE_PARAMETER,
    RETRY_ATTEMPT_SECONDS,
    remediation_role_policy,
    remediation_trust,
    role_rule,
    runbook,
)
from components.nodes.settings import Remediation
from operations.reading import Reader, Unread
from operations.verify.nodes_comparison import (
    agent_updates_findings,
    host_management_finding,
    remediation_finding,
    rule_findings,
    runbook_finding,
)
from operations.verify.nodes_live import (
    ATTEMPTS,
    RemediationFacts,
    RuleFacts,
    read_association,
    read_host_role,
    read_rule,
    read_runbook,
    read_runbook_tags,
)
from operations.verify.ownership import document_ownership_findings
from operations.verify.roles import WantedRole, read_role, role_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.nodes.settings import NodesSection, RoleComplianceSettings
    from operations.reading import Clients
    from operations.verify.facts import Asked
    from operations.verify.findings import Finding


@dataclass(frozen=True, kw_only=True)
class NodesVerification:
    """A verification of node readiness.

    Attributes:
        clients: Clients to read with.
        caller: ARN of the caller, for remedies.
        place: Account and partition of the nodes.
        regions: Settings by Region; the first is where the stack keeps resources that exist once per account.
        section: Section `shell-access:nodes`.
        instance_policies: Names of the instance policies; empty: no feature requires permissions of nodes.
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
    """

    clients: Clients
    caller: str
    place: NodesAccount
    regions: Mapping[str, Asked]
    section: NodesSection
    instance_policies: tuple[str, ...]
    boundary: str = ""

    def findings(self) -> dict[str, list[Finding]]:
        """Return the findings by Region."""
        with ThreadPoolExecutor() as pool:
            compliance = pool.submit(self._compliance)
            host_role = pool.submit(self._host_role)
            found = dict(zip(self.regions, pool.map(self._region, self.regions), strict=True))
            for region, several in (host_role.result(), compliance.result()):
                found[region] += several
        return found

    @property
    def _first(self) -> str:
        return next(iter(self.regions))

    @property
    def _policy_arns(self) -> list[str]:
        return [self.place.iam(f"policy/{name}") for name in self.instance_policies]

    def _reader(self, region: str) -> Reader:
        return Reader(self.clients, region, self.caller)

    def _region(self, region: str) -> list[Finding]:
        asked, reader = self.regions[region], self._reader(region)
        agents = self.section.agent_updates
        return [
            *([host_management_finding(asked, read_host_role(reader))] if self.section.host_management else ()),
            *(agent_updates_findings(asked, agents, read_association(reader)) if agents else ()),
        ]

    def _host_role(self) -> tuple[str, list[Finding]]:
        if not self.section.host_management:
            return self._first, []
        managed = f"arn:{self.place.partition}:iam::aws:policy/{HOST_MANAGED_POLICY}"
        wanted = WantedRole(
            check="host-management-role",
            name=HOST_ROLE_NAME,
            trust=host_trust(),
            attached=frozenset({managed, *self._policy_arns}),
            inline={},
            boundary=self.boundary,
        )
        live = read_role(self._reader(self._first), HOST_ROLE_NAME)
        return self._first, [role_finding(self.regions[self._first], wanted, live)]

    def _compliance(self) -> tuple[str, list[Finding]]:
        """Return findings with the Region of the AWS Config rule, or with the first Region if none has the rule."""
        settings = self.section.compliance
        if settings is None:
            return self._first, []
        regions = [settings.region] if settings.region else list(self.regions)
        rules = {region: read_rule(self._reader(region)) for region in regions}
        there = [region for region, rule in rules.items() if isinstance(rule, RuleFacts)]
        perhaps = [region for region, rule in rules.items() if isinstance(rule, Unread)]
        region = [*there, *perhaps, *regions][0]
        rule = rules[region]
        # IAM may be recorded outside the Regions of the stack.
        asked = self.regions.get(region) or replace(self.regions[self._first], region=region)
        findings = rule_findings(asked, role_rule(self._policy_arns, settings.excluded_roles), rule)
        if isinstance(rule, RuleFacts):
            findings += self._remediation(asked, settings, rule)
        return region if region in self.regions else self._first, findings

    def _remediation(self, asked: Asked, settings: RoleComplianceSettings, rule: RuleFacts) -> list[Finding]:
        excluded = sorted(settings.excluded_roles)
        if settings.remediation is Remediation.OFF:
            return [remediation_finding(asked, None, rule.remediation)]
        reader, automatic = self._reader(asked.region), settings.remediation is Remediation.AUTOMATIC
        attempts: dict[str, object] = dict(
            zip(ATTEMPTS, (MAXIMUM_AUTOMATIC_ATTEMPTS, RETRY_ATTEMPT_SECONDS), strict=True)
        )
        remediation = RemediationFacts(
            runbook=RUNBOOK_NAME,
            automatic=automatic,
            role_arn=self.place.remediation_role_arn,
            details={
                "ResourceType": ROLE_TYPE,
                RESOURCE_PARAMETER: "RESOURCE_ID",
                "ConcurrentExecutionRatePercentage": CONCURRENT_EXECUTION_RATE_PERCENTAGE,
                "ErrorPercentage": ERROR_PERCENTAGE,
                **(attempts if automatic else {}),
            },
        )
        role = WantedRole(
            check="node-remediation-role",
            name=REMEDIATION_ROLE_NAME,
            trust=remediation_trust(self.place),
            inline={REMEDIATION_POLICY_NAME: remediation_role_policy(self.place, self._policy_arns, excluded)},
            boundary=self.boundary,
        )
        return [
            remediation_finding(asked, remediation, rule.remediation),
            runbook_finding(asked, runbook(self.place, self._policy_arns, excluded), read_runbook(reader)),
            *document_ownership_findings("node-remediation-runbook", asked, read_runbook_tags(reader)),
            role_finding(asked, role, read_role(reader, REMEDIATION_ROLE_NAME)),
        ]
