"""Operators of IAM Identity Center: leftovers, renamed and re-created users, and assignments and entitlements of others."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.account_access.settings import AccountAccessSettings
from components.approval.identity_center import (
    IdentityCenterOperators,
    OperatorPerson,
    account_access_trust,
    operator_trust,
)
from components.approval.names import OPERATORS_PATH, RESERVED_PATH, WorkflowLocation
from components.approval.plan import plan_approval
from components.approval.settings import ApprovalSettings
from operations.deployment import Deployment
from operations.inventory.iam import read_role
from operations.inventory.identity_center import read_assignments, read_entitlements, read_operator_roles
from operations.inventory.reader import Identity, Reader, ReadFailure
from operations.verify import identity_center
from operations.verify.policies import role_finding
from tests.support.identity_center import ACCOUNT, IdentityCenter

PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
DEPLOYMENT = Deployment(stack="dev", account_id=ACCOUNT, region="eu-west-1")
IDENTITY = Identity(account_id=ACCOUNT, partition="aws", arn=f"arn:aws:iam::{ACCOUNT}:user/me")
SETTINGS = ApprovalSettings.model_validate(
    {
        "approvers": [{"type": "IamRole", "name": "Approver"}],
        "operators": [{"identityCenterGroup": "Shell"}],
        "identityCenter": {"permissionSet": "ShellUser"},
    }
)


class Directory:
    """Olivia in the group `Shell`, who has her role."""

    def __init__(self, client: Callable[..., Any]) -> None:
        self.client, self.center, self.iam = client, IdentityCenter(client), client("iam")
        self.group = self.center.group("Shell")
        self.olivia = self.center.user("olivia", self.group)
        self.center.assign("ShellUser", self.group)
        self.role(self.olivia, "olivia")

    def role(self, user: str, name: str) -> None:
        person = OperatorPerson(user_id=user, user_name=name)
        path = IdentityCenterOperators(reserved_path=f"{RESERVED_PATH}eu-west-1/")
        self.iam.create_role(
            RoleName=person.role_name,
            Path=OPERATORS_PATH,
            AssumeRolePolicyDocument=json.dumps(operator_trust(SETTINGS, path, person, PLACE)),
        )

    def looked_up(self) -> identity_center.LookedUp:
        return identity_center.look_up(SETTINGS, _Clients(self.client), IDENTITY, "eu-west-1")

    def leftovers(self) -> tuple[str, str]:
        found = identity_center.leftover_finding(DEPLOYMENT, self.looked_up(), read_operator_roles(self.reader()))
        return str(found.status), found.found

    def assignments(self) -> tuple[str, str]:
        live = read_assignments(self.reader(), self.center.store, "ShellUser", ACCOUNT)
        found = identity_center.assignment_finding(self.looked_up(), "ShellUser", live)
        return str(found.status), found.found

    def reader(self) -> Reader:
        return Reader(_Clients(self.client), "eu-west-1", IDENTITY.arn)


class _Clients:
    def __init__(self, client: Callable[..., Any]) -> None:
        self.client = client


@pytest.fixture
def directory(client: Callable[..., Any]) -> Directory:
    return Directory(client)


def test_verify_of_matching_people_finds_nothing(directory: Directory) -> None:
    assert directory.leftovers()[0] == directory.assignments()[0] == "ok"
    assert str(identity_center.lookup_finding(DEPLOYMENT, directory.looked_up()).status) == "ok"


def test_verify_reports_the_role_of_a_former_member(directory: Directory) -> None:
    directory.center.leave(directory.group, directory.olivia)
    status, found = directory.leftovers()
    assert (status, "olivia, who is no operator" in found) == ("different", True)


def test_verify_reports_a_user_name_of_another_user(directory: Directory) -> None:
    directory.center.delete(directory.olivia)
    again = directory.center.user("olivia", directory.group)
    status, found = directory.leftovers()
    assert (status, f"is the user name of user {again} now" in found) == ("different", True)


def test_verify_reports_a_role_that_admits_others(directory: Directory) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    directory.iam.create_role(
        RoleName="Other",
        Path=OPERATORS_PATH,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )
    assert "Other admits others than one person" in directory.leftovers()[1]


def test_verify_compares_a_person_role_with_its_policies(directory: Directory) -> None:
    people = directory.looked_up().operators
    plan = plan_approval(SETTINGS, PLACE, ["eu-west-1"], session_data_encryption=False, operators=people)
    (planned,) = plan.operator_roles
    desired = identity_center.person_role(planned, plan.operator_policies, "")
    found = role_finding(DEPLOYMENT, desired, read_role(directory.reader(), planned.name)).found
    assert "trust policy" not in found
    assert "policy/AllowStartSsmSessionBasedOnIamTags is not attached" in found
    assert "permissions boundary: arn:aws:iam::123456789012:policy/ShellAccessOperatorBoundary expected" in found


def test_verify_warns_of_assignments_of_others(directory: Directory) -> None:
    other = directory.center.user("oscar")
    directory.center.assign("ShellUser", other, "USER")
    assert directory.assignments() == ("warning", f"also assigned to user {other}")
    denied = ReadFailure(action="sso:ListInstances", cause="no", remedy="allow it", refused=True)
    assert str(identity_center.assignment_finding(directory.looked_up(), "ShellUser", denied).status) == "warning"
    unread = ReadFailure(action="sso:ListInstances", cause="no", remedy="try again")
    assert str(identity_center.assignment_finding(directory.looked_up(), "ShellUser", unread).status) == "cannotTell"


def test_lookup_that_fails_compares_the_roles_of_the_account(directory: Directory) -> None:
    unknown = SETTINGS.model_copy(update={"operators": [*SETTINGS.operators, _user("absent")]})
    found = identity_center.look_up(unknown, _Clients(directory.client), IDENTITY, "eu-west-1")
    assert [each.user_name for each in found.operators.people] == ["olivia"]
    assert found.operators.reserved_path == f"{RESERVED_PATH}eu-west-1/"
    finding = identity_center.lookup_finding(DEPLOYMENT, found)
    assert (str(finding.status), 'user "absent"' in finding.found) == ("different", True)
    denied = identity_center.LookedUp(
        problems=("shell-access:approval.operators: expected users, got no answer: denied",)
    )
    assert str(identity_center.lookup_finding(DEPLOYMENT, denied).status) == "cannotTell"


def _user(name: str) -> Any:
    return ApprovalSettings.model_validate({"operators": [{"identityCenterUser": name}]}).operators[0]


SERVICE = "account-access.amazonaws.com"


class EntitledDirectory:
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
        verification = identity_center.AccountAccessVerification(
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
        people = identity_center.look_up(self.approval, _Clients(self.client), IDENTITY, "eu-west-1")
        return identity_center.leftover_finding(DEPLOYMENT, people, read_operator_roles(self.reader())).found


@pytest.fixture
def entitled(client: Callable[..., Any]) -> EntitledDirectory:
    return EntitledDirectory(client)


def test_verify_of_matching_entitlements_finds_nothing(entitled: EntitledDirectory) -> None:
    assert entitled.faults() == {}
    assert "admits" not in entitled.leftovers()


def test_verify_reports_a_missing_entitlement(entitled: EntitledDirectory) -> None:
    oscar = entitled.center.user("oscar", entitled.group)
    assert entitled.faults() == {
        "entitlements": f"different: not entitled: oscar ({entitled.role.replace(entitled.olivia, oscar)})"
    }


def test_verify_reports_entitlements_of_others(entitled: EntitledDirectory) -> None:
    other = entitled.center.user("other")
    by_user = entitled.center.entitle(entitled.application, entitled.role, userId=other)
    by_group = entitled.center.entitle(entitled.application, entitled.role, groupId=entitled.group)
    elsewhere = entitled.iam.create_role(RoleName="Admin", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    entitled.center.entitle(entitled.application, elsewhere, userId=other)
    (found,) = entitled.faults().values()
    assert f"user {other} is entitled to {entitled.role} ({by_user})" in found
    assert f"group {entitled.group} is entitled to {entitled.role} ({by_group})" in found
    assert "Admin" not in found


def test_verify_reports_the_entitlement_of_a_former_member(entitled: EntitledDirectory) -> None:
    entitled.center.leave(entitled.group, entitled.olivia)
    (found,) = entitled.faults().values()
    assert f"user {entitled.olivia} is entitled to {entitled.role}, who is no operator there" in found
    assert f"admits user {entitled.olivia} through account access manager, who is no operator" in entitled.leftovers()


def test_verify_reports_a_user_who_is_created_again(entitled: EntitledDirectory) -> None:
    entitled.center.delete(entitled.olivia)
    again = entitled.center.user("olivia", entitled.group)
    found = entitled.faults()
    assert again in found["entitlements"]
    assert entitled.olivia in found["entitlements-of-others"]
    assert entitled.olivia in entitled.leftovers()


def test_verify_reports_what_entitlements_depend_on(entitled: EntitledDirectory) -> None:
    entitled.client("organizations").disable_aws_service_access(ServicePrincipal=SERVICE)
    assert entitled.faults() == {"trusted-access": "different: it does not"}
    entitled.client("account-access").delete_application(applicationArn=entitled.application)
    found = entitled.faults()
    assert found["application"] == "different: it does not exist"
    assert found["entitlements"].startswith("cannotTell")


def test_verify_in_a_member_account_says_where_to_verify() -> None:
    denied = ReadFailure(action="account-access:ListEntitlements", cause="no", remedy="allow it", refused=True)
    found = identity_center.entitlement_findings(
        "approval-identity-center", "arn:aws:account-access:eu-west-1:1:a", {}, denied, "up"
    )
    assert [str(each.status) for each in found] == ["warning", "warning"]
    assert "in the management account or the delegated administrator" in found[0].remedy


def test_verify_compares_the_role_of_an_entitled_person(entitled: EntitledDirectory) -> None:
    people = identity_center.look_up(entitled.approval, _Clients(entitled.client), IDENTITY, "eu-west-1").operators
    plan = plan_approval(entitled.approval, PLACE, ["eu-west-1"], session_data_encryption=False, operators=people)
    (planned,) = plan.operator_roles

    def differences() -> str:
        desired = identity_center.person_role(planned, plan.operator_policies, "")
        return role_finding(DEPLOYMENT, desired, read_role(entitled.reader(), planned.name)).found

    assert "trust policy" not in differences()
    wider = account_access_trust(entitled.application)
    wider["Statement"][0]["Action"].append("sts:TagSession")  # type: ignore[index]
    entitled.iam.update_assume_role_policy(RoleName=planned.name, PolicyDocument=json.dumps(wider))
    assert "trust policy" in differences()
    roles = read_operator_roles(entitled.reader())
    assert not isinstance(roles, ReadFailure)
    assert [each.application for each in roles] == [""]


def test_entitlements_are_read_by_account(entitled: EntitledDirectory) -> None:
    assert read_entitlements(entitled.reader(), entitled.application, "000000000000") == []
    live = read_entitlements(entitled.reader(), entitled.application, ACCOUNT)
    assert not isinstance(live, ReadFailure)
    assert [(each.id, each.is_own) for each in live] == [(entitled.id, True)]
