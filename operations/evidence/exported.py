"""Records that the export has written into its bucket, as `aws s3 sync` copies them into a folder."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from components.approval.names import CHANGE_TEMPLATE_NAME
from operations.approval.access_requests import execution_of, parse_access_request
from operations.errors import UnusableError
from operations.evidence.cloudtrail import add_event, document_name
from operations.evidence.records import UNREADABLE, Log, LogCoverage, Records, RecordSource
from operations.evidence.systems_manager import (
    ACCESS_REQUEST_LASTS,
    add_access_request,
    add_execution,
    add_session,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from operations.approval.requests import ApprovalRequest

_NAME: Final = "records.json.gz"
_DAYS: Final = "days"
_REQUESTS: Final = "requests"
_MAX_NAMED: Final = 3

_Place = tuple[str, str]
"""Account and Region."""


def read_exported(
    folder: Path,
    since: datetime,
    until: datetime,
    progress: Callable[[str], None],
    *,
    needed: datetime | None = None,
) -> Records:
    """Read the exported records of a period; a day that is not exported completely makes the source incomplete.

    The folder has `records/kind=.../account=.../region=.../day=.../records.json.gz`. Days are needed to `until`, or `needed`.

    Raises:
        UnusableError: There is no file.
    """
    files = sorted(folder.rglob(_NAME))
    if not files:
        raise UnusableError(f"--exported {folder}: expected files {_NAME} of the export, got none.")
    found, unreadable = Records(), list[str]()
    requests = _AccessRequests()
    places: dict[_Place, _Exported] = defaultdict(_Exported)
    for number, file in enumerate(files):
        if number % 500 == 0:
            progress(f"{number} of {len(files)} exported files")
        try:
            kind, place, day = _partition(file)
            exported = places[place]
            if not _is_needed(kind, day, since, until):
                continue
            for each in _lines(file):
                if kind == _DAYS:
                    exported.complete(day, each, place, found)
                    # A Region whose folder is missing altogether counts too.
                    for region in each["regions"]:
                        places.setdefault((place[0], region), _Exported())
                else:
                    exported.records += 1
                    _add(kind, each, place, found, requests)
        except (*UNREADABLE, OSError, EOFError, zlib.error):
            unreadable.append(str(file.relative_to(folder)))
    requests.add_to(found)
    for place, exported in sorted(places.items(), key=lambda each: each[0]):
        missing = [str(each) for each in _days(since, needed or until) if each not in exported.days]
        problems = (
            [f"{len(missing)} days are not exported, such as {', '.join(missing[:_MAX_NAMED])}"] if missing else []
        )
        problems += [f"{len(unreadable)} files cannot be read, such as {unreadable[0]}"] if unreadable else []
        found.sources.append(exported.source(place, since, until, problems))
    return found


def _is_needed(kind: str, day: date, since: datetime, until: datetime) -> bool:
    """Return whether records of a day may be of a period: access requests are exported with each of their changes."""
    if kind == _REQUESTS:
        return day >= (since - ACCESS_REQUEST_LASTS).date()
    return since.date() <= day <= until.date()


@dataclass
class _AccessRequests:
    """Access requests, of which the latest record counts.

    Attributes:
        latest: Requests by ID, with their account, the ID of their execution, and the times of the change and the export.
    """

    latest: dict[str, tuple[tuple[datetime, datetime], ApprovalRequest, str, str]] = field(
        default_factory=dict[str, "tuple[tuple[datetime, datetime], ApprovalRequest, str, str]"]
    )

    def add(self, exported: dict[str, Any], place: _Place) -> None:
        """Add a record, unless a later one of the same request is known."""
        account, region = place
        record = _with_times(exported)
        times = (record.get("LastModifiedTime") or record["CreatedTime"], record["ReadTime"])
        execution, policy = record.get("Execution"), record.get("Policy")
        request = parse_access_request(record, execution, policy, region=region, now=record["ReadTime"])
        known = self.latest.get(request.id)
        if known is None or known[0] < times:
            self.latest[request.id] = (times, request, execution_of(record), account)

    def add_to(self, found: Records) -> None:
        """Add the requests and their decisions to the records."""
        for _, request, execution, account in self.latest.values():
            add_access_request(request, execution, account, found)


@dataclass
class _Exported:
    """Records that were exported of an account in a Region.

    Attributes:
        days: Days that are complete.
        denied: Reasons why the locations of logs could not be read, by day.
        older: Days that were exported by a release that did not export the locations of logs.
    """

    days: set[date] = field(default_factory=set[date])
    records: int = 0
    denied: dict[date, str] = field(default_factory=dict[date, str])
    older: list[date] = field(default_factory=list[date])

    def complete(self, day: date, statement: dict[str, Any], place: _Place, found: Records) -> None:
        """Add the statement that a day is complete, and the coverage of its logs to the records."""
        self.days.add(day)
        state = statement.get("logs")
        if state is None:
            self.older.append(day)
        elif state == "read":
            begin, end = (datetime.fromisoformat(statement[each]) for each in ("since", "until"))
            still_open = tuple(statement.get("openSessions", ()))
            found.coverage.append(
                LogCoverage(account=place[0], region=place[1], since=begin, until=end, open_sessions=still_open)
            )
        elif state != "not configured":
            self.denied[day] = state

    def source(self, place: _Place, since: datetime, until: datetime, problems: list[str]) -> RecordSource:
        """Return what was read, with the problems of the files and of the locations of logs."""
        denied = [
            f"the locations of logs of {len(self.denied)} days are not exported, such as {day}: {reason}"
            for day, reason in list(self.denied.items())[:1]
        ]
        return RecordSource(
            name=f"Exported records of {place[0]}",
            region=place[1],
            since=since,
            until=until,
            records=self.records,
            problem="; ".join([*problems, *denied]),
            note=f"without locations of logs: {len(self.older)} days, such as {self.older[0]}" if self.older else "",
        )


def _days(since: datetime, until: datetime) -> Iterator[date]:
    """Yield the days of a period; none where it is empty."""
    day = since.date()
    while datetime(day.year, day.month, day.day, tzinfo=UTC) < until:
        yield day
        day += timedelta(1)


def _partition(file: Path) -> tuple[str, _Place, date]:
    """Return the kind of a file's records, its account and Region, and its day, from the names of its folders."""
    parts = dict(each.split("=", 1) for each in file.parts if "=" in each)
    return parts["kind"], (parts["account"], parts["region"]), date.fromisoformat(parts["day"])


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _add(kind: str, record: dict[str, Any], place: _Place, found: Records, requests: _AccessRequests) -> None:
    account, region = place
    if kind == "events":
        add_event(record, found)
    elif kind == "sessions":
        add_session(_with_times(record), account, region, found)
    elif kind == "executions":
        is_change = document_name(str(record.get("DocumentName", ""))) == CHANGE_TEMPLATE_NAME
        add_execution(_with_times(record), account, "change-manager" if is_change else "automation", found)
    elif kind == _REQUESTS:
        requests.add(record, place)
    elif kind == "logs":
        found.logs.append(_log(record))
    else:
        raise ValueError(kind)


def _log(record: dict[str, Any]) -> Log:
    written, version = record.get("written"), record.get("versionId") or ""
    stream = record.get("logStream")
    return Log(
        session=record["sessionId"],
        location=f"{record['logGroup']}:{stream}" if stream else f"s3://{record['bucket']}/{record['key']}",
        size=record["size"],
        version="" if version == "null" else version,
        written=datetime.fromisoformat(written) if written else None,
        is_deleted=bool(record.get("isDeleted")),
    )


def _with_times(value: Any, key: str = "") -> Any:
    """Return a record with the times that JSON has as text, as boto3 returns them."""
    if isinstance(value, dict):
        return {name: _with_times(each, name) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_times(each, key) for each in cast("list[Any]", value)]
    return datetime.fromisoformat(value) if isinstance(value, str) and key.endswith(("Time", "Date")) else value
