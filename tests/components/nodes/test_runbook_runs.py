"""The remediation's runbook, published and started on the local AWS; `tests/simulator` plays it by AWS' own simulator."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from components.nodes.names import REMEDIATION_ROLE_NAME, RUNBOOK_NAME, NodesAccount
from components.nodes.role_compliance import remediation_trust, runbook

PLACE = NodesAccount(partition="aws", account_id="123456789012")
POLICY = PLACE.iam("policy/ShellAccessSessionManagerNode")
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
OVER = {"Success", "Failed", "TimedOut", "Cancelled"}


@pytest.fixture
def iam(client: Callable[..., Any]) -> Any:
    """With the policy, the runbook's role, and the runbook beside them."""
    made = client("iam")
    made.create_policy(PolicyName="ShellAccessSessionManagerNode", PolicyDocument=json.dumps(ALLOW))
    trust = json.dumps(remediation_trust(PLACE))
    made.create_role(RoleName=REMEDIATION_ROLE_NAME, AssumeRolePolicyDocument=trust)
    content = json.dumps(runbook(PLACE, [POLICY], ["Breakglass"]))
    client("ssm").create_document(Name=RUNBOOK_NAME, DocumentType="Automation", Content=content)
    return made


def instance_role(iam: Any, name: str) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [EC2]})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["RoleId"]
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return made


def run(ssm: Any, role_id: str) -> dict[str, Any]:
    started = ssm.start_automation_execution(DocumentName=RUNBOOK_NAME, Parameters={"RoleId": [role_id]})
    while True:
        found = ssm.get_automation_execution(AutomationExecutionId=started["AutomationExecutionId"])
        if found["AutomationExecution"]["AutomationExecutionStatus"] in OVER:
            return found["AutomationExecution"]
        time.sleep(0.02)


def attached(iam: Any, name: str) -> list[str]:
    return [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]


def test_role_gets_the_policy_once_and_the_run_says_so(iam: Any, client: Callable[..., Any]) -> None:
    role = instance_role(iam, "Web")
    for _ in range(2):
        done = run(client("ssm"), role)
        assert done["AutomationExecutionStatus"] == "Success"
        assert done["Outputs"]["VerifyAttached.Outcome"] == [f"the role Web has {POLICY}"]
        assert attached(iam, "Web") == [POLICY]


def test_excluded_role_stays_as_it_is_and_the_run_says_why(iam: Any, client: Callable[..., Any]) -> None:
    done = run(client("ssm"), instance_role(iam, "Breakglass"))
    assert done["AutomationExecutionStatus"] == "Failed"
    assert "the role Breakglass is excluded" in done["FailureMessage"]
    assert attached(iam, "Breakglass") == []
