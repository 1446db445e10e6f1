"""Policies of monitoring resources: the topic, its key, the log group, the trail's bucket and key. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.names import ALARMS, ALERTS_TOPIC
from components.session_manager.key_policies import governed_by_iam

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"

Policy = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Partition, account and Region."""

    partition: str
    account_id: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def topic_policy(scope: Scope, topic_name: str, *, alarms: bool = False) -> Policy:
    """Return a policy for EventBridge and this account's rules, and for principals of the account as IAM allows.

    Sources: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge", Amazon SNS permissions;
    CloudWatch User Guide, "Setting up Amazon SNS notifications".
    """
    topic = scope.arn("sns", topic_name)
    statement = {
        "Sid": "EventsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": scope.account_id}},
    }
    encrypted = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    of_alarms = {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": CLOUDWATCH},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": scope.account_id},
            "ArnLike": {"aws:SourceArn": scope.arn("cloudwatch", f"alarm:{ALARMS}*")},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement, *([of_alarms] if alarms else []), encrypted]}


def monitoring_key_policy(scope: Scope, log_groups: Sequence[str], *, alarms: bool = False) -> Policy:
    """Return the policy of the key for the topic, the flow logs and the events of one Region.

    Sources: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics";
    CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    """
    suffix = ".cn" if scope.partition == "aws-cn" else ""
    of_the_topic = {"kms:EncryptionContext:aws:sns:topicArn": scope.arn("sns", ALERTS_TOPIC)}
    groups = [scope.arn("logs", f"log-group:{each}") for each in log_groups]
    of_alarms = {
        "Sid": "AlarmsToTheTopic",
        "Effect": "Allow",
        "Principal": {"Service": CLOUDWATCH},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": scope.account_id, **of_the_topic}},
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            governed_by_iam(scope.partition, scope.account_id),
            {
                "Sid": "EventsToTheTopic",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                # A key policy with aws:SourceAccount or aws:SourceArn breaks delivery from EventBridge.
                "Condition": {"StringEquals": of_the_topic},
            },
            *([of_alarms] if alarms else []),
            {
                "Sid": "FlowLogsInTheirGroup",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{scope.region}.amazonaws.com{suffix}"},
                "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {
                    "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups[0] if len(groups) == 1 else groups}
                },
            },
        ],
    }


def flow_logs_trust_policy(scope: Scope) -> Policy:
    """Return a policy that only flow logs of this account and Region can use to assume the role.

    Source: Amazon VPC User Guide, confused deputy.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": scope.account_id},
            "ArnLike": {"aws:SourceArn": scope.arn("ec2", "vpc-flow-log/*")},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def flow_logs_policy(scope: Scope, log_group: str) -> Policy:
    """Return a policy to write to one existing log group (Amazon VPC User Guide, "IAM role for publishing flow logs")."""
    group = scope.arn("logs", f"log-group:{log_group}")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "WriteFlowLogs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": [group, f"{group}:*"],
            },
            # The action supports no resource (Service Authorization Reference).
            {"Sid": "FindTheGroup", "Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
        ],
    }


def trail_key_policy(scope: Scope, trail_name: str) -> Policy:
    """Return a policy that lets CloudTrail encrypt for this one trail; IAM decides on decryption.

    Source: CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
    """
    trail = scope.arn("cloudtrail", f"trail/{trail_name}")
    of_the_trail = {"StringEquals": {"aws:SourceArn": trail}}
    context = {
        "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:{scope.partition}:cloudtrail:*:{scope.account_id}:trail/*"
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            governed_by_iam(scope.partition, scope.account_id),
            {
                "Sid": "TrailEncrypts",
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "kms:GenerateDataKey*",
                "Resource": "*",
                "Condition": {**of_the_trail, "StringLike": context},
            },
            {
                "Sid": "TrailSeesTheKey",
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "kms:DescribeKey",
                "Resource": "*",
                "Condition": of_the_trail,
            },
        ],
    }


def trail_bucket_policy(scope: Scope, trail_name: str, bucket: str) -> Policy:
    """Return a policy that lets CloudTrail write for this one trail, and denies unencrypted connections.

    Source: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
    """
    arn = f"arn:{scope.partition}:s3:::{bucket}"
    of_the_trail = {"aws:SourceArn": scope.arn("cloudtrail", f"trail/{trail_name}")}
    cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TrailSeesTheBucket",
                "Effect": "Allow",
                "Principal": cloudtrail,
                "Action": "s3:GetBucketAcl",
                "Resource": arn,
                "Condition": {"StringEquals": of_the_trail},
            },
            {
                "Sid": "TrailWrites",
                "Effect": "Allow",
                "Principal": cloudtrail,
                "Action": "s3:PutObject",
                "Resource": f"{arn}/AWSLogs/{scope.account_id}/*",
                "Condition": {"StringEquals": {**of_the_trail, "s3:x-amz-acl": "bucket-owner-full-control"}},
            },
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
