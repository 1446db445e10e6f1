"""What commands print: nothing that others named or wrote steers the terminal."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from operations.errors import UnusableError
from operations.terminal import Terminal

HOSTILE = "a\x1b]0;title\x07b\u202ec\u2066\x9b31m"


def _printed(*rendered: object) -> str:
    text = io.StringIO()
    Terminal(file=text, width=200).print(*rendered)
    return text.getvalue()


def test_terminal_escapes_names_in_tables_and_texts() -> None:
    table = Table("Name")
    table.add_row(Text(HOSTILE))
    for rendered in (table, Text(HOSTILE), HOSTILE):
        said = _printed(rendered)
        assert all(line.isprintable() for line in said.splitlines())
        assert r"a\x1b]0;title" in said
        assert r"b\u202ec\u2066\x9b31m" in said


def test_terminal_keeps_letters_of_any_alphabet_and_lines() -> None:
    assert _printed(Text("B\u00fcro \u6771\u4eac\nsecond")) == "B\u00fcro \u6771\u4eac\nsecond\n"


def test_terminal_keeps_its_own_colors() -> None:
    text = io.StringIO()
    Terminal(file=text, force_terminal=True, color_system="standard").print(Text("done", style="bold green"))
    assert text.getvalue() == "\x1b[1;32mdone\x1b[0m\n"


def test_error_text_escapes_all_but_line_ends() -> None:
    with pytest.raises(UnusableError) as raised:
        raise UnusableError(f"{HOSTILE}\nsecond line")
    first, second = str(raised.value).split("\n")
    assert first.isprintable()
    assert second == "second line"
