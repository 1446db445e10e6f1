"""Records that the APIs of an account return: CloudTrail's event history, Session Manager, Automation, logs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import split_arn
from common.aws.failures import NOT_DONE, MalformedAnswerError
from components.approval.alarms import IAM_EVENT_REGIONS
from components.approval.names import CHANGE_TEMPLATE_NAME, OPERATOR_ROLE_PREFIX, OPERATORS_PATH, RUNBOOK_NAME
from components.approval.scripts.trust import account_access_application, session_person
from components.session_manager.settings import log_locations
from operations.approval.access_requests import OPS_ITEM_TYPE, execution_of, request_of
from operations.evidence.cloudtrail import ACCESS_EVENTS, add_event, event_names
from operations.evidence.records import (
    UNREADABLE,
    Log,
    LogCoverage,
    Records,
    RecordSource,
)
from operations.evidence.systems_manager import (
    ACCESS_REQUEST_LASTS,
    add_access_request,
    add_execution,
    add_session,
)
from operations.inventory.identity_center import read_user_name
from operations.inventory.instances import read_names
from operations.inventory.reader import Identity, Reader, ReadFailure, read_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from common.aws.session import Clients
    from components.approval.settings import ApprovalSettings, IdentityCenterAccess
    from components.session_manager.settings import SessionManagerSettings

EVENT_HISTORY: Final = timedelta(days=90)
"""Retention of the event history (CloudTrail User Guide, "Working with CloudTrail event history")."""
SYSTEMS_MANAGER_HISTORY: Final = timedelta(days=30)
"""Retention of sessions and executions (General Reference, "AWS Systems Manager endpoints and quotas")."""
SECONDS_PER_LOOKUP: Final = 0.5
"""LookupEvents allows two calls per second, account and Region."""
_SECONDS_PER_EXECUTION: Final = 0.34
"""GetAutomationExecution allows three calls per second."""
_LOGS_ONE_BY_ONE: Final = 200
"""Up to this many sessions, logs are looked up by name; else all logs of the Region are listed."""
_RESERVED_PATH: Final = "/aws-reserved/sso.amazonaws.com/"


@dataclass(frozen=True, kw_only=True)
class RecordedAccount:
    """The account to read, and clients to read with.

    Attributes:
        identity: Caller's identity.
        preferences: Preferences by Region, for the locations of logs.
        pause: Waits, in seconds.
        reads_trail: Whether events are read from a trail, too, so that older ones than the event history has are known.
        history: Length of the event history to read; None: all that there is.
        is_just_in_time: Whether there are access requests, in place of a workflow, or beside it during a move.
    """

    clients: Clients
    identity: Identity
    regions: Sequence[str]
    workflow_region: str
    preferences: Mapping[str, SessionManagerSettings]
    since: datetime
    until: datetime
    now: datetime
    pause: Callable[[float], None]
    progress: Callable[[str], None]
    reads_trail: bool = False
    history: timedelta | None = None
    is_just_in_time: bool = False

    def reader(self, region: str) -> Reader:
        """Return a reader of a Region."""
        return Reader(self.clients, region, self.identity.arn)

    def source(self, name: str, region: str, records: int, problem: str, since: datetime | None = None) -> RecordSource:
        """Return a source that was read; without a begin, it has the state at the end of the period."""
        begin = since or self.until
        return RecordSource(name=name, region=region, since=begin, until=self.until, records=records, problem=problem)

    @property
    def iam_region(self) -> str:
        """Region of IAM's events."""
        return IAM_EVENT_REGIONS.get(self.identity.partition, "us-east-1")

    @property
    def recent(self) -> datetime:
        """Begin of the period, as far as Systems Manager has a history."""
        return max(self.since, self.now - SYSTEMS_MANAGER_HISTORY)


def read_account(account: RecordedAccount) -> Records:
    """Read all records of a period."""
    found = Records()
    found.add(read_events(account))
    for region in account.regions:
        found.add(_sessions(account, region))
    if account.is_just_in_time:
        for region in account.regions:
            found.add(_access_requests(account, region))
    # Also with access requests: during a move to them, and for grants of before.
    found.add(_executions(account, found))
    for region in account.regions:
        ids = {each.id for each in found.starts if each.region == region and each.id}
        found.add(_logs(account, region, ids))
    return found


