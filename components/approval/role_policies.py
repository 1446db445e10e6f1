"""Policies and trust policies of the runbooks' role and the schedule's role, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import KEY_ALIAS, REAPER_NAME, TAG_KEY, Place, PolicyDocument

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings

_VERSION = "2012-10-17"
_SOURCES: Final = {
    "ssm.amazonaws.com": "ssm:*:{account}:automation-execution/*",
    "scheduler.amazonaws.com": "scheduler:*:{account}:schedule-group/*",
}
"""Source of a service that assumes a role, as in `aws:SourceArn`.

Systems Manager assumes roles for nodes, maintenance windows and automations; an automation counts as one whether a
call, a schedule or a change request started it (Systems Manager User Guide, "Setting up Automation"; EventBridge
Scheduler User Guide, "Confused deputy prevention").
"""


def service_trust(service: str, place: Place) -> PolicyDocument:
    """Return a trust policy for an AWS service that acts for this account.

    Source: IAM User Guide, "The confused deputy problem".

    Args:
        service: Service principal, such as `ssm.amazonaws.com`.
        place: Location of the workflow.
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


def runbook_role_policy(settings: ApprovalSettings, place: Place) -> PolicyDocument:
    """Return the policy to set and remove the one tag on operators, read what a request names, and notify the topic.

    Args:
        settings: Settings of the workflow.
        place: Location of the workflow.
    """
    statements: list[dict[str, object]] = []
    for kind, names in (("Role", settings.operator_roles), ("User", settings.operator_users)):
        if names:
            statements += _tagging(kind, place.principals(kind.lower(), names))
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


def schedule_role_policy(place: Place) -> PolicyDocument:
    """Return the policy to start the reaper with its role.

    Args:
        place: Location of the workflow.
    """
    runbook = place.default_version(REAPER_NAME)
    return {
        "Version": _VERSION,
        "Statement": [
            _allow("StartReaper", "ssm:StartAutomationExecution", runbook),
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


def _keys(place: Place) -> str:
    return f"arn:{place.partition}:kms:{place.region}:{place.account_id}:key/*"
