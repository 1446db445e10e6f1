import json
from typing import Any

import pytest

from policies.domain_controllers.controller_tier_zero import CONTROLLER_TIER_ZERO as RULE
from tests.policies.domain_controllers.stacks import INSTANCE, MARKED
from tests.policies.judging import SILENT, Made, judge_stack
from tests.policies.separation_of_duties.forms import POLICY, ROLE_POLICY, allow, as_policy, document

CONTROLLER = Made(INSTANCE, "dc", {"tags": MARKED})
MEMBER = Made(INSTANCE, "member", {"tags": {}})
OTHERS = {"StringNotEquals": {"aws:ResourceTag/Role": "DomainController"}}


def policy(*statements: dict[str, Any]) -> Made:
    return Made(POLICY, "policy", as_policy(*statements))


def violations(*statements: dict[str, Any], **config: Any) -> list[str]:
    return judge_stack(RULE, CONTROLLER, policy(*statements), **config).violations


@pytest.mark.parametrize(
    "action",
    [
        *(
            "ec2:CreateSnapshot",
            "ec2:CopySnapshot",
            "ec2:ModifySnapshotAttribute",
            "ec2:CreateImage",
            "ec2:AttachVolume",
        ),
        *("ebs:GetSnapshotBlock", "ssm:StartAssociationsOnce", "ssm:RegisterTargetWithMaintenanceWindow"),
        *("ssm:RegisterPatchBaselineForPatchGroup", "ssm:UpdatePatchBaseline", "ec2:*"),
        *("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:PutResourcePolicy"),
    ],
)
def test_right_over_controllers_is_reported(action: str) -> None:
    (said,) = violations(allow(action))
    assert "policy" in said
    assert judge_stack(RULE, MEMBER, policy(allow(action))) == SILENT


@pytest.mark.parametrize(
    "action", ["ec2:CreateSnapshot", "ec2:CreateImage", "ebs:GetSnapshotBlock", "secretsmanager:GetSecretValue"]
)
def test_right_over_other_resources_is_accepted(action: str) -> None:
    assert violations(allow(action, Condition=OTHERS)) == []
    denied = {
        **allow(action),
        "Effect": "Deny",
        "Condition": {"StringEquals": {"aws:ResourceTag/Role": "DomainController"}},
    }
    assert violations(allow(action), denied) == []


def test_reading_and_other_services_are_accepted() -> None:
    assert violations(allow("ec2:Describe*", "ssm:Describe*", "s3:*")) == []


def test_named_principals_and_policies_are_accepted() -> None:
    text = json.dumps(document(allow("ec2:CreateSnapshot")))
    held = Made(ROLE_POLICY, "inline", {"role": "Directory", "policy": text})
    assert len(judge_stack(RULE, CONTROLLER, held).violations) == 1
    assert judge_stack(RULE, CONTROLLER, held, allowedPrincipals=["role/Directory"]) == SILENT
