"""Read-only permissions: all that a preview, a refresh and a verification need, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from components.just_in_time.names import DENY_ACCESS_NAME, DOCUMENT_TYPES, IDENTITY_PROVIDER_SETTING
from components.session_manager.names import DATA_KEY_PARAMETER
from operations.deployer.associations import association_documents
from operations.deployer.detection import detection_read_actions
from operations.deployer.monitoring import own_buckets
from operations.deployer.name_resolution import READ as READ_NAME_RESOLUTION
from operations.deployer.named_resources import approval_policy_arns, document_names
from operations.deployer.nodes import node_read_permissions
from operations.deployer.scope import PUBLIC_PARAMETERS, System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_EC2: Final = (
    "ec2:DescribeAddresses",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeIamInstanceProfileAssociations",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceCreditSpecifications",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribePrefixLists",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "ec2:DescribeVolumesModifications",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpointServices",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ec2:GetManagedPrefixListEntries",
)
_IAM: Final = (
    "iam:GetAccountSummary",
    "iam:GetGroup",
    "iam:GetInstanceProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListInstanceProfiles",
    "iam:ListInstanceProfilesForRole",
    "iam:ListPolicies",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "iam:ListRoles",
    "iam:ListUserTags",
)
_KEYS_AND_LOGS: Final = (
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListResourceTags",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
)
_MESSAGES: Final = (
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:ListTopics",
)
_SURVEILLANCE: Final = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrail",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListTags",
    "cloudwatch:GetMetricData",
    "events:DescribeRule",
    "events:ListRules",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
)
_APPROVAL: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "scheduler:GetSchedule",
    "scheduler:GetScheduleGroup",
    "scheduler:ListTagsForResource",
    "ssm:DescribeAutomationExecutions",
    "ssm:GetAutomationExecution",
)
_OPERATIONS: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "logs:DescribeMetricFilters",
    "ssm:DescribeAssociation",
    "ssm:ListAssociations",
)
_EVIDENCE: Final = (
    "athena:GetNamedQuery",
    "athena:ListNamedQueries",
    "glue:GetDatabase",
    "glue:GetPartitionIndexes",
    "glue:GetTable",
    "glue:GetTags",
)
_TRAIL_QUERIES: Final = ("athena:GetWorkGroup", "athena:ListTagsForResource")
_PATCHING: Final = (
    "ssm:DescribeMaintenanceWindowTargets",
    "ssm:DescribeMaintenanceWindowTasks",
    "ssm:DescribeMaintenanceWindows",
    "ssm:DescribePatchBaselines",
    "ssm:DescribePatchGroups",
    "ssm:GetMaintenanceWindow",
    "ssm:GetMaintenanceWindowTask",
    "ssm:GetPatchBaseline",
)
_APPROVAL_EVENTS: Final = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudwatch:GetMetricData",
    "events:DescribeRule",
    "events:ListRules",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
)
"""Read permissions that also apply in the Region of IAM's events."""
IDENTITIES: Final = (
    "identitystore:DescribeUser",
    "identitystore:GetGroupId",
    "identitystore:GetUserId",
    "identitystore:ListGroupMemberships",
    "sso:DescribePermissionSet",
    "sso:ListAccountAssignments",
    "sso:ListInstances",
    "sso:ListPermissionSets",
)
"""Read permissions for users and groups, and for assignments, which member accounts cannot read."""
TRUSTED_ACCESS: Final = "organizations:ListAWSServiceAccessForOrganization"
ENTITLEMENTS: Final = (
    "account-access:GetApplication",
    "account-access:GetEntitlement",
    "account-access:ListEntitlements",
)
"""Read permissions for entitlements, in the account of the application or of its delegated administrator."""
_BUCKET: Final = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListTagsForResource",
)
LOG_BUCKET: Final = ("s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration", "s3:ListBucket")
"""Read permissions for buckets of session logs, which may be in another Region than the stack."""
_DOCUMENT: Final = (
    "ssm:DescribeDocument",
    "ssm:DescribeDocumentPermission",
    "ssm:GetDocument",
    "ssm:ListDocumentVersions",
    "ssm:ListTagsForResource",
)
_PARAMETER: Final = ("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:ListTagsForResource")


