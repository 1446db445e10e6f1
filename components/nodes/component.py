"""Nodes that are ready for governed sessions, as a component.

AWS Config evaluates roles in the one Region in which it records IAM.
Source: AWS Config Developer Guide, "Recording AWS resources", section on global resources.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_aws.cfg import (
    RemediationConfiguration,
    RemediationConfigurationExecutionControlsArgs,
    RemediationConfigurationExecutionControlsSsmControlsArgs,
    RemediationConfigurationParameterArgs,
    Rule,
    RuleScopeArgs,
    RuleSourceArgs,
    RuleSourceCustomPolicyDetailsArgs,
    RuleSourceSourceDetailArgs,
)
from pulumi_aws.iam import Role, RolePolicy, RolePolicyAttachment

from common.aws.failures import ResourceError, explained
from common.config_recorders import why_not_recorded
from common.limits import excess_problems
from common.problems import Collector, Problem, SettingsError, raise_problems, shown
from components.adoption.document_content import PlannedDocument
from components.adoption.document_resource import ConvergingDocument
from components.adoption.lookup import program_clients
from components.association import register_association
from components.nodes import role_compliance
from components.nodes.agent_versions import minimum_agent_version
from components.nodes.names import (
    HOST_MANAGED_POLICY,
    HOST_MANAGEMENT_SETTING,
    HOST_ROLE_NAME,
    REMEDIATION_ROLE_NAME,
    ROLE_TYPE,
    RULE_NAME,
    RUNBOOK_NAME,
    PolicyDocument,
    host_trust,
)
from components.nodes.service_setting import ServiceSetting, with_prior_settings
from components.nodes.settings import Remediation
from components.session_manager.instance_policy import instance_policies
from components.session_manager.names import INSTANCE_POLICY_NAME, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.aws.session import AwsClients
    from components.account import Account
    from components.nodes.settings import AgentsSettings, NodesSection, RoleComplianceSettings
    from components.session_manager.settings import SessionManagerSettings

Outputs = dict[str, pulumi.Input[str | None]]

WITHOUT_IAM: Final = frozenset(
    {
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
        *("ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1"),
    }
)
"""Regions added to AWS Config after February 2022, which never record global IAM resources."""

_AT_A_TIME: Final = 8
_RECORDING_PATH: Final = ("nodes", "roleCompliance", "region")


@dataclass(frozen=True, kw_only=True)
class PlannedNodes:
    """Plan of the system.

    Attributes:
        section: Settings of the system.
        policy_names: Names of the instance policies.
        recording_region: Region in which AWS Config records IAM; empty where roles are not evaluated.
        minimum_agent_versions: Minimum versions for the features in use, by Region.
    """

    section: NodesSection
    policy_names: tuple[str, ...]
    recording_region: str
    minimum_agent_versions: Mapping[str, str]


def plan_nodes(
    section: NodesSection,
    account: Account,
    *,
    regions: tuple[str, ...],
    preferences: Mapping[str, SessionManagerSettings],
) -> PlannedNodes:
    """Find the Region in which roles are evaluated, before anything is registered.

    Raises:
        SettingsError: No Region can evaluate roles, or the Region must be configured.
    """
    names = tuple(instance_policies(preferences, partition=account.partition, account_id=account.id))
    region, collector = "", Collector()
    if section.role_compliance:
        with collector:
            region = recording_region(program_clients(), regions, section.role_compliance.region)
        with collector:
            raise_problems(excess_problems(role_compliance.generated_texts(section.role_compliance, account, names)))
    collector.check()
    return PlannedNodes(
        section=section,
        policy_names=names,
        recording_region=region,
        minimum_agent_versions={
            each: minimum_agent_version(
                preferences.get(each), default_host_management=bool(section.default_host_management)
            ).version
            for each in regions
        },
    )


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """Arguments of `Nodes`.

    Attributes:
        planned: Result of `plan_nodes`.
        regions: Regions of the stack.
        account: Account of the stack.
        policy_arns: ARNs of the instance policies, known once they exist; empty where no feature needs a permission.
        preferences: Preferences and instance policies, which are created first and deleted last.
        tags: Tags applied to all taggable resources.
    """

    planned: PlannedNodes
    regions: tuple[str, ...]
    account: Account
    policy_arns: tuple[pulumi.Output[str], ...] = ()
    preferences: tuple[pulumi.Resource, ...] = ()
    tags: dict[str, str] = field(default_factory=dict[str, str])


class Nodes(pulumi.ComponentResource):
    """Compliance of instance roles, Default Host Management Configuration, and SSM Agent updates.

    Attributes:
        outputs: `roleCompliance`, `defaultHostManagement` and `agents` (None where disabled), and
            `minimumAgentVersions` by Region.
    """

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:nodes:Nodes", name, None, opts)
        self._name, self._args = name, args
        self._place = args.account.scope()
        settings = args.planned.section
        compliance = self._role_compliance(settings.role_compliance) if settings.role_compliance else None
        host_management = self._host_management() if settings.default_host_management else None
        agents = self._agents(settings.agents) if settings.agents else None
        self.outputs: dict[str, object] = {
            "roleCompliance": compliance,
            "defaultHostManagement": host_management,
            "agents": agents,
            "minimumAgentVersions": args.planned.minimum_agent_versions,
        }
        self.register_outputs(self.outputs)

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _role(
        self, name: str, role: str, description: str, trust: PolicyDocument, tags: Mapping[str, str] | None = None
    ) -> Role:
        return Role(
            f"{self._name}-{name}",
            name=role,
            description=description,
            assume_role_policy=json.dumps(trust),
            tags=self._args.tags if tags is None else tags,
            opts=self._child(),
        )

    def _role_compliance(self, settings: RoleComplianceSettings) -> Outputs:
        policy_arns = [self._place.iam(f"policy/{name}") for name in self._args.planned.policy_names]
        rule = Rule(
            f"{self._name}-roles",
            name=RULE_NAME,
            description=f"Roles of EC2 instances have {INSTANCE_POLICY_NAME}, which governed sessions need",
            scope=RuleScopeArgs(compliance_resource_types=[ROLE_TYPE]),
            source=RuleSourceArgs(
                owner="CUSTOM_POLICY",
                custom_policy_details=RuleSourceCustomPolicyDetailsArgs(
                    policy_runtime=role_compliance.RUNTIME,
                    policy_text=role_compliance.role_rule(policy_arns, settings.excluded_roles),
                ),
                source_details=[
                    RuleSourceSourceDetailArgs(event_source="aws.config", message_type=each)
                    for each in role_compliance.MESSAGE_TYPES
                ],
            ),
            region=self._args.planned.recording_region,
            tags=self._args.tags,
            opts=self._child(*self._args.preferences),
        )
        remediated = settings.remediation is not Remediation.OFF
        role = self._remediation(settings, rule, policy_arns) if remediated else None
        return {
            "ruleName": RULE_NAME,
            "ruleArn": rule.arn,
            "region": self._args.planned.recording_region,
            "remediation": str(settings.remediation),
            "runbookName": RUNBOOK_NAME if remediated else None,
            "remediationRoleArn": role.arn if role else None,
        }

    def _remediation(self, settings: RoleComplianceSettings, rule: Rule, policy_arns: list[str]) -> Role:
        excluded = sorted(settings.excluded_roles)
        role = self._role(
            "remediation",
            REMEDIATION_ROLE_NAME,
            f"Attaches {INSTANCE_POLICY_NAME} to roles of EC2 instances",
            role_compliance.remediation_trust(self._place),
        )
        rights = RolePolicy(
            f"{self._name}-remediation",
            name=role_compliance.REMEDIATION_POLICY_NAME,
            role=role.name,
            policy=json.dumps(role_compliance.remediation_role_policy(self._place, policy_arns, excluded)),
            opts=self._child(),
        )
        document = ConvergingDocument(
            f"{self._name}-runbook",
            PlannedDocument(
                key="runbook",
                name=RUNBOOK_NAME,
                type="Automation",
                content=role_compliance.runbook(self._place, policy_arns, excluded),
                settings={"excludedRoles": excluded},
            ),
            region=self._args.planned.recording_region,
            section="nodes",
            take_over=self._args.planned.section.take_over,
            tags=self._args.tags,
            opts=self._child(rights),
        )
        automatic = settings.remediation is Remediation.AUTOMATIC
        RemediationConfiguration(
            f"{self._name}-remediation",
            config_rule_name=rule.name,
            resource_type=ROLE_TYPE,
            target_type="SSM_DOCUMENT",
            target_id=RUNBOOK_NAME,
            automatic=automatic,
            maximum_automatic_attempts=role_compliance.MAXIMUM_AUTOMATIC_ATTEMPTS if automatic else None,
            retry_attempt_seconds=role_compliance.RETRY_ATTEMPT_SECONDS if automatic else None,
            execution_controls=RemediationConfigurationExecutionControlsArgs(
                ssm_controls=RemediationConfigurationExecutionControlsSsmControlsArgs(
                    concurrent_execution_rate_percentage=role_compliance.CONCURRENT_EXECUTION_RATE_PERCENTAGE,
                    error_percentage=role_compliance.ERROR_PERCENTAGE,
                )
            ),
            parameters=[
                RemediationConfigurationParameterArgs(name=role_compliance.ROLE_PARAMETER, static_value=role.arn),
                RemediationConfigurationParameterArgs(
                    name=role_compliance.RESOURCE_PARAMETER, resource_value="RESOURCE_ID"
                ),
            ],
            region=self._args.planned.recording_region,
            opts=self._child(document),
        )
        return role

    def _host_management(self) -> Outputs:
        """Set it once the role has the permissions that nodes need, so that no node starts with fewer."""
        role = self._role(
            "host",
            HOST_ROLE_NAME,
            "What instances without an instance profile may do: be managed, and hold governed sessions",
            host_trust(),
            with_prior_settings(HOST_MANAGEMENT_SETTING, HOST_ROLE_NAME, self._args.regions, self._args.tags),
        )
        policies: dict[str, pulumi.Input[str]] = {
            "managed": f"arn:{self._place.partition}:iam::aws:policy/{HOST_MANAGED_POLICY}",
            **numbered("sessions", self._args.policy_arns),
        }
        attached = [
            RolePolicyAttachment(f"{self._name}-host-{what}", role=role.name, policy_arn=arn, opts=self._child())
            for what, arn in policies.items()
        ]
        for region in self._args.regions:
            ServiceSetting(
                f"{self._name}-host-{region}",
                region=region,
                setting_id=HOST_MANAGEMENT_SETTING,
                value=HOST_ROLE_NAME,
                opts=self._child(role, *attached),
            )
        return {"roleName": HOST_ROLE_NAME, "roleArn": role.arn}

    def _agents(self, settings: AgentsSettings) -> dict[str, pulumi.Output[str]]:
        return {
            region: register_association(
                f"{self._name}-agents-{region}",
                settings.association,
                region=region,
                tags=self._args.tags,
                opts=self._child(),
            ).association_id
            for region in self._args.regions
        }


def recording_region(clients: AwsClients, regions: Sequence[str], chosen: str | None) -> str:
    """Return the Region in which AWS Config records the roles of the account.

    `chosen` is the Region of the settings, which may be any; else those of the stack are searched.

    Raises:
        SettingsError: No Region records roles, several do, or AWS cannot be called.
    """
    looked_at = [chosen] if chosen else list(regions)
    with ThreadPoolExecutor(_AT_A_TIME) as asking:
        answers = asking.map(_why_not, repeat(clients), looked_at)
        reasons = dict(zip(looked_at, answers, strict=True))
    recording = [region for region, reason in reasons.items() if reason is None]
    if len(recording) == 1:
        return recording[0]
    if recording:
        listed = ", ".join(recording)
        raise _refusal(f"expected the Region to evaluate roles in, got none. AWS Config records IAM roles in {listed}")
    why = "; ".join(f"{region} {reason}" for region, reason in reasons.items())
    got = shown(chosen) if chosen else "none"
    raise _refusal(f"expected a Region whose AWS Config recorder is on and records IAM roles, got {got}. {why}")


def _why_not(clients: AwsClients, region: str) -> str | None:
    if region in WITHOUT_IAM:
        return "is a Region in which AWS Config records no IAM resources"
    config = clients.client("config", region)
    try:
        with explained(f"AWS Config in {region}", "config", region, lambda: clients.caller_arn(region)):
            recorders = config.describe_configuration_recorders()["ConfigurationRecorders"]
            statuses = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
            return why_not_recorded(recorders, statuses, ROLE_TYPE)
    except ResourceError as unknown:
        raise _refusal(f"cannot be checked: {unknown}") from None


def _refusal(message: str) -> SettingsError:
    return SettingsError([Problem(path=_RECORDING_PATH, message=message)])
