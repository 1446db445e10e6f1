"""The export of records: resumable, once a day and Region, and read back as the APIs would have given them."""

from __future__ import annotations

import gzip
import io
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from components.approval.evidence import (
    ACCESS_EVENTS,
    IAM_EVENTS,
    KINDS,
    PARTITIONS,
    SESSION_EVENTS,
    evidence_bucket_policy,
    export_role_policy,
    export_runbook,
    table_parameters,
)
from components.approval.names import RUNBOOK_NAME, WorkflowLocation
from components.approval.scripts import evidence as script
from components.just_in_time.documents import policy_documents
from components.just_in_time.settings import JustInTimeSettings
from components.session_manager.settings import LogLocation
from operations.approval.access_requests import OPS_ITEM_TYPE
from operations.evidence.cloudtrail import ACCESS_EVENTS as READ_ACCESS_EVENTS
from operations.evidence.cloudtrail import event_names
from operations.evidence.exported import read_exported
from operations.evidence.records import NO_TIME
from tests.components.just_in_time.examples import approval, manual
from tests.support.evidence_history import ACCOUNT, ALICE, NODE, OLIVIA, History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 29, 0, 10, tzinfo=UTC)
DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
LOGS = {"eu-west-1": LogLocation(bucket="logs", prefix=f"x/{ACCOUNT}/eu-west-1", log_group="sessions")}
PAYLOAD: dict[str, Any] = {
    **export_runbook(PLACE, ("eu-west-1", "us-east-1"), LOGS)["mainSteps"][0]["inputs"]["InputPayload"],
    "Pause": 0,
}
DAYS = script.HISTORY_DAYS - script.SETTLED_DAYS + 1