def read_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read the systems of a scope."""
    networks = not scope.systems.isdisjoint({System.ENDPOINTS, System.CONTROLLERS})
    controllers = System.CONTROLLERS in scope.systems
    seen = [
        *_KEYS_AND_LOGS,
        "tag:GetResources",
        # Other tags are known by the call above.
        *(["ssm:ListTagsForResource"] if association_documents(scope) else ()),
        *(_EC2 if networks else ()),
        *(_MESSAGES if controllers or System.APPROVAL in scope.systems else ()),
        *(_SURVEILLANCE if controllers else ()),
        *detection_read_actions(scope),
        *(READ_NAME_RESOLUTION if scope.has_resolver_endpoints else ()),
        *(["servicequotas:GetServiceQuota"] if controllers and scope.reads_network_quotas else ()),
        *(["ssm:DescribeParameters"] if System.SESSION_MANAGER in scope.systems else ()),
        *(_OPERATIONS if System.CONTROLLER_OPERATIONS in scope.systems else ()),
        *(_PATCHING if System.CONTROLLER_PATCHING in scope.systems else ()),
        *(_APPROVAL if System.APPROVAL in scope.systems else ()),
        *(_EVIDENCE if scope.exports_evidence else ()),
        *(_TRAIL_QUERIES if scope.queries_trail else ()),
    ]
    return [
        AllowedActions("GetCallerIdentity", ("sts:GetCallerIdentity",), everywhere=True),
        AllowedActions("ReadIdentities", _IAM, everywhere=True),
        AllowedActions("Read", tuple(seen)),
        *_approval_events(scope),
        *_identities(scope),
        *_documents(scope),
        *_approval_policies(scope),
        *_parameters(scope),
        *_buckets(scope),
        *_controllers(scope),
        *node_read_permissions(scope),
    ]


def _approval_events(scope: DeploymentScope) -> list[AllowedActions]:
    if System.APPROVAL not in scope.systems:
        return []
    regions = {"StringEquals": {"aws:RequestedRegion": [*scope.regions, *sorted(scope.event_regions)]}}
    return [AllowedActions("ReadApprovalEvents", _APPROVAL_EVENTS, conditions=regions, everywhere=True)]


def _identities(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to look up users and groups of IAM Identity Center."""
    regions = scope.identity_regions | {split_arn(each).region for each in scope.read_applications}
    if not regions:
        return []
    there = {"StringEquals": {"aws:RequestedRegion": sorted(regions)}}
    found = [AllowedActions("ReadIdentityCenter", IDENTITIES, conditions=there, everywhere=True)]
    if scope.read_applications:
        arns = tuple(scope.read_applications)
        found.append(AllowedActions("ReadEntitlements", ENTITLEMENTS, arns, there, everywhere=True))
    if scope.applications:
        found.append(AllowedActions("ReadTrustedAccess", (TRUSTED_ACCESS,), everywhere=True))
    return found


