"""Characters that do not show. Pure, and data: see `components.approval.script`.

They hide text from an approver, change its direction, or make two names look alike.
"""

from __future__ import annotations

from unicodedata import category

HIDDEN_CATEGORIES = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
"""Control, format, unassigned, private use, surrogate, line separator, paragraph separator (Unicode, "General Category")."""
BLANK = (
    *(
        "\u034f",
        "\u115f",
        "\u1160",
        "\u17b4",
        "\u17b5",
        "\u180b",
        "\u180c",
        "\u180d",
        "\u180f",
        "\u2800",
        "\u3164",
        "\uffa0",
    ),
    *(chr(code) for code in range(0xFE00, 0xFE0E)),
    *(chr(code) for code in range(0xE0100, 0xE01F0)),
)
"""Letters and marks that show nothing (Unicode, "Default_Ignorable_Code_Point"; the Braille blank), but for the two
variation selectors that emoji need."""


def hidden_character(text: str) -> str:
    """Return the first character that does not show, as `U+200E`, or an empty text."""
    if text.isascii() and text.isprintable():
        return ""
    for each in text:
        if category(each) in HIDDEN_CATEGORIES or each in BLANK:
            return f"U+{ord(each):04X}"
    return ""
