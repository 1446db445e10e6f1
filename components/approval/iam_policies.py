"""IAM, topic and key policies of the workflow, as plain data.

Sources: the AWS post; Systems Manager User Guide, "Additional sample IAM policies for Session Manager", "Enforcing a
session document permission check for the AWS CLI", "Setting up Automation" and "Controlling access to auto-approval
runbook workflows"; Service Authorization Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import (
    ALARM_PREFIX,
    CHANGE_TEMPLATE_NAME,
    KEY_ALIAS,
    OPERATOR_POLICY_NAME,
    REAPER_NAME,
    RUNBOOK_NAME,
    TAG_KEY,
    PolicyDocument,
    WorkflowLocation,
)
from components.approval.settings import Mode
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.key_policies import governed_by_iam
from components.session_manager.names import DATA_KEY_ALIAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.approval.settings import ApprovalSettings


SYSTEMS_MANAGER: Final = "ssm.amazonaws.com"
EVENTBRIDGE: Final = "events.amazonaws.com"
CLOUDWATCH: Final = "cloudwatch.amazonaws.com"

_VERSION = "2012-10-17"
_SOURCES: Final = {
    SYSTEMS_MANAGER: "ssm:*:{account}:automation-execution/*",
    "scheduler.amazonaws.com": "scheduler:*:{account}:schedule-group/*",
}
"""Source of a service that assumes a role, as in `aws:SourceArn`.

