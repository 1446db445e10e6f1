"""Export of the records of sessions: runbook, permissions, bucket, and the table of Athena, as plain data.

Sources: S3 User Guide, "Locking objects with Object Lock"; Athena User Guide, "Partition projection" and "OpenX JSON
SerDe"; CloudTrail API reference, LookupEvents; Service Authorization Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.iam.statements import Policy, Statement, allow, deny, document
from components.approval import names
from components.approval.alarms import iam_event_region
from components.approval.iam_policies import pass_to_runbook
from components.approval.script import script_step
from components.just_in_time.names import MANUAL_APPROVAL
from components.session_manager.key_policies import with_alias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from components.approval.settings import Trail
    from components.session_manager.settings import LogLocation

EXPORT_SECONDS: Final = 600
"""Maximum of `aws:executeScript`."""
SESSION_EVENTS: Final = (
    "StartSession",
    "TerminateSession",
    "StartAutomationExecution",
    "StartChangeRequestExecution",
    "SendAutomationSignal",
    "StartConnection",
)
ACCESS_EVENTS: Final = ("StartAccessRequest",)
IAM_EVENTS: Final = ("CreateRole", "CreateUser", "TagRole", "TagUser", "UntagRole", "UntagUser")
"""Events that `shell-access evidence` reads, in the Regions of sessions and in IAM's; a test compares them."""
KINDS: Final = ("events", "sessions", "executions", "requests", "logs", "days")
"""Kinds of records: events of CloudTrail, sessions, requests to the workflow, access requests of just-in-time node access,
locations of logs, and the statement that a day is complete."""

_IDENTITY: Final = (
    "struct<type:string,principalid:string,arn:string,accountid:string,username:string,sessioncontext:struct<"
    "attributes:struct<mfaauthenticated:string,creationdate:string>,sessionissuer:struct<arn:string,username:string>>>"
)
PARTITIONS: Final = ("kind", "account", "region", "day")
COLUMNS: Final = {
    # Events
    **dict.fromkeys(("eventid", "eventtime", "eventsource", "eventname", "awsregion", "recipientaccountid"), "string"),
    **dict.fromkeys(("sourceipaddress", "errorcode"), "string"),
    "useridentity": _IDENTITY,
    **dict.fromkeys(("requestparameters", "responseelements"), "string"),
    # Sessions
    **dict.fromkeys(("sessionid", "target", "owner", "documentname", "reason", "startdate", "enddate"), "string"),
    # Requests
    **dict.fromkeys(("automationexecutionid", "automationexecutionstatus", "executedby"), "string"),
    **dict.fromkeys(("executionstarttime", "executionendtime", "parameters", "stepexecutions"), "string"),
    # Access requests, of which the latest record counts
    **dict.fromkeys(("opsitemid", "status", "createdby", "createdtime", "lastmodifiedtime"), "string"),
    **dict.fromkeys(("operationaldata", "execution", "policy", "readtime"), "string"),
    # Logs: one record per session that has one
    **dict.fromkeys(("bucket", "key", "versionid"), "string"),
    "size": "bigint",
    "isdeleted": "boolean",
    **dict.fromkeys(("loggroup", "logstream", "written"), "string"),
    # Days
    **dict.fromkeys(("since", "until", "exportedat", "counts", "logs", "opensessions"), "string"),
}
"""Columns of the table; a record has those of its kind."""


_TRAIL_IDENTITY: Final = (
    "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string,"
    "sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,sessionissuer:struct<type:string,"
    "principalid:string,arn:string,accountid:string,username:string>,sourceidentity:string>>"
)
_TRAIL_COLUMNS: Final = {
    **dict.fromkeys(("eventid", "eventtime", "eventsource", "eventname", "awsregion", "recipientaccountid"), "string"),
    **dict.fromkeys(("sourceipaddress", "useragent", "errorcode", "errormessage"), "string"),
    "useridentity": _TRAIL_IDENTITY,
    **dict.fromkeys(("requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails"), "string"),
    **dict.fromkeys(("requestid", "readonly", "eventtype", "eventcategory", "sharedeventid"), "string"),
}
"""Columns of the trail's table (Athena User Guide, "Create the table for CloudTrail logs in Athena using partition
projection")."""


