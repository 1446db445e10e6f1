"""Permissions for `doctor` and `nodes`: to read nodes, their roles and networks, and resources of their sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.just_in_time.names import DENY_ACCESS_NAME, DOCUMENT_TYPES, IDENTITY_PROVIDER_SETTING
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_PARAMETER
from operations.deployer.named_resources import approval_policy_arns
from operations.deployer.nodes import service_setting
from operations.deployer.read_permissions import LOG_BUCKET
from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_ROLES: Final = (
    "iam:GetInstanceProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)
_ORGANIZATION: Final = (
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
)
"""Allowed in the management account and to delegated administrators only; elsewhere the doctor notes the gap."""
_KEYS: Final = ("kms:DescribeKey", "kms:GetKeyPolicy")
"""Also for the bucket's key, which may be in another Region than the stack."""
_NODES: Final = (
    "ec2:DescribeInstances",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpoints",
    "ec2:GetManagedPrefixListEntries",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "ssm:DescribeInstanceInformation",
)


def doctor_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for all calls of the doctor.

    The account of a bucket in another account has to allow reading its settings, too.
    """
    named_networks = ("ec2:DescribeVpcs",) if System.ENDPOINTS in scope.systems else ()
    document = scope.arn("ssm", f"document/{DOCUMENT_NAME}")
    buckets = tuple(f"arn:{scope.partition}:s3:::{name}" for name in sorted(scope.buckets))
    return [
        AllowedActions("GetCallerIdentity", ("sts:GetCallerIdentity",), everywhere=True),
        AllowedActions("ReadRoles", _ROLES, everywhere=True),
        AllowedActions("ReadOrganization", _ORGANIZATION, everywhere=True),
        AllowedActions("ReadKeys", _KEYS, everywhere=True),
        *_access(scope),
        AllowedActions("ReadNodes", (*_NODES, *named_networks)),
        AllowedActions("ReadPreferences", ("ssm:DescribeDocument", "ssm:GetDocument"), (document,)),
        AllowedActions("ReadDataKey", ("ssm:GetParameter",), (scope.arn("ssm", f"parameter{DATA_KEY_PARAMETER}"),)),
        AllowedActions("ReadHostManagement", ("ssm:GetServiceSetting",), (service_setting(scope),)),
        *(
            [AllowedActions("ReadLogBuckets", ("s3:GetBucketPolicy", *LOG_BUCKET), buckets, everywhere=True)]
            if buckets
            else []
        ),
    ]


def _access(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read just-in-time node access: its policies, tags of nodes and keys, and access requests."""
    if not scope.approval_policies:
        return []
    named = (*approval_policy_arns(scope), scope.arn("ssm", f"document/{DENY_ACCESS_NAME}"))
    records = (scope.arn("ssm", "opsitem/*"), scope.arn("ssm", "automation-execution/*"))
    return [
        AllowedActions("ReadAccess", ("kms:ListResourceTags", "ssm:DescribeOpsItems", "ssm:ListDocuments")),
        AllowedActions("ReadApprovalPolicies", ("ssm:DescribeDocument", "ssm:GetDocument"), named),
        AllowedActions(
            "ReadOtherApprovalPolicies",
            ("ssm:GetDocument",),
            (scope.arn("ssm", "document/*"),),
            {"StringEquals": {"ssm:DocumentType": list(DOCUMENT_TYPES)}},
        ),
        AllowedActions(
            "ReadIdentityProvider",
            ("ssm:GetServiceSetting",),
            (scope.arn("ssm", f"servicesetting{IDENTITY_PROVIDER_SETTING}"),),
        ),
        AllowedActions("ReadTagsOfNodes", ("ssm:ListTagsForResource",), (scope.arn("ssm", "managed-instance/*"),)),
        AllowedActions("ReadAccessRequests", ("ssm:GetAutomationExecution", "ssm:GetOpsItem"), records),
    ]
