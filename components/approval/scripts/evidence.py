"""Exports the records of sessions, day by day, before AWS deletes them. Data: see `components.approval.script`.

A day of a Region is exported once, when no record of it can come any more, and its last object says that it is
complete. A run that ends early loses nothing: the next one goes on with the first day that is not complete.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from components.approval.scripts.aws import Json, client, code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HISTORY_DAYS = 28
"""Systems Manager keeps sessions and executions for 30 days."""
SETTLED_DAYS = 2
"""A request lasts a day at most, and so does its grant."""
LATE_DAYS = 4
LOOKUP_SECONDS = 0.5
EXECUTION_SECONDS = 0.34
SESSION_SECONDS = 0.2
"""CloudTrail allows two LookupEvents per second, Systems Manager three GetAutomationExecution and six DescribeSessions."""
STEP_SECONDS = 480
"""Time after which no further day is begun: a script has ten minutes."""
PRESENT = ("PreconditionFailed", "412", "ConditionalRequestConflict")
MAX_NAMED = 5
LOG_SECONDS = 0.04
"""CloudWatch Logs allows 25 DescribeLogStreams per second."""
LOGS_ONE_BY_ONE = 500
"""Up to this many sessions of a day, logs are looked up by name; else all are listed."""
ACCESS_REQUEST = "/aws/accessrequest"
GONE = ("AutomationExecutionNotFoundException", "InvalidDocument", "InvalidDocumentVersion")
"""Error codes of executions and policies that AWS has deleted."""
UNREADABLE = ("AccessDenied", "AccessDeniedException", "NoSuchBucket", "ResourceNotFoundException")
"""Error codes with which the locations of logs stay unknown, as waiting does not change them."""


def export_evidence(events: Json, _context: object) -> Json:
    """Export the days that are not exported yet, the oldest first; fail where one cannot be, or is late."""
    export = Export(events, datetime.now(UTC))
    begun = time.monotonic()
    failed: list[str] = []
    done = 0
    missing = list(export.missing())
    for day, region in missing:
        if time.monotonic() - begun > events.get("Seconds", STEP_SECONDS):
            break
        try:
            export.write(day, region)
            done += 1
        except (ClientError, BotoCoreError, LookupError, TypeError, ValueError) as failure:
            failed.append(f"{day} {region}: {_why(failure)}")
    late = [f"{day} {region} is late" for day, region in export.missing() if day < export.today - timedelta(LATE_DAYS)]
    if failed or late:
        problems = [*failed, *late]
        more = f", and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
        raise RuntimeError("not exported: " + "; ".join(problems[:MAX_NAMED]) + more)
    return {"Outcome": f"{done} of {len(missing)} missing days exported"}


class Export:
    """Export of an account."""

    def __init__(self, events: Json, now: datetime) -> None:
        self.given, self.now, self.today = events, now, now.date()
        self.s3 = client("s3", events["WorkflowRegion"])
        self.s3.meta.events.register("before-sign.s3.PutObject", _only_if_absent)
        self.regions = list(dict.fromkeys([*events["Regions"], events["IamRegion"]]))
        self.sessions: dict[str, list[Json]] = {}
        self.changed: dict[str, list[Json]] = {}

    def missing(self) -> Iterator[tuple[date, str]]:
        """Yield the days that are over for long enough, and not exported, with their Regions."""
        prefix = f"records/kind=days/account={self.given['Account']}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.given["Bucket"], Prefix=prefix)
        present = {each["Key"] for page in pages for each in page.get("Contents", ())}
        for ago in range(HISTORY_DAYS, SETTLED_DAYS - 1, -1):
            day = self.today - timedelta(ago)
            for region in self.regions:
                if self.key("days", day, region) not in present:
                    yield day, region

    def key(self, kind: str, day: date, region: str) -> str:
        """Return the key of an object; the folders are the partitions of the table."""
        account = self.given["Account"]
        return f"records/kind={kind}/account={account}/region={region}/day={day}/records.json.gz"

    def write(self, day: date, region: str) -> None:
        """Export a day of a Region: read everything first, and write the statement that it is complete last."""
        records = {"events": list(self.events(day, region)), "sessions": [], "executions": []}
        if region in self.given["Regions"]:
            records["sessions"] = self.sessions_of(day, region)
        if region == self.given["WorkflowRegion"]:
            records["executions"] = list(self.executions(day, region))
        if self.given.get("AccessRequests"):
            records["requests"] = list(self.access_requests(day, region)) if region in self.given["Regions"] else []
        begin, end = bounds(day)
        sessions = started(records["events"], records["sessions"], begin, end)
        records["logs"], logs = self.logs(region, sessions)
        complete = {
            "account": self.given["Account"],
            "region": region,
            "regions": self.regions,
            "since": begin,
            "until": end,
            "exportedAt": self.now,
            "counts": {kind: len(each) for kind, each in records.items()},
            "logs": logs,
            # Their logs may be written when they end.
            "openSessions": sorted(
                each["SessionId"]
                for each in records["sessions"]
                if each["SessionId"] in sessions and not each.get("EndDate")
            ),
        }
        for kind, each in (*records.items(), ("days", [complete])):
            self.put(self.key(kind, day, region), each)

    def put(self, key: str, records: Iterable[Json]) -> None:
        """Write an object, unless it exists: what was exported once does not change."""
        lines = "".join(
            json.dumps(each, default=_plain, separators=(",", ":"), sort_keys=True) + "\n" for each in records
        )
        body = gzip.compress(lines.encode(), mtime=0)
        # Object Lock requires a checksum.
        checksum = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        try:
            self.s3.put_object(Bucket=self.given["Bucket"], Key=key, Body=body, ContentMD5=checksum)
        except ClientError as failure:
            if code_of(failure) not in PRESENT:
                raise

    def events(self, day: date, region: str) -> Iterator[Json]:
        """Yield the events of CloudTrail, as it wrote them."""
        begin, end = bounds(day)
        names: list[str] = []
        if region in self.given["Regions"]:
            names += self.given["Events"]
        if region == self.given["IamRegion"]:
            names += self.given["IamEvents"]
        pages = client("cloudtrail", region).get_paginator("lookup_events")
        for name in names:
            chosen = [{"AttributeKey": "EventName", "AttributeValue": name}]
            # Times are inclusive, and events have whole seconds.
            last = end - timedelta(seconds=1)
            for page in pages.paginate(LookupAttributes=chosen, StartTime=begin, EndTime=last):
                yield from (json.loads(each["CloudTrailEvent"]) for each in page["Events"])
                time.sleep(self.given.get("Pause", LOOKUP_SECONDS))

    def sessions_of(self, day: date, region: str) -> list[Json]:
        """Return the sessions that began or ended on a day, as Session Manager lists them."""
        if region not in self.sessions:
            self.sessions[region] = list(self.listed_sessions(region))
        begin, end = bounds(day)
        times = ("StartDate", "EndDate")
        return [
            each
            for each in self.sessions[region]
            if any(each.get(name) and begin <= each[name] < end for name in times)
        ]

    def listed_sessions(self, region: str) -> Iterator[Json]:
        """Yield the sessions of a Region, open and ended."""
        pages = client("ssm", region).get_paginator("describe_sessions")
        for state in ("Active", "History"):
            for page in pages.paginate(State=state):
                yield from page["Sessions"]
                time.sleep(self.given.get("Pause", SESSION_SECONDS))

    def logs(self, region: str, sessions: set[str]) -> tuple[list[Json], str]:
        """Return the locations of the sessions' logs, and `read`, `not configured`, or why they cannot be read."""
        place = self.given.get("Logs", {}).get(region)
        if not place:
            return [], "not configured"
        try:
            objects = self.objects(region, place, sessions) if place["Bucket"] else ()
            streams = self.streams(region, place["LogGroup"], sessions) if place["LogGroup"] else ()
            found = [*objects, *streams]
        except ClientError as failure:
            if code_of(failure) not in UNREADABLE:
                raise
            return [], f"{failure.operation_name}: {code_of(failure)}"
        return found, "read"

    def objects(self, region: str, place: Json, sessions: set[str]) -> Iterator[Json]:
        """Yield the current version of each log in Amazon S3, or its delete marker."""
        folder = f"{place['Prefix']}/"
        pages = client("s3", region).get_paginator("list_object_versions")
        for name in sorted(sessions) if len(sessions) <= LOGS_ONE_BY_ONE else [""]:
            prefix = f"{folder}{name}.log" if name else folder
            for page in pages.paginate(Bucket=place["Bucket"], Prefix=prefix):
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    session = each["Key"].removeprefix(folder).removesuffix(".log")
                    if each["IsLatest"] and session in sessions:
                        yield {
                            "sessionId": session,
                            "bucket": place["Bucket"],
                            "key": each["Key"],
                            "versionId": each.get("VersionId", ""),
                            "size": each.get("Size"),
                            "isDeleted": "Size" not in each,
                            "written": each["LastModified"],
                        }

    def streams(self, region: str, group: str, sessions: set[str]) -> Iterator[Json]:
        """Yield the log stream of each session; CloudWatch Logs states no size."""
        pages = client("logs", region).get_paginator("describe_log_streams")
        for name in sorted(sessions) if len(sessions) <= LOGS_ONE_BY_ONE else [""]:
            chosen = {"logStreamNamePrefix": name} if name else {}
            for page in pages.paginate(logGroupName=group, **chosen):
                for each in page["logStreams"]:
                    if each["logStreamName"] in sessions:
                        last = each.get("lastEventTimestamp")
                        yield {
                            "sessionId": each["logStreamName"],
                            "logGroup": group,
                            "logStream": each["logStreamName"],
                            "size": None if last else 0,
                            "written": datetime.fromtimestamp(last / 1000, UTC) if last else None,
                        }
                time.sleep(self.given.get("Pause", LOG_SECONDS))

    def executions(self, day: date, region: str) -> Iterator[Json]:
        """Yield the requests of a day: executions of the runbook and of the change template."""
        ssm = client("ssm", region)
        begin, end = bounds(day)
        for document in self.given["Documents"]:
            chosen = [{"Key": "DocumentNamePrefix", "Values": [document]}]
            for page in ssm.get_paginator("describe_automation_executions").paginate(Filters=chosen):
                for each in page["AutomationExecutionMetadataList"]:
                    if begin <= each["ExecutionStartTime"] < end and not each.get("ParentAutomationExecutionId"):
                        time.sleep(self.given.get("Pause", EXECUTION_SECONDS))
                        run = ssm.get_automation_execution(AutomationExecutionId=each["AutomationExecutionId"])
                        yield without_scripts(run["AutomationExecution"])

    def access_requests(self, day: date, region: str) -> Iterator[Json]:
        """Yield the access requests that were made or changed on a day, with what their approvers decided until now.

        Approvers have weeks, so that a request may be exported several times: the latest record counts.
        """
        ssm = client("ssm", region)
        if region not in self.changed:
            first, _ = bounds(self.today - timedelta(HISTORY_DAYS + 1))
            chosen = [
                {"Key": "OpsItemType", "Values": [ACCESS_REQUEST], "Operator": "Equal"},
                {
                    "Key": "LastModifiedTime",
                    "Values": [first.strftime("%Y-%m-%dT%H:%M:%SZ")],
                    "Operator": "GreaterThan",
                },
            ]
            pages = ssm.get_paginator("describe_ops_items").paginate(OpsItemFilters=chosen)
            self.changed[region] = [each for page in pages for each in page["OpsItemSummaries"]]
        begin, end = bounds(day)
        for each in self.changed[region]:
            if any(each.get(name) and begin <= each[name] < end for name in ("CreatedTime", "LastModifiedTime")):
                time.sleep(self.given.get("Pause", EXECUTION_SECONDS))
                yield {**decided(ssm, ssm.get_ops_item(OpsItemId=each["OpsItemId"])["OpsItem"]), "ReadTime": self.now}


