"""Entitlements of account access manager, verified: missing ones, those of others, and what they depend on."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.account_access.settings import AccountAccessSettings
from components.approval.identity_center import OperatorPerson, account_access_trust
from components.approval.names import OPERATORS_PATH
from components.approval.plan import plan_approval
from components.approval.settings import ApprovalSettings
from operations.inventory.iam import read_role
from operations.inventory.identity_center import read_entitlements, read_operator_roles
from operations.inventory.reader import Reader, ReadFailure
from operations.verify.identity_center import (
    AccountAccessVerification,
    entitlement_findings,
    leftover_finding,
    look_up,
    person_role,
)
from operations.verify.policies import role_finding
from tests.operations.verify.test_identity_center import DEPLOYMENT, IDENTITY, PLACE, _Clients
from tests.support.identity_center import ACCOUNT, IdentityCenter

SERVICE = "account-access.amazonaws.com"


class Directory:
    """Olivia in the group `Shell`, with her role and her entitlement."""

    def __init__(self, client: Callable[..., Any]) -> None:
        self.client, self.center, self.iam = client, IdentityCenter(client), client("iam")
        organizations = client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        organizations.enable_aws_service_access(ServicePrincipal=SERVICE)
        self.application = self.center.application()
        self.group = self.center.group("Shell")
        self.olivia = self.center.user("olivia", self.group)
        self.role = self.create(self.olivia)
        self.id = self.center.entitle(self.application, self.role, userId=self.olivia)

    def create(self, user: str) -> str:
        made = self.iam.create_role(
            RoleName=OperatorPerson(user_id=user, user_name="x").role_name,
            Path=OPERATORS_PATH,
            AssumeRolePolicyDocument=json.dumps(account_access_trust(self.application)),
        )
        return str(made["Role"]["Arn"])

    def faults(self) -> dict[str, str]:
        """Findings of the stack with the entitlements that are not OK."""
        section = {
            "applicationArn": self.application,
            "operators": [{"identityCenterGroup": "Shell", "accounts": [ACCOUNT]}],
        }
        verification = AccountAccessVerification(
            clients=_Clients(self.client),
            identity=IDENTITY,
            deployment=DEPLOYMENT,
            settings=AccountAccessSettings.model_validate(section),
        )
        found = [each for each in verification.findings() if each.status != "ok"]
        return {each.check.removeprefix("account-access-"): f"{each.status}: {each.found}" for each in found}

    @property
    def approval(self) -> ApprovalSettings:
        access = {"access": "account-access-manager", "applicationArn": self.application}
        given = {
            "approvers": [{"type": "IamRole", "name": "Approver"}],
            "operators": [{"identityCenterGroup": "Shell"}],
        }
        return ApprovalSettings.model_validate({**given, "identityCenter": access})

    def reader(self) -> Reader:
        return Reader(_Clients(self.client), "eu-west-1", IDENTITY.arn)

    def leftovers(self) -> str:
        people = look_up(self.approval, _Clients(self.client), IDENTITY, "eu-west-1")
        return leftover_finding(DEPLOYMENT, people, read_operator_roles(self.reader())).found


@pytest.fixture
def directory(client: Callable[..., Any]) -> Directory:
    return Directory(client)


def test_verify_of_matching_entitlements_finds_nothing(directory: Directory) -> None:
    assert directory.faults() == {}
    assert "admits" not in directory.leftovers()


def test_verify_reports_a_missing_entitlement(directory: Directory) -> None:
    oscar = directory.center.user("oscar", directory.group)
    assert directory.faults() == {
        "entitlements": f"different: not entitled: oscar ({directory.role.replace(directory.olivia, oscar)})"
    }


def test_verify_reports_entitlements_of_others(directory: Directory) -> None:
    other = directory.center.user("other")
    by_user = directory.center.entitle(directory.application, directory.role, userId=other)
    by_group = directory.center.entitle(directory.application, directory.role, groupId=directory.group)
    elsewhere = directory.iam.create_role(RoleName="Admin", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    directory.center.entitle(directory.application, elsewhere, userId=other)
    (found,) = directory.faults().values()
    assert f"user {other} is entitled to {directory.role} ({by_user})" in found
    assert f"group {directory.group} is entitled to {directory.role} ({by_group})" in found
    assert "Admin" not in found


def test_verify_reports_the_entitlement_of_a_former_member(directory: Directory) -> None:
    directory.center.leave(directory.group, directory.olivia)
    (found,) = directory.faults().values()
    assert f"user {directory.olivia} is entitled to {directory.role}, who is no operator there" in found
    assert f"admits user {directory.olivia} through account access manager, who is no operator" in directory.leftovers()


def test_verify_reports_a_user_who_is_created_again(directory: Directory) -> None:
    directory.center.delete(directory.olivia)
    again = directory.center.user("olivia", directory.group)
    found = directory.faults()
    assert again in found["entitlements"]
    assert directory.olivia in found["entitlements-of-others"]
    assert directory.olivia in directory.leftovers()


def test_verify_reports_what_entitlements_depend_on(directory: Directory) -> None:
    directory.client("organizations").disable_aws_service_access(ServicePrincipal=SERVICE)
    assert directory.faults() == {"trusted-access": "different: it does not"}
    directory.client("account-access").delete_application(applicationArn=directory.application)
    found = directory.faults()
    assert found["application"] == "different: it does not exist"
    assert found["entitlements"].startswith("cannotTell")


def test_verify_in_a_member_account_says_where_to_verify() -> None:
    denied = ReadFailure(action="account-access:ListEntitlements", cause="no", remedy="allow it", refused=True)
    found = entitlement_findings("approval-identity-center", "arn:aws:account-access:eu-west-1:1:a", {}, denied, "up")
    assert [str(each.status) for each in found] == ["warning", "warning"]
    assert "in the management account or the delegated administrator" in found[0].remedy


def test_verify_compares_the_role_of_an_entitled_person(directory: Directory) -> None:
    people = look_up(directory.approval, _Clients(directory.client), IDENTITY, "eu-west-1").operators
    plan = plan_approval(directory.approval, PLACE, ["eu-west-1"], session_data_encryption=False, operators=people)
    (planned,) = plan.operator_roles

    def differences() -> str:
        desired = person_role(planned, plan.operator_policies, "")
        return role_finding(DEPLOYMENT, desired, read_role(directory.reader(), planned.name)).found

    assert "trust policy" not in differences()
    wider = account_access_trust(directory.application)
    wider["Statement"][0]["Action"].append("sts:TagSession")  # type: ignore[index]
    directory.iam.update_assume_role_policy(RoleName=planned.name, PolicyDocument=json.dumps(wider))
    assert "trust policy" in differences()
    roles = read_operator_roles(directory.reader())
    assert not isinstance(roles, ReadFailure)
    assert [each.application for each in roles] == [""]


def test_entitlements_are_read_by_account(directory: Directory) -> None:
    assert read_entitlements(directory.reader(), directory.application, "000000000000") == []
    live = read_entitlements(directory.reader(), directory.application, ACCOUNT)
    assert not isinstance(live, ReadFailure)
    assert [(each.id, each.is_own) for each in live] == [(directory.id, True)]
