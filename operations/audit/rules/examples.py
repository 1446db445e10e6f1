"""An example of each rule: statements that a user holds, or words where more than one principal belongs to it."""

from __future__ import annotations

from typing import Any, Final

_ACCOUNT: Final = "111122223333"
_IAM: Final = f"arn:aws:iam::{_ACCOUNT}"
_SSM: Final = f"arn:aws:ssm:*:{_ACCOUNT}"
_INSTANCES: Final = f"arn:aws:ec2:*:{_ACCOUNT}:instance"
_APPROVED: Final = "${aws:PrincipalTag/SecurityAllowSessionInstance}"

Example = tuple[dict[str, Any], ...] | str


def _allow(*actions: str, on: str | list[str] = "*", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    named = actions[0] if len(actions) == 1 else list(actions)
    beside = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": named, "Resource": on, **beside}


_PASS_ANY: Final = _allow("iam:PassRole", on=f"{_IAM}:role/*")

EXAMPLES: Final[dict[str, Example]] = {
    "A1": (_allow("ssm:StartSession"),),
    "A2": (_allow("ssm:StartSession", condition={"StringEquals": {"ssm:resourceTag/Env": "dev"}}),),
    "A3": (_allow("ssm:StartSession", on=f"{_INSTANCES}/{_APPROVED}*"),),
    "A4": (
        _allow(
            "ssm:StartSession",
            on=[f"{_INSTANCES}/{_APPROVED}", "arn:aws:ssm:*::document/AWS-StartPortForwardingSession"],
        ),
    ),
    "A5": (_allow("ecs:ExecuteCommand"),),
    "A6": (_allow("ssm:ResumeSession"),),
    "A7": (_allow("ssm:StartAccessRequest", "ssm:GetAccessToken"),),
    "A8": (_allow("ssm:TerminateSession"),),
    "B1": (_allow("ssm:SendCommand"),),
    "B2": (_allow("ssm:CreateAssociation"),),
    "B3": (_allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*::automation-definition/AWSSupport-*"),),
    "B4": (_allow("ssm:RegisterTaskWithMaintenanceWindow"),),
    "B5": (_allow("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", on=f"{_SSM}:document/*"),),
    "B6": (_allow("ssm-quicksetup:CreateConfigurationManager"),),
    "B7": (_allow("ssm:CreateActivation"), _PASS_ANY),
    "C1": (_allow("ec2-instance-connect:SendSSHPublicKey", on=f"{_INSTANCES}/*"),),
    "C2": (_allow("ec2-instance-connect:SendSerialConsoleSSHPublicKey", on=f"{_INSTANCES}/*"),),
    "C3": (_allow("ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances", on=f"{_INSTANCES}/*"),),
    "C4": (_allow("ec2:AttachVolume", "ec2:DetachVolume"),),
    "C5": (_allow("ec2:AssociateIamInstanceProfile", on=f"{_INSTANCES}/*"), _PASS_ANY),
    "C6": (_allow("ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),),
    "C7": (_allow("ssm:GetParameter", on=f"{_SSM}:parameter/ec2/keypair/*"),),
    "C8": (_allow("codedeploy:CreateDeployment"),),
    "D1": (_allow("iam:TagRole", condition={"StringEquals": {"aws:RequestTag/CostCenter": "1234"}}),),
    "D2": (_allow("iam:PutUserPolicy", on=f"{_IAM}:user/*"),),
    "D3": "A user may add itself to the group `administrators` (`iam:AddUserToGroup`).",
    "D4": (_allow("iam:CreateAccessKey"),),
    "D5": (_allow("iam:UpdateAssumeRolePolicy"),),
    "D6": "Two users may assume the operator's role `Operator`, so the tag that approves one admits both.",
    "D7": "The trust policy of `Operator` allows `sts:TagSession` to a SAML provider, which can send the approval tag.",
    "D8": (_allow("iam:DeleteUserPermissionsBoundary"),),
    "D9": (_allow("iam:UpdateSAMLProvider"),),
    "D10": "The runbook's role may set any tag, not only `SecurityAllowSessionInstance`.",
    "D11": (
        _allow("ssm:StartSession"),
        {"Effect": "Deny", "Action": "ssm:StartSession", "Resource": "*"},
        _allow("iam:DeleteUserPolicy", on=f"{_IAM}:user/${{aws:username}}"),
    ),
    "E1": (_allow("ssm:UpdateDocument", on=f"{_SSM}:document/AllowStartSsmSession"),),
    "E2": (_allow("ssm:UpdateDocument", "ssm:UpdateDocumentMetadata", on=f"{_SSM}:document/AllowSsm*"),),
    "E3": (
        _allow(
            "ssm:StartAutomationExecution",
            on=[f"{_SSM}:document/AllowStartSsmSession", f"{_SSM}:automation-definition/AllowStartSsmSession:$DEFAULT"],
        ),
        _allow("iam:PassRole", on=f"{_IAM}:role/SsmSessionControlChangeMangerRole"),
    ),
    "E4": (_allow("ssm:StartChangeRequestExecution"),),
    "E5": (
        _allow("ssm:SendAutomationSignal"),
        _allow("ssm:StartChangeRequestExecution", on=f"{_SSM}:document/AllowSsmSessionStartTemplate"),
    ),
    "E6": (_allow("sns:SetTopicAttributes"),),
    "E7": (_allow("ssm:UpdateDocument", on=f"{_SSM}:document/SSM-SessionManagerRunShell"),),
    "E8": (_allow("ssm:UpdateServiceSetting", on=f"{_SSM}:servicesetting/ssm/managed-instance/*"),),
    "E9": (_allow("ssm:CreateDocument", condition={"StringEquals": {"ssm:DocumentType": "AutoApprovalPolicy"}}),),
    "E10": (_allow("scheduler:DeleteSchedule"),),
    "E11": "In mode `automation`, an operator may start `automation-definition/AllowStartSsmSession:*`, old versions included.",
    "E12": "The default version of `AllowStartSsmSession` is not what the stack published.",
    "E13": "An entry of `audit-exceptions.yaml` has an `until` that has passed.",
    "E14": "One user may assume `Operator` and `Approver`.",
    "F1": (
        _allow("iam:PassRole", on=f"{_IAM}:role/SsmSessionControlChangeMangerRole"),
        _allow("ssm:StartAutomationExecution"),
    ),
    "F2": (_allow("lambda:CreateFunction", "lambda:InvokeFunction"), _PASS_ANY),
    "F3": (_allow("lambda:UpdateFunctionCode"),),
    "F4": (_allow("scheduler:CreateSchedule"), _PASS_ANY),
}
