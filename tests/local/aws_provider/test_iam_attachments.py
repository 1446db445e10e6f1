"""Policies inside roles and policies of users (Terraform AWS provider: internal/service/iam)."""

import json
from typing import Any

import pytest

role_policy = "aws:iam/rolePolicy:RolePolicy"
attachment = "aws:iam/userPolicyAttachment:UserPolicyAttachment"


def allow(action: str = "s3:GetObject") -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


@pytest.fixture
def iam(aws: Any) -> Any:
    client = aws("iam")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(allow("sts:AssumeRole")))
    client.create_user(UserName="u")
    return client


@pytest.mark.usefixtures("iam")
def test_policy_of_a_role_is_known_by_role_and_name(provider: Any) -> None:
    made = provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow()})
    assert made.id == "r:n"
    assert provider.unchanged(role_policy, "p", {"role": "r", "name": "n", "policy": json.dumps(allow(), indent=2)})


def test_policy_of_a_role_changes_in_place_and_overwrites(provider: Any, iam: Any) -> None:
    iam.put_role_policy(RoleName="r", PolicyName="n", PolicyDocument=json.dumps(allow("a:b")))
    provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow()})
    provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow("c:d")})
    assert iam.get_role_policy(RoleName="r", PolicyName="n")["PolicyDocument"] == allow("c:d")
    iam.delete_role_policy(RoleName="r", PolicyName="n")
    assert provider.refresh(role_policy, "p") is None


@pytest.mark.usefixtures("iam")
@pytest.mark.parametrize("change", [{"role": "other"}, {"name": "m"}])
def test_role_and_name_replace(provider: Any, change: dict[str, Any]) -> None:
    provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow()})
    answer = provider.diff(role_policy, "p", {"role": "r", "name": "n", "policy": allow(), **change})
    assert list(answer.replaces) == list(change)


def test_arn_of_a_role_is_refused(provider: Any) -> None:
    with pytest.raises(Exception, match="must be the role's name not its ARN"):
        provider.check(role_policy, "p", {"role": "arn:aws:iam::123456789012:role/r", "policy": allow()})


def test_attachment_to_a_user_is_replaced_delete_first(provider: Any, iam: Any) -> None:
    one, two = (
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(allow()))["Policy"]["Arn"]
        for name in ("one", "two")
    )
    made = provider.up(attachment, "a", {"user": "u", "policyArn": one})
    assert made.id == f"u/{one}"
    assert provider.unchanged(attachment, "a", {"user": "u", "policyArn": one})
    answer = provider.diff(attachment, "a", {"user": "u", "policyArn": two})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["policyArn"], True)
    iam.detach_user_policy(UserName="u", PolicyArn=one)
    assert provider.refresh(attachment, "a") is None
