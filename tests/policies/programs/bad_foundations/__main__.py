"""Breaks the rules about keys, topics, trails, roles and buckets of logs; each resource is named for what is wrong."""

import json

import pulumi_aws as aws
from pulumi import dynamic

EVERY_PRINCIPAL = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "*", "Resource": "*"}
ASSUME = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
SERVICE = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}


class Script(dynamic.Resource, module="own", name="Script"):
    """Could do anything in AWS."""


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


key = aws.kms.Key("good-key", enable_key_rotation=True)
aws.kms.Key("key-open-to-all", enable_key_rotation=True, policy=policy(EVERY_PRINCIPAL))
aws.kms.Key("key-gone-in-a-week", enable_key_rotation=True, deletion_window_in_days=7)
aws.kms.Key("key-without-the-check", enable_key_rotation=True, bypass_policy_lockout_safety_check=True)

topic = aws.sns.Topic("good-topic", name="alerts", kms_master_key_id=key.arn)
aws.sns.Topic("topic-of-the-default-key", kms_master_key_id="alias/aws/sns")
aws.sns.TopicPolicy(
    "topic-open-to-all", arn=topic.arn, policy=policy({**EVERY_PRINCIPAL, "Resource": "arn:aws:sns:*:*:alerts"})
)
aws.sns.TopicPolicy(
    "topic-for-any-event", arn=topic.arn, policy=policy({**SERVICE, "Resource": "arn:aws:sns:*:*:alerts"})
)

Script(dynamic.ResourceProvider(), "script-of-the-program", {})
aws.iam.Role("role-open-to-all", assume_role_policy=policy(ASSUME))
aws.ssm.Document(
    "document-open-to-all",
    document_type="Command",
    content=json.dumps({"schemaVersion": "2.2", "description": "", "mainSteps": []}),
    permissions={"type": "Share", "account_ids": "All"},
)

bucket = aws.s3.Bucket("bucket-of-a-trail", bucket="trail-logs")
flows = aws.s3.Bucket("bucket-of-flow-logs", bucket="flow-logs")
aws.s3.BucketServerSideEncryptionConfiguration(
    "bucket-with-the-default-key",
    bucket=flows.bucket,
    rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
)
aws.s3.BucketPublicAccessBlock("bucket-half-closed", bucket=flows.bucket, block_public_acls=True)
aws.s3.BucketPolicy("bucket-without-tls", bucket=flows.bucket, policy=policy(EVERY_PRINCIPAL))
aws.s3.Bucket("good-bucket-of-something-else", bucket="something-else")
aws.cloudtrail.Trail("trail-of-one-region", s3_bucket_name=bucket.bucket)
aws.ec2.FlowLog(
    "good-flow-log",
    subnet_id="subnet-0123456789abcdef0",
    traffic_type="ALL",
    log_destination=flows.arn,
    log_destination_type="s3",
)
aws.ssm.Association(
    "association-without-limits",
    name="AWS-UpdateSSMAgent",
    targets=[{"key": "InstanceIds", "values": ["*"]}],
    max_concurrency="100%",
    max_errors="1",
)
