"""A history with every fault planted is read back without a miss and without a false finding."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.evidence.cloudtrail import add_event
from operations.evidence.exported import read_exported
from operations.evidence.findings import RULES, Context
from operations.evidence.records import LogCoverage, Records
from operations.evidence.report import report
from tests.operations.evidence.test_report import OF_ACCESS_REQUESTS
from tests.support.evidence_history import ACCOUNT
from tests.support.evidence_year import BEGIN, SCENARIOS, Year, key_of, made_up, person_of, retried, write_export


def judged(records: Records, end: datetime) -> dict[str, list[str]]:
    """Return the rules of each row."""
    context = Context(
        now=end + timedelta(days=2),
        since=BEGIN,
        until=end,
        break_glass=frozenset({"shellaccessbreakglass"}),
        person_of=person_of,
    )
    made = report(records, context)
    assert made.is_complete
    assert len({key_of(row) for row in made.rows}) == len(made.rows)
    return {key_of(row): sorted(each.rule for each in row.findings) for row in made.rows}


def differences(year: Year, found: dict[str, list[str]]) -> dict[str, tuple[list[str] | None, list[str] | None]]:
    """Return expected and found rules where they differ."""
    expected = {key: sorted(rules) for key, rules in year.truth.items()}
    keys = expected.keys() | found.keys()
    return {key: (expected.get(key), found.get(key)) for key in keys if expected.get(key) != found.get(key)}


def in_memory(year: Year) -> dict[str, list[str]]:
    records = Records()
    for event in retried(year):
        add_event(event, records)
    records.logs.extend(year.logs)
    records.coverage.append(
        LogCoverage(account=ACCOUNT, region="eu-west-1", since=BEGIN, until=BEGIN + timedelta(days=400))
    )
    return judged(records, BEGIN + timedelta(days=400))


def test_every_rule_about_events_is_planted() -> None:
    year = made_up(len(SCENARIOS), 1)
    planted = {rule for rules in year.truth.values() for rule in rules}
    # A session that CloudTrail lacks is planted in the tests of the report.
    elsewhere = {"session-not-in-trail", "session-log-short", "session-log-deleted", *OF_ACCESS_REQUESTS}
    assert RULES.keys() - planted <= elsewhere


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_any_history_is_read_back_exactly(seed: int) -> None:
    year = made_up(80, seed)
    assert differences(year, in_memory(year)) == {}


def test_exported_month_is_read_back_exactly(tmp_path: Path) -> None:
    year = made_up(400, 7)
    end = write_export(year, tmp_path)
    found = read_exported(tmp_path, BEGIN - timedelta(days=2), end, lambda _line: None)
    assert differences(year, judged(found, end)) == {}


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_exported_year_is_read_back_exactly(tmp_path: Path) -> None:
    year = made_up(70_000, 7)
    end = write_export(year, tmp_path)
    assert end - BEGIN > timedelta(days=360)
    found = read_exported(tmp_path, BEGIN - timedelta(days=2), end, lambda _line: None)
    assert differences(year, judged(found, end)) == {}
