"""Verification of the resources for node readiness."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from components.nodes import names
from components.nodes.role_compliance import (
    CONCURRENT_EXECUTION_RATE_PERCENTAGE,
    ERROR_PERCENTAGE,
    MAXIMUM_AUTOMATIC_ATTEMPTS,
    MESSAGE_TYPES,
    REMEDIATION_POLICY_NAME,
    RESOURCE_PARAMETER,
    RETRY_ATTEMPT_SECONDS,
    ROLE_PARAMETER,
    remediation_role_policy,
    remediation_trust,
    role_rule,
    runbook,
)
from components.nodes.settings import Remediation
from operations.inventory.iam import read_role
from operations.inventory.instances import read_host_role
from operations.inventory.monitoring import read_unrecorded
from operations.inventory.reader import Answer, Reader, ReadError, ReadFailure, known, returns_failure
from operations.inventory.session_manager import DocumentFacts, read_document
from operations.verify.associations import association_findings, read_association
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

ATTEMPTS: Final = ("MaximumAutomaticAttempts", "RetryAttemptSeconds")
_ACTIVE: Final = "ACTIVE"
_NO_REMEDIATION: Final = "no remediation"


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
            [host_management_finding(deployment, read_host_role(reader))]
            if self.section.default_host_management
            else []
        )
        if agents:
            live = read_association(reader, agents.association.name)
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
        rules = {region: read_rule(self._reader(region)) for region in regions}
        there = [region for region, rule in rules.items() if rule is not None and not isinstance(rule, ReadFailure)]
        perhaps = [region for region, rule in rules.items() if isinstance(rule, ReadFailure)]
        region = [*there, *perhaps, *regions][0]
        # IAM may be recorded outside the Regions of the stack.
        deployment = self.regions.get(region) or replace(self.regions[self._first], region=region)
        reader = self._reader(region)
        desired = role_rule(self._policy_arns, settings.excluded_roles)
        findings = rule_findings(reader, deployment, desired, rules[region])
        if region in there:
            findings += self._remediation(reader, deployment, settings)
        return region if region in self.regions else self._first, findings

    def _remediation(self, reader: Reader, deployment: Deployment, settings: RoleComplianceSettings) -> list[Finding]:
        excluded = sorted(settings.excluded_roles)
        if settings.remediation is Remediation.OFF:
            return [remediation_finding(deployment, None, read_remediation(reader))]
        automatic = settings.remediation is Remediation.AUTOMATIC
        attempts: dict[str, object] = dict(
            zip(ATTEMPTS, (MAXIMUM_AUTOMATIC_ATTEMPTS, RETRY_ATTEMPT_SECONDS), strict=True)
        )
        remediation = RoleRemediation(
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
        document = read_document(reader, names.RUNBOOK_NAME)
        return [
            remediation_finding(deployment, remediation, read_remediation(reader)),
            runbook_finding(deployment, runbook(self.place, self._policy_arns, excluded), document),
            *document_ownership_findings("node-remediation-runbook", deployment, document),
            role_finding(deployment, role, read_role(reader, names.REMEDIATION_ROLE_NAME)),
        ]


def host_management_finding(deployment: Deployment, live: str | ReadFailure | None) -> Finding:
    """Compare the role of Default Host Management Configuration."""
    check = Check("host-management", f"{names.HOST_MANAGEMENT_SETTING} is {names.HOST_ROLE_NAME}", deployment.repair)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    return check.judge(f"{names.HOST_MANAGEMENT_SETTING} is {live or 'not set'}", same=live == names.HOST_ROLE_NAME)


@returns_failure
def read_rule(reader: Reader) -> Answer | None:
    """Read the AWS Config rule for instance roles."""
    absent = ("NoSuchConfigRuleException",)
    answer = reader.find("config", "describe_config_rules", absent=absent, ConfigRuleNames=[names.RULE_NAME])
    return next(iter(answer["ConfigRules"]), None) if answer else None


@returns_failure
def read_rule_text(reader: Reader) -> str:
    """Read the text of the rule, in Guard."""
    return str(reader.get("config", "get_custom_rule_policy", ConfigRuleName=names.RULE_NAME).get("PolicyText", ""))


@returns_failure
def read_evaluation_error(reader: Reader) -> str:
    """Return the error of the last evaluation, unless a later one succeeded; "": it succeeded, or there was none yet."""
    named = {"ConfigRuleNames": [names.RULE_NAME]}
    statuses = reader.items("config", "describe_config_rule_evaluation_status", "ConfigRulesEvaluationStatus", **named)
    if not statuses:
        cause = f"no status of the rule {names.RULE_NAME}, which exists"
        raise ReadError(
            ReadFailure(action="config:DescribeConfigRuleEvaluationStatus", cause=cause, remedy="try again in a minute")
        )
    status: Answer = statuses[0]
    failed, succeeded = status.get("LastFailedEvaluationTime"), status.get("LastSuccessfulEvaluationTime")
    if failed is None or (succeeded is not None and succeeded >= failed):
        return ""
    return f"{status.get('LastErrorCode', 'error')}: {status.get('LastErrorMessage', '')}".rstrip(": ")


def rule_findings(
    reader: Reader, deployment: Deployment, desired: str, live: Answer | ReadFailure | None
) -> list[Finding]:
    """Compare the AWS Config rule with the text that the settings define; if it exists, read its text and its evaluation."""
    name, region = names.RULE_NAME, deployment.region
    check = Check("node-roles", f"rule {name} of AWS Config is active", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such rule")]
    content = Check(
        "node-roles-content",
        "the rule has the text that the settings define",
        # The AWS plugin reads a rule's text from the state (config_rule.go), so that no refresh detects its drift.
        f"aws configservice delete-config-rule --config-rule-name {name} --region {region}, where it has a "
        f"remediation after delete-remediation-configuration; then {deployment.repair}",
    )
    recorder = Check(
        "node-roles-recorder",
        f"AWS Config in {region} records IAM roles",
        f"record {names.ROLE_TYPE}: aws configservice start-configuration-recorder, --region {region}",
    )
    evaluation = Check(
        "node-roles-evaluation",
        f"the last evaluation of {name} succeeded",
        f"aws configservice start-config-rules-evaluation --config-rule-names {name} --region {region}, "
        "once the cause is removed",
    )
    return [
        check.report(_rule_differences(live)),
        content.compare(
            read_rule_text(reader),
            lambda text: [] if text.split() == desired.split() else [f"its text is: {' '.join(text.split())}"],
        ),
        recorder.compare(read_unrecorded(reader, names.ROLE_TYPE), lambda why: [f"{region} {why}"] if why else []),
        evaluation.compare(read_evaluation_error(reader), lambda error: [error] if error else []),
    ]


def _rule_differences(live: Answer) -> list[str]:
    state = live.get("ConfigRuleState", "")
    differences = [] if state == _ACTIVE else [f"it is {state}"]
    desired = {names.ROLE_TYPE, *MESSAGE_TYPES}
    sources: list[Answer] = live.get("Source", {}).get("SourceDetails", [])
    messages = {str(each.get("MessageType", "")) for each in sources}
    triggers = {*live.get("Scope", {}).get("ComplianceResourceTypes", ()), *messages}
    if triggers != desired:
        listed = ", ".join(sorted(triggers)) or "nothing"
        differences.append(f"evaluated for {', '.join(sorted(desired))} expected, for {listed} found")
    return differences


@dataclass(frozen=True, kw_only=True)
class RoleRemediation:
    """The AWS Config remediation for a role without the policy.

    Attributes:
        role_arn: ARN of the role that the runbook assumes; "": none.
        details: Other settings, by their names in the API.
    """

    runbook: str
    automatic: bool
    role_arn: str
    details: Mapping[str, object]

    def __str__(self) -> str:
        how = "by itself" if self.automatic else "on request"
        details = ", ".join(f"{name} {value}" for name, value in sorted(self.details.items()))
        return f"{self.runbook} runs {how} with {self.role_arn or 'no role'}; {details or 'nothing else set'}"


@returns_failure
def read_remediation(reader: Reader) -> RoleRemediation | None:
    """Read the remediation of the rule."""
    named = {"ConfigRuleNames": [names.RULE_NAME]}
    found = reader.items("config", "describe_remediation_configurations", "RemediationConfigurations", **named)
    if not found:
        return None
    parameters: Mapping[str, Any] = found[0].get("Parameters", {})
    role = parameters.get(ROLE_PARAMETER, {}).get("StaticValue", {}).get("Values", [])
    automatic = bool(found[0].get("Automatic"))
    return RoleRemediation(
        runbook=str(found[0]["TargetId"]),
        automatic=automatic,
        role_arn=str(next(iter(role), "")),
        details={
            "ResourceType": found[0].get("ResourceType"),
            RESOURCE_PARAMETER: parameters.get(RESOURCE_PARAMETER, {}).get("ResourceValue", {}).get("Value"),
            **found[0].get("ExecutionControls", {}).get("SsmControls", {}),
            # Manual remediation has no retries, and AWS may return default values.
            **({name: found[0].get(name) for name in ATTEMPTS} if automatic else {}),
        },
    )


def remediation_finding(
    deployment: Deployment, desired: RoleRemediation | None, live: RoleRemediation | ReadFailure | None
) -> Finding:
    """Compare the remediation of a role without the policy."""
    # A remediation that the settings do not define is not a resource of the stack.
    delete = f"aws configservice delete-remediation-configuration --config-rule-name {names.RULE_NAME} --region {deployment.region}"
    check = Check("node-remediation", str(desired or _NO_REMEDIATION), deployment.repair if desired else delete)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    return check.judge(str(live or _NO_REMEDIATION), same=live == desired)


def runbook_finding(
    deployment: Deployment, desired: dict[str, Any], live: DocumentFacts | ReadFailure | None
) -> Finding:
    """Compare the default version of the remediation's runbook."""

    def differences(found: DocumentFacts) -> list[str]:
        same = json.loads(known(found.default_text)) == desired
        return [] if same else ["its default version has other content"]

    check = Check("node-remediation-runbook", f"{names.RUNBOOK_NAME} is as published", deployment.repair)
    return check.compare(live, differences, "no such document")
