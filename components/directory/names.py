"""Names of what a site is made of: others, outside the program that builds it, go by them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from components.directory.network_acl import AclPlan

SYSTEM: Final = "domain-controllers"
"""What the names of all resources begin with."""

EC2: Final = "ec2"
"""The endpoint that controllers need besides those of Systems Manager (the post's prerequisites)."""

CONTROLLERS_KEY_ALIAS: Final = "alias/shell-access/domain-controllers"
"""Of the key for controllers' volumes."""
MONITORING_KEY_ALIAS: Final = "alias/shell-access/domain-controllers-monitoring"
"""Of the key for alerts and flow logs."""

VOLUME_TYPE: Final = "gp3"
"""Of controllers' volumes."""

ALERTS_TOPIC: Final = "shell-access-domain-controllers"
"""Of the topic, and what the names of the rules begin with."""
FLOW_LOGS: Final = "/shell-access/domain-controllers/flow-logs"
"""Of the log group."""
FLOW_LOGS_ROLE: Final = "ShellAccessFlowLogs"
"""What the names of the flow logs' roles begin with, one a Region."""
FLOW_LOGS_POLICY: Final = "WriteFlowLogs"
"""Of the inline policy of these roles."""
TRAIL: Final = "shell-access"
"""Of the trail, where the account has none."""
TRAIL_BUCKET: Final = f"{TRAIL}-trail"
"""What the name of its bucket begins with; the account and the Region follow, as bucket names are the whole world's."""
TRAIL_KEY_ALIAS: Final = "alias/shell-access/trail"
"""Of the key for the trail's logs."""


def site_name(region: str) -> str:
    """`domain-controllers-eu-west-1`."""
    return f"{SYSTEM}-{region}"


def groups_name(site: str) -> str:
    """What the names of a site's security groups and prefix lists begin with."""
    return f"{site}-sg"


def group_name(site: str, planned: str) -> str:
    """The Name tag of a group or a prefix list, by its name in the plan."""
    return f"{groups_name(site)}-{planned}"


def acls_name(site: str) -> str:
    """What the names of a site's network ACLs begin with."""
    return f"{site}-acl"


def acl_name(site: str, plan: AclPlan) -> str:
    """The Name tag of a site's network ACL: with other rules it is another one."""
    return f"{acls_name(site)}-{plan.digest}"


def flow_logs_role_name(region: str) -> str:
    """Return the name of a Region's role for flow logs: roles are the account's, so each Region has its own."""
    return f"{FLOW_LOGS_ROLE}-{region}"


def trail_bucket_name(account_id: str, region: str) -> str:
    """Return the name of the trail's bucket."""
    return f"{TRAIL_BUCKET}-{account_id}-{region}"


def alert_rule_name(alert: str) -> str:
    """Of an EventBridge rule, by the alert's name."""
    return f"{ALERTS_TOPIC}-{alert}"
