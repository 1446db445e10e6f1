"""Checks that compare each type of resource that a stack creates, and attributes that only a refresh compares."""

from dataclasses import dataclass
from typing import Final

_TAGS: Final = "tags"
_DESCRIPTION: Final = "description"


@dataclass(frozen=True)
class Coverage:
    """The coverage of a type of resource.

    Attributes:
        checks: IDs of the checks that compare it, with wildcards; empty: `verify` does not check it.
        compared: Attributes and states that are compared.
        by_refresh: Attributes that only `pulumi preview --refresh` compares.
        unchecked: Reason for which some attributes are not checked; "": none.
    """

    checks: tuple[str, ...] = ()
    compared: str = ""
    by_refresh: tuple[str, ...] = ()
    unchecked: str = ""


_KEY_CHECKS: Final = (
    "data-key* logs-key* approval-key* approval-evidence-key* directory-key* directory-monitoring-key* "
    "directory-trail-key*"
)
_ROLE_CHECKS: Final = (
    "approval-*-role approval-operator-role* node-remediation-role host-management-role directory-instance-role "
    "directory-flow-logs-role"
)
_POLICY_CHECKS: Final = "instance-policy* approval-*-policy* directory-*-policy"
_BUCKET_CHECKS: Final = "directory-trail-bucket{0} approval-evidence-bucket{0}"
_GROUP_CHECKS: Final = (
    "*endpoint-security-group directory-group-* directory-traffic directory-resolver-outbound "
    "directory-resolver-inbound"
)
_SAME: Final = "keeps the prior values of the account in the state; not a resource in AWS"


def _cover(checks: str, compared: str = "", *by_refresh: str, unchecked: str = "") -> Coverage:
    """Return the coverage by checks, whose IDs are separated by spaces."""
    return Coverage(tuple(checks.split()), compared, by_refresh, unchecked)


