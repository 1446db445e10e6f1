import gzip
import json
from pathlib import Path

import pytest

from operations.errors import UnusableError
from operations.evidence.cloudtrail import add_event
from operations.evidence.files import load, read_trail, save
from operations.evidence.records import Log, RecordedDecision, Records, RecordSource, SessionEnd
from tests.support.evidence_history import NOON, History, after


def history() -> History:
    made = History()
    made.grant()
    made.start(after(3))
    made.refuse(after(4))
    return made


def trail(folder: Path, events: list[dict[str, object]]) -> Path:
    file = folder / "AWSLogs" / "111122223333" / "CloudTrail" / "eu-west-1" / "2026" / "11" / "01" / "x.json.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(json.dumps({"Records": events}).encode()))
    return file


def read(folder: Path) -> Records:
    return read_trail(folder, NOON, after(100), lambda _line: None)


def test_log_files_give_what_events_give(tmp_path: Path) -> None:
    made, expected = history(), Records()
    for event in made.events:
        add_event(event, expected)
    trail(tmp_path, [*made.events, {"eventSource": "s3.amazonaws.com", "eventName": "GetObject"}])
    found = read(tmp_path)
    assert found.sources == [
        RecordSource(
            name="CloudTrail log files (1)",
            region="",
            since=NOON,
            until=after(100),
            records=len(made.events),
            problem="",
        )
    ]
    found.sources.clear()
    assert found == expected


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b", b'{"Records": [{"eventSource":"ssm.amazonaws.com","eventName":"StartSession"}]}']
)
def test_unreadable_log_file_makes_the_source_incomplete(tmp_path: Path, content: bytes) -> None:
    file = trail(tmp_path, history().events)
    whole = read(tmp_path)
    file.with_name("y.json.gz" if content[0] == 0x1F else "y.json").write_bytes(content)
    found = read(tmp_path)
    assert found.starts == whole.starts
    assert "1 files cannot be read" in found.sources[0].problem


def test_folder_without_log_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="expected log files of CloudTrail"):
        read(tmp_path)


def test_saved_records_are_loaded_unchanged(tmp_path: Path) -> None:
    found = Records()
    for event in history().events:
        add_event(event, found)
    found.ends.append(SessionEnd(id="a", at=after(1), source="DescribeSessions"))
    found.logs.append(Log(session="a", location="s3://b/a.log", size=7, version="v", written=after(2)))
    found.logs.append(Log(session="b", location="group:b"))
    found.decisions.append(RecordedDecision(request="r", caller=found.decisions[0].caller, at=after(1), approved=False))
    found.sources.append(RecordSource(name="x", region="", since=NOON, until=after(1), records=1, problem="throttled"))
    file = tmp_path / "records.jsonl"
    save(found, file)
    assert load(file) == found
    save(found, file)
    assert [each.name for each in tmp_path.iterdir()] == ["records.jsonl"]


@pytest.mark.parametrize(
    "spoil",
    [lambda _: [], lambda lines: lines[1:], lambda lines: [*lines, "{"], lambda lines: [*lines, '{"list": "x"}']],
)
def test_file_of_another_form_is_one_message(tmp_path: Path, spoil: object) -> None:
    file = tmp_path / "records.jsonl"
    found = Records()
    for event in history().events:
        add_event(event, found)
    save(found, file)
    file.write_text("\n".join(spoil(file.read_text().splitlines())))  # type: ignore[operator]
    with pytest.raises(UnusableError, match="expected saved records"):
        load(file)
