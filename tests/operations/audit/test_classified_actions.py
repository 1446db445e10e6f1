"""Every action that could run something on a node or with its role is a rule's, or is harmless for a stated reason."""

import json
from pathlib import Path

from operations.audit.rules import ACTIONS
from tests.operations.audit.authorization_reference import to_be_classified

HARMLESS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("harmless_actions.json").read_text(encoding="utf-8")
)
REASONS = {
    f"{prefix}:{name}": reason
    for reason, services in HARMLESS.items()
    for prefix, names in services.items()
    for name in names.split()
}


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
