"""Policies of keys are tested with those of other resources; here are the other ways to use a key."""

import pytest

from policies.foundations.kms_key_policy_closed import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

GRANT = "aws:kms/grant:Grant"
ROLE = "arn:aws:iam::123456789012:role/Operator"


def test_grant_to_a_named_principal_is_fine() -> None:
    assert judge(RULE, GRANT, {"granteePrincipal": ROLE}) == SILENT


@pytest.mark.parametrize("name", ["granteePrincipal", "retiringPrincipal"])
@pytest.mark.parametrize("value", ["*", "arn:aws:iam::123456789012:role/*"])
def test_grant_to_every_principal_is_refused(name: str, value: str) -> None:
    (said,) = violations(RULE, GRANT, {"granteePrincipal": ROLE, name: value})
    assert said.startswith(f'{GRANT} "subject": {name}: found "{value}", expected the ARN of one principal.')


def test_principal_that_is_not_known_yet_is_said() -> None:
    assert judge(RULE, GRANT, {"granteePrincipal": UNKNOWN}).unseen
