import json
import re
from typing import Any

import pytest

from local.workspace import REPOSITORY
from policies.separation_of_duties import RULES
from policies.separation_of_duties.node_access_rules import (
    DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS,
    INSTANCES_CHANGED_BY_NAMED_PRINCIPALS,
    NODE_COMMANDS_NEED_APPROVAL,
    NODE_LOGINS_NEED_APPROVAL,
)
from tests.policies.judging import SILENT, Judgment, judge, violations
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, TAGGED, IdentityRuleTests, allow, as_policy, deny

ANY_INSTANCE = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
ONE_INSTANCE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
SHELL_SCRIPT = "arn:aws:ssm:*::document/AWS-RunShellScript"
AGENT_UPDATE = "arn:aws:ssm:eu-west-1::document/AWS-UpdateSSMAgent"


def commands_own(name: str, kind: str = "document") -> str:
    return f"arn:aws:ssm:eu-west-1:{ACCOUNT}:{kind}/{name}"


_START = "ssm:StartAutomationExecution"


def _of_type(*types: str) -> dict[str, Any]:
    return {"StringEquals": {"ssm:DocumentType": list(types)}}


COMMANDS_REPORTED = {
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
    "an own document": [allow("ssm:SendCommand", on=[ONE_INSTANCE, commands_own("Deploy")])],
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
    "any own runbook": [allow("ssm:StartAutomationExecution", on=commands_own("*", "automation-definition"))],
    "Quick Setup": [allow("ssm-quicksetup:*")],
    "a maintenance window": [allow("ssm:RegisterTaskWithMaintenanceWindow")],
    "denied on other nodes": [allow("ssm:SendCommand"), deny("ssm:SendCommand", on=ONE_INSTANCE)],
}