def read_events(account: RecordedAccount) -> Records:
    """Read the event history; Regions at the same time, as each has its own rate."""
    begin = max(account.since, account.now - (account.history or EVENT_HISTORY))
    services = ("ssm.amazonaws.com", "ssm-guiconnect.amazonaws.com")
    more = ACCESS_EVENTS if account.is_just_in_time else ()
    tasks = {region: [*(name for each in services for name in event_names(each)), *more] for region in account.regions}
    iam = account.iam_region
    tasks[iam] = [*tasks.get(iam, []), *event_names("iam.amazonaws.com")]
    found = Records()
    with ThreadPoolExecutor(len(tasks)) as pool:
        for each in pool.map(partial(_lookups, account, since=begin), tasks, tasks.values()):
            found.add(each)
    if begin > account.since and not account.reads_trail:
        reason = "the event history lasts 90 days; for earlier events use --trail, --athena or --event-data-store"
        found.sources.append(
            RecordSource(
                name="CloudTrail event history", region="", since=account.since, until=begin, records=0, problem=reason
            )
        )
    return found


def _lookups(account: RecordedAccount, region: str, names: Iterable[str], *, since: datetime) -> Records:
    found, count, problem = Records(), 0, ""
    for name in names:
        account.progress(f"CloudTrail event history, {region}: {name}")
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        try:
            pages = account.clients.client("cloudtrail", region).get_paginator("lookup_events")
            for page in pages.paginate(LookupAttributes=[attribute], StartTime=since, EndTime=account.until):
                events = [json.loads(each["CloudTrailEvent"]) for each in page["Events"]]
                count += sum(add_event(each, found) for each in events)
                account.pause(SECONDS_PER_LOOKUP)
        except NOT_DONE as failed:
            problem = read_failure("cloudtrail:LookupEvents", failed, region, account.identity.arn).explanation
            break
        except UNREADABLE as wrong:
            problem = f"cloudtrail:LookupEvents: an event {name} has another form ({type(wrong).__name__})"
            break
    found.sources.append(account.source("CloudTrail event history", region, count, problem, since))
    return found


def _sessions(account: RecordedAccount, region: str) -> Records:
    """Read Session Manager's list, which has the ends of sessions that no event records."""
    account.progress(f"Sessions in {region}")
    found, problem, reader, since = Records(), "", account.reader(region), account.recent
    period = [{"key": "InvokedAfter", "value": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}]
    chosen: tuple[dict[str, Any], ...] = ({"State": "Active"}, {"State": "History", "Filters": period})
    for selection in chosen:
        listed, failed = _listed(reader, "ssm", "describe_sessions", "Sessions", **selection)
        problem = failed or problem
        for each in listed:
            if not since <= each["StartDate"] < account.until:
                continue
            add_session(each, account.identity.account_id, region, found)
    found.sources.append(account.source("Session Manager", region, len(found.starts), problem, since))
    return found


def _executions(account: RecordedAccount, known: Records) -> Records:
    """Read requests and decisions that the event history does not have, from the executions of the workflow."""
    region, found, problem = account.workflow_region, Records(), ""
    decided = {each.request for each in known.decisions}
    requested = {each.id for each in known.requests}
    reader = account.reader(region)
    for document, mode in ((RUNBOOK_NAME, "automation"), (CHANGE_TEMPLATE_NAME, "change-manager")):
        filters = [{"Key": "DocumentNamePrefix", "Values": [document]}]
        members = "AutomationExecutionMetadataList"
        listed, failed = _listed(reader, "ssm", "describe_automation_executions", members, Filters=filters)
        problem = failed or problem
        for each in listed:
            run = each["AutomationExecutionId"]
            is_child = bool(each.get("ParentAutomationExecutionId"))
            if (
                is_child
                or not account.recent <= each["ExecutionStartTime"] < account.until
                or (run in decided and run in requested)
            ):
                continue
            account.progress(f"Request {run}")
            account.pause(_SECONDS_PER_EXECUTION)
            described = reader.read("ssm", "get_automation_execution", AutomationExecutionId=run)
            if isinstance(described, ReadFailure) or described is None:
                problem = described.explanation if described else "an execution no longer exists"
                continue
            execution = described["AutomationExecution"]
            add_execution(execution, account.identity.account_id, mode, found, is_known=run in requested)
    count = len(found.requests) + len(found.decisions)
    found.sources.append(account.source("Automation", region, count, problem, account.recent))
    return found