def entitlement_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to entitle people to roles; no condition key limits them to some people or roles.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Account access manager".
    """
    if not scope.applications:
        return []
    regions = sorted({split_arn(each).region for each in scope.applications})
    return [
        AllowedActions(
            "ManageEntitlements",
            ("account-access:CreateEntitlement", "account-access:DeleteEntitlement"),
            tuple(sorted(scope.applications)),
            {"StringEquals": {"aws:RequestedRegion": regions}},
            everywhere=True,
        )
    ]


def _documents(scope: DeploymentScope) -> list[AllowedActions]:
    arns = tuple(scope.arn("ssm", f"document/{name}") for name in document_names(scope))
    return [AllowedActions("ReadDocuments", _DOCUMENT, arns)] if arns else []


def _approval_policies(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read approval policies of just-in-time node access, other principals' as well.

    A node of two policies cannot be accessed, also where another principal wrote one.
    """
    if not scope.approval_policies:
        return []
    types = {"StringEquals": {"ssm:DocumentType": list(DOCUMENT_TYPES)}}
    actions = ("ssm:DescribeDocument", "ssm:GetDocument", "ssm:ListDocumentVersions", "ssm:ListTagsForResource")
    # Of a document that does not exist there is no type to compare.
    named = (*approval_policy_arns(scope), scope.arn("ssm", f"document/{DENY_ACCESS_NAME}"))
    setting = scope.arn("ssm", f"servicesetting{IDENTITY_PROVIDER_SETTING}")
    return [
        AllowedActions("ReadApprovalPolicies", actions, named),
        AllowedActions("ReadOtherApprovalPolicies", ("ssm:GetDocument",), (scope.arn("ssm", "document/*"),), types),
        AllowedActions(
            "ReadAccess",
            (
                "ec2:DescribeInstances",
                # Requests to a workflow that this mode replaces.
                "ssm:DescribeAutomationExecutions",
                "ssm:DescribeInstanceInformation",
                "ssm:ListDocuments",
            ),
        ),
        AllowedActions("ReadTagsOfNodes", ("ssm:ListTagsForResource",), (scope.arn("ssm", "managed-instance/*"),)),
        AllowedActions("ReadIdentityProvider", ("ssm:GetServiceSetting",), (setting,)),
        AllowedActions(
            "ReadAccessSetup",
            ("ssm-guiconnect:GetConnectionRecordingPreferences", "ssm-quicksetup:ListConfigurationManagers"),
        ),
        AllowedActions("ReadAdministrators", ("organizations:ListDelegatedAdministrators",), everywhere=True),
        # The bucket of recordings is set in the console of AWS.
        AllowedActions(
            "ReadRecordingBuckets", ("s3:GetBucketPolicy",), (f"arn:{scope.partition}:s3:::*",), everywhere=True
        ),
    ]


def _controllers(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read domain controllers, not other instances, whose user data may hold secrets."""
    if System.CONTROLLERS not in scope.systems:
        return []
    key, value = ROLE_TAG
    secrets = tuple(sorted(scope.promotion_secrets))
    described = ("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy")
    return [
        *([AllowedActions("DescribeSecrets", described, secrets)] if secrets else []),
        AllowedActions(
            "ReadControllers",
            ("ec2:DescribeInstanceAttribute",),
            (scope.arn("ec2", "instance/*"),),
            {"StringEquals": {f"aws:ResourceTag/{key}": value}},
        ),
    ]


def parameter_arns(scope: DeploymentScope) -> list[str]:
    """Return the ARNs of our parameters, public ones of AWS, and those of images; others may be secrets."""
    arns: list[str] = []
    if System.SESSION_MANAGER in scope.systems:
        arns.append(scope.arn("ssm", f"parameter{DATA_KEY_PARAMETER}"))
    if System.CONTROLLERS in scope.systems:
        arns.append(f"arn:{scope.partition}:ssm:*::parameter{PUBLIC_PARAMETERS}*")
        arns += [scope.arn("ssm", f"parameter/{name.lstrip('/')}") for name in sorted(scope.image_parameters)]
    return arns


def _parameters(scope: DeploymentScope) -> list[AllowedActions]:
    arns = tuple(parameter_arns(scope))
    return [AllowedActions("ReadParameters", _PARAMETER, arns)] if arns else []


def _buckets(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read the settings of buckets, not the objects in them."""
    arns = [f"arn:{scope.partition}:s3:::{name}" for name in sorted(scope.buckets)]
    found: list[AllowedActions] = []
    if arns and System.SESSION_MANAGER in scope.systems:
        found.append(AllowedActions("ReadLogBuckets", LOG_BUCKET, tuple(arns), everywhere=True))
        # The key of a bucket is in the bucket's Region, and may belong to another account.
        keys = (f"arn:{scope.partition}:kms:*:*:key/*",)
        found.append(AllowedActions("ReadLogBucketKeys", ("kms:DescribeKey",), keys, everywhere=True))
    saved = tuple(f"arn:{scope.partition}:s3:::{name}" for name in sorted(scope.backup_buckets))
    if buckets := (*own_buckets(scope), *saved):
        found.append(AllowedActions("ReadBuckets", _BUCKET, buckets))
    return found
