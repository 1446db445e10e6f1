import pytest

from policies.foundations.topic_encrypted import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

TOPIC = "aws:sns/topic:Topic"


@pytest.mark.parametrize("key", ["arn:aws:kms:eu-west-1:123456789012:key/1", "alias/alerts", UNKNOWN])
def test_encrypted_topic_is_fine(key: str) -> None:
    assert judge(RULE, TOPIC, {"kmsMasterKeyId": key}) == SILENT


@pytest.mark.parametrize("key", [None, "", "alias/aws/sns", "arn:aws:kms:eu-west-1:123456789012:alias/aws/sns"])
def test_another_topic_is_refused(key: str | None) -> None:
    (said,) = violations(RULE, TOPIC, {"kmsMasterKeyId": key})
    assert said.startswith(f'{TOPIC} "subject": kmsMasterKeyId: found ')
