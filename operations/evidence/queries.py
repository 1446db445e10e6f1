"""Events of an organization by queries: Athena over the bucket of its trail, and CloudTrail Lake.

Sources: Athena User Guide, "Create the table for CloudTrail logs in Athena using partition projection", "Use dynamic ID
partitioning"; Athena API reference, StartQueryExecution, GetQueryExecution, GetQueryResults; CloudTrail User Guide,
"Finding your CloudTrail log files", "Supported SQL schemas for event data stores"; CloudTrail API reference, StartQuery,
DescribeQuery, GetQueryResults.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from components.approval.names import EVIDENCE_DATABASE, EVIDENCE_WORKGROUP, TAG_KEY, TRAIL_TABLE
from operations.evidence.cloudtrail import add_event, all_events
from operations.evidence.records import UNREADABLE, Records, RecordSource
from operations.findings import counted
from operations.inventory.reader import Reader, ReadError, ReadFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.approval.settings import Trail
    from operations.evidence.live import RecordedAccount

ACCOUNTS_AT_ONCE: Final = 20
"""Accounts of one query: it looks at accounts x Regions x days folders."""
DAYS_AT_ONCE: Final = 31
QUERIES_AT_ONCE: Final = 4
POLL_SECONDS: Final = 2
QUERY_SECONDS: Final = 3600
"""A query of Athena ends after 30 minutes by default, and one of CloudTrail Lake after an hour (both: Service quotas)."""
DOLLARS_PER_TERABYTE: Final = 5
"""In most Regions, for Athena and for CloudTrail Lake (pricing pages of both)."""
_DELIVERED: Final = timedelta(hours=1)
"""An event that is written this late is in the folder of the next day; a new day has a folder by then."""
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_STORE: Final = re.compile(
    r"(?:arn:aws[a-z-]*:cloudtrail:(?P<region>[a-z0-9-]+):[0-9]{12}:eventdatastore/)?"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_MAX_NAMED: Final = 3
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "FINISHED", "TIMED_OUT"})

COLUMNS: Final = {
    "eventTime": "eventtime",
    "eventSource": "eventsource",
    "eventName": "eventname",
    "awsRegion": "awsregion",
    "recipientAccountId": "recipientaccountid",
    "sourceIPAddress": "sourceipaddress",
    "errorCode": "errorcode",
    "eventID": "eventid",
    "userIdentity.arn": "useridentity.arn",
    "userIdentity.accountId": "useridentity.accountid",
    "userIdentity.principalId": "useridentity.principalid",
    "userIdentity.invokedBy": "useridentity.invokedby",
    "userIdentity.sessionContext.sourceIdentity": "useridentity.sessioncontext.sourceidentity",
    "userIdentity.sessionContext.sessionIssuer.arn": "useridentity.sessioncontext.sessionissuer.arn",
    "userIdentity.sessionContext.attributes.mfaAuthenticated": (
        "useridentity.sessioncontext.attributes.mfaauthenticated"
    ),
    "requestParameters": "requestparameters",
    "responseElements": "responseelements",
}
"""A field of an event that the report reads: its name in an event, and in the table."""
_DOCUMENTS: Final = ("requestParameters", "responseElements")
"""Columns with JSON texts."""


@dataclass(frozen=True, kw_only=True)
class EventDataStore:
    """An event data store of CloudTrail Lake.

    Attributes:
        region: Region of the store; empty if its name does not say.
    """

    id: str
    region: str = ""

    @classmethod
    def parse(cls, text: str) -> EventDataStore | None:
        """Return the store of an ARN or ID; None if the text is neither."""
        found = _STORE.fullmatch(text)
        return cls(id=found["id"], region=found["region"] or "") if found else None


@dataclass(frozen=True, kw_only=True)
class _QueryResult:
    """Result of a query.

    Attributes:
        scanned: Number of bytes that were scanned.
        problem: Reason why the result is not complete; empty if it is.
    """

    events: tuple[dict[str, Any], ...] = ()
    scanned: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """Objects that one query of Athena reads.

    Attributes:
        since: Begin of the period.
        until: End of the period.
    """

    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    since: datetime
    until: datetime


def read_trail_bucket(account: RecordedAccount, trail: Trail, accounts: Sequence[str]) -> Records:
    """Read the events of an organization from the bucket of its trail, with Athena; no accounts: of all with a folder.

    The table and the workgroup are in the Region of the workflow.
    """
    reader = account.reader(account.workflow_region)
    name = f"Athena, s3://{trail.bucket}/{trail.prefix}"
    folders = _Folders(reader, trail)
    try:
        chosen = list(accounts) or folders.accounts()
    except ReadError as failed:
        return Records(sources=[_source(account, name, 0, [failed.failure.explanation])])
    found, counts, problems = Records(), Counter[str](), defaultdict[str, list[str]](list)
    regions = {each: _regions_of(account, folders, each, problems[each]) for each in chosen}
    batches = list(_batches(account, regions))
    scanned = 0
    queries = [_AthenaQuery(account, reader, each) for each in batches]
    for number, (batch, result) in enumerate(zip(batches, _results(queries), strict=True), 1):
        account.progress(f"{name}: {number} of {len(batches)} queries")
        scanned += result.scanned
        counts += _add(result, found, [problems[each] for each in batch.accounts])
    empty = [] if chosen else ["there is no folder of an account; check the bucket and the prefix of the trail"]
    note = f"{counted(len(chosen), 'account')}, {_queries(len(batches))}, {_cost(scanned)}"
    found.sources.append(_source(account, name, counts.total(), empty, note))
    for each in chosen:
        found.sources.append(_source(account, f"Trail, account {each}", counts[each], problems[each]))
    return found


def read_event_data_store(account: RecordedAccount, store: EventDataStore, accounts: Sequence[str]) -> Records:
    """Read the events of an existing event data store of CloudTrail Lake; without accounts, of all."""
    reader = account.reader(store.region or account.workflow_region)
    name = f"CloudTrail Lake, {store.id}"
    problems = _store_problems(account, reader, store)
    found, scanned, counts = Records(), 0, Counter[str]()
    periods = _periods(account.since, account.until)
    queries = [_LakeQuery(account, reader, _lake_statement(store, accounts, *each)) for each in periods]
    for number, result in enumerate(_results(queries), 1):
        account.progress(f"{name}: {number} of {len(queries)} queries")
        scanned += result.scanned
        counts += _add(result, found, [problems])
    note = f"{_queries(len(queries))}, {_cost(scanned)}"
    found.sources.append(_source(account, name, counts.total(), problems, note))
    return found


def _add(result: _QueryResult, found: Records, problems: Iterable[list[str]]) -> Counter[str]:
    """Add the events of a result to the records, and its problem to the problems of what it is about.

    Returns:
        Number of events of interest by account.
    """
    counts, unreadable = Counter[str](), 0
    for event in result.events:
        try:
            counts[str(event["recipientAccountId"])] += add_event(event, found)
        except UNREADABLE:
            unreadable += 1
    reasons = [result.problem, f"{unreadable} events have another form" if unreadable else ""]
    for each in problems:
        each += [reason for reason in reasons if reason and reason not in each]
    return counts


def _source(account: RecordedAccount, name: str, records: int, problems: Iterable[str], note: str = "") -> RecordSource:
    return RecordSource(
        name=name,
        region="",
        since=account.since,
        until=account.until,
        records=records,
        problem="; ".join(problems),
        note=note,
    )


def _queries(number: int) -> str:
    return f"{number} {'query' if number == 1 else 'queries'}"


def _cost(scanned: int) -> str:
    dollars = scanned / 1e12 * DOLLARS_PER_TERABYTE
    price = f"about {dollars:,.2f} USD" if dollars >= 0.01 else "less than 0.01 USD"  # noqa: PLR2004 -- one cent
    return f"{scanned / 1e9:,.3f} GB scanned, {price} at {DOLLARS_PER_TERABYTE} USD per TB"


def _periods(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a period with their last seconds, as a query is limited in time."""
    while since < until:
        end = since + timedelta(days=DAYS_AT_ONCE)
        yield since, end - timedelta(seconds=1) if end < until else until
        since = end


