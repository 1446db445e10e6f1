"""Role compliance: the rule in AWS Config's format, and the remediation's runbook on the local AWS.

AWS' own programs evaluate the rule and play the runbook (`tests/simulator`).
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.arns import Scope
from common.limits import excess_problems
from components.account import Account
from components.nodes.names import REMEDIATION_ROLE_NAME, RUNBOOK_NAME
from components.nodes.role_compliance import generated_texts, remediation_trust, role_rule, runbook
from components.nodes.settings import MAX_EXCLUDED_ROLES, RoleComplianceSettings
from components.session_manager.instance_policy import MOST_POLICIES
from components.session_manager.names import numbered

RULE_POLICY = "arn:aws-us-gov:iam::111122223333:policy/ShellAccessSessionManagerNode"


def test_longest_exclusions_and_all_policies_fit() -> None:
    names = [f"{number:03}{'x' * 61}" for number in range(MAX_EXCLUDED_ROLES)]
    policies = list(numbered("ShellAccessSessionManagerNode", range(MOST_POLICIES)))
    account = Account(id="111122223333", partition="aws-us-gov")
    generated = list(generated_texts(RoleComplianceSettings(excluded_roles=names), account, policies))
    assert excess_problems(generated) == []
    assert {each.quota.holder for each in generated} == {
        "a custom policy rule of AWS Config",
        "a role",
        "a trust policy",
        "a Systems Manager document",
    }


def test_every_policy_has_to_be_attached() -> None:
    rule = role_rule([RULE_POLICY, f"{RULE_POLICY}-2"], [])
    assert [line.strip() for line in rule.splitlines()[-3:-1]] == [
        f'configuration.attachedManagedPolicies[ policyArn == "{RULE_POLICY}" ] !empty',
        f'configuration.attachedManagedPolicies[ policyArn == "{RULE_POLICY}-2" ] !empty',
    ]


def test_no_quotation_mark_is_escaped_as_guard_2_fails_on_that() -> None:
    assert '\\"' not in role_rule([RULE_POLICY], ["Breakglass", "a+b=c,d.e@f-g"])


def test_same_exclusions_make_the_same_rule() -> None:
    assert role_rule([RULE_POLICY], ["B", "A"]) == role_rule([RULE_POLICY], ["A", "B", "A"])


PLACE = Scope(partition="aws", account_id="123456789012")
RUNBOOK_POLICY = PLACE.iam("policy/ShellAccessSessionManagerNode")
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
    content = json.dumps(runbook(PLACE, [RUNBOOK_POLICY], ["Breakglass"]))
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
        assert done["Outputs"]["VerifyAttached.Outcome"] == [f"the role Web has {RUNBOOK_POLICY}"]
        assert attached(iam, "Web") == [RUNBOOK_POLICY]


def test_excluded_role_stays_as_it_is_and_the_run_says_why(iam: Any, client: Callable[..., Any]) -> None:
    done = run(client("ssm"), instance_role(iam, "Breakglass"))
    assert done["AutomationExecutionStatus"] == "Failed"
    assert "the role Breakglass is excluded" in done["FailureMessage"]
    assert attached(iam, "Breakglass") == []
