"""Read-only permissions, without secrets: for previews, refreshes and verification, and for `doctor` and `nodes`."""

from __future__ import annotations

from typing import Final

from common.aws.arns import split_arn
from components.domain_controllers.names import ROLE_TAG
from components.just_in_time.names import DENY_ACCESS_NAME, DOCUMENT_TYPES, IDENTITY_PROVIDER_SETTING
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_PARAMETER
from operations.deployer.detection import detection_read_actions
from operations.deployer.named_resources import approval_policy_arns, document_names, own_buckets
from operations.deployer.nodes import association_documents, node_read_permissions, service_setting
from operations.deployer.scope import PUBLIC_PARAMETERS, DeploymentScope, System
from operations.deployer.statement import AllowedActions, actions_of
from operations.deployer.tagged_resources import RESOLVER_READS

_EC2: Final = actions_of(
    "ec2: DescribeAddresses DescribeFlowLogs DescribeIamInstanceProfileAssociations DescribeImages",
    "ec2: DescribeInstanceCreditSpecifications DescribeInstanceTypes DescribeInstances DescribeManagedPrefixLists",
    "ec2: DescribeNetworkAcls DescribeNetworkInterfaces DescribePrefixLists DescribeRouteTables",
    "ec2: DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVolumes",
    "ec2: DescribeVolumesModifications DescribeVpcAttribute DescribeVpcEndpointServices DescribeVpcEndpoints",
    "ec2: DescribeVpcs GetManagedPrefixListEntries",
)
_IAM: Final = actions_of(
    "iam: GetAccountSummary GetGroup GetInstanceProfile GetPolicy GetPolicyVersion GetRole GetRolePolicy GetUser",
    "iam: ListAttachedRolePolicies ListAttachedUserPolicies ListEntitiesForPolicy ListInstanceProfiles",
    "iam: ListInstanceProfilesForRole ListPolicies ListPolicyVersions ListRolePolicies ListRoleTags ListRoles",
    "iam: ListUserTags",
)
_KEYS_AND_LOGS: Final = actions_of(
    "kms: DescribeKey GetKeyPolicy GetKeyRotationStatus ListAliases ListResourceTags",
    "logs: DescribeLogGroups ListTagsForResource",
)
_MESSAGES: Final = actions_of(
    "sns: GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource ListTopics"
)
_SURVEILLANCE: Final = actions_of(
    "cloudtrail: DescribeTrails GetEventSelectors GetTrail GetTrailStatus ListTags",
    "cloudwatch: GetMetricData",
    "events: DescribeRule ListRules ListTagsForResource ListTargetsByRule",
)
_APPROVAL: Final = actions_of(
    "cloudwatch: DescribeAlarms ListTagsForResource",
    "scheduler: GetSchedule GetScheduleGroup ListTagsForResource",
    "ssm: DescribeAutomationExecutions GetAutomationExecution",
)
_OPERATIONS: Final = actions_of(
    "cloudwatch: DescribeAlarms ListTagsForResource",
    "logs: DescribeMetricFilters",
    "ssm: DescribeAssociation ListAssociations",
)
_EVIDENCE: Final = actions_of(
    "athena: GetNamedQuery ListNamedQueries",
    "glue: GetDatabase GetPartitionIndexes GetTable GetTags",
)
_TRAIL_QUERIES: Final = ("athena:GetWorkGroup", "athena:ListTagsForResource")
_PATCHING: Final = actions_of(
    "ssm: DescribeMaintenanceWindowTargets DescribeMaintenanceWindowTasks DescribeMaintenanceWindows",
    "ssm: DescribePatchBaselines DescribePatchGroups GetMaintenanceWindow GetMaintenanceWindowTask GetPatchBaseline",
)
_APPROVAL_EVENTS: Final = actions_of(
    "cloudtrail: DescribeTrails GetEventSelectors GetTrailStatus",
    "cloudwatch: GetMetricData",
    "events: DescribeRule ListRules ListTagsForResource ListTargetsByRule",
)
"""Read permissions that also apply in the Region of IAM's events."""
IDENTITIES: Final = actions_of(
    "identitystore: DescribeUser GetGroupId GetUserId ListGroupMemberships",
    "sso: DescribePermissionSet ListAccountAssignments ListInstances ListPermissionSets",
)
"""Read permissions for users and groups, and for assignments, which member accounts cannot read."""
TRUSTED_ACCESS: Final = "organizations:ListAWSServiceAccessForOrganization"
ENTITLEMENTS: Final = actions_of("account-access: GetApplication GetEntitlement ListEntitlements")
"""Read permissions for entitlements, in the account of the application or of its delegated administrator."""
_BUCKET: Final = actions_of(
    "s3: GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging",
    "s3: GetBucketObjectLockConfiguration GetBucketPolicy GetBucketPublicAccessBlock GetBucketRequestPayment",
    "s3: GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetLifecycleConfiguration",
    "s3: GetReplicationConfiguration ListBucket ListBucketVersions ListTagsForResource",
)
LOG_BUCKET: Final = ("s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration", "s3:ListBucket")
"""Read permissions for buckets of session logs, which may be in another Region than the stack."""
_DOCUMENT: Final = actions_of(
    "ssm: DescribeDocument DescribeDocumentPermission GetDocument ListDocumentVersions ListTagsForResource"
)
_PARAMETER: Final = ("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:ListTagsForResource")


