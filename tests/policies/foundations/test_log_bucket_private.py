import pytest

from policies.foundations.log_bucket_private import RULE
from tests.policies.foundations.log_stacks import LOGGERS, bucket, coming, companion
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ALL = dict.fromkeys(SWITCHES, True)
KIND = "BucketPublicAccessBlock"


def judged(*resources: Made) -> Judgment:
    return judge_stack(RULE, LOGGERS["a trail"], bucket(), *resources)


def test_private_bucket_is_fine() -> None:
    assert judged(companion(KIND, **ALL)) == SILENT
    assert judged(coming(companion(KIND, **ALL))) == SILENT


def test_bucket_without_a_block_is_refused() -> None:
    (said,) = judged().violations
    assert '"bucket": BucketPublicAccessBlock: found none in the stack, expected one for this bucket.' in said


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [False, None])
def test_every_switch_counts(name: str, value: bool | None) -> None:  # noqa: FBT001 -- a case
    (said,) = judged(companion(KIND, **ALL | {name: value})).violations
    assert f'"companion": {name}: found ' in said
    assert judged(companion(KIND, **ALL | {name: UNKNOWN})).unseen


def test_block_of_the_account_is_enough() -> None:
    type_ = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
    assert judged(Made(type=type_, name="account", properties=ALL)) == SILENT
    assert judged(Made(type=type_, name="account", properties=ALL | {"blockPublicAcls": False})).violations


def test_block_of_another_bucket_does_not_count() -> None:
    assert judged(companion(KIND, **ALL | {"bucket": "data"})).violations
