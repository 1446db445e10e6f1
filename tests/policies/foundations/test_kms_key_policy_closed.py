"""Policies of keys are tested with those of other resources; here is what else lets somebody use a key."""

import pytest

from policies.foundations.kms_key_policy_closed import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

GRANT = "aws:kms/grant:Grant"
ROLE = "arn:aws:iam::123456789012:role/Operator"


def test_a_grant_names_somebody() -> None:
    assert judge(RULE, GRANT, {"granteePrincipal": ROLE}) == SILENT


@pytest.mark.parametrize("name", ["granteePrincipal", "retiringPrincipal"])
@pytest.mark.parametrize("value", ["*", "arn:aws:iam::123456789012:role/*"])
def test_a_grant_to_everybody_is_refused(name: str, value: str) -> None:
    (said,) = violations(RULE, GRANT, {"granteePrincipal": ROLE, name: value})
    assert said.startswith(f'{GRANT} "subject": {name}: found "{value}", expected the ARN of one principal.')


def test_a_principal_that_is_not_known_yet_is_said() -> None:
    assert judge(RULE, GRANT, {"granteePrincipal": UNKNOWN}).unseen
