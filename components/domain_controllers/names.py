"""Names of a site's resources, which other programs refer to. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from components.domain_controllers.network_acl import AclPlan

SYSTEM: Final = "domain-controllers"
"""Prefix of the names of all resources."""

ROLE_TAG: Final = ("Role", "DomainController")
"""Tag of the resources that belong to a domain controller."""

CONTROLLERS_ROLE: Final = "ShellAccessDomainController"
"""Name of the controllers' role, its instance profile and its policy."""
PORT_FORWARDING_POLICY: Final = "ShellAccessDomainControllerPortForwarding"
ACCESS_RESTRICTION_POLICY: Final = "ShellAccessDomainControllerRestriction"

CONTROLLERS_KEY_ALIAS: Final = "alias/shell-access/domain-controllers"
"""Alias of the key for controllers' volumes."""
MONITORING_KEY_ALIAS: Final = "alias/shell-access/domain-controllers-monitoring"
"""Alias of the key for alerts and flow logs."""

DNS_PORT: Final = 53
DNS_PROTOCOLS: Final = ("tcp", "udp")
RESOLVER_SHARE: Final = "shell-access-domain-controllers"
"""Name of the resource share of the resolver rules."""

VOLUME_TYPE: Final = "gp3"
"""Type of controllers' volumes."""

ALERTS_TOPIC: Final = "shell-access-domain-controllers"
"""Name of the topic, and prefix of the rules' names."""
FLOW_LOGS: Final = "/shell-access/domain-controllers/flow-logs"
"""Name of the log group."""
FLOW_LOGS_ROLE: Final = "ShellAccessFlowLogs"
"""Prefix of the names of the flow logs' roles, one per Region."""
FLOW_LOGS_POLICY: Final = "WriteFlowLogs"
"""Name of the inline policy of these roles."""
TRAIL: Final = "shell-access"
"""Name of the trail, where the account has none."""
TRAIL_BUCKET: Final = f"{TRAIL}-trail"
"""Prefix of the bucket's name; account and Region follow, because bucket names are globally unique."""
TRAIL_KEY_ALIAS: Final = "alias/shell-access/trail"
"""Alias of the key for the trail's logs."""

ALARMS: Final = "shell-access-domain-controllers-"
"""Prefix of the names of CloudWatch alarms and associations."""
METRICS: Final = "ShellAccess/DomainControllers"
"""Namespace of the metrics about controllers."""
EVENT_LOGS: Final = "/shell-access/domain-controllers/events"
"""Prefix of the names of the log groups of Windows events."""
DOCUMENTS: Final = "ShellAccessController"
"""Prefix of the names of documents that run on controllers."""


def site_name(region: str) -> str:
    """Return `domain-controllers-eu-west-1`."""
    return f"{SYSTEM}-{region}"


def controllers_name(site: str) -> str:
    """Return the prefix of the names of a site's instances, and of their volumes."""
    return f"{site}-dc"


def groups_name(site: str) -> str:
    """Return the prefix of the names of a site's security groups and prefix lists."""
    return f"{site}-sg"


def group_name(site: str, planned: str) -> str:
    """Return the Name tag of a group or a prefix list, by its name in the plan."""
    return f"{groups_name(site)}-{planned}"


def resolver_name(site: str, direction: str) -> str:
    """Return the name of a resolver endpoint and its security group, by its direction: `outbound`, `inbound`."""
    return f"{site}-resolver-{direction}"


def resolver_rule_name(domain: str) -> str:
    """Return the name of the rule for a domain, which has 64 characters at most."""
    name = "".join(each if each.isalnum() else "-" for each in domain)
    if len(name) > _LONGEST_RULE_NAME:
        name = f"{name[: _LONGEST_RULE_NAME - 9]}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"
    return f"shell-access-{name}"


_LONGEST_RULE_NAME: Final = 64 - len("shell-access-")


def acls_name(site: str) -> str:
    """Return the prefix of the names of a site's network ACLs."""
    return f"{site}-acl"


def acl_name(site: str, plan: AclPlan) -> str:
    """Return the Name tag of a site's network ACL, which depends on its rules."""
    return f"{acls_name(site)}-{plan.digest}"


def document_name(purpose: str) -> str:
    """Return the name of a document that runs on controllers: `ShellAccessControllerAgent`."""
    return f"{DOCUMENTS}{purpose}"


def flow_logs_role_name(region: str) -> str:
    """Return the name of a Region's role for flow logs: roles are global in an account, so each Region has its own."""
    return f"{FLOW_LOGS_ROLE}-{region}"


def trail_bucket_name(account_id: str, region: str) -> str:
    """Return the name of the trail's bucket."""
    return f"{TRAIL_BUCKET}-{account_id}-{region}"


def alert_rule_name(alert: str) -> str:
    """Return the name of an EventBridge rule, by the alert's name."""
    return f"{ALERTS_TOPIC}-{alert}"
