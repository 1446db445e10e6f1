"""`docs/guarantees.md` names tests that exist."""

import re

import pytest

from local.workspace import REPOSITORY

ROWS = [
    line
    for line in (REPOSITORY / "docs" / "guarantees.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| guarantee")
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_guarantee_names_its_test() -> None:
    assert [row for row in ROWS if not NAMED.search(row)] == []


@pytest.mark.parametrize(("path", "name"), sorted({found for row in ROWS for found in NAMED.findall(row)}))
def test_named_test_is_there(path: str, name: str) -> None:
    assert f"def {name}(" in (REPOSITORY / path).read_text()
