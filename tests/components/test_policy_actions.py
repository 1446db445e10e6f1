"""Actions and resources of the policies that the stacks deploy, against the Service Authorization Reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import filter as matching
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.iam.patterns import overlap
from tests.operations.audit.authorization_reference import privileges, shape_of

STACKS = Path(__file__).parents[1] / "golden" / "stacks"
NEWER = {"account-access:C*", "iam:UpdateDelegation*"}
"""Actions that AWS has added since the installed edition of the reference."""


def policies(value: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the statements of each policy in the inputs of resources; many are JSON texts."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        if "Statement" in value:
            yield value["Statement"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from policies(each)


@cache
def deployed(stack: str) -> list[list[dict[str, Any]]]:
    return list(policies(yaml.load((STACKS / f"{stack}.yaml").read_text(), yaml.CSafeLoader)))


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def required(action: str) -> list[str]:
    """Return the ends of the ARNs of the resources that a request for an action always has; none for a wildcard."""
    types = privileges().get(action, {"resource_types": {}})["resource_types"].values()
    names = [each["resource_type"] for each in types if each["required"] and each["resource_type"]]
    shapes = [shape_of(action.partition(":")[0], name) for name in names]
    return [end(each) for each in shapes]


def end(arn: str) -> str:
    """Return an ARN without partition, service, Region and account."""
    return arn.split(":", 5)[-1]


@pytest.mark.parametrize("stack", ["dev", "prod", "fleet"])
def test_every_action_of_a_policy_exists(stack: str) -> None:
    known = [each.lower() for each in privileges()]
    found = set[str]()
    for each in (statement for policy in deployed(stack) for statement in policy):
        found |= {*listed(each.get("Action", each.get("NotAction")))}
    assert "kms:Decrypt" in found
    assert sorted(each for each in found - NEWER if not matching(known, each.lower())) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_policies_name_all_resources_of_a_request(stack: str) -> None:
    """AWS authorizes a request for each of its resources: StartAutomationExecution for the runbook and for the execution."""
    missing, compared = set[tuple[str, str, str]](), 0
    for policy in deployed(stack):
        allowed: dict[str, list[str]] = {}
        for statement in policy:
            if statement["Effect"] == "Allow" and "Principal" not in statement:
                for action in listed(statement.get("Action")):
                    allowed.setdefault(action, []).extend(listed(statement.get("Resource")))
            elif "NotResource" in statement:
                for action in listed(statement["Action"]):
                    allowed.setdefault(f"{action} ", []).extend(listed(statement["NotResource"]))
        for action, resources in allowed.items():
            for pattern in required(action.strip()):
                compared += 1
                if not any(overlap(pattern, end(each)) for each in resources):
                    missing.add((action, pattern, str(resources)))
    assert compared > 20
    assert missing == set()
