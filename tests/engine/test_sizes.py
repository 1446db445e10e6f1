"""Names that outgrow a managed policy, and roles without room, on the real engine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.nodes.names import HOST_MANAGED_POLICY, HOST_ROLE_NAME, RULE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from tests.engine.test_nodes import attached
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

REGIONS = ["eu-west-1", "us-east-1", "eu-central-1"]
POLICIES = [INSTANCE_POLICY_NAME, f"{INSTANCE_POLICY_NAME}-2"]
LONG: dict[str, Any] = {
    "regions": REGIONS,
    "tags": {"owner": "platform-security"},
    "sessionManager": {
        "s3Logging": True,
        "s3BucketName": "org-session-logs",
        "s3KeyPrefix": "p" * 512,
        "instanceRoles": ["WorkloadInstance"],
        "regionOverrides": {region: {"cwLogGroupName": f"{region}-{'g' * 480}"} for region in REGIONS},
    },
    "nodes": {"roleCompliance": {"remediation": "automatic"}, "defaultHostManagement": {}},
}


def verified(stack: Stack) -> str:
    done = stack.operate("verify")
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_long_names_are_split_into_policies_for_every_node(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(LONG)
    stack.up().succeeded()
    arns = [f"arn:aws:iam::123456789012:policy/{name}" for name in POLICIES]
    outputs = stack.outputs()
    assert (outputs["instancePolicyArn"], outputs["instancePolicyArns"]) == (arns[0], arns)
    assert attached(aws, "WorkloadInstance") >= set(POLICIES)
    assert attached(aws, HOST_ROLE_NAME) == {HOST_MANAGED_POLICY, *POLICIES}
    rule = aws("config").get_custom_rule_policy(ConfigRuleName=RULE_NAME)["PolicyText"]
    assert all(f'policyArn == "{arn}"' in rule for arn in arns)
    assert stack.preview("--expect-no-changes").succeeded().steps == {}
    assert verified(stack) == ""
    aws("iam").detach_role_policy(RoleName="WorkloadInstance", PolicyArn=arns[1])
    said = verified(stack)
    assert f"managed policy {POLICIES[1]}" in said or "not attached to WorkloadInstance" in said
    stack.configure({**LONG, "sessionManager": {"instanceRoles": ["WorkloadInstance"]}})
    stack.up().succeeded()
    assert attached(aws, HOST_ROLE_NAME) == {HOST_MANAGED_POLICY, INSTANCE_POLICY_NAME}
    stack.destroy().succeeded()
    assert not set(POLICIES) & attached(aws, "WorkloadInstance")


def test_exceeded_quotas_are_refused_together(stack: Stack, aws: Callable[..., Any]) -> None:
    iam = aws("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    for number in range(10 - len(attached(aws, "WorkloadInstance"))):
        made = iam.create_policy(PolicyName=f"theirs-{number}", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="WorkloadInstance", PolicyArn=made)
    topics = [f"arn:aws:sns:eu-west-1:123456789012:alarms-{number}" for number in range(5)]
    stack.configure(
        {
            "sessionManager": {"instanceRoles": ["WorkloadInstance"]},
            "approval": {
                "operatorRoles": ["Operator"],
                "approvers": [{"type": "IamRole", "name": "Approver"}],
                "alarmTopicArns": topics,
            },
            "domainControllers": {"administratorRoles": [f"{number:02}{'r' * 62}" for number in range(30)]},
        }
    )
    for run in (stack.preview().failed(), stack.up().failed()):
        assert "The configuration has 4 problems; nothing was changed" in run.text
        assert "shell-access:sessionManager.instanceRoles[0]: expected room for 1 more managed policies" in run.text
        assert "shell-access:approval.alarmTopicArns: expected the topics of an EventBridge rule" in run.text
        assert "shell-access:domainControllers.administratorRoles: expected the policy " in run.text
        assert run.steps == {}
