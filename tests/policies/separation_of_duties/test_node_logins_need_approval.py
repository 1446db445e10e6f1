from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from policies.separation_of_duties.node_logins_need_approval import RULE
from tests.policies.judging import SILENT, judge, violations
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, ROLE_POLICY, allow, as_policy, deny, document

if TYPE_CHECKING:
    from tests.policies.separation_of_duties.forms import AttachmentForm, Form

INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"

REPORTED = {
    "on everything": [allow("ec2-instance-connect:SendSSHPublicKey")],
    "a key on one instance": [
        allow(
            "ec2-instance-connect:SendSSHPublicKey", on=f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
        )
    ],
    "a key for a user": [
        allow("ec2-instance-connect:*", on=INSTANCES, Condition={"StringEquals": {"ec2:osuser": "ec2-user"}})
    ],
    "the serial console": [allow("ec2-instance-connect:SendSerialConsoleSSHPublicKey", on=INSTANCES)],
    "ECS Exec": [allow("ecs:ExecuteCommand")],
    "ECS Exec in a cluster": [allow("ecs:Execute*", on=f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/web")],
    "ECS Exec in tasks by tag": [
        allow("ecs:ExecuteCommand", on="*", Condition={"StringEquals": {"ecs:ResourceTag/team": "web"}})
    ],
    "just-in-time access": [allow("ssm:StartAccessRequest", on=INSTANCES)],
    "its token": [allow("ssm:GetAccessToken", on=f"arn:aws:ssm:*:{ACCOUNT}:opsitem/*")],
    "GUI Connect": [allow("ssm-guiconnect:StartConnection", "ssm:StartSession")],
}

SPARED = {
    "reading": [allow("ec2:Describe*", "ecs:Describe*", "ecs:List*", "ssm:Get*", "ssm:Describe*")],
    "a tunnel": [allow("ec2-instance-connect:OpenTunnel")],
    "deployments": [allow("ecs:UpdateService", "ecs:RegisterTaskDefinition", "ecs:DescribeServices")],
    "the agent of a task": [allow("ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel")],
    "GUI Connect without sessions": [allow("ssm-guiconnect:GetConnection", "ssm-guiconnect:StartConnection")],
    "denied": [allow("ecs:*"), deny("ecs:ExecuteCommand")],
    "other resources": [allow("*", on="arn:aws:s3:::bucket/*")],
}


@pytest.mark.parametrize("statements", REPORTED.values(), ids=REPORTED.keys())
def test_login_is_reported(statements: list[dict[str, Any]]) -> None:
    assert len(violations(RULE, POLICY, as_policy(*statements))) == 1


@pytest.mark.parametrize("statements", SPARED.values(), ids=SPARED.keys())
def test_login_twin_is_not_reported(statements: list[dict[str, Any]]) -> None:
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
    arn = "arn:aws:iam::aws:policy/EC2InstanceConnect"
    assert len(violations(RULE, attachment.type, attachment.carry(arn))) == 1
