"""Identity and Access Management of the local AWS, where moto lets more through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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
