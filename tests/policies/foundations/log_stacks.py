"""Stacks that log to a bucket, in every way that the rules know of."""

import json
from typing import Any

from tests.policies.judging import UNKNOWN, Made

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_V2 = "aws:s3/bucketV2:BucketV2"

LOGGERS = {
    "a trail": Made(type="aws:cloudtrail/trail:Trail", name="logger", properties={"s3BucketName": "logs"}),
    "a trail, to be made": Made(
        type="aws:cloudtrail/trail:Trail",
        name="logger",
        properties={"s3BucketName": UNKNOWN},
        sources={"s3BucketName": ["bucket"]},
    ),
    "flow logs": Made(
        type="aws:ec2/flowLog:FlowLog", name="logger", properties={"logDestination": "arn:aws:s3:::logs/flow"}
    ),
    "preferences": Made(
        type="pulumi-python:dynamic/ssm:SessionPreferences", name="logger", properties={"s3BucketName": "logs"}
    ),
    "a document": Made(
        type="aws:ssm/document:Document",
        name="logger",
        properties={"documentType": "Session", "content": json.dumps({"inputs": {"s3BucketName": "logs"}})},
    ),
    "another bucket": Made(
        type="aws:s3/bucketLogging:BucketLogging", name="logger", properties={"targetBucket": "logs"}
    ),
}


def bucket(type_: str = BUCKET, **properties: Any) -> Made:
    return Made(type=type_, name="bucket", properties={"id": "logs", "bucket": "logs", **properties})


def companion(kind: str, **properties: Any) -> Made:
    type_ = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    return Made(type=type_, name="companion", properties={"bucket": "logs", **properties})


def coming(made: Made) -> Made:
    """The same before the bucket is made."""
    properties = {**made.properties, "bucket": UNKNOWN}
    return Made(type=made.type, name=made.name, properties=properties, sources={"bucket": ["bucket"]})