COVERAGE: Final[dict[str, Coverage]] = {
    "aws:accountaccess:Entitlement": _cover(
        "account-access-entitlements account-access-entitlements-of-others",
        "existence, user, role; entitlements of others to roles of operators",
    ),
    "aws:athena:NamedQuery": _cover("approval-evidence-queries", "database, text", _DESCRIPTION),
    "aws:athena:Workgroup": _cover(
        "approval-evidence-workgroup", "state, enforcement, limit of a query, managed results", _DESCRIPTION, _TAGS
    ),
    "aws:cfg:RemediationConfiguration": _cover(
        "node-remediation",
        "runbook, mode, role, parameters, attempts, execution controls",
        unchecked="runs of the remediation, which are about roles and not about the stack",
    ),
    "aws:cfg:Rule": _cover(
        "node-roles*",
        "state, text, scope, triggers, error of the last evaluation, recording of IAM roles",
        _DESCRIPTION,
        _TAGS,
    ),
    "aws:cloudtrail:Trail": _cover(
        "directory-trail directory-trail-delivery",
        "logging, Regions, global events, validation of log files, key, bucket, event selectors, errors of the last "
        "deliveries to the bucket, the topic and CloudWatch Logs",
        _TAGS,
    ),
    "aws:cloudwatch:EventRule": _cover(
        "approval-alarm-* directory-alert-*",
        "state, pattern, failed invocations of the last 24 hours",
        _DESCRIPTION,
        _TAGS,
    ),
    "aws:cloudwatch:EventTarget": _cover(
        "approval-alarm-* directory-alert-*", "target, role, input that changes the message"
    ),
    "aws:cloudwatch:LogGroup": _cover(
        "log-group* directory-flow-log-group directory-events-*", "retention, key", _TAGS
    ),
    "aws:cloudwatch:LogMetricFilter": _cover(
        "directory-filter-*", "pattern, metric, its namespace, value and default, dimensions"
    ),
    "aws:cloudwatch:MetricAlarm": _cover(
        "approval-alarm-* directory-alarm-*",
        "metric, threshold, treatment of missing data, actions, state",
        _DESCRIPTION,
        _TAGS,
    ),
    "aws:ebs:Volume": _cover("directory-controller-*", "size, type, key, the tag `Role`", _TAGS),
    "aws:ec2:FlowLog": _cover("directory-flow-logs", "state, traffic, destination, role, delivery", _TAGS),
    "aws:ec2:Instance": _cover(
        "directory-controller-*",
        "state, type, subnet, security groups, public addresses, options of instance metadata, termination "
        "protection, source/destination check, profile, the tags `Role` and `PatchGroup`",
        _TAGS,
        "type of the root volume",
        unchecked="the image, as a newer one replaces no controller",
    ),
    "aws:ec2:ManagedPrefixList": _cover("directory-prefix-list-*", "entries, size", _TAGS),
    "aws:ec2:NetworkAcl": _cover("directory-acl* directory-traffic", "rules, subnets", _TAGS),
    "aws:ec2:SecurityGroup": _cover(_GROUP_CHECKS, "existence, unexpected rules", _TAGS),
    "aws:ec2:VolumeAttachment": _cover("directory-controller-*", "instance, device"),
    "aws:ec2:VpcEndpoint": _cover(
        "endpoint-* directory-endpoint-*",
        "state, private DNS, subnets, security group, policy, route tables",
        _TAGS,
        "subnets and route tables beyond the planned ones",
        unchecked="the policy of the S3 gateway, of which the stack sets none; `doctor` evaluates the one in force",
    ),
    "aws:glue:CatalogDatabase": _cover("approval-evidence-table", "existence, with its table", _DESCRIPTION, _TAGS),
    "aws:glue:CatalogTable": _cover(
        "approval-evidence-table approval-evidence-trail",
        "location, columns, partitions, parameters of the projection",
        "formats",
    ),
    "aws:iam:InstanceProfile": _cover("directory-instance-profile", "role", _TAGS),
    "aws:iam:Policy": _cover(
        _POLICY_CHECKS,
        "default version, principals that have it (not of the policies that people attach), owner tag of the "
        "instance policy",
        _TAGS,
        unchecked="the deployer's principal in policies of the directory, where `deployerRoles` is empty: one is expected",
    ),
    "aws:iam:Role": _cover(
        _ROLE_CHECKS,
        "trust policy, inline and attached policies, permissions boundary, path, maximum session duration",
        _DESCRIPTION,
        _TAGS,
    ),
    "aws:iam:RolePolicy": _cover(_ROLE_CHECKS, "content"),
    "aws:iam:RolePolicyAttachment": _cover(
        f"instance-policy-roles approval-*-policy-attachments {_ROLE_CHECKS}", "existence"
    ),
    "aws:iam:UserPolicyAttachment": _cover("approval-*-policy-attachments", "existence"),
    "aws:kms:Alias": _cover(_KEY_CHECKS, "existence", "the key behind it, if it matches the settings"),
    "aws:kms:Key": _cover(_KEY_CHECKS, "state, kind, rotation, policy", _DESCRIPTION, _TAGS),
    "aws:ram:PrincipalAssociation": _cover("directory-resolver-share", "principal"),
    "aws:ram:ResourceAssociation": _cover("directory-resolver-share", "rule"),
    "aws:ram:ResourceShare": _cover(
        "directory-resolver-share", "existence, principals outside the organization", _TAGS
    ),
    "aws:route53:ResolverEndpoint": _cover(
        "directory-resolver-outbound directory-resolver-inbound", "status, direction, subnets, security group", _TAGS
    ),
    "aws:route53:ResolverRule": _cover("directory-resolver-rule-*", "status, domain, endpoint, targets, VPCs", _TAGS),
    "aws:route53:ResolverRuleAssociation": _cover("directory-resolver-rule-*", "VPC"),
    "aws:s3:Bucket": _cover(_BUCKET_CHECKS.format(""), "existence, owner", _TAGS),
    "aws:s3:BucketObjectLockConfiguration": _cover(
        "approval-evidence-bucket-lock", "mode and length of the default retention"
    ),
    "aws:s3:BucketPolicy": _cover(_BUCKET_CHECKS.format("-policy"), "content"),
    "aws:s3:BucketPublicAccessBlock": _cover(_BUCKET_CHECKS.format("-public-access"), "all four settings"),
    "aws:s3:BucketServerSideEncryptionConfiguration": _cover(
        _BUCKET_CHECKS.format("-encryption"), "algorithm, key", "bucket key"
    ),
    "aws:s3:BucketVersioning": _cover(_BUCKET_CHECKS.format("-versioning"), "status"),
    "aws:scheduler:Schedule": _cover(
        "approval-schedule approval-evidence-schedule",
        "state, rate, dates, time window, target, role, input; invocations by the CloudWatch alarms",
        _DESCRIPTION,
        "time zone",
    ),
    "aws:scheduler:ScheduleGroup": _cover(
        "approval-schedule approval-evidence-schedule", "existence, with its schedule", _TAGS
    ),
    "aws:sns:Topic": _cover(
        "approval-topic directory-topic *-delivery", "key, failed notifications of the last 24 hours", _TAGS
    ),
    "aws:sns:TopicPolicy": _cover("approval-topic-policy directory-topic-policy", "content"),
    "aws:sns:TopicSubscription": _cover(
        "approval-subscription* directory-subscription*",
        "existence, confirmation, filter policy, authentication of its end",
    ),
    "aws:ssm:Association": _cover(
        "agent-updates agent-updates-run directory-agent* directory-backup* directory-health* directory-promotion-*",
        "document and its version, schedule, targets, parameters, rates, destination of the output, calendars, results of the last "
        "run",
        _TAGS,
    ),
    "aws:ssm:MaintenanceWindow": _cover(
        "directory-patch-window*",
        "state, schedule, time zone, first and last day, duration, cutoff, other windows with the prefix",
        _DESCRIPTION,
        _TAGS,
    ),
    "aws:ssm:MaintenanceWindowTarget": _cover("directory-patch-window-*", "targets"),
    "aws:ssm:MaintenanceWindowTask": _cover(
        "directory-patch-window-*",
        "document, parameters and other settings of the command, role, targets, concurrency, errors",
        "priority",
        "timeout",
    ),
    "aws:ssm:PatchBaseline": _cover(
        "directory-patch-baseline", "approval rules, other patches and filters", _DESCRIPTION, _TAGS
    ),
    "aws:ssm:PatchGroup": _cover("directory-patch-baseline", "existence"),
    "aws:ssm:Parameter": _cover("data-key-parameter", "value, type", _DESCRIPTION, _TAGS),
    "aws:vpc:SecurityGroupEgressRule": _cover(
        _GROUP_CHECKS, "direction, protocol, ports, peer; of controllers' groups the description", _TAGS
    ),
    "aws:vpc:SecurityGroupIngressRule": _cover(
        _GROUP_CHECKS,
        "direction, protocol, ports, peer; of controllers' groups the description",
        _TAGS,
        "description of the endpoints' rules",
    ),
    "ec2:PriorNetworkAcl": _cover("", unchecked=_SAME),
    "iam:OperatorGrants": _cover("approval-tags", "approval tags that belong to no active grant"),
    "shellaccess:AdoptedResource": _cover("", unchecked=_SAME),
    "shellaccess:CisScanConfiguration": _cover(
        "directory-detection-cis directory-detection-cis-owner",
        "existence, level, schedule, account and tag of the targets, owner tag",
        _TAGS,
    ),
    "shellaccess:DetectionService": _cover(
        "directory-detection-*",
        "existence, each feature of the settings, owner tag where there are tags, recorder of AWS Config",
    ),
    "shellaccess:GoverningStack": _cover("governing-stack", "existence, owner"),
    "shellaccess:ReleaseGuard": _cover(
        "", unchecked="stops the destroy of a stack that another one has replaced; not in AWS"
    ),
    "ssm:Document": _cover(
        "approval-runbook* approval-reaper* approval-change-template* approval-evidence* node-remediation-runbook* directory-document-* access-manual-* access-auto*",
        "type, status, sharing, default version, content; of the remediation's runbook content and owner tags",
        _TAGS,
    ),
    "ssm:PriorServiceSetting": _cover("", unchecked=_SAME),
    "ssm:ServiceSetting": _cover("host-management", "value"),
    "ssm:SessionPreferences": _cover("document*", "status, default version, each preference, owner tags", "other tags"),
}
"""Coverage by type in the state, without the part between slashes, and without `pulumi-python:dynamic/`."""

