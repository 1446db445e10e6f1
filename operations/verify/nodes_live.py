"""Reads what makes nodes ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.nodes.names import (
    ASSOCIATION_NAME,
    HOST_MANAGEMENT_SETTING,
    RULE_NAME,
    RUNBOOK_NAME,
)
from components.nodes.remediation import ROLE_PARAMETER
from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.reading import Reader

_NO_ROLE = ("NoSuchEntity",)


@dataclass(frozen=True, kw_only=True)
class AssociationFacts:
    """The association that keeps the agents up to date.

    Attributes:
        document: that it runs.
        schedule: `rate(14 days)`.
        max_concurrency: `10%`.
        max_errors: likewise.
        targets: values by key, `tag:environment`.
    """

    document: str
    schedule: str
    max_concurrency: str
    max_errors: str
    targets: Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class RemediationFacts:
    """What AWS Config does for a role without the policy.

    Attributes:
        runbook: its name.
        automatic: without anybody asking for it.
        role_arn: that the runbook runs with; "" where none is named.
    """

    runbook: str
    automatic: bool
    role_arn: str


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """The rule of AWS Config about instance roles.

    Attributes:
        state: `ACTIVE`, `DELETING`, ...
        text: in Guard.
        remediation: None: nothing is done.
    """

    state: str
    text: str | Unread
    remediation: RemediationFacts | Unread | None


@dataclass(frozen=True, kw_only=True)
class RoleFacts:
    """A role.

    Attributes:
        trust: its trust policy.
        attached: ARNs of managed policies.
        inline: by name.
        boundary: ARN of the permissions boundary; "": none.
        path: path of the role.
    """

    trust: Mapping[str, Any]
    attached: frozenset[str] | Unread
    inline: Mapping[str, Mapping[str, Any]] | Unread
    boundary: str = ""
    path: str = "/"


def read_host_role(reader: Reader) -> str | Unread | None:
    """The role of Default Host Management Configuration, with its path; None: nobody has set one."""
    answer = reader.read("ssm", "get_service_setting", SettingId=HOST_MANAGEMENT_SETTING)
    if answer is None or isinstance(answer, Unread):
        return answer
    setting = answer["ServiceSetting"]
    return None if setting.get("Status") == "Default" else str(setting["SettingValue"])


def read_association(reader: Reader) -> AssociationFacts | Unread | None:
    """The association of our name."""
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
    return AssociationFacts(
        document=str(association["Name"]),
        schedule=str(association.get("ScheduleExpression", "")),
        max_concurrency=str(association.get("MaxConcurrency", "")),
        max_errors=str(association.get("MaxErrors", "")),
        targets={each["Key"]: frozenset(each["Values"]) for each in association.get("Targets", ())},
    )


def read_rule(reader: Reader) -> RuleFacts | Unread | None:
    """The rule, and its remediation."""
    absent = ("NoSuchConfigRuleException",)
    answer = reader.read("config", "describe_config_rules", absent=absent, ConfigRuleNames=[RULE_NAME])
    if isinstance(answer, Unread):
        return answer
    if not answer or not answer["ConfigRules"]:
        return None
    text = reader.read("config", "get_custom_rule_policy", ConfigRuleName=RULE_NAME)
    return RuleFacts(
        state=str(answer["ConfigRules"][0].get("ConfigRuleState", "")),
        text=text if isinstance(text, Unread) else str((text or {}).get("PolicyText", "")),
        remediation=_remediation(reader),
    )


def read_runbook(reader: Reader) -> str | Unread | None:
    """The content of the remediation's runbook, as JSON."""
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
    role = found.get("Parameters", {}).get(ROLE_PARAMETER, {}).get("StaticValue", {}).get("Values", [])
    return RemediationFacts(
        runbook=str(found["TargetId"]), automatic=bool(found.get("Automatic")), role_arn=str(next(iter(role), ""))
    )


def read_role(reader: Reader, name: str) -> RoleFacts | Unread | None:
    """A role with all that it may do.

    Args:
        reader: to read with.
        name: of the role.
    """
    role = reader.read("iam", "get_role", absent=_NO_ROLE, RoleName=name)
    if role is None or isinstance(role, Unread):
        return role
    attached = reader.read("iam", "list_attached_role_policies", RoleName=name)
    return RoleFacts(
        trust=role["Role"]["AssumeRolePolicyDocument"],
        attached=attached
        if isinstance(attached, Unread)
        else frozenset(each["PolicyArn"] for each in (attached or {}).get("AttachedPolicies", ())),
        inline=_inline(reader, name),
        boundary=str(role["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")),
        path=str(role["Role"].get("Path", "/")),
    )


def _inline(reader: Reader, name: str) -> dict[str, Mapping[str, Any]] | Unread:
    listed = reader.read("iam", "list_role_policies", RoleName=name)
    if isinstance(listed, Unread):
        return listed
    found: dict[str, Mapping[str, Any]] = {}
    for each in (listed or {}).get("PolicyNames", ()):
        policy = reader.read("iam", "get_role_policy", absent=_NO_ROLE, RoleName=name, PolicyName=each)
        if isinstance(policy, Unread):
            return policy
        if policy is not None:
            found[each] = policy["PolicyDocument"]
    return found
