from typing import Any

import pytest

from policies.foundations.log_bucket_tls_only import RULE
from tests.policies.foundations.log_stacks import BUCKET_V2, LOGGERS, bucket, coming, companion
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
ARN = "arn:aws:s3:::logs"
GOOD = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"], "Condition": PLAIN}


def judged(*resources: Made) -> Judgment:
    return judge_stack(RULE, LOGGERS["a trail"], *resources)


def apart(policy: str) -> tuple[Made, ...]:
    return bucket(), companion("BucketPolicy", policy=policy)


def to_be_made(policy: str) -> tuple[Made, ...]:
    return bucket(), coming(companion("BucketPolicy", policy=policy))


def inline(policy: str) -> tuple[Made, ...]:
    return (bucket(policy=policy),)


def inline_v2(policy: str) -> tuple[Made, ...]:
    return (bucket(BUCKET_V2, policy=policy),)


every_form = pytest.mark.parametrize("form", [apart, to_be_made, inline, inline_v2])


@every_form
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
    assert judged(*form(text(statement(), GOOD | change))) == SILENT


@every_form
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
    (said,) = judged(*form(text(statement(), GOOD | change))).violations
    assert "policy: found no such statement, expected a statement that denies every principal s3:*" in said


def test_denials_may_be_apart() -> None:
    both = [{**GOOD, "Resource": ARN}, {**GOOD, "Resource": f"{ARN}/*"}]
    assert judged(*apart(text(*both))) == SILENT


def test_bucket_without_a_policy_is_refused() -> None:
    for policy in (None, "", UNKNOWN):
        (said,) = judged(bucket(policy=policy)).violations
        assert '"bucket": policy: found no' in said


def test_policy_that_is_not_known_yet_is_said() -> None:
    result = judged(*apart(UNKNOWN))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_policy_that_cannot_be_read_is_refused() -> None:
    assert len(judged(*apart("{")).violations) == 1
