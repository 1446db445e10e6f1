"""Verification of the resources for node readiness."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from components.nodes import names
from components.nodes.role_compliance import (
    CONCURRENT_EXECUTION_RATE_PERCENTAGE,
    ERROR_PERCENTAGE,
    MAXIMUM_AUTOMATIC_ATTEMPTS,
    MESSAGE_TYPES,
    REMEDIATION_POLICY_NAME,
    RESOURCE_PARAMETER,
    RETRY_ATTEMPT_SECONDS,
    remediation_role_policy,
    remediation_trust,
    role_rule,
    runbook,
)
from components.nodes.settings import Remediation
from operations.inventory import nodes
from operations.inventory.iam import read_role
from operations.inventory.reader import Reader, ReadFailure
from operations.verify.associations import association_findings
from operations.verify.documents import document_ownership_findings
from operations.verify.findings import Check
from operations.verify.policies import DesiredRole, role_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.arns import Scope
    from common.aws.session import Clients
    from components.nodes.settings import NodesSection, RoleComplianceSettings
    from operations.deployment import Deployment
    from operations.findings import Finding


@dataclass(frozen=True, kw_only=True)
class NodesVerification:
    """A verification of node readiness.

    Attributes:
        regions: Settings by Region; the first is where the stack keeps resources that exist once per account.
        section: Section `shell-access:nodes`.
        instance_policies: Names of the instance policies; empty: no feature requires permissions of nodes.
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
    """

    clients: Clients
    caller: str
    place: Scope
    regions: Mapping[str, Deployment]
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
        deployment, reader, agents = self.regions[region], self._reader(region), self.section.agents
        findings = (
            [host_management_finding(deployment, nodes.read_host_role(reader))]
            if self.section.default_host_management
            else []
        )
        if agents:
            live = nodes.read_association(reader, agents.association.name)
            findings += association_findings("agent-updates", deployment, agents.association, live)
        return findings

    def _host_role(self) -> tuple[str, list[Finding]]:
        if not self.section.default_host_management:
            return self._first, []
        managed = f"arn:{self.place.partition}:iam::aws:policy/{names.HOST_MANAGED_POLICY}"
        desired = DesiredRole(
            check="host-management-role",
            name=names.HOST_ROLE_NAME,
            trust=names.host_trust(),
            attached=frozenset({managed, *self._policy_arns}),
            inline={},
            boundary=self.boundary,
        )
        live = read_role(self._reader(self._first), names.HOST_ROLE_NAME)
        return self._first, [role_finding(self.regions[self._first], desired, live)]

    def _compliance(self) -> tuple[str, list[Finding]]:
        """Return findings with the Region of the AWS Config rule, or with the first Region if none has the rule."""
        settings = self.section.role_compliance
        if settings is None:
            return self._first, []
        regions = [settings.region] if settings.region else list(self.regions)
        rules = {region: nodes.read_config_rule(self._reader(region)) for region in regions}
        there = [region for region, rule in rules.items() if isinstance(rule, nodes.ConfigRule)]
        perhaps = [region for region, rule in rules.items() if isinstance(rule, ReadFailure)]
        region = [*there, *perhaps, *regions][0]
        rule = rules[region]
        # IAM may be recorded outside the Regions of the stack.
        deployment = self.regions.get(region) or replace(self.regions[self._first], region=region)
        findings = rule_findings(deployment, role_rule(self._policy_arns, settings.excluded_roles), rule)
        if isinstance(rule, nodes.ConfigRule):
            findings += self._remediation(deployment, settings, rule)
        return region if region in self.regions else self._first, findings

    def _remediation(
        self, deployment: Deployment, settings: RoleComplianceSettings, rule: nodes.ConfigRule
    ) -> list[Finding]:
        excluded = sorted(settings.excluded_roles)
        if settings.remediation is Remediation.OFF:
            return [remediation_finding(deployment, None, rule.remediation)]
        reader, automatic = self._reader(deployment.region), settings.remediation is Remediation.AUTOMATIC
        attempts: dict[str, object] = dict(
            zip(nodes.ATTEMPTS, (MAXIMUM_AUTOMATIC_ATTEMPTS, RETRY_ATTEMPT_SECONDS), strict=True)
        )
        remediation = nodes.RemediationFacts(
            runbook=names.RUNBOOK_NAME,
            automatic=automatic,
            role_arn=self.place.iam(f"role/{names.REMEDIATION_ROLE_NAME}"),
            details={
                "ResourceType": names.ROLE_TYPE,
                RESOURCE_PARAMETER: "RESOURCE_ID",
                "ConcurrentExecutionRatePercentage": CONCURRENT_EXECUTION_RATE_PERCENTAGE,
                "ErrorPercentage": ERROR_PERCENTAGE,
                **(attempts if automatic else {}),
            },
        )
        role = DesiredRole(
            check="node-remediation-role",
            name=names.REMEDIATION_ROLE_NAME,
            trust=remediation_trust(self.place),
            inline={REMEDIATION_POLICY_NAME: remediation_role_policy(self.place, self._policy_arns, excluded)},
            boundary=self.boundary,
        )
        return [
            remediation_finding(deployment, remediation, rule.remediation),
            runbook_finding(deployment, runbook(self.place, self._policy_arns, excluded), nodes.read_runbook(reader)),
            *document_ownership_findings("node-remediation-runbook", deployment, nodes.read_runbook_tags(reader)),
            role_finding(deployment, role, read_role(reader, names.REMEDIATION_ROLE_NAME)),
        ]


_ACTIVE = "ACTIVE"


def host_management_finding(deployment: Deployment, live: str | ReadFailure | None) -> Finding:
    """Compare the role of Default Host Management Configuration."""
    check = Check("host-management", f"{names.HOST_MANAGEMENT_SETTING} is {names.HOST_ROLE_NAME}", deployment.repair)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    return check.judge(f"{names.HOST_MANAGEMENT_SETTING} is {live or 'not set'}", same=live == names.HOST_ROLE_NAME)


def rule_findings(deployment: Deployment, desired: str, live: nodes.ConfigRule | ReadFailure | None) -> list[Finding]:
    """Compare the AWS Config rule."""
    check = Check("node-roles", f"rule {names.RULE_NAME} of AWS Config is active", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such rule")]
    differences = [] if live.state == _ACTIVE else [f"it is {live.state}"]
    triggers = frozenset({names.ROLE_TYPE, *MESSAGE_TYPES})
    if live.triggers != triggers:
        listed = ", ".join(sorted(live.triggers)) or "nothing"
        differences.append(f"evaluated for {', '.join(sorted(triggers))} expected, for {listed} found")
    return [
        check.report(differences),
        _rule_content(deployment, desired, live.text),
        _recorded(deployment, live.unrecorded),
        _evaluation(deployment, live.failure),
    ]


def _recorded(deployment: Deployment, live: str | ReadFailure | None) -> Finding:
    region = deployment.region
    remedy = f"record {names.ROLE_TYPE}: aws configservice start-configuration-recorder, --region {region}"
    check = Check("node-roles-recorder", f"AWS Config in {region} records IAM roles", remedy)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    return check.report([f"{region} {live}"] if live is not None else [])


def _evaluation(deployment: Deployment, live: str | ReadFailure) -> Finding:
    remedy = (
        f"aws configservice start-config-rules-evaluation --config-rule-names {names.RULE_NAME} --region {deployment.region}, "
        "once the cause is removed"
    )
    check = Check("node-roles-evaluation", f"the last evaluation of {names.RULE_NAME} succeeded", remedy)
    return check.compare(live, lambda failure: [failure] if failure else [])


def _rule_content(deployment: Deployment, desired: str, live: str | ReadFailure) -> Finding:
    # The AWS plugin reads a rule's text from the state (config_rule.go), so that no refresh detects its drift.
    remedy = (
        f"aws configservice delete-config-rule --config-rule-name {names.RULE_NAME} --region {deployment.region}, where it has a "
        f"remediation after delete-remediation-configuration; then {deployment.repair}"
    )

    def differences(text: str) -> list[str]:
        return [] if text.split() == desired.split() else [f"its text is: {' '.join(text.split())}"]

    return Check("node-roles-content", "the rule has the text that the settings define", remedy).compare(
        live, differences
    )


def remediation_finding(
    deployment: Deployment, desired: nodes.RemediationFacts | None, live: nodes.RemediationFacts | ReadFailure | None
) -> Finding:
    """Compare the remediation of a role without the policy."""
    # A remediation that the settings do not define is not a resource of the stack.
    delete = f"aws configservice delete-remediation-configuration --config-rule-name {names.RULE_NAME} --region {deployment.region}"
    check = Check("node-remediation", _described(desired), deployment.repair if desired else delete)
    return (
        check.report_unread(live)
        if isinstance(live, ReadFailure)
        else check.judge(_described(live), same=live == desired)
    )


def _described(remediation: nodes.RemediationFacts | None) -> str:
    if remediation is None:
        return "no remediation"
    how = "by itself" if remediation.automatic else "on request"
    details = ", ".join(f"{name} {value}" for name, value in sorted(remediation.details.items()))
    return f"{remediation.runbook} runs {how} with {remediation.role_arn or 'no role'}; {details or 'nothing else set'}"


def runbook_finding(deployment: Deployment, desired: dict[str, Any], live: str | ReadFailure | None) -> Finding:
    """Compare the default version of the remediation's runbook."""

    def differences(text: str) -> list[str]:
        return [] if json.loads(text) == desired else ["its default version has other content"]

    check = Check("node-remediation-runbook", f"{names.RUNBOOK_NAME} is as published", deployment.repair)
    return check.compare(live, differences, "no such document")
