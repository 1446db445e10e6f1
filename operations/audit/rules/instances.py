"""C: an instance without Systems Manager."""

from __future__ import annotations

from typing import Final

from operations.audit.catalogue import On, Rule, need, one_of, way
from operations.audit.rules.keys import passed_to
from operations.audit.severity import Severity

_EC2 = "ec2.amazonaws.com"
_CHANGE = need("ec2:ModifyInstanceAttribute", on=On.INSTANCES, given={"ec2:attribute": one_of("UserData", "userData")})

INSTANCES: Final = (
    Rule(
        id="C1",
        title="Pushes SSH keys",
        gives="EC2 Instance Connect accepts a key for a minute; its endpoint is the way to private nodes.",
        ways=(
            way(Severity.HIGH, need("ec2-instance-connect:SendSSHPublicKey", on=On.INSTANCES)),
            way(Severity.LOW, need("ec2-instance-connect:OpenTunnel")),
        ),
        remedy="Remove ec2-instance-connect:SendSSHPublicKey, or limit ec2:osuser to one without a shell.",
        source="SAR EC2 Instance Connect; pathfinding ec2instanceconnect-003; prowler",
    ),
    Rule(
        id="C2",
        title="Logs in at the serial console",
        gives="A login on the node past network and agent.",
        ways=(
            way(Severity.HIGH, need("ec2-instance-connect:SendSerialConsoleSSHPublicKey", on=On.INSTANCES)),
            way(Severity.LOW, need("ec2:EnableSerialConsoleAccess")),
        ),
        remedy="Remove the serial console actions and keep it disabled for the account.",
        source="SAR EC2 Instance Connect and Amazon EC2",
    ),
    Rule(
        id="C3",
        title="Changes user data",
        gives="What an instance runs as root when it starts is replaced.",
        ways=(
            way(
                Severity.HIGH,
                _CHANGE,
                need("ec2:StopInstances", on=On.INSTANCES),
                need("ec2:StartInstances", on=On.INSTANCES),
            ),
            way(Severity.MEDIUM, _CHANGE),
        ),
        remedy="Remove ec2:ModifyInstanceAttribute, or limit it by ec2:Attribute to harmless ones.",
        source="pathfinding ec2-002; prowler; cloudsplaining",
    ),
    Rule(
        id="C4",
        title="Reads or replaces disks",
        gives="A root volume is exchanged, attached elsewhere or copied, and with it what the system runs and knows.",
        ways=(
            way(Severity.HIGH, need("ec2:CreateReplaceRootVolumeTask")),
            way(Severity.HIGH, need("ec2:AttachVolume"), need("ec2:DetachVolume", "ec2:CreateVolume")),
            way(
                Severity.MEDIUM,
                need(
                    *("ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "ec2:ExportImage"),
                    *("ec2:CreateInstanceExportTask", "ec2:CreateStoreImageTask", "ebs:GetSnapshotBlock"),
                ),
            ),
        ),
        remedy="Limit the volume and snapshot actions by tag to volumes that no governed instance uses.",
        source="SAR Amazon EC2 and EBS; EC2 User Guide: Replace a root volume; EBS direct APIs",
    ),
    Rule(
        id="C5",
        title="Exchanges an instance's role",
        gives="An instance becomes manageable or more powerful, or its role is handed to every user with a login.",
        ways=(
            way(
                Severity.HIGH,
                need(
                    *("ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"),
                    "iam:AddRoleToInstanceProfile",
                ),
                need("iam:PassRole", on=On.PASSABLE, service=_EC2, given=passed_to(_EC2)),
            ),
        ),
        remedy="Limit iam:PassRole to roles with the agent's rights and no more.",
        source="SAR Amazon EC2 and IAM; PMapper ec2_edges",
    ),
    Rule(
        id="C6",
        title="Changes what new instances start with",
        gives="The next instance of a group or template runs the caller's user data.",
        ways=(
            way(
                Severity.MEDIUM,
                need("ec2:CreateLaunchTemplateVersion"),
                need(
                    *("ec2:ModifyLaunchTemplate", "autoscaling:UpdateAutoScalingGroup"),
                    "autoscaling:StartInstanceRefresh",
                ),
            ),
            way(
                Severity.MEDIUM,
                need("autoscaling:CreateLaunchConfiguration"),
                need("autoscaling:UpdateAutoScalingGroup"),
            ),
        ),
        remedy="Leave launch templates and groups of governed instances to the pipeline that builds them.",
        source="SAR Amazon EC2 and EC2 Auto Scaling",
    ),
    Rule(
        id="C7",
        title="Reads login secrets",
        gives="Private keys and passwords of nodes.",
        ways=(
            way(
                Severity.MEDIUM,
                need(
                    *("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"),
                    on=On.KEY_PAIRS,
                ),
            ),
            way(Severity.MEDIUM, need("secretsmanager:GetSecretValue", on=On.SECRETS)),
            way(Severity.LOW, need("ec2:GetPasswordData")),
        ),
        remedy="Keep /ec2/keypair/ and login secrets out of the statement's resources.",
        source="CloudFormation: AWS::EC2::KeyPair; SAR Systems Manager and Secrets Manager; cloudsplaining",
    ),
    Rule(
        id="C8",
        title="Deploys code or containers onto instances",
        gives="A deployment runs its scripts as root, or a task runs beside the agent with what the host allows.",
        ways=(
            way(Severity.HIGH, need("codedeploy:CreateDeployment")),
            way(
                Severity.MEDIUM,
                need(
                    *("elasticbeanstalk:CreateApplicationVersion", "elasticbeanstalk:CreateEnvironment"),
                    "elasticbeanstalk:UpdateEnvironment",
                ),
            ),
            way(
                Severity.MEDIUM,
                need("ecs:RegisterTaskDefinition"),
                need("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"),
            ),
            way(Severity.MEDIUM, need("batch:RegisterJobDefinition"), need("batch:SubmitJob")),
            way(
                Severity.MEDIUM,
                need("mgn:PutTemplateAction", "mgn:PutSourceServerAction", "drs:PutLaunchAction"),
            ),
            way(Severity.MEDIUM, need("greengrass:CreateDeployment", "eks:AssociateAccessPolicy")),
        ),
        remedy="Limit the statement to applications, clusters and queues without governed instances.",
        source="CodeDeploy User Guide: AppSpec hooks; MGN and DRS User Guides: Post-launch actions; EKS User Guide: Access "
        "policies; SAR",
    ),
)
