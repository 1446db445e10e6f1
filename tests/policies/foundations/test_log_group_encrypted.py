import pytest

from policies.foundations.log_group_encrypted import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ENCRYPTED = {"name": "sessions", "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"}
REMEDY = "Set kmsKeyId to the ARN of a KMS key whose policy lets CloudWatch Logs use it."


def text(found: str) -> str:
    return f'{LOG_GROUP} "subject": kmsKeyId: found {found}, expected the ARN of a KMS key. {REMEDY}'


def test_encrypted_log_group_is_fine() -> None:
    assert judge(RULE, LOG_GROUP, ENCRYPTED) == SILENT


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param(None, "no value", id="left out"),
        pytest.param("", '""', id="empty"),
        pytest.param(" ", '" "', id="blank"),
    ],
)
def test_log_group_without_a_key_is_refused(key: str | None, found: str) -> None:
    assert violations(RULE, LOG_GROUP, ENCRYPTED | {"kmsKeyId": key}) == [text(found)]


def test_key_of_the_same_stack_counts_before_it_is_made() -> None:
    assert judge(RULE, LOG_GROUP, ENCRYPTED | {"kmsKeyId": UNKNOWN}) == SILENT


@pytest.mark.parametrize("name", [UNKNOWN, None], ids=["not known yet", "left out"])
def test_log_group_with_a_hidden_name_is_held_to_the_rule(name: str | None) -> None:
    assert violations(RULE, LOG_GROUP, {"name": name}, names=["sessions-*"]) == [text("no value")]


def test_configuration_may_narrow_the_rule_by_name() -> None:
    assert judge(RULE, LOG_GROUP, {"name": "build-output"}, names=["sessions", "audit-*"]) == SILENT
    assert violations(RULE, LOG_GROUP, {"name": "audit-1"}, names=["sessions", "audit-*"]) == [text("no value")]
