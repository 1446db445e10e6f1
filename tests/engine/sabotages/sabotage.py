"""Resources of the stack, the local AWS that is changed, and the form of a sabotage: a change, and the finding that reports it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.emulator import change_settings

Aws = Callable[..., Any]

Undo = Callable[[], object]

ACCOUNT = "123456789012"

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}

ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


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


def policy_text(principal: object = "*") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**OPEN, "Principal": principal}]})


REFRESH = ""
"""In place of a finding: `verify` does not look at it."""


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


def do(change: Callable[..., Undo], /, **given: Any) -> Change:
    """Return a change with its arguments."""
    return lambda live, each: change(live, each, **given)


def deleted(service: str, operation: str, parameter: str, source: str = "") -> Change:
    """Return the deletion of a resource by one call; `source` is the input that names it, its ID by default."""

    def delete(live: Live, each: Resource) -> None:
        value: Any = each.inputs[source] if source else each.id
        several = parameter.endswith("s")
        getattr(live.aws(service, each.region), operation)(**{parameter: [value] if several else value})

    return delete


def base_check(resource: Resource) -> str:
    """Return the ID of the main finding about a resource, which reports its changes."""
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