# The folders of a trail.


class _Folders:
    """Folders of a trail: `<prefix>/<account>/CloudTrail/<Region>/<year>/<month>/<day>/`."""

    def __init__(self, reader: Reader, trail: Trail) -> None:
        self._reader, self._trail = reader, trail

    def accounts(self) -> list[str]:
        """Return the IDs of the accounts that have a folder."""
        return self._names("", _ACCOUNT)

    def regions(self, account: str) -> list[str]:
        """Return the Regions in which an account has events."""
        return self._names(f"{account}/CloudTrail/", _REGION)

    def days(self, account: str, region: str, since: date, until: date) -> set[date]:
        """Return the days with log files of a period, whose last day is included."""
        found: set[date] = set()
        month = since.replace(day=1)
        while month <= until:
            names = self._names(f"{account}/CloudTrail/{region}/{month:%Y/%m}/", re.compile(r"[0-9]{2}"))
            found |= {month.replace(day=int(each)) for each in names}
            month = (month + timedelta(days=32)).replace(day=1)
        return found

    def _names(self, folder: str, form: re.Pattern[str]) -> list[str]:
        prefix = f"{self._trail.prefix}/{folder}"
        listed = self._reader.get("s3", "list_objects_v2", Bucket=self._trail.bucket, Prefix=prefix, Delimiter="/")
        names = [each["Prefix"].removeprefix(prefix).rstrip("/") for each in listed.get("CommonPrefixes", ())]
        return [each for each in names if form.fullmatch(each)]


