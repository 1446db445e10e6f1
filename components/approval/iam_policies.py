"""IAM, topic and key policies of the workflow, as plain data.

Sources: the AWS post; Systems Manager User Guide, "Additional sample IAM policies for Session Manager", "Enforcing a
session document permission check for the AWS CLI", "Setting up Automation" and "Controlling access to auto-approval
runbook workflows"; Service Authorization Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.statements import Policy, Statement, allow, deny, document
from components.approval.names import (
    ALARM_PREFIX,
    CHANGE_TEMPLATE_NAME,
    KEY_ALIAS,
    OPERATOR_POLICY_NAME,
    REAPER_NAME,
    RUNBOOK_NAME,
    TAG_KEY,
    WorkflowLocation,
)
from components.approval.settings import Mode
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.key_policies import governed_by_iam, with_alias
from components.session_manager.names import DATA_KEY_ALIAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.approval.settings import ApprovalSettings


SYSTEMS_MANAGER: Final = "ssm.amazonaws.com"
SCHEDULER: Final = "scheduler.amazonaws.com"
EVENTBRIDGE: Final = "events.amazonaws.com"
CLOUDWATCH: Final = "cloudwatch.amazonaws.com"

_MOST_NAMED_REGIONS: Final = 8
"""Maximum number of Regions that the forwarding role's trust policy names; of more, it admits the account's rules in any.
A trust policy has 2,048 characters at most.
"""


def operator_policy(place: WorkflowLocation, *, session_data_encryption: bool) -> Policy:
    """Return the policy to start sessions with the governed document on the tag's instance, and to end own sessions.

    Instances in any Region match: the runbook grants only those in the stack's Regions, and instance IDs are unique.
    """
    start = allow(
        "StartOnApprovedInstance",
        "ssm:StartSession",
        place.arn("ec2", f"instance/${{aws:PrincipalTag/{TAG_KEY}}}", "*"),
        condition={
            "Null": {f"aws:PrincipalTag/{TAG_KEY}": "false"},
            # Without it, IAM does not check the document of a request that names none.
            "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
        },
    )
    return document([start, *_own_sessions(place, session_data_encryption=session_data_encryption)])


def break_glass_policy(place: WorkflowLocation, regions: Sequence[str], *, session_data_encryption: bool) -> Policy:
    """Return the policy of emergency access: sessions with the governed document on any instance of some Regions.

    The trust policy requires MFA: credentials from AssumeRole have no MFA context that a policy of the role could check
    (IAM User Guide, "Secure API access with MFA").
    """
    start = allow(
        "StartOnAnyInstance",
        "ssm:StartSession",
        place.arn("ec2", "instance/*", "*"),
        condition={
            "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
            "StringEquals": {"aws:RequestedRegion": list(regions)},
        },
    )
    return document([start, *_own_sessions(place, session_data_encryption=session_data_encryption)])


def break_glass_trust(users: Sequence[str], place: WorkflowLocation) -> Policy:
    """Return the trust policy of emergency access: some users (names with paths), with MFA, each under their own name.

    Source: IAM User Guide, "Secure API access with MFA" and "IAM and AWS STS condition context keys".
    """
    own_name_with_mfa = {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
    }
    arns = [place.iam(f"user/{each}") for each in users]
    return document([allow("", "sts:AssumeRole", principal={"AWS": arns}, condition=own_name_with_mfa)])


def _own_sessions(place: WorkflowLocation, *, session_data_encryption: bool) -> list[Statement]:
    """Return the statements for sessions that a principal starts: the governed document, and its own sessions."""
    sessions = place.ssm("session/", "*")
    statements = [
        allow("StartWithGovernedDocument", "ssm:StartSession", place.ssm(f"document/{DOCUMENT_NAME}", "*")),
        allow("OpenOwnDataChannel", "ssmmessages:OpenDataChannel", f"{sessions}${{aws:userid}}-*"),
        allow(
            "TerminateOwnSession",
            "ssm:TerminateSession",
            f"{sessions}*",
            condition={"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}},
        ),
        deny("NeverResume", "ssm:ResumeSession", "*"),
    ]
    if session_data_encryption:
        keys = place.arn("kms", "key/*", "*")
        statements.append(
            allow("EncryptSessionData", "kms:GenerateDataKey", keys, condition=with_alias(DATA_KEY_ALIAS))
        )
    return statements


def requester_policy(settings: ApprovalSettings, place: WorkflowLocation) -> Policy:
    """Return the policy to request a session in the mode of the workflow, and to follow the request.

    While the workflow ends in favor of just-in-time node access, requests can be followed, and none can be made.
    """
    return document(
        [
            *([_request(settings, place), pass_to_runbook(place.role_arn)] if settings.accepts_requests else []),
            *_following(place),
            # To check that the principal is an operator, so that no request is made in vain.
            allow("SeeOperators", "iam:ListEntitiesForPolicy", place.iam(f"policy/{OPERATOR_POLICY_NAME}")),
        ]
    )


def approver_policy(place: WorkflowLocation) -> Policy:
    """Return the policy to read requests, approve or reject them, and end a grant early by stopping its execution.

    The runbook or the template defines whose decision counts.
    """
    executions = place.ssm("automation-execution/*")
    decide = allow("Decide", ["ssm:SendAutomationSignal", "ssm:StopAutomationExecution"], executions)
    return document([decide, *_following(place)])


def _request(settings: ApprovalSettings, place: WorkflowLocation) -> Statement:
    if settings.mode is Mode.AUTOMATION:
        return allow("Request", "ssm:StartAutomationExecution", place.starting(RUNBOOK_NAME))
    return allow(
        "Request",
        "ssm:StartChangeRequestExecution",
        place.starting(CHANGE_TEMPLATE_NAME),
        # The template cannot be approved automatically either; this denies such a request at once.
        condition={"BoolIfExists": {"ssm:AutoApprove": "false"}},
    )


def _following(place: WorkflowLocation) -> list[Statement]:
    return [
        allow("SeeRun", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
        allow("SeeRunbook", "ssm:DescribeDocument", place.ssm(f"document/{RUNBOOK_NAME}")),
        # These actions support no resources (Service Authorization Reference).
        allow("FindRuns", ["ssm:DescribeAutomationExecutions", "ssm:DescribeSessions"], "*"),
        allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
    ]


def service_trust(service: str, place: WorkflowLocation, sources: str | Sequence[str] = "") -> Policy:
    """Return a trust policy for an AWS service that acts for this account; `sources` are those in `aws:SourceArn`.

    Source: IAM User Guide, "The confused deputy problem".
    """
    condition: Policy = {"StringEquals": {"aws:SourceAccount": place.account_id}}
    if sources:
        condition["ArnLike"] = {"aws:SourceArn": sources}
    return document([allow("", "sts:AssumeRole", principal={"Service": service}, condition=condition)])


def automation_trust(place: WorkflowLocation) -> Policy:
    """Return the trust policy of a role that runbooks assume.

    Systems Manager assumes roles for nodes, maintenance windows and automations; an automation counts as one whether a
    call, a schedule or a change request started it (Systems Manager User Guide, "Setting up Automation").
    """
    return service_trust(SYSTEMS_MANAGER, place, place.ssm("automation-execution/*", "*"))


def schedule_trust(place: WorkflowLocation) -> Policy:
    """Return the trust policy of a role that schedules assume (EventBridge Scheduler User Guide, "Confused deputy prevention")."""
    return service_trust(SCHEDULER, place, place.arn("scheduler", "schedule-group/*", "*"))


def forwarding_trust(place: WorkflowLocation, regions: Sequence[str]) -> Policy:
    """Return the trust policy of the role that forwards events: EventBridge, for this account's forwarding rules."""
    named = regions if len(regions) <= _MOST_NAMED_REGIONS else ["*"]
    rules = [place.rule_arn(f"{ALARM_PREFIX}*", region) for region in named]
    return service_trust(EVENTBRIDGE, place, rules if len(rules) > 1 else rules[0])


