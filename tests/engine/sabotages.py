"""Changes behind the stack's back, one per attribute of each resource of `dev`, and the findings that report them.

A sabotage changes one live resource through the AWS API and returns what undoes it. `verify` reports it by the finding
named here; what is marked `REFRESH` only `preview --refresh` shows. What cannot be changed in place is in `FIXED`, with
the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from components.approval.names import TAG_KEY
from tests.support.emulator import change_settings

Aws = Callable[..., Any]
Undo = Callable[[], object]

ACCOUNT = "123456789012"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
REFRESH = ""
"""In place of a finding: `verify` does not look at it."""


@dataclass(frozen=True)
class Resource:
    """A resource of the stack's state.

    Attributes:
        type: its type, without the package: `Key`.
        name: its logical name.
        id: its ID.
        inputs: its inputs.
        arn: its ARN; "": it has none.
    """

    type: str
    name: str
    id: str
    inputs: dict[str, Any]
    arn: str = ""

    @property
    def region(self) -> str:
        return self.inputs.get("region", "eu-west-1")


@dataclass(frozen=True)
class Live:
    """The local AWS that is changed.

    Attributes:
        aws: clients by service and Region.
        endpoint: its address.
        states: states that it is to report.
    """

    aws: Aws
    endpoint: str
    states: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def report(self, id_: str, **state: Any) -> Undo:
        """Let AWS report a state that a resource comes to by itself."""
        self.states[id_] = state
        change_settings(self.endpoint, {"reportedStates": self.states})

        def undo() -> None:
            del self.states[id_]
            change_settings(self.endpoint, {"reportedStates": self.states})

        return undo


Change = Callable[[Live, Resource], Undo | None]


@dataclass(frozen=True)
class Sabotage:
    """A change of one attribute.

    Attributes:
        type: type of the resource.
        attribute: input of the resource, or a state that AWS reports.
        change: makes the change.
        check: ID of the finding, with `{}` for that of the resource; REFRESH: only a refresh shows it.
        applies: names of the resources begin or end so; all, where it is empty.
        also: findings that report it, too.
    """

    type: str
    attribute: str
    change: Change
    check: str = "{}"
    applies: str = ""
    also: tuple[str, ...] = ()

    def concerns(self, resource: Resource) -> bool:
        """Return whether the sabotage can be tried on a resource."""
        fits = resource.name.startswith(self.applies) or resource.name.endswith(self.applies)
        return self.type == resource.type and fits

    def expected(self, resource: Resource) -> str:
        """Return the ID of the finding about a resource."""
        return self.check.format(base_check(resource))


def base_check(resource: Resource) -> str:
    """Return the ID of the main finding about a resource."""
    name, inputs = resource.name, resource.inputs
    if resource.type in ("Key", "Alias"):
        purposes = {
            "-data": "data-key",
            "-monitoring-key": "directory-monitoring-key",
            "-trail-key": "directory-trail-key",
        }
        purposes |= {"-evidence-key": "approval-evidence-key"}
        purposes |= {"-topic-key": "approval-key", "-logs": "logs-key", "-key": "directory-key"}
        return next(check for end, check in purposes.items() if name.endswith(end))
    if resource.type in ("EventRule", "EventTarget"):
        rule = str(inputs.get("rule") or inputs["name"])
        alert = rule.removeprefix("shell-access-approval-").removeprefix("shell-access-domain-controllers-")
        return f"{'approval-alarm' if 'approval' in rule else 'directory-alert'}-{alert}"
    if resource.type in ("Topic", "TopicPolicy", "TopicSubscription"):
        return "approval" if name.startswith("approval") else "directory"
    if resource.type in ("VpcEndpoint", "SecurityGroup", "SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        return _network_check(resource)
    return _CHECKS.get((resource.type, name)) or _CHECKS_BY_END[resource.type](resource)


def _network_check(resource: Resource) -> str:
    name = resource.name
    prefix = "endpoint" if name.startswith("endpoints-") else "directory-endpoint"
    if resource.type == "VpcEndpoint":
        return f"{prefix}-{name.rsplit('-', 1)[-1]}"
    if "-resolver-" in name:
        return f"directory-resolver-{name.split('-resolver-', 1)[1].split('-', 1)[0]}"
    if "-sg-" not in name:
        return f"{prefix}-security-group"
    group = name.split("-sg-", 1)[1].split("-ingress-")[0].split("-egress-")[0]
    return f"directory-group-{group}"


def _role_check(resource: Resource) -> str:
    checks = {
        "approval-role": "approval-runbook-role",
        "approval-schedule": "approval-schedule-role",
        "approval-event-forwarding": "approval-event-forwarding-role",
        "approval-break-glass": "approval-break-glass-role",
        "approval-evidence": "approval-evidence-role",
        "approval-evidence-schedule": "approval-evidence-schedule-role",
        "nodes-remediation": "node-remediation-role",
        "nodes-host": "host-management-role",
        "domain-controllers-instance": "directory-instance-role",
    }
    return checks.get(resource.name, "directory-flow-logs-role")


def _attachment_check(resource: Resource) -> str:
    role = resource.inputs["role"]
    roles = {"ShellAccessDefaultHostManagement": "host-management-role"}
    roles |= {"ShellAccessDomainController": "directory-instance-role", "WorkloadInstance": "instance-policy-roles"}
    policy = resource.name.removeprefix("approval-").split("-role-")[0]
    return roles.get(role) or f"approval-{policy}-policy-attachments"


def _last(resource: Resource) -> str:
    return resource.name.split("-operations-")[1]


def _log_group_check(resource: Resource) -> str:
    if "-operations-" in resource.name:
        return f"directory-events-{_last(resource)}"
    return "directory-flow-log-group" if "flow-logs" in resource.name else "log-group"


def _alarm_check(resource: Resource) -> str:
    name = str(resource.inputs["name"])
    alarm = name.removeprefix("shell-access-approval-").removeprefix("shell-access-domain-controllers-")
    return f"{'approval-alarm' if 'approval' in name else 'directory-alarm'}-{alarm}"


_POLICIES = {
    "session-manager-node": "instance-policy-content",
    **{f"domain-controllers-{each}": f"directory-{each}-policy" for each in ("agent", "port-forwarding")},
    "domain-controllers-access-restriction": "directory-access-restriction-policy",
}
_CHECKS_BY_END: dict[str, Callable[[Resource], str]] = {
    "Role": _role_check,
    "RolePolicy": _role_check,
    "RolePolicyAttachment": _attachment_check,
    "Policy": lambda each: _POLICIES.get(each.name, f"{each.name}-policy-content"),
    "LogGroup": _log_group_check,
    "LogMetricFilter": lambda each: f"directory-filter-{each.inputs['name']}",
    "MetricAlarm": _alarm_check,
    "Instance": lambda each: f"directory-controller-{each.name.rsplit('-', 1)[-1]}",
    "Volume": lambda each: f"directory-controller-{each.name.rsplit('-', 2)[-2]}",
    "VolumeAttachment": lambda each: f"directory-controller-{each.name.rsplit('-', 2)[-2]}",
    "FlowLog": lambda _: "directory-flow-logs",
    "ManagedPrefixList": lambda each: f"directory-prefix-list-{each.name.split('-sg-', 1)[1]}",
    "NetworkAcl": lambda _: "directory-acl",
    "Association": lambda each: f"directory-{_last(each)}" if "-operations-" in each.name else "agent-updates",
    "Document": lambda each: f"directory-document-{each.name.split('-operations-')[1]}-content",
    **dict.fromkeys(
        ("MaintenanceWindow", "MaintenanceWindowTarget", "MaintenanceWindowTask"),
        lambda each: f"directory-patch-window-{_last(each)}",
    ),
    **dict.fromkeys(("PatchBaseline", "PatchGroup"), lambda _: "directory-patch-baseline"),
    "Parameter": lambda _: "data-key-parameter",
    "NamedQuery": lambda _: "approval-evidence-queries",
    "Workgroup": lambda _: "approval-evidence-workgroup",
    "ServiceSetting": lambda _: "host-management",
    "GoverningStack": lambda _: "governing-stack",
    "SessionPreferences": lambda _: "document",
    "ResolverEndpoint": lambda each: f"directory-resolver-{each.name.rsplit('-', 1)[-1]}",
    "ResolverRule": lambda each: f"directory-resolver-rule-{each.inputs['domainName']}",
    "ResolverRuleAssociation": lambda _: "directory-resolver-rule-corp.example.com",
    **dict.fromkeys(
        ("ResourceShare", "ResourceAssociation", "PrincipalAssociation"), lambda _: "directory-resolver-share"
    ),
}
_CHECKS: dict[tuple[str, str], str] = {
    ("InstanceProfile", "domain-controllers-instance"): "directory-instance-profile",
    ("Trail", "domain-controllers-trail"): "directory-trail",
    **{
        (each, "domain-controllers-trail-logs"): "directory-trail-bucket"
        for each in (
            *("Bucket", "BucketPolicy", "BucketPublicAccessBlock", "BucketVersioning"),
            "BucketServerSideEncryptionConfiguration",
        )
    },
    **{
        (each, "approval-evidence"): "approval-evidence-bucket"
        for each in (
            *("Bucket", "BucketPolicy", "BucketPublicAccessBlock", "BucketVersioning"),
            *("BucketServerSideEncryptionConfiguration", "BucketObjectLockConfiguration"),
        )
    },
    ("CatalogDatabase", "approval-evidence"): "approval-evidence-table",
    ("CatalogTable", "approval-evidence"): "approval-evidence-table",
    ("CatalogTable", "approval-evidence-trail"): "approval-evidence-trail",
    **{
        (each, name): name
        for each in ("Schedule", "ScheduleGroup")
        for name in ("approval-schedule", "approval-evidence-schedule")
    },
    ("Rule", "nodes-roles"): "node-roles",
    ("RemediationConfiguration", "nodes-remediation"): "node-remediation",
    ("Document", "nodes-runbook"): "node-remediation-runbook",
    ("Document", "approval-runbook"): "approval-runbook-content",
    ("Document", "approval-reaper"): "approval-reaper-content",
    ("Document", "approval-evidence"): "approval-evidence-content",
    ("OperatorGrants", "approval-grants"): "approval-tags",
}


def _policy_text(principal: object = "*") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**OPEN, "Principal": principal}]})


# Keys


def key_policy(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    before = kms.get_key_policy(KeyId=each.id, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=each.id, PolicyName="default", Policy=_policy_text())
    return lambda: kms.put_key_policy(KeyId=each.id, PolicyName="default", Policy=before)


def key_rotation(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.disable_key_rotation(KeyId=each.id)
    return lambda: kms.enable_key_rotation(KeyId=each.id)


def key_disabled(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.disable_key(KeyId=each.id)
    return lambda: kms.enable_key(KeyId=each.id)


def key_pending_deletion(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.schedule_key_deletion(KeyId=each.id, PendingWindowInDays=7)
    return lambda: (
        kms.cancel_key_deletion(KeyId=each.id),
        kms.enable_key(KeyId=each.id),
        kms.enable_key_rotation(KeyId=each.id),
    )


def key_description(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.update_key_description(KeyId=each.id, Description="changed")
    return lambda: kms.update_key_description(KeyId=each.id, Description=each.inputs["description"])


def alias_moved(live: Live, each: Resource) -> Undo:
    kms, alias = live.aws("kms", each.region), each.inputs["name"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    return lambda: kms.update_alias(AliasName=alias, TargetKeyId=each.inputs["targetKeyId"])


# CloudWatch, EventBridge, SNS


def retention(live: Live, each: Resource) -> Undo:
    logs, name = live.aws("logs", each.region), each.inputs["name"]
    logs.put_retention_policy(logGroupName=name, retentionInDays=1)
    return lambda: logs.put_retention_policy(logGroupName=name, retentionInDays=each.inputs["retentionInDays"])


def log_key(live: Live, each: Resource) -> Undo:
    logs, name = live.aws("logs", each.region), each.inputs["name"]
    logs.disassociate_kms_key(logGroupName=name)
    return lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=each.inputs["kmsKeyId"])


def rule(live: Live, each: Resource, **change: str) -> Undo:
    events, inputs = live.aws("events", each.region), each.inputs
    before = {"Name": inputs["name"], "EventPattern": inputs["eventPattern"], "State": inputs["state"]}
    before["Description"] = inputs["description"]
    events.put_rule(**{**before, **change})
    return lambda: events.put_rule(**before)


def target(live: Live, each: Resource, **change: str) -> Undo:
    events, name = live.aws("events", each.region), each.inputs["rule"]
    before = [
        found for found in events.list_targets_by_rule(Rule=name)["Targets"] if found["Id"] == each.inputs["targetId"]
    ]
    if change:
        events.put_targets(Rule=name, Targets=[{**before[0], **change}])
    else:
        events.remove_targets(Rule=name, Ids=[before[0]["Id"]])
    return lambda: events.put_targets(Rule=name, Targets=before)


def failed_invocations(live: Live, each: Resource) -> Undo:
    """Nothing takes metrics back, so this is the last of all sabotages."""
    metric = {"MetricName": "FailedInvocations", "Value": 1.0}
    metric["Dimensions"] = [{"Name": "RuleName", "Value": each.inputs["name"]}]
    live.aws("cloudwatch", each.region).put_metric_data(Namespace="AWS/Events", MetricData=[metric])
    return lambda: None


def metric_filter(live: Live, each: Resource, **change: Any) -> Undo:
    logs, given = live.aws("logs", each.region), each.inputs["metricTransformation"]
    before = {
        "logGroupName": each.inputs["logGroupName"],
        "filterName": each.inputs["name"],
        "filterPattern": each.inputs["pattern"],
        "metricTransformations": [
            {"metricName": given["name"], "metricNamespace": given["namespace"], "metricValue": given["value"]}
        ],
    }
    logs.put_metric_filter(**{**before, **change})
    return lambda: logs.put_metric_filter(**before)


def metric_filter_with_dimensions(live: Live, each: Resource) -> Undo:
    given = each.inputs["metricTransformation"]
    change = {"metricName": given["name"], "metricNamespace": given["namespace"], "metricValue": given["value"]}
    return metric_filter(live, each, metricTransformations=[{**change, "dimensions": {"a": "$a"}}])


def alarm(live: Live, each: Resource, **change: Any) -> Undo:
    cloudwatch, name = live.aws("cloudwatch", each.region), each.inputs["name"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "MetricName", "Namespace", "Statistic")
    names += ("Dimensions", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData")
    before = {key: found[key] for key in names}
    cloudwatch.put_metric_alarm(**{**before, **change})
    return lambda: cloudwatch.put_metric_alarm(**before)


def alarm_raised(live: Live, each: Resource) -> Undo:
    cloudwatch = live.aws("cloudwatch", each.region)
    state = partial(cloudwatch.set_alarm_state, AlarmName=each.inputs["name"], StateReason="tried")
    state(StateValue="ALARM")
    return lambda: state(StateValue="OK")


def topic(live: Live, each: Resource, attribute: str, value: str) -> Undo:
    sns, arn = live.aws("sns", each.region), each.inputs.get("arn") or each.id
    before = sns.get_topic_attributes(TopicArn=arn)["Attributes"][attribute]
    named = {"TopicArn": arn, "AttributeName": attribute}
    sns.set_topic_attributes(**named, AttributeValue=value)
    return lambda: sns.set_topic_attributes(**named, AttributeValue=before)


def filtered(live: Live, each: Resource) -> Undo:
    sns = live.aws("sns", each.region)
    change = partial(sns.set_subscription_attributes, SubscriptionArn=each.id, AttributeName="FilterPolicy")
    change(AttributeValue='{"never": ["here"]}')
    return lambda: change(AttributeValue="{}")


def window(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    names = ("Name", "Description", "Schedule", "ScheduleTimezone", "Duration", "Cutoff", "Enabled")
    found = ssm.get_maintenance_window(WindowId=each.id)
    before = {key: found[key] for key in (*names, "AllowUnassociatedTargets")}
    ssm.update_maintenance_window(WindowId=each.id, **{**before, **change})
    return lambda: ssm.update_maintenance_window(WindowId=each.id, **before)


def window_target(live: Live, each: Resource) -> Undo:
    update = partial(
        live.aws("ssm", each.region).update_maintenance_window_target,
        WindowId=each.inputs["windowId"],
        WindowTargetId=each.id,
    )
    before = [{"Key": one["key"], "Values": one["values"]} for one in each.inputs["targets"]]
    update(Targets=[{"Key": "tag:never", "Values": ["x"]}])
    return lambda: update(Targets=before)


def window_task(live: Live, each: Resource, **change: Any) -> Undo:
    ssm, named = live.aws("ssm", each.region), {"WindowId": each.inputs["windowId"], "WindowTaskId": each.id}
    found = ssm.get_maintenance_window_task(**named)
    names = ("Targets", "TaskArn", "TaskInvocationParameters", "Priority", "MaxConcurrency", "MaxErrors", "Name")
    before = {key: found[key] for key in names}
    ssm.update_maintenance_window_task(**named, **{**before, **change})
    return lambda: ssm.update_maintenance_window_task(**named, **before)


def baseline(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    found = ssm.get_patch_baseline(BaselineId=each.id)
    before = {key: found[key] for key in change}
    ssm.update_patch_baseline(BaselineId=each.id, **change)
    return lambda: ssm.update_patch_baseline(BaselineId=each.id, **before)


def patch_group_left(live: Live, each: Resource) -> Undo:
    ssm = live.aws("ssm", each.region)
    named = {"BaselineId": each.inputs["baselineId"], "PatchGroup": each.inputs["patchGroup"]}
    ssm.deregister_patch_baseline_for_patch_group(**named)
    return lambda: ssm.register_patch_baseline_for_patch_group(**named)


# IAM


def policy_content(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    before = iam.get_policy(PolicyArn=each.id)["Policy"]["DefaultVersionId"]
    made = iam.create_policy_version(PolicyArn=each.id, PolicyDocument=ANYTHING, SetAsDefault=True)["PolicyVersion"]

    def undo() -> None:
        iam.set_default_policy_version(PolicyArn=each.id, VersionId=before)
        iam.delete_policy_version(PolicyArn=each.id, VersionId=made["VersionId"])

    return undo


def owner_tag(live: Live, each: Resource) -> Undo:
    iam, key = live.aws("iam"), "shell-access:owner"
    iam.untag_policy(PolicyArn=each.id, TagKeys=[key])
    return lambda: iam.tag_policy(PolicyArn=each.id, Tags=[{"Key": key, "Value": each.inputs["tags"][key]}])


def governing_stack(live: Live, each: Resource) -> Undo:
    """Give the record of the account to another stack."""
    set_owner = partial(live.aws("iam").tag_policy, PolicyArn=each.inputs["arn"])
    key = "shell-access:owner"
    set_owner(Tags=[{"Key": key, "Value": "organization/shell-access/other"}])
    return lambda: set_owner(Tags=[{"Key": key, "Value": each.inputs["owner"]}])


def trust(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    change = partial(iam.update_assume_role_policy, RoleName=each.id)
    wide = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    change(PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wide]}))
    return lambda: change(PolicyDocument=each.inputs["assumeRolePolicy"])


def boundary(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    iam.delete_role_permissions_boundary(RoleName=each.id)
    arn = each.inputs["permissionsBoundary"]
    return lambda: iam.put_role_permissions_boundary(RoleName=each.id, PermissionsBoundary=arn)


def role_field(live: Live, each: Resource, **change: Any) -> Undo:
    iam = live.aws("iam")
    iam.update_role(RoleName=each.id, **change)
    return lambda: iam.update_role(
        RoleName=each.id, Description=each.inputs["description"], MaxSessionDuration=each.inputs["maxSessionDuration"]
    )


def inline_policy(live: Live, each: Resource) -> Undo:
    iam, inputs = live.aws("iam"), each.inputs
    if each.type == "Role":
        named = {"RoleName": each.id, "PolicyName": inputs["inlinePolicies"][0]["name"]}
        before = inputs["inlinePolicies"][0]["policy"]
    else:
        named, before = {"RoleName": inputs["role"], "PolicyName": inputs["name"]}, inputs["policy"]
    iam.put_role_policy(**named, PolicyDocument=ANYTHING)
    return lambda: iam.put_role_policy(**named, PolicyDocument=before)


def detached(live: Live, each: Resource) -> Undo:
    iam, given = live.aws("iam"), {"RoleName": each.inputs["role"], "PolicyArn": each.inputs["policyArn"]}
    iam.detach_role_policy(**given)
    return lambda: iam.attach_role_policy(**given)


def profile_emptied(live: Live, each: Resource) -> Undo:
    iam, given = live.aws("iam"), {"InstanceProfileName": each.id, "RoleName": each.inputs["role"]}
    iam.remove_role_from_instance_profile(**given)
    return lambda: iam.add_role_to_instance_profile(**given)


def grant_tag(live: Live, each: Resource) -> Undo:
    iam, (role, *_) = live.aws("iam"), each.inputs["roles"]
    iam.tag_role(RoleName=role, Tags=[{"Key": TAG_KEY, "Value": "i-0123456789abcdef0"}])
    return lambda: iam.untag_role(RoleName=role, TagKeys=[TAG_KEY])


# EC2


def ec2_tag(live: Live, each: Resource, key: str = "owner") -> Undo:
    ec2, id_ = live.aws("ec2", each.region), each.id
    value = each.inputs["tags"][key]
    ec2.delete_tags(Resources=[id_], Tags=[{"Key": key}])
    return lambda: ec2.create_tags(Resources=[id_], Tags=[{"Key": key, "Value": value}])


def endpoint(live: Live, each: Resource, change: dict[str, Any], back: Callable[[Resource], dict[str, Any]]) -> Undo:
    ec2 = live.aws("ec2", each.region)
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, **change)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, **back(each))


def endpoint_group(live: Live, each: Resource) -> Undo:
    ec2, own = live.aws("ec2", each.region), each.inputs["securityGroupIds"][0]
    by_vpc = [{"Name": "vpc-id", "Values": [each.inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    other = ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"][0]["GroupId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddSecurityGroupIds=[other], RemoveSecurityGroupIds=[own])
    return lambda: ec2.modify_vpc_endpoint(
        VpcEndpointId=each.id, AddSecurityGroupIds=[own], RemoveSecurityGroupIds=[other]
    )


def endpoint_subnet(live: Live, each: Resource) -> Undo:
    ec2, subnet = live.aws("ec2", each.region), each.inputs["subnetIds"][:1]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, RemoveSubnetIds=subnet)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddSubnetIds=subnet)


def endpoint_routes(live: Live, each: Resource) -> Undo:
    ec2, tables = live.aws("ec2", each.region), each.inputs["routeTableIds"]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, RemoveRouteTableIds=tables)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddRouteTableIds=tables)


def group_rule(live: Live, each: Resource, **change: Any) -> Undo:
    ec2, inputs = live.aws("ec2", each.region), each.inputs
    before = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs.get("fromPort", -1),
        "ToPort": inputs.get("toPort", -1),
    }
    before |= {"Description": inputs["description"]}
    before |= {name: inputs[key] for key, name in PEERS.items() if inputs.get(key)}

    def put(content: dict[str, Any]) -> object:
        rules = [{"SecurityGroupRuleId": each.id, "SecurityGroupRule": content}]
        return ec2.modify_security_group_rules(GroupId=inputs["securityGroupId"], SecurityGroupRules=rules)

    put({**before, **change})
    return lambda: put(before)


PEERS = {"cidrIpv4": "CidrIpv4", "prefixListId": "PrefixListId", "referencedSecurityGroupId": "ReferencedGroupId"}


def other_list(live: Live, each: Resource) -> Undo:
    by_name = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{each.region}.dynamodb"]}]
    found = live.aws("ec2", each.region).describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    return group_rule(live, each, PrefixListId=found[0]["PrefixListId"])


def other_group(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    (own,) = ec2.describe_security_groups(GroupIds=[each.inputs["securityGroupId"]])["SecurityGroups"]
    by_vpc = [{"Name": "vpc-id", "Values": [own["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    default = ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"][0]["GroupId"]
    return group_rule(live, each, ReferencedGroupId=default)


def foreign_rule(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    rdp = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    given = {"GroupId": each.id, "IpPermissions": [rdp]}
    ec2.authorize_security_group_ingress(**given)
    return lambda: ec2.revoke_security_group_ingress(**given)


def list_entry(live: Live, each: Resource) -> Undo:
    ec2, cidr = live.aws("ec2", each.region), "192.0.2.0/24"

    def modify(**change: Any) -> None:
        (found,) = ec2.describe_managed_prefix_lists(PrefixListIds=[each.id])["PrefixLists"]
        ec2.modify_managed_prefix_list(PrefixListId=each.id, CurrentVersion=found["Version"], **change)

    gone = each.inputs["entries"][0]
    modify(RemoveEntries=[{"Cidr": gone["cidr"]}], AddEntries=[{"Cidr": cidr, "Description": "x"}])
    back = {"Cidr": gone["cidr"], "Description": gone["description"]}
    return lambda: modify(RemoveEntries=[{"Cidr": cidr}], AddEntries=[back])


def list_size(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    modify = partial(ec2.modify_managed_prefix_list, PrefixListId=each.id)
    modify(MaxEntries=each.inputs["maxEntries"] - 1)  # more would exceed the quota of groups that refer to it
    return lambda: modify(MaxEntries=each.inputs["maxEntries"])


def acl_entry(live: Live, each: Resource, *, egress: bool) -> Undo:
    """Widen the first rule; there is no room for another one."""
    ec2 = live.aws("ec2", each.region)
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[each.id])["NetworkAcls"]
    first = min((entry for entry in acl["Entries"] if entry["Egress"] is egress), key=lambda entry: entry["RuleNumber"])
    before = {key: first[key] for key in ("RuleNumber", "Protocol", "RuleAction", "Egress", "CidrBlock")}
    before |= {key: first[key] for key in ("PortRange", "IcmpTypeCode") if key in first}
    replace = partial(ec2.replace_network_acl_entry, NetworkAclId=each.id)
    replace(RuleNumber=first["RuleNumber"], Protocol="-1", RuleAction="allow", Egress=egress, CidrBlock="0.0.0.0/0")
    return lambda: replace(**before)


def acl_association(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    (own,) = ec2.describe_network_acls(NetworkAclIds=[each.id])["NetworkAcls"]
    by_vpc = [{"Name": "vpc-id", "Values": [own["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
    default = ec2.describe_network_acls(Filters=by_vpc)["NetworkAcls"][0]["NetworkAclId"]
    replace = ec2.replace_network_acl_association
    moved = replace(AssociationId=own["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=default)
    return lambda: replace(AssociationId=moved["NewAssociationId"], NetworkAclId=each.id)


def metadata(live: Live, each: Resource, **change: Any) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_metadata_options, InstanceId=each.id)
    modify(**change)
    return lambda: modify(HttpEndpoint="enabled", HttpTokens="required", HttpPutResponseHopLimit=1)


def instance_attribute(live: Live, each: Resource, change: dict[str, Any], back: dict[str, Any]) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_attribute, InstanceId=each.id)
    modify(**change)
    return lambda: modify(**back)


def instance_groups(live: Live, each: Resource) -> Undo:
    groups = each.inputs["vpcSecurityGroupIds"]
    return instance_attribute(live, each, {"Groups": groups[:1]}, {"Groups": groups})


def instance_type(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def resize(kind: str) -> None:
        ec2.stop_instances(InstanceIds=[each.id])
        ec2.modify_instance_attribute(InstanceId=each.id, InstanceType={"Value": kind})
        ec2.start_instances(InstanceIds=[each.id])

    resize("t3.small")
    return lambda: resize(each.inputs["instanceType"])


def instance_profile(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def put(name: str) -> None:
        by_instance = [{"Name": "instance-id", "Values": [each.id]}]
        found = ec2.describe_iam_instance_profile_associations(Filters=by_instance)["IamInstanceProfileAssociations"]
        profile = {"Name": name}
        ec2.replace_iam_instance_profile_association(
            AssociationId=found[0]["AssociationId"], IamInstanceProfile=profile
        )

    put("WorkloadInstance")
    return lambda: put(each.inputs["iamInstanceProfile"])


def stopped(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    ec2.stop_instances(InstanceIds=[each.id])
    return lambda: ec2.start_instances(InstanceIds=[each.id])


def volume_type(live: Live, each: Resource) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_volume, VolumeId=each.id)
    modify(VolumeType="gp2")
    return lambda: modify(VolumeType="gp3")


def volume_detached(live: Live, each: Resource) -> Undo:
    ec2, inputs = live.aws("ec2", each.region), each.inputs
    given = {"VolumeId": inputs["volumeId"], "InstanceId": inputs["instanceId"], "Device": inputs["deviceName"]}
    ec2.detach_volume(**given)
    return lambda: ec2.attach_volume(**given)


# CloudTrail and S3


def trail(live: Live, each: Resource, change: dict[str, Any], back: dict[str, Any]) -> Undo:
    update = partial(live.aws("cloudtrail", each.region).update_trail, Name=each.inputs["name"])
    update(**change)
    return lambda: update(**back)


def trail_key(live: Live, each: Resource) -> Undo:
    return trail(live, each, {"KmsKeyId": ""}, {"KmsKeyId": each.inputs["kmsKeyId"]})


def trail_bucket(live: Live, each: Resource) -> Undo:
    live.aws("s3", "us-east-1").create_bucket(Bucket="elsewhere")
    return trail(live, each, {"S3BucketName": "elsewhere"}, {"S3BucketName": each.inputs["s3BucketName"]})


def trail_stopped(live: Live, each: Resource) -> Undo:
    cloudtrail = live.aws("cloudtrail", each.region)
    cloudtrail.stop_logging(Name=each.inputs["name"])
    return lambda: cloudtrail.start_logging(Name=each.inputs["name"])


def selectors(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("cloudtrail", each.region).put_event_selectors, TrailName=each.inputs["name"])
    put(EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}])
    return lambda: put(EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}])


def bucket_policy(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    s3.delete_bucket_policy(Bucket=bucket)
    return lambda: s3.put_bucket_policy(Bucket=bucket, Policy=each.inputs["policy"])


def bucket_public(live: Live, each: Resource, setting: str) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    on = dict.fromkeys(names, True)
    put = partial(s3.put_public_access_block, Bucket=bucket)
    put(PublicAccessBlockConfiguration={**on, setting: False})
    return lambda: put(PublicAccessBlockConfiguration=on)


def bucket_encryption(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    before = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    plain = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    put = partial(s3.put_bucket_encryption, Bucket=bucket)
    put(ServerSideEncryptionConfiguration=plain)
    return lambda: put(ServerSideEncryptionConfiguration=before)


def bucket_versioning(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("s3", each.region).put_bucket_versioning, Bucket=each.inputs["bucket"])
    put(VersioningConfiguration={"Status": "Suspended"})
    return lambda: put(VersioningConfiguration={"Status": "Enabled"})


def bucket_lock(live: Live, each: Resource) -> Undo:
    put = partial(live.aws("s3", each.region).put_object_lock_configuration, Bucket=each.inputs["bucket"])
    kept = each.inputs["rule"]["defaultRetention"]

    def lock(days: int) -> None:
        rule = {"DefaultRetention": {"Mode": kept["mode"], "Days": days}}
        put(ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})

    lock(1)
    return lambda: lock(int(kept["days"]))


# Glue and Athena


def table(live: Live, each: Resource, **change: Any) -> Undo:
    glue, database = live.aws("glue", each.region), each.inputs["databaseName"]
    found = glue.get_table(DatabaseName=database, Name=each.inputs["name"])["Table"]
    names = ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
    before = {name: found[name] for name in names}
    changed = {key: {**before[key], **value} if isinstance(value, dict) else value for key, value in change.items()}
    glue.update_table(DatabaseName=database, TableInput={**before, **changed})
    return lambda: glue.update_table(DatabaseName=database, TableInput=before)


def database(live: Live, each: Resource) -> Undo:
    update = partial(live.aws("glue", each.region).update_database, Name=each.inputs["name"])
    update(DatabaseInput={"Name": each.inputs["name"], "Description": "changed"})
    return lambda: update(DatabaseInput={"Name": each.inputs["name"], "Description": each.inputs["description"]})


def database_tag(live: Live, each: Resource) -> Undo:
    glue = live.aws("glue", each.region)
    glue.untag_resource(ResourceArn=each.arn, TagsToRemove=["owner"])
    return lambda: glue.tag_resource(ResourceArn=each.arn, TagsToAdd={"owner": each.inputs["tags"]["owner"]})


def work_group(live: Live, each: Resource, **change: Any) -> Undo:
    athena, name = live.aws("athena", each.region), each.inputs["name"]
    found = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    before: dict[str, Any] = {"Description": found["Description"], "State": found["State"]}
    limit, managed = "BytesScannedCutoffPerQuery", "ManagedQueryResultsConfiguration"
    kept = {limit: found["Configuration"][limit], f"{managed}Updates": found["Configuration"][managed]}
    kept["EnforceWorkGroupConfiguration"] = found["Configuration"]["EnforceWorkGroupConfiguration"]
    update = partial(athena.update_work_group, WorkGroup=name)
    update(**{**before, **change})
    return lambda: update(**before, ConfigurationUpdates=kept)


def work_group_tag(live: Live, each: Resource) -> Undo:
    athena = live.aws("athena", each.region)
    athena.untag_resource(ResourceARN=each.arn, TagKeys=["owner"])
    kept = [{"Key": "owner", "Value": each.inputs["tags"]["owner"]}]
    return lambda: athena.tag_resource(ResourceARN=each.arn, Tags=kept)


def named_query(live: Live, each: Resource, **change: str) -> Undo:
    inputs = each.inputs
    before = {"Name": inputs["name"], "Description": inputs["description"], "QueryString": inputs["query"]}
    update = partial(live.aws("athena", each.region).update_named_query, NamedQueryId=each.id)
    update(**{**before, **change})
    return lambda: update(**before)


# Systems Manager, AWS Config, EventBridge Scheduler


def parameter(live: Live, each: Resource, **change: str) -> Undo:
    ssm, inputs = live.aws("ssm", each.region), each.inputs
    before = {"Name": inputs["name"], "Type": inputs["type"], "Description": inputs["description"]}
    before["Value"] = inputs["insecureValue"]
    ssm.put_parameter(**{**before, **change}, Overwrite=True)
    return lambda: ssm.put_parameter(**before, Overwrite=True)


def association(live: Live, each: Resource, **change: Any) -> Undo:
    ssm, inputs = live.aws("ssm", each.region), each.inputs
    before = {
        "AssociationId": each.id,
        "AssociationName": inputs["associationName"],
        "ScheduleExpression": inputs["scheduleExpression"],
        "MaxConcurrency": inputs["maxConcurrency"],
        "MaxErrors": inputs["maxErrors"],
        "Parameters": {key: [value] for key, value in (inputs.get("parameters") or {}).items()},
        "Targets": [{"Key": each["key"], "Values": each["values"]} for each in inputs["targets"]],
    }
    ssm.update_association(**{**before, **change})
    return lambda: ssm.update_association(**before)


def association_failed(live: Live, each: Resource) -> Undo:
    return live.report(each.id, Overview={"Status": "Failed", "AssociationStatusAggregatedCount": {"Failed": 2}})


def service_setting(live: Live, each: Resource) -> Undo:
    update = partial(live.aws("ssm", each.region).update_service_setting, SettingId=each.inputs["settingId"])
    update(SettingValue="Theirs")
    return lambda: update(SettingValue=each.inputs["value"])


def _name(each: Resource) -> str:
    return each.inputs.get("name", "SSM-SessionManagerRunShell")


def document_content(live: Live, each: Resource, **change: Any) -> Undo:
    """Publish a version that differs and make it the default; the undoing makes the former version the default."""
    ssm, name = live.aws("ssm", each.region), _name(each)
    before = ssm.describe_document(Name=name)["Document"]["DefaultVersion"]
    content = json.loads(ssm.get_document(Name=name)["Content"])
    if change:
        content["inputs"] |= change
    else:
        content["description"] = "changed"
    made = ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=json.dumps(content, indent=3))
    version = made["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=name, DocumentVersion=version)

    def undo() -> None:
        ssm.update_document_default_version(Name=name, DocumentVersion=before)
        ssm.delete_document(Name=name, DocumentVersion=version)

    return undo


def ssm_tag(live: Live, each: Resource, key: str, kind: str = "Document") -> Undo:
    ssm = live.aws("ssm", each.region)
    named = {
        "ResourceType": kind,
        "ResourceId": each.id if kind in ("Association", "MaintenanceWindow", "PatchBaseline") else _name(each),
    }
    tags = ssm.list_tags_for_resource(**named)["TagList"]
    ssm.remove_tags_from_resource(**named, TagKeys=[key])
    return lambda: ssm.add_tags_to_resource(**named, Tags=[each for each in tags if each["Key"] == key])


def config_rule(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["name"]
    (found,) = config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]
    text = config.get_custom_rule_policy(ConfigRuleName=name)["PolicyText"]
    before = {key: found[key] for key in ("ConfigRuleName", "Description", "Scope", "Source")}
    details = {"PolicyRuntime": "guard-2.x.x", "PolicyText": text}
    before["Source"] = {**before["Source"], "CustomPolicyDetails": details}
    changed = {**before, **change}
    if "PolicyText" in change:
        changed["Source"] = {
            **before["Source"],
            "CustomPolicyDetails": {**details, "PolicyText": changed.pop("PolicyText")},
        }
    if "SourceDetails" in change:
        changed["Source"] = {**before["Source"], "SourceDetails": changed.pop("SourceDetails")}
    config.put_config_rule(ConfigRule=changed)
    return lambda: config.put_config_rule(ConfigRule=before)


def recorder_stopped(live: Live, each: Resource) -> Undo:
    config, named = live.aws("config", each.region), {"ConfigurationRecorderName": "default"}
    config.stop_configuration_recorder(**named)
    return lambda: config.start_configuration_recorder(**named)


def remediation(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["configRuleName"]
    (found,) = config.describe_remediation_configurations(ConfigRuleNames=[name])["RemediationConfigurations"]
    before = {key: value for key, value in found.items() if key != "Arn"}
    config.put_remediation_configurations(RemediationConfigurations=[{**before, **change}])
    return lambda: config.put_remediation_configurations(RemediationConfigurations=[before])


def schedule(live: Live, each: Resource, **change: Any) -> Undo:
    scheduler, inputs = live.aws("scheduler", each.region), each.inputs
    named = {"GroupName": inputs["groupName"], "Name": inputs["name"]}
    found = scheduler.get_schedule(**named)
    names = ("Description", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target")
    before = {key: found[key] for key in names} | named
    target_change = change.pop("Target", {})
    scheduler.update_schedule(**{**before, **change, "Target": {**before["Target"], **target_change}})
    return lambda: scheduler.update_schedule(**before)


def resolver_rule(live: Live, each: Resource, **change: Any) -> Undo:
    resolver = live.aws("route53resolver", each.region)
    before = resolver.get_resolver_rule(ResolverRuleId=each.id)["ResolverRule"]
    config = {name: before[name] for name in ("Name", "ResolverEndpointId", "TargetIps")}
    resolver.update_resolver_rule(ResolverRuleId=each.id, Config=config | change)
    return lambda: resolver.update_resolver_rule(ResolverRuleId=each.id, Config=config)


def resolver_rule_disassociated(live: Live, each: Resource) -> None:
    inputs = each.inputs
    resolver = live.aws("route53resolver", each.region)
    resolver.disassociate_resolver_rule(ResolverRuleId=inputs["resolverRuleId"], VPCId=inputs["vpcId"])


def share(live: Live, each: Resource) -> Undo:
    ram, named = live.aws("ram", each.region), {"resourceShareArn": each.id, "name": each.inputs["name"]}
    ram.update_resource_share(**named, allowExternalPrincipals=True)
    return lambda: ram.update_resource_share(**named, allowExternalPrincipals=False)


def share_association(live: Live, each: Resource, parameter: str, source: str) -> Undo:
    ram, ends = live.aws("ram", each.region), {parameter: [each.inputs[source]]}
    named: dict[str, Any] = {"resourceShareArn": each.inputs["resourceShareArn"], **ends}
    ram.disassociate_resource_share(**named)
    return lambda: ram.associate_resource_share(**named)


@dataclass(frozen=True)
class Tagging:
    """The operations that tag the resources of a service.

    Attributes:
        service: name of the service.
        resource: parameter that names the resource.
        keys: parameter of the keys that are removed.
        tags: parameter of the tags that are set.
        key: name of a tag's key, where tags are a list.
        untag: name of the operation that removes tags.
        tag: name of the operation that sets them.
        is_by_id: the resource is named by its ID.
    """

    service: str
    resource: str = "ResourceARN"
    keys: str = "TagKeys"
    tags: str = "Tags"
    key: str = "Key"
    untag: str = "untag_resource"
    tag: str = "tag_resource"
    is_by_id: bool = False


TAGGING = {
    "Key": Tagging("kms", "KeyId", key="TagKey", is_by_id=True),
    "LogGroup": Tagging("logs", "resourceArn", "tagKeys", "tags", key=""),
    "EventRule": Tagging("events"),
    "MetricAlarm": Tagging("cloudwatch"),
    "Topic": Tagging("sns", "ResourceArn"),
    "ScheduleGroup": Tagging("scheduler", "ResourceArn"),
    "Rule": Tagging("config", "ResourceArn"),
    "ResolverEndpoint": Tagging("route53resolver", "ResourceArn"),
    "ResolverRule": Tagging("route53resolver", "ResourceArn"),
    "ResourceShare": Tagging("ram", "resourceShareArn", "tagKeys", "tags", key="key"),
    "Role": Tagging("iam", "RoleName", untag="untag_role", tag="tag_role", is_by_id=True),
    "Policy": Tagging("iam", "PolicyArn", untag="untag_policy", tag="tag_policy"),
    "InstanceProfile": Tagging(
        *("iam", "InstanceProfileName"),
        untag="untag_instance_profile",
        tag="tag_instance_profile",
        is_by_id=True,
    ),
}


def tag(live: Live, each: Resource) -> Undo:
    """Remove the tag `owner`."""
    way = TAGGING[each.type]
    client, named = live.aws(way.service, each.region), {way.resource: each.id if way.is_by_id else each.arn}
    getattr(client, way.untag)(**named, **{way.keys: ["owner"]})
    value = each.inputs["tags"]["owner"]
    pair = {way.key: "owner", way.key.replace("Key", "Value").replace("key", "value"): value}
    tags: Any = [pair] if way.key else {"owner": value}
    return lambda: getattr(client, way.tag)(**named, **{way.tags: tags})


def trail_tag(live: Live, each: Resource) -> Undo:
    cloudtrail, tags = live.aws("cloudtrail", each.region), [{"Key": "owner", "Value": each.inputs["tags"]["owner"]}]
    cloudtrail.remove_tags(ResourceId=each.arn, TagsList=tags)
    return lambda: cloudtrail.add_tags(ResourceId=each.arn, TagsList=tags)


def bucket_tag(live: Live, each: Resource) -> Undo:
    s3, bucket = live.aws("s3", each.region), each.inputs["bucket"]
    before = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    kept = [each for each in before if each["Key"] != "owner"]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": kept})
    return lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": before})


def do(change: Callable[..., Undo], /, **given: Any) -> Change:
    """Return a change with its arguments."""
    return lambda live, each: change(live, each, **given)


_SESSION = {
    "idleSessionTimeout": {"idleSessionTimeout": "59"},
    "maxSessionDuration": {"maxSessionDuration": "1440"},
    "cloudWatchLogGroupName": {"cloudWatchLogGroupName": "elsewhere"},
    "cloudWatchEncryptionEnabled": {"cloudWatchEncryptionEnabled": False},
    "cloudWatchStreamingEnabled": {"cloudWatchStreamingEnabled": True},
    "s3BucketName": {"s3BucketName": "elsewhere"},
    "s3KeyPrefix": {"s3KeyPrefix": "elsewhere"},
    "s3EncryptionEnabled": {"s3EncryptionEnabled": False},
    "kmsKeyId": {"kmsKeyId": ""},
    "runAsEnabled": {"runAsEnabled": True},
    "runAsDefaultUser": {"runAsDefaultUser": "root"},
    "shellProfile": {"shellProfile": {"linux": "echo hello"}},
}

SABOTAGES: tuple[Sabotage, ...] = (
    *(Sabotage(each, "tags", tag, REFRESH) for each in TAGGING),
    Sabotage("Trail", "tags", trail_tag, REFRESH),
    Sabotage("Bucket", "tags", bucket_tag, REFRESH),
    Sabotage("Parameter", "tags", do(ssm_tag, key="owner", kind="Parameter"), REFRESH),
    Sabotage("Key", "policy", key_policy, "{}-policy"),
    Sabotage("Key", "enableKeyRotation", key_rotation, "{}-rotation"),
    Sabotage("Key", "isEnabled", key_disabled),
    Sabotage("Key", "state", key_pending_deletion),
    Sabotage("Key", "description", key_description, REFRESH),
    Sabotage("Alias", "targetKeyId", alias_moved, REFRESH),
    Sabotage("LogGroup", "retentionInDays", retention, "{}-retention", "session-manager-"),
    Sabotage("LogGroup", "kmsKeyId", log_key, "{}-encryption", "session-manager-"),
    Sabotage("LogGroup", "retentionInDays", retention, "{}", "-flow-logs"),
    Sabotage("LogGroup", "kmsKeyId", log_key, "{}", "-flow-logs"),
    Sabotage("EventRule", "state", do(rule, State="DISABLED")),
    Sabotage("EventRule", "eventPattern", do(rule, EventPattern='{"source": ["nobody"]}')),
    Sabotage("EventRule", "description", do(rule, Description="changed"), REFRESH),
    Sabotage("EventTarget", "arn", do(target, Arn="arn:aws:sns:eu-west-1:123456789012:other")),
    Sabotage("EventTarget", "rule", target),
    Sabotage("EventTarget", "input", do(target, Input='"nothing happened"')),
    Sabotage("EventTarget", "roleArn", do(target, RoleArn="arn:aws:iam::123456789012:role/Other"), applies="-region"),
    Sabotage("LogGroup", "retentionInDays", retention, "{}", "-operations-security"),
    Sabotage("LogGroup", "kmsKeyId", log_key, "{}", "-operations-security"),
    Sabotage("LogMetricFilter", "pattern", do(metric_filter, filterPattern="never")),
    Sabotage(
        "LogMetricFilter",
        "metricTransformation",
        do(
            metric_filter,
            metricTransformations=[{"metricName": "other", "metricNamespace": "Other", "metricValue": "0"}],
        ),
    ),
    Sabotage("LogMetricFilter", "dimensions", metric_filter_with_dimensions),
    Sabotage("MetricAlarm", "unit", do(alarm, Unit="Bytes")),
    Sabotage("MetricAlarm", "threshold", do(alarm, Threshold=99.0)),
    Sabotage("MetricAlarm", "period", do(alarm, Period=43200)),
    Sabotage("MetricAlarm", "evaluationPeriods", do(alarm, EvaluationPeriods=9)),
    Sabotage("MetricAlarm", "comparisonOperator", do(alarm, ComparisonOperator="LessThanOrEqualToThreshold")),
    Sabotage("MetricAlarm", "statistic", do(alarm, Statistic="Minimum")),
    Sabotage("MetricAlarm", "dimensions", do(alarm, Dimensions=[{"Name": "Other", "Value": "x"}])),
    Sabotage("MetricAlarm", "metricName", do(alarm, MetricName="Other")),
    Sabotage("MetricAlarm", "namespace", do(alarm, Namespace="Other")),
    Sabotage("MetricAlarm", "treatMissingData", do(alarm, TreatMissingData="ignore")),
    Sabotage("MetricAlarm", "alarmActions", do(alarm, AlarmActions=[])),
    Sabotage("MetricAlarm", "actionsEnabled", do(alarm, ActionsEnabled=False)),
    Sabotage("MetricAlarm", "state", alarm_raised, "{}-state"),
    Sabotage("MetricAlarm", "alarmDescription", do(alarm, AlarmDescription="changed"), REFRESH),
    Sabotage("Topic", "kmsMasterKeyId", do(topic, attribute="KmsMasterKeyId", value="alias/aws/sns"), "{}-topic"),
    Sabotage("TopicPolicy", "policy", do(topic, attribute="Policy", value=_policy_text()), "{}-topic-policy"),
    Sabotage("TopicSubscription", "filter", filtered, "{}-subscriptions"),
    Sabotage(
        *("TopicSubscription", "confirmation"),
        lambda live, each: live.report(each.id, SubscriptionArn="PendingConfirmation"),
        "{}-subscriptions",
    ),
    Sabotage("Policy", "policy", policy_content),
    Sabotage("Policy", "owner", owner_tag, "instance-policy-owner", "session-manager-node"),
    Sabotage("Role", "assumeRolePolicy", trust),
    Sabotage("Role", "permissionsBoundary", boundary),
    Sabotage("Role", "description", do(role_field, Description="changed"), REFRESH),
    Sabotage("Role", "maxSessionDuration", do(role_field, MaxSessionDuration=7200)),
    Sabotage("Role", "inlinePolicies", inline_policy, applies="-flow-logs"),
    Sabotage("RolePolicy", "policy", inline_policy),
    Sabotage("RolePolicyAttachment", "policyArn", detached),
    Sabotage("InstanceProfile", "role", profile_emptied),
    Sabotage("OperatorGrants", "roles", grant_tag),
    Sabotage(
        "VpcEndpoint",
        "policy",
        do(
            endpoint,
            change={"PolicyDocument": _policy_text()},
            back=lambda each: {"PolicyDocument": each.inputs["policy"]},
        ),
    ),
    Sabotage(
        "VpcEndpoint",
        "privateDnsEnabled",
        do(endpoint, change={"PrivateDnsEnabled": False}, back=lambda _: {"PrivateDnsEnabled": True}),
    ),
    Sabotage("VpcEndpoint", "securityGroupIds", endpoint_group),
    Sabotage("VpcEndpoint", "subnetIds", endpoint_subnet),
    Sabotage("VpcEndpoint", "routeTableIds", endpoint_routes, applies="-s3"),
    Sabotage("VpcEndpoint", "state", lambda live, each: live.report(each.id, State="rejected")),
    Sabotage("VpcEndpoint", "tags", ec2_tag, REFRESH),
    Sabotage("SecurityGroup", "rules", foreign_rule, also=("directory-traffic",)),
    Sabotage("SecurityGroup", "tags", ec2_tag, REFRESH),
    *(
        Sabotage(f"SecurityGroup{way}Rule", attribute, change, also=("directory-traffic",))
        for way in ("Ingress", "Egress")
        for attribute, change in (
            ("fromPort", do(group_rule, FromPort=1)),
            ("toPort", do(group_rule, ToPort=65534)),
            ("ipProtocol", do(group_rule, IpProtocol="-1", FromPort=-1, ToPort=-1)),
            ("cidrIpv4", do(group_rule, CidrIpv4="192.0.2.0/24")),
            ("prefixListId", other_list),
            ("referencedSecurityGroupId", other_group),
        )
    ),
    *(
        Sabotage(f"SecurityGroup{way}Rule", attribute, change, REFRESH)
        for way in ("Ingress", "Egress")
        for attribute, change in (("description", do(group_rule, Description="changed")), ("tags", ec2_tag))
    ),
    Sabotage("ManagedPrefixList", "entries", list_entry, also=("directory-traffic",)),
    Sabotage("ManagedPrefixList", "maxEntries", list_size),
    Sabotage("ManagedPrefixList", "tags", ec2_tag, REFRESH),
    Sabotage("NetworkAcl", "ingress", do(acl_entry, egress=False), "{}-rules", also=("directory-traffic",)),
    Sabotage("NetworkAcl", "egress", do(acl_entry, egress=True), "{}-rules", also=("directory-traffic",)),
    Sabotage("NetworkAcl", "subnetIds", acl_association, also=("directory-traffic",)),
    Sabotage("NetworkAcl", "tags", ec2_tag, REFRESH),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpTokens="optional")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpEndpoint="disabled")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpPutResponseHopLimit=2)),
    Sabotage(
        "Instance",
        "disableApiTermination",
        do(
            instance_attribute,
            change={"DisableApiTermination": {"Value": True}},
            back={"DisableApiTermination": {"Value": False}},
        ),
    ),
    Sabotage(
        "Instance",
        "sourceDestCheck",
        do(instance_attribute, change={"SourceDestCheck": {"Value": False}}, back={"SourceDestCheck": {"Value": True}}),
    ),
    Sabotage("Instance", "vpcSecurityGroupIds", instance_groups),
    Sabotage("Instance", "instanceType", instance_type),
    Sabotage("Instance", "iamInstanceProfile", instance_profile),
    Sabotage("Instance", "state", stopped, "{}-state"),
    Sabotage("Instance", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Instance", "tags", ec2_tag, REFRESH),
    Sabotage("Volume", "type", volume_type),
    Sabotage("Volume", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Volume", "tags", ec2_tag, REFRESH),
    Sabotage("VolumeAttachment", "deviceName", volume_detached),
    Sabotage(
        "FlowLog",
        "delivery",
        lambda live, each: live.report(each.id, DeliverLogsStatus="FAILED", DeliverLogsErrorMessage="Access error"),
    ),
    Sabotage("FlowLog", "state", lambda live, each: live.report(each.id, FlowLogStatus="DELETING")),
    Sabotage("FlowLog", "trafficType", lambda live, each: live.report(each.id, TrafficType="REJECT")),
    Sabotage("FlowLog", "iamRoleArn", lambda live, each: live.report(each.id, DeliverLogsPermissionArn="arn:other")),
    Sabotage("FlowLog", "logDestination", lambda live, each: live.report(each.id, LogDestination="arn:other")),
    Sabotage("FlowLog", "tags", ec2_tag, REFRESH),
    Sabotage(
        "Trail",
        "enableLogFileValidation",
        do(trail, change={"EnableLogFileValidation": False}, back={"EnableLogFileValidation": True}),
    ),
    Sabotage(
        "Trail",
        "isMultiRegionTrail",
        do(trail, change={"IsMultiRegionTrail": False}, back={"IsMultiRegionTrail": True}),
        also=("approval-alarm-iam-trail",),
    ),
    Sabotage(
        "Trail",
        "includeGlobalServiceEvents",
        do(
            trail,
            change={"IsMultiRegionTrail": False, "IncludeGlobalServiceEvents": False},
            back={"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True},
        ),
        also=("approval-alarm-iam-trail",),
    ),
    Sabotage("Trail", "kmsKeyId", trail_key),
    Sabotage("Trail", "s3BucketName", trail_bucket),
    Sabotage("Trail", "enableLogging", trail_stopped, also=("approval-alarm-trail", "approval-alarm-iam-trail")),
    Sabotage("Trail", "selectors", selectors, also=("approval-alarm-trail", "approval-alarm-iam-trail")),
    *(
        Sabotage(
            "Trail",
            error,
            lambda live, _, error=error: live.report("shell-access", **{error: "AccessDenied"}),
            "{}-delivery",
        )
        for error in (
            "LatestDeliveryError",
            "LatestDigestDeliveryError",
            "LatestNotificationError",
            "LatestCloudWatchLogsDeliveryError",
        )
    ),
    Sabotage("BucketPolicy", "policy", bucket_policy, "{}-policy"),
    *(
        Sabotage(
            "BucketPublicAccessBlock", name[0].lower() + name[1:], do(bucket_public, setting=name), "{}-public-access"
        )
        for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    Sabotage("BucketServerSideEncryptionConfiguration", "rules", bucket_encryption, "{}-encryption"),
    # Versioning of a bucket with Object Lock cannot be suspended.
    Sabotage("BucketVersioning", "versioningConfiguration", bucket_versioning, "{}-versioning", applies="-trail-logs"),
    Sabotage("BucketObjectLockConfiguration", "rule", bucket_lock, "{}-lock"),
    Sabotage("CatalogTable", "parameters", do(table, Parameters={"projection.enabled": "false"})),
    Sabotage("CatalogTable", "partitionKeys", do(table, PartitionKeys=[{"Name": "other", "Type": "string"}])),
    Sabotage("CatalogTable", "storageDescriptor", do(table, StorageDescriptor={"Location": "s3://elsewhere/"})),
    Sabotage("CatalogTable", "tableType", do(table, TableType="MANAGED_TABLE"), REFRESH),
    Sabotage("CatalogDatabase", "description", database, REFRESH),
    Sabotage("CatalogDatabase", "tags", database_tag, REFRESH),
    Sabotage("Workgroup", "state", do(work_group, State="DISABLED")),
    Sabotage(
        "Workgroup",
        "configuration",
        do(work_group, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000_000_000}),
    ),
    Sabotage("Workgroup", "description", do(work_group, Description="changed"), REFRESH),
    Sabotage("Workgroup", "tags", work_group_tag, REFRESH),
    Sabotage("NamedQuery", "query", do(named_query, QueryString="SELECT 1")),
    Sabotage("NamedQuery", "description", do(named_query, Description="changed"), REFRESH),
    Sabotage("Parameter", "insecureValue", do(parameter, Value="other")),
    Sabotage("Parameter", "type", do(parameter, Type="StringList")),
    Sabotage("Parameter", "description", do(parameter, Description="changed"), REFRESH),
    Sabotage("Association", "scheduleExpression", do(association, ScheduleExpression="rate(30 days)")),
    Sabotage("Association", "maxConcurrency", do(association, MaxConcurrency="100%")),
    Sabotage("Association", "maxErrors", do(association, MaxErrors="100%")),
    Sabotage("Association", "parameters", do(association, Parameters={"allowDowngrade": ["true"]})),
    Sabotage("Association", "targets", do(association, Targets=[{"Key": "tag:never", "Values": ["x"]}])),
    Sabotage("Association", "applyOnlyAtCronInterval", do(association, ApplyOnlyAtCronInterval=True)),
    Sabotage("Association", "run", association_failed, "{}-run"),
    Sabotage("Association", "tags", do(ssm_tag, key="owner", kind="Association"), REFRESH),
    Sabotage("ServiceSetting", "value", service_setting),
    Sabotage("GoverningStack", "owner", governing_stack),
    *(
        Sabotage("SessionPreferences", name, do(document_content, **change), "document-content")
        for name, change in _SESSION.items()
    ),
    Sabotage("SessionPreferences", "description", document_content, "document-content"),
    Sabotage("SessionPreferences", "owner", do(ssm_tag, key="shell-access:owner"), "document-owner"),
    Sabotage(
        "SessionPreferences", "onDestroy", do(ssm_tag, key="shell-access:prior-version"), "document-prior-version"
    ),
    Sabotage("SessionPreferences", "tags", do(ssm_tag, key="owner"), REFRESH),
    Sabotage("Document", "content", document_content),
    Sabotage("MaintenanceWindow", "enabled", do(window, Enabled=False)),
    Sabotage("MaintenanceWindow", "schedule", do(window, Schedule="cron(0 9 ? * MON *)")),
    Sabotage("MaintenanceWindow", "scheduleTimezone", do(window, ScheduleTimezone="Europe/Berlin")),
    Sabotage("MaintenanceWindow", "duration", do(window, Duration=8)),
    Sabotage("MaintenanceWindow", "cutoff", do(window, Cutoff=0)),
    Sabotage("MaintenanceWindow", "allowUnassociatedTargets", do(window, AllowUnassociatedTargets=True)),
    Sabotage("MaintenanceWindow", "description", do(window, Description="changed"), REFRESH),
    Sabotage("MaintenanceWindow", "tags", do(ssm_tag, key="owner", kind="MaintenanceWindow"), REFRESH),
    Sabotage("MaintenanceWindowTarget", "targets", window_target),
    Sabotage("MaintenanceWindowTask", "taskArn", do(window_task, TaskArn="AWS-RunPowerShellScript")),
    Sabotage("MaintenanceWindowTask", "maxConcurrency", do(window_task, MaxConcurrency="100%")),
    Sabotage("MaintenanceWindowTask", "maxErrors", do(window_task, MaxErrors="100%")),
    Sabotage(
        "MaintenanceWindowTask",
        "taskInvocationParameters",
        do(window_task, TaskInvocationParameters={"RunCommand": {"Parameters": {"Operation": ["Install"]}}}),
    ),
    Sabotage(
        "MaintenanceWindowTask", "targets", do(window_task, Targets=[{"Key": "InstanceIds", "Values": ["i-0123"]}])
    ),
    Sabotage("MaintenanceWindowTask", "priority", do(window_task, Priority=5), REFRESH),
    Sabotage("PatchBaseline", "approvalRules", do(baseline, ApprovalRules={"PatchRules": []})),
    Sabotage("PatchBaseline", "description", do(baseline, Description="changed"), REFRESH),
    Sabotage("PatchBaseline", "tags", do(ssm_tag, key="owner", kind="PatchBaseline"), REFRESH),
    Sabotage("PatchGroup", "patchGroup", patch_group_left),
    Sabotage("Document", "tags", do(ssm_tag, key="owner"), REFRESH),
    Sabotage("Rule", "source", do(config_rule, PolicyText="rule nothing when false { true }"), "node-roles-content"),
    Sabotage(
        "Rule",
        "source",
        do(
            config_rule,
            SourceDetails=[{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
        ),
    ),
    Sabotage("Rule", "scope", do(config_rule, Scope={"ComplianceResourceTypes": ["AWS::IAM::User"]})),
    Sabotage("Rule", "description", do(config_rule, Description="changed"), REFRESH),
    Sabotage("Rule", "state", lambda live, each: live.report(each.inputs["name"], ConfigRuleState="DELETING")),
    Sabotage(
        "Rule",
        "evaluation",
        lambda live, each: live.report(
            f"{each.inputs['name']}/evaluation", LastFailedEvaluationTime=1.0, LastErrorCode="E"
        ),
        "node-roles-evaluation",
    ),
    Sabotage("Rule", "recorder", recorder_stopped, "node-roles-recorder"),
    Sabotage(
        "RemediationConfiguration",
        "automatic",
        do(remediation, Automatic=True, MaximumAutomaticAttempts=1, RetryAttemptSeconds=60),
    ),
    Sabotage("RemediationConfiguration", "targetId", do(remediation, TargetId="AWS-StopEC2Instance")),
    Sabotage("RemediationConfiguration", "parameters", do(remediation, Parameters={})),
    Sabotage("RemediationConfiguration", "resourceType", do(remediation, ResourceType="AWS::IAM::User")),
    Sabotage(
        "RemediationConfiguration",
        "executionControls",
        do(
            remediation,
            ExecutionControls={"SsmControls": {"ConcurrentExecutionRatePercentage": 100, "ErrorPercentage": 100}},
        ),
    ),
    Sabotage("ResolverEndpoint", "state", lambda live, each: live.report(each.id, Status="ACTION_NEEDED")),
    Sabotage("ResolverRule", "targetIps", do(resolver_rule, TargetIps=[{"Ip": "10.1.0.99", "Port": 53}])),
    Sabotage("ResolverRule", "resolverEndpointId", do(resolver_rule, ResolverEndpointId="rslvr-out-0")),
    Sabotage("ResolverRule", "state", lambda live, each: live.report(each.id, Status="FAILED")),
    Sabotage("ResourceShare", "allowExternalPrincipals", share),
    Sabotage(
        "ResourceAssociation", "resourceArn", do(share_association, parameter="resourceArns", source="resourceArn")
    ),
    Sabotage("PrincipalAssociation", "principal", do(share_association, parameter="principals", source="principal")),
    Sabotage("Schedule", "state", do(schedule, State="DISABLED")),
    Sabotage("Schedule", "scheduleExpression", do(schedule, ScheduleExpression="rate(30 days)")),
    Sabotage(
        "Schedule",
        "flexibleTimeWindow",
        do(schedule, FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}),
    ),
    Sabotage("Schedule", "target", do(schedule, Target={"Input": '{"DocumentName": "AWS-StopEC2Instance"}'})),
    Sabotage("Schedule", "description", do(schedule, Description="changed"), REFRESH),
    Sabotage(
        "Schedule", "scheduleExpressionTimezone", do(schedule, ScheduleExpressionTimezone="Europe/Paris"), REFRESH
    ),
    Sabotage("Instance", "patch group tag", do(ec2_tag, key="PatchGroup")),
)


def volume_grown(live: Live, each: Resource) -> None:
    live.aws("ec2", each.region).modify_volume(VolumeId=each.id, Size=each.inputs["size"] + 1)


def rule_deleted(live: Live, each: Resource) -> None:
    events, name = live.aws("events", each.region), each.inputs["name"]
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[found["Id"] for found in targets])
    events.delete_rule(Name=name)


def config_rule_deleted(live: Live, each: Resource) -> None:
    config, named = live.aws("config", each.region), {"ConfigRuleName": each.inputs["name"]}
    config.delete_remediation_configuration(**named)
    config.delete_config_rule(**named)


def group_rule_revoked(live: Live, each: Resource) -> None:
    ec2, way = live.aws("ec2", each.region), "ingress" if "Ingress" in each.type else "egress"
    revoke = getattr(ec2, f"revoke_security_group_{way}")
    revoke(GroupId=each.inputs["securityGroupId"], SecurityGroupRuleIds=[each.id])


def deleted(service: str, operation: str, parameter: str, source: str = "") -> Change:
    """Return the deletion of a resource by one call; `source` is the input that names it, its ID by default."""

    def delete(live: Live, each: Resource) -> None:
        value: Any = each.inputs[source] if source else each.id
        several = parameter.endswith("s")
        getattr(live.aws(service, each.region), operation)(**{parameter: [value] if several else value})

    return delete


def inline_policy_deleted(live: Live, each: Resource) -> None:
    live.aws("iam").delete_role_policy(RoleName=each.inputs["role"], PolicyName=each.inputs["name"])


def metric_filter_deleted(live: Live, each: Resource) -> None:
    names = {"logGroupName": each.inputs["logGroupName"], "filterName": each.inputs["name"]}
    live.aws("logs", each.region).delete_metric_filter(**names)


def document_deleted(live: Live, each: Resource) -> None:
    live.aws("ssm", each.region).delete_document(Name=_name(each))


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage("EventRule", "itself", rule_deleted, applies="shell-access-approval-topic-changed"),
    Sabotage("MetricAlarm", "itself", deleted("cloudwatch", "delete_alarms", "AlarmNames", "name")),
    Sabotage("LogGroup", "itself", deleted("logs", "delete_log_group", "logGroupName", "name"), applies="-logs"),
    Sabotage("LogMetricFilter", "itself", metric_filter_deleted),
    Sabotage("Parameter", "itself", deleted("ssm", "delete_parameter", "Name", "name")),
    Sabotage("TopicSubscription", "itself", deleted("sns", "unsubscribe", "SubscriptionArn"), "{}-subscriptions"),
    Sabotage("Trail", "itself", deleted("cloudtrail", "delete_trail", "Name", "name"), also=("approval-alarm*-trail",)),
    Sabotage("Association", "itself", deleted("ssm", "delete_association", "AssociationId")),
    Sabotage("Rule", "itself", config_rule_deleted, also=("node-remediation*",)),
    Sabotage(
        "SecurityGroupIngressRule", "itself", group_rule_revoked, applies="-ingress-tcp-88-itself", also=("*-traffic",)
    ),
    Sabotage(
        "SecurityGroupEgressRule", "itself", group_rule_revoked, applies="-egress-tcp-135-itself", also=("*-traffic",)
    ),
    Sabotage("VpcEndpoint", "itself", deleted("ec2", "delete_vpc_endpoints", "VpcEndpointIds")),
    Sabotage("ResolverRuleAssociation", "itself", resolver_rule_disassociated),
    Sabotage("FlowLog", "itself", deleted("ec2", "delete_flow_logs", "FlowLogIds")),
    Sabotage("RolePolicy", "itself", inline_policy_deleted),
    Sabotage("ScheduleGroup", "itself", deleted("scheduler", "delete_schedule_group", "Name", "name")),
    Sabotage(
        "Alias",
        "itself",
        deleted("kms", "delete_alias", "AliasName", "name"),
        applies="approval-topic-key",
        also=("approval-topic",),
    ),
    Sabotage("NamedQuery", "itself", deleted("athena", "delete_named_query", "NamedQueryId")),
    Sabotage("Workgroup", "itself", deleted("athena", "delete_work_group", "WorkGroup", "name")),
    Sabotage(
        "CatalogDatabase",
        "itself",
        deleted("glue", "delete_database", "Name", "name"),
    ),
    Sabotage("SessionPreferences", "itself", document_deleted),
    Sabotage("Document", "itself", document_deleted, "approval-reaper", "approval-reaper"),
)
"""Deletions, and what cannot be undone: `pulumi up --refresh` brings it back."""

LAST = (
    Sabotage("Volume", "size", volume_grown),
    Sabotage(
        "EventRule", "invocations", failed_invocations, "approval-alarm-delivery", "shell-access-approval-reaper-failed"
    ),
    Sabotage("EventRule", "invocations", failed_invocations, "directory-alert-delivery", "-monitoring-network"),
)
"""Those that nothing undoes."""

_IDENTITY = "it says which resource it is: with another value it is another resource"
_CREATION = "AWS takes it when the resource is made, and changes it no more"
_PLUGIN = "setting of the plugin or of the resource's lifecycle, which AWS does not have"
_STATE = "the resource exists in the state alone"

FIXED: dict[tuple[str, str], str] = {
    **{
        ("*", each): _IDENTITY
        for each in (
            *("name", "region", "bucket", "vpcId", "subnetId", "availabilityZone", "path", "role", "rule", "groupName"),
            *("topic", "associationName", "configRuleName", "targetId", "eventBusName", "settingId", "documentType"),
            *("logGroupName", "windowId", "baselineId", "resourceType", "taskType", "operatingSystem"),
            *("endpoint", "protocol", "instanceId", "volumeId", "securityGroupId", "serviceName", "vpcEndpointType"),
            *("arn", "accountId", "targetType", "domainName", "resolverRuleId", "resourceShareArn"),
        )
    },
    **{
        ("*", each): _PLUGIN
        for each in (
            *("__provider", "tagsAll", "forceDestroy", "skipDestroy", "takeOver", "section", "finalSnapshot"),
            *("revokeRulesOnDelete", "forceDetachPolicies", "getPasswordData", "userDataReplaceOnChange"),
            *("bypassPolicyLockoutSafetyCheck", "deletionWindowInDays", "stopInstanceBeforeDetaching"),
            *("confirmationTimeoutInMinutes", "endpointAutoConfirms", "bucketOwner", "bucketKeyArn", "prior"),
        )
    },
    **dict.fromkeys(
        (
            *(("Policy", "description"), ("SecurityGroup", "description"), ("ManagedPrefixList", "addressFamily")),
            *(("Key", "customerMasterKeySpec"), ("Key", "keyUsage"), ("Volume", "encrypted"), ("Volume", "kmsKeyId")),
            *(("Topic", "fifoTopic"), ("Topic", "contentBasedDeduplication"), ("FlowLog", "logDestinationType")),
            *(("Bucket", "objectLockEnabled"), ("BucketObjectLockConfiguration", "objectLockEnabled")),
            *(("NamedQuery", "database"), ("NamedQuery", "workgroup"), ("CatalogTable", "databaseName")),
            ("PatchBaseline", "approvedPatchesComplianceLevel"),
            *(("FlowLog", "maxAggregationInterval"), ("Instance", "associatePublicIpAddress")),
            *(
                ("ResolverEndpoint", "direction"),
                ("ResolverEndpoint", "securityGroupIds"),
                ("ResolverRule", "ruleType"),
            ),
        ),
        _CREATION,
    ),
    ("ResolverEndpoint", "ipAddresses"): "the emulator cannot give an address back; unit tests have other subnets",
    ("Instance", "ami"): "ignored: a newer image replaces no controller",
    ("Instance", "rootBlockDevice"): "its volume is one of those that verify compares; its type is the refresh's",
    ("TopicSubscription", "rawMessageDelivery"): "e-mail knows no raw messages",
    ("Trail", "isOrganizationTrail"): "needs an organization's management account",
    ("OperatorGrants", "users"): "dev has no users; the roles are tried",
    ("Document", "owner"): "the tags are tried",
    ("Document", "settings"): "the content that is made from them is tried",
    ("GoverningStack", "takeOverFrom"): _STATE,
    ("ServiceSetting", "owner"): "a service setting has no tags: it belongs to the owner of its role",
    **{(each, "*"): _STATE for each in ("AdoptedResource", "PriorServiceSetting", "ReleaseGuard")},
}
"""Inputs that no sabotage changes, by type, with the reason."""
