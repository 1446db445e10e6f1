"""Comparison of what keeps and reads the records of sessions: bucket, table and queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.approval import evidence
from components.approval.names import EVIDENCE_DATABASE, EVIDENCE_KEY_ALIAS, EVIDENCE_WORKGROUP
from components.session_manager.key_policies import data_key_policy
from operations.inventory.monitoring import read_bucket
from operations.inventory.reader import returns_failure
from operations.inventory.session_manager import read_key
from operations.verify.findings import Check
from operations.verify.storage import DesiredBucket, alias_findings, own_bucket_findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.approval.names import WorkflowLocation
    from components.approval.settings import Evidence, Trail
    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.reader import Answer, Reader, ReadFailure

_ABSENT: Final = ("EntityNotFoundException",)


def evidence_findings(
    deployment: Deployment, settings: Evidence, place: WorkflowLocation, regions: Sequence[str], reader: Reader
) -> list[Finding]:
    """Read and compare the key, the bucket, the table and the queries."""
    key = read_key(reader, EVIDENCE_KEY_ALIAS, policy=True)
    key_policy = data_key_policy(partition=place.partition, account_id=place.account_id)
    desired = DesiredBucket(
        check="approval-evidence-bucket",
        name=place.evidence_bucket,
        key_alias=EVIDENCE_KEY_ALIAS,
        policy=evidence.evidence_bucket_policy(place),
        retention=f"{settings.retention_mode.upper()}, {settings.retention_days} days",
    )
    live = read_bucket(reader, place.evidence_bucket, place.account_id, lock=True)
    return [
        *alias_findings("approval-evidence-key", EVIDENCE_KEY_ALIAS, deployment, key, key_policy),
        *own_bucket_findings(deployment, desired, live, key),
        _table_finding(deployment, "approval-evidence-table", evidence.records_table(place, regions), reader),
        *(_trail_findings(deployment, settings.trail, reader) if settings.trail else ()),
        _query_finding(deployment, _read_queries(reader)),
    ]


@returns_failure
def _read_table(reader: Reader, name: str) -> Answer | None:
    answer = reader.find("glue", "get_table", absent=_ABSENT, DatabaseName=EVIDENCE_DATABASE, Name=name)
    return answer["Table"] if answer else None


@returns_failure
def _read_queries(reader: Reader) -> dict[str, tuple[str, str]]:
    """Return the database and the text of each named query by name."""
    listed = reader.get("athena", "list_named_queries").get("NamedQueryIds", ())
    queries = [reader.get("athena", "get_named_query", NamedQueryId=each)["NamedQuery"] for each in listed]
    return {str(each["Name"]): (str(each["Database"]), str(each["QueryString"])) for each in queries}


def _trail_findings(deployment: Deployment, trail: Trail, reader: Reader) -> list[Finding]:
    return [
        _table_finding(deployment, "approval-evidence-trail", evidence.trail_table(trail), reader),
        _work_group_finding(deployment, trail, reader),
    ]


def _work_group_finding(deployment: Deployment, trail: Trail, reader: Reader) -> Finding:
    check = Check(
        "approval-evidence-workgroup",
        f"workgroup {EVIDENCE_WORKGROUP} limits its queries and keeps their results",
        deployment.repair,
    )
    # A workgroup that does not exist is an invalid request; the name is valid.
    live = reader.read("athena", "get_work_group", absent=("InvalidRequestException",), WorkGroup=EVIDENCE_WORKGROUP)

    def differences(answer: Answer) -> list[str]:
        found: Mapping[str, Any] = answer["WorkGroup"].get("Configuration", {})
        pairs = {
            "state": ("ENABLED", answer["WorkGroup"].get("State")),
            "enforcement of its settings": (True, found.get("EnforceWorkGroupConfiguration")),
            "limit of a query": (trail.max_scanned_bytes, found.get("BytesScannedCutoffPerQuery")),
            "managed results": (True, found.get("ManagedQueryResultsConfiguration", {}).get("Enabled")),
        }
        return [f"{name} differs" for name, (desired, given) in pairs.items() if desired != given]

    return check.compare(live, differences, "no such workgroup")


def _table_finding(deployment: Deployment, check: str, table: evidence.AthenaTable, reader: Reader) -> Finding:
    def differences(live: Answer) -> list[str]:
        stored: dict[str, Any] = live.get("StorageDescriptor", {})
        # Services add parameters of their own, such as statistics.
        own = {key: value for key, value in live.get("Parameters", {}).items() if key in table.parameters}
        pairs: dict[str, tuple[Any, Any]] = {
            "location": (table.location, stored.get("Location")),
            "columns": (table.columns, {each["Name"]: each.get("Type") for each in stored.get("Columns", ())}),
            "partitions": (list(table.partitions), [each["Name"] for each in live.get("PartitionKeys", ())]),
            "parameters": (table.parameters, own),
        }
        return [f"{name} differ" for name, (desired, found) in pairs.items() if desired != found]

    expected = f"table {EVIDENCE_DATABASE}.{table.name} describes the records"
    live = _read_table(reader, table.name)
    return Check(check, expected, deployment.repair).compare(live, differences, "no such table")


def _query_finding(deployment: Deployment, live: dict[str, tuple[str, str]] | ReadFailure) -> Finding:
    def differences(found: dict[str, tuple[str, str]]) -> list[str]:
        return [
            f"query {each.name} {'differs' if each.name in found else 'is missing'}"
            for each in evidence.QUERIES
            if found.get(each.name) != (EVIDENCE_DATABASE, each.sql)
        ]

    expected = f"{len(evidence.QUERIES)} named queries read the table"
    return Check("approval-evidence-queries", expected, deployment.repair).compare(live, differences)