def read_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read the systems of a scope."""
    networks = not scope.systems.isdisjoint({System.ENDPOINTS, System.CONTROLLERS})
    controllers, approval = System.CONTROLLERS in scope.systems, System.APPROVAL in scope.systems
    event_regions = {"StringEquals": {"aws:RequestedRegion": [*scope.regions, *sorted(scope.event_regions)]}}
    documents = tuple(scope.arn("ssm", f"document/{name}") for name in document_names(scope))
    seen = [
        *_KEYS_AND_LOGS,
        "tag:GetResources",
        # Other tags are known by the call above.
        *(["ssm:ListTagsForResource"] if association_documents(scope) else ()),
        *(_EC2 if networks else ()),
        *(_MESSAGES if controllers or approval else ()),
        *(_SURVEILLANCE if controllers else ()),
        *detection_read_actions(scope),
        *(RESOLVER_READS if scope.has_resolver_endpoints else ()),
        *(["servicequotas:GetServiceQuota"] if controllers and scope.reads_network_quotas else ()),
        *(["ssm:DescribeParameters"] if System.SESSION_MANAGER in scope.systems else ()),
        *(_OPERATIONS if System.CONTROLLER_OPERATIONS in scope.systems else ()),
        *(_PATCHING if System.CONTROLLER_PATCHING in scope.systems else ()),
        *(_APPROVAL if approval else ()),
        *(_EVIDENCE if scope.exports_evidence else ()),
        *(_TRAIL_QUERIES if scope.queries_trail else ()),
    ]
    return [
        AllowedActions("GetCallerIdentity", ("sts:GetCallerIdentity",), everywhere=True),
        AllowedActions("ReadIdentities", _IAM, everywhere=True),
        AllowedActions("Read", tuple(seen)),
        AllowedActions(
            "ReadApprovalEvents", _APPROVAL_EVENTS if approval else (), conditions=event_regions, everywhere=True
        ),
        *_identities(scope),
        AllowedActions("ReadDocuments", _DOCUMENT, documents),
        *(_access_policies(scope) if scope.approval_policies else ()),
        AllowedActions("ReadParameters", _PARAMETER, tuple(parameter_arns(scope))),
        *_buckets(scope),
        *(_controllers(scope) if controllers else ()),
        *node_read_permissions(scope),
    ]


def _identities(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to look up users and groups of IAM Identity Center."""
    regions = scope.identity_regions | {split_arn(each).region for each in scope.read_applications}
    if not regions:
        return []
    there = {"StringEquals": {"aws:RequestedRegion": sorted(regions)}}
    return [
        AllowedActions("ReadIdentityCenter", IDENTITIES, conditions=there, everywhere=True),
        AllowedActions("ReadEntitlements", ENTITLEMENTS, tuple(scope.read_applications), there, everywhere=True),
        AllowedActions("ReadTrustedAccess", (TRUSTED_ACCESS,) if scope.applications else (), everywhere=True),
    ]


