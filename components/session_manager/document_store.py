"""`SSM-SessionManagerRunShell` of one Region, in Systems Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.documents import store
from components.documents.store import DocumentError, DocumentIdentity, LiveDocument
from components.session_manager.document import DOCUMENT_NAME, DOCUMENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient

__all__ = ["DocumentError", "DocumentStore", "LiveDocument"]

_PREFERENCES = DocumentIdentity(name=DOCUMENT_NAME, type=DOCUMENT_TYPE, section="sessionManager")


class DocumentStore(store.DocumentStore):
    """Preferences document of the client's Region."""

    def __init__(self, ssm: SSMClient, region: str, caller: Callable[[], str] = lambda: "the caller") -> None:
        super().__init__(ssm, region, _PREFERENCES, caller)
