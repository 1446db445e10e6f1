"""Identity and Access Management of the local AWS, where moto lets more through."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def test_attaching_twice_attaches_once(connect: Callable[..., Any]) -> None:
    iam = connect("iam")
    arn = iam.create_policy(PolicyName="attached-twice", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_role(RoleName="attached-twice", AssumeRolePolicyDocument=POLICY)
    iam.create_user(UserName="attached-twice")
    for _ in range(2):
        iam.attach_role_policy(RoleName="attached-twice", PolicyArn=arn)
        iam.attach_user_policy(UserName="attached-twice", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    iam.detach_role_policy(RoleName="attached-twice", PolicyArn=arn)
    iam.detach_user_policy(UserName="attached-twice", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_role_that_a_profile_does_not_have_is_not_found(connect: Callable[..., Any]) -> None:
    iam = connect("iam")
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=POLICY)
    iam.create_instance_profile(InstanceProfileName="node")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
    iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="node")
    assert iam.get_instance_profile(InstanceProfileName="node")["InstanceProfile"]["Roles"] == []
