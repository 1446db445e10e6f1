"""The audit and another evaluator agree on AWS' managed policies, but for differences that are explained."""

import json
from functools import cache
from itertools import product
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from common.iam.principals import Principal, read_account
from operations.audit.audit_context import AuditContext
from operations.audit.evaluator import Evaluator
from operations.audit.rules import RULES
from tests.operations.audit.accounts import ACCOUNT, ARN, WHO, baseline, names
from tests.operations.audit.simple_evaluator import allows

SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
AWS_SSM = "arn:aws:ssm:eu-west-1:"
NODE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
MANAGED = f"{SSM}:managed-instance/mi-0123456789abcdef0"
TASK = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/main/0123456789abcdef0"
RUNBOOK = (f"{SSM}:document/AllowStartSsmSession", f"{SSM}:automation-definition/AllowStartSsmSession:$DEFAULT")
OPERATORS = (f"{ARN}:user/operators/operator1", f"{ARN}:role/operators/Operator")
TAG = {"aws:TagKeys": "SecurityAllowSessionInstance"}

Step = tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]


def step(actions: str | tuple[str, ...], *resources: str, **context: str) -> Step:
    several = (actions,) if isinstance(actions, str) else actions
    return several, resources, {key.replace("_", ":"): value for key, value in context.items()}


