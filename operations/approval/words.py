"""Words that come from others, made fit to be printed."""

from __future__ import annotations

from unicodedata import category

from components.approval.scripts.characters import hidden_character


def visible(text: str) -> str:
    r"""The text with everything escaped that does not show, an escape as `\x1b`.

    It could move the cursor, colour or hide what stands on the terminal, turn its direction, or begin a line of its own.
    """
    return "".join(each if each.isprintable() and not hidden_character(each) else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    if category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")
