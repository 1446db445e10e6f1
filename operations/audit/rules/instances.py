"""Rules about access to instances without Systems Manager."""

from typing import Final

from operations.audit.catalog import AuditRule, TargetKind, high, low, medium, one_of, pass_role, requirement

_CHANGE = requirement(
    "ec2:ModifyInstanceAttribute", TargetKind.INSTANCES, given={"ec2:attribute": one_of("UserData", "userData")}
)

INSTANCES: Final = (
    AuditRule(
        id="ec2-instance-connect",
        title="Sends SSH keys to instances",
        impact="EC2 Instance Connect accepts a key for a minute, and its endpoint reaches private nodes.",
        escalations=(
            high(requirement("ec2-instance-connect:SendSSHPublicKey", TargetKind.INSTANCES)),
            low("ec2-instance-connect:OpenTunnel"),
        ),
        remedy="Remove ec2-instance-connect:SendSSHPublicKey, or limit ec2:osuser to a user without a shell.",
        source="SAR EC2 Instance Connect; pathfinding ec2instanceconnect-003; prowler",
    ),
    AuditRule(
        id="ec2-serial-console",
        title="Connects to the serial console",
        impact="Signs in to the node without its network and agent.",
        escalations=(
            high(requirement("ec2-instance-connect:SendSerialConsoleSSHPublicKey", TargetKind.INSTANCES)),
            low("ec2:EnableSerialConsoleAccess"),
        ),
        remedy="Remove the actions of the serial console, and keep it disabled for the account.",
        source="SAR EC2 Instance Connect and Amazon EC2",
    ),
    AuditRule(
        id="ec2-change-user-data",
        title="Changes user data",
        impact="Replaces the commands that an instance runs as root when it starts.",
        escalations=(
            high(
                _CHANGE,
                requirement("ec2:StopInstances", TargetKind.INSTANCES),
                requirement("ec2:StartInstances", TargetKind.INSTANCES),
            ),
            medium(_CHANGE),
        ),
        remedy="Remove ec2:ModifyInstanceAttribute, or limit ec2:Attribute to attributes other than UserData.",
        source="pathfinding ec2-002; prowler; cloudsplaining",
    ),
    AuditRule(
        id="ec2-replace-volume",
        title="Reads or replaces volumes",
        impact="Replaces, attaches elsewhere or copies a root volume, with its programs and secrets.",
        escalations=(
            high("ec2:CreateReplaceRootVolumeTask"),
            high("ec2:AttachVolume", "ec2:DetachVolume ec2:CreateVolume"),
            medium(
                "ec2:ModifySnapshotAttribute ec2:ModifyImageAttribute ec2:ExportImage "
                "ec2:CreateInstanceExportTask ec2:CreateStoreImageTask ebs:GetSnapshotBlock"
            ),
        ),
        remedy="Limit the volume and snapshot actions by tag to volumes that governed instances do not use.",
        source="SAR Amazon EC2 and EBS; EC2 User Guide: Replace a root volume; EBS direct APIs",
    ),
    AuditRule(
        id="ec2-replace-instance-profile",
        title="Replaces the role of an instance",
        impact="Makes an instance a managed node, or gives its users the permissions of another role.",
        escalations=(
            high(
                "ec2:AssociateIamInstanceProfile ec2:ReplaceIamInstanceProfileAssociation iam:AddRoleToInstanceProfile",
                pass_role("ec2.amazonaws.com"),
            ),
        ),
        remedy="Limit iam:PassRole to roles that have only the permissions of SSM Agent.",
        source="SAR Amazon EC2 and IAM; PMapper ec2_edges",
    ),
    AuditRule(
        id="ec2-change-launch-template",
        title="Changes launch templates and Auto Scaling groups",
        impact="The next instance of the group or template runs the caller's user data.",
        escalations=(
            medium(
                "ec2:CreateLaunchTemplateVersion",
                "ec2:ModifyLaunchTemplate autoscaling:UpdateAutoScalingGroup autoscaling:StartInstanceRefresh",
            ),
            medium("autoscaling:CreateLaunchConfiguration", "autoscaling:UpdateAutoScalingGroup"),
        ),
        remedy="Allow changes to launch templates and groups of governed instances only to their deployment pipeline.",
        source="SAR Amazon EC2 and EC2 Auto Scaling",
    ),
    AuditRule(
        id="read-login-secrets",
        title="Reads credentials of nodes",
        impact="Reads private keys and passwords of nodes.",
        escalations=(
            medium(
                requirement(
                    "ssm:GetParameter ssm:GetParameters ssm:GetParametersByPath ssm:GetParameterHistory",
                    TargetKind.KEY_PAIRS,
                )
            ),
            medium(requirement("secretsmanager:GetSecretValue", TargetKind.SECRETS)),
            low("ec2:GetPasswordData"),
        ),
        remedy="Exclude /ec2/keypair/ and secrets with passwords from the resources of the statement.",
        source="CloudFormation: AWS::EC2::KeyPair; SAR Systems Manager and Secrets Manager; cloudsplaining",
    ),
    AuditRule(
        id="deploy-to-instances",
        title="Deploys code or containers onto instances",
        impact="A deployment runs scripts as root, or a container runs with access to its host.",
        escalations=(
            high("codedeploy:CreateDeployment"),
            medium(
                "elasticbeanstalk:CreateApplicationVersion elasticbeanstalk:CreateEnvironment "
                "elasticbeanstalk:UpdateEnvironment"
            ),
            medium(
                "ecs:RegisterTaskDefinition",
                "ecs:RunTask ecs:StartTask ecs:CreateService ecs:UpdateService",
            ),
            medium("batch:RegisterJobDefinition", "batch:SubmitJob"),
            medium("mgn:PutTemplateAction mgn:PutSourceServerAction drs:PutLaunchAction"),
            medium("greengrass:CreateDeployment eks:AssociateAccessPolicy"),
        ),
        remedy="Limit the statement to applications, clusters and queues without governed instances.",
        source="CodeDeploy User Guide: AppSpec hooks; MGN and DRS User Guides: Post-launch actions; EKS User Guide: Access "
        "policies; SAR",
    ),
)
