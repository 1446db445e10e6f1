from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.iam.documents import Statement
from common.iam.patterns import SOME, Texts, UndecidedError, find, literal, matches, overlap

ALPHABET = "ab:"
TEXTS = ["".join(each) for length in range(7) for each in product(ALPHABET, repeat=length)]
patterns = st.text(alphabet=[*ALPHABET, "*", "?"], max_size=4)
sets = st.builds(Texts, st.tuples(patterns) | st.tuples(patterns, patterns), negated=st.booleans())


def oracle(pattern: str, text: str) -> bool:
    """By definition, one character after the other."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(oracle(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and oracle(pattern[1:], text[1:])


def oracle_set(texts: Texts, text: str) -> bool:
    return any(oracle(each, text) for each in texts.patterns) != texts.negated


@settings(max_examples=300, deadline=None)
@given(patterns, st.sampled_from(TEXTS))
def test_matching_is_the_definition(pattern: str, text: str) -> None:
    assert matches(pattern, text) == oracle(pattern, text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "*", "?", ":", SOME]), max_size=7).map("".join), st.sampled_from(TEXTS))
def test_part_of_an_arn_among_asterisks_matches_by_definition(pattern: str, text: str) -> None:
    assert matches(pattern, text) == _with_parts(pattern, text)


def _with_parts(pattern: str, text: str) -> bool:
    """By definition, a part being one or more characters other than a colon."""
    if not pattern:
        return not text
    rest = pattern[1:]
    if pattern[0] == "*":
        return any(_with_parts(rest, text[at:]) for at in range(len(text) + 1))
    if pattern[0] == SOME:
        end = text.find(":") if ":" in text else len(text)
        return any(_with_parts(rest, text[at:]) for at in range(1, end + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _with_parts(rest, text[1:])


@pytest.mark.parametrize("asterisks", [1, 10, 100])
def test_matching_many_asterisks_ends(asterisks: int) -> None:
    """Tried place by place for each asterisk, the last of these would not end before the test's limit."""
    text = "s3:" + "a" * 500
    assert not matches("s3:" + "*a" * asterisks + "b", text)
    assert matches("s3:" + "*a" * asterisks + "*", text)


@settings(max_examples=300, deadline=None)
@given(sets, sets, st.lists(sets, max_size=2))
def test_search_finds_a_member_if_and_only_if_there_is_one(one: Texts, other: Texts, outside: list[Texts]) -> None:
    found = find((one,), (other,), outside=tuple(outside))
    members = [
        text
        for text in TEXTS
        if oracle_set(one, text) and oracle_set(other, text) and not any(oracle_set(each, text) for each in outside)
    ]
    if found is None:
        assert members == []
    else:
        assert oracle_set(one, found)
        assert oracle_set(other, found)
        assert not any(oracle_set(each, found) for each in outside)


@settings(max_examples=200, deadline=None)
@given(patterns, patterns)
def test_overlap_is_symmetric(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)


@given(st.text(alphabet="a*?:", max_size=6))
def test_literal_matches_itself_alone(text: str) -> None:
    assert matches(literal(text), text)
    assert find((Texts((literal(text),)),), (Texts((literal(text),), negated=True),)) is None


def test_part_of_an_arn_has_no_colon() -> None:
    assert find((Texts((f"a:{SOME}:b",)),), (Texts(("a:*:x:b",)),)) is None
    assert find((Texts((f"a:{SOME}:b",)),), (Texts(("a:*:b",)),)) is not None
    assert not overlap(f"{SOME}", "")


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("SSM:start*", "ssm:StartSession", True),
        ("ssm:?tartSession", "ssm:StartSession", True),
        ("ssm:S", "ssm:Session", False),
    ],
)
def test_case_of_actions_does_not_count(pattern: str, action: str, *, expected: bool) -> None:
    assert Statement(allows=True, actions=(pattern,)).covers(action) is expected


def test_search_gives_up_rather_than_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.iam.patterns.MOST_STATES", 10)
    entangled = tuple(Texts((f"*{letter}??????*",)) for letter in "abcdefgh")
    with pytest.raises(UndecidedError, match="8 patterns"):
        find(*((each,) for each in entangled))
