"""Actions of the policies that the stacks deploy, against the Service Authorization Reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import filter as matching
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.audit.authorization_reference import privileges

STACKS = Path(__file__).parents[1] / "golden" / "stacks"
NEWER = {"account-access:C*", "iam:UpdateDelegation*"}
"""Actions that AWS has added since the installed edition of the reference."""


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the statements of all policies in the inputs of resources; many are JSON texts."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        if "Effect" in value and ("Action" in value or "NotAction" in value):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from statements(each)


@pytest.mark.parametrize("stack", ["dev", "prod", "fleet"])
def test_every_action_of_a_policy_exists(stack: str) -> None:
    known = [each.lower() for each in privileges()]
    found = set[str]()
    for each in statements(yaml.load((STACKS / f"{stack}.yaml").read_text(), yaml.CSafeLoader)):
        actions = each.get("Action", each.get("NotAction"))
        found |= {actions} if isinstance(actions, str) else {*actions}
    assert "kms:Decrypt" in found
    assert sorted(each for each in found - NEWER if not matching(known, each.lower())) == []
