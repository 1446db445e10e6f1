"""The examples of the page are reported under their rules."""

from typing import Any

import pytest

from operations.audit.rules import RULES
from operations.audit.rules.examples import EXAMPLES
from tests.operations.audit.accounts import assessed, baseline, entries, user

IN_WORDS = {
    "iam-add-user-to-group",
    "iam-assume-role",
    "session-tag-approval",
    "runbook-role-sets-other-tags",
    "approval-start-other-version",
    "runbook-not-of-stack",
    "exception-expired",
    "same-person-both-sides",
    "just-in-time-change-policy",
    "just-in-time-change-token-role",
    "just-in-time-tag-nodes",
}
STATEMENTS = {rule: list(example) for rule, example in EXAMPLES.items() if not isinstance(example, str)}


def test_every_rule_has_an_example() -> None:
    assert {rule.id for rule in RULES} <= set(EXAMPLES)
    assert set(EXAMPLES) - set(STATEMENTS) == IN_WORDS


@pytest.mark.parametrize(("rule", "statements"), STATEMENTS.items(), ids=list(STATEMENTS))
def test_example_is_reported_under_its_rule(rule: str, statements: list[Any]) -> None:
    details = baseline()
    # Each in a policy of its own, as a Deny has to be for its removal to matter.
    details["UserDetailList"].append(user("caller", *statements))
    assert rule in entries(assessed(details))
