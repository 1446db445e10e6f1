"""Permissions boundary of the roles that stacks create, as the deployer could otherwise give them any permission.

It contains the permissions of all these roles. Those that lead further are limited to the role that needs them, so that
code on a node or in a runbook for nodes cannot use them: only the runbooks' role sets grants, and on operators only.
"""

from __future__ import annotations

from typing import Final

from common.iam.statements import document
from components.approval.names import (
    BREAK_GLASS_ROLE_NAME,
    EVENT_FORWARDING_ROLE_NAME,
    EVIDENCE_ROLE_NAME,
    EVIDENCE_RUNBOOK_NAME,
    EVIDENCE_SCHEDULE_ROLE_NAME,
    REAPER_NAME,
    REAPER_SCHEDULE_ROLE_NAME,
    ROLE_NAME,
    TAG_KEY,
    WorkflowLocation,
)
from components.domain_controllers.iam_policies import AGENT_ACTIONS
from components.domain_controllers.names import CONTROLLERS_ROLE, METRICS
from components.domain_controllers.operations.plan import CIS_ACTIONS
from components.nodes.names import REMEDIATION_ROLE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.deployer.iam import OPERATOR_ROLES
from operations.deployer.names import Role
from operations.deployer.scope import ANY, DeploymentScope, System
from operations.deployer.statement import Policy, actions_of, fitting, statement

_APPROVAL: Final = actions_of(
    "ec2: DescribeInstances",
    "iam: GetRole GetUser ListRoleTags ListUserTags ListUsers",
    "kms: Decrypt GenerateDataKey",
    "sns: Publish",
    "ssm: DescribeAutomationExecutions DescribeInstanceInformation DescribeSessions GetAutomationExecution",
)
_SESSIONS: Final = actions_of(
    "kms: Decrypt GenerateDataKey",
    "logs: CreateLogStream DescribeLogGroups DescribeLogStreams PutLogEvents",
    "s3: GetEncryptionConfiguration PutObject PutObjectAcl",
)
"""Permissions of instances with governed sessions, and of flow logs."""


_REMEDIATION: Final = actions_of(
    "config: ListDiscoveredResources",
    "iam: GetRole ListAttachedRolePolicies ListInstanceProfilesForRole",
)


_OPERATORS: Final = actions_of(
    "ec2: DescribeInstances",
    "iam: ListEntitiesForPolicy PassRole",
    "kms: GenerateDataKey",
    "ssm: Describe* GetAutomationExecution StartAutomationExecution StartChangeRequestExecution StartSession",
    "ssm: TerminateSession",
    "ssmmessages: OpenDataChannel",
)


def role_boundary(scope: DeploymentScope) -> Policy:
    """Return the policy that `shell-access:permissionsBoundary` names."""
    approval, nodes = System.APPROVAL in scope.systems, System.NODES in scope.systems
    hosts = nodes or System.CONTROLLERS in scope.systems
    actions = {
        *(_APPROVAL if approval else ()),
        *((*AGENT_ACTIONS, *_SESSIONS) if hosts else ()),
        *(_REMEDIATION if nodes else ()),
        *(CIS_ACTIONS if scope.has_cis_scans else ()),
    }
    operated = System.CONTROLLER_OPERATIONS in scope.systems
    attached = {"iam:PolicyARN": scope.policy(f"{INSTANCE_POLICY_NAME}*"), **_as(scope, REMEDIATION_ROLE_NAME)}
    deployers = [scope.iam(f"role/{name}*") for name in (Role.DEPLOYER, Role.PREVIEW)]
    attaching = (
        statement("AttachInstancePolicy", ["iam:AttachRolePolicy"], conditions={"ArnEquals": attached}),
        statement("NotToDeployers", ["iam:AttachRolePolicy"], deployers, effect="Deny"),
    )
    own_metrics = {"StringEquals": {"cloudwatch:namespace": METRICS}}
    statements: list[Policy] = [
        *([statement("Work", sorted(actions))] if actions else []),
        *([statement("SendMetrics", ["cloudwatch:PutMetricData"], conditions=own_metrics)] if operated else []),
        *([statement("WriteBackups", ["s3:AbortMultipartUpload"])] if operated and scope.backup_buckets else []),
        *([_read_secrets(scope)] if scope.promotion_secrets else []),
        *(attaching if nodes else []),
        *(_grants(scope) if approval else []),
        *([_emergency_access(scope)] if scope.has_break_glass else []),
        *(_people(scope) if scope.identity_regions else []),
        *([_export(scope)] if scope.exports_evidence else []),
    ]
    return fitting(document(statements), "the boundary of its roles")


