"""Records that the export has written into its bucket, as `aws s3 sync` copies them into a folder."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from components.approval.names import CHANGE_TEMPLATE_NAME
from operations.errors import UnusableError
from operations.evidence.cloudtrail import add_event, document_name
from operations.evidence.records import Records, Source
from operations.evidence.systems_manager import add_execution, add_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NAME: Final = "records.json.gz"
_DAYS: Final = "days"
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

    Args:
        folder: Folder with `records/kind=.../account=.../region=.../day=.../records.json.gz`.
        since: Begin of the period.
        until: End of the period.
        progress: Receives a line about the progress now and then.
        needed: End of the period whose days must be exported; None: `until`.

    Raises:
        UnusableError: There is no file.
    """
    files = sorted(folder.rglob(_NAME))
    if not files:
        raise UnusableError(f"--exported {folder}: expected files {_NAME} of the export, got none.")
    found, unreadable = Records(), list[str]()
    complete: dict[_Place, set[date]] = defaultdict(set)
    counts: dict[_Place, int] = defaultdict(int)
    for number, file in enumerate(files):
        if number % 500 == 0:
            progress(f"{number} of {len(files)} exported files")
        try:
            kind, place, day = _partition(file)
            complete[place] |= set[date]()
            if not since.date() <= day <= until.date():
                continue
            records = list(_lines(file))
            for each in records if kind != _DAYS else ():
                _add(kind, each, place, found)
            counts[place] += len(records) if kind != _DAYS else 0
            if kind == _DAYS:
                complete[place] |= {day} if records else set[date]()
                # A Region whose folder is missing altogether counts too.
                for region in (region for each in records for region in each["regions"]):
                    complete[place[0], region] |= set[date]()
        except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, zlib.error):
            unreadable.append(str(file.relative_to(folder)))
    for place, days in sorted(complete.items()):
        missing = [str(each) for each in _days(since, needed or until) if each not in days]
        found.sources.append(_source(place, missing, counts[place], (since, until), unreadable))
    return found


def _source(
    place: _Place, missing: list[str], count: int, period: tuple[datetime, datetime], unreadable: list[str]
) -> Source:
    account, region = place
    problems = [f"{len(missing)} days are not exported, such as {', '.join(missing[:_MAX_NAMED])}"] if missing else []
    problems += [f"{len(unreadable)} files cannot be read, such as {unreadable[0]}"] if unreadable else []
    return Source(
        name=f"Exported records of {account}",
        region=region,
        since=period[0],
        until=period[1],
        records=count,
        problem="; ".join(problems),
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


def _add(kind: str, record: dict[str, Any], place: _Place, found: Records) -> None:
    account, region = place
    if kind == "events":
        add_event(record, found)
    elif kind == "sessions":
        add_session(_with_times(record), account, region, found)
    elif kind == "executions":
        is_change = document_name(str(record.get("DocumentName", ""))) == CHANGE_TEMPLATE_NAME
        add_execution(_with_times(record), account, "change-manager" if is_change else "automation", found)
    else:
        raise ValueError(kind)


def _with_times(value: Any, key: str = "") -> Any:
    """Return a record with the times that JSON has as text, as boto3 returns them."""
    if isinstance(value, dict):
        return {name: _with_times(each, name) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_times(each, key) for each in cast("list[Any]", value)]
    return datetime.fromisoformat(value) if isinstance(value, str) and key.endswith(("Time", "Date")) else value