OTHER_CHECKS: Final[dict[str, str]] = {
    "account": "the credentials",
    "directory-backup-bucket": "the bucket for backups of controllers, which the stack uses and does not create",
    "directory-promotion-secret-*": "the secrets of a promotion, which the stack uses and does not create",
    "bucket*": "the bucket for session logs, which the stack uses and does not create",
    "network": "the VPC and the subnets in `shell-access:endpoints`",
    "directory-network": "the VPC and the subnets of a site, which have no route to an internet gateway",
    "directory-plan": "the plan of all sites, where the network of one is not known",
    "approval-operators": "operators in the settings",
    "approval-approvers": "approvers in the settings",
    "approval-identity-center": "users, groups and the permission set of IAM Identity Center in the settings",
    "approval-identity-center-assignments": "assignments of the operators' permission set",
    "approval-identity-center-entitlements": "entitlements of operators, where the account may read them",
    "approval-identity-center-entitlements-of-others": "other entitlements to their roles, where the account may read them",
    "account-access-operators": "users and groups of IAM Identity Center in the settings",
    "account-access-application": "the application of account access manager in the settings",
    "account-access-trusted-access": "trusted access for account access manager in the organization",
    "approval-alarm-trail": "trails that record the events of the alarms",
    "approval-alarm-iam-trail": "the same for the Region of IAM's events",
    "approval-alarm-trail-*": "the same for further Regions in which emergency access raises alarms",
    "approval-alarm-iam": "changes of IAM that raise no alarm",
    "access-token-role*": "the role of just-in-time node access, which Quick Setup creates: trust policy, policies",
    "access-service-role": "the service-linked role of just-in-time node access",
    "access-notifications-role": "the service-linked role that sends its notifications",
    "access-delegated-administrator": "the delegated administrator of Quick Setup, where the account may read it",
    "access-quick-setup": "configurations of Quick Setup, in the delegated administrator's account",
    "access-identity-provider": "the identity provider of just-in-time node access",
    "access-rdp-recording*": "recording of RDP connections: preferences, tag and state of the key, policy of the bucket",
    "access-nodes": "nodes, each of which has exactly one manual policy",
    "orphans*": "resources with the stack's owner tag that are not in its state",
}
"""Checks of resources that the stack depends on and does not create."""