def _read_secrets(scope: DeploymentScope) -> Policy:
    """Return the permission to read the secrets of promotions, for controllers alone."""
    controllers = {"ArnEquals": _as(scope, CONTROLLERS_ROLE)}
    secrets = sorted(scope.promotion_secrets)
    return statement("ReadPromotionSecrets", ["secretsmanager:GetSecretValue"], secrets, controllers)


def _emergency_access(scope: DeploymentScope) -> Policy:
    actions = ["ssm:StartSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"]
    return statement("EmergencyAccess", actions, conditions={"ArnEquals": _as(scope, BREAK_GLASS_ROLE_NAME)})


def _people(scope: DeploymentScope) -> list[Policy]:
    """Return the permissions of operators of IAM Identity Center, whose policies limit their resources."""
    people = {"ArnLike": {"aws:PrincipalArn": scope.iam(f"role/{OPERATOR_ROLES}")}}
    users = ["identitystore:DescribeUser", "identitystore:GetUserId"]
    return [
        statement("People", _OPERATORS, conditions=people),
        statement("IdentifyUsers", users, conditions={"ArnEquals": _as(scope, ROLE_NAME)}),
    ]


def _export(scope: DeploymentScope) -> Policy:
    actions = (
        *("cloudtrail:LookupEvents", "logs:DescribeLogStreams"),
        *("s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject"),
        *(_ACCESS_REQUESTS if scope.approval_policies else ()),
    )
    return statement("ExportEvidence", actions, conditions={"ArnEquals": _as(scope, EVIDENCE_ROLE_NAME)})


_ACCESS_REQUESTS: Final = ("ssm:DescribeOpsItems", "ssm:GetDocument", "ssm:GetOpsItem")


def _as(scope: DeploymentScope, role: str) -> dict[str, str]:
    return {"aws:PrincipalArn": scope.iam(f"role/{role}")}


def _schedules(scope: DeploymentScope) -> list[Policy]:
    """Return the permissions of schedules to start their runbooks with their roles.

    One statement for all of them, as the size of a policy is limited; each role's own policy names its runbook.
    """
    runbooks = {REAPER_NAME: (REAPER_SCHEDULE_ROLE_NAME, ROLE_NAME)}
    if scope.exports_evidence:
        runbooks[EVIDENCE_RUNBOOK_NAME] = (EVIDENCE_SCHEDULE_ROLE_NAME, EVIDENCE_ROLE_NAME)
    place = WorkflowLocation(partition=scope.partition, account_id=scope.account, region=ANY)
    started = [*(arn for each in runbooks for arn in place.default_version(each)), place.ssm("automation-execution/*")]
    by = {"ArnEquals": {"aws:PrincipalArn": [scope.iam(f"role/{each}") for each, _ in runbooks.values()]}}
    passing = {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}, **by}
    return [
        statement("StartRunbooks", ["ssm:StartAutomationExecution"], started, by),
        statement("PassRoles", ["iam:PassRole"], [scope.iam(f"role/{each}") for _, each in runbooks.values()], passing),
    ]


def _grants(scope: DeploymentScope) -> list[Policy]:
    by_runbooks = {"ArnEquals": _as(scope, ROLE_NAME)}
    by_rules = {"ArnEquals": _as(scope, EVENT_FORWARDING_ROLE_NAME)}
    setting = {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]}, "Null": {"aws:TagKeys": "false"}, **by_runbooks}
    removing = {"ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}, **by_runbooks}
    operators = [
        *scope.principals("role", scope.operator_roles),
        *scope.principals("user", scope.operator_users),
        *([scope.iam(f"role/{OPERATOR_ROLES}")] if scope.identity_regions else []),
    ]
    return [
        statement("SetGrants", ["iam:TagRole", "iam:TagUser"], conditions=setting),
        statement("RemoveGrants", ["iam:UntagRole", "iam:UntagUser"], conditions=removing),
        statement("EndSessions", ["ssm:TerminateSession"], conditions=by_runbooks),
        # One statement for both, as the size of a policy is limited and there may be many operators.
        {
            "Sid": "OperatorsOnly",
            "Effect": "Deny",
            "Action": ["iam:TagRole", "iam:TagUser", "iam:UntagRole", "iam:UntagUser"],
            "NotResource": operators,
        },
        statement("ForwardEvents", ["events:PutEvents"], [scope.arn("events", "event-bus/default")], by_rules),
        *_schedules(scope),
    ]
