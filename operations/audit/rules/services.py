"""Rules about roles that services assume on behalf of a principal."""

from typing import Final

from operations.audit.catalog import (
    AuditRule,
    EscalationPath,
    Exempt,
    TargetKind,
    critical,
    high,
    low,
    medium,
    pass_role,
    requirement,
    start_runbook,
)

_SSM = "ssm.amazonaws.com"


def _compute(service: str, *steps: str) -> EscalationPath:
    """Return the path of new work with a passed role: one action of every step."""
    return high(*steps, pass_role(service))


def _carried(service: str, actions: str) -> tuple[EscalationPath, EscalationPath]:
    """Return the paths of changed work with an attached role; low where no such role is privileged."""
    return high(requirement(actions, TargetKind.CARRIED, service=service)), low(actions)


_RUNS_CODE: Final = {
    "ec2.amazonaws.com": (
        "ec2:RunInstances ec2:RequestSpotInstances ec2:RequestSpotFleet ec2:CreateFleet "
        "autoscaling:CreateAutoScalingGroup autoscaling:UpdateAutoScalingGroup "
        "imagebuilder:CreateInfrastructureConfiguration imagebuilder:UpdateInfrastructureConfiguration "
        "pcs:CreateComputeNodeGroup pcs:UpdateComputeNodeGroup elasticmapreduce:RunJobFlow "
        "drs:StartRecovery mgn:StartCutover mgn:StartTest elasticbeanstalk:CreateEnvironment "
        "eks:CreateNodegroup backup:StartRestoreJob"
    ),
    "imagebuilder.amazonaws.com": (
        "imagebuilder:CreateImage imagebuilder:CreateImagePipeline imagebuilder:UpdateImagePipeline "
        "imagebuilder:CreateLifecyclePolicy imagebuilder:UpdateLifecyclePolicy "
        "imagebuilder:DistributeImage imagebuilder:ImportDiskImage"
    ),
    "ecs-tasks.amazonaws.com": "ecs:RunTask ecs:StartTask ecs:CreateExpressGatewayService",
    "pods.eks.amazonaws.com": "eks:CreatePodIdentityAssociation eks:UpdatePodIdentityAssociation",
    "glue.amazonaws.com": "glue:CreateDevEndpoint",
    "sagemaker.amazonaws.com": (
        "sagemaker:CreateNotebookInstance sagemaker:CreateTrainingJob sagemaker:CreateProcessingJob "
        "sagemaker:CreateCluster sagemaker:UpdateCluster sagemaker:UpdateClusterInference "
        "sagemaker:CreateDomain sagemaker:CreateUserProfile sagemaker:CreateHyperParameterTuningJob "
        "sagemaker:CreateModel sagemaker:CreateEndpointConfig sagemaker:CreateInferenceExperiment "
        "sagemaker:CreateInferenceRecommendationsJob sagemaker:CreatePipeline sagemaker:UpdatePipeline "
        "sagemaker:CreateMonitoringSchedule sagemaker:UpdateMonitoringSchedule "
        "sagemaker:CreateDataQualityJobDefinition sagemaker:CreateModelBiasJobDefinition "
        "sagemaker:CreateModelExplainabilityJobDefinition sagemaker:CreateModelQualityJobDefinition"
    ),
    "elasticmapreduce.amazonaws.com": "elasticmapreduce:RunJobFlow",
    "emr-serverless.amazonaws.com": (
        "emr-serverless:StartJobRun emr-serverless:AccessInteractiveEndpoints emr-serverless:AccessLivyEndpoints"
    ),
    "cloudformation.amazonaws.com": (
        "cloudformation:CreateStack cloudformation:UpdateStack cloudformation:CreateChangeSet "
        "cloudformation:CreateStackSet cloudformation:UpdateStackSet cloudformation:CreateResource "
        "cloudformation:UpdateResource"
    ),
    "cloudformation.sync.codeconnections.amazonaws.com": (
        "codeconnections:CreateSyncConfiguration codestar-connections:CreateSyncConfiguration"
    ),
    "codepipeline.amazonaws.com": "codepipeline:CreatePipeline codepipeline:UpdatePipeline",
    "codecatalyst.amazonaws.com": "codecatalyst:AssociateIamRoleToConnection",
    "codecatalyst-runner.amazonaws.com": "codecatalyst:AssociateIamRoleToConnection",
    "proton.amazonaws.com": (
        "proton:CreateEnvironment proton:UpdateEnvironment proton:UpdateAccountRoles proton:UpdateAccountSettings"
    ),
    "tasks.apprunner.amazonaws.com": "apprunner:CreateService apprunner:UpdateService",
    "airflow-env.amazonaws.com": "airflow:CreateEnvironment airflow:UpdateEnvironment",
    "bedrock-agentcore.amazonaws.com": (
        "bedrock-agentcore:CreateAgentRuntime bedrock-agentcore:UpdateAgentRuntime "
        "bedrock-agentcore:CreateGateway bedrock-agentcore:UpdateGateway"
    ),
    "credentials.deadline.amazonaws.com": "deadline:CreateQueue deadline:UpdateQueue deadline:CreateFleet deadline:UpdateFleet",
    "credentials.iot.amazonaws.com": "iot:CreateRoleAlias iot:UpdateRoleAlias",
    "gamelift.amazonaws.com": (
        "gamelift:CreateFleet gamelift:CreateContainerFleet gamelift:CreateGameServerGroup "
        "gamelift:UpdateGameServerGroup"
    ),
    "kafkaconnect.amazonaws.com": "kafkaconnect:CreateConnector",
    "kinesisanalytics.amazonaws.com": "kinesisanalytics:CreateApplication",
    "omics.amazonaws.com": "omics:StartRun",
}
"""Actions that run the caller's code with a passed role, by the service that assumes the role."""

