"""Rules about access to instances without Systems Manager."""

from __future__ import annotations

from typing import Final

from operations.audit.catalog import AuditRule, TargetKind, high, low, medium, one_of, requirement
from operations.audit.rules.keys import passed_to

_EC2 = "ec2.amazonaws.com"
_CHANGE = requirement(
    "ec2:ModifyInstanceAttribute", on=TargetKind.INSTANCES, given={"ec2:attribute": one_of("UserData", "userData")}
)

INSTANCES: Final = (
    AuditRule(
        id="ec2-instance-connect",
        title="Pushes SSH keys",
        impact="EC2 Instance Connect accepts a key for a minute; its endpoint is the way to private nodes.",
        escalations=(
            high(requirement("ec2-instance-connect:SendSSHPublicKey", on=TargetKind.INSTANCES)),
            low(requirement("ec2-instance-connect:OpenTunnel")),
        ),
        remedy="Remove ec2-instance-connect:SendSSHPublicKey, or limit ec2:osuser to one without a shell.",
        source="SAR EC2 Instance Connect; pathfinding ec2instanceconnect-003; prowler",
    ),
    AuditRule(
        id="ec2-serial-console",
        title="Logs in at the serial console",
        impact="A login on the node past network and agent.",
        escalations=(
            high(requirement("ec2-instance-connect:SendSerialConsoleSSHPublicKey", on=TargetKind.INSTANCES)),
            low(requirement("ec2:EnableSerialConsoleAccess")),
        ),
        remedy="Remove the serial console actions and keep it disabled for the account.",
        source="SAR EC2 Instance Connect and Amazon EC2",
    ),
    AuditRule(
        id="ec2-change-user-data",
        title="Changes user data",
        impact="What an instance runs as root when it starts is replaced.",
        escalations=(
            high(
                _CHANGE,
                requirement("ec2:StopInstances", on=TargetKind.INSTANCES),
                requirement("ec2:StartInstances", on=TargetKind.INSTANCES),
            ),
            medium(_CHANGE),
        ),
        remedy="Remove ec2:ModifyInstanceAttribute, or limit it by ec2:Attribute to harmless ones.",
        source="pathfinding ec2-002; prowler; cloudsplaining",
    ),
    AuditRule(
        id="ec2-replace-volume",
        title="Reads or replaces disks",
        impact="A root volume is exchanged, attached elsewhere or copied, and with it what the system runs and knows.",
        escalations=(
            high(requirement("ec2:CreateReplaceRootVolumeTask")),
            high(requirement("ec2:AttachVolume"), requirement("ec2:DetachVolume", "ec2:CreateVolume")),
            medium(
                requirement(
                    *("ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "ec2:ExportImage"),
                    *("ec2:CreateInstanceExportTask", "ec2:CreateStoreImageTask", "ebs:GetSnapshotBlock"),
                )
            ),
        ),
        remedy="Limit the volume and snapshot actions by tag to volumes that no governed instance uses.",
        source="SAR Amazon EC2 and EBS; EC2 User Guide: Replace a root volume; EBS direct APIs",
    ),
    AuditRule(
        id="ec2-replace-instance-profile",
        title="Exchanges an instance's role",
        impact="An instance becomes manageable or more powerful, or its role is handed to every user with a login.",
        escalations=(
            high(
                requirement(
                    *("ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"),
                    "iam:AddRoleToInstanceProfile",
                ),
                requirement("iam:PassRole", on=TargetKind.PASSABLE, service=_EC2, given=passed_to(_EC2)),
            ),
        ),
        remedy="Limit iam:PassRole to roles with the agent's rights and no more.",
        source="SAR Amazon EC2 and IAM; PMapper ec2_edges",
    ),
    AuditRule(
        id="ec2-change-launch-template",
        title="Changes what new instances start with",
        impact="The next instance of a group or template runs the caller's user data.",
        escalations=(
            medium(
                requirement("ec2:CreateLaunchTemplateVersion"),
                requirement(
                    *("ec2:ModifyLaunchTemplate", "autoscaling:UpdateAutoScalingGroup"),
                    "autoscaling:StartInstanceRefresh",
                ),
            ),
            medium(
                requirement("autoscaling:CreateLaunchConfiguration"), requirement("autoscaling:UpdateAutoScalingGroup")
            ),
        ),
        remedy="Leave launch templates and groups of governed instances to the pipeline that builds them.",
        source="SAR Amazon EC2 and EC2 Auto Scaling",
    ),
    AuditRule(
        id="read-login-secrets",
        title="Reads login secrets",
        impact="Private keys and passwords of nodes.",
        escalations=(
            medium(
                requirement(
                    *("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"),
                    on=TargetKind.KEY_PAIRS,
                )
            ),
            medium(requirement("secretsmanager:GetSecretValue", on=TargetKind.SECRETS)),
            low(requirement("ec2:GetPasswordData")),
        ),
        remedy="Keep /ec2/keypair/ and login secrets out of the statement's resources.",
        source="CloudFormation: AWS::EC2::KeyPair; SAR Systems Manager and Secrets Manager; cloudsplaining",
    ),
    AuditRule(
        id="deploy-to-instances",
        title="Deploys code or containers onto instances",
        impact="A deployment runs its scripts as root, or a task runs beside the agent with what the host allows.",
        escalations=(
            high(requirement("codedeploy:CreateDeployment")),
            medium(
                requirement(
                    *("elasticbeanstalk:CreateApplicationVersion", "elasticbeanstalk:CreateEnvironment"),
                    "elasticbeanstalk:UpdateEnvironment",
                )
            ),
            medium(
                requirement("ecs:RegisterTaskDefinition"),
                requirement("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"),
            ),
            medium(requirement("batch:RegisterJobDefinition"), requirement("batch:SubmitJob")),
            medium(requirement("mgn:PutTemplateAction", "mgn:PutSourceServerAction", "drs:PutLaunchAction")),
            medium(requirement("greengrass:CreateDeployment", "eks:AssociateAccessPolicy")),
        ),
        remedy="Limit the statement to applications, clusters and queues without governed instances.",
        source="CodeDeploy User Guide: AppSpec hooks; MGN and DRS User Guides: Post-launch actions; EKS User Guide: Access "
        "policies; SAR",
    ),
)
