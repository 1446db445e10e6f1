"""What AWS Config takes of a rule; what it says is shown by AWS' own program (`tests/simulator/test_role_rule.py`)."""

from __future__ import annotations

from components.nodes.role_rule import role_rule
from components.nodes.settings import MAX_EXCLUDED_ROLES

POLICY = "arn:aws-us-gov:iam::111122223333:policy/ShellAccessSessionManagerNode"
MAX_TEXT = 10_000
"""API_CustomPolicyDetails, `PolicyText`."""


def test_the_longest_rule_fits() -> None:
    names = [f"{number:03}{'x' * 61}" for number in range(MAX_EXCLUDED_ROLES)]
    assert len(role_rule(POLICY, names)) <= MAX_TEXT


def test_no_quotation_mark_is_escaped_as_guard_2_fails_on_that() -> None:
    assert '\\"' not in role_rule(POLICY, ["Breakglass", "a+b=c,d.e@f-g"])


def test_the_same_exclusions_make_the_same_rule() -> None:
    assert role_rule(POLICY, ["B", "A"]) == role_rule(POLICY, ["A", "B", "A"])
