"""Fleet files that are made to exhaust memory or stack, or to mislead: one bounded error."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.errors import UnusableError
from operations.fleet.fleet_file import parse_fleet_file

_BOMB = "\n".join(
    f"{name}: &{name} [{', '.join(['x' if before is None else f'*{before}'] * 10)}]"
    for before, name in zip([None, *"abcdefgh"], "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_BOMB, "at most 200,000 values"),
        (f"defaults: {'[' * 3000}{']' * 3000}", "levels of lists and mappings"),
        ("defaults: &loop {again: *loop}", "Circular reference"),
        (
            "accounts: {list: [{name: web, id: '\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662'}]}",
            "12 digits",
        ),
        ('accounts: {list: [{name: "w\\u202eb", id: "222222222222"}]}', "without U+202E"),
        ("accounts: {discover: {}}\nwaves: [{name: all, failureTolerance: '\u0661%'}]", "from 0% to 100%"),
        ("accounts: {discover: {}}\nassumeRole: 'arn:aws:iam::{accountId}:role/*'", "role/<name>"),
        ("accounts: {list: [{name: web, id: '222222222222'}], exclude: [web, web]}", "each once"),
    ],
    ids=["aliases", "depth", "cycle", "digits", "hidden", "share", "wildcard", "twice"],
)
def test_hostile_file_is_refused_in_a_bounded_message(text: str, said: str) -> None:
    with pytest.raises(UnusableError) as refused:
        parse_fleet_file(Path("fleet.yaml"), text)
    assert said in str(refused.value)
    assert all(line.isprintable() for line in str(refused.value).splitlines())


def test_many_problems_are_counted_and_the_first_ones_listed() -> None:
    accounts = ", ".join(f"{{name: web-{number}, id: x}}" for number in range(500))
    with pytest.raises(UnusableError, match=r"has 500 problems; no operation was started:") as refused:
        parse_fleet_file(Path("fleet.yaml"), f"accounts: {{list: [{accounts}]}}")
    assert str(refused.value).endswith("... and 450 more.")


def test_aliases_of_ordinary_size_are_read() -> None:
    text = "accounts: {list: [{name: web, id: '222222222222', tags: &tags {a: b}}, {name: app, id: '333333333333', tags: *tags}]}"
    assert len(parse_fleet_file(Path("fleet.yaml"), text).accounts.listed) == 2