_CALLS_SERVICES: Final = {
    "events.amazonaws.com": "events:PutTargets",
    "scheduler.amazonaws.com": "scheduler:CreateSchedule scheduler:UpdateSchedule",
    "pipes.amazonaws.com": "pipes:CreatePipe pipes:UpdatePipe",
    "states.amazonaws.com": "states:CreateStateMachine states:UpdateStateMachine",
    "config.amazonaws.com": (
        "config:PutRemediationConfigurations config:PutConformancePack config:PutOrganizationConformancePack"
    ),
    "ssm.amazonaws.com": (
        "config:PutRemediationConfigurations config:PutConformancePack config:PutOrganizationConformancePack"
    ),
    "ssm-incidents.amazonaws.com": "ssm-incidents:CreateResponsePlan ssm-incidents:UpdateResponsePlan",
    "fis.amazonaws.com": "fis:CreateExperimentTemplate fis:UpdateExperimentTemplate",
    "dlm.amazonaws.com": "dlm:CreateLifecyclePolicy dlm:UpdateLifecyclePolicy",
    "budgets.amazonaws.com": "budgets:CreateBudgetAction budgets:UpdateBudgetAction",
}
"""Actions that make a service call other services with a role, by the service that assumes the role."""

SERVICES: Final = (
    AuditRule(
        id="pass-role-to-automation",
        title="Passes a role to Automation",
        impact="Runs its own runbook with a role that can tag principals or run commands on instances.",
        escalations=(
            critical(
                pass_role(_SSM, TargetKind.RUNBOOK_ROLE),
                start_runbook(TargetKind.OTHER_RUNBOOKS),
            ),
            critical(
                pass_role(_SSM, TargetKind.RUNBOOK_ROLE),
                "ssm:RegisterTaskWithMaintenanceWindow ssm:CreateAssociation",
            ),
            high(pass_role(_SSM), start_runbook(TargetKind.OTHER_RUNBOOKS)),
            high(pass_role(_SSM), "ssm:RegisterTaskWithMaintenanceWindow ssm:CreateAssociation"),
            low(pass_role(_SSM, TargetKind.RUNBOOK_ROLE)),
        ),
        remedy="Limit iam:PassRole to specific roles without the runbook's role, with a condition on iam:PassedToService.",
        source="pathfinding ssm-003 through prowler; IAM User Guide: Permissions to pass a role",
        exempt=frozenset({Exempt.OPERATOR}),
    ),
    AuditRule(
        id="pass-role-to-compute",
        title="Creates compute resources with a role",
        impact="Runs its own code with the permissions of the role that it passes.",
        escalations=(
            _compute("lambda.amazonaws.com", "lambda:CreateFunction", "lambda:InvokeFunction lambda:AddPermission"),
            _compute("lambda.amazonaws.com", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
            _compute(
                "codebuild.amazonaws.com",
                "codebuild:CreateProject",
                "codebuild:StartBuild codebuild:StartBuildBatch codebuild:CreateWebhook",
            ),
            _compute("glue.amazonaws.com", "glue:CreateJob", "glue:StartJobRun glue:CreateTrigger"),
            _compute("glue.amazonaws.com", "glue:CreateSession", "glue:RunStatement"),
            _compute("ecs-tasks.amazonaws.com", "batch:RegisterJobDefinition", "batch:SubmitJob"),
            _compute(
                "ecs-tasks.amazonaws.com",
                "ecs:RegisterTaskDefinition",
                "ecs:RunTask ecs:StartTask ecs:CreateService ecs:UpdateService",
            ),
            _compute("datapipeline.amazonaws.com", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
            *(_compute(service, actions) for service, actions in _RUNS_CODE.items()),
        ),
        remedy="Limit iam:PassRole to roles without permissions in this list, with a condition on iam:PassedToService.",
        source="Rhino 3, 15 to 17, 19, 21, 22, 27; pathfinding; PMapper ec2_edges, lambda_edges; prowler; cloudsplaining",
    ),
    AuditRule(
        id="change-compute-with-role",
        title="Changes resources that have a role",
        impact="Runs its own code with the permissions of the resource's role, without iam:PassRole.",
        escalations=(
            *_carried("lambda.amazonaws.com", "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration"),
            *_carried(
                "codebuild.amazonaws.com", "codebuild:UpdateProject codebuild:StartBuild codebuild:StartBuildBatch"
            ),
            *_carried("glue.amazonaws.com", "glue:UpdateJob glue:UpdateDevEndpoint"),
            *_carried(
                "sagemaker.amazonaws.com",
                "sagemaker:CreatePresignedNotebookInstanceUrl sagemaker:CreatePresignedDomainUrl "
                "sagemaker:UpdateNotebookInstanceLifecycleConfig",
            ),
            *_carried("elasticmapreduce.amazonaws.com", "elasticmapreduce:AddJobFlowSteps"),
            *_carried("kinesisanalytics.amazonaws.com", "kinesisanalytics:UpdateApplication"),
            *_carried("airflow-env.amazonaws.com", "airflow:CreateCliToken airflow:CreateWebLoginToken"),
            *_carried("ec2.amazonaws.com", "imagebuilder:StartImagePipelineExecution codedeploy:CreateDeployment"),
            *_carried(
                "cloudformation.amazonaws.com",
                "cloudformation:UpdateStack cloudformation:ExecuteChangeSet cloudformation:UpdateStackSet",
            ),
            *_carried("codepipeline.amazonaws.com", "codepipeline:UpdatePipeline"),
        ),
        remedy="Limit the statement to resources whose roles have no permissions in this list.",
        source="Rhino 18, 20, 28; pathfinding; prowler; cloudsplaining",
    ),
    AuditRule(
        id="pass-role-to-scheduler",
        title="Creates schedules, rules or workflows with a role",
        impact="A service calls Run Command, Automation or another API with the permissions of the role.",
        escalations=(
            *(_compute(service, actions) for service, actions in _CALLS_SERVICES.items()),
            medium(" ".join(dict.fromkeys(" ".join(_CALLS_SERVICES.values()).split()))),
            low("states:StartExecution config:StartRemediationExecution fis:StartExperiment ts:StartExecution"),
        ),
        remedy="Limit targets (events:TargetArn) to services other than Systems Manager, and iam:PassRole to roles without these permissions.",
        source="EventBridge, FIS and EBS (DLM) User Guides; pathfinding scheduler-001, stepfunctions-001 through prowler",
    ),
)
