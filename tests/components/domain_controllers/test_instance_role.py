from __future__ import annotations

import json

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from components.domain_controllers.instance_role import agent_policy, trust_policy


def test_agent_has_managed_policy_actions_without_parameters() -> None:
    managed = json.loads(aws_managed_policies_data)["AmazonSSMManagedInstanceCore"]["Document"]["Statement"]
    actions = {action for statement in managed for action in statement["Action"]}
    (own,) = agent_policy()["Statement"]
    assert set(own["Action"]) == actions - {"ssm:GetParameter", "ssm:GetParameters"}


@pytest.mark.parametrize(("partition", "service"), [("aws", "ec2.amazonaws.com"), ("aws-cn", "ec2.amazonaws.com.cn")])
def test_only_ec2_takes_the_role(partition: str, service: str) -> None:
    (statement,) = trust_policy(partition)["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": service}, "sts:AssumeRole")
