from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from policies.separation_of_duties.instances_changed_by_named_principals import RULE
from tests.policies.judging import SILENT, judge, violations
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, ROLE_POLICY, allow, as_policy, document

if TYPE_CHECKING:
    from tests.policies.separation_of_duties.forms import AttachmentForm, Form

INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
PASS = allow("iam:PassRole", on=f"arn:aws:iam::{ACCOUNT}:role/*")

REPORTED = {
    "on everything": [allow("ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances")],
    "user data": [
        allow("ec2:ModifyInstanceAttribute", on=INSTANCES, Condition={"StringEquals": {"ec2:Attribute": "UserData"}})
    ],
    "the root volume": [allow("ec2:CreateReplaceRootVolumeTask", on=INSTANCES)],
    "the role": [allow("ec2:AssociateIamInstanceProfile", on=INSTANCES), PASS],
    "the role, passed to EC2": [
        allow("ec2:ReplaceIamInstanceProfileAssociation"),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
    ],
    "a machine as a node": [allow("ssm:CreateActivation")],
    "another role of a node": [allow("ssm:UpdateManagedInstanceRole")],
}

SPARED = {
    "other services": [allow("*", on=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])],
    "starts and stops": [allow("ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances")],
    "another attribute": [
        allow("ec2:ModifyInstanceAttribute", Condition={"StringEquals": {"ec2:Attribute": "DisableApiTermination"}})
    ],
    "a role without passing it": [allow("ec2:AssociateIamInstanceProfile", on=INSTANCES)],
    "a role passed to another service": [
        allow("ec2:AssociateIamInstanceProfile", on=INSTANCES),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
    ],
    "reading": [allow("ec2:Describe*", "ssm:DescribeActivations")],
    "volumes": [allow("ec2:ModifyInstanceAttribute", on=f"arn:aws:ec2:*:{ACCOUNT}:volume/*")],
}


@pytest.mark.parametrize("statements", REPORTED.values(), ids=REPORTED.keys())
def test_change_is_reported(statements: list[dict[str, Any]]) -> None:
    assert len(violations(RULE, POLICY, as_policy(*statements))) == 1


@pytest.mark.parametrize("statements", SPARED.values(), ids=SPARED.keys())
def test_change_twin_is_not_reported(statements: list[dict[str, Any]]) -> None:
    assert judge(RULE, POLICY, as_policy(*statements)) == SILENT


def test_every_form_is_judged(form: Form) -> None:
    text = json.dumps(document(*REPORTED["on everything"]))
    assert len(violations(RULE, form.type, form.carry(text))) == 1


def test_a_named_principal_is_admitted() -> None:
    text = json.dumps(document(*REPORTED["on everything"]))
    given = {"role": "Deployer", "policy": text}
    assert len(violations(RULE, ROLE_POLICY, given)) == 1
    assert not violations(RULE, ROLE_POLICY, given, allowedPrincipals=["role/Deployer"])


def test_an_attached_policy_of_aws_is_reported(attachment: AttachmentForm) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonEC2FullAccess"
    assert len(violations(RULE, attachment.type, attachment.carry(arn))) == 1
