"""Trails that are read by queries, on the local AWS: Athena over log files, CloudTrail Lake over the event history."""

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest

from components.approval.evidence import COLUMNS, PARTITIONS, QUERIES, NamedQuery, trail_table
from components.approval.names import EVIDENCE_DATABASE, EVIDENCE_TABLE, EVIDENCE_WORKGROUP, TRAIL_TABLE
from components.approval.settings import Trail
from local.aws import Emulator
from local.emulator.extension.sql import QueryError, parse
from operations.evidence import queries
from operations.evidence.cloudtrail import add_event
from operations.evidence.files import read_trail
from operations.evidence.findings import Context
from operations.evidence.live import RecordedAccount
from operations.evidence.queries import EventDataStore, read_event_data_store, read_trail_bucket
from operations.evidence.records import LogCoverage, Records
from operations.evidence.report import report
from operations.inventory.reader import Identity
from tests.operations.evidence.test_year import differences, judged
from tests.support.evidence_history import ACCOUNT, NOON, OLIVIA, WORKFLOW, History, after
from tests.support.evidence_year import BEGIN, made_up, retried

OWN = "123456789012"
OTHER = "444455556666"
REGION = "eu-west-1"
TRAIL = Trail(bucket="org-trail", prefix="AWSLogs/o-exampleorgid")


@dataclass
class Clients:
    """Clients of the local AWS; `failing` replaces the answer of an operation by name."""

    endpoint: str
    failing: dict[str, Any] = field(default_factory=dict)
    made: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str) -> Any:
        if (service, region) not in self.made:
            given = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            self.made[service, region] = boto3.client(service, region, endpoint_url=self.endpoint, **given)  # type: ignore[call-overload]
        return _Client(self.made[service, region], self.failing)


class _Client:
    def __init__(self, client: Any, failing: dict[str, Any]) -> None:
        self._client, self._failing = client, failing

    def can_paginate(self, operation: str) -> bool:
        return operation not in self._failing and self._client.can_paginate(operation)

    def __getattr__(self, name: str) -> Any:
        return self._failing.get(name) or getattr(self._client, name)


