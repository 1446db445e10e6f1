import json
import re

import pytest

from local.workspace import REPOSITORY
from policies.separation_of_duties import RULES
from policies.separation_of_duties.node_logins_need_approval import RULE
from tests.policies.judging import SILENT, Judgment, judge
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, allow, as_policy, deny
from tests.policies.separation_of_duties.identity_rules import IdentityRuleTests

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


class TestNodeLogins(IdentityRuleTests):
    rule, reported, excluded = RULE, REPORTED, SPARED
    attached = "arn:aws:iam::aws:policy/EC2InstanceConnect"


@pytest.mark.parametrize("name", REPORTED)
def test_just_in_time_access_exempts_its_requests_only(name: str) -> None:
    found = judge(RULE, POLICY, as_policy(*REPORTED[name]), justInTimeAccess=True)
    assert (found == SILENT) == (name in ("just-in-time access", "its token"))


def test_permissions_of_the_guide_are_accepted() -> None:
    guide = (REPOSITORY / "docs" / "just-in-time.md").read_text()
    *listed, modes = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", guide, re.DOTALL))
    assert len(listed) == 2
    for statements in listed:
        given = as_policy(*statements)
        for rule in RULES:
            assert judge(rule, POLICY, given, **modes.get(rule.id, {})) in (SILENT, Judgment(not_applicable=[""])), (
                rule.id
            )
