"""Example of each rule: statements of a user, or a sentence where more than one principal is involved."""

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
    "session-any-node": (_allow("ssm:StartSession"),),
    "session-fixed-nodes": (_allow("ssm:StartSession", condition={"StringEquals": {"ssm:resourceTag/Env": "dev"}}),),
    "session-beyond-approved-instance": (_allow("ssm:StartSession", on=f"{_INSTANCES}/{_APPROVED}*"),),
    "session-other-documents": (
        _allow(
            "ssm:StartSession",
            on=[f"{_INSTANCES}/{_APPROVED}", "arn:aws:ssm:*::document/AWS-StartPortForwardingSession"],
        ),
    ),
    "ecs-execute-command": (_allow("ecs:ExecuteCommand"),),
    "session-resume-others": (_allow("ssm:ResumeSession"),),
    "session-second-request-path": (_allow("ssm:StartAccessRequest", "ssm:GetAccessToken"),),
    "session-terminate-others": (_allow("ssm:TerminateSession"),),
    "ssm-send-command": (_allow("ssm:SendCommand"),),
    "ssm-create-association": (_allow("ssm:CreateAssociation"),),
    "ssm-start-other-runbooks": (
        _allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*::automation-definition/AWSSupport-*"),
    ),
    "ssm-maintenance-window-task": (_allow("ssm:RegisterTaskWithMaintenanceWindow"),),
    "ssm-change-scheduled-content": (
        _allow("ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", on=f"{_SSM}:document/*"),
    ),
    "ssm-quick-setup": (_allow("ssm-quicksetup:CreateConfigurationManager"),),
    "ssm-register-nodes": (_allow("ssm:CreateActivation"), _PASS_ANY),
    "ec2-instance-connect": (_allow("ec2-instance-connect:SendSSHPublicKey", on=f"{_INSTANCES}/*"),),
    "ec2-serial-console": (_allow("ec2-instance-connect:SendSerialConsoleSSHPublicKey", on=f"{_INSTANCES}/*"),),
    "ec2-change-user-data": (
        _allow("ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances", on=f"{_INSTANCES}/*"),
    ),
    "ec2-replace-volume": (_allow("ec2:AttachVolume", "ec2:DetachVolume"),),
    "ec2-replace-instance-profile": (_allow("ec2:AssociateIamInstanceProfile", on=f"{_INSTANCES}/*"), _PASS_ANY),
    "ec2-change-launch-template": (_allow("ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),),
    "read-login-secrets": (_allow("ssm:GetParameter", on=f"{_SSM}:parameter/ec2/keypair/*"),),
    "deploy-to-instances": (_allow("codedeploy:CreateDeployment"),),
    "iam-set-approval-tag": (_allow("iam:TagRole", condition={"StringEquals": {"aws:RequestTag/CostCenter": "1234"}}),),
    "iam-write-policies": (_allow("iam:PutUserPolicy", on=f"{_IAM}:user/*"),),
    "iam-add-user-to-group": "A user may add itself to the group `administrators` (`iam:AddUserToGroup`).",
    "iam-create-credentials": (_allow("iam:CreateAccessKey"),),
    "iam-change-trust": (_allow("iam:UpdateAssumeRolePolicy"),),
    "iam-assume-role": "Two users may assume the operator's role `Operator`, so the tag that approves one admits both.",
    "session-tag-approval": "The trust policy of `Operator` allows `sts:TagSession` to a SAML provider, which can send the approval tag.",
    "iam-remove-boundary": (_allow("iam:DeleteUserPermissionsBoundary"),),
    "change-identity-provider": (_allow("iam:UpdateSAMLProvider"),),
    "runbook-role-sets-other-tags": "The runbook's role may set any tag, not only `SecurityAllowSessionInstance`.",
    "iam-remove-own-deny": (
        _allow("ssm:StartSession"),
        {"Effect": "Deny", "Action": "ssm:StartSession", "Resource": "*"},
        _allow("iam:DeleteUserPolicy", on=f"{_IAM}:user/${{aws:username}}"),
    ),
    "approval-change-documents": (_allow("ssm:UpdateDocument", on=f"{_SSM}:document/AllowStartSsmSession"),),
    "approval-review-template": (
        _allow("ssm:UpdateDocument", "ssm:UpdateDocumentMetadata", on=f"{_SSM}:document/AllowSsm*"),
    ),
    "approval-start-runbook": (
        _allow(
            "ssm:StartAutomationExecution",
            on=[f"{_SSM}:document/AllowStartSsmSession", f"{_SSM}:automation-definition/AllowStartSsmSession:$DEFAULT"],
        ),
        _allow("iam:PassRole", on=f"{_IAM}:role/SsmSessionControlChangeMangerRole"),
    ),
    "approval-request-without-review": (_allow("ssm:StartChangeRequestExecution"),),
    "approval-send-signal": (
        _allow("ssm:SendAutomationSignal"),
        _allow("ssm:StartChangeRequestExecution", on=f"{_SSM}:document/AllowSsmSessionStartTemplate"),
    ),
    "approval-change-topic": (_allow("sns:SetTopicAttributes"),),
    "change-session-preferences": (_allow("ssm:UpdateDocument", on=f"{_SSM}:document/SSM-SessionManagerRunShell"),),
    "change-service-settings": (
        _allow("ssm:UpdateServiceSetting", on=f"{_SSM}:servicesetting/ssm/managed-instance/*"),
    ),
    "change-just-in-time-policies": (
        _allow("ssm:CreateDocument", condition={"StringEquals": {"ssm:DocumentType": "AutoApprovalPolicy"}}),
    ),
    "just-in-time-change-policy": "In mode `just-in-time`, `ssm:UpdateDocument` on the document of a manual policy.",
    "just-in-time-change-token-role": "In mode `just-in-time`, `iam:UpdateAssumeRolePolicy` on `SSM-JustInTimeAccessTokenRole`.",
    "just-in-time-tag-nodes": "In mode `just-in-time`, `ec2:CreateTags` on instances with the key of a policy's target.",
    "approval-keep-grant": (_allow("scheduler:DeleteSchedule"),),
    "approval-start-other-version": "In mode `automation`, an operator may start `automation-definition/AllowStartSsmSession:*`, old versions included.",
    "runbook-not-of-stack": "The default version of `AllowStartSsmSession` is not what the stack published.",
    "exception-expired": "An entry of `audit-exceptions.yaml` has an `until` that has passed.",
    "same-person-both-sides": "One user may assume `Operator` and `Approver`.",
    "pass-role-to-automation": (
        _allow("iam:PassRole", on=f"{_IAM}:role/SsmSessionControlChangeMangerRole"),
        _allow("ssm:StartAutomationExecution"),
    ),
    "pass-role-to-compute": (_allow("lambda:CreateFunction", "lambda:InvokeFunction"), _PASS_ANY),
    "change-compute-with-role": (_allow("lambda:UpdateFunctionCode"),),
    "pass-role-to-scheduler": (_allow("scheduler:CreateSchedule"), _PASS_ANY),
}
