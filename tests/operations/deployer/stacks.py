"""Stacks to deploy, and the policies of their deployment role, as a signed-in principal has them."""

from dataclasses import replace
from functools import cache
from typing import Any

import yaml

from common.iam.context import ABSENT, Known, RequestContext
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.settings import Settings
from local.workspace import REPOSITORY
from operations.deployer.boundary import boundary
from operations.deployer.names import Role
from operations.deployer.policies import policies
from operations.deployer.scope import DeploymentScope, scope_of

ACCOUNT = "111122223333"
TAG = ("service", "shell-access")
NODES = {"roleCompliance": {"remediation": "automatic"}, "defaultHostManagement": {}, "agents": {}}
APPROVAL = {
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator"],
    "operatorUsers": ["Oscar"],
}
OPTIONAL = {"breakGlass": {"users": ["emergency/erin"]}, "evidence": {"trail": {"bucket": "org-trail"}}}
APPLICATION = "arn:aws:account-access:eu-central-1:111122223333:application/1234567890abcdef"
ENTITLEMENTS = {"applicationArn": APPLICATION, "operators": [{"identityCenterGroup": "Shell", "accounts": [ACCOUNT]}]}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@cache
def settings(name: str) -> Settings:
    """Of an example in the repository, with every system."""
    read = yaml.safe_load((REPOSITORY / f"Pulumi.{name}.yaml").read_text())["config"]
    approval = {**APPROVAL, **OPTIONAL} if name == "dev" else APPROVAL
    more = {"nodes": NODES, "approval": approval, "tags": dict([TAG])}
    return Settings.load(read | {f"shell-access:{key}": value for key, value in more.items()})


@cache
def scope(name: str = "dev") -> DeploymentScope:
    return scope_of([settings(name)], TAG, ACCOUNT)


@cache
def entitling() -> DeploymentScope:
    """Of a stack that entitles operators of other accounts, and of one whose operators are entitled."""
    access = {"access": "account-access-manager", "applicationArn": APPLICATION}
    section = {**APPROVAL, "operators": [{"identityCenterGroup": "Shell"}], "identityCenter": access}
    given = {"aws:region": "eu-west-1", "shell-access:accountAccess": ENTITLEMENTS, "shell-access:approval": section}
    return scope_of([Settings.load(given)], TAG, ACCOUNT)


@cache
def permissions_of(given: DeploymentScope, role: Role = Role.DEPLOYER) -> Permissions:
    identity = tuple(parse(each, name="deployer") for each in policies(given, role))
    return Permissions(identity=identity, boundary=parse(boundary(given), name="boundary", kind="boundary"))


def deployer() -> Permissions:
    return permissions_of(scope())


@cache
def administrator(given: DeploymentScope | None = None) -> Permissions:
    """A principal that is allowed everything, within the boundary."""
    return replace(permissions_of(given or scope()), identity=(parse(EVERYTHING, name="everything"),))


def may(permissions: Permissions, action: str, resource: str, **keys: Any) -> bool:
    """Return whether a request is certainly allowed; in condition keys, `__` stands for characters that keywords lack."""
    return _decided(permissions, action, resource, keys) is Truth.YES


def must_not(permissions: Permissions, action: str, resource: str, **keys: Any) -> bool:
    """Return whether a request is certainly denied."""
    return _decided(permissions, action, resource, keys) is Truth.NO


def _decided(permissions: Permissions, action: str, resource: str, keys: dict[str, Any]) -> Truth:
    given = {"aws:RequestedRegion": "eu-west-1", **keys}
    values = {
        key.lower(): Known(tuple(value), many=True) if isinstance(value, list) else Known((value,))
        for key, value in given.items()
    }
    return decide(permissions, action, resource, RequestContext(values, {}, ABSENT)).allowed
