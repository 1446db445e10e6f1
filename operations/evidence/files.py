"""Records in files: log files of CloudTrail, and records that an earlier run has saved."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast, get_origin, get_type_hints

from operations.errors import UnusableError
from operations.evidence import records as kinds
from operations.evidence.cloudtrail import add_event, all_event_names
from operations.evidence.records import UNREADABLE, Caller, Records, RecordSource
from operations.file_replacement import replaced_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_LISTS: Final = {
    "starts": kinds.SessionStart,
    "ends": kinds.SessionEnd,
    "requests": kinds.Request,
    "decisions": kinds.RecordedDecision,
    "tags": kinds.TagChange,
    "logs": kinds.Log,
    "coverage": kinds.LogCoverage,
    "sources": kinds.RecordSource,
}
_FORMAT: Final = {"format": "shell-access evidence", "version": 1}


def read_trail(folder: Path, since: datetime, until: datetime, progress: Callable[[str], None]) -> Records:
    """Read the log files of CloudTrail below a folder, as `aws s3 sync` copies them from a trail's bucket.

    A file that cannot be read makes the source incomplete.

    Raises:
        UnusableError: There is no log file.
    """
    files = sorted(each for each in folder.rglob("*") if each.name.endswith((".json", ".json.gz")))
    if not files:
        raise UnusableError(f"--trail {folder}: expected log files of CloudTrail (*.json.gz), got none.")
    names = tuple(f'"{name}"'.encode() for name in all_event_names())
    found, unreadable, count = Records(), list[str](), 0
    for number, file in enumerate(files):
        if number % 500 == 0:
            progress(f"{number} of {len(files)} log files of CloudTrail")
        try:
            content = file.read_bytes()
            text = gzip.decompress(content) if file.suffix == ".gz" else content
            # Most files have no event of interest, and searching a text is faster than decoding it.
            if any(name in text for name in names):
                events = cast("list[dict[str, Any]]", json.loads(text)["Records"])
                count += sum(add_event(each, found) for each in events)
        except (*UNREADABLE, OSError, EOFError, zlib.error):
            unreadable.append(file.name)
    problem = f"{len(unreadable)} files cannot be read, such as {unreadable[0]}" if unreadable else ""
    found.sources.append(
        RecordSource(
            name=f"CloudTrail log files ({len(files)})",
            region="",
            since=since,
            until=until,
            records=count,
            problem=problem,
        )
    )
    return found


def save(records: Records, file: Path) -> None:
    """Write records, one JSON object per line.

    Raises:
        UnusableError: The file cannot be written.
    """
    try:
        with replaced_file(file) as lines:
            lines.write(json.dumps(_FORMAT) + "\n")
            for line in _lines(records):
                lines.write(line + "\n")
    except OSError as error:
        raise UnusableError(f"--save {file}: expected a file that can be written: {error.strerror}.") from None


def load(file: Path) -> Records:
    """Read records that `save` has written.

    Raises:
        UnusableError: The file cannot be read, or is not of this format.
    """
    found = Records()
    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            _check_format(json.loads(next(lines, "null")))
            for number, line in enumerate(lines, start=2):  # noqa: B007 -- for the message
                _add_line(json.loads(line), found)
    except OSError as error:
        raise UnusableError(f"--load {file}: expected saved records: {error.strerror}.") from None
    except UNREADABLE as error:
        raise UnusableError(
            f"--load {file}: expected saved records, got another line {number or 1}: {error}."
        ) from None
    return found


def _check_format(line: object) -> None:
    if line != _FORMAT:
        raise ValueError(f"it does not begin with {json.dumps(_FORMAT)}")


def _lines(records: Records) -> Iterator[str]:
    for name, values in vars(records).items():
        for each in cast("Iterable[Any]", values):
            yield json.dumps({"list": name, **asdict(each)}, default=_plain, ensure_ascii=True)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


def _add_line(line: dict[str, Any], found: Records) -> None:
    name = line.pop("list")
    kind = _LISTS[name]
    values = {key: _VALUES[kind][key](value) for key, value in line.items()}
    getattr(found, name).append(kind(**values))


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return the function that reads a value of a type from JSON."""
    if hint is Caller:
        return lambda value: Caller(**value)
    if "datetime" in str(hint):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if get_origin(hint) is tuple:
        return tuple
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return lambda value: value


_VALUES: Final = {
    kind: {name: _reader(hint) for name, hint in get_type_hints(kind).items()} for kind in _LISTS.values()
}