def decided(ssm: Any, item: Json) -> Json:
    """Return an access request with its execution and its policy, as far as they are still there."""
    data = json.loads(item.get("OperationalData", {}).get(ACCESS_REQUEST, {}).get("Value") or "{}")
    name = data.get("automationExecutionId")
    found = if_there(ssm.get_automation_execution, AutomationExecutionId=name) if name else None
    if not found:
        return item
    run = found["AutomationExecution"]
    version = {"Name": run["DocumentName"], "DocumentVersion": run["DocumentVersion"]}
    policy = if_there(ssm.get_document, DocumentFormat="JSON", **version)
    kept = {key: policy[key] for key in ("Name", "DocumentVersion", "DocumentType", "Content")} if policy else None
    return {**item, "Execution": without_scripts(run), "Policy": kept}


def if_there(call: Any, **arguments: Any) -> Json | None:
    """Return the response of a call, or None where its subject is gone."""
    try:
        return call(**arguments)
    except ClientError as failure:
        if code_of(failure) not in GONE:
            raise
        return None


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the begin and the end of a day in UTC."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begin, begin + timedelta(1)


def started(events: list[Json], sessions: list[Json], begin: datetime, end: datetime) -> set[str]:
    """Return the IDs of the sessions that began in a period."""
    answers: list[Json] = [
        each["responseElements"]
        for each in events
        if each["eventName"] == "StartSession" and each.get("responseElements")
    ]
    found: set[str] = {each["sessionId"] for each in answers if each.get("sessionId")}
    return found | {each["SessionId"] for each in sessions if begin <= each["StartDate"] < end}


def without_scripts(run: Json) -> Json:
    """Return an execution without the inputs of its steps, except times to wait: the document has them."""
    steps: list[Json] = []
    for step in run.get("StepExecutions", []):
        kept = {key: value for key, value in step.items() if key not in ("Inputs", "OverriddenParameters")}
        duration = step.get("Inputs", {}).get("Duration")
        steps.append({**kept, "Inputs": {"Duration": duration}} if duration else kept)
    return {**run, "StepExecutions": steps}


def _only_if_absent(request: Any, **_: object) -> None:
    # As a header, since older versions of boto3 do not know the parameter.
    request.headers["If-None-Match"] = "*"


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _why(failure: Exception) -> str:
    return f"{code_of(failure)}" if isinstance(failure, ClientError) else f"{type(failure).__name__}: {failure}"
