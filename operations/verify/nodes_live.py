"""Functions that read the resources for node readiness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.nodes.names import (
    ASSOCIATION_NAME,
    HOST_MANAGEMENT_SETTING,
    RULE_NAME,
    RUNBOOK_NAME,
)
from components.nodes.recorders import why_not_recorded
from components.nodes.role_compliance import RESOURCE_PARAMETER, ROLE_PARAMETER
from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.reading import Answer, Reader

ATTEMPTS: Final = ("MaximumAutomaticAttempts", "RetryAttemptSeconds")


@dataclass(frozen=True, kw_only=True)
class AssociationFacts:
    """The association that updates the agents.

    Attributes:
        document: Name of its document.
        schedule: Schedule expression, `rate(14 days)`.
        max_concurrency: Maximum concurrency, `10%`.
        max_errors: Maximum errors, `10%`.
        targets: Values by key, `tag:environment`.
        parameters: Values by parameter of the document.
        only_at_interval: Whether it is not applied when it is created or changed.
        status: Status of the last execution: `Success`, `Failed`, `Pending`, ...; "": not known.
        results: Number of nodes by result of the last execution.
    """

    document: str
    schedule: str
    max_concurrency: str
    max_errors: str
    targets: Mapping[str, frozenset[str]]
    parameters: Mapping[str, frozenset[str]]
    only_at_interval: bool = False
    status: str = ""
    results: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, kw_only=True)
class RemediationFacts:
    """The AWS Config remediation for a role without the policy.

    Attributes:
        runbook: Name of the runbook.
        automatic: Whether it is automatic.
        role_arn: ARN of the role that the runbook assumes; "": none.
        details: Other settings, by their names in the API.
    """

    runbook: str
    automatic: bool
    role_arn: str
    details: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """The AWS Config rule for instance roles.

    Attributes:
        state: `ACTIVE`, `DELETING`, ...
        text: Text of the rule, in Guard.
        remediation: Its remediation; None: none.
        triggers: Types of resources and messages that trigger an evaluation.
        failure: Error of the last evaluation; "": it succeeded, or there was none yet.
        unrecorded: Reason for which IAM roles are not recorded; None: they are.
    """

    state: str
    text: str | Unread
    remediation: RemediationFacts | Unread | None
    triggers: frozenset[str] = frozenset()
    failure: str | Unread = ""
    unrecorded: str | Unread | None = None


def read_host_role(reader: Reader) -> str | Unread | None:
    """Read the role of Default Host Management Configuration, with its path; None: none is set."""
    answer = reader.read("ssm", "get_service_setting", SettingId=HOST_MANAGEMENT_SETTING)
    if answer is None or isinstance(answer, Unread):
        return answer
    setting = answer["ServiceSetting"]
    return None if setting.get("Status") == "Default" else str(setting["SettingValue"])


def read_association(reader: Reader) -> AssociationFacts | Unread | None:
    """Read the association with the stack's name for it."""
    named = [{"key": "AssociationName", "value": ASSOCIATION_NAME}]
    answer = reader.read("ssm", "list_associations", AssociationFilterList=named)
    if answer is None or isinstance(answer, Unread):
        return answer
    found = next(iter(answer.get("Associations", ())), None)
    if found is None:
        return None
    described = reader.read("ssm", "describe_association", AssociationId=found["AssociationId"])
    if described is None or isinstance(described, Unread):
        return described
    association = described["AssociationDescription"]
    overview: Mapping[str, Any] = association.get("Overview", {})
    return AssociationFacts(
        document=str(association["Name"]),
        schedule=str(association.get("ScheduleExpression", "")),
        max_concurrency=str(association.get("MaxConcurrency", "")),
        max_errors=str(association.get("MaxErrors", "")),
        targets={each["Key"]: frozenset(each["Values"]) for each in association.get("Targets", ())},
        parameters={key: frozenset(values) for key, values in association.get("Parameters", {}).items()},
        only_at_interval=bool(association.get("ApplyOnlyAtCronInterval")),
        status=str(overview.get("Status", "")),
        results=overview.get("AssociationStatusAggregatedCount", {}),
    )


