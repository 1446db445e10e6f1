"""Account access manager of the local AWS: who is entitled to which role, and who may say so."""

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from botocore.exceptions import ClientError

from components.approval.identity_center import account_access_trust
from tests.support.identity_center import IdentityCenter

ACCOUNT = "123456789012"
OTHER = "arn:aws:account-access:eu-west-1:123456789012:application/other"


class Access:
    """Olivia, entitled to her role in the account, and Oscar, who is entitled to none."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self.connect, self.center = connect, IdentityCenter(connect)
        self.application = self.center.application()
        self.olivia, self.oscar = self.center.user("olivia"), self.center.user("oscar")
        self.role = self.trust("Olivia", account_access_trust(self.application))
        self.id = self.center.entitle(self.application, self.role, userId=self.olivia)

    def trust(self, name: str, policy: dict[str, Any]) -> str:
        made = self.connect("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))
        return str(made["Role"]["Arn"])

    def refused(self, user: str, role: str) -> int:
        with pytest.raises(HTTPError) as refused:
            self.center.sign_in(self.application, user, role, "x-session")
        return refused.value.code

    def with_keys(self, service: str, keys: dict[str, str]) -> Any:
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.connect("sts").meta.endpoint_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def in_member(self, account: str, service: str) -> Any:
        arn = f"arn:aws:iam::{account}:role/any"
        keys = self.connect("sts").assume_role(RoleArn=arn, RoleSessionName="any")["Credentials"]
        return self.with_keys(service, keys)

    def listed(self, **wanted: Any) -> list[str]:
        chosen = {"principalRole": wanted} if wanted else {}
        found = self.connect("account-access").list_entitlements(applicationArn=self.application, filter=chosen)
        return [each["entitlementId"] for each in found["entitlements"]]


@pytest.fixture
def access(connect: Callable[..., Any]) -> Access:
    return Access(connect)


def test_entitled_user_gets_a_session_of_any_name(access: Access) -> None:
    keys = access.center.sign_in(access.application, access.olivia, access.role, "anton")
    sts = access.with_keys("sts", keys)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Olivia/anton"


def test_entitled_user_gets_a_session_in_a_member_account(access: Access) -> None:
    organization = access.connect("organizations")
    organization.create_organization(FeatureSet="ALL")
    created = organization.create_account(AccountName="payments", Email="payments@example.org")
    account = created["CreateAccountStatus"]["AccountId"]
    member = access.in_member(account, "iam")
    trust = json.dumps(account_access_trust(access.application))
    role = member.create_role(RoleName="Olivia", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert access.refused(access.olivia, role) == 403
    access.center.entitle(access.application, role, userId=access.olivia)
    keys = access.center.sign_in(access.application, access.olivia, role, "anton")
    arn = access.with_keys("sts", keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{account}:assumed-role/Olivia/anton"
    # `aws:SourceAccount` is the account of the application, not that of the role.
    wrong = trust.replace(f'"aws:SourceAccount": "{ACCOUNT}"', f'"aws:SourceAccount": "{account}"')
    assert wrong != trust
    member.update_assume_role_policy(RoleName="Olivia", PolicyDocument=wrong)
    assert access.refused(access.olivia, role) == 403


def test_user_without_an_entitlement_is_denied(access: Access) -> None:
    assert access.refused(access.oscar, access.role) == 403
    assert access.refused("0", access.role) == 401
    group = access.center.group("Shell")
    access.center.entitle(access.application, access.role, groupId=group)
    late = access.center.user("late", group)
    assert access.center.sign_in(access.application, late, access.role, "late-session")


def test_role_of_another_application_is_denied(access: Access) -> None:
    foreign = access.trust("Foreign", account_access_trust(OTHER))
    access.center.entitle(access.application, foreign, userId=access.olivia)
    assert access.refused(access.olivia, foreign) == 403
    trust = json.dumps(account_access_trust(access.application))
    access.connect("iam").update_assume_role_policy(RoleName="Foreign", PolicyDocument=trust)
    assert access.center.sign_in(access.application, access.olivia, foreign, "olivia")


def test_entitlements_are_idempotent_filtered_and_deleted(access: Access) -> None:
    assert access.center.entitle(access.application, access.role, userId=access.olivia) == access.id
    assert access.listed() == access.listed(roleArn=access.role) == access.listed(account=ACCOUNT) == [access.id]
    assert access.listed(account="210987654321") == []
    for role, user, cause in (("Gone", access.olivia, "verifying role"), ("Olivia", "0" * 8, "no principal")):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        with pytest.raises(ClientError, match=cause):
            access.center.entitle(access.application, arn, userId=f"{user[:8]}-0000-0000-0000-000000000000")
    client = access.connect("account-access")
    for _ in range(2):
        client.delete_entitlement(applicationArn=access.application, entitlementId=access.id)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_entitlement(applicationArn=access.application, entitlementId=access.id)


def test_member_account_reads_nothing_until_delegated(access: Access) -> None:
    organization, service = access.connect("organizations"), "account-access.amazonaws.com"
    organization.create_organization(FeatureSet="ALL")
    created = organization.create_account(AccountName="security", Email="security@example.org")
    account = created["CreateAccountStatus"]["AccountId"]
    member = access.in_member(account, "account-access")
    with pytest.raises(member.exceptions.AccessDeniedException):
        member.list_entitlements(applicationArn=access.application, filter={})
    assert member.list_applications()["applications"] == []
    organization.enable_aws_service_access(ServicePrincipal=service)
    organization.register_delegated_administrator(AccountId=account, ServicePrincipal=service)
    assert len(member.list_entitlements(applicationArn=access.application, filter={})["entitlements"]) == 1
