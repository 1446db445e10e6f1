"""Messages about documents that other principals created or changed, before they are replaced."""

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
    """Report what will change about an existing document, or why it must not be adopted.

    Args:
        store: Store of the document.
        props: Inputs of the resource.
        differences: Differences between the live and the desired document, one line each.
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
    """Report changes of other principals since the last update or refresh.

    Args:
        store: Store of the document.
        live: Live document.
        differences: Differences between the known and the live document, one line each.
    """
    kept = f"theirs stays as version {live.default_version}"
    return _listed(f"{store} was changed by somebody else since the last run and will be replaced; {kept}", differences)


def left_alone(store: DocumentStore) -> str:
    """Return the notice about a document that a destroy does not change."""
    return (
        f"{store} has no tag of this program any more and is not what this stack published, so it stays as it is; check "
        "what its version history holds"
    )


def lines_that_differ(before: str, after: str) -> list[str]:
    """Return the differences of two texts as lines, truncated where long."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    left_out = len(lines) - _MOST_LINES
    return lines if left_out <= 0 else [*lines[:_MOST_LINES], f"... and {left_out} more lines"]


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([f"{heading}:" if lines else f"{heading}; nothing differs", *(f"    {line}" for line in lines)])