def read_rule(reader: Reader) -> RuleFacts | Unread | None:
    """Read the rule and its remediation."""
    absent = ("NoSuchConfigRuleException",)
    answer = reader.read("config", "describe_config_rules", absent=absent, ConfigRuleNames=[RULE_NAME])
    if isinstance(answer, Unread):
        return answer
    if not answer or not answer["ConfigRules"]:
        return None
    text = reader.read("config", "get_custom_rule_policy", ConfigRuleName=RULE_NAME)
    rule: Answer = answer["ConfigRules"][0]
    sources: list[Answer] = rule.get("Source", {}).get("SourceDetails", [])
    return RuleFacts(
        state=str(rule.get("ConfigRuleState", "")),
        text=text if isinstance(text, Unread) else str((text or {}).get("PolicyText", "")),
        remediation=_remediation(reader),
        triggers=frozenset(rule.get("Scope", {}).get("ComplianceResourceTypes", ()))
        | {str(each.get("MessageType", "")) for each in sources},
        failure=_failure(reader),
        unrecorded=_unrecorded(reader),
    )


def _failure(reader: Reader) -> str | Unread:
    """Return the error of the last evaluation, unless a later one succeeded."""
    answer = reader.read("config", "describe_config_rule_evaluation_status", ConfigRuleNames=[RULE_NAME])
    if isinstance(answer, Unread):
        return answer
    statuses: list[Answer] = (answer or {}).get("ConfigRulesEvaluationStatus", [])
    status: Answer = statuses[0] if statuses else {}
    failed, succeeded = status.get("LastFailedEvaluationTime"), status.get("LastSuccessfulEvaluationTime")
    if failed is None or (succeeded is not None and succeeded >= failed):
        return ""
    return f"{status.get('LastErrorCode', 'error')}: {status.get('LastErrorMessage', '')}".rstrip(": ")


def _unrecorded(reader: Reader) -> str | Unread | None:
    recorders = reader.read("config", "describe_configuration_recorders")
    if isinstance(recorders, Unread):
        return recorders
    statuses = reader.read("config", "describe_configuration_recorder_status")
    if isinstance(statuses, Unread):
        return statuses
    return why_not_recorded(
        (recorders or {}).get("ConfigurationRecorders", []), (statuses or {}).get("ConfigurationRecordersStatus", [])
    )


def read_runbook(reader: Reader) -> str | Unread | None:
    """Read the content of the remediation's runbook, as JSON."""
    answer = reader.read("ssm", "get_document", absent=("InvalidDocument",), Name=RUNBOOK_NAME, DocumentFormat="JSON")
    return answer if answer is None or isinstance(answer, Unread) else str(answer["Content"])


def read_runbook_tags(reader: Reader) -> dict[str, str] | Unread | None:
    """Read the tags of the remediation's runbook."""
    answer = reader.read("ssm", "describe_document", absent=("InvalidDocument",), Name=RUNBOOK_NAME)
    if answer is None or isinstance(answer, Unread):
        return answer
    return {tag["Key"]: tag["Value"] for tag in answer["Document"].get("Tags", ())}


def _remediation(reader: Reader) -> RemediationFacts | Unread | None:
    answer = reader.read("config", "describe_remediation_configurations", ConfigRuleNames=[RULE_NAME])
    if answer is None or isinstance(answer, Unread):
        return answer
    found = next(iter(answer.get("RemediationConfigurations", ())), None)
    if found is None:
        return None
    parameters: Mapping[str, Any] = found.get("Parameters", {})
    role = parameters.get(ROLE_PARAMETER, {}).get("StaticValue", {}).get("Values", [])
    controls: Mapping[str, object] = found.get("ExecutionControls", {}).get("SsmControls", {})
    automatic = bool(found.get("Automatic"))
    return RemediationFacts(
        runbook=str(found["TargetId"]),
        automatic=automatic,
        role_arn=str(next(iter(role), "")),
        details={
            "ResourceType": found.get("ResourceType"),
            RESOURCE_PARAMETER: parameters.get(RESOURCE_PARAMETER, {}).get("ResourceValue", {}).get("Value"),
            **controls,
            # Manual remediation has no retries, and AWS may return default values.
            **({name: found.get(name) for name in ATTEMPTS} if automatic else {}),
        },
    )