Systems Manager assumes roles for nodes, maintenance windows and automations; an automation counts as one whether a
call, a schedule or a change request started it (Systems Manager User Guide, "Setting up Automation"; EventBridge
Scheduler User Guide, "Confused deputy prevention").
"""


def operator_policy(place: WorkflowLocation, *, session_data_encryption: bool) -> PolicyDocument:
    """Return the policy to start sessions with the governed document on the tag's instance, and to end own sessions.

    Instances in any Region match: the runbook grants only those in the stack's Regions, and instance IDs are unique.
    """
    instances = f"arn:{place.partition}:ec2:*:{place.account_id}:instance/"
    start: dict[str, object] = {
        "Sid": "StartOnApprovedInstance",
        "Effect": "Allow",
        "Action": "ssm:StartSession",
        "Resource": f"{instances}${{aws:PrincipalTag/{TAG_KEY}}}",
        "Condition": {
            "Null": {f"aws:PrincipalTag/{TAG_KEY}": "false"},
            # Without it, IAM does not check the document of a request that names none.
            "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
        },
    }
    others = _own_sessions(place, session_data_encryption=session_data_encryption)
    return {"Version": _VERSION, "Statement": [start, *others]}


def break_glass_policy(
    place: WorkflowLocation, regions: Sequence[str], *, session_data_encryption: bool
) -> PolicyDocument:
    """Return the policy of emergency access: sessions with the governed document on any instance of some Regions.

    The trust policy requires MFA: credentials from AssumeRole have no MFA context that a policy of the role could check
    (IAM User Guide, "Secure API access with MFA").
    """
    start: dict[str, object] = {
        "Sid": "StartOnAnyInstance",
        "Effect": "Allow",
        "Action": "ssm:StartSession",
        "Resource": f"arn:{place.partition}:ec2:*:{place.account_id}:instance/*",
        "Condition": {
            "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
            "StringEquals": {"aws:RequestedRegion": list(regions)},
        },
    }
    others = _own_sessions(place, session_data_encryption=session_data_encryption)
    return {"Version": _VERSION, "Statement": [start, *others]}


def break_glass_trust(users: Sequence[str], place: WorkflowLocation) -> PolicyDocument:
    """Return the trust policy of emergency access: some users (names with paths), with MFA, each under their own name.

    Source: IAM User Guide, "Secure API access with MFA" and "IAM and AWS STS condition context keys".
    """
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [place.iam(f"user/{each}") for each in users]},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "Bool": {"aws:MultiFactorAuthPresent": "true"},
                    "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
                },
            }
        ],
    }


def _own_sessions(place: WorkflowLocation, *, session_data_encryption: bool) -> list[dict[str, object]]:
    """Return the statements for sessions that a principal starts: the governed document, and its own sessions."""
    sessions = f"arn:{place.partition}:ssm:*:{place.account_id}:session/"
    statements: list[dict[str, object]] = [
        {
            "Sid": "StartWithGovernedDocument",
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": f"arn:{place.partition}:ssm:*:{place.account_id}:document/{DOCUMENT_NAME}",
        },
        {
            "Sid": "OpenOwnDataChannel",
            "Effect": "Allow",
            "Action": "ssmmessages:OpenDataChannel",
            "Resource": f"{sessions}${{aws:userid}}-*",
        },
        {
            "Sid": "TerminateOwnSession",
            "Effect": "Allow",
            "Action": "ssm:TerminateSession",
            "Resource": f"{sessions}*",
            "Condition": {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}},
        },
        {"Sid": "NeverResume", "Effect": "Deny", "Action": "ssm:ResumeSession", "Resource": "*"},
    ]
    if session_data_encryption:
        statements.append(
            {
                "Sid": "EncryptSessionData",
                "Effect": "Allow",
                "Action": "kms:GenerateDataKey",
                "Resource": f"arn:{place.partition}:kms:*:{place.account_id}:key/*",
                "Condition": {
                    "Null": {"kms:ResourceAliases": "false"},
                    "ForAllValues:StringEquals": {"kms:ResourceAliases": [DATA_KEY_ALIAS]},
                },
            }
        )
    return statements


def requester_policy(settings: ApprovalSettings, place: WorkflowLocation) -> PolicyDocument:
    """Return the policy to request a session in the mode of the workflow, and to follow the request.

    While the workflow ends in favor of just-in-time node access, requests can be followed, and none can be made.
    """
    requests = [
        _request(settings, place),
        {
            **_allow("HandOverRole", "iam:PassRole", place.role_arn),
            "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        },
    ]
    return {
        "Version": _VERSION,
        "Statement": [
            *(requests if settings.accepts_requests else []),
            *_following(place),
            # To check that the principal is an operator, so that no request is made in vain.
            _allow("SeeOperators", "iam:ListEntitiesForPolicy", place.iam(f"policy/{OPERATOR_POLICY_NAME}")),
        ],
    }


def approver_policy(place: WorkflowLocation) -> PolicyDocument:
    """Return the policy to read requests, approve or reject them, and end a grant early by stopping its execution.

    The runbook or the template defines whose decision counts.
    """
    executions = place.ssm("automation-execution/*")
    return {
        "Version": _VERSION,
        "Statement": [
            _allow("Decide", ["ssm:SendAutomationSignal", "ssm:StopAutomationExecution"], executions),
            *_following(place),
        ],
    }


def _request(settings: ApprovalSettings, place: WorkflowLocation) -> dict[str, object]:
    if settings.mode is Mode.AUTOMATION:
        return _allow("Request", "ssm:StartAutomationExecution", place.starting(RUNBOOK_NAME))
    return {
        **_allow("Request", "ssm:StartChangeRequestExecution", place.starting(CHANGE_TEMPLATE_NAME)),
        # The template cannot be approved automatically either; this denies such a request at once.
        "Condition": {"BoolIfExists": {"ssm:AutoApprove": "false"}},
    }


def _following(place: WorkflowLocation) -> list[dict[str, object]]:
    return [
        _allow("SeeRun", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
        _allow("SeeRunbook", "ssm:DescribeDocument", place.ssm(f"document/{RUNBOOK_NAME}")),
        # These actions support no resources (Service Authorization Reference).
        _allow("FindRuns", ["ssm:DescribeAutomationExecutions", "ssm:DescribeSessions"], "*"),
        _allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
    ]


def service_trust(service: str, place: WorkflowLocation) -> PolicyDocument:
    """Return a trust policy for an AWS service that acts for this account.

    Source: IAM User Guide, "The confused deputy problem".
    """
    condition: dict[str, object] = {"StringEquals": {"aws:SourceAccount": place.account_id}}
    if service in _SOURCES:
        source = _SOURCES[service].format(account=place.account_id)
        condition["ArnLike"] = {"aws:SourceArn": f"arn:{place.partition}:{source}"}
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": condition,
            }
        ],
    }


def runbook_role_policy(
    settings: ApprovalSettings, place: WorkflowLocation, identity_store: str = ""
) -> PolicyDocument:
    """Return the policy to set and remove the one tag on operators, read what a request names, and notify the topic."""
    statements: list[dict[str, object]] = []
    for kind, names in (("Role", settings.operator_roles), ("User", settings.operator_users)):
        arns = place.principals(kind.lower(), names)
        if kind == "Role" and settings.operators:
            # By path, as a policy has no room for all people of a group.
            arns.append(place.operator_roles)
        if arns:
            statements += _tagging(kind, arns)
    if settings.operators:
        store = f"arn:{place.partition}:identitystore:"
        resources = [f"{store}:*:identitystore/{identity_store or '*'}", f"{store}::user/*"]
        statements.append(_allow("IdentifyUsers", ["identitystore:DescribeUser", "identitystore:GetUserId"], resources))
    executions = place.ssm("automation-execution/*")
    statements += [
        _allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
        # To identify requesters and approvers: trust policies, and users by their IDs, which supports no resources.
        _allow("SeeTrust", "iam:GetRole", place.iam("role/*")),
        _allow("FindUsers", "iam:ListUsers", "*"),
        _allow("SeeRun", "ssm:GetAutomationExecution", executions),
        # Supports no resources (Service Authorization Reference).
        _allow("FindRuns", "ssm:DescribeAutomationExecutions", "*"),
        # Supports no resources. IAM cannot distinguish the sessions of one grant from others: those of nodes outside
        # EC2 are excluded, and the script ends only the operator's sessions on the instance.
        _allow("FindSessions", "ssm:DescribeSessions", "*"),
        {
            **_allow(
                "EndSessions", "ssm:TerminateSession", f"arn:{place.partition}:ssm:*:{place.account_id}:session/*"
            ),
            "Condition": {"StringLike": {"ssm:resourceTag/aws:ssmmessages:target-id": "i-*"}},
        },
        _allow("TellTopic", "sns:Publish", place.topic_arn),
        {
            **_allow("EncryptNotifications", ["kms:Decrypt", "kms:GenerateDataKey"], _keys(place)),
            "Condition": {
                "Null": {"kms:ResourceAliases": "false"},
                "ForAllValues:StringEquals": {"kms:ResourceAliases": [KEY_ALIAS]},
            },
        },
    ]
    return {"Version": _VERSION, "Statement": statements}


def schedule_role_policy(place: WorkflowLocation) -> PolicyDocument:
    """Return the policy to start the reaper with its role."""
    return {
        "Version": _VERSION,
        "Statement": [
            _allow("StartReaper", "ssm:StartAutomationExecution", place.starting(REAPER_NAME)),
            {
                **_allow("HandOverRole", "iam:PassRole", place.role_arn),
                "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
            },
        ],
    }


def _tagging(kind: str, arns: list[str]) -> list[dict[str, object]]:
    # ForAllValues also holds for an absent key, so a Null check is needed. One statement with the principals for all
    # other actions: a role's inline policies have 10,240 characters at most (IAM User Guide, "IAM quotas").
    known = {"Null": {"aws:TagKeys": "false"}}
    set_it = {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]}, **known}
    names_instance = {"StringLike": {f"aws:RequestTag/{TAG_KEY}": "i-*"}}
    # Removed in any spelling, as IAM does not distinguish tag keys by case.
    any_spelling = {"ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}}
    return [
        {**_allow(f"Tag{kind}", f"iam:Tag{kind}", arns), "Condition": {**set_it, **names_instance}},
        {
            **_allow(f"UntagAndSee{kind}", [f"iam:Untag{kind}", f"iam:Get{kind}", f"iam:List{kind}Tags"], arns),
            "Condition": {**any_spelling},
        },
    ]


def _allow(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def _keys(place: WorkflowLocation) -> str:
    return f"arn:{place.partition}:kms:{place.region}:{place.account_id}:key/*"


def topic_policy(place: WorkflowLocation) -> PolicyDocument:
    """Return the topic policy: Systems Manager, rules and alarms of this account, and the runbook's role may publish.

    Sources: Systems Manager User Guide, "Configuring Amazon SNS topics for Change Manager notifications"; EventBridge
    User Guide, "Amazon SNS permissions"; CloudWatch User Guide, "Notifying users on alarm changes".
    """
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "SystemsManagerOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": SYSTEMS_MANAGER},
                "Action": "sns:Publish",
                "Resource": place.topic_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            },
            _publish("RulesOfThisAccount", EVENTBRIDGE, place, place.rule_arn(f"{ALARM_PREFIX}*")),
            _publish("AlarmsOfThisAccount", CLOUDWATCH, place, place.alarm_arn(f"{ALARM_PREFIX}*")),
            {
                "Sid": "NobodyElse",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": place.topic_arn,
                "Condition": {
                    "ArnNotEquals": {"aws:PrincipalArn": place.role_arn},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            },
        ],
    }


def _publish(sid: str, service: str, place: WorkflowLocation, source: str) -> dict[str, object]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": place.topic_arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": source},
        },
    }


def topic_key_policy(place: WorkflowLocation) -> PolicyDocument:
    """Return the key policy: IAM of the account controls the key, and the services that publish to the topic use it.

    Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".
    """
    encrypting = ["kms:Decrypt", "kms:GenerateDataKey*"]
    of_the_topic = {"kms:EncryptionContext:aws:sns:topicArn": place.topic_arn}
    return {
        "Version": _VERSION,
        "Statement": [
            governed_by_iam(place.partition, place.account_id),
            {
                "Sid": "NotificationsOfSystemsManager",
                "Effect": "Allow",
                "Principal": {"Service": SYSTEMS_MANAGER},
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            },
            {
                # A key policy with aws:SourceAccount or aws:SourceArn breaks delivery from EventBridge.
                "Sid": "EventsOfRules",
                "Effect": "Allow",
                "Principal": {"Service": EVENTBRIDGE},
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": of_the_topic},
            },
            {
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": CLOUDWATCH},
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id, **of_the_topic}},
            },
        ],
    }