COMMANDS_SPARED = {
    "a harmless document": [allow("ssm:SendCommand", on=[ONE_INSTANCE, AGENT_UPDATE])],
    "runs of runbooks": [allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*:*:automation-execution/*")],
    "documents only": [allow("ssm:SendCommand", on=[SHELL_SCRIPT, commands_own("*")])],
    "instances only": [allow("ssm:SendCommand", on=ANY_INSTANCE)],
    "reading": [allow("ssm:Describe*", "ssm:List*", "ssm:GetCommandInvocation", "ssm:ListAssociations")],
    "denied": [allow("ssm:*"), deny("ssm:Send*", "ssm:*Association*", "ssm:StartAuto*", "ssm:*MaintenanceWindow*")],
    "approval policies of just-in-time access": [allow(_START, Condition=_of_type("ManualApprovalPolicy"))],
    "one own runbook": [
        allow("ssm:StartAutomationExecution", on=commands_own("ReportInventory:1", "automation-definition"))
    ],
    "any run of an own runbook": [allow("ssm:StartAutomationExecution", on=commands_own("*", "automation-execution"))],
    "the agent": [allow("ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*")],
    "parameters": [allow("ssm:*", on=commands_own("app/*", "parameter"))],
    "an association of a harmless document": [allow("ssm:CreateAssociation", on=[AGENT_UPDATE, ANY_INSTANCE])],
    "other services": [allow("*", on=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])],
}


class TestNodeCommands(IdentityRuleTests):
    rule, reported, excluded = NODE_COMMANDS_NEED_APPROVAL, COMMANDS_REPORTED, COMMANDS_SPARED
    attached = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"


def test_listed_own_document_is_harmless() -> None:
    given = as_policy(*COMMANDS_REPORTED["an own document"])
    assert judge(NODE_COMMANDS_NEED_APPROVAL, POLICY, given, harmlessDocuments=["Deploy"]) == SILENT
    assert len(violations(NODE_COMMANDS_NEED_APPROVAL, POLICY, given, harmlessDocuments=["Other"])) == 1


INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"

LOGINS_REPORTED = {
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

LOGINS_SPARED = {
    "reading": [allow("ec2:Describe*", "ecs:Describe*", "ecs:List*", "ssm:Get*", "ssm:Describe*")],
    "a tunnel": [allow("ec2-instance-connect:OpenTunnel")],
    "deployments": [allow("ecs:UpdateService", "ecs:RegisterTaskDefinition", "ecs:DescribeServices")],
    "the agent of a task": [allow("ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel")],
    "GUI Connect without sessions": [allow("ssm-guiconnect:GetConnection", "ssm-guiconnect:StartConnection")],
    "denied": [allow("ecs:*"), deny("ecs:ExecuteCommand")],
    "other resources": [allow("*", on="arn:aws:s3:::bucket/*")],
}


class TestNodeLogins(IdentityRuleTests):
    rule, reported, excluded = NODE_LOGINS_NEED_APPROVAL, LOGINS_REPORTED, LOGINS_SPARED
    attached = "arn:aws:iam::aws:policy/EC2InstanceConnect"


@pytest.mark.parametrize("name", LOGINS_REPORTED)
def test_just_in_time_access_exempts_its_requests_only(name: str) -> None:
    found = judge(NODE_LOGINS_NEED_APPROVAL, POLICY, as_policy(*LOGINS_REPORTED[name]), justInTimeAccess=True)
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


def documents_own(name: str) -> str:
    return f"arn:aws:ssm:*:{ACCOUNT}:document/{name}"


DOCUMENTS_REPORTED = {
    "on everything": [allow("ssm:UpdateDocument")],
    "every document": [allow("ssm:UpdateDocumentDefaultVersion", on=documents_own("*"))],
    "the preferences": [allow("ssm:UpdateDocument", on=documents_own("SSM-SessionManagerRunShell"))],
    "documents of a kind": [allow("ssm:*Document*", on=documents_own("SSM-*"))],
    "the runbook": [allow("ssm:UpdateDocument", on=documents_own("AllowStartSsmSession"))],
    "shared": [allow("ssm:ModifyDocumentPermission")],
    "deleted": [allow("ssm:DeleteDocument", on=documents_own("Allow*"))],
    "documents of a type that runs": [
        allow("ssm:UpdateDocument", Condition={"StringEquals": {"ssm:DocumentType": ["Command", "Automation"]}})
    ],
}

DOCUMENTS_REPORTED |= {
    "the setting that makes instances nodes": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/managed-instance/*")
    ],
    "the setting of just-in-time access": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/just-in-time-access/*")
    ],
    "any setting": [allow("ssm:ResetServiceSetting")],
}

DOCUMENTS_SPARED = {
    "another setting": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/parameter-store/*")
    ],
    "one of the holder's": [allow("ssm:UpdateDocument", "ssm:DeleteDocument", on=documents_own("web-restart"))],
    "the holder's": [allow("ssm:UpdateDocument", on=documents_own("web-*"))],
    "a new one": [allow("ssm:CreateDocument")],
    "documents that do not run": [
        allow("ssm:UpdateDocument", Condition={"StringEquals": {"ssm:DocumentType": "ApplicationConfiguration"}})
    ],
    "reading": [allow("ssm:GetDocument", "ssm:DescribeDocument", "ssm:ListDocuments")],
    "denied": [allow("ssm:UpdateDocument"), deny("ssm:UpdateDocument", on="arn:aws:ssm:*:*:document/*")],
}


class TestDocumentsChanged(IdentityRuleTests):
    rule, reported, excluded = DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS, DOCUMENTS_REPORTED, DOCUMENTS_SPARED
    attached = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"


def test_documents_of_other_names_are_governed_by_configuration() -> None:
    given = as_policy(allow("ssm:UpdateDocument", on=documents_own("web-restart")))
    assert len(violations(DOCUMENTS_CHANGED_BY_NAMED_PRINCIPALS, POLICY, given, governedDocuments=["web-restart"])) == 1


PASS = allow("iam:PassRole", on=f"arn:aws:iam::{ACCOUNT}:role/*")

INSTANCES_REPORTED = {
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

INSTANCES_SPARED = {
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


class TestInstancesChanged(IdentityRuleTests):
    rule, reported, excluded = INSTANCES_CHANGED_BY_NAMED_PRINCIPALS, INSTANCES_REPORTED, INSTANCES_SPARED
    attached = "arn:aws:iam::aws:policy/AmazonEC2FullAccess"
