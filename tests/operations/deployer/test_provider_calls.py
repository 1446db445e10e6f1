"""The deployer may make every call that the AWS provider makes for the resource types in use, refreshes and repairs too.

A recording shows what a run in a test asked for. This compares the policies with all that a type may call, as the
stand-in describes it type by type (local/aws_provider/README.md).
"""

import ast
import re
import tomllib
from functools import cache
from typing import Final

import pytest

from local.aws_provider import registry
from local.workspace import REPOSITORY
from operations.deployer.names import Role
from operations.deployer.policies import permissions
from tests.operations.deployer.stacks import entitling, scope
from tests.support.authorization.requests import TABLE

UNUSED: Final = {
    "cloudtrail:StopLogging": "a trail that does not log",
    "ec2:MonitorInstances": "monitoring of an instance",
    "ec2:UnmonitorInstances": "monitoring of an instance",
    "iam:DeleteRolePermissionsBoundary": "a role without a boundary, which the deployer must not make",
    "kms:DisableKey": "isEnabled of a key",
    "kms:DisableKeyRotation": "a key that does not rotate",
    "logs:DeleteRetentionPolicy": "logs that are kept forever",
}
"""Actions that no component leads to, with the input that would."""
BY_PATH: Final = ("s3", "scheduler")
"""Services whose operations the table of authorizations names by method and path; every run makes all their calls."""


@cache
def types_in_use() -> frozenset[str]:
    """Tokens of the types and functions that components import."""
    modules = [ast.parse(path.read_text()) for path in (REPOSITORY / "components").rglob("*.py")]
    imports = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    names = {
        (each.module.removeprefix("pulumi_aws").removeprefix("."), alias.name.replace("_", "").lower())
        for each in imports
        if each.module and each.module.split(".")[0] == "pulumi_aws"
        for alias in each.names
    }
    known = [each.name for each in (*registry.all_resources(), *registry.all_functions())]
    return frozenset(token for token in known if _imported_as(token) in names)


def _imported_as(token: str) -> tuple[str, str]:
    area, name = re.findall(r"aws:(\w+)/\w+:(\w+)", token)[0]
    return ("" if area == "index" else area), name.lower()


@cache
def operations() -> dict[str, list[str]]:
    return tomllib.loads(TABLE.read_text())["operations"]


def actions_of(service: str, call: str) -> set[str]:
    """Return the IAM actions of a call; the call itself where the table lacks it."""
    own_service, _, operation = call.rpartition(":")
    name = f"{own_service or service}:{operation}"
    first = {line.split()[0] for line in operations().get(name, ["*"])}
    return {each if re.fullmatch(r"[a-z0-9-]+:[A-Z]\w*", each) else name for each in first}


@cache
def needed(step: str | None = None) -> frozenset[str]:
    """Actions of all types in use, for one step or for every one."""
    resources = [each for each in registry.all_resources() if each.name in types_in_use()]
    functions = [each for each in registry.all_functions() if each.name in types_in_use()]
    calls = [
        (each.service, call)
        for each in resources
        if each.service not in BY_PATH
        for name, several in each.calls.items()
        if step in (None, name)
        for call in several
    ]
    calls += [(each.service, call) for each in functions for call in each.calls]
    return frozenset(action for service, call in calls for action in actions_of(service, call))


def granted(role: Role) -> set[str]:
    """Actions for every system; entitlements are created by a stack of their own."""
    return {action for each in (scope(), entitling()) for one in permissions(each, role) for action in one.actions}


def test_deployer_may_make_every_call_of_its_types() -> None:
    allowed = granted(Role.DEPLOYER)
    assert len(types_in_use()) > 35
    assert needed() - allowed - set(UNUSED) == set()
    assert set(UNUSED) - needed() == set()
    assert set(UNUSED) & allowed == set()


@pytest.mark.parametrize("role", [Role.DEPLOYER, Role.PREVIEW])
def test_role_may_make_every_reading_call_of_its_types(role: Role) -> None:
    allowed = granted(role)
    # A refresh of an instance profile takes out a role that is gone; one that only looks leaves that to the deployer.
    repairs = {"iam:RemoveRoleFromInstanceProfile"} if role is Role.PREVIEW else set[str]()
    assert needed("read") - allowed - set(UNUSED) == repairs