@pytest.fixture
def clients(empty_aws: None, emulator: Emulator) -> Clients:  # noqa: ARG001
    made = Clients(emulator.endpoint_url)
    made.client("s3", REGION).create_bucket(
        Bucket=TRAIL.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    glue = made.client("glue", REGION)
    glue.create_database(DatabaseInput={"Name": EVIDENCE_DATABASE})
    glue.create_table(DatabaseName=EVIDENCE_DATABASE, TableInput=table())
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    made.client("athena", REGION).create_work_group(Name=EVIDENCE_WORKGROUP, Configuration=managed)
    return made


def table(trail: Trail = TRAIL) -> dict[str, Any]:
    desired = trail_table(trail)
    return {
        "Name": desired.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": desired.parameters,
        "PartitionKeys": [{"Name": each, "Type": "string"} for each in desired.partitions],
        "StorageDescriptor": {
            "Location": desired.location,
            "Columns": [{"Name": name, "Type": kind} for name, kind in desired.columns.items()],
            "InputFormat": desired.input_format,
        },
    }


def account(clients: Clients, **given: Any) -> RecordedAccount:
    values: dict[str, Any] = {
        "clients": clients,
        "identity": Identity(account_id=OWN, partition="aws", arn=f"arn:aws:iam::{OWN}:user/auditor"),
        "regions": (REGION,),
        "workflow_region": REGION,
        "preferences": {},
        "since": NOON - timedelta(hours=1),
        "until": NOON + timedelta(hours=2),
        "now": NOON + timedelta(days=2),
        "pause": lambda _seconds: None,
        "progress": lambda _line: None,
    }
    return RecordedAccount(**{**values, **given})


def write(clients: Clients, events: list[dict[str, Any]], late: timedelta = timedelta()) -> None:
    """Write log files as CloudTrail does, a few minutes after the events."""
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in events:
        delivered = datetime.fromisoformat(each["eventTime"]) + late
        folder = f"{TRAIL.prefix}/{each['recipientAccountId']}/CloudTrail/{each['awsRegion']}/{delivered:%Y/%m/%d}"
        files[f"{folder}/{each['recipientAccountId']}_CloudTrail_{len(files) // 3}.json.gz"].append(each)
    for key, records in files.items():
        content = gzip.compress(json.dumps({"Records": records}).encode())
        clients.client("s3", REGION).put_object(Bucket=TRAIL.bucket, Key=key, Body=content)


def history(owner: str = ACCOUNT) -> list[dict[str, Any]]:
    """Return events of everything that the report reads, and others."""
    made = History()
    made.grant()
    made.end(made.start(after(3)), after(8))
    made.refuse(after(4))
    made.request(after(20), mode="change-manager", reason='O\'Brien "asked"; DROP TABLE\n')
    assumed = {"roleArn": f"arn:aws:iam::{owner}:role/Operator", "roleSessionName": "olivia"}
    tags = [{"key": "SecurityAllowSessionInstance", "value": "i-0123456789abcdef0"}]
    made.add("sts", "AssumeRole", OLIVIA, after(21), requestParameters={**assumed, "tags": tags})
    made.add("sts", "AssumeRole", OLIVIA, after(22), requestParameters=assumed)
    made.add("ec2", "DescribeInstances", OLIVIA, after(23), requestParameters={"filterSet": {}})
    made.add("ssm", "StartSession", OLIVIA, after(24), requestParameters={"target": "i-2"}, responseElements=None)
    identity = made.events[-1]["userIdentity"]
    identity["sessionContext"]["sourceIdentity"] = "olivia"
    identity["sessionContext"]["sessionIssuer"] = {"type": "Role", "arn": f"arn:aws:iam::{owner}:role/Operator"}
    text = json.dumps(made.events).replace(ACCOUNT, owner)
    return [{**each, "eventID": f"{owner}-{number}"} for number, each in enumerate(json.loads(text))]


def expected(events: list[dict[str, Any]]) -> Records:
    found = Records()
    for each in events:
        add_event(each, found)
    return found


def without_sources(found: Records) -> dict[str, list[Any]]:
    return {
        name: sorted(map(str, values)) for name, values in vars(found).items() if name not in ("sources", "coverage")
    }


def problems(found: Records) -> dict[str, str]:
    return {each.name.rsplit(" ", 1)[-1]: each.problem for each in found.sources}


def test_every_source_gives_the_same_report(clients: Clients, tmp_path: Path) -> None:
    events = [*history(), *history(OTHER)]
    write(clients, events)
    file = tmp_path / "AWSLogs" / "x.json.gz"
    file.parent.mkdir()
    file.write_bytes(gzip.compress(json.dumps({"Records": events}).encode()))
    own = account(clients)
    found = {
        "events": expected(events),
        "log files": read_trail(tmp_path, own.since, own.until, lambda _line: None),
        "athena": read_trail_bucket(own, TRAIL, ()),
    }
    same = [without_sources(each) for each in found.values()]
    assert same[0] == same[1] == same[2]
    assert len(found["athena"].tags) == 2 * 3
    context = Context(now=own.now, since=own.since, until=own.until)
    rows = [report(each, context).rows for each in found.values()]
    assert rows[0] == rows[1] == rows[2]
    assert [each.problem for each in found["athena"].sources] == ["", "", ""]
    assert [each.records for each in found["athena"].sources] == [20, 10, 10]


def test_made_up_history_is_read_back_through_athena(clients: Clients) -> None:
    year = made_up(40, 11)
    events = retried(year)
    write(clients, events)
    end = datetime.fromisoformat(max(each["eventTime"] for each in events)) + timedelta(seconds=1)
    own = account(clients, since=BEGIN, until=end, now=end + timedelta(days=2))
    found = read_trail_bucket(own, TRAIL, ())
    found.logs.extend(year.logs)
    found.coverage.append(LogCoverage(account=ACCOUNT, region=REGION, since=BEGIN, until=end))
    assert differences(year, judged(found, end)) == {}


def test_athena_shows_what_its_queries_cost(clients: Clients) -> None:
    write(clients, history())
    first, *_ = read_trail_bucket(account(clients), TRAIL, ()).sources
    assert first.note.startswith("1 account, 1 query, 0.000 GB scanned, less than 0.01 USD")
    assert queries._cost(3_210_000_000_000) == "3,210.000 GB scanned, about 16.05 USD at 5 USD per TB"


def test_event_that_is_delivered_on_the_next_day_is_read(clients: Clients) -> None:
    events = [{**each, "eventTime": "2026-11-01T23:58:00Z"} for each in history()[3:5]]
    write(clients, events, late=timedelta(minutes=7))
    own = account(clients, since=NOON, until=NOON + timedelta(hours=11, minutes=59))
    assert without_sources(read_trail_bucket(own, TRAIL, ())) == without_sources(expected(events))


def test_role_assumptions_without_the_tag_are_not_fetched(clients: Clients) -> None:
    write(clients, history())
    own = account(clients)
    batch = next(queries._batches(own, {ACCOUNT: (REGION,)}))
    found = queries._AthenaQuery(own, own.reader(REGION), batch).result(Event()).events
    assert [each["eventName"] for each in found].count("AssumeRole") == 1
    assert "DescribeInstances" not in {each["eventName"] for each in found}


def test_athena_reads_all_pages(clients: Clients) -> None:
    made = History()
    for _ in range(1_100):
        made.start(after(3))
    write(clients, made.events)
    assert len(read_trail_bucket(account(clients), TRAIL, ()).starts) == 1_100


def test_events_outside_the_period_are_not_read(clients: Clients) -> None:
    write(clients, history())
    own = account(clients, since=after(3), until=after(4))
    assert without_sources(read_trail_bucket(own, TRAIL, ())) == without_sources(expected(history()[4:7:2]))


def test_accounts_limit_what_is_read(clients: Clients) -> None:
    write(clients, [*history(), *history(OTHER)])
    found = read_trail_bucket(account(clients), TRAIL, [OTHER, "999999999999"])
    assert {each.account for each in found.starts} == {OTHER}
    assert problems(found)["999999999999"] == "the trail has no folder of this account"
    assert problems(found)[OTHER] == ""


def test_many_accounts_and_a_long_period_are_several_queries(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ACCOUNTS_AT_ONCE", 1)
    monkeypatch.setattr(queries, "DAYS_AT_ONCE", 1)
    events = [*history(), *history(OTHER)]
    write(clients, events)
    found = read_trail_bucket(account(clients, since=NOON - timedelta(days=1)), TRAIL, ())
    assert "2 accounts, 4 queries" in found.sources[0].note
    assert without_sources(found) == without_sources(expected(events))


def test_day_without_log_file_is_a_gap(clients: Clients) -> None:
    write(clients, history())
    found = read_trail_bucket(account(clients, since=NOON - timedelta(days=2)), TRAIL, ())
    assert problems(found)[ACCOUNT] == "2 days have no log file, such as 2026-10-30, 2026-10-31"


def test_query_that_reads_nothing_is_a_gap(clients: Clients) -> None:
    write(clients, history())
    clients.client("glue", REGION).update_table(
        DatabaseName=EVIDENCE_DATABASE, TableInput=table(replace_bucket(prefix="AWSLogs/o-another"))
    )
    assert problems(read_trail_bucket(account(clients), TRAIL, ()))[ACCOUNT] == "the query read no log file"


def replace_bucket(**given: str) -> Trail:
    return Trail(bucket=given.get("bucket", TRAIL.bucket), prefix=given.get("prefix", TRAIL.prefix))


def test_wrong_bucket_and_prefix_are_gaps(clients: Clients) -> None:
    (missing,) = read_trail_bucket(account(clients), replace_bucket(bucket="no-such-bucket"), ()).sources
    assert "NoSuchBucket" in missing.problem
    (empty,) = read_trail_bucket(account(clients), replace_bucket(prefix="AWSLogs/o-another"), ()).sources
    assert "there is no folder of an account" in empty.problem


def test_failed_query_is_a_gap_with_its_reason(clients: Clients) -> None:
    write(clients, history())
    clients.client("glue", REGION).delete_table(DatabaseName=EVIDENCE_DATABASE, Name=TRAIL_TABLE)
    problem = problems(read_trail_bucket(account(clients), TRAIL, ()))[ACCOUNT]
    assert "is FAILED: TABLE_NOT_FOUND" in problem


def test_missing_workgroup_is_a_gap(clients: Clients) -> None:
    write(clients, history())
    clients.client("athena", REGION).delete_work_group(WorkGroup=EVIDENCE_WORKGROUP)
    assert "is not found" in problems(read_trail_bucket(account(clients), TRAIL, ()))[ACCOUNT]


def test_cancelled_query_is_a_gap_with_its_reason(clients: Clients) -> None:
    write(clients, history())
    status = {"State": "CANCELLED", "StateChangeReason": "Bytes scanned limit was exceeded"}
    clients.failing["get_query_execution"] = lambda **_given: {"QueryExecution": {"Status": status}}
    found = read_trail_bucket(account(clients), TRAIL, ())
    assert "is CANCELLED: Bytes scanned limit was exceeded" in problems(found)[ACCOUNT]


def test_query_that_does_not_end_is_stopped(clients: Clients) -> None:
    write(clients, history())
    stopped: list[str] = []
    running = {"QueryExecution": {"Status": {"State": "RUNNING"}, "Statistics": {}}}
    clients.failing["get_query_execution"] = lambda **_given: running
    clients.failing["stop_query_execution"] = lambda **given: stopped.append(given["QueryExecutionId"]) or {}
    problem = problems(read_trail_bucket(account(clients), TRAIL, ()))[ACCOUNT]
    assert "is stopped: it took more than 3600 seconds" in problem
    assert len(stopped) == 1


def test_interrupt_stops_the_running_queries(clients: Clients) -> None:
    write(clients, history())
    stopped: list[str] = []
    running = {"QueryExecution": {"Status": {"State": "RUNNING"}, "Statistics": {}}}
    clients.failing["get_query_execution"] = lambda **_given: running
    clients.failing["stop_query_execution"] = lambda **given: stopped.append(given["QueryExecutionId"]) or {}
    waiting = Event()
    own = account(clients, pause=lambda _seconds: waiting.wait(0.01))
    batch = next(queries._batches(own, {ACCOUNT: (REGION,)}))
    stopping = Event()
    stopping.set()
    queries._AthenaQuery(own, own.reader(REGION), batch).result(stopping)
    assert len(stopped) == 1


def test_event_of_another_form_is_a_gap_and_no_traceback() -> None:
    broken = [{**each, "eventTime": "yesterday"} for each in history()[:1]]
    events = [{"eventTime": "2026-11-01T12:00:00Z"}, *broken, *history()[1:2]]
    found, problems = Records(), list[str]()
    counts = queries._add(queries._QueryResult(events=tuple(events)), found, [problems])
    assert (counts.total(), len(found.decisions), problems) == (1, 1, ["2 events have another form"])


@pytest.mark.parametrize("value", ["11112222333", "111122223333' OR '1'='1", "", "\u0661" * 12])
def test_account_of_another_form_reaches_no_query(value: str) -> None:
    with pytest.raises(ValueError, match="expected values such as"):
        queries._literals([value], queries._ACCOUNT)


# CloudTrail Lake


@pytest.fixture
def lake(clients: Clients) -> tuple[Clients, EventDataStore]:
    trail = clients.client("cloudtrail", REGION)
    arn = trail.create_event_data_store(Name="events", OrganizationEnabled=True)["EventDataStoreArn"]
    store = EventDataStore.parse(arn)
    assert store
    assert store.region == REGION
    for name in ("Operator", "Operator2"):
        clients.client("iam", REGION).create_role(
            RoleName=name,
            AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}',
            Tags=[{"Key": "SecurityAllowSessionInstance", "Value": "i-1"}],
        )
    return clients, store


def now(clients: Clients, **given: Any) -> RecordedAccount:
    at = datetime.now(UTC) + timedelta(seconds=1)
    return account(clients, **{"since": at - timedelta(hours=1), "until": at, "now": at, **given})


def test_lake_gives_the_events_of_the_history(lake: tuple[Clients, EventDataStore]) -> None:
    clients, store = lake
    pages = clients.client("cloudtrail", "us-east-1").get_paginator("lookup_events").paginate()
    events = [json.loads(each["CloudTrailEvent"]) for page in pages for each in page["Events"]]
    found = read_event_data_store(now(clients), store, ())
    assert len(found.tags) == 2
    assert without_sources(found) == without_sources(expected(events))
    (source,) = found.sources
    assert (source.name, source.records) == (f"CloudTrail Lake, {store.id}", 2)
    assert source.note.startswith("1 query, 0.000 GB scanned")
    # The store is younger than the period.
    assert source.problem.startswith("the store has events since")


def test_lake_reads_all_pages(lake: tuple[Clients, EventDataStore]) -> None:
    clients, store = lake
    client = clients.client("cloudtrail", REGION)
    whole = client.get_query_results
    clients.failing["get_query_results"] = lambda **given: whole(**{**given, "MaxQueryResults": 1})
    assert len(read_event_data_store(now(clients), store, ()).tags) == 2
    assert read_event_data_store(now(clients), store, [OTHER]).tags == []


def test_lake_with_endless_pages_is_incomplete(lake: tuple[Clients, EventDataStore]) -> None:
    clients, store = lake
    whole = clients.client("cloudtrail", REGION).get_query_results

    def endless(**given: Any) -> dict[str, Any]:
        return {**whole(**{name: value for name, value in given.items() if name != "NextToken"}), "NextToken": "again"}

    clients.failing["get_query_results"] = endless
    found = read_event_data_store(now(clients), store, ())
    assert "a page has the token of an earlier page" in found.sources[0].problem


STORE = {
    "Status": "ENABLED",
    "RetentionPeriod": 366,
    "CreatedTimestamp": NOON - timedelta(days=300),
    "MultiRegionEnabled": True,
    "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}],
}


def selecting(*fields: dict[str, Any]) -> dict[str, Any]:
    category = {"Field": "eventCategory", "Equals": ["Management"]}
    return {"AdvancedEventSelectors": [{"FieldSelectors": [category, *fields]}]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"Status": "STOPPED_INGESTION"}, "the store is STOPPED_INGESTION, so that newer events are missing"),
        (
            {"RetentionPeriod": 1},
            "the store has events since 2026-11-02 12:00 only, and older ones if they were copied",
        ),
        ({"MultiRegionEnabled": False}, "the store has the events of its Region only"),
        ({"AdvancedEventSelectors": []}, "no event selector of the store selects all events that the report reads"),
        (selecting({"Field": "readOnly", "Equals": ["false"]}), ""),
        (selecting({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}), ""),
        (
            selecting({"Field": "eventSource", "NotEquals": ["ssm.amazonaws.com"]}),
            "no event selector of the store selects",
        ),
        (selecting({"Field": "readOnly", "Equals": ["true"]}), "no event selector of the store selects"),
    ],
)
def test_gap_of_a_store_is_found(lake: tuple[Clients, EventDataStore], change: dict[str, Any], problem: str) -> None:
    clients, store = lake
    clients.failing["get_event_data_store"] = lambda **_given: {**STORE, **change}
    own = account(clients)
    (found,) = queries._store_problems(own, own.reader(REGION), store) or [""]
    assert found.startswith(problem)
    assert bool(found) is bool(problem)


