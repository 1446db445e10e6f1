"""What the runbooks' role and the schedule's role may do, and who may use them, as plain data."""

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
"""What a service works for when it assumes a role, as `aws:SourceArn` shows it. Systems Manager assumes roles for nodes,
maintenance windows and automations; an automation is one however it was started, by a call, a schedule or a change request
(Systems Manager User Guide, "Setting up Automation"; EventBridge Scheduler User Guide, "Confused deputy prevention")."""


def service_trust(service: str, place: Place) -> PolicyDocument:
    """Return a trust policy for an AWS service that acts for this account (IAM User Guide, "The confused deputy problem").

    Args:
        service: service principal, such as `ssm.amazonaws.com`.
        place: location of the workflow.
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
    """Set and remove the one tag on the operators, look at what a request names, and tell the topic.

    Args:
        settings: of the workflow.
        place: where it lives.
    """
    statements: list[dict[str, object]] = []
    for kind, names in (("Role", settings.operator_roles), ("User", settings.operator_users)):
        if names:
            statements += _tagging(kind, place.principals(kind.lower(), names))
    executions = place.ssm("automation-execution/*")
    statements += [
        _allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
        # Who is behind a requester or an approver: trust policies, and users by their IDs, which knows no smaller resource.
        _allow("SeeTrust", "iam:GetRole", place.iam("role/*")),
        _allow("FindUsers", "iam:ListUsers", "*"),
        _allow("SeeRun", "ssm:GetAutomationExecution", executions),
        # Knows no smaller resource (Service Authorization Reference).
        _allow("FindRuns", "ssm:DescribeAutomationExecutions", "*"),
        # Knows no smaller resource. IAM cannot tell the sessions of one grant from others: those of nodes outside EC2 are
        # left out, and the script ends the operator's sessions on the instance alone.
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
    """Start the one runbook that clears up, with its role.

    Args:
        place: where the workflow lives.
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
    # ForAllValues holds for an absent key too, so the Null check has to stand beside it. One list of principals for
    # everything that needs no more: a role's inline policies take 10,240 characters (IAM User Guide, "IAM quotas").
    known = {"Null": {"aws:TagKeys": "false"}}
    set_it = {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]}, **known}
    names_instance = {"StringLike": {f"aws:RequestTag/{TAG_KEY}": "i-*"}}
    # Removed in any spelling: IAM takes keys that differ in case alone for the same one.
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