# What has to be allowed for a rule, as other people would try it: one step of each alternative.
PROBES: dict[str, list[list[Step]]] = {
    "session-any-node": [[step("ssm:StartSession", NODE, MANAGED, TASK)]],
    "ecs-execute-command": [[step("ecs:ExecuteCommand", TASK, f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/main")]],
    "session-resume-others": [[step("ssm:ResumeSession", f"{SSM}:session/alice-0123456789abcdef0")]],
    "session-terminate-others": [[step("ssm:TerminateSession", f"{SSM}:session/alice-0123456789abcdef0")]],
    "ssm-send-command": [
        [
            step("ssm:SendCommand", NODE, MANAGED),
            step("ssm:SendCommand", f"{AWS_SSM}:document/AWS-RunShellScript", f"{SSM}:document/Mine"),
        ]
    ],
    "ssm-start-other-runbooks": [
        [
            step(
                "ssm:StartAutomationExecution",
                f"{AWS_SSM}:automation-definition/AWSSupport-ResetAccess:1",
                f"{AWS_SSM}:document/AWS-UpdateLinuxAmi",
                f"{SSM}:automation-definition/Mine:3",
            )
        ]
    ],
    "ssm-maintenance-window-task": [
        [step("ssm:RegisterTaskWithMaintenanceWindow", f"{SSM}:maintenancewindow/mw-0123456789abcdef0")]
    ],
    "ec2-instance-connect": [
        [step("ec2-instance-connect:SendSSHPublicKey", NODE)],
        [step("ec2-instance-connect:OpenTunnel", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance-connect-endpoint/eice-0")],
    ],
    "ec2-serial-console": [
        [step("ec2-instance-connect:SendSerialConsoleSSHPublicKey", NODE)],
        [step("ec2:EnableSerialConsoleAccess", "*")],
    ],
    "ec2-change-user-data": [[step("ec2:ModifyInstanceAttribute", NODE)]],
    "iam-set-approval-tag": [
        [step(("iam:TagUser", "iam:UntagUser"), OPERATORS[0])],
        [step(("iam:TagRole", "iam:UntagRole"), OPERATORS[1])],
    ],
    "iam-create-credentials": [
        [step(("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"), OPERATORS[0])]
    ],
    "approval-change-documents": [
        [step(("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", "ssm:DeleteDocument"), RUNBOOK[0])]
    ],
    "approval-start-runbook": [[step("ssm:StartAutomationExecution", *RUNBOOK)]],
    "approval-send-signal": [[step("ssm:SendAutomationSignal", f"{SSM}:automation-execution/0123456789abcdef0")]],
    "change-session-preferences": [
        [step(("ssm:UpdateDocument", "ssm:CreateDocument"), f"{SSM}:document/SSM-SessionManagerRunShell")]
    ],
    "change-service-settings": [
        [
            step(
                "ssm:UpdateServiceSetting",
                f"{SSM}:servicesetting/ssm/managed-instance/default-ec2-instance-management-role",
            )
        ]
    ],
    "pass-role-to-automation": [
        [step("iam:PassRole", f"{ARN}:role/SsmSessionControlChangeMangerRole", iam_PassedToService="ssm.amazonaws.com")]
    ],
}

# Differences that are right, by policy: what the audit reports and the other evaluator does not, or the reverse.
_ALSO_SCRIPTS = "names another document of AWS that runs what its caller gives than the probe tries"
_TAGGED = "instances with a tag of the service: the audit counts such tags as met, the probe has none"
_ALSO_DRIVES = "names AWS-AttachIAMToInstance, which the probe does not try"
EXPLAINED: dict[str, dict[str, str]] = {
    "AWSDirectoryServiceServiceRolePolicy": {"ssm-send-command": _ALSO_SCRIPTS},
    "AWSEC2VssRestorePolicy": {"ssm-send-command": _ALSO_SCRIPTS},
    "AWSMigrationHubOrchestratorServiceRolePolicy": {"ssm-send-command": _ALSO_SCRIPTS},
    "AWSQuickSetupDistributorPermissionsBoundary": {"ssm-start-other-runbooks": _ALSO_DRIVES},
    "AWSQuickSetupManageJITNAResourcesExecutionPolicy": {
        "change-service-settings": "names the setting of just-in-time access, the probe that of the default role of nodes",
    },
    "AWSQuickSetupPatchPolicyPermissionsBoundary": {"ssm-start-other-runbooks": _ALSO_DRIVES},
    "AWSQuickSetupSSMHostMgmtPermissionsBoundary": {"ssm-start-other-runbooks": _ALSO_DRIVES},
    "AWSServiceRoleForImageBuilder": {"ssm-send-command": _TAGGED},
    "AWSServiceRoleForSMS": {"ssm-send-command": _TAGGED},
    "CloudwatchApplicationInsightsServiceLinkedRolePolicy": {"ssm-send-command": _ALSO_SCRIPTS},
}


@cache
def published() -> dict[str, Any]:
    return json.loads(aws_managed_policies_data)


@cache
def audit() -> AuditContext:
    return AuditContext(account=read_account(baseline(), account_id=ACCOUNT), protected=names())


def audited(name: str) -> dict[str, bool]:
    """The rules that the audit reports for a policy, and whether each is certain."""
    policy = parse(published()[name]["Document"], name=f"arn:aws:iam::aws:policy/{name}", kind="managed")
    who = Principal(
        kind="user", name="caller", arn=WHO, unique_id="AIDACALLER", permissions=Permissions(identity=(policy,))
    )
    rules = [rule for rule in RULES if rule.id in PROBES]
    return {each.rule: not each.doubts for each in Evaluator(who, audit()).findings(rules)}


def evaluated(name: str) -> set[str]:
    """The rules whose probes the other evaluator allows."""
    document = published()[name]["Document"]
    base = {
        "aws:PrincipalArn": WHO,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:username": "caller",
        "aws:userid": "AIDACALLER",
    }

    def met(one: Step) -> bool:
        actions, resources, context = one
        given = {**base, **context, **(TAG if actions[0].startswith("iam:Tag") else {})}
        return any(allows(document, action, resource, given) for action, resource in product(actions, resources))

    return {
        rule for rule, escalations in PROBES.items() if any(all(map(met, escalation)) for escalation in escalations)
    }


def differences(several: list[str]) -> dict[str, dict[str, str]]:
    """Differences: findings that are certain and not confirmed, and actions that are allowed and not found."""
    found: dict[str, dict[str, str]] = {}
    for name in several:
        ours, theirs = audited(name), evaluated(name)
        for rule in theirs - set(ours):
            found.setdefault(name, {})[rule] = "missed"
        for rule in {rule for rule, certain in ours.items() if certain} - theirs:
            found.setdefault(name, {})[rule] = "more"
    return found


def unexplained(several: list[str]) -> dict[str, dict[str, str]]:
    return {
        name: left
        for name, rules in differences(several).items()
        if (left := {rule: kind for rule, kind in rules.items() if rule not in EXPLAINED.get(name, {})})
    }


def test_evaluators_agree_on_a_sample_of_managed_policies() -> None:
    sample = sorted({*sorted(published())[::16], *EXPLAINED, "AdministratorAccess", "AmazonSSMFullAccess"})
    assert unexplained(sample) == {}


@pytest.mark.exhaustive
def test_evaluators_agree_on_all_managed_policies() -> None:
    assert unexplained(sorted(published())) == {}
    found = differences(sorted(EXPLAINED))
    assert {name: set(rules) for name, rules in EXPLAINED.items()} == {
        name: set(rules) for name, rules in found.items()
    }
