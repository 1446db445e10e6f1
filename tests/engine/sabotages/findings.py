"""Finding that reports a change of a resource, by the resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.sabotages.resource import Resource


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
    if "-resolver-" in name and "-sg-" not in name:
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
    "CisScanConfiguration": lambda _: "directory-detection-cis",
    "DetectionService": lambda each: f"directory-detection-{each.name.rsplit('-', 1)[-1]}",
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