def test_failed_and_unknown_stores_are_gaps(lake: tuple[Clients, EventDataStore]) -> None:
    clients, store = lake
    unknown = replace(store, id="00000000-0000-4000-8000-000000000000")
    (source,) = read_event_data_store(now(clients), unknown, ()).sources
    assert "EventDataStoreNotFoundException" in source.problem
    failed = {"QueryStatus": "FAILED", "ErrorMessage": "exceeded the maximum time"}
    clients.failing["describe_query"] = lambda **_given: failed
    (source,) = read_event_data_store(now(clients), store, ()).sources
    assert "is FAILED: exceeded the maximum time" in source.problem


@pytest.mark.parametrize("text", ["", "events", "arn:aws:cloudtrail:eu-west-1:1:eventdatastore/x", "x' OR 1=1 --"])
def test_store_of_another_form_is_none(text: str) -> None:
    assert EventDataStore.parse(text) is None


# The queries of the local AWS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DELETE FROM trail", "NOT_SUPPORTED"),
        ("SELECT a FROM trail; SELECT b FROM trail", "NOT_SUPPORTED"),
        ("SELECT a FROM trail GROUP BY a", "NOT_SUPPORTED: the local AWS does not run group"),
        ("SELECT a FROM trail JOIN b ON true", "NOT_SUPPORTED"),
        ("SELECT FROM WHERE", "SYNTAX_ERROR"),
        ("SELECT a FROM trail WHERE b = ?", "INVALID_PARAMETER_USAGE"),
    ],
)
def test_query_of_another_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        parse(text)


