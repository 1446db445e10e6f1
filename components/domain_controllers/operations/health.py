"""Health of controllers: counters of the CloudWatch agent, a check on a schedule, and its alarm. Pure.

Sources: CloudWatch User Guide, "Collect metrics, logs, and traces with the CloudWatch agent" (performance counters of
Windows); AWS Directory Service Administration Guide, "Directory metrics" (the counters of AWS Managed Microsoft AD);
Microsoft, `repadmin`, `dcdiag`, `w32tm`, DfsrReplicatedFolderInfo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.names import ALARMS, METRICS
from components.domain_controllers.operations.documents import command_document, powershell, script
from components.metric_alarm import MetricAlarm

if TYPE_CHECKING:
    from components.adoption.document_content import PlannedDocument
    from components.domain_controllers.operations.settings import HealthSettings

PROBLEMS: Final = "HealthProblems"
"""Metric of the check: the number of problems of one controller."""
CHECK_MINUTES: Final = 15
"""Time after which a check is ended."""

_MINUTES: Final = 60

COUNTERS: Final[dict[str, dict[str, Any]]] = {
    "DirectoryServices": {
        "measurement": [
            "DRA Pending Replication Synchronizations",
            "DRA Inbound Bytes Total/sec",
            "LDAP Searches/sec",
            "LDAP Bind Time",
            "LDAP Client Sessions",
            "ATQ Threads Total",
        ],
        "resources": ["NTDS"],
        "metrics_collection_interval": 300,
    },
    "Security System-Wide Statistics": {
        "measurement": ["Kerberos Authentications", "NTLM Authentications"],
        "metrics_collection_interval": 300,
    },
    "LogicalDisk": {"measurement": ["% Free Space"], "resources": ["*"], "metrics_collection_interval": 300},
}
"""Performance counters for dashboards. No alarm rests on them: their names are those of Microsoft's in English, and a server in
another language has none of them."""


def limits(settings: HealthSettings) -> dict[str, str]:
    """Return the limits of the check, by their names in the scripts."""
    return {
        "REPLICATION_HOURS": str(settings.replication_hours),
        "OFFSET_SECONDS": str(settings.clock_offset_seconds),
        "FREE_PERCENT": str(settings.free_disk_percent),
    }


def health_document(settings: HealthSettings) -> PlannedDocument:
    """Return the document that checks a controller and puts the number of its problems as a metric."""
    text = script(
        "check_health",
        {
            "FUNCTIONS": script("health_functions"),
            "INSTANCE": script("instance"),
            "METRICS": script("metrics", {"NAMESPACE": METRICS}),
            **limits(settings),
        },
    )
    return command_document(
        "Health", "Checks a domain controller", powershell("CheckHealth", text, minutes=CHECK_MINUTES)
    )


def health_alarm(controller: str, settings: HealthSettings) -> MetricAlarm:
    """Return the alarm of a controller that has problems, or is not checked."""
    return MetricAlarm(
        name=f"{ALARMS}not-well-{controller}",
        description=f"{controller} has problems, or was not checked: see the output of the document on the instance",
        namespace=METRICS,
        metric=PROBLEMS,
        comparison="GreaterThanThreshold",
        threshold=0,
        missing_data="breaching",
        statistic="Maximum",
        # Twice the interval, as a check takes a while.
        period=2 * settings.check_minutes * _MINUTES,
    )
