import csv
import io
import json
import re
from dataclasses import replace

import pytest

from operations.evidence.findings import RULES
from operations.evidence.output import COLUMNS, as_csv, page, plain, summary
from operations.evidence.records import RecordSource
from operations.evidence.report import Report, report
from tests.operations.evidence.test_report import CONTEXT, records
from tests.support.evidence_history import NOON, OLIVIA, History, after

HOSTILE = "<script>alert(1)</script>"


def made(reason: str = "Ticket 4711") -> Report:
    history = History()
    history.decide(history.request(after(0), reason=reason), after(1))
    history.tag(after(2))
    history.start(after(3), reason=reason)
    history.start(after(3), who=OLIVIA.replace("Operator", "Other"))
    history.refuse(after(4))
    return report(records(history), CONTEXT)


def test_json_has_every_column_of_every_row() -> None:
    shown = json.loads(json.dumps(plain(made(), NOON, after(60))))
    assert [list(row) for row in shown["rows"]] == [list(COLUMNS)] * 3
    assert [row["type"] for row in shown["rows"]] == ["session", "session", "attempt"]
    first = shown["rows"][0]
    assert (first["start"], first["grantStart"], first["grantEnd"]) == (
        "2026-11-01T12:03:00Z",
        "2026-11-01T12:02:00Z",
        None,
    )
    assert shown["counts"] == {"critical": 1, "info": 1}


def test_csv_has_the_values_of_json() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(made()))))
    values = plain(made(), NOON, after(60))["rows"]
    assert [row["sessionId"] for row in rows] == [each["sessionId"] or "" for each in values]
    assert rows[1]["findings"] == "session-without-approval"


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_csv_cell_is_no_formula(reason: str) -> None:
    row = next(csv.DictReader(io.StringIO(as_csv(made(reason)))))
    assert row["reason"] == f"'{reason}"


def test_page_escapes_and_sends_nothing() -> None:
    text = page(made(HOSTILE), NOON, after(60), after(60))
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert "&lt;time&gt;" in page(made("<time>"), NOON, after(60), after(60))
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert text.count("<tr data-severities") == 3
    assert all(rule in text for rule in RULES)


def test_page_names_the_severity_and_labels_every_cell() -> None:
    text = page(made(), NOON, after(60), after(60))
    assert "session-without-approval</b> (critical)" in text
    assert text.count("<td") == text.count("<td data-label=")
    assert '<time datetime="2026-11-01T12:03:00Z">2026-11-01 12:03:00</time>' in text


def test_log_that_was_not_looked_for_is_unknown() -> None:
    known, unknown = (
        replace(made(), rows=tuple(replace(each, log=None, is_log_known=is_known) for each in made().rows))
        for is_known in (True, False)
    )
    assert '<td data-label="Log">unknown</td>' in page(unknown, NOON, after(60), after(60))
    assert '<td data-label="Log">none</td>' in page(known, NOON, after(60), after(60))


def test_note_of_a_source_is_shown_everywhere() -> None:
    source = RecordSource(name="Athena", region="", since=NOON, until=after(1), records=0, note="41.30 GB scanned")
    noted = replace(made(), sources=(source,))
    assert "41.30 GB scanned" in page(noted, NOON, after(60), after(60))
    assert plain(noted, NOON, after(60))["sources"][0]["note"] == "41.30 GB scanned"


def test_incomplete_report_says_so_everywhere() -> None:
    source = RecordSource(name="CloudTrail", region="", since=NOON, until=after(1), records=0, problem="throttled")
    incomplete = replace(made(), sources=(source,))
    assert "incomplete" in summary(incomplete)
    assert "throttled" in page(incomplete, NOON, after(60), after(60))
    assert '<p class="incomplete">' in page(incomplete, NOON, after(60), after(60))
    assert 'class="incomplete"' not in page(made(), NOON, after(60), after(60))
    assert plain(incomplete, NOON, after(60))["complete"] is False
