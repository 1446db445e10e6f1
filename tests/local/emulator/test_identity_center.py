"""IAM Identity Center and role assumption of the local AWS: roles of permission sets, and whom trust policies admit."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
PATH = "/aws-reserved/sso.amazonaws.com/"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


class PermissionSet:
    """A permission set of a Region, which is assigned to one user or another."""

    def __init__(self, connect: Callable[..., Any], region: str, name: str) -> None:
        self.admin, self.iam = connect("sso-admin", region), connect("iam")
        self.instance = self.admin.list_instances()["Instances"][0]["InstanceArn"]
        made = self.admin.create_permission_set(Name=name, InstanceArn=self.instance)["PermissionSet"]
        self.name, self.arn = name, made["PermissionSetArn"]

    def call(self, operation: str, user: str) -> None:
        getattr(self.admin, f"{operation}_account_assignment")(
            InstanceArn=self.instance,
            TargetId=ACCOUNT,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=self.arn,
            PrincipalType="USER",
            PrincipalId=user,
        )

    def roles(self) -> list[dict[str, Any]]:
        found = self.iam.list_roles(PathPrefix=PATH)["Roles"]
        return [each for each in found if each["RoleName"].startswith(f"AWSReservedSSO_{self.name}_")]


def test_first_assignment_creates_the_role_the_last_deletes_it(connect: Callable[..., Any]) -> None:
    permission_set = PermissionSet(connect, "eu-west-1", "first")
    for user in ("one", "two"):
        permission_set.call("create", user)
    (role,) = permission_set.roles()
    assert (role["Path"], len(role["RoleName"])) == (f"{PATH}eu-west-1/", len("AWSReservedSSO_first_") + 16)
    permission_set.call("delete", "one")
    assert permission_set.roles() == [role]
    permission_set.call("delete", "two")
    assert permission_set.roles() == []
    permission_set.call("create", "one")
    (again,) = permission_set.roles()
    assert again["RoleName"] != role["RoleName"]


def test_role_of_us_east_1_has_no_region_and_the_inline_policy(connect: Callable[..., Any]) -> None:
    permission_set = PermissionSet(connect, "us-east-1", "inline")
    permission_set.call("create", "one")
    policy = document({"Action": "sts:AssumeRole", "Resource": "*"})
    permission_set.admin.put_inline_policy_to_permission_set(
        InstanceArn=permission_set.instance, PermissionSetArn=permission_set.arn, InlinePolicy=policy
    )
    (role,) = permission_set.roles()
    assert role["Path"] == PATH
    held = connect("iam").get_role_policy(RoleName=role["RoleName"], PolicyName="AwsSSOInlinePolicy")
    assert held["PolicyDocument"] == json.loads(policy)


@pytest.fixture
def assume(connect: Callable[..., Any]) -> Callable[..., None]:
    """Assumes a role in a session of the role `caller`, which may assume every role."""
    iam, sts = connect("iam"), connect("sts")
    iam.create_role(RoleName="caller", AssumeRolePolicyDocument="{}")
    everything = document({"Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"})
    iam.put_role_policy(RoleName="caller", PolicyName="x", PolicyDocument=everything)
    iam.create_role(RoleName="weak", AssumeRolePolicyDocument="{}")

    def assumed(trust: str, by: str = "caller", session: str = "olivia", **more: Any) -> None:
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{by}", RoleSessionName="olivia")["Credentials"]
        names = {"AccessKeyId": "aws_access_key_id", "SecretAccessKey": "aws_secret_access_key"}
        keys = {names[key]: given[key] for key in names}
        own = boto3.client("sts", region_name="eu-west-1", endpoint_url=sts.meta.endpoint_url, **keys)
        iam.create_role(RoleName="target", AssumeRolePolicyDocument=trust)
        try:
            own.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/target", RoleSessionName=session, **more)
        finally:
            iam.delete_role(RoleName="target")

    return assumed


ADMITTING = {"Principal": ROOT, "Action": "sts:AssumeRole"}
OLIVIA = {**ADMITTING, "Condition": {"StringLike": {"aws:userid": "AROA*:olivia"}}}


def test_role_is_assumed_as_trust_and_policies_allow(assume: Callable[..., None]) -> None:
    assume(document(ADMITTING))
    assume(document(OLIVIA))
    assume(document({**ADMITTING, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/weak"}}), by="weak")


@pytest.mark.parametrize(
    ("trust", "more"),
    [
        (document({**ADMITTING, "Condition": {"StringLike": {"aws:userid": "*:oscar"}}}), {}),
        (document({**ADMITTING, "Condition": {"StringEquals": {"sts:RoleSessionName": "oscar"}}}), {}),
        (document({**ADMITTING, "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}}}), {}),
        (document({**ADMITTING, "Principal": {"Service": "ec2.amazonaws.com"}}), {}),
        (document(ADMITTING, {**ADMITTING, "Effect": "Deny", "Principal": "*"}), {}),
        (document(ADMITTING), {"by": "weak"}),
        (document(ADMITTING), {"Tags": [{"Key": "a", "Value": "b"}]}),
    ],
)
def test_role_is_not_assumed_otherwise(assume: Callable[..., None], trust: str, more: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(trust, **more)


def test_chained_role_session_lasts_an_hour_at_most(assume: Callable[..., None]) -> None:
    assume(document(ADMITTING), DurationSeconds=3600)
    with pytest.raises(ClientError, match="1 hour session limit"):
        assume(document(ADMITTING), DurationSeconds=3601)
