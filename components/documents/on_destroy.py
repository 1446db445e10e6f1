"""What becomes of a document when the stack goes."""

from __future__ import annotations

from enum import StrEnum


class OnDestroy(StrEnum):
    """What becomes of the document when the stack goes."""

    RESTORE = "restore"
    """What was there before is the content again; if there was nothing, the document goes."""
    RESET = "reset"
    """No logging, no encryption, idle sessions end after 20 minutes: what the post's solution leaves behind."""
    RETAIN = "retain"
    """Ours stays."""
    DELETE = "delete"
    """The document goes."""
