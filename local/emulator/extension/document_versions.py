"""Versions of a document: lookup by request, and checks of creation and deletion.

Sources, under https://docs.aws.amazon.com/systems-manager/latest/APIReference/: API_GetDocument, API_DescribeDocument,
API_UpdateDocument, API_UpdateDocumentDefaultVersion, API_DeleteDocument, API_ListDocumentVersions.
"""

import re
from typing import Any

from moto.ssm.exceptions import (
    InvalidDocument,
    InvalidDocumentVersion,
    SSMException,
    ValidationException,
)
from moto.ssm.models import Document, Documents

DEFAULT = "$DEFAULT"
LATEST = "$LATEST"
NO_SUCH_VERSION = "The document version isn't valid or doesn't exist."
PAGE_SIZES = range(1, 51)


def find(documents: Documents, version: str | None, version_name: str | None) -> Document:
    """Return the version in a request: a number, `$DEFAULT`, `$LATEST`, a version name, or the default if omitted.

    Raises:
        InvalidDocumentVersion: The version does not exist.
    """
    if version is None and version_name:
        found = documents.find_by_version_name(version_name)
    else:
        found = documents.find_by_version(_number(documents, version))
        if found is not None and version_name and found.version_name != version_name:
            found = None
    if found is None:
        raise InvalidDocumentVersion(NO_SUCH_VERSION)
    return found


def check_updates_latest(documents: Documents, name: str, version: str | None) -> None:
    """Check that UpdateDocument changes the latest version, named by its number or `$LATEST`.

    An omitted version is also refused: that AWS requires it is inferred from the examples of the AWS CLI.
    """
    if version not in (LATEST, documents.latest_version):
        raise InvalidDocumentVersion(
            f"Version provided for document {name} is not latest. "
            f"Please provide the latest version to update document {name}"
        )


def check_number(version: str) -> None:
    """Check that UpdateDocumentDefaultVersion gets a number: its pattern excludes `$LATEST` and `$DEFAULT`."""
    if not re.fullmatch("[1-9][0-9]*", version):
        raise ValidationException(
            f"1 validation error detected: Value '{version}' at 'documentVersion' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (^[1-9][0-9]*$)"
        )


def version_to_delete(documents: Documents, version: str | None, version_name: str | None) -> str | None:
    """Return the version that DeleteDocument names, or None for all versions; moto refuses the default version.

    Raises:
        InvalidDocument: The version does not exist; this action has no `InvalidDocumentVersion`.
    """
    if not version and not version_name:
        return None
    try:
        return find(documents, version, version_name).document_version
    except InvalidDocumentVersion as missing:
        raise InvalidDocument("The specified SSM document doesn't exist.") from missing


def newest_first(documents: Documents) -> list[Document]:
    """Return all versions, newest first (AWS documents no order)."""
    return sorted(documents.versions.values(), key=lambda version: -int(version.document_version))


def page(documents: Documents, max_results: int, token: str | None) -> dict[str, Any]:
    """Return one page of ListDocumentVersions."""
    if max_results not in PAGE_SIZES:
        raise ValidationException(
            f"1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: "
            "Member must have value between 1 and 50"
        )
    if token is not None and not token.isdecimal():
        raise SSMException("InvalidNextToken", "The specified token isn't valid.")
    start = int(token or 0)
    versions = newest_first(documents)
    result: dict[str, Any] = {
        "DocumentVersions": [_list_entry(documents, version) for version in versions[start : start + max_results]]
    }
    if start + max_results < len(versions):
        result["NextToken"] = str(start + max_results)
    return result


def _number(documents: Documents, version: str | None) -> str:
    if version in (None, DEFAULT):
        return documents.default_version
    return documents.latest_version if version == LATEST else version


def _list_entry(documents: Documents, version: Document) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Name": version.name,
        "DocumentVersion": version.document_version,
        "CreatedDate": version.created_date,
        "IsDefaultVersion": version.document_version == documents.default_version,
        "DocumentFormat": version.document_format,
        "Status": version.status,
    }
    if version.version_name:
        entry["VersionName"] = version.version_name
    return entry
