"""Permissions boundary of the roles that stacks create, as the deployer could otherwise give them any permission.

It contains the permissions of all these roles. Those that lead further are limited to the role that needs them, so that
code on a node or in a runbook for nodes cannot use them: only the runbooks' role sets grants, and on operators only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.limits import document
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
)
from components.domain_controllers.instance_role import AGENT_ACTIONS
from components.domain_controllers.instance_role import NAME as CONTROLLERS_ROLE
from components.domain_controllers.names import METRICS
from components.domain_controllers.operations.plan import CIS_ACTIONS
from components.nodes.names import REMEDIATION_ROLE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.deployer.iam import OPERATOR_ROLES
from operations.deployer.names import Role
from operations.deployer.scope import System
from operations.deployer.statement import fitting

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope
    from operations.deployer.statement import Policy

_APPROVAL: Final = (
    "ec2:DescribeInstances",
    "iam:GetRole",
    "iam:GetUser",
    "iam:ListRoleTags",
    "iam:ListUserTags",
    "iam:ListUsers",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "sns:Publish",
    "ssm:DescribeAutomationExecutions",
    "ssm:DescribeInstanceInformation",
    "ssm:DescribeSessions",
    "ssm:GetAutomationExecution",
)
_SESSIONS: Final = (
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "s3:GetEncryptionConfiguration",
    "s3:PutObject",
    "s3:PutObjectAcl",
)
"""Permissions of instances with governed sessions, and of flow logs."""


_REMEDIATION: Final = (
    "config:ListDiscoveredResources",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
)


_SEND_METRICS: Final = {
    "Sid": "SendMetrics",
    "Effect": "Allow",
    "Action": ["cloudwatch:PutMetricData"],
    "Resource": "*",
    "Condition": {"StringEquals": {"cloudwatch:namespace": METRICS}},
}

_OPERATORS: Final = (
    "ec2:DescribeInstances",
    "iam:ListEntitiesForPolicy",
    "iam:PassRole",
    "kms:GenerateDataKey",
    "ssm:Describe*",
    "ssm:GetAutomationExecution",
    "ssm:StartAutomationExecution",
    "ssm:StartChangeRequestExecution",
    "ssm:StartSession",
    "ssm:TerminateSession",
    "ssmmessages:OpenDataChannel",
)


_WRITE_BACKUPS: Final = {
    "Sid": "WriteBackups",
    "Effect": "Allow",
    "Action": ["s3:AbortMultipartUpload"],
    "Resource": "*",
}


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
    plain = {"Sid": "Work", "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    attaching = {
        "Sid": "AttachInstancePolicy",
        "Effect": "Allow",
        "Action": ["iam:AttachRolePolicy"],
        "Resource": "*",
        "Condition": {
            "ArnEquals": {
                "iam:PolicyARN": scope.policy(f"{INSTANCE_POLICY_NAME}*"),
                **_as(scope, REMEDIATION_ROLE_NAME),
            }
        },
    }
    excluded = {
        "Sid": "NotToDeployers",
        "Effect": "Deny",
        "Action": ["iam:AttachRolePolicy"],
        "Resource": [scope.iam(f"role/{name}*") for name in (Role.DEPLOYER, Role.PREVIEW)],
    }
    statements = [
        *([plain] if actions else []),
        *([_SEND_METRICS] if operated else []),
        *([_WRITE_BACKUPS] if operated and scope.backup_buckets else []),
        *([_read_secrets(scope)] if scope.promotion_secrets else []),
        *([attaching, excluded] if nodes else []),
        *(_grants(scope) if approval else []),
        *([_emergency_access(scope)] if scope.has_break_glass else []),
        *(_people(scope) if scope.identity_regions else []),
        *(_export(scope) if scope.exports_evidence else []),
    ]
    return fitting(document(statements), "the boundary of its roles")


def _read_secrets(scope: DeploymentScope) -> dict[str, Any]:
    """Return the permission to read the secrets of promotions, for controllers alone."""
    return {
        "Sid": "ReadPromotionSecrets",
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue"],
        "Resource": sorted(scope.promotion_secrets),
        "Condition": {"ArnEquals": _as(scope, CONTROLLERS_ROLE)},
    }


def _emergency_access(scope: DeploymentScope) -> dict[str, Any]:
    return {
        "Sid": "EmergencyAccess",
        "Effect": "Allow",
        "Action": ["ssm:StartSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"],
        "Resource": "*",
        "Condition": {"ArnEquals": _as(scope, BREAK_GLASS_ROLE_NAME)},
    }


def _people(scope: DeploymentScope) -> list[dict[str, Any]]:
    """Return the permissions of operators of IAM Identity Center, whose policies limit their resources."""
    return [
        {
            "Sid": "People",
            "Effect": "Allow",
            "Action": list(_OPERATORS),
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": scope.iam(f"role/{OPERATOR_ROLES}")}},
        },
        {
            "Sid": "IdentifyUsers",
            "Effect": "Allow",
            "Action": ["identitystore:DescribeUser", "identitystore:GetUserId"],
            "Resource": "*",
            "Condition": {"ArnEquals": _as(scope, ROLE_NAME)},
        },
    ]


def _export(scope: DeploymentScope) -> list[dict[str, Any]]:
    by_schedule = {"ArnEquals": _as(scope, EVIDENCE_SCHEDULE_ROLE_NAME)}
    names = (f"document/{EVIDENCE_RUNBOOK_NAME}", f"automation-definition/{EVIDENCE_RUNBOOK_NAME}:$DEFAULT")
    return [
        {
            "Sid": "ExportEvidence",
            "Effect": "Allow",
            "Action": [
                *("cloudtrail:LookupEvents", "logs:DescribeLogStreams"),
                *("s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject"),
                *(_ACCESS_REQUESTS if scope.approval_policies else ()),
            ],
            "Resource": "*",
            "Condition": {"ArnEquals": _as(scope, EVIDENCE_ROLE_NAME)},
        },
        {
            "Sid": "StartExport",
            "Effect": "Allow",
            "Action": ["ssm:StartAutomationExecution"],
            "Resource": [scope.arn("ssm", each) for each in names],
            "Condition": by_schedule,
        },
        {
            "Sid": "PassExportRole",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [scope.iam(f"role/{EVIDENCE_ROLE_NAME}")],
            "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}, **by_schedule},
        },
    ]


_ACCESS_REQUESTS: Final = ("ssm:DescribeOpsItems", "ssm:GetDocument", "ssm:GetOpsItem")


def _as(scope: DeploymentScope, role: str) -> dict[str, str]:
    return {"aws:PrincipalArn": scope.iam(f"role/{role}")}


def _grants(scope: DeploymentScope) -> list[dict[str, Any]]:
    present = {"Null": {"aws:TagKeys": "false"}}
    by_runbooks = {"ArnEquals": _as(scope, ROLE_NAME)}
    by_schedule = {"ArnEquals": _as(scope, REAPER_SCHEDULE_ROLE_NAME)}
    operators = [
        *scope.principals("role", scope.operator_roles),
        *scope.principals("user", scope.operator_users),
        *([scope.iam(f"role/{OPERATOR_ROLES}")] if scope.identity_regions else []),
    ]
    runbook = [
        scope.arn("ssm", f"document/{REAPER_NAME}"),
        scope.arn("ssm", f"automation-definition/{REAPER_NAME}:$DEFAULT"),
    ]
    return [
        {
            "Sid": "SetGrants",
            "Effect": "Allow",
            "Action": ["iam:TagRole", "iam:TagUser"],
            "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]}, **present, **by_runbooks},
        },
        {
            "Sid": "RemoveGrants",
            "Effect": "Allow",
            "Action": ["iam:UntagRole", "iam:UntagUser"],
            "Resource": "*",
            "Condition": {"ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}, **by_runbooks},
        },
        {
            "Sid": "EndSessions",
            "Effect": "Allow",
            "Action": ["ssm:TerminateSession"],
            "Resource": "*",
            "Condition": by_runbooks,
        },
        # One statement for both, as the size of a policy is limited and there may be many operators.
        {
            "Sid": "OperatorsOnly",
            "Effect": "Deny",
            "Action": ["iam:TagRole", "iam:TagUser", "iam:UntagRole", "iam:UntagUser"],
            "NotResource": operators,
        },
        {
            "Sid": "StartReaper",
            "Effect": "Allow",
            "Action": ["ssm:StartAutomationExecution"],
            "Resource": runbook,
            "Condition": by_schedule,
        },
        {
            "Sid": "ForwardEvents",
            "Effect": "Allow",
            "Action": ["events:PutEvents"],
            "Resource": [scope.arn("events", "event-bus/default")],
            "Condition": {"ArnEquals": _as(scope, EVENT_FORWARDING_ROLE_NAME)},
        },
        {
            "Sid": "PassRole",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [scope.iam(f"role/{ROLE_NAME}")],
            "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}, **by_schedule},
        },
    ]
