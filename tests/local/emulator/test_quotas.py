"""Sizes and numbers that AWS refuses; the source of each quota is named in the extension of its service."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.conftest import Connect

SERVICE = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


def policy(length: int, **more: Any) -> str:
    """A policy of so many characters that are no white space, and many that are."""
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/", **more}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    missing = length - len(json.dumps(document, separators=(",", ":")))
    statement["Resource"] += "x" * missing
    return json.dumps(document, indent=8)


def trust(length: int) -> str:
    document = {"Version": "2012-10-17", "Statement": [{**SERVICE, "Sid": ""}]}
    document["Statement"][0]["Sid"] = "x" * (length - len(json.dumps(document, separators=(",", ":"))))
    return json.dumps(document, indent=8)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response["Error"]
    return answer["Code"], answer["Message"]


def test_managed_policy_has_6144_characters(iam: Any) -> None:
    too_long = ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    arn = iam.create_policy(PolicyName="fits", PolicyDocument=policy(6_144))["Policy"]["Arn"]
    assert refused(iam.create_policy, PolicyName="long", PolicyDocument=policy(6_145)) == too_long
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(6_144))
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy(6_145)) == too_long


def test_trust_policy_has_2048_characters(iam: Any) -> None:
    too_long = ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
    iam.create_role(RoleName="fits", AssumeRolePolicyDocument=trust(2_048))
    assert refused(iam.create_role, RoleName="long", AssumeRolePolicyDocument=trust(2_049)) == too_long
    iam.update_assume_role_policy(RoleName="fits", PolicyDocument=trust(2_048))
    assert refused(iam.update_assume_role_policy, RoleName="fits", PolicyDocument=trust(2_049)) == too_long


def test_inline_policies_have_one_quota_together(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(200))
    iam.create_user(UserName="u")
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=policy(6_000))
    iam.put_role_policy(RoleName="r", PolicyName="b", PolicyDocument=policy(4_240))
    iam.put_role_policy(RoleName="r", PolicyName="b", PolicyDocument=policy(4_240))
    assert refused(iam.put_role_policy, RoleName="r", PolicyName="b", PolicyDocument=policy(4_241)) == (
        "LimitExceeded",
        "Maximum policy size of 10240 bytes exceeded for role r",
    )
    assert refused(iam.put_user_policy, UserName="u", PolicyName="a", PolicyDocument=policy(2_049)) == (
        "LimitExceeded",
        "Maximum policy size of 2048 bytes exceeded for user u",
    )


def test_role_and_user_have_ten_managed_policies(iam: Any) -> None:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(200))
    iam.create_user(UserName="u")
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=policy(200))["Policy"]["Arn"] for number in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
        iam.attach_user_policy(UserName="u", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=arns[0])
    assert refused(iam.attach_role_policy, RoleName="r", PolicyArn=arns[10]) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerRole: 10",
    )
    assert refused(iam.attach_user_policy, UserName="u", PolicyArn=arns[10])[1].endswith("PoliciesPerUser: 10")


def test_key_and_topic_policies_have_sizes(kms: Any, connect: Connect) -> None:
    key = kms.create_key(Policy=policy(20_000))["KeyMetadata"]["KeyId"]
    assert refused(kms.create_key, Policy=policy(33_000))[0] == "LimitExceededException"
    assert refused(kms.put_key_policy, KeyId=key, Policy=policy(33_000))[0] == "LimitExceededException"
    sns = connect("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    given = {"TopicArn": topic, "AttributeName": "Policy"}
    sns.set_topic_attributes(**given, AttributeValue=policy(30_000))
    assert refused(sns.set_topic_attributes, **given, AttributeValue=policy(31_000))[0] == "InvalidParameter"
    assert refused(sns.create_topic, Name="u", Attributes={"Policy": policy(31_000)})[0] == "InvalidParameter"


def test_rule_has_a_short_pattern_and_five_targets(connect: Connect) -> None:
    events = connect("events")

    def pattern(length: int) -> str:
        return json.dumps({"source": ["x" * (length - len('{"source": [""]}'))]})

    events.put_rule(Name="r", EventPattern=pattern(2_048))
    assert refused(events.put_rule, Name="s", EventPattern=pattern(2_049))[0] == "LimitExceededException"
    targets = [{"Id": str(number), "Arn": "arn:aws:sns:eu-west-1:123456789012:t"} for number in range(6)]
    events.put_targets(Rule="r", Targets=targets[:4])
    events.put_targets(Rule="r", Targets=targets[3:5])
    assert refused(events.put_targets, Rule="r", Targets=targets[5:])[0] == "LimitExceededException"
