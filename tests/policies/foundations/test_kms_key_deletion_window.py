import pytest

from policies.foundations.kms_key_deletion_window import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

NAME = "deletionWindowInDays"


@pytest.mark.parametrize("type_", sorted(RULE.types))
def test_month_is_needed(type_: str) -> None:
    for value in (None, 30):
        assert judge(RULE, type_, {NAME: value}) == SILENT
    (said,) = violations(RULE, type_, {NAME: 7})
    assert said.startswith(f'{type_} "subject": {NAME}: found 7, expected at least 30 days.')
    assert judge(RULE, type_, {NAME: UNKNOWN}).unseen


def test_time_is_configurable() -> None:
    assert judge(RULE, "aws:kms/key:Key", {NAME: 14}, minimumDays=14) == SILENT