def _regions_of(account: RecordedAccount, folders: _Folders, owner: str, problems: list[str]) -> tuple[str, ...]:
    """Return the Regions of an account of the organization, and add what its folders do not have to the problems."""
    account.progress(f"Folders of account {owner}")
    first = account.since.date()
    last = (min(account.until, account.now - _DELIVERED) - timedelta(seconds=1)).date()
    missing = {first + timedelta(days=each) for each in range((last - first).days + 1)}
    try:
        regions = folders.regions(owner)
        # Those first that have events every day, so that few folders are listed.
        likely = [*account.regions, account.iam_region]
        for region in sorted(regions, key=lambda each: (each not in likely, each)):
            missing -= folders.days(owner, region, first, last) if missing else set()
    except ReadError as failed:
        problems.append(failed.failure.explanation)
        return ()
    if not regions:
        problems.append("the trail has no folder of this account")
    elif missing:
        shown = ", ".join(str(each) for each in sorted(missing)[:_MAX_NAMED])
        problems.append(f"{len(missing)} days have no log file, such as {shown}")
    return tuple(regions)


def _batches(account: RecordedAccount, regions: dict[str, tuple[str, ...]]) -> Iterator[_Batch]:
    """Yield what to query: accounts with the same Regions together."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for owner, found in sorted(regions.items()):
        if found:
            alike[found].append(owner)
    for found, owners in alike.items():
        for at in range(0, len(owners), ACCOUNTS_AT_ONCE):
            group = tuple(owners[at : at + ACCOUNTS_AT_ONCE])
            for since, until in _periods(account.since, account.until):
                yield _Batch(accounts=group, regions=found, since=since, until=until)


# Queries.


class _TrailQuery(ABC):
    """A query that runs in a service, which is polled."""

    def __init__(self, account: RecordedAccount, reader: Reader) -> None:
        self.account, self.reader = account, reader

    def result(self, stopping: Event) -> _QueryResult:
        """Run the query, and return its result, or why there is none."""
        scanned = 0
        try:
            query = self.start()
            state, reason, scanned = self._ended(query, stopping)
            if state not in ("SUCCEEDED", "FINISHED"):
                return _QueryResult(
                    scanned=scanned, problem=f"the query {query} is {state}: {reason or 'no reason given'}"
                )
            return _QueryResult(events=tuple(self.events(query)), scanned=scanned, problem=self.doubt(scanned))
        except ReadError as failed:
            return _QueryResult(scanned=scanned, problem=failed.failure.explanation)
        except UNREADABLE as wrong:
            return _QueryResult(scanned=scanned, problem=f"the answers about the query have another form: {wrong!r}")

    def _ended(self, query: str, stopping: Event) -> tuple[str, str, int]:
        """Return how a query has ended; one that takes too long, or is not needed, is stopped."""
        waited = 0
        while True:
            state, reason, scanned = self.state(query)
            if state in _ENDED:
                return state, reason, scanned
            if stopping.is_set() or waited >= QUERY_SECONDS:
                self.stop(query)
                return "stopped", f"it took more than {waited} seconds", scanned
            self.account.pause(POLL_SECONDS)
            waited += POLL_SECONDS

    @abstractmethod
    def start(self) -> str:
        """Start the query and return its ID."""

    @abstractmethod
    def state(self, query: str) -> tuple[str, str, int]:
        """Return the state, the reason for it, and the number of bytes scanned so far."""

    @abstractmethod
    def stop(self, query: str) -> None:
        """Stop the query."""

    @abstractmethod
    def events(self, query: str) -> Iterator[dict[str, Any]]:
        """Yield the events of a query that has succeeded."""

    def doubt(self, scanned: int) -> str:
        """Return why a query that has succeeded is not complete; empty if it is."""
        del scanned
        return ""


def _results(queries: Sequence[_TrailQuery]) -> Iterator[_QueryResult]:
    """Yield the results in the order of the queries, some of which run at once; an interrupt stops them."""
    stopping = Event()
    with ThreadPoolExecutor(QUERIES_AT_ONCE) as pool:
        running = [pool.submit(each.result, stopping) for each in queries]
        try:
            for each in running:
                yield each.result()
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _events_condition(text: str) -> str:
    """Return the condition that selects what the report reads; of role assumptions, those that may set the tag."""
    pairs = [f"(eventsource = '{source}' AND eventname = '{name}')" for source, name in all_events()]
    tag = f"lower({text}) LIKE '%{TAG_KEY.lower()}%'"
    return f"({' OR '.join(pairs)}) AND (eventname <> 'AssumeRole' OR {tag})"


def _literals(values: Iterable[str], form: re.Pattern[str]) -> str:
    """Return a list of literals, of values whose form has no quotes.

    Raises:
        ValueError: A value has another form.
    """
    given = list(values)
    if not all(map(form.fullmatch, given)):
        raise ValueError(f"expected values such as {form.pattern}, got {given}")
    return ", ".join(f"'{each}'" for each in given)


class _AthenaQuery(_TrailQuery):
    """A query of Athena over the table of the trail."""

    def __init__(self, account: RecordedAccount, reader: Reader, batch: _Batch) -> None:
        super().__init__(account, reader)
        self._batch = batch

    def start(self) -> str:
        # Accounts and Regions are literals, as Athena computes the partitions from them. A folder is named by the day
        # of the delivery, which may be the next one.
        batch = self._batch
        statement = (
            f"SELECT {', '.join(COLUMNS.values())}\n"
            f'FROM "{EVIDENCE_DATABASE}"."{TRAIL_TABLE}"\n'
            f"WHERE account IN ({_literals(batch.accounts, _ACCOUNT)}) AND region IN ({_literals(batch.regions, _REGION)})\n"
            # Events have whole seconds, so the last second of the period counts.
            "  AND day BETWEEN ? AND ? AND eventtime BETWEEN ? AND ?\n"
            f"  AND {_events_condition('requestparameters')}"
        )
        days = [f"{each:%Y/%m/%d}" for each in (batch.since, batch.until + timedelta(days=1))]
        times = [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (batch.since, batch.until)]
        started = self.reader.get(
            "athena",
            "start_query_execution",
            QueryString=statement,
            # A parameter is a literal of SQL.
            ExecutionParameters=[f"'{each}'" for each in (*days, *times)],
            WorkGroup=EVIDENCE_WORKGROUP,
        )
        return str(started["QueryExecutionId"])

    def state(self, query: str) -> tuple[str, str, int]:
        found = self.reader.get("athena", "get_query_execution", QueryExecutionId=query)["QueryExecution"]
        status, scanned = found["Status"], found.get("Statistics", {}).get("DataScannedInBytes", 0)
        return status["State"], status.get("StateChangeReason", ""), int(scanned)

    def stop(self, query: str) -> None:
        self.reader.get("athena", "stop_query_execution", QueryExecutionId=query)

    def events(self, query: str) -> Iterator[dict[str, Any]]:
        rows = self.reader.get("athena", "get_query_results", QueryExecutionId=query)["ResultSet"]["Rows"]
        # The first row has the names of the columns.
        for row in rows[1:]:
            yield _event([cell.get("VarCharValue") for cell in row["Data"]])

    def doubt(self, scanned: int) -> str:
        return "" if scanned else "the query read no log file"


def _event(cells: list[str | None]) -> dict[str, Any]:
    """Return an event as CloudTrail writes it, of the columns of a row."""
    event: dict[str, Any] = {}
    for path, cell in zip(COLUMNS, cells, strict=True):
        if cell is not None:
            *outer, last = path.split(".")
            place = event
            for each in outer:
                place = place.setdefault(each, {})
            place[last] = json.loads(cell) if path in _DOCUMENTS else cell
    return event


class _LakeQuery(_TrailQuery):
    """A query of CloudTrail Lake."""

    def __init__(self, account: RecordedAccount, reader: Reader, statement: str) -> None:
        super().__init__(account, reader)
        self._statement = statement

    def start(self) -> str:
        return str(self.reader.get("cloudtrail", "start_query", QueryStatement=self._statement)["QueryId"])

    def state(self, query: str) -> tuple[str, str, int]:
        found = self.reader.get("cloudtrail", "describe_query", QueryId=query)
        scanned = found.get("QueryStatistics", {}).get("BytesScanned", 0)
        return found["QueryStatus"], found.get("ErrorMessage", ""), int(scanned)

    def stop(self, query: str) -> None:
        self.reader.get("cloudtrail", "cancel_query", QueryId=query)

    def events(self, query: str) -> Iterator[dict[str, Any]]:
        for page in self.reader.pages("cloudtrail", "get_query_results", QueryId=query, MaxQueryResults=1000):
            for row in page.get("QueryResultRows", ()):
                # A row is a list of objects with one column each.
                yield from (json.loads(text) for column in row for text in column.values())


def _lake_statement(store: EventDataStore, accounts: Sequence[str], since: datetime, until: datetime) -> str:
    """Return the query of a period; StartQuery has no parameters, so every value has a form without quotes."""
    times = [f"{each.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for each in (since, until)]
    conditions = [f"eventtime >= '{times[0]}'", f"eventtime <= '{times[1]}'", _events_condition("eventjson")]
    if accounts:
        conditions.append(f"recipientaccountid IN ({_literals(accounts, _ACCOUNT)})")
    return " ".join(["SELECT eventjson FROM", store.id, "WHERE", " AND ".join(conditions)])


def _store_problems(account: RecordedAccount, reader: Reader, store: EventDataStore) -> list[str]:
    """Return what a store does not have of the period, as its description says."""
    described = reader.read("cloudtrail", "get_event_data_store", EventDataStore=store.id)
    if isinstance(described, ReadFailure) or described is None:
        return [described.explanation if described else "there is no such event data store"]
    problems: list[str] = []
    if described.get("Status") != "ENABLED":
        problems.append(f"the store is {described.get('Status')}, so that newer events are missing")
    kept = account.now - timedelta(days=int(described.get("RetentionPeriod", 0)))
    begin = max(kept, described["CreatedTimestamp"].astimezone(UTC))
    if begin > account.since:
        problems.append(f"the store has events since {begin:%Y-%m-%d %H:%M} only, and older ones if they were copied")
    if not described.get("MultiRegionEnabled"):
        problems.append("the store has the events of its Region only")
    if not any(map(_selects_events, described.get("AdvancedEventSelectors", ()))):
        problems.append("no event selector of the store selects all events that the report reads")
    return problems


def _selects_events(selector: dict[str, Any]) -> bool:
    """Return whether an advanced event selector selects all events that are read, which are management events."""
    fields = {each["Field"]: each for each in selector.get("FieldSelectors", ())}
    is_management = fields.pop("eventCategory", {}).get("Equals") == ["Management"]
    has_writes = fields.pop("readOnly", {"Equals": ["false"]}).get("Equals") == ["false"]
    source = fields.pop("eventSource", {})
    excluded = set(source.get("NotEquals", ())) & {service for service, _ in all_events()}
    return is_management and has_writes and not excluded and "Equals" not in source and not fields