def entitlement_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to entitle people to roles; no condition key limits them to some people or roles.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for Account access manager".
    """
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


def _access_policies(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read approval policies of just-in-time node access, other principals' as well.

    A node of two policies cannot be accessed, also where another principal wrote one.
    """
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
    key, value = ROLE_TAG
    described = ("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy")
    return [
        AllowedActions("DescribeSecrets", described, tuple(sorted(scope.promotion_secrets))),
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


def _buckets(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read the settings of buckets, not the objects in them."""
    logs = _log_buckets(scope) if System.SESSION_MANAGER in scope.systems else ()
    # The key of a bucket is in the bucket's Region, and may belong to another account.
    keys = (f"arn:{scope.partition}:kms:*:*:key/*",) if logs else ()
    saved = tuple(f"arn:{scope.partition}:s3:::{name}" for name in sorted(scope.backup_buckets))
    return [
        AllowedActions("ReadLogBuckets", LOG_BUCKET, logs, everywhere=True),
        AllowedActions("ReadLogBucketKeys", ("kms:DescribeKey",), keys, everywhere=True),
        AllowedActions("ReadBuckets", _BUCKET, (*own_buckets(scope), *saved)),
    ]


def _log_buckets(scope: DeploymentScope) -> tuple[str, ...]:
    return tuple(f"arn:{scope.partition}:s3:::{name}" for name in sorted(scope.buckets))


_ROLES: Final = actions_of(
    "iam: GetInstanceProfile GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies",
    "iam: ListRolePolicies",
)
_ORGANIZATION: Final = actions_of(
    "organizations: DescribeOrganization DescribePolicy ListParents ListPoliciesForTarget"
)
"""Allowed in the management account and to delegated administrators only; elsewhere the doctor notes the gap."""
_KEYS: Final = ("kms:DescribeKey", "kms:GetKeyPolicy")
"""Also for the bucket's key, which may be in another Region than the stack."""
_NODES: Final = actions_of(
    "ec2: DescribeInstances DescribeNatGateways DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroupRules",
    "ec2: DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute DescribeVpcEndpoints",
    "ec2: GetManagedPrefixListEntries",
    "kms: GetKeyRotationStatus ListAliases",
    "logs: DescribeLogGroups",
    "ssm: DescribeInstanceInformation",
)


def doctor_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for all calls of the doctor.

    The account of a bucket in another account has to allow reading its settings, too.
    """
    named_networks = ("ec2:DescribeVpcs",) if System.ENDPOINTS in scope.systems else ()
    document = scope.arn("ssm", f"document/{DOCUMENT_NAME}")
    return [
        AllowedActions("GetCallerIdentity", ("sts:GetCallerIdentity",), everywhere=True),
        AllowedActions("ReadRoles", _ROLES, everywhere=True),
        AllowedActions("ReadOrganization", _ORGANIZATION, everywhere=True),
        AllowedActions("ReadKeys", _KEYS, everywhere=True),
        *(_access(scope) if scope.approval_policies else ()),
        AllowedActions("ReadNodes", (*_NODES, *named_networks)),
        AllowedActions("ReadPreferences", ("ssm:DescribeDocument", "ssm:GetDocument"), (document,)),
        AllowedActions("ReadDataKey", ("ssm:GetParameter",), (scope.arn("ssm", f"parameter{DATA_KEY_PARAMETER}"),)),
        AllowedActions("ReadHostManagement", ("ssm:GetServiceSetting",), (service_setting(scope),)),
        AllowedActions("ReadLogBuckets", ("s3:GetBucketPolicy", *LOG_BUCKET), _log_buckets(scope), everywhere=True),
    ]


def _access(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to read just-in-time node access: its policies, tags of nodes and keys, and access requests."""
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
