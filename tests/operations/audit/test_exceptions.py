"""Accepted exceptions: what they cover, when they end, and what is wrong with a file."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.audit.exceptions import DEFAULT_FILE, apply_exceptions, chosen_exceptions, read_exceptions
from operations.audit.findings import Audit, Audited
from operations.errors import UnusableError
from tests.operations.audit.accounts import ARN, WHO, assessed, baseline, user

TODAY = date(2026, 11, 29)
GOOD = {
    "principal": WHO,
    "rule": "session-any-node",
    "reason": "break glass",
    "owner": "security",
    "until": date(2027, 3, 31),
}


def audit() -> Audit:
    details = baseline(
        users=[
            user("caller", {"Effect": "Allow", "Action": ["ssm:StartSession", "ssm:ResumeSession"], "Resource": "*"})
        ]
    )
    return assessed(details)


def file_with(folder: Path, *entries: Any) -> Path:
    path = folder / "exceptions.yaml"
    path.write_text(yaml.safe_dump({"exceptions": list(entries)}), encoding="utf-8")
    return path


def rules(several: tuple[Audited, ...]) -> dict[str, set[str]]:
    return {each.arn: {finding.rule for finding in each.findings} for each in several}


def test_exception_covers_its_rule_and_principal_only(tmp_path: Path) -> None:
    entries = read_exceptions(file_with(tmp_path, GOOD, {**GOOD, "principal": f"{ARN}:user/other"}))
    remaining = apply_exceptions(audit(), entries, TODAY)
    assert rules(remaining.audited) == {WHO: {"session-other-documents", "session-resume-others"}}
    assert [(each.arn, each.finding.rule) for each in remaining.accepted] == [(WHO, "session-any-node")]
    assert [each.principal for each in remaining.unused] == [f"{ARN}:user/other"]


def test_exception_with_a_pattern_covers_each_match(tmp_path: Path) -> None:
    entries = read_exceptions(
        file_with(
            tmp_path,
            *(
                {**GOOD, "principal": f"{ARN}:user/*", "rule": rule}
                for rule in ("session-any-node", "session-other-documents", "session-resume-others")
            ),
        )
    )
    assert apply_exceptions(audit(), entries, TODAY).audited == ()


def test_exception_counts_on_its_last_day_and_not_after(tmp_path: Path) -> None:
    entries = read_exceptions(file_with(tmp_path, GOOD))
    assert "session-any-node" not in rules(apply_exceptions(audit(), entries, date(2027, 3, 31)).audited)[WHO]
    expired = apply_exceptions(audit(), entries, date(2027, 4, 1))
    (first, last) = expired.audited
    assert rules((first,)) == {WHO: {"session-any-node", "session-other-documents", "session-resume-others"}}
    assert (last.kind, last.findings[0].rule, last.findings[0].severity.word) == (
        "exception",
        "exception-expired",
        "medium",
    )
    assert last.findings[0].note == "session-any-node, owner security, expired on 2027-03-31: break glass"


def test_expired_exception_is_reported_without_a_finding(tmp_path: Path) -> None:
    entries = read_exceptions(file_with(tmp_path, GOOD))
    remaining = apply_exceptions(Audit(), entries, date(2028, 1, 1))
    assert rules(remaining.audited) == {WHO: {"exception-expired"}}


WRONG: list[tuple[Any, str]] = [
    ({**GOOD, "until": "soon"}, 'exceptions[0].until: expected a day such as 2027-03-31, got "soon".'),
    ({**GOOD, "rule": "Z9"}, "exceptions[0].rule: expected the ID of a rule (docs/audit.md lists them), got "),
    (
        {**GOOD, "rule": "session-any-nodes"},
        "exceptions[0].rule: expected the ID of a rule (docs/audit.md lists them; did you mean session-any-node?), got ",
    ),
    ({**GOOD, "rule": "allow-not-action"}, "exceptions[0].rule: expected the ID of a rule "),
    ({**GOOD, "rule": "exception-expired"}, "exceptions[0].rule: expected the ID of a rule "),
    ({**GOOD, "principal": "*"}, "exceptions[0].principal: expected the ARN of a principal"),
    ({**GOOD, "owner": " "}, "exceptions[0].owner: expected a text that is not empty"),
    (
        {each: GOOD[each] for each in GOOD if each != "reason"},
        "exceptions[0].reason: expected a text that is not empty",
    ),
    ({**GOOD, "untill": 1}, "exceptions[0].untill: expected one of principal, rule, reason, owner, until."),
    ("session-any-node", "exceptions[0]: expected a mapping with principal, rule, reason, owner, until"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_exceptions_file_with_a_wrong_entry_is_refused(entry: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as refused:
        read_exceptions(file_with(tmp_path, entry))
    assert message in str(refused.value)


WITH_DAY = "exceptions:\n- {principal: 'arn:aws:iam::1:user/a', rule: session-any-node, reason: r, owner: o, until: 2027-02-30}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WITH_DAY, 'exceptions[0].until: expected a day such as 2027-03-31, got "2027-02-30"'),
        ("exceptions: &itself\n- *itself", "exceptions[0]: expected a mapping"),
        ("exceptions: []\nexceptions: []", "expected each key once"),
        ("? [a]\n: 1", "expected YAML"),
    ],
)
def test_exceptions_file_with_odd_yaml_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "exceptions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnusableError) as raised:
        read_exceptions(path)
    assert message in str(raised.value)


def test_exception_given_twice_is_refused(tmp_path: Path) -> None:
    read_exceptions(file_with(tmp_path, GOOD, {**GOOD, "rule": "session-other-documents"}))
    with pytest.raises(UnusableError, match=r"exceptions\[1\]: expected one entry per principal and rule"):
        read_exceptions(file_with(tmp_path, GOOD, {**GOOD, "owner": "other"}))


def test_exception_for_a_person_is_for_one_rule_only(tmp_path: Path) -> None:
    (entry,) = read_exceptions(
        file_with(tmp_path, {**GOOD, "principal": "alice@example.com", "rule": "same-person-both-sides"})
    )
    assert entry.covers("alice@example.com", "same-person-both-sides")
    for principal, rule in (("alice@example.com", "session-any-node"), ("*", "same-person-both-sides")):
        with pytest.raises(UnusableError, match="expected the ARN of a principal"):
            read_exceptions(file_with(tmp_path, {**GOOD, "principal": principal, "rule": rule}))


def test_exceptions_file_reports_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as refused:
        read_exceptions(file_with(tmp_path, {**GOOD, "owner": "", "rule": "x"}, "text"))
    assert len(str(refused.value).splitlines()) == 4


@pytest.mark.parametrize("text", ["", "[]", "exceptions: {}", "exceptions: []\nother: 1", "a: [", "\x00"])
def test_exceptions_file_of_another_shape_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "exceptions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnusableError, match=r"exceptions\.yaml: expected"):
        read_exceptions(path)


def test_exceptions_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="cannot be read"):
        read_exceptions(tmp_path / "none.yaml")


def test_file_beside_the_program_is_the_default(tmp_path: Path) -> None:
    assert chosen_exceptions(None, tmp_path) == ()
    given = file_with(tmp_path, GOOD)
    given.rename(tmp_path / DEFAULT_FILE)
    assert [each.principal for each in chosen_exceptions(None, tmp_path)] == [WHO]
    other = file_with(tmp_path, {**GOOD, "principal": f"{ARN}:user/other"})
    assert [each.principal for each in chosen_exceptions(other, tmp_path)] == [f"{ARN}:user/other"]
    with pytest.raises(UnusableError, match=r"missing\.yaml"):
        chosen_exceptions(tmp_path / "missing.yaml", tmp_path)