def _access_requests(account: RecordedAccount, region: str) -> Records:
    """Read the access requests of a Region whose access may be in the period, with their approvals."""
    account.progress(f"Access requests in {region}")
    found, reader, begin = Records(), account.reader(region), account.since - ACCESS_REQUEST_LASTS
    filters = [{"Key": "OpsItemType", "Values": [OPS_ITEM_TYPE], "Operator": "Equal"}]
    listed, problem = _listed(reader, "ssm", "describe_ops_items", "OpsItemSummaries", OpsItemFilters=filters)
    for each in listed:
        if not begin <= each["CreatedTime"] < account.until:
            continue
        account.pause(_SECONDS_PER_EXECUTION)
        described = reader.read("ssm", "get_ops_item", OpsItemId=each["OpsItemId"])
        if isinstance(described, ReadFailure) or described is None:
            problem = described.explanation if described else "an access request no longer exists"
            continue
        item = described["OpsItem"]
        request, failed = request_of(reader, item, account.now)
        add_access_request(request, execution_of(item), account.identity.account_id, found)
        problem = failed or problem
    found.sources.append(account.source("Access requests", region, len(found.requests), problem, begin))
    return found


def _listed(reader: Reader, service: str, operation: str, *members: str, **selection: Any) -> tuple[list[Any], str]:
    """Return the items of a listing, or of its pages before a failure, and the failure; empty: none."""
    answer, problem = reader.read(service, operation, **selection), ""
    if isinstance(answer, ReadFailure):
        problem, answer = answer.explanation, answer.read_so_far
    return [each for member in members for each in (answer or {}).get(member, ())], problem


def _logs(account: RecordedAccount, region: str, sessions: set[str]) -> Records:
    """Read the logs of sessions: objects of Amazon S3, and streams of CloudWatch Logs."""
    found, own = Records(), account.identity.account_id
    place = log_locations(account.preferences, own).get(region)
    if place is None:
        return found
    if place.bucket:
        found.add(_objects(account, region, place.bucket, place.prefix, sessions))
    if place.log_group:
        found.add(_streams(account, region, place.log_group, sessions))
    if not any(each.problem for each in found.sources):
        found.coverage.append(LogCoverage(account=own, region=region, since=account.since, until=account.until))
    return found


def _looked_up(sessions: set[str]) -> list[str]:
    """Return the sessions whose logs are looked up one by one, or one empty name if all logs are listed."""
    return sorted(sessions) if len(sessions) <= _LOGS_ONE_BY_ONE else [""]


def _objects(account: RecordedAccount, region: str, bucket: str, prefix: str, sessions: set[str]) -> Records:
    account.progress(f"Logs in bucket {bucket}, {region}")
    found, problem, reader = Records(), "", account.reader(region)
    for name in _looked_up(sessions):
        chosen = f"{prefix}/{name}.log" if name else f"{prefix}/"
        members = ("Versions", "DeleteMarkers")
        listed, problem = _listed(reader, "s3", "list_object_versions", *members, Bucket=bucket, Prefix=chosen)
        for each in listed:
            session = each["Key"].removeprefix(f"{prefix}/").removesuffix(".log")
            if each["IsLatest"] and session in sessions:
                version = each.get("VersionId", "")
                found.logs.append(
                    Log(
                        session=session,
                        location=f"s3://{bucket}/{each['Key']}",
                        size=each.get("Size"),
                        version="" if version == "null" else version,
                        written=each["LastModified"].astimezone(UTC),
                        is_deleted="Size" not in each,
                    )
                )
        if problem:
            break
    found.sources.append(account.source(f"Amazon S3 {bucket}", region, len(found.logs), problem))
    return found


