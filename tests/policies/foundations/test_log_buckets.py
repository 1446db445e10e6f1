"""Log buckets: the buckets that count, and the requirements."""

import json
from typing import Any

import pytest

from policies.foundations.log_buckets import LOG_BUCKET_ENCRYPTED, LOG_BUCKET_PRIVATE, LOG_BUCKET_TLS_ONLY
from policies.foundations.log_buckets import LOG_BUCKET_ENCRYPTED as ENCRYPTED
from policies.foundations.log_buckets import LOG_BUCKET_PRIVATE as PRIVATE
from policies.foundations.log_buckets import LOG_BUCKET_TLS_ONLY as TLS_ONLY
from policies.rule import Rule
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_V2 = "aws:s3/bucketV2:BucketV2"

LOGGERS = {
    "a trail": Made("aws:cloudtrail/trail:Trail", "logger", {"s3BucketName": "logs"}),
    "a trail, to be made": Made(
        "aws:cloudtrail/trail:Trail", "logger", {"s3BucketName": UNKNOWN}, sources={"s3BucketName": ["bucket"]}
    ),
    "flow logs": Made("aws:ec2/flowLog:FlowLog", "logger", {"logDestination": "arn:aws:s3:::logs/flow"}),
    "preferences": Made("pulumi-python:dynamic/ssm:SessionPreferences", "logger", {"s3BucketName": "logs"}),
    "a document": Made(
        "aws:ssm/document:Document",
        "logger",
        {"documentType": "Session", "content": json.dumps({"inputs": {"s3BucketName": "logs"}})},
    ),
    "another bucket": Made("aws:s3/bucketLogging:BucketLogging", "logger", {"targetBucket": "logs"}),
}


def bucket(type_: str = BUCKET, **properties: Any) -> Made:
    return Made(type_, "bucket", {"id": "logs", "bucket": "logs", **properties})


def companion(kind: str, **properties: Any) -> Made:
    type_ = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    return Made(type_, "companion", {"bucket": "logs", **properties})


def coming(made: Made) -> Made:
    """The same before the bucket is made."""
    properties = {**made.properties, "bucket": UNKNOWN}
    return Made(made.type, made.name, properties, sources={"bucket": ["bucket"]})


every_rule = pytest.mark.parametrize(
    "rule", [LOG_BUCKET_ENCRYPTED, LOG_BUCKET_PRIVATE, LOG_BUCKET_TLS_ONLY], ids=lambda rule: rule.id
)


@every_rule
@pytest.mark.parametrize("logger", LOGGERS.values(), ids=LOGGERS.keys())
@pytest.mark.parametrize("type_", [BUCKET, BUCKET_V2])
def test_bucket_that_logs_go_to_counts(rule: Rule, logger: Made, type_: str) -> None:
    (said,) = judge_stack(rule, bucket(type_), logger).violations
    assert said.startswith(f'{type_} "bucket": ')


DOCUMENT = LOGGERS["a document"]
COMMAND = Made(DOCUMENT.type, "command", {**DOCUMENT.properties, "documentType": "Command"})
LATE = Made(DOCUMENT.type, "late", {"documentType": "Session", "content": UNKNOWN})


@every_rule
@pytest.mark.parametrize(
    ("stack", "config", "count"),
    [
        ([bucket(bucket="data", id="data"), LOGGERS["a trail"]], {}, 0),
        ([LOGGERS["a trail"]], {}, 0),
        ([bucket(), COMMAND, LATE], {}, 0),
        *(([bucket()], {"buckets": [pattern]}, 1) for pattern in ("*", "log*", "bucket")),
    ],
)
def test_other_buckets_count_if_listed(rule: Rule, stack: list[Made], config: dict[str, Any], count: int) -> None:
    result = judge_stack(rule, *stack, **config)
    assert (len(result.violations), result.unseen) == (count, [])


KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
ENCRYPTED_GOOD = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
ENCRYPTED_KIND = "BucketServerSideEncryptionConfiguration"


def encrypted_judged(*resources: Made) -> Judgment:
    return judge_stack(ENCRYPTED, LOGGERS["a trail"], *resources)


def encrypted_apart(default: Any, kind: str = ENCRYPTED_KIND) -> tuple[Made, ...]:
    return bucket(), companion(kind, rules=[{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}])


def apart_v2(default: Any) -> tuple[Made, ...]:
    return encrypted_apart(default, f"{ENCRYPTED_KIND}V2")


def apart_to_be_made(default: Any) -> tuple[Made, ...]:
    made, other = encrypted_apart(default)
    return made, coming(other)


def encrypted_inline(default: Any) -> tuple[Made, ...]:
    return (bucket(serverSideEncryptionConfiguration={"rule": {"applyServerSideEncryptionByDefault": default}}),)


def encrypted_inline_v2(default: Any) -> tuple[Made, ...]:
    given = [{"rules": [{"applyServerSideEncryptionByDefaults": [default]}]}]
    return (bucket(BUCKET_V2, serverSideEncryptionConfigurations=given),)


encrypted_every_form = pytest.mark.parametrize(
    "form", [encrypted_apart, apart_v2, apart_to_be_made, encrypted_inline, encrypted_inline_v2]
)


@encrypted_every_form
@pytest.mark.parametrize("change", [{}, {"sseAlgorithm": "aws:kms:dsse"}, {"kmsMasterKeyId": UNKNOWN}])
def test_encrypted_bucket_is_fine(form: Any, change: dict[str, Any]) -> None:
    assert encrypted_judged(*form(ENCRYPTED_GOOD | change)) == SILENT


@encrypted_every_form
@pytest.mark.parametrize(
    "change",
    [
        {"sseAlgorithm": "AES256", "kmsMasterKeyId": None},
        {"kmsMasterKeyId": None},
        {"kmsMasterKeyId": ""},
        {"kmsMasterKeyId": "alias/aws/s3"},
    ],
)
def test_another_bucket_is_refused(form: Any, change: dict[str, Any]) -> None:
    (said,) = encrypted_judged(*form(ENCRYPTED_GOOD | change)).violations
    assert "expected aws:kms with the ARN of a customer managed key." in said


@encrypted_every_form
def test_double_encryption_is_refused_for_logs_of_sessions(form: Any) -> None:
    resources = form(ENCRYPTED_GOOD | {"sseAlgorithm": "aws:kms:dsse"})
    (said,) = judge_stack(ENCRYPTED, LOGGERS["preferences"], *resources).violations
    assert "found aws:kms:dsse with" in said
    assert judge_stack(ENCRYPTED, LOGGERS["preferences"], *form(ENCRYPTED_GOOD)) == SILENT


SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ALL = dict.fromkeys(SWITCHES, True)
PRIVATE_KIND = "BucketPublicAccessBlock"


def private_judged(*resources: Made) -> Judgment:
    return judge_stack(PRIVATE, LOGGERS["a trail"], bucket(), *resources)


def test_bucket_without_a_block_is_refused() -> None:
    (said,) = private_judged().violations
    assert '"bucket": BucketPublicAccessBlock: found none in the stack, expected one for this bucket.' in said


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [False, None])
def test_every_switch_counts(name: str, value: bool | None) -> None:  # noqa: FBT001 -- a case
    (said,) = private_judged(companion(PRIVATE_KIND, **ALL | {name: value})).violations
    assert f'"companion": {name}: found ' in said
    assert private_judged(companion(PRIVATE_KIND, **ALL | {name: UNKNOWN})).unseen


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
ARN = "arn:aws:s3:::logs"
TLS_GOOD = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"], "Condition": PLAIN}


def tls_judged(*resources: Made) -> Judgment:
    return judge_stack(TLS_ONLY, LOGGERS["a trail"], *resources)


