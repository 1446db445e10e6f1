"""Resources for node readiness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError
from common.config_recorders import STATUS, why_not_recorded
from common.service_settings import customized_value
from components.adoption.inventory import tags_of
from components.nodes.names import HOST_MANAGEMENT_SETTING, ROLE_TYPE, RULE_NAME, RUNBOOK_NAME
from components.nodes.role_compliance import RESOURCE_PARAMETER, ROLE_PARAMETER
from operations.inventory.reader import ReadError, ReadFailure, attempt, returns_failure
from operations.inventory.session_manager import NO_DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.inventory.reader import Answer, Reader


ATTEMPTS: Final = ("MaximumAutomaticAttempts", "RetryAttemptSeconds")


DEFAULT_VERSION: Final = "$DEFAULT"
_OTHERS: Final = (
    *("AlarmConfiguration", "AutomationTargetParameterName", "CalendarNames", "OutputLocation", "ScheduleOffset"),
    *("TargetLocations", "TargetMaps"),
)
"""Settings of an association that none of ours has (Systems Manager API Reference, AssociationDescription)."""


@dataclass(frozen=True, kw_only=True)
class AssociationFacts:
    """A State Manager association.

    Attributes:
        schedule: Schedule expression, `rate(14 days)`.
        max_concurrency: Maximum concurrency, `10%`.
        max_errors: Maximum errors, `10%`.
        targets: Values by key, `tag:environment`.
        parameters: Values by parameter of the document.
        only_at_interval: Whether it is not applied when it is created or changed.
        status: Status of the last execution: `Success`, `Failed`, `Pending`, ...; "": not known.
        results: Number of nodes by result of the last execution.
        document_version: Version of the document, `$DEFAULT` unless one is pinned.
        others: Other settings that change what runs, where, or who gets the output, by their names in the API.
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
    id: str = ""
    document_version: str = DEFAULT_VERSION
    others: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class RemediationFacts:
    """The AWS Config remediation for a role without the policy.

    Attributes:
        role_arn: ARN of the role that the runbook assumes; "": none.
        details: Other settings, by their names in the API.
    """

    runbook: str
    automatic: bool
    role_arn: str
    details: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class ConfigRule:
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
    text: str | ReadFailure
    remediation: RemediationFacts | ReadFailure | None
    triggers: frozenset[str] = frozenset()
    failure: str | ReadFailure = ""
    unrecorded: str | ReadFailure | None = None


@returns_failure
def read_host_role(reader: Reader) -> str | None:
    """Read the role of Default Host Management Configuration, with its path; None: none is set."""
    absent = ("ServiceSettingNotFound",)
    answer = reader.find("ssm", "get_service_setting", absent, SettingId=HOST_MANAGEMENT_SETTING)
    try:
        return customized_value(answer["ServiceSetting"]) if answer else None
    except MalformedAnswerError as failed:
        raise ReadError(reader.unread("ssm:GetServiceSetting", failed)) from None


@returns_failure
def read_association(reader: Reader, name: str) -> AssociationFacts | None:
    """Read an association by its name."""
    named = [{"key": "AssociationName", "value": name}]
    listed = reader.items("ssm", "list_associations", "Associations", AssociationFilterList=named)
    found = [each for each in listed if each.get("AssociationName") == name]
    if not found:
        return None
    described = reader.get("ssm", "describe_association", AssociationId=found[0]["AssociationId"])
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
        id=str(association["AssociationId"]),
        document_version=str(association.get("DocumentVersion") or DEFAULT_VERSION),
        others={key: association[key] for key in _OTHERS if association.get(key)},
    )


@returns_failure
def read_config_rule(reader: Reader) -> ConfigRule | None:
    """Read the rule and its remediation."""
    absent = ("NoSuchConfigRuleException",)
    answer = reader.find("config", "describe_config_rules", absent=absent, ConfigRuleNames=[RULE_NAME])
    if not answer or not answer["ConfigRules"]:
        return None
    rule: Answer = answer["ConfigRules"][0]
    sources: list[Answer] = rule.get("Source", {}).get("SourceDetails", [])
    return ConfigRule(
        state=str(rule.get("ConfigRuleState", "")),
        text=attempt(
            lambda: str(reader.get("config", "get_custom_rule_policy", ConfigRuleName=RULE_NAME).get("PolicyText", ""))
        ),
        remediation=_remediation(reader),
        triggers=frozenset(rule.get("Scope", {}).get("ComplianceResourceTypes", ()))
        | {str(each.get("MessageType", "")) for each in sources},
        failure=_failure(reader),
        unrecorded=read_unrecorded(reader, ROLE_TYPE),
    )


@returns_failure
def _failure(reader: Reader) -> str:
    """Return the error of the last evaluation, unless a later one succeeded."""
    named = {"ConfigRuleNames": [RULE_NAME]}
    statuses = reader.items("config", "describe_config_rule_evaluation_status", "ConfigRulesEvaluationStatus", **named)
    if not statuses:
        cause = f"no status of the rule {RULE_NAME}, which exists"
        raise ReadError(
            ReadFailure(action="config:DescribeConfigRuleEvaluationStatus", cause=cause, remedy="try again in a minute")
        )
    status: Answer = statuses[0]
    failed, succeeded = status.get("LastFailedEvaluationTime"), status.get("LastSuccessfulEvaluationTime")
    if failed is None or (succeeded is not None and succeeded >= failed):
        return ""
    return f"{status.get('LastErrorCode', 'error')}: {status.get('LastErrorMessage', '')}".rstrip(": ")


@returns_failure
def read_unrecorded(reader: Reader, *types: str) -> str | None:
    """Return why AWS Config does not record some types of resources; None: it records all of them.

    Args:
        reader: Reader of the Region.
        types: The types, `AWS::EC2::Instance`.
    """
    recorders = reader.items("config", "describe_configuration_recorders", "ConfigurationRecorders")
    statuses = reader.items("config", "describe_configuration_recorder_status", "ConfigurationRecordersStatus")
    try:
        return why_not_recorded(recorders, statuses, *types)
    except MalformedAnswerError as failed:
        raise ReadError(reader.unread(f"config:{STATUS}", failed)) from None


@returns_failure
def read_runbook(reader: Reader) -> str | None:
    """Read the content of the remediation's runbook, as JSON."""
    answer = reader.find("ssm", "get_document", NO_DOCUMENT, Name=RUNBOOK_NAME, DocumentFormat="JSON")
    return str(answer["Content"]) if answer else None


@returns_failure
def read_runbook_tags(reader: Reader) -> dict[str, str] | None:
    """Read the tags of the remediation's runbook."""
    answer = reader.find("ssm", "describe_document", NO_DOCUMENT, Name=RUNBOOK_NAME)
    return tags_of(answer["Document"].get("Tags", ())) if answer else None


@returns_failure
def _remediation(reader: Reader) -> RemediationFacts | None:
    named = {"ConfigRuleNames": [RULE_NAME]}
    configurations = reader.items("config", "describe_remediation_configurations", "RemediationConfigurations", **named)
    if not configurations:
        return None
    found = configurations[0]
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
