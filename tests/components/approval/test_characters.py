"""Characters that do not show, for every character that there is."""

from __future__ import annotations

import re
import sys
from unicodedata import category

import pytest

from common.characters import HIDDEN_CATEGORIES, hidden_character
from components.approval.runbook import REASON_PATTERN

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
PATTERN = re.compile(REASON_PATTERN)


def test_every_character_of_the_hidden_categories_is_hidden() -> None:
    assert [each for each in ALL if category(each) in HIDDEN_CATEGORIES and not hidden_character(each)] == []


def test_letters_digits_punctuation_and_symbols_show() -> None:
    hidden = [each for each in ALL if category(each)[0] in "LNPS" and hidden_character(each)]
    assert hidden == ["\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"]


def test_pattern_takes_what_shows_but_braces() -> None:
    shown = [each for each in ALL if not hidden_character(each)]
    assert [each for each in shown if not PATTERN.fullmatch(each)] == ["{", "}"]


def test_pattern_refuses_what_it_can() -> None:
    """Beyond U+FFFF, Java and Python write characters differently; which ones are unassigned depends on the version."""
    hidden = [
        each for each in ALL if hidden_character(each) and category(each) not in ("Cn", "Cs") and each <= "\uffff"
    ]
    assert [each for each in hidden if PATTERN.fullmatch(each)] == []


@pytest.mark.parametrize(
    "text", ["", "Disk is full", "Festplatte läuft über", "ディスク", "\u26a0\ufe0f", "naïve 100 %"]
)
def test_innocent_text_has_no_hidden_character(text: str) -> None:
    assert hidden_character(text) == ""


@pytest.mark.parametrize(
    ("character", "name"),
    [("\u200e", "U+200E"), ("\u061c", "U+061C"), ("\U000e0041", "U+E0041"), ("\n", "U+000A"), ("\u2067", "U+2067")],
)
def test_hidden_character_is_named(character: str, name: str) -> None:
    assert hidden_character(f"a{character}b") == name
