"""Policies of keys, topic, bucket and flow logs of domain controllers, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.aws.arns import service_domain
from common.iam.statements import allow, deny, document
from components.domain_controllers.names import ALARMS, ALERTS_TOPIC
from components.session_manager.key_policies import governed_by_iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.aws.arns import Scope
    from common.iam.statements import Policy, Statement

_CLOUDTRAIL: Final = {"Service": "cloudtrail.amazonaws.com"}
_CLOUDWATCH: Final = {"Service": "cloudwatch.amazonaws.com"}
_EVENTS: Final = {"Service": "events.amazonaws.com"}

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""KMS Developer Guide, "Allows key administrators to administer the KMS key", without `kms:CreateGrant`, which would
let an administrator grant themselves use of the key.
"""

USE = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*")
"""Permissions that EC2 requires of a principal that creates, attaches or copies an encrypted volume (Amazon EBS User
Guide, "Amazon EBS encryption", permissions).
"""


def controllers_key_policy(scope: Scope, users: Sequence[str]) -> Policy:
    """Return a policy of the key for volumes that allows use through EC2 only; administration does not include use.

    `users` are ARNs of principals, whose own policies must allow use, too; `*` is a wildcard.
    """
    account = {"AWS": scope.iam("root")}
    ec2 = service_domain("ec2", scope.region, scope.partition)
    by_users = {"ArnLike": {"aws:PrincipalArn": sorted(set(users))}, "StringEquals": {"kms:ViaService": ec2}}
    for_aws = {**by_users, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return document(
        [
            allow("AccountAdministers", list(ADMINISTRATION), "*", principal=account),
            allow("DirectoryTeamUsesThroughEc2", list(USE), "*", principal=account, condition=by_users),
            allow("DirectoryTeamAttachesThroughEc2", "kms:CreateGrant", "*", principal=account, condition=for_aws),
        ]
    )


def topic_policy(scope: Scope, topic_name: str, *, alarms: bool = False) -> Policy:
    """Return a policy for EventBridge and this account's rules, and for principals of the account as IAM allows.

    Sources: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge", Amazon SNS permissions;
    CloudWatch User Guide, "Setting up Amazon SNS notifications".
    """
    topic, publish = scope.arn("sns", topic_name), "sns:Publish"
    of_account = {"StringEquals": {"aws:SourceAccount": scope.account_id}}
    of_alarms = {**of_account, "ArnLike": {"aws:SourceArn": scope.arn("cloudwatch", f"alarm:{ALARMS}*")}}
    return document(
        [
            allow("EventsOfThisAccount", publish, topic, principal=_EVENTS, condition=of_account),
            *[allow("AlarmsOfThisAccount", publish, topic, principal=_CLOUDWATCH, condition=of_alarms)] * alarms,
            _only_over_tls(publish, topic),
        ]
    )


def monitoring_key_policy(scope: Scope, log_groups: Sequence[str], *, alarms: bool = False) -> Policy:
    """Return the policy of the key for the topic, the flow logs and the events of one Region.

    Sources: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics";
    CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    """
    of_topic = {"kms:EncryptionContext:aws:sns:topicArn": scope.arn("sns", ALERTS_TOPIC)}
    of_alarms = {"StringEquals": {"aws:SourceAccount": scope.account_id, **of_topic}}
    groups = [scope.arn("logs", f"log-group:{each}") for each in log_groups]
    of_groups = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups[0] if len(groups) == 1 else groups}}
    logs = {"Service": service_domain("logs", scope.region, scope.partition)}
    publish = ["kms:Decrypt", "kms:GenerateDataKey*"]
    write = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    return document(
        [
            governed_by_iam(scope.partition, scope.account_id),
            # A key policy with aws:SourceAccount or aws:SourceArn breaks delivery from EventBridge.
            allow("EventsToTheTopic", publish, "*", principal=_EVENTS, condition={"StringEquals": of_topic}),
            *[allow("AlarmsToTheTopic", publish, "*", principal=_CLOUDWATCH, condition=of_alarms)] * alarms,
            allow("FlowLogsInTheirGroup", write, "*", principal=logs, condition=of_groups),
        ]
    )


def flow_logs_trust_policy(scope: Scope) -> Policy:
    """Return a policy that only flow logs of this account and Region can use to assume the role.

    Source: Amazon VPC User Guide, confused deputy.
    """
    condition = {
        "StringEquals": {"aws:SourceAccount": scope.account_id},
        "ArnLike": {"aws:SourceArn": scope.arn("ec2", "vpc-flow-log/*")},
    }
    flow_logs = {"Service": "vpc-flow-logs.amazonaws.com"}
    return document([allow("", "sts:AssumeRole", principal=flow_logs, condition=condition)])


def flow_logs_policy(scope: Scope, log_group: str) -> Policy:
    """Return a policy to write to one existing log group (Amazon VPC User Guide, "IAM role for publishing flow logs")."""
    group = scope.arn("logs", f"log-group:{log_group}")
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return document(
        [
            allow("WriteFlowLogs", write, [group, f"{group}:*"]),
            # The action supports no resource (Service Authorization Reference).
            allow("FindTheGroup", "logs:DescribeLogGroups", "*"),
        ]
    )


def trail_key_policy(scope: Scope, trail_name: str) -> Policy:
    """Return a policy that lets CloudTrail encrypt for this one trail; IAM decides on decryption.

    Source: CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
    """
    of_trail = {"StringEquals": {"aws:SourceArn": scope.arn("cloudtrail", f"trail/{trail_name}")}}
    trails = f"arn:{scope.partition}:cloudtrail:*:{scope.account_id}:trail/*"
    encrypts = {**of_trail, "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    return document(
        [
            governed_by_iam(scope.partition, scope.account_id),
            allow("TrailEncrypts", "kms:GenerateDataKey*", "*", principal=_CLOUDTRAIL, condition=encrypts),
            allow("TrailSeesTheKey", "kms:DescribeKey", "*", principal=_CLOUDTRAIL, condition=of_trail),
        ]
    )


def trail_bucket_policy(scope: Scope, trail_name: str, bucket: str) -> Policy:
    """Return a policy that lets CloudTrail write for this one trail, and denies unencrypted connections.

    Source: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
    """
    arn = f"arn:{scope.partition}:s3:::{bucket}"
    of_trail = {"aws:SourceArn": scope.arn("cloudtrail", f"trail/{trail_name}")}
    seen, logs = {"StringEquals": of_trail}, f"{arn}/AWSLogs/{scope.account_id}/*"
    written = {"StringEquals": {**of_trail, "s3:x-amz-acl": "bucket-owner-full-control"}}
    return document(
        [
            allow("TrailSeesTheBucket", "s3:GetBucketAcl", arn, principal=_CLOUDTRAIL, condition=seen),
            allow("TrailWrites", "s3:PutObject", logs, principal=_CLOUDTRAIL, condition=written),
            _only_over_tls("s3:*", [arn, f"{arn}/*"]),
        ]
    )


def _only_over_tls(action: str, resource: str | list[str]) -> Statement:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return deny("OnlyOverTls", action, resource, principal="*", condition=condition)