def _streams(account: RecordedAccount, region: str, group: str, sessions: set[str]) -> Records:
    account.progress(f"Log group {group}, {region}")
    found, problem, reader = Records(), "", account.reader(region)
    for name in _looked_up(sessions):
        selection: dict[str, Any] = {"logGroupName": group} | ({"logStreamNamePrefix": name} if name else {})
        listed, problem = _listed(reader, "logs", "describe_log_streams", "logStreams", **selection)
        for each in listed:
            written = each.get("lastEventTimestamp")
            if each["logStreamName"] in sessions:
                found.logs.append(
                    Log(
                        session=each["logStreamName"],
                        location=f"{group}:{each['logStreamName']}",
                        size=None if written else 0,
                        written=_time(written) if written else None,
                    )
                )
        if problem:
            break
    found.sources.append(account.source(f"CloudWatch Logs {group}", region, len(found.logs), problem))
    return found


def _time(milliseconds: int) -> datetime:
    """Return a time of CloudWatch Logs, whose model calls it a number.

    Raises:
        MalformedAnswerError: It is not in the calendar.
    """
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise MalformedAnswerError(operation="DescribeLogStreams", found="no time in lastEventTimestamp") from None


def node_names(account: RecordedAccount, records: Records) -> tuple[dict[str, str], list[RecordSource]]:
    """Return the Name tags of EC2 instances, and the Regions in which they cannot be read; a name is no evidence."""
    names: dict[str, str] = {}
    unread: list[RecordSource] = []
    for region in account.regions:
        nodes = sorted({each.node for each in records.starts if each.region == region and each.node.startswith("i-")})
        found, why = read_names(account.reader(region), nodes)
        names |= found
        unread += [account.source("Names of nodes", region, 0, why.explanation)] if why else []
    return names, unread


class People:
    """Persons behind principals, as IAM and IAM Identity Center describe them now.

    Args:
        approval: Settings of the approval workflow, if there is one.

    Attributes:
        unread: What cannot be read, so that a person is unknown who is not.
    """

    def __init__(self, account: RecordedAccount, approval: ApprovalSettings | None = None) -> None:
        self.unread: list[RecordSource] = []
        self._recorded = account
        self._reader = account.reader(account.workflow_region)
        self._account = account.identity.account_id
        self._roles: dict[str, Mapping[str, Any] | None] = {}
        self._access = approval.identity_center if approval else None
        self._users: dict[str, str] = {}

    def person_of(self, arn: str) -> str:
        """Return the user name or the name of a session that proves a person; empty if none is proven."""
        kind, *path = split_arn(arn).resource.split("/")
        if kind == "user" and path:
            return path[-1]
        if kind != "assumed-role" or len(path) != 2 or split_arn(arn).account_id != self._account:  # noqa: PLR2004 -- role, session
            return ""
        role = self._role(path[0])
        if role is None:
            return ""
        if str(role["Path"]).startswith(_RESERVED_PATH):
            return path[1]
        # The policy is the current one: it may have been another when the session started.
        trust = role["AssumeRolePolicyDocument"]
        user = str(role["Arn"]).partition(f":role{OPERATORS_PATH}{OPERATOR_ROLE_PREFIX}")[2]
        if user and self._access and account_access_application(trust) == self._access.application_arn != "":
            return self._user_name(user, self._access)
        return session_person(trust, path[1]).rsplit("/", 1)[-1]

    def _user_name(self, user: str, access: IdentityCenterAccess) -> str:
        """Return the name of a user by ID; the ID, if the user was deleted; empty, if that cannot be read."""
        if user not in self._users:
            reader = self._reader.elsewhere(access.home(self._reader.region))
            found = read_user_name(reader, user, access.identity_store_id)
            if isinstance(found, ReadFailure):
                self.unread.append(self._recorded.source(f"Person {user}", reader.region, 0, found.explanation))
            self._users[user] = "" if isinstance(found, ReadFailure) else found or user
        return self._users[user]

    def _role(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._roles:
            answer = self._reader.read("iam", "get_role", absent=("NoSuchEntity",), RoleName=name)
            if isinstance(answer, ReadFailure):
                self.unread.append(self._recorded.source(f"Role {name}", self._reader.region, 0, answer.explanation))
            self._roles[name] = answer["Role"] if answer and not isinstance(answer, ReadFailure) else None
        return self._roles[name]