def refused(operation: str, code: str = "AccessDenied") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class World:
    """AWS as the export sees it.

    Attributes:
        events: Events of CloudTrail.
        sessions: Sessions by Region.
        executions: Executions.
        objects: Objects of the bucket by key.
        logs: Versions and delete markers of session logs, as S3 lists them.
        streams: Log streams.
        items: Access requests of the first Region.
        policies: Approval policies by name.
        failing: Called before each call with service, Region and operation.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    sessions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    streams: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: Callable[[str, str, str], None] = lambda _service, _region, _operation: None
    puts: list[str] = field(default_factory=list)

    def client(self, service: str, region: str | None = None) -> Client:
        return Client(self, service, region or "")

    def refuse(self, operation: str, code: str = "AccessDenied", region: str = "") -> None:
        """Refuse an operation, by default in every Region."""

        def fail(_service: str, where: str, called: str) -> None:
            if called == operation and region in ("", where):
                raise refused(called, code)

        self.failing = fail


class Client:
    """A client with the calls of the export; `meta.events` is this object, too."""

    def __init__(self, world: World, service: str, region: str) -> None:
        self.world, self.service, self.region = world, service, region
        self.meta = self
        self.events = self
        self.conditional = False

    def register(self, event: str, handler: Callable[..., None]) -> None:
        assert event == "before-sign.s3.PutObject"
        request = type("Request", (), {"headers": {}})()
        handler(request=request)
        self.conditional = request.headers == {"If-None-Match": "*"}

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self, operation)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentMD5: str) -> None:  # noqa: N803
        self.world.failing(self.service, self.region, "put_object")
        assert (Bucket, bool(ContentMD5)) == (PLACE.evidence_bucket, True)
        if self.conditional and Key in self.world.objects:
            raise refused("PutObject", "PreconditionFailed")
        self.world.puts.append(Key)
        self.world.objects[Key] = Body

    def get_automation_execution(self, *, AutomationExecutionId: str) -> dict[str, Any]:  # noqa: N803
        self.world.failing(self.service, self.region, "get_automation_execution")
        found = [each for each in self.world.executions if each["AutomationExecutionId"] == AutomationExecutionId]
        if not found:
            raise refused("GetAutomationExecution", "AutomationExecutionNotFoundException")
        return {"AutomationExecution": found[0]}

    def get_ops_item(self, *, OpsItemId: str) -> dict[str, Any]:  # noqa: N803
        self.world.failing(self.service, self.region, "get_ops_item")
        (found,) = [each for each in self.world.items if each["OpsItemId"] == OpsItemId]
        return {"OpsItem": found}

    def get_document(self, *, Name: str, DocumentVersion: str, DocumentFormat: str) -> dict[str, Any]:  # noqa: N803
        self.world.failing(self.service, self.region, "get_document")
        assert (DocumentVersion, DocumentFormat) == ("1", "JSON")
        if Name not in self.world.policies:
            raise refused("GetDocument", "InvalidDocument")
        return self.world.policies[Name]


@dataclass
class Paginator:
    """Pages of two records each."""

    client: Client
    operation: str

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:
        world, region = self.client.world, self.client.region
        world.failing(self.client.service, region, self.operation)
        name, found = getattr(self, f"_{self.operation}")(world, region, given)
        for at in range(0, max(len(found), 1), 2):
            yield {name: found[at : at + 2]}

    def _list_objects_v2(self, world: World, _region: str, given: Any) -> tuple[str, list[Any]]:
        return "Contents", [{"Key": key} for key in world.objects if key.startswith(given["Prefix"])]

    def _list_object_versions(self, world: World, _region: str, given: Any) -> tuple[str, list[Any]]:
        assert given["Bucket"] == "logs"
        return "Versions", [each for each in world.logs if each["Key"].startswith(given["Prefix"])]

    def _describe_log_streams(self, world: World, _region: str, given: Any) -> tuple[str, list[Any]]:
        prefix = given.get("logStreamNamePrefix", "")
        assert given["logGroupName"] == "sessions"
        return "logStreams", [each for each in world.streams if each["logStreamName"].startswith(prefix)]

    def _lookup_events(self, world: World, region: str, given: Any) -> tuple[str, list[Any]]:
        (attribute,) = given["LookupAttributes"]
        return "Events", [
            {"CloudTrailEvent": json.dumps(each)}
            for each in world.events
            if each["awsRegion"] == region
            and each["eventName"] == attribute["AttributeValue"]
            and given["StartTime"] <= datetime.fromisoformat(each["eventTime"]) <= given["EndTime"]
        ]

    def _describe_sessions(self, world: World, region: str, given: Any) -> tuple[str, list[Any]]:
        is_open = given["State"] == "Active"
        return "Sessions", [each for each in world.sessions.get(region, []) if ("EndDate" not in each) is is_open]

    def _describe_ops_items(self, world: World, region: str, given: Any) -> tuple[str, list[Any]]:
        of_type, since = given["OpsItemFilters"]
        assert of_type["Values"] == [OPS_ITEM_TYPE]
        first = datetime.fromisoformat(since["Values"][0])
        found = [each for each in world.items if each["LastModifiedTime"] > first]
        return "OpsItemSummaries", found if region == PLACE.region else []

    def _describe_automation_executions(self, world: World, region: str, given: Any) -> tuple[str, list[Any]]:
        (chosen,) = given["Filters"]
        found = [each for each in world.executions if each["DocumentName"].startswith(chosen["Values"][0])]
        return "AutomationExecutionMetadataList", found if region == PLACE.region else []


def asked_for(world: World, *, changed: datetime = DAY, status: str = "Approved", automatic: bool = False) -> None:
    """Add an access request of a day, which a person has approved."""
    data = {"context": {"targets": [NODE]}, **({} if automatic else {"automationExecutionId": ACCESS_RUN})}
    world.items[:] = [
        {
            "OpsItemId": "oi-0123456789ab",
            "OpsItemType": OPS_ITEM_TYPE,
            "CreatedBy": OLIVIA,
            "CreatedTime": DAY,
            "LastModifiedTime": changed,
            "Status": status,
            "Description": "Ticket 4711",
            "OperationalData": {OPS_ITEM_TYPE: {"Type": "SearchableString", "Value": json.dumps(data)}},
        }
    ]
    approved = {"ApprovalStatus": ["Approved"], "ApproverDecisions": [json.dumps(APPROVED)]}
    world.executions[:] = [
        {
            "AutomationExecutionId": ACCESS_RUN,
            "AutomationSubtype": "AccessRequest",
            "OpsItemId": "oi-0123456789ab",
            "DocumentName": "Databases",
            "DocumentVersion": "1",
            "AutomationExecutionStatus": "Success",
            "ExecutedBy": OLIVIA,
            "ExecutionStartTime": DAY,
            "StepExecutions": [
                {
                    "StepName": "level1",
                    "Action": "aws:approve",
                    "StepStatus": "Success",
                    "ExecutionEndTime": DAY + timedelta(minutes=5),
                    "Outputs": approved,
                }
            ],
        }
    ]
    (document,) = policy_documents(JustInTimeSettings.model_validate(approval([manual()], [])["justInTime"]))
    world.policies["Databases"] = {
        "Name": "Databases",
        "DocumentVersion": "1",
        "DocumentType": document.type,
        "Content": json.dumps(document.content),
        "Status": "Active",
    }


ACCESS_RUN = "11111111-2222-4333-8444-555555555555"
APPROVED = {"Approver": ALICE, "Decision": "Approve"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return NOW.astimezone(tz)

    monkeypatch.setattr(script, "client", made.client)
    monkeypatch.setattr(script, "datetime", Clock)
    return made


def history() -> History:
    made = History()
    run = made.request(DAY)
    made.decide(run, DAY + timedelta(minutes=1))
    made.tag(DAY + timedelta(minutes=2))
    made.start(DAY + timedelta(minutes=3))
    made.untag(DAY + timedelta(minutes=12))
    made.refuse(DAY + timedelta(minutes=13))
    return made


def filled(world: World) -> str:
    """Fill the world with a request, its session and its refused attempt, and return the ID of the session."""
    made = history()
    world.events += made.events
    session = str(made.events[3]["responseElements"]["sessionId"])
    world.sessions["eu-west-1"] = [
        {
            "SessionId": session,
            "Target": NODE,
            "Owner": OLIVIA,
            "StartDate": DAY + timedelta(minutes=3),
            "EndDate": DAY + timedelta(days=1),
        }
    ]
    world.executions.append(
        {
            "AutomationExecutionId": made.events[0]["responseElements"]["automationExecutionId"],
            "DocumentName": RUNBOOK_NAME,
            "AutomationExecutionStatus": "Success",
            "ExecutedBy": OLIVIA,
            "ExecutionStartTime": DAY,
            "Parameters": {"PrincipalType": ["role"], "PrincipalName": ["Operator"], "InstanceId": [NODE]},
            "StepExecutions": [
                {"StepName": "A", "Action": "aws:sleep", "StepStatus": "Success", "Inputs": {"Script": "x"}}
            ],
        }
    )
    return session


def run(**payload: Any) -> dict[str, Any]:
    return script.export_evidence({**PAYLOAD, **payload}, None)


def exported(world: World) -> str:
    """Export the filled world, and return the ID of its session."""
    session = filled(world)
    run()
    return session


def read(world: World, folder: Path, begin: datetime, end: datetime) -> Any:
    for key, body in world.objects.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return read_exported(folder, begin, end, lambda _line: None)


def test_export_reads_the_events_of_the_report() -> None:
    assert sorted(SESSION_EVENTS) == sorted(
        [*event_names("ssm.amazonaws.com"), *event_names("ssm-guiconnect.amazonaws.com")]
    )
    assert sorted(IAM_EVENTS) == sorted(event_names("iam.amazonaws.com"))


def test_exported_records_are_those_of_the_apis(world: World, tmp_path: Path) -> None:
    session = filled(world)
    assert run() == {"Outcome": f"{2 * DAYS} of {2 * DAYS} missing days exported"}
    found = read(world, tmp_path, DAY - timedelta(days=2), DAY + timedelta(days=2))
    assert {each.id for each in found.starts if not each.error} == {session}
    assert [each.error for each in found.starts if each.error] == ["AccessDenied"]
    # The day of the start and the day of the end both have the session.
    assert {(each.id, each.at) for each in found.ends} == {(session, DAY + timedelta(days=1))}
    assert {each.id for each in found.requests} == {world.executions[0]["AutomationExecutionId"]}
    assert [each.approved for each in found.decisions] == [True]
    assert [bool(each.node) for each in found.tags] == [True, False]
    assert {each.region for each in found.sources} == {"eu-west-1", "us-east-1"}
    assert [each.problem for each in found.sources] == ["", ""]


def exported_requests(world: World, folder: Path, until: datetime = DAY + timedelta(days=2)) -> Any:
    run(AccessRequests=True)
    return read(world, folder, DAY + timedelta(days=1), until)


def test_access_request_is_exported_with_its_approval(world: World, tmp_path: Path) -> None:
    asked_for(world)
    found = exported_requests(world, tmp_path)
    (request,) = found.requests
    assert (request.id, request.mode, request.node, request.reason) == (
        "oi-0123456789ab",
        "just-in-time",
        NODE,
        "Ticket 4711",
    )
    assert (request.granted, request.until) == (DAY + timedelta(minutes=5), DAY + timedelta(minutes=65))
    (decision,) = found.decisions
    assert (decision.request, decision.caller.arn, decision.approved) == (ACCESS_RUN, ALICE, True)
    assert {each.problem for each in found.sources} == {""}


def test_automatic_access_request_is_exported(world: World, tmp_path: Path) -> None:
    asked_for(world, automatic=True)
    (request,) = exported_requests(world, tmp_path).requests
    assert (request.is_automatic, request.execution) == (True, "")


@pytest.mark.parametrize("missing", ["executions", "policies"])
def test_access_request_without_its_execution_is_exported(world: World, tmp_path: Path, missing: str) -> None:
    asked_for(world)
    getattr(world, missing).clear()
    (request,) = exported_requests(world, tmp_path).requests
    assert (request.execution, request.until) == (ACCESS_RUN, NO_TIME)


def test_latest_record_of_an_access_request_counts(world: World, tmp_path: Path) -> None:
    asked_for(world, status="PendingApproval")
    world.executions[0]["StepExecutions"][0]["StepStatus"] = "Waiting"
    (waiting,) = exported_requests(world, tmp_path).requests
    assert (waiting.state, waiting.granted) == ("waiting", NO_TIME)
    later = DAY + timedelta(days=4)
    asked_for(world, changed=later)
    for key in [key for key in world.objects if f"day={later.date()}" in key]:
        del world.objects[key]
    # The period ends before the day of the change, with which the state was exported.
    (approved,) = exported_requests(world, tmp_path, DAY + timedelta(days=2)).requests
    assert (approved.state, approved.granted) == ("ended", DAY + timedelta(minutes=5))


@pytest.mark.parametrize(
    "operation", ["describe_ops_items", "get_ops_item", "get_automation_execution", "get_document"]
)
def test_denied_access_request_fails_the_day(world: World, operation: str) -> None:
    asked_for(world)
    world.refuse(operation)
    with pytest.raises(RuntimeError, match=r"not exported: .*AccessDenied"):
        run(AccessRequests=True)
    assert not [key for key in world.objects if f"kind=days/account={ACCOUNT}/region=eu-west-1/day={DAY.date()}" in key]


def test_workflow_alone_exports_no_access_requests(world: World) -> None:
    asked_for(world)
    run()
    assert not [key for key in world.objects if "kind=requests" in key]


def test_access_requests_need_their_events_and_permissions() -> None:
    payload = export_runbook(PLACE, ("eu-west-1",), access_requests=True)["mainSteps"][0]["inputs"]["InputPayload"]
    assert set(payload["Events"]) - set(SESSION_EVENTS) == set(ACCESS_EVENTS) == set(READ_ACCESS_EVENTS)
    policies: list[Any] = [export_role_policy(PLACE, access_requests=each) for each in (False, True)]
    without, within = ({each["Sid"] for each in policy["Statement"]} for policy in policies)
    assert within - without == {"ListAccessRequests", "ReadAccessRequests", "ReadApprovalPolicies"}
    text = json.dumps(policies[1])
    assert not re.search(r"ssm:(Start|Send|Stop|Update|Create|Delete)|GetAccessToken", text)


def log_of(session: str, **given: Any) -> dict[str, Any]:
    key = f"{LOGS['eu-west-1'].prefix}/{session}.log"
    return {"Key": key, "IsLatest": True, "VersionId": "v1", "Size": 900, "LastModified": NOW, **given}


def logs_of(found: Any) -> list[tuple[str, str, int | None, str, bool]]:
    return [(each.session, each.location, each.size, each.version, each.is_deleted) for each in found.logs]


@pytest.mark.parametrize("one_by_one", [500, 0])
def test_locations_of_logs_are_exported(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_by_one: int
) -> None:
    monkeypatch.setattr(script, "LOGS_ONE_BY_ONE", one_by_one)
    session = filled(world)
    world.logs += [log_of(session), log_of(session, IsLatest=False, VersionId="v0"), log_of("another")]
    world.streams += [{"logStreamName": session, "lastEventTimestamp": 0}, {"logStreamName": f"{session}0"}]
    run()
    found = read(world, tmp_path, DAY, DAY + timedelta(hours=1))
    where = f"s3://logs/x/{ACCOUNT}/eu-west-1/{session}.log"
    assert logs_of(found) == [(session, where, 900, "v1", False), (session, f"sessions:{session}", 0, "", False)]
    (covered,) = found.coverage
    assert (covered.region, covered.since.date(), covered.open_sessions) == ("eu-west-1", DAY.date(), ())
    assert [(each.problem, each.note) for each in found.sources] == [("", "")] * 2


def test_delete_marker_of_a_log_is_exported(world: World, tmp_path: Path) -> None:
    session = filled(world)
    world.logs.append({key: value for key, value in log_of(session).items() if key != "Size"})
    run()
    assert [each.is_deleted for each in read(world, tmp_path, DAY, DAY + timedelta(hours=1)).logs] == [True]


def test_session_that_is_open_may_get_its_log_later(world: World, tmp_path: Path) -> None:
    session = filled(world)
    del world.sessions["eu-west-1"][0]["EndDate"]
    run()
    (covered,) = read(world, tmp_path, DAY, DAY + timedelta(hours=1)).coverage
    assert covered.open_sessions == (session,)


@pytest.mark.parametrize("operation", ["list_object_versions", "describe_log_streams"])
def test_denied_locations_of_logs_are_a_gap(world: World, tmp_path: Path, operation: str) -> None:
    filled(world)
    world.refuse(operation)
    run()
    found = read(world, tmp_path, DAY, DAY + timedelta(hours=1))
    problems = {each.region: each.problem for each in found.sources}
    assert "the locations of logs of 1 days are not exported, such as 2026-11-20" in problems["eu-west-1"]
    assert (problems["us-east-1"], found.coverage) == ("", [])


def test_throttled_locations_of_logs_fail_the_day(world: World) -> None:
    filled(world)
    world.refuse("describe_log_streams", "ThrottlingException")
    with pytest.raises(RuntimeError, match="not exported: 2026-11-20 eu-west-1: ThrottlingException"):
        run()


def test_days_of_an_earlier_release_have_no_locations(world: World, tmp_path: Path) -> None:
    exported(world)
    for key, body in world.objects.items():
        if "kind=days" in key:
            statement = json.loads(gzip.decompress(body))
            del statement["logs"], statement["openSessions"]
            world.objects[key] = gzip.compress(json.dumps(statement).encode())
    found = read(world, tmp_path, DAY, DAY + timedelta(hours=1))
    assert (found.coverage, {each.problem for each in found.sources}) == ([], {""})
    assert {each.note for each in found.sources} == {"without locations of logs: 1 days, such as 2026-11-20"}


def test_many_regions_list_logs_with_few_statements() -> None:
    regions = [f"eu-west-{number}" for number in range(1, 30)]
    logs = {
        each: LogLocation(bucket="org-logs", prefix=f"p/{ACCOUNT}/{each}", log_group="sessions") for each in regions
    }
    policy: Any = export_role_policy(PLACE, logs)
    found = {each["Sid"]: each for each in policy["Statement"] if "Logs" in each["Sid"] or "Streams" in each["Sid"]}
    assert found["ListLogs1"]["Condition"] == {"StringLike": {"s3:prefix": [f"p/{ACCOUNT}/*"]}}
    arn = f"arn:aws:logs:*:{ACCOUNT}:log-group:sessions"
    assert (sorted(found), found["ListLogStreams"]["Resource"]) == (["ListLogStreams", "ListLogs1"], [arn, f"{arn}:*"])


def test_second_run_changes_nothing(world: World) -> None:
    exported(world)
    before = dict(world.objects)
    world.events.append({**world.events[0], "eventID": "late"})
    assert run() == {"Outcome": "0 of 0 missing days exported"}
    assert world.objects == before


def test_two_runs_at_once_write_each_object_once(world: World) -> None:
    filled(world)
    first = script.Export(PAYLOAD, NOW)
    days = list(first.missing())
    for day, region in days:
        script.Export(PAYLOAD, NOW).write(day, region)
        first.write(day, region)
    assert len(world.puts) == len(set(world.puts)) == 5 * len(days)


@pytest.mark.parametrize("calls", [1, 2, 5, 9, 30])
def test_interrupted_run_is_continued(world: World, calls: int) -> None:
    exported(world)
    whole = dict(world.objects)
    world.objects.clear()
    made = iter(range(1000))

    def fail(_service: str, _region: str, operation: str) -> None:
        if operation == "put_object" and next(made) >= calls:
            raise KeyboardInterrupt

    world.failing = fail
    with pytest.raises(KeyboardInterrupt):
        run()
    world.failing = lambda *_: None
    run()
    assert world.objects == whole


def test_complete_day_is_stated_last(world: World) -> None:
    exported(world)
    for at in range(0, len(world.puts), 5):
        assert [key.split("/")[1] for key in world.puts[at : at + 5]] == [
            f"kind={each}" for each in KINDS if each != "requests"
        ]


@pytest.mark.parametrize("operation", ["lookup_events", "describe_sessions", "describe_automation_executions"])
def test_source_that_fails_fails_the_run(world: World, operation: str, tmp_path: Path) -> None:
    filled(world)
    world.refuse(operation, region="eu-west-1")
    with pytest.raises(RuntimeError, match=r"not exported: .* eu-west-1: AccessDenied.* more"):
        run()
    # The other Region is exported all the same, and the report shows the gap.
    found = read(world, tmp_path, DAY, DAY + timedelta(hours=1))
    problems = {each.region: each.problem for each in found.sources}
    assert problems == {"eu-west-1": "1 days are not exported, such as 2026-11-20", "us-east-1": ""}


def test_run_without_time_leaves_the_rest_and_reports_late_days(world: World) -> None:
    with pytest.raises(RuntimeError, match="is late"):
        run(Seconds=-1)
    run()
    latest = max(key for key in world.objects if "kind=days" in key and "eu-west-1" in key)
    del world.objects[latest]
    assert run(Seconds=-1) == {"Outcome": "0 of 1 missing days exported"}


def test_days_that_may_change_are_not_exported(world: World) -> None:
    run()
    days = {key.split("day=")[1][:10] for key in world.objects}
    assert (min(days), max(days)) == ("2026-11-01", "2026-11-27")


def test_role_of_the_export_is_allowed_its_calls_and_no_more(world: World) -> None:
    filled(world)
    called: set[str] = set()
    actions = {
        "s3:list_objects_v2": "s3:ListBucket",
        "s3:list_object_versions": "s3:ListBucketVersions",
        "s3:put_object": "s3:PutObject",
    }

    def note(service: str, _region: str, operation: str) -> None:
        called.add(actions.get(f"{service}:{operation}", f"{service}:{operation.title().replace('_', '')}"))

    world.failing = note
    run()
    policy: Any = export_role_policy(PLACE, LOGS)
    allowed = {
        action
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert called == allowed - {"kms:GenerateDataKey"}


def test_bucket_takes_records_from_the_export_only() -> None:
    text = json.dumps(evidence_bucket_policy(PLACE))
    assert "s3:DeleteObject" not in json.dumps(export_role_policy(PLACE))
    assert '"Effect": "Allow"' not in text
    assert f"arn:aws:iam::{ACCOUNT}:role/ShellAccessEvidenceExport" in text


def test_table_finds_every_object(world: World) -> None:
    """The template of the partitions and the keys of the objects agree."""
    exported(world)
    parameters = table_parameters(PLACE, ("eu-west-1", "us-east-1"))
    template = parameters["storage.location.template"].removeprefix(f"s3://{PLACE.evidence_bucket}/")
    kinds = parameters["projection.kind.values"].split(",")
    regions = parameters["projection.region.values"].split(",")
    for key in world.objects:
        parts = dict(each.split("=") for each in key.split("/") if "=" in each)
        expected = template
        for name, value in parts.items():
            expected = expected.replace(f"${{{name}}}", value)
        assert key.startswith(expected)
        assert (parts["kind"] in kinds, parts["region"] in regions) == (True, True)
        assert parts["account"] == parameters["projection.account.values"]
    assert set(parts) == set(PARTITIONS)


def test_scripts_of_steps_are_not_exported(world: World) -> None:
    exported(world)
    text = b"".join(gzip.decompress(each) for each in world.objects.values())
    assert b'"Script"' not in text
    assert b'"StepName":"A"' in text


def test_missing_region_or_damaged_file_makes_source_incomplete(world: World, tmp_path: Path) -> None:
    exported(world)
    world.objects = {key: body for key, body in world.objects.items() if "region=us-east-1" not in key}
    (damaged,) = [key for key in world.objects if "kind=events" in key and "day=2026-11-20" in key]
    world.objects[damaged] = world.objects[damaged][:-9]
    found = read(world, tmp_path, DAY, DAY + timedelta(hours=1))
    problems = {each.region: each.problem for each in found.sources}
    assert "1 files cannot be read" in problems["eu-west-1"]
    assert "not exported" in problems["us-east-1"]


def test_script_of_the_runbook_runs_by_itself(world: World) -> None:
    """The text has everything that its handler needs."""
    filled(world)
    text = export_runbook(PLACE, ("eu-west-1", "us-east-1"))["mainSteps"][0]["inputs"]["Script"]
    loaded: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "script", "exec"), loaded)
    loaded["client"], loaded["datetime"] = world.client, script.datetime
    assert loaded["export_evidence"](PAYLOAD, None)["Outcome"].startswith(str(2 * DAYS))


def test_objects_are_the_same_however_often_they_are_made(world: World) -> None:
    exported(world)
    before = dict(world.objects)
    world.objects.clear()
    run()
    assert world.objects == before
    assert all(gzip.GzipFile(fileobj=io.BytesIO(each)).mtime in (0, None) for each in before.values())
