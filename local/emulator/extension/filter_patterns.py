"""Filter patterns of CloudWatch Logs for unstructured messages.

Source: CloudWatch Logs User Guide, "Filter pattern syntax", "Using filter patterns to match terms in unstructured log
events": terms are case-sensitive; a term that has other characters than letters and digits is in double quotes; several
terms have to occur all; of terms with `?`, one has to; a term with `-` must not. Patterns for JSON and space-delimited
events, and regular expressions, are rejected, as this program has none.

AWS documents that a term matches where the message "contains" it, with whole words as examples, and that regular expressions
are for partial matches. So a term has to begin and end at the edge of a word here; what matches so matches in either reading.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_TERM: Final = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_]+))(?=\s|$)')


class PatternError(ValueError):
    """A pattern that CloudWatch Logs, or this evaluation, does not accept."""


@dataclass(frozen=True)
class Terms:
    """The terms of a pattern."""

    required: list[str] = field(default_factory=list[str])
    optional: list[str] = field(default_factory=list[str])
    excluded: list[str] = field(default_factory=list[str])

    def matches(self, message: str) -> bool:
        """Return whether the pattern matches a message."""
        return (
            all(_contains(message, each) for each in self.required)
            and (not self.optional or any(_contains(message, each) for each in self.optional))
            and not any(_contains(message, each) for each in self.excluded)
        )


def parse(pattern: str) -> Terms:
    """Return the terms of a pattern; none: it matches every message.

    Raises:
        PatternError: The pattern is invalid, or has another form.
    """
    terms = Terms()
    kinds = {"": terms.required, "?": terms.optional, "-": terms.excluded}
    position, text = 0, pattern.strip()
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"no term of an unstructured message begins at: {text[position:]}")
        quoted, bare = found[2], found[3]
        term = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if not term:
            raise PatternError("an empty term")
        kinds[found[1]].append(term)
        position = found.end()
        while position < len(text) and text[position].isspace():
            position += 1
    if terms.optional and (terms.required or terms.excluded):
        # AWS accepts it and ignores the question marks, which is hardly intended.
        raise PatternError("terms with ? beside others")
    return terms


def _contains(message: str, term: str) -> bool:
    before = r"(?<![A-Za-z0-9])" if term[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if term[-1].isalnum() else ""
    return re.search(f"{before}{re.escape(term)}{after}", message) is not None
