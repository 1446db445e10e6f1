from typing import Any

import pytest

from policies.foundations.log_bucket_encrypted import RULE
from tests.policies.foundations.log_stacks import BUCKET_V2, LOGGERS, bucket, coming, companion
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
GOOD = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
KIND = "BucketServerSideEncryptionConfiguration"


def judged(*resources: Made) -> Judgment:
    return judge_stack(RULE, LOGGERS["a trail"], *resources)


def apart(default: Any, kind: str = KIND) -> tuple[Made, ...]:
    return bucket(), companion(kind, rules=[{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}])


def apart_v2(default: Any) -> tuple[Made, ...]:
    return apart(default, f"{KIND}V2")


def apart_to_be_made(default: Any) -> tuple[Made, ...]:
    made, other = apart(default)
    return made, coming(other)


def inline(default: Any) -> tuple[Made, ...]:
    return (bucket(serverSideEncryptionConfiguration={"rule": {"applyServerSideEncryptionByDefault": default}}),)


def inline_v2(default: Any) -> tuple[Made, ...]:
    given = [{"rules": [{"applyServerSideEncryptionByDefaults": [default]}]}]
    return (bucket(BUCKET_V2, serverSideEncryptionConfigurations=given),)


every_form = pytest.mark.parametrize("form", [apart, apart_v2, apart_to_be_made, inline, inline_v2])


@every_form
@pytest.mark.parametrize("change", [{}, {"sseAlgorithm": "aws:kms:dsse"}, {"kmsMasterKeyId": UNKNOWN}])
def test_encrypted_bucket_is_fine(form: Any, change: dict[str, Any]) -> None:
    assert judged(*form(GOOD | change)) == SILENT


@every_form
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
    (said,) = judged(*form(GOOD | change)).violations
    assert "expected aws:kms with the ARN of a customer managed key." in said


def test_bucket_of_which_nothing_is_said_is_refused() -> None:
    assert len(judged(bucket()).violations) == 1
    assert len(judged(bucket(serverSideEncryptionConfiguration=UNKNOWN)).violations) == 1


def test_encryption_that_is_not_known_yet_is_said() -> None:
    assert judged(bucket(), companion(KIND, rules=UNKNOWN)).unseen
    assert judged(*apart(GOOD | {"sseAlgorithm": UNKNOWN})).unseen


def test_what_a_bucket_shows_counts_less_than_its_companion() -> None:
    (shown,) = inline({"sseAlgorithm": "AES256"})
    assert judged(shown, apart(GOOD)[1]) == SILENT


@every_form
def test_double_encryption_is_refused_for_logs_of_sessions(form: Any) -> None:
    resources = form(GOOD | {"sseAlgorithm": "aws:kms:dsse"})
    (said,) = judge_stack(RULE, LOGGERS["preferences"], *resources).violations
    assert "found aws:kms:dsse with" in said
    assert judge_stack(RULE, LOGGERS["preferences"], *form(GOOD)) == SILENT