@dataclass(frozen=True, kw_only=True)
class NamedQuery:
    """A query of Athena."""

    name: str
    description: str
    sql: str


QUERIES: Final = (
    NamedQuery(
        name="shell-access-sessions",
        description="Sessions of a month, and refused attempts: who, where, from which address, with MFA",
        sql="""SELECT eventtime, account, region, useridentity.arn AS principal, sourceipaddress,
  useridentity.sessioncontext.attributes.mfaauthenticated AS mfa,
  json_extract_scalar(requestparameters, '$.target') AS node,
  json_extract_scalar(requestparameters, '$.documentName') AS document,
  json_extract_scalar(requestparameters, '$.reason') AS reason,
  json_extract_scalar(responseelements, '$.sessionId') AS session, errorcode
FROM records
WHERE kind = 'events' AND day BETWEEN '2026-11-01' AND '2026-11-30'
  AND eventsource = 'ssm.amazonaws.com' AND eventname = 'StartSession'
ORDER BY eventtime""",
    ),
    NamedQuery(
        name="shell-access-approvals",
        description="Decisions of a month: which principal approved or rejected which request",
        sql="""SELECT eventtime, account, useridentity.arn AS approver,
  json_extract_scalar(requestparameters, '$.signalType') AS decision,
  json_extract_scalar(requestparameters, '$.automationExecutionId') AS request, errorcode
FROM records
WHERE kind = 'events' AND day BETWEEN '2026-11-01' AND '2026-11-30' AND eventname = 'SendAutomationSignal'
ORDER BY eventtime""",
    ),
    NamedQuery(
        name="shell-access-access-requests",
        description="Just-in-time access requests of a month, with their state when they were exported",
        sql="""SELECT day, account, region, opsitemid AS request, createdby AS requester, createdtime, status, readtime
FROM records
WHERE kind = 'requests' AND day BETWEEN '2026-11-01' AND '2026-11-30'
ORDER BY createdtime, readtime""",
    ),
    NamedQuery(
        name="shell-access-logs",
        description="Locations of the logs of a month's sessions, with size and version",
        sql="""SELECT day, account, region, sessionid, bucket, key, versionid, size, isdeleted, loggroup, logstream, written
FROM records
WHERE kind = 'logs' AND day BETWEEN '2026-11-01' AND '2026-11-30'
ORDER BY day, account, region, sessionid""",
    ),
    NamedQuery(
        name="shell-access-days",
        description="Days of a month that are exported completely, with the number of records",
        sql="""SELECT account, region, day, exportedat, counts, logs
FROM records
WHERE kind = 'days' AND day BETWEEN '2026-11-01' AND '2026-11-30'
ORDER BY account, region, day""",
    ),
)


def export_runbook(
    place: names.WorkflowLocation,
    regions: Sequence[str],
    logs: Mapping[str, LogLocation] | None = None,
    *,
    access_requests: bool = False,
) -> dict[str, Any]:
    """Return the scheduled runbook that exports the days that are over and not exported yet.

    `logs` has the locations of session logs by Region. `access_requests` are those of just-in-time node access.
    """
    payload = {
        "Bucket": place.evidence_bucket,
        "Account": place.account_id,
        "Regions": list(regions),
        "WorkflowRegion": place.region,
        "IamRegion": iam_event_region(place),
        "Events": [*SESSION_EVENTS, *(ACCESS_EVENTS if access_requests else ())],
        "IamEvents": list(IAM_EVENTS),
        "Documents": [names.RUNBOOK_NAME, names.CHANGE_TEMPLATE_NAME],
        **({"AccessRequests": True} if access_requests else {}),
        "Logs": {
            region: {"Bucket": each.bucket, "Prefix": each.prefix, "LogGroup": each.log_group}
            for region, each in (logs or {}).items()
            if region in regions
        },
    }
    return {
        "schemaVersion": "0.3",
        "description": "Exports the records of sessions of past days into the evidence bucket, each day once.",
        "assumeRole": place.iam(f"role/{names.EVIDENCE_ROLE_NAME}"),
        "mainSteps": [
            script_step("ExportEvidence", "evidence", "export_evidence", payload, ("Outcome",), seconds=EXPORT_SECONDS)
        ],
        "outputs": ["ExportEvidence.Outcome"],
    }