def forwarding_policy(place: WorkflowLocation) -> Policy:
    """Return the policy of the role that forwards events: put events on the default bus of the workflow's Region."""
    return document([allow("ForwardEvents", "events:PutEvents", place.event_bus_arn)])


def runbook_role_policy(settings: ApprovalSettings, place: WorkflowLocation, identity_store: str = "") -> Policy:
    """Return the policy to set and remove the one tag on operators, read what a request names, and notify the topic."""
    statements: list[Statement] = []
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
        statements.append(allow("IdentifyUsers", ["identitystore:DescribeUser", "identitystore:GetUserId"], resources))
    keys = place.arn("kms", "key/*")
    statements += [
        allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
        # To identify requesters and approvers: trust policies, and users by their IDs, which supports no resources.
        allow("SeeTrust", "iam:GetRole", place.iam("role/*")),
        allow("FindUsers", "iam:ListUsers", "*"),
        allow("SeeRun", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
        # Supports no resources (Service Authorization Reference).
        allow("FindRuns", "ssm:DescribeAutomationExecutions", "*"),
        # Supports no resources. IAM cannot distinguish the sessions of one grant from others: those of nodes outside
        # EC2 are excluded, and the script ends only the operator's sessions on the instance.
        allow("FindSessions", "ssm:DescribeSessions", "*"),
        allow(
            "EndSessions",
            "ssm:TerminateSession",
            place.ssm("session/*", "*"),
            condition={"StringLike": {"ssm:resourceTag/aws:ssmmessages:target-id": "i-*"}},
        ),
        allow("TellTopic", "sns:Publish", place.topic_arn),
        allow("EncryptNotifications", ["kms:Decrypt", "kms:GenerateDataKey"], keys, condition=with_alias(KEY_ALIAS)),
    ]
    return document(statements)


def pass_to_runbook(role_arn: str) -> Statement:
    """Return the statement to start a runbook with its role."""
    condition = {"StringEquals": {"iam:PassedToService": SYSTEMS_MANAGER}}
    return allow("HandOverRole", "iam:PassRole", role_arn, condition=condition)


def schedule_role_policy(place: WorkflowLocation) -> Policy:
    """Return the policy to start the reaper with its role."""
    start = allow("StartReaper", "ssm:StartAutomationExecution", place.starting(REAPER_NAME))
    return document([start, pass_to_runbook(place.role_arn)])


def _tagging(kind: str, arns: list[str]) -> list[Statement]:
    # ForAllValues also holds for an absent key, so a Null check is needed. One statement with the principals for all
    # other actions: a role's inline policies have 10,240 characters at most (IAM User Guide, "IAM quotas").
    only_with_instance = {
        "ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]},
        "Null": {"aws:TagKeys": "false"},
        "StringLike": {f"aws:RequestTag/{TAG_KEY}": "i-*"},
    }
    # Removed in any spelling, as IAM does not distinguish tag keys by case.
    any_spelling = {"ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}}
    others = [f"iam:Untag{kind}", f"iam:Get{kind}", f"iam:List{kind}Tags"]
    return [
        allow(f"Tag{kind}", f"iam:Tag{kind}", arns, condition=only_with_instance),
        allow(f"UntagAndSee{kind}", others, arns, condition=any_spelling),
    ]


def topic_policy(place: WorkflowLocation) -> Policy:
    """Return the topic policy: Systems Manager, rules and alarms of this account, and the runbook's role may publish.

    Sources: Systems Manager User Guide, "Configuring Amazon SNS topics for Change Manager notifications"; EventBridge
    User Guide, "Amazon SNS permissions"; CloudWatch User Guide, "Notifying users on alarm changes".
    """

    def publish(sid: str, service: str, source: str = "") -> Statement:
        condition: Policy = {"StringEquals": {"aws:SourceAccount": place.account_id}}
        if source:
            condition["ArnLike"] = {"aws:SourceArn": source}
        return allow(sid, "sns:Publish", place.topic_arn, principal={"Service": service}, condition=condition)

    return document(
        [
            publish("SystemsManagerOfThisAccount", SYSTEMS_MANAGER),
            publish("RulesOfThisAccount", EVENTBRIDGE, place.rule_arn(f"{ALARM_PREFIX}*")),
            publish("AlarmsOfThisAccount", CLOUDWATCH, place.alarm_arn(f"{ALARM_PREFIX}*")),
            deny(
                "NobodyElse",
                "sns:Publish",
                place.topic_arn,
                principal="*",
                condition={
                    "ArnNotEquals": {"aws:PrincipalArn": place.role_arn},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
        ]
    )


def topic_key_policy(place: WorkflowLocation) -> Policy:
    """Return the key policy: IAM of the account controls the key, and the services that publish to the topic use it.

    Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".
    """

    def encrypt(sid: str, service: str, **condition: str) -> Statement:
        actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
        return allow(sid, actions, "*", principal={"Service": service}, condition={"StringEquals": condition})

    of_this_account = {"aws:SourceAccount": place.account_id}
    of_the_topic = {"kms:EncryptionContext:aws:sns:topicArn": place.topic_arn}
    return document(
        [
            governed_by_iam(place.partition, place.account_id),
            encrypt("NotificationsOfSystemsManager", SYSTEMS_MANAGER, **of_this_account),
            # A key policy with aws:SourceAccount or aws:SourceArn breaks delivery from EventBridge.
            encrypt("EventsOfRules", EVENTBRIDGE, **of_the_topic),
            encrypt("Alarms", CLOUDWATCH, **of_this_account, **of_the_topic),
        ]
    )
