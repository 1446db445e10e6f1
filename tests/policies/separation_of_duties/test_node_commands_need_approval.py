from typing import Any

from policies.separation_of_duties.node_commands_need_approval import RULE
from tests.policies.judging import SILENT, judge, violations
from tests.policies.separation_of_duties.forms import (
    ACCOUNT,
    POLICY,
    TAGGED,
    allow,
    as_policy,
    deny,
)
from tests.policies.separation_of_duties.identity_rules import IdentityRuleTests

ANY_INSTANCE = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
ONE_INSTANCE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
SHELL_SCRIPT = "arn:aws:ssm:*::document/AWS-RunShellScript"
AGENT_UPDATE = "arn:aws:ssm:eu-west-1::document/AWS-UpdateSSMAgent"


def own(name: str, kind: str = "document") -> str:
    return f"arn:aws:ssm:eu-west-1:{ACCOUNT}:{kind}/{name}"


_START = "ssm:StartAutomationExecution"


def _of_type(*types: str) -> dict[str, Any]:
    return {"StringEquals": {"ssm:DocumentType": list(types)}}


REPORTED = {
    "on everything": [allow("ssm:SendCommand")],
    "by pattern": [allow("ssm:Send*", on=["*"])],
    "all but reading": [{"Effect": "Allow", "NotAction": ["ssm:Get*", "s3:*"], "Resource": "*"}],
    "a script of AWS on one instance": [allow("ssm:SendCommand", on=[ONE_INSTANCE, SHELL_SCRIPT])],
    "a script of AWS, account as a star": [
        allow("ssm:SendCommand", on=[ONE_INSTANCE, "arn:aws:ssm:*:*:document/AWS-RunPowerShellScript"])
    ],
    "in two statements": [allow("ssm:SendCommand", on=ANY_INSTANCE), allow("ssm:SendCommand", on=SHELL_SCRIPT)],
    "on nodes by tag": [
        allow("ssm:SendCommand", on=ANY_INSTANCE, Condition={"StringLike": {"ssm:resourceTag/Env": "dev"}}),
        allow("ssm:SendCommand", on=SHELL_SCRIPT),
    ],
    "on the approved instance": [allow("ssm:SendCommand", on=[TAGGED, SHELL_SCRIPT])],
    "an own document": [allow("ssm:SendCommand", on=[ONE_INSTANCE, own("Deploy")])],
    "in China": [
        allow("ssm:SendCommand", on=["arn:aws-cn:ec2:*:*:instance/*", "arn:aws-cn:ssm:*::document/AWS-RunShellScript"])
    ],
    "an association": [allow("ssm:CreateAssociation")],
    "an association changed": [allow("ssm:UpdateAssociation", on=["*"])],
    "an association of a script": [allow("ssm:CreateAssociationBatch", on=[SHELL_SCRIPT, ANY_INSTANCE])],
    "any runbook": [allow("ssm:StartAutomationExecution")],
    "a runbook of AWS, any version": [
        allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*:*:automation-definition/AWSSupport-ResetAccess:*")
    ],
    "a runbook of AWS, one version": [
        allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*:*:automation-definition/AWSSupport-ResetAccess:7")
    ],
    "a runbook of AWS, default version": [
        allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*::automation-definition/AWS-RunPacker:$DEFAULT")
    ],
    "runbooks by type": [allow(_START, Condition=_of_type("Automation"))],
    "runbooks beside approval policies": [allow(_START, Condition=_of_type("ManualApprovalPolicy", "Automation"))],
    "approval policies if AWS sends the type": [
        allow(_START, Condition={"StringEqualsIfExists": {"ssm:DocumentType": "ManualApprovalPolicy"}})
    ],
    "any own runbook": [allow("ssm:StartAutomationExecution", on=own("*", "automation-definition"))],
    "Quick Setup": [allow("ssm-quicksetup:*")],
    "a maintenance window": [allow("ssm:RegisterTaskWithMaintenanceWindow")],
    "denied on other nodes": [
        allow("ssm:SendCommand"),
        deny("ssm:SendCommand", on=ONE_INSTANCE),
    ],
}

SPARED = {
    "a harmless document": [allow("ssm:SendCommand", on=[ONE_INSTANCE, AGENT_UPDATE])],
    "runs of runbooks": [allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*:*:automation-execution/*")],
    "documents only": [allow("ssm:SendCommand", on=[SHELL_SCRIPT, own("*")])],
    "instances only": [allow("ssm:SendCommand", on=ANY_INSTANCE)],
    "reading": [allow("ssm:Describe*", "ssm:List*", "ssm:GetCommandInvocation", "ssm:ListAssociations")],
    "denied": [allow("ssm:*"), deny("ssm:Send*", "ssm:*Association*", "ssm:StartAuto*", "ssm:*MaintenanceWindow*")],
    "approval policies of just-in-time access": [allow(_START, Condition=_of_type("ManualApprovalPolicy"))],
    "one own runbook": [allow("ssm:StartAutomationExecution", on=own("ReportInventory:1", "automation-definition"))],
    "any run of an own runbook": [allow("ssm:StartAutomationExecution", on=own("*", "automation-execution"))],
    "the agent": [allow("ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*")],
    "parameters": [allow("ssm:*", on=own("app/*", "parameter"))],
    "an association of a harmless document": [allow("ssm:CreateAssociation", on=[AGENT_UPDATE, ANY_INSTANCE])],
    "other services": [allow("*", on=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])],
}


class TestNodeCommands(IdentityRuleTests):
    rule, reported, excluded = RULE, REPORTED, SPARED
    attached = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"


def test_listed_own_document_is_harmless() -> None:
    given = as_policy(*REPORTED["an own document"])
    assert judge(RULE, POLICY, given, harmlessDocuments=["Deploy"]) == SILENT
    assert len(violations(RULE, POLICY, given, harmlessDocuments=["Other"])) == 1