def export_role_policy(
    place: names.WorkflowLocation, logs: Mapping[str, LogLocation] | None = None, *, access_requests: bool = False
) -> Policy:
    """Return the policy to read the records, and to add objects to the bucket; none to read or delete them.

    Logs of sessions are listed, and never read.
    """
    bucket = place.s3(place.evidence_bucket)
    # These actions support no resources (Service Authorization Reference).
    unlimited = ["cloudtrail:LookupEvents", "ssm:DescribeAutomationExecutions", "ssm:DescribeSessions"]
    days = {"StringLike": {"s3:prefix": "records/kind=days/*"}}
    keys = place.arn("kms", "key/*")
    return document(
        [
            allow("ReadRecords", unlimited, "*"),
            allow("ReadRequests", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
            *(_access_requests(place) if access_requests else ()),
            *_list_logs(place, (logs or {}).values()),
            allow("ListDays", "s3:ListBucket", bucket, condition=days),
            allow("AddRecords", "s3:PutObject", f"{bucket}/records/*"),
            allow("EncryptRecords", "kms:GenerateDataKey", keys, condition=with_alias(names.EVIDENCE_KEY_ALIAS)),
        ]
    )


def _access_requests(place: names.WorkflowLocation) -> Iterator[Statement]:
    """Yield the statements to read access requests with their executions and policies, which each Region has."""
    yield allow("ListAccessRequests", "ssm:DescribeOpsItems", "*")
    yield allow(
        "ReadAccessRequests",
        ["ssm:GetOpsItem", "ssm:GetAutomationExecution"],
        [place.ssm("opsitem/*", "*"), place.ssm("automation-execution/*", "*")],
    )
    manual = {"StringEquals": {"ssm:DocumentType": MANUAL_APPROVAL}}
    yield allow("ReadApprovalPolicies", "ssm:GetDocument", place.ssm("document/*", "*"), condition=manual)


def _list_logs(place: names.WorkflowLocation, logs: Iterable[LogLocation]) -> Iterator[Statement]:
    """Yield the statements to list objects and streams, the same for every Region, so that many Regions fit."""
    folders: dict[str, list[str]] = {}
    groups: list[str] = []
    for each in logs:
        if each.bucket:
            folders.setdefault(each.bucket, []).append(f"{each.prefix.rpartition('/')[0]}/*")
        groups += [each.log_group] if each.log_group else []
    for number, (bucket, found) in enumerate(sorted(folders.items()), 1):
        below = {"StringLike": {"s3:prefix": sorted(set(found))}}
        yield allow(f"ListLogs{number}", "s3:ListBucketVersions", place.s3(bucket), condition=below)
    if groups:
        names_and_streams = [f"log-group:{name}{end}" for name in sorted(set(groups)) for end in ("", ":*")]
        streams = [place.arn("logs", each, "*") for each in names_and_streams]
        yield allow("ListLogStreams", "logs:DescribeLogStreams", streams)


def export_schedule_role_policy(place: names.WorkflowLocation) -> Policy:
    """Return the policy to start the export with its role."""
    start = allow("StartExport", "ssm:StartAutomationExecution", place.starting(names.EVIDENCE_RUNBOOK_NAME))
    return document([start, pass_to_runbook(place.iam(f"role/{names.EVIDENCE_ROLE_NAME}"))])


def evidence_bucket_policy(place: names.WorkflowLocation) -> Policy:
    """Return the bucket policy: only the export adds records, over TLS and with the bucket's key."""
    bucket = place.s3(place.evidence_bucket)
    records = f"{bucket}/*"
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    by_others = {"ArnNotEquals": {"aws:PrincipalArn": place.iam(f"role/{names.EVIDENCE_ROLE_NAME}")}}
    # An object without this header has the bucket's encryption.
    with_another_key = {
        "Null": {"s3:x-amz-server-side-encryption": "false"},
        "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
    }
    return document(
        [
            deny("OverTlsOnly", "s3:*", [bucket, records], principal="*", condition=without_tls),
            deny("OnlyTheExportAdds", "s3:PutObject", records, principal="*", condition=by_others),
            deny("WithTheBucketsKey", "s3:PutObject", records, principal="*", condition=with_another_key),
        ]
    )


def table_parameters(place: names.WorkflowLocation, regions: Sequence[str]) -> dict[str, str]:
    """Return the parameters of the table, with its partitions, so that none has to be added."""
    named = list(dict.fromkeys([*regions, iam_event_region(place)]))
    return {
        "EXTERNAL": "TRUE",
        "projection.enabled": "true",
        "projection.kind.type": "enum",
        "projection.kind.values": ",".join(KINDS),
        "projection.account.type": "enum",
        "projection.account.values": place.account_id,
        "projection.region.type": "enum",
        "projection.region.values": ",".join(named),
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "2026-01-01,NOW",
        "storage.location.template": (
            f"s3://{place.evidence_bucket}/records/kind=${{kind}}/account=${{account}}/region=${{region}}/day=${{day}}/"
        ),
    }


@dataclass(frozen=True, kw_only=True)
class AthenaTable:
    """A table of Athena over JSON records.

    Parameters include the projection of its partitions. The input format is the class that reads its objects, the serde
    the one that reads its records.
    """

    name: str
    location: str
    parameters: Mapping[str, str]
    partitions: tuple[str, ...]
    columns: Mapping[str, str]
    input_format: str
    serde: str
    serde_parameters: Mapping[str, str] | None = None


def records_table(place: names.WorkflowLocation, regions: Sequence[str]) -> AthenaTable:
    """Return the table of exported records."""
    return AthenaTable(
        name=names.EVIDENCE_TABLE,
        location=f"s3://{place.evidence_bucket}/records/",
        parameters=table_parameters(place, regions),
        partitions=PARTITIONS,
        columns=COLUMNS,
        input_format="org.apache.hadoop.mapred.TextInputFormat",
        serde="org.openx.data.jsonserde.JsonSerDe",
        serde_parameters={"ignore.malformed.json": "false"},
    )


def trail_table(trail: Trail) -> AthenaTable:
    """Return the table of a trail: a query names accounts and Regions, so that no list of them becomes old.

    Source: Athena User Guide, "Use dynamic ID partitioning"; CloudTrail User Guide, "Finding your CloudTrail log files".
    """
    location = f"s3://{trail.bucket}/{trail.prefix}/"
    return AthenaTable(
        name=names.TRAIL_TABLE,
        location=location,
        parameters={
            "EXTERNAL": "TRUE",
            "projection.enabled": "true",
            "projection.account.type": "injected",
            "projection.region.type": "injected",
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": "2013/11/13,NOW",
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
            "storage.location.template": f"{location}${{account}}/CloudTrail/${{region}}/${{day}}/",
        },
        partitions=("account", "region", "day"),
        columns=_TRAIL_COLUMNS,
        input_format="com.amazon.emr.cloudtrail.CloudTrailInputFormat",
        serde="org.apache.hive.hcatalog.data.JsonSerDe",
    )
