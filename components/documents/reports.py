"""What is said about documents that somebody else has made or changed, before they are replaced."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import CheckFailure

from components.documents.ownership import OWNER_TAG, ownership_of
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
        props: Inputs of the resource.
        differences: between the live document and the one to be, a line each.
    """
    live = store.read()
    if live is None:
        return []
    ownership, holder = ownership_of(props), live.tags.get(OWNER_TAG)
    if not ownership.permits(holder):
        return [CheckFailure("owner", store.kept_by_another(str(holder)))]
    if holder == ownership.owner:
        return []
    if holder is None and ownership.has_published(live.version_name):
        kept = "what was there before this stack is looked up in its versions"
        tell(_listed(f"{store} was published by this stack and has lost its tags; {kept}", differences(live)))
        return []
    origin = f"is kept by the stack {holder}" if holder else "exists already"
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


def left_alone(store: DocumentStore) -> str:
    """Return the notice about a document that a destroy has not touched."""
    return (
        f"{store} has no tag of this program any more and is not what this stack published, so it stays as it is; check "
        "what its version history holds"
    )


def lines_that_differ(before: str, after: str) -> list[str]:
    """A difference of two texts, as lines, cut short where it is long."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    left_out = len(lines) - _MOST_LINES
    return lines if left_out <= 0 else [*lines[:_MOST_LINES], f"... and {left_out} more lines"]


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([f"{heading}:" if lines else f"{heading}; nothing differs", *(f"    {line}" for line in lines)])