def tls_apart(policy: str) -> tuple[Made, ...]:
    return bucket(), companion("BucketPolicy", policy=policy)


def to_be_made(policy: str) -> tuple[Made, ...]:
    return bucket(), coming(companion("BucketPolicy", policy=policy))


def tls_inline(policy: str) -> tuple[Made, ...]:
    return (bucket(policy=policy),)


def tls_inline_v2(policy: str) -> tuple[Made, ...]:
    return (bucket(BUCKET_V2, policy=policy),)


tls_every_form = pytest.mark.parametrize("form", [tls_apart, to_be_made, tls_inline, tls_inline_v2])


@tls_every_form
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Action": ["S3:*"]},
        {"Action": "*"},
        {"Resource": "*"},
        {"Resource": "arn:aws:s3:::logs*"},
        {"Condition": {"Bool": {"AWS:SecureTransport": False}}},
    ],
)
def test_plain_requests_that_are_denied_are_fine(form: Any, change: dict[str, Any]) -> None:
    assert tls_judged(*form(text(statement(), TLS_GOOD | change))) == SILENT


@tls_every_form
@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": "s3:GetObject"},
        {"Resource": ARN},
        {"Resource": f"{ARN}/*"},
        {"Resource": [ARN, f"{ARN}/prefix/*"]},
        {"Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {**PLAIN, "StringEquals": {"aws:PrincipalAccount": "123456789012"}}},
        {"Condition": {"Bool": {"aws:ViaAWSService": "false"}}},
    ],
)
def test_plain_requests_that_are_not_denied_are_refused(form: Any, change: dict[str, Any]) -> None:
    (said,) = tls_judged(*form(text(statement(), TLS_GOOD | change))).violations
    assert "policy: found no such statement, expected a statement that denies every principal s3:*" in said


def test_bucket_without_a_policy_is_refused() -> None:
    for policy in (None, "", UNKNOWN):
        (said,) = tls_judged(bucket(policy=policy)).violations
        assert '"bucket": policy: found no' in said


ACCOUNT = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
APART = [{**TLS_GOOD, "Resource": ARN}, {**TLS_GOOD, "Resource": f"{ARN}/*"}]


@pytest.mark.parametrize(
    ("judged", "resources", "counts"),
    [
        (encrypted_judged, (bucket(),), (1, 0)),
        (encrypted_judged, (bucket(serverSideEncryptionConfiguration=UNKNOWN),), (1, 0)),
        (encrypted_judged, (bucket(), companion(ENCRYPTED_KIND, rules=UNKNOWN)), (0, 1)),
        (encrypted_judged, encrypted_apart(ENCRYPTED_GOOD | {"sseAlgorithm": UNKNOWN}), (0, 1)),
        # What a bucket shows counts less than its companion.
        (encrypted_judged, (*encrypted_inline({"sseAlgorithm": "AES256"}), encrypted_apart(ENCRYPTED_GOOD)[1]), (0, 0)),
        (private_judged, (companion(PRIVATE_KIND, **ALL),), (0, 0)),
        (private_judged, (coming(companion(PRIVATE_KIND, **ALL)),), (0, 0)),
        (private_judged, (companion(PRIVATE_KIND, **ALL | {"bucket": "data"}),), (1, 0)),
        (private_judged, (Made(ACCOUNT, "account", ALL),), (0, 0)),
        (private_judged, (Made(ACCOUNT, "account", ALL | {"blockPublicAcls": False}),), (1, 0)),
        (tls_judged, tls_apart(text(*APART)), (0, 0)),
        (tls_judged, tls_apart(UNKNOWN), (0, 1)),
        (tls_judged, tls_apart("{"), (1, 0)),
    ],
)
def test_resources_around_the_bucket_count(judged: Any, resources: tuple[Made, ...], counts: tuple[int, int]) -> None:
    result = judged(*resources)
    assert (len(result.violations), len(result.unseen)) == counts
