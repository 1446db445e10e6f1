"""Output of commands: text of other principals does not control the terminal, and lists in sentences."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from operations.errors import UnusableError
from operations.findings import listed
from operations.terminal import Terminal, print_line, titled_table

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


def test_printed_line_escapes_line_ends_in_it() -> None:
    text = io.StringIO()
    print_line(Terminal(file=text, width=20), "reason: ", ("disk is full\nstate: GRANTED\n", "bold"), "!")
    assert text.getvalue() == "reason: disk is full\\nstate: GRANTED\\n!\n"


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


def _table(*, no_wrap: bool) -> Table:
    table = Table(title="Nodes")
    table.add_column("Region", no_wrap=no_wrap)
    table.add_column("Node", no_wrap=no_wrap)
    table.add_column("Causes", overflow="fold")
    table.add_row(Text("eu-west-1"), Text("web-server-with-a-long-name i-0123456789abcdef0"), Text("agent-offline"))
    table.add_row(Text("us-east-1"), Text("i-0123456789abcdef1"), Text(""))
    return table


@pytest.mark.parametrize(("width", "is_table"), [(200, True), (60, False), (20, False)])
def test_terminal_prints_records_instead_of_cutting_columns(width: int, *, is_table: bool) -> None:
    text = io.StringIO()
    Terminal(file=text, width=width).print(_table(no_wrap=True))
    said = text.getvalue()
    assert ("\u2503" in said) == is_table
    assert "\u2026" not in said
    unwrapped = said.replace("\n", "")
    for part in ("eu-west-1", "i-0123456789abcdef0", "i-0123456789abcdef1", "agent-offline"):
        assert part in unwrapped.replace(" ", "")


@pytest.mark.parametrize("width", range(40, 90, 7))
def test_no_width_cuts_an_id_off(width: int) -> None:
    table = titled_table("", "Name", "ID", "Long heading of words", "Result")
    table.add_row("web server one", "i-0123456789abcdef0", "some words that may wrap", "not ready")
    text = io.StringIO()
    Terminal(file=text, width=width).print(table)
    assert "i-0123456789abcdef0" in text.getvalue()
    assert "\u2026" not in text.getvalue()


def test_records_have_a_line_per_cell_with_text() -> None:
    text = io.StringIO()
    Terminal(file=text, width=60).print(_table(no_wrap=True))
    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        "Nodes",
        "Region: eu-west-1",
        "Node:   web-server-with-a-long-name i-0123456789abcdef0",
        "Causes: agent-offline",
        "",
        "Region: us-east-1",
        "Node:   i-0123456789abcdef1",
        "",
    ]


def test_terminal_keeps_table_whose_texts_can_wrap() -> None:
    text = io.StringIO()
    Terminal(file=text, width=70).print(_table(no_wrap=False))
    assert "\u2503" in text.getvalue()


@pytest.mark.parametrize(
    ("most", "text"),
    [(None, "a, b, c and d"), (4, "a, b, c and d"), (3, "a, b and c and 1 more"), (2, "a and b and 2 more")],
)
def test_listed_names_and_counts_the_others(most: int | None, text: str) -> None:
    assert listed(["a", "b", "c", "d"], most) == listed(("a", "b", "c", "d"), most) == text