@pytest.mark.parametrize("query", QUERIES, ids=lambda each: each.name)
def test_named_query_selects_columns_of_the_records(query: NamedQuery) -> None:
    parsed = parse(query.sql)
    assert parsed.table == ("", EVIDENCE_TABLE)
    row: dict[str, Any] = {**dict.fromkeys(COLUMNS), **dict.fromkeys(PARTITIONS, ""), "day": "2026-11-02"}
    row["kind"] = (parsed.values_of("kind") or [""])[0]
    for name in ("eventname", "eventsource"):
        row[name] = (parsed.values_of(name) or [None])[0]
    assert len(parsed.rows([row, {**row, "day": "2026-12-01"}])) == 1


def test_function_that_is_not_evaluated_is_refused() -> None:
    query = parse("SELECT a FROM trail WHERE strpos(a, 'x') > 0")
    with pytest.raises(QueryError, match="does not evaluate"):
        query.rows([{"a": "x"}])


def test_injected_partition_needs_a_value(clients: Clients) -> None:
    write(clients, history())
    athena = clients.client("athena", REGION)
    statement = (
        f"SELECT eventname FROM \"{EVIDENCE_DATABASE}\".\"{TRAIL_TABLE}\" WHERE account LIKE '%' AND region = 'x'"
    )
    query = athena.start_query_execution(QueryString=statement, WorkGroup=EVIDENCE_WORKGROUP)["QueryExecutionId"]
    status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("CONSTRAINT_VIOLATION: For the injected projected partition column")


def test_event_of_the_workflow_is_read_with_its_caller(clients: Clients) -> None:
    write(clients, history())
    found = read_trail_bucket(account(clients), TRAIL, ())
    assert {each.caller.arn for each in found.tags} == {WORKFLOW, OLIVIA}
    (start,) = [each for each in found.starts if each.node == "i-2"]
    assert (start.id, start.caller.mfa) == (f"{ACCOUNT}-11", True)
    assert start.caller.issuer == f"arn:aws:iam::{ACCOUNT}:role/Operator"
