"""Actions on a document when the stack is destroyed."""

from __future__ import annotations

from enum import StrEnum


class OnDestroy(StrEnum):
    """Action on the document when the stack is destroyed."""

    RESTORE = "restore"
    """Restore the prior content; delete the document if there was none."""
    RESET = "reset"
    """Publish the defaults of the post's solution: no logging, no encryption, idle timeout of 20 minutes."""
    RETAIN = "retain"
    """Keep the document of this stack."""
    DELETE = "delete"
    """Delete the document."""
