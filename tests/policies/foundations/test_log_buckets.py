"""Which buckets count, whatever a rule asks of them."""

import pytest

from policies.foundations import log_bucket_encrypted, log_bucket_private, log_bucket_tls_only
from policies.rule import Rule
from tests.policies.foundations.log_stacks import BUCKET, BUCKET_V2, LOGGERS, bucket
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

every_rule = pytest.mark.parametrize(
    "rule",
    [log_bucket_encrypted.RULE, log_bucket_private.RULE, log_bucket_tls_only.RULE],
    ids=lambda rule: rule.id,
)


@every_rule
@pytest.mark.parametrize("logger", LOGGERS.values(), ids=LOGGERS.keys())
@pytest.mark.parametrize("type_", [BUCKET, BUCKET_V2])
def test_bucket_that_logs_go_to_counts(rule: Rule, logger: Made, type_: str) -> None:
    (said,) = judge_stack(rule, bucket(type_), logger).violations
    assert said.startswith(f'{type_} "bucket": ')


@every_rule
def test_another_bucket_does_not(rule: Rule) -> None:
    assert judge_stack(rule, bucket(bucket="data", id="data"), LOGGERS["a trail"]) == SILENT


@every_rule
@pytest.mark.parametrize("pattern", ["*", "log*", "bucket"])
def test_further_buckets_may_be_listed(rule: Rule, pattern: str) -> None:
    assert len(judge_stack(rule, bucket(), buckets=[pattern]).violations) == 1


@every_rule
def test_bucket_of_another_stack_cannot_be_looked_into(rule: Rule) -> None:
    assert judge_stack(rule, LOGGERS["a trail"]) == SILENT


@every_rule
def test_document_without_sessions_names_no_log_bucket(rule: Rule) -> None:
    logger = LOGGERS["a document"]
    command = Made(type=logger.type, name="command", properties={**logger.properties, "documentType": "Command"})
    late = Made(type=logger.type, name="late", properties={"documentType": "Session", "content": UNKNOWN})
    assert judge_stack(rule, bucket(), command, late) == SILENT
