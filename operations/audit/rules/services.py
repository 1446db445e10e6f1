"""F: roles that services take on for whoever drives them."""

from __future__ import annotations

from typing import Final

from operations.audit.catalogue import Exempt, Need, On, Rule, Way, need, way
from operations.audit.rules.keys import passed_to
from operations.audit.severity import Severity

_SSM = "ssm.amazonaws.com"


def _passing(service: str) -> Need:
    return need("iam:PassRole", on=On.PASSABLE, service=service, given=passed_to(service))


def _compute(service: str, *steps: tuple[str, ...]) -> Way:
    """New work of a service under a role that is passed: one action of every step."""
    return way(Severity.HIGH, *(need(*each) for each in steps), _passing(service))


def _carried(service: str, *actions: str) -> tuple[Way, Way]:
    """Changed work of a service under the role that it has already; a hint where no such role is privileged."""
    return (
        way(Severity.HIGH, need(*actions, on=On.CARRIED, service=service)),
        way(Severity.LOW, need(*actions)),
    )


SERVICES: Final = (
    Rule(
        id="F1",
        title="Passes a role to Automation",
        gives="Runs a runbook of its own under a role that tags principals or drives instances.",
        ways=(
            way(
                Severity.CRITICAL,
                need("iam:PassRole", on=On.RUNBOOK_ROLE, given=passed_to(_SSM)),
                need("ssm:StartAutomationExecution", on=On.OTHER_RUNBOOKS),
            ),
            way(
                Severity.CRITICAL,
                need("iam:PassRole", on=On.RUNBOOK_ROLE, given=passed_to(_SSM)),
                need("ssm:RegisterTaskWithMaintenanceWindow", "ssm:CreateAssociation"),
            ),
            way(Severity.HIGH, _passing(_SSM), need("ssm:StartAutomationExecution", on=On.OTHER_RUNBOOKS)),
            way(
                Severity.HIGH,
                _passing(_SSM),
                need("ssm:RegisterTaskWithMaintenanceWindow", "ssm:CreateAssociation"),
            ),
            way(Severity.LOW, need("iam:PassRole", on=On.RUNBOOK_ROLE, given=passed_to(_SSM))),
        ),
        remedy="Name in iam:PassRole the roles that may be passed, without the runbook's, and pin iam:PassedToService.",
        source="pathfinding ssm-003 through prowler; IAM User Guide: Permissions to pass a role",
        exempt=frozenset({Exempt.OPERATOR}),
    ),
    Rule(
        id="F2",
        title="Makes compute with a role",
        gives="Code of the caller's runs with the rights of the role that is passed.",
        ways=(
            _compute(
                "lambda.amazonaws.com", ("lambda:CreateFunction",), ("lambda:InvokeFunction", "lambda:AddPermission")
            ),
            _compute("lambda.amazonaws.com", ("lambda:CreateFunction",), ("lambda:CreateEventSourceMapping",)),
            _compute(
                "ec2.amazonaws.com",
                ("ec2:RunInstances", "ec2:RequestSpotInstances", "ec2:RequestSpotFleet", "ec2:CreateFleet"),
            ),
            _compute("ec2.amazonaws.com", ("autoscaling:CreateAutoScalingGroup",)),
            _compute("codebuild.amazonaws.com", ("codebuild:CreateProject",), ("codebuild:StartBuild",)),
            _compute("glue.amazonaws.com", ("glue:CreateJob",), ("glue:StartJobRun",)),
            _compute("glue.amazonaws.com", ("glue:CreateDevEndpoint",)),
            _compute(
                "ecs-tasks.amazonaws.com",
                ("ecs:RegisterTaskDefinition",),
                ("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"),
            ),
            _compute(
                "sagemaker.amazonaws.com",
                ("sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob"),
            ),
            _compute(
                "datapipeline.amazonaws.com", ("datapipeline:CreatePipeline",), ("datapipeline:PutPipelineDefinition",)
            ),
            _compute("cloudformation.amazonaws.com", ("cloudformation:CreateStack", "cloudformation:UpdateStack")),
            _compute("codepipeline.amazonaws.com", ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline")),
        ),
        remedy="Name in iam:PassRole roles without rights of this list, and pin iam:PassedToService.",
        source="Rhino 3, 15 to 17, 19, 21, 22, 27; pathfinding; PMapper ec2_edges, lambda_edges; prowler; cloudsplaining",
    ),
    Rule(
        id="F3",
        title="Changes work that has a role already",
        gives="Code of the caller's runs with the rights of a role that is attached; nothing is passed.",
        ways=(
            *_carried("lambda.amazonaws.com", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
            *_carried("codebuild.amazonaws.com", "codebuild:UpdateProject", "codebuild:StartBuild"),
            *_carried("glue.amazonaws.com", "glue:UpdateJob", "glue:UpdateDevEndpoint"),
            *_carried("sagemaker.amazonaws.com", "sagemaker:CreatePresignedNotebookInstanceUrl"),
            *_carried("cloudformation.amazonaws.com", "cloudformation:UpdateStack", "cloudformation:ExecuteChangeSet"),
            *_carried("codepipeline.amazonaws.com", "codepipeline:UpdatePipeline"),
        ),
        remedy="Limit the statement to resources whose roles have no rights of this list.",
        source="Rhino 18, 20, 28; pathfinding; prowler; cloudsplaining",
    ),
    Rule(
        id="F4",
        title="Schedules or orchestrates with a role",
        gives="A service calls Run Command, Automation or any other interface under a role.",
        ways=(
            _compute("events.amazonaws.com", ("events:PutTargets",)),
            _compute("scheduler.amazonaws.com", ("scheduler:CreateSchedule", "scheduler:UpdateSchedule")),
            _compute("states.amazonaws.com", ("states:CreateStateMachine", "states:UpdateStateMachine")),
            _compute("config.amazonaws.com", ("config:PutRemediationConfigurations",)),
            _compute("ssm.amazonaws.com", ("config:PutRemediationConfigurations",)),
            _compute(
                "ssm-incidents.amazonaws.com",
                ("ssm-incidents:CreateResponsePlan", "ssm-incidents:UpdateResponsePlan"),
            ),
            _compute("fis.amazonaws.com", ("fis:CreateExperimentTemplate", "fis:UpdateExperimentTemplate")),
            _compute("dlm.amazonaws.com", ("dlm:CreateLifecyclePolicy", "dlm:UpdateLifecyclePolicy")),
            way(
                Severity.MEDIUM,
                need(
                    *("events:PutTargets", "scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
                    *("states:CreateStateMachine", "states:UpdateStateMachine", "config:PutRemediationConfigurations"),
                    *("ssm-incidents:CreateResponsePlan", "ssm-incidents:UpdateResponsePlan"),
                    *("fis:CreateExperimentTemplate", "fis:UpdateExperimentTemplate"),
                    *("dlm:CreateLifecyclePolicy", "dlm:UpdateLifecyclePolicy"),
                ),
            ),
            way(Severity.LOW, need("states:StartExecution", "config:StartRemediationExecution", "fis:StartExperiment")),
        ),
        remedy="Limit events:TargetArn and the like to targets outside Systems Manager, and iam:PassRole to harmless roles.",
        source="EventBridge, FIS and EBS (DLM) User Guides; pathfinding scheduler-001, stepfunctions-001 through prowler",
    ),
)
