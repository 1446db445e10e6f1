"""Entitlements of account access manager: created in the stack's application, and by no other stack."""

from dataclasses import replace

import pytest

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from operations.deployer.boundary import boundary
from operations.deployer.names import Role
from operations.deployer.policies import permissions, policies
from tests.operations.deployer.stacks import APPLICATION, entitling, may, must_not

HOME = {"aws:RequestedRegion": "eu-central-1"}
CHANGES = ("account-access:CreateEntitlement", "account-access:DeleteEntitlement")
READS = ("account-access:GetApplication", "account-access:GetEntitlement", "account-access:ListEntitlements")


def deployer(role: Role = Role.DEPLOYER) -> Permissions:
    identity = tuple(parse(each, name="deployer") for each in policies(entitling(), role))
    return Permissions(identity=identity, boundary=parse(boundary(entitling()), name="boundary", kind="boundary"))


@pytest.mark.parametrize("action", [*CHANGES, *READS])
def test_deployer_entitles_in_its_application_alone(action: str) -> None:
    assert may(deployer(), action, APPLICATION, **HOME)
    assert must_not(deployer(), action, APPLICATION.replace("1234", "5678"), **HOME)
    assert must_not(deployer(), action, APPLICATION, **{"aws:RequestedRegion": "eu-west-1"})


def test_deployer_changes_neither_application_nor_organization() -> None:
    for action in (
        "account-access:DeleteApplication",
        "account-access:CreateApplication",
        "account-access:TagResource",
    ):
        assert must_not(deployer(), action, APPLICATION, **HOME)
    trusted = "organizations:ListAWSServiceAccessForOrganization"
    assert may(deployer(), trusted, "*", **{"aws:RequestedRegion": "us-east-1"})
    everything = parse(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}, name="everything"
    )
    within = replace(deployer(), identity=(everything,))
    for action in ("organizations:RegisterDelegatedAdministrator", "organizations:EnableAWSServiceAccess"):
        assert must_not(within, action, "*", **{"aws:RequestedRegion": "us-east-1"})


def test_preview_reads_entitlements_and_changes_none() -> None:
    for action in READS:
        assert may(deployer(Role.PREVIEW), action, APPLICATION, **HOME)
    for action in CHANGES:
        assert must_not(deployer(Role.PREVIEW), action, APPLICATION, **HOME)


def test_stack_whose_operators_are_entitled_entitles_no_one() -> None:
    member = replace(entitling(), applications=frozenset())
    allowed = {action for each in permissions(member) for action in each.actions}
    assert not allowed & set(CHANGES)
    assert "account-access:ListEntitlements" in allowed
    assert parse(boundary(member), name="boundary", kind="boundary")
