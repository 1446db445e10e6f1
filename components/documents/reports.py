"""What is said about documents that somebody else has made or changed, before they are replaced."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import CheckFailure

from components.dynamic_provider import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.documents.store import DocumentStore, LiveDocument

_MOST_LINES: Final = 40


def adopted(
    store: DocumentStore, props: Mapping[str, Any], differences: Callable[[LiveDocument], list[str]]
) -> list[CheckFailure]:
    """Says what will change about a document that is there already, and why it must not be taken if so.

    Args:
        store: of the document.
        props: of the resource: `owner`, `takeOver`.
        differences: between the live document and the one to be, a line each.
    """
    found = store.look()
    if found is None:
        return []
    live, holder = found
    if holder is not None and holder != props["owner"] and not props.get("takeOver"):
        return [CheckFailure("owner", store.kept_by_another(holder))]
    origin = f"is kept by the stack {holder}" if holder and holder != props["owner"] else "exists already"
    if holder != props["owner"]:
        kept = f"what is live stays as version {live.default_version} and comes back on destroy unless told otherwise"
        tell(_listed(f"{store} {origin} and will be taken over; {kept}", differences(live)))
    return []


def changed_by_others(store: DocumentStore, live: LiveDocument, differences: list[str]) -> str:
    """Says what somebody else has changed since the last run or refresh.

    Args:
        store: of the document.
        live: the document as it is.
        differences: between what was known and what is live, a line each.
    """
    kept = f"theirs stays as version {live.default_version}"
    return _listed(f"{store} was changed by somebody else since the last run and will be replaced; {kept}", differences)


def lines_that_differ(before: str, after: str) -> list[str]:
    """A difference of two texts, as lines, cut short where it is long."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    left_out = len(lines) - _MOST_LINES
    return lines if left_out <= 0 else [*lines[:_MOST_LINES], f"... and {left_out} more lines"]


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([f"{heading}:" if lines else f"{heading}; nothing differs", *(f"    {line}" for line in lines)])
