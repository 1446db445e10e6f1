"""Checks that compare each type of resource that a stack creates, and attributes that only a refresh compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TAGS: Final = "tags"
_DESCRIPTION: Final = "description"


@dataclass(frozen=True, kw_only=True)
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
    *(
        "data-key*",
        "logs-key*",
        "approval-key*",
        "approval-evidence-key*",
        "directory-key*",
        "directory-monitoring-key*",
    ),
    "directory-trail-key*",
)
_ROLE_CHECKS: Final = (
    *(
        "approval-*-role",
        "approval-operator-role*",
        "node-remediation-role",
        "host-management-role",
        "directory-instance-role",
    ),
    "directory-flow-logs-role",
)
_POLICY_CHECKS: Final = ("instance-policy*", "approval-*-policy*", "directory-*-policy")
_BUCKET_CHECKS: Final = ("directory-trail-bucket", "approval-evidence-bucket")
_GROUP_CHECKS: Final = (
    *("*endpoint-security-group", "directory-group-*", "directory-traffic", "directory-resolver-outbound"),
    "directory-resolver-inbound",
)
_SAME: Final = "keeps the prior values of the account in the state; not a resource in AWS"


def _bucket_checks(setting: str) -> tuple[str, ...]:
    return tuple(f"{each}-{setting}" for each in _BUCKET_CHECKS)


COVERAGE: Final[dict[str, Coverage]] = {
    "aws:accountaccess:Entitlement": Coverage(
        checks=("account-access-entitlements", "account-access-entitlements-of-others"),
        compared="existence, user, role; entitlements of others to roles of operators",
    ),
    "aws:athena:NamedQuery": Coverage(
        checks=("approval-evidence-queries",), compared="database, text", by_refresh=(_DESCRIPTION,)
    ),
    "aws:athena:Workgroup": Coverage(
        checks=("approval-evidence-workgroup",),
        compared="state, enforcement, limit of a query, managed results",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:cfg:RemediationConfiguration": Coverage(
        checks=("node-remediation",),
        compared="runbook, mode, role, parameters, attempts, execution controls",
        unchecked="runs of the remediation, which are about roles and not about the stack",
    ),
    "aws:cfg:Rule": Coverage(
        checks=("node-roles*",),
        compared="state, text, scope, triggers, error of the last evaluation, recording of IAM roles",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:cloudtrail:Trail": Coverage(
        checks=("directory-trail", "directory-trail-delivery"),
        compared="logging, Regions, global events, validation of log files, key, bucket, event selectors, errors of the last "
        "deliveries to the bucket, the topic and CloudWatch Logs",
        by_refresh=(_TAGS,),
    ),
    "aws:cloudwatch:EventRule": Coverage(
        checks=("approval-alarm-*", "directory-alert-*"),
        compared="state, pattern, failed invocations of the last 24 hours",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:cloudwatch:EventTarget": Coverage(
        checks=("approval-alarm-*", "directory-alert-*"), compared="target, role, input that changes the message"
    ),
    "aws:cloudwatch:LogGroup": Coverage(
        checks=("log-group*", "directory-flow-log-group", "directory-events-*"),
        compared="retention, key",
        by_refresh=(_TAGS,),
    ),
    "aws:cloudwatch:LogMetricFilter": Coverage(
        checks=("directory-filter-*",), compared="pattern, metric, its namespace, value and default, dimensions"
    ),
    "aws:cloudwatch:MetricAlarm": Coverage(
        checks=("approval-alarm-*", "directory-alarm-*"),
        compared="metric, threshold, treatment of missing data, actions, state",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:ebs:Volume": Coverage(
        checks=("directory-controller-*",),
        compared="size, type, key, the tag `Role`",
        by_refresh=(_TAGS,),
    ),
    "aws:ec2:FlowLog": Coverage(
        checks=("directory-flow-logs",),
        compared="state, traffic, destination, role, delivery",
        by_refresh=(_TAGS,),
    ),
    "aws:ec2:Instance": Coverage(
        checks=("directory-controller-*",),
        compared="state, type, subnet, security groups, public addresses, options of instance metadata, termination "
        "protection, source/destination check, profile, the tags `Role` and `PatchGroup`",
        by_refresh=(_TAGS, "type of the root volume"),
        unchecked="the image, as a newer one replaces no controller",
    ),
    "aws:ec2:ManagedPrefixList": Coverage(
        checks=("directory-prefix-list-*",), compared="entries, size", by_refresh=(_TAGS,)
    ),
    "aws:ec2:NetworkAcl": Coverage(
        checks=("directory-acl*", "directory-traffic"), compared="rules, subnets", by_refresh=(_TAGS,)
    ),
    "aws:ec2:SecurityGroup": Coverage(
        checks=_GROUP_CHECKS, compared="existence, unexpected rules", by_refresh=(_TAGS,)
    ),
    "aws:ec2:VolumeAttachment": Coverage(checks=("directory-controller-*",), compared="instance, device"),
    "aws:ec2:VpcEndpoint": Coverage(
        checks=("endpoint-*", "directory-endpoint-*"),
        compared="state, private DNS, subnets, security group, policy, route tables",
        by_refresh=(_TAGS, "subnets and route tables beyond the planned ones"),
        unchecked="the policy of the S3 gateway, of which the stack sets none; `doctor` evaluates the one in force",
    ),
    "aws:glue:CatalogDatabase": Coverage(
        checks=("approval-evidence-table",), compared="existence, with its table", by_refresh=(_DESCRIPTION, _TAGS)
    ),
    "aws:glue:CatalogTable": Coverage(
        checks=("approval-evidence-table", "approval-evidence-trail"),
        compared="location, columns, partitions, parameters of the projection",
        by_refresh=("formats",),
    ),
    "aws:iam:InstanceProfile": Coverage(checks=("directory-instance-profile",), compared="role", by_refresh=(_TAGS,)),
    "aws:iam:Policy": Coverage(
        checks=_POLICY_CHECKS,
        compared="default version, principals that have it (not of the policies that people attach), owner tag of the "
        "instance policy",
        by_refresh=(_TAGS,),
        unchecked="the deployer's principal in policies of the directory, where `deployerRoles` is empty: one is expected",
    ),
    "aws:iam:Role": Coverage(
        checks=_ROLE_CHECKS,
        compared="trust policy, inline and attached policies, permissions boundary, path, maximum session duration",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:iam:RolePolicy": Coverage(checks=_ROLE_CHECKS, compared="content"),
    "aws:iam:RolePolicyAttachment": Coverage(
        checks=("instance-policy-roles", "approval-*-policy-attachments", *_ROLE_CHECKS), compared="existence"
    ),
    "aws:iam:UserPolicyAttachment": Coverage(checks=("approval-*-policy-attachments",), compared="existence"),
    "aws:kms:Alias": Coverage(
        checks=_KEY_CHECKS,
        compared="existence",
        by_refresh=("the key behind it, if it matches the settings",),
    ),
    "aws:kms:Key": Coverage(
        checks=_KEY_CHECKS, compared="state, kind, rotation, policy", by_refresh=(_DESCRIPTION, _TAGS)
    ),
    "aws:ram:PrincipalAssociation": Coverage(checks=("directory-resolver-share",), compared="principal"),
    "aws:ram:ResourceAssociation": Coverage(checks=("directory-resolver-share",), compared="rule"),
    "aws:ram:ResourceShare": Coverage(
        checks=("directory-resolver-share",),
        compared="existence, principals outside the organization",
        by_refresh=(_TAGS,),
    ),
    "aws:route53:ResolverEndpoint": Coverage(
        checks=("directory-resolver-outbound", "directory-resolver-inbound"),
        compared="status, direction, subnets, security group",
        by_refresh=(_TAGS,),
    ),
    "aws:route53:ResolverRule": Coverage(
        checks=("directory-resolver-rule-*",),
        compared="status, domain, endpoint, targets, VPCs",
        by_refresh=(_TAGS,),
    ),
    "aws:route53:ResolverRuleAssociation": Coverage(checks=("directory-resolver-rule-*",), compared="VPC"),
    "aws:s3:Bucket": Coverage(checks=_BUCKET_CHECKS, compared="existence, owner", by_refresh=(_TAGS,)),
    "aws:s3:BucketObjectLockConfiguration": Coverage(
        checks=("approval-evidence-bucket-lock",), compared="mode and length of the default retention"
    ),
    "aws:s3:BucketPolicy": Coverage(checks=_bucket_checks("policy"), compared="content"),
    "aws:s3:BucketPublicAccessBlock": Coverage(checks=_bucket_checks("public-access"), compared="all four settings"),
    "aws:s3:BucketServerSideEncryptionConfiguration": Coverage(
        checks=_bucket_checks("encryption"), compared="algorithm, key", by_refresh=("bucket key",)
    ),
    "aws:s3:BucketVersioning": Coverage(checks=_bucket_checks("versioning"), compared="status"),
    "aws:scheduler:Schedule": Coverage(
        checks=("approval-schedule", "approval-evidence-schedule"),
        compared="state, rate, dates, time window, target, role, input; invocations by the CloudWatch alarms",
        by_refresh=(_DESCRIPTION, "time zone"),
    ),
    "aws:scheduler:ScheduleGroup": Coverage(
        checks=("approval-schedule", "approval-evidence-schedule"),
        compared="existence, with its schedule",
        by_refresh=(_TAGS,),
    ),
    "aws:sns:Topic": Coverage(
        checks=("approval-topic", "directory-topic", "*-delivery"),
        compared="key, failed notifications of the last 24 hours",
        by_refresh=(_TAGS,),
    ),
    "aws:sns:TopicPolicy": Coverage(checks=("approval-topic-policy", "directory-topic-policy"), compared="content"),
    "aws:sns:TopicSubscription": Coverage(
        checks=("approval-subscription*", "directory-subscription*"),
        compared="existence, confirmation, filter policy, authentication of its end",
    ),
    "aws:ssm:Association": Coverage(
        checks=(
            *("agent-updates", "agent-updates-run", "directory-agent*", "directory-backup*", "directory-health*"),
            "directory-promotion-*",
        ),
        compared="document and its version, schedule, targets, parameters, rates, destination of the output, calendars, results of the last "
        "run",
        by_refresh=(_TAGS,),
    ),
    "aws:ssm:MaintenanceWindow": Coverage(
        checks=("directory-patch-window*",),
        compared="state, schedule, time zone, first and last day, duration, cutoff, other windows with the prefix",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:ssm:MaintenanceWindowTarget": Coverage(checks=("directory-patch-window-*",), compared="targets"),
    "aws:ssm:MaintenanceWindowTask": Coverage(
        checks=("directory-patch-window-*",),
        compared="document, parameters and other settings of the command, role, targets, concurrency, errors",
        by_refresh=("priority", "timeout"),
    ),
    "aws:ssm:PatchBaseline": Coverage(
        checks=("directory-patch-baseline",),
        compared="approval rules, other patches and filters",
        by_refresh=(_DESCRIPTION, _TAGS),
    ),
    "aws:ssm:PatchGroup": Coverage(checks=("directory-patch-baseline",), compared="existence"),
    "aws:ssm:Parameter": Coverage(
        checks=("data-key-parameter",), compared="value, type", by_refresh=(_DESCRIPTION, _TAGS)
    ),
    "aws:vpc:SecurityGroupEgressRule": Coverage(
        checks=_GROUP_CHECKS,
        compared="direction, protocol, ports, peer; of controllers' groups the description",
        by_refresh=(_TAGS,),
    ),
    "aws:vpc:SecurityGroupIngressRule": Coverage(
        checks=_GROUP_CHECKS,
        compared="direction, protocol, ports, peer; of controllers' groups the description",
        by_refresh=(_TAGS, "description of the endpoints' rules"),
    ),
    "iam:OperatorGrants": Coverage(checks=("approval-tags",), compared="approval tags that belong to no active grant"),
    "shellaccess:AdoptedResource": Coverage(unchecked=_SAME),
    "shellaccess:CisScanConfiguration": Coverage(
        checks=("directory-detection-cis", "directory-detection-cis-owner"),
        compared="existence, level, schedule, account and tag of the targets, owner tag",
        by_refresh=(_TAGS,),
    ),
    "shellaccess:DetectionService": Coverage(
        checks=("directory-detection-*",),
        compared="existence, each feature of the settings, owner tag where there are tags, recorder of AWS Config",
    ),
    "shellaccess:GoverningStack": Coverage(checks=("governing-stack",), compared="existence, owner"),
    "shellaccess:ReleaseGuard": Coverage(
        unchecked="stops the destroy of a stack that another one has replaced; not in AWS"
    ),
    "ssm:Document": Coverage(
        checks=(
            *("approval-runbook*", "approval-reaper*", "approval-change-template*", "approval-evidence*"),
            *("node-remediation-runbook*", "directory-document-*", "access-manual-*", "access-auto*"),
        ),
        compared="type, status, sharing, default version, content; of the remediation's runbook content and owner tags",
        by_refresh=(_TAGS,),
    ),
    "ssm:PriorServiceSetting": Coverage(unchecked=_SAME),
    "ssm:ServiceSetting": Coverage(checks=("host-management",), compared="value"),
    "ssm:SessionPreferences": Coverage(
        checks=("document*",),
        compared="status, default version, each preference, owner tags",
        by_refresh=("other tags",),
    ),
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
