"""Wording that findings of all commands share."""

import pytest

from operations.findings import listed

NAMES = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("most", "text"),
    [(None, "a, b, c and d"), (4, "a, b, c and d"), (3, "a, b and c and 1 more"), (2, "a and b and 2 more")],
)
def test_listed_names_and_counts_the_others(most: int | None, text: str) -> None:
    assert listed(NAMES, most) == listed(tuple(NAMES), most) == text
