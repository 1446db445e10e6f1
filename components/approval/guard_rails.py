"""Optional guard rails, as plain data: a deny policy for operators, and a service control policy.

Sources: Service Authorization Reference; IAM User Guide, "Tags for IAM resources". Tests compare the protected
resources with the reference: an action that AWS adds to one of these services fails them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.statements import Policy, Statement, deny, document
from components.approval import names
from components.approval.settings import ApproverType
from components.session_manager.document import DOCUMENT_NAME

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings

_CHANGING_IDENTITIES: Final = [f"iam:{verb}*" for verb in ("A", "Cr", "De", "E", "Pu", "R", "Se", "T", "U")]
"""All IAM actions with changes, by the first letters of their verbs, as the size of a managed policy is limited."""
_IDENTITIES: Final = ("group", "user", "mfa", "saml-provider", "oidc-provider")
"""Resources that a person signs in with, none of which operators may change.

The trust policy of an approver's role decides who may assume it, which this policy does not know, and no condition key
shows which user is added to a group.
"""
_CHANGING_WORKFLOW: Final = [
    *("ssm:AddTags*", "ssm:CreateDocument", "ssm:Delete*", "ssm:ModifyDocument*", "ssm:Put*", "ssm:RemoveTags*"),
    *("ssm:ResetServiceSetting", "ssm:UpdateDocument*", "ssm:UpdateServiceSetting"),
    *("sns:Add*", "sns:C*", "sns:Delete*", "sns:Put*", "sns:Remove*", "sns:Set*", "sns:Subscribe", "sns:*agResource"),
    *("scheduler:C*", "scheduler:D*", "scheduler:U*", "scheduler:T*"),
    *("events:Del*", "events:Dis*", "events:E*", "events:P*", "events:R*", "events:*agResource"),
    *("cloudwatch:Del*", "cloudwatch:Dis*", "cloudwatch:E*", "cloudwatch:P*", "cloudwatch:S*"),
    "cloudwatch:*agResource",
    "kms:*Alias",
]
_CHANGING_KEY: Final = [
    *("kms:CreateGrant", "kms:Del*", "kms:Disable*", "kms:Put*", "kms:Ret*", "kms:Rev*", "kms:Schedule*"),
    *("kms:*agResource", "kms:Update*"),
]
_SETTING_TAGS: Final = ["iam:TagRole", "iam:TagUser", "iam:CreateRole", "iam:CreateUser", "sts:TagSession"]
"""Session tags override those of the principal (IAM User Guide, "Pass session tags in AWS STS")."""
_REMOVING_TAGS: Final = ["iam:UntagRole", "iam:UntagUser"]
_BECOMING: Final = ["sts:AssumeRole*", "iam:PassRole"]
"""Actions to use another role, also through a service that it is passed to."""
_STARTING: Final = ["ssm:StartAutomationExecution", "ssm:StartChangeRequestExecution"]
"""Requesters may pass the runbook's role, which another runbook could use for any purpose."""
_NEVER: Final = [
    # These pass the runbook's role, which requesters may pass, to a node or to a runbook of the operator's choice.
    *("ssm:CreateActivation", "ssm:UpdateManagedInstanceRole"),
    *("ssm:CreateAssociation*", "ssm:UpdateAssociation", "ssm:StartAssociationsOnce"),
    *("ssm:RegisterTaskWith*", "ssm:UpdateMaintenanceWindowTask"),
    *("config:PutRemediationC*", "config:StartRemediation*", "config:Put*ConformancePack"),
    # These support no resource types (Service Authorization Reference).
    *("sns:SetSubscription*", "sns:Unsubscribe"),
    # These decide outside IAM which person has which identity, and which policies of the organization apply.
    *("iam:A*DelegationRequest", "iam:CreateDelegation*", "iam:SendDelegation*", "iam:UpdateDelegation*"),
    *("sts:AssumeRoot", "account-access:C*", "cognito-identity:Set*", "rolesanywhere:C*"),
    # A certificate is revoked only as long as its revocation list exists and is enabled.
    *("rolesanywhere:D*", "rolesanywhere:E*", "rolesanywhere:I*", "rolesanywhere:P*", "rolesanywhere:U*"),
    *("identitystore:C*", "identitystore:U*"),
    *("sso:A*", "sso:C*", "sso:P*", "sso:St*", "sso:U*", "sso-directory:A*", "sso-directory:C*"),
    *("sso-directory:E*", "sso-directory:I*", "sso-directory:St*", "sso-directory:U*", "organizations:DeleteP*"),
    *("organizations:Det*", "organizations:DisableP*", "organizations:Leave*", "organizations:Move*"),
    *("organizations:Remove*", "organizations:UpdateP*"),
    # Users of a directory sign in with its passwords and groups, also to IAM Identity Center.
    *("ds:EnableRoleAccess", "ds:ResetUserPassword", "ds-data:A*", "ds-data:C*", "ds-data:U*"),
    # Alarms receive the calls that a trail records; this policy does not know which trail that is.
    *("cloudtrail:DeleteT*", "cloudtrail:PutEventS*", "cloudtrail:StopL*", "cloudtrail:UpdateT*"),
]
_CHAT: Final = ["chatbot:A*", "chatbot:C*", "chatbot:R*", "chatbot:U*"]
_HOST_MANAGEMENT: Final = "servicesetting/ssm/managed-instance/default-ec2-instance-management-role"


