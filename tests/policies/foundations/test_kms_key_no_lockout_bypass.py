import pytest

from policies.foundations.kms_key_no_lockout_bypass import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

NAME = "bypassPolicyLockoutSafetyCheck"


@pytest.mark.parametrize("type_", sorted(RULE.types))
def test_check_is_not_bypassed(type_: str) -> None:
    for value in (None, False):
        assert judge(RULE, type_, {NAME: value}) == SILENT
    (said,) = violations(RULE, type_, {NAME: True})
    assert said.startswith(f'{type_} "subject": {NAME}: found true, expected false.')
    assert judge(RULE, type_, {NAME: UNKNOWN}).unseen


def test_every_resource_with_a_key_policy_is_looked_at() -> None:
    assert {each.rpartition(":")[2] for each in RULE.types} == {
        "ExternalKey",
        "Key",
        "KeyPolicy",
        "ReplicaExternalKey",
        "ReplicaKey",
    }
