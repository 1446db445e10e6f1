from typing import Any

import pytest

from policies.separation_of_duties.evidence_records_locked import EVIDENCE_RECORDS_LOCKED as RULE
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

BUCKET = "shell-access-evidence-111122223333-eu-west-1"


def stack(rule: Any, *, bucket: str = BUCKET, enabled: Any = True, locked: str = "") -> list[Made]:
    made = [Made("aws:s3/bucket:Bucket", "bucket", {"bucket": bucket, "objectLockEnabled": enabled})]
    if rule is not None:
        made.append(
            Made(
                "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
                "lock",
                {"bucket": UNKNOWN, "rule": rule},
                sources={"bucket": [locked or "bucket"]},
            )
        )
    return made


def kept(**retention: Any) -> dict[str, Any]:
    return {"defaultRetention": {"mode": "GOVERNANCE", **retention}}


@pytest.mark.parametrize("rule", [kept(days=365), kept(years=1), kept(days=400)])
def test_locked_records_are_fine(rule: Any) -> None:
    assert judge_stack(RULE, *stack(rule)) == SILENT


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (stack(kept(days=30)), "30 days"),
        (stack({}), "0 days"),
        (stack({"defaultRetention": None}), "0 days"),
        (stack(None), "no retention"),
        (stack(kept(days=400), enabled=False), "objectLockEnabled"),
    ],
)
def test_records_that_can_be_deleted_are_reported(made: list[Made], part: str) -> None:
    (violation,) = judge_stack(RULE, *made).violations
    assert part in violation


def test_lock_of_another_bucket_does_not_count() -> None:
    other = Made("aws:s3/bucket:Bucket", "other", {"bucket": "logs"})
    found = judge_stack(RULE, *stack(kept(days=400), locked="other"), other).violations
    assert len(found) == 1
    assert "no retention" in found[0]


def test_other_buckets_are_not_judged() -> None:
    assert judge_stack(RULE, *stack(None, bucket="logs", enabled=False)) == SILENT


@pytest.mark.parametrize("rule", [UNKNOWN, {"defaultRetention": UNKNOWN}, kept(days=UNKNOWN)])
def test_retention_that_is_not_known_yet_is_unseen(rule: Any) -> None:
    result = judge_stack(RULE, *stack(rule))
    assert (result.violations, bool(result.unseen)) == ([], True)


def test_minimum_is_configurable() -> None:
    assert judge_stack(RULE, *stack(kept(days=400)), minimumDays=730).violations