def guard_rail_policies(settings: ApprovalSettings, place: names.WorkflowLocation) -> dict[str, Policy]:
    """Return the managed policies that deny operators changes to what the approval depends on, whatever else they have.

    Two, by name: the names of operators and approvers need most of the characters of a managed policy.
    """
    return {
        names.GUARD_RAIL_POLICY_NAME: document(_workflow_statements(settings, place)),
        names.IDENTITIES_GUARD_RAIL_POLICY_NAME: document(_identity_statements(settings, place)),
    }


def operator_deny_policy(settings: ApprovalSettings, place: names.WorkflowLocation) -> Policy:
    """Return everything that the guard rails deny, as one document."""
    return document([*_identity_statements(settings, place), *_workflow_statements(settings, place)])


def _identity_statements(settings: ApprovalSettings, place: names.WorkflowLocation) -> list[Statement]:
    approvers = place.principals(
        "role", [each.bare_name for each in settings.approvers if each.type is ApproverType.IAM_ROLE]
    )
    people = [place.operator_roles] if settings.operators else []
    own = [place.iam(f"role/{name}") for name in settings.workflow_roles]
    kept = [
        *(place.iam(f"{kind}/*") for kind in _IDENTITIES),
        *own,
        *place.principals("role", settings.operator_roles),
        *people,
        *approvers,
        *(place.iam(f"policy/{name}") for name in names.POLICY_NAMES),
        *([place.iam(f"policy/{names.OPERATOR_BOUNDARY_NAME}")] if people else []),
    ]
    return [
        deny("KeepIdentities", _CHANGING_IDENTITIES, kept),
        # Requesters pass the runbook's role to Systems Manager.
        deny("BecomeNoOther", _BECOMING, [*approvers, *people, *own[1:]]),
    ]


def _workflow_statements(settings: ApprovalSettings, place: names.WorkflowLocation) -> list[Statement]:
    keys = [names.KEY_ALIAS, *([names.EVIDENCE_KEY_ALIAS] if settings.evidence else [])]
    of_topic: dict[str, object] = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": keys}}
    deciding = ["ssm:SendAutomationSignal", "ssm:StopAutomationExecution"]
    return [
        deny("KeepTag", [*_SETTING_TAGS, *_REMOVING_TAGS], "*", condition=_names_the_tag()),
        deny("KeepWorkflow", _CHANGING_WORKFLOW, [*_workflow(settings, place), *settings.all_topic_arns]),
        deny("KeepKey", _CHANGING_KEY, "*", condition=of_topic),
        # An execution stopped as complete skips the removal of its tag; the reaper's executions could be stopped, too.
        deny("DecideNothing", deciding, place.ssm("automation-execution/*", "*")),
        deny("Never", [*_NEVER, *(_CHAT if settings.chat_approver_roles else [])], "*"),
        {**deny("RunNothingElse", _STARTING), "NotResource": _requests(settings, place)},
    ]


def tag_control_policy(place: names.WorkflowLocation) -> Policy:
    """Return a service control policy: only the runbook's role sets or removes the tag, and no session has it as a tag.

    The organization's management account attaches it to the accounts with this workflow.
    The runbook's role has the same name in every account.
    """
    others = {"ArnNotLike": {"aws:PrincipalArn": [f"arn:{place.partition}:iam::*:role/{names.ROLE_NAME}"]}}
    tagging = [*_SETTING_TAGS, *_REMOVING_TAGS]
    return document([deny("OnlyTheRunbook", tagging, "*", condition={**_names_the_tag(), **others})])


def _workflow(settings: ApprovalSettings, place: names.WorkflowLocation) -> list[str]:
    """Return the ARNs of the workflow's resources except identities; documents, rules and settings in every Region."""
    keys = (names.KEY_ALIAS, *([names.EVIDENCE_KEY_ALIAS] if settings.evidence else []))
    return [
        *(place.ssm(f"document/{name}", "*") for name in (*settings.document_names, DOCUMENT_NAME)),
        place.ssm(_HOST_MANAGEMENT, "*"),
        place.topic_arn,
        *(place.arn("scheduler", f"schedule/*/{name}") for name in settings.schedules.values()),
        *(place.arn("scheduler", f"schedule-group/{group}") for group in settings.schedules),
        place.rule_arn(f"{names.ALARM_PREFIX}*", "*"),
        place.alarm_arn(f"{names.ALARM_PREFIX}*"),
        *(place.arn("kms", alias) for alias in keys),
    ]


def _names_the_tag() -> dict[str, object]:
    # IAM does not distinguish tag keys by case (IAM User Guide, "Tags for IAM resources").
    return {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": [names.TAG_KEY]}}


def _requests(settings: ApprovalSettings, place: names.WorkflowLocation) -> list[str]:
    """Return what operators may start: the workflow, and during a move the policies of just-in-time node access.

    AWS starts a manual policy with the permissions of the requester (Systems Manager User Guide, "Setting up just-in-time
    access"). By name, as a document that an operator creates may have the same type.
    """
    starting = (names.RUNBOOK_NAME, names.CHANGE_TEMPLATE_NAME)
    policies = settings.just_in_time.manual_policies if settings.just_in_time else []
    return [
        *(arn for name in starting for arn in place.default_version(name)),
        *(place.ssm(f"document/{each.name}", "*") for each in policies),
        *(place.ssm(f"automation-definition/{each.name}:*", "*") for each in policies),
        place.ssm("automation-execution/*", "*" if policies else ""),
    ]
