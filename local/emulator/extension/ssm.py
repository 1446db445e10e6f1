"""Systems Manager documents as documented by AWS.

Sources are named where they apply; API_… pages: https://docs.aws.amazon.com/systems-manager/latest/APIReference/.
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import (
    DuplicateDocumentContent,
    DuplicateDocumentVersionName,
    InvalidDocument,
    InvalidDocumentContent,
    SSMException,
)
from moto.ssm.models import Document, Documents
from moto.ssm.responses import SimpleSystemManagerResponse

from local.emulator.extension import documents as document_rules
from local.emulator.extension import images
from local.emulator.extension.access_requests import AccessRequestActions
from local.emulator.extension.automation import AutomationActions
from local.emulator.extension.nodes import ServiceSettingActions
from local.emulator.extension.sessions import SessionActions
from local.emulator.extension.stored_resources import StoredResourceActions, accept_tags
from local.emulator.settings import SETTINGS

CHANGE_TEMPLATE = "Automation.ChangeTemplate"
MAX_BYTES = 64 * 1024
"""API_CreateDocument, MaxDocumentSizeExceeded: "The size limit of a document is 64 KB." """

PLATFORMS = {
    "Session": ["Windows", "Linux", "MacOS"],
    "Automation": ["Windows", "Linux", "MacOS"],
    CHANGE_TEMPLATE: ["Windows", "Linux", "MacOS"],
    **{kind: ["Windows", "Linux", "MacOS"] for kind in document_rules.POLICY_TYPES},
}
"""Types that support all platforms, which are Windows, Linux and MacOS in API_DocumentDescription."""


def apply() -> None:
    """Add the public parameters of Windows images, and tags of stored resources."""
    images.add_parameters()
    accept_tags()


class LocalSystemsManager(
    AccessRequestActions,
    AutomationActions,
    ServiceSettingActions,
    SessionActions,
    StoredResourceActions,
    SimpleSystemManagerResponse,
):
    """moto's Systems Manager with corrected documents, versions and checks."""

    def create_document(self) -> ActionResult:
        """API_CreateDocument: validates the content; keeps the change template's type; tags stay with the document."""
        kind = self._get_param("DocumentType", "Command")
        check_content(kind, self._document_from_request(kind, "1"))
        document_rules.check_name(kind, str(self._get_param("Name")))
        document_rules.check_quota(kind, vars(self.ssm_backend)["_documents"])
        documents = self.ssm_backend.create_document(
            content=self._get_param("Content"),
            requires=self._get_param("Requires"),
            attachments=self._get_param("Attachments"),
            name=self._get_param("Name"),
            version_name=self._get_param("VersionName"),
            # moto does not know these types, so they are automations until it has created them
            document_type="Automation" if kind in (CHANGE_TEMPLATE, *document_rules.POLICY_TYPES) else kind,
            document_format=self._get_param("DocumentFormat", "JSON"),
            target_type=self._get_param("TargetType"),
            tags=self._get_param("Tags"),
        )
        created = documents.get_default_version()
        created.document_type = kind
        created.platform_types = PLATFORMS.get(kind, [])
        return ActionResult({"DocumentDescription": documents.describe(tags=self._get_param("Tags"))})

    def update_document(self) -> ActionResult:
        """API_UpdateDocument: creates a version, which does not become the default."""
        documents = self._documents()
        name = self._get_param("Name")
        document_rules.check_updates_latest(documents, name, self._get_param("DocumentVersion"))
        kind = documents.get_latest_version().document_type
        new = self._document_from_request(kind, str(int(documents.latest_version) + 1))
        check_content(kind, new)
        check_new_version(documents, new)
        new.platform_types = PLATFORMS.get(kind, [])
        documents.add_new_version(new)
        tags = self._tags_of(name)
        return ActionResult({"DocumentDescription": documents.describe(new.document_version, tags=tags)})

    def get_document(self) -> ActionResult:
        """API_GetDocument: `$DEFAULT`, `$LATEST`, a number or a version name."""
        found = self._version()
        return ActionResult(
            self.ssm_backend.get_document(
                name=found.name,
                document_version=found.document_version,
                version_name="",
                document_format=self._get_param("DocumentFormat", "JSON"),
            )
        )

    def describe_document(self) -> ActionResult:
        """API_DescribeDocument: versions like GetDocument."""
        found = self._version()
        tags = self._tags_of(found.name)
        return ActionResult({"Document": self._documents().describe(found.document_version, tags=tags)})

    def describe_document_permission(self) -> ActionResult:
        """API_DescribeDocumentPermission: not for approval policies."""
        document_rules.check_permission_readable(self._documents().get_default_version().document_type)
        return super().describe_document_permission()

    def list_document_versions(self) -> ActionResult:
        """API_ListDocumentVersions, which moto lacks."""
        size = self._get_param("MaxResults", document_rules.PAGE_SIZES[-1])
        return ActionResult(document_rules.version_page(self._documents(), size, self._get_param("NextToken")))

    def update_document_default_version(self) -> ActionResult:
        """API_UpdateDocumentDefaultVersion: accepts an existing number."""
        version = self._get_param("DocumentVersion")
        document_rules.check_number(version)
        documents = self._documents()
        found = document_rules.find(documents, version, None)
        documents.update_default_version(found.document_version)
        description = {"Name": found.name, "DefaultVersion": found.document_version}
        if found.version_name:
            description["DefaultVersionName"] = found.version_name
        return ActionResult({"Description": description})

    def delete_document(self) -> ActionResult:
        """API_DeleteDocument: all versions, or one that is not the default."""
        documents = self._documents()
        version = self._get_param("DocumentVersion")
        chosen = document_rules.version_to_delete(documents, version, self._get_param("VersionName"))
        self.ssm_backend.delete_document(
            name=self._get_param("Name"),
            document_version=chosen or "",
            version_name="",
            force=self._get_param("Force", False),
        )
        if documents.versions:
            # moto compares version numbers as text, in which 9 is greater than 10
            documents.latest_version = max(documents.versions, key=int)
        return EmptyResult()

    def _documents(self) -> Documents:
        """Return the document in the request, with all its versions."""
        name = str(self._get_param("Name"))
        known: dict[str, Documents] = vars(self.ssm_backend)["_documents"]
        # the name may be an ARN: API_GetDocument's pattern allows it
        found = known.get(name.rsplit("document/", 1)[-1])
        if found is None:
            raise InvalidDocument(f"Document with name {name} does not exist.")
        return found

    def _version(self) -> Document:
        """Return the version in the request."""
        version = self._get_param("DocumentVersion")
        return document_rules.find(self._documents(), version, self._get_param("VersionName"))

    def _tags_of(self, name: str) -> list[dict[str, str]]:
        tags = self.ssm_backend.list_tags_for_resource("Document", name)
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def _document_from_request(self, kind: str, version: str) -> Document:
        """Return the version that the request describes; it is not stored yet.

        Raises:
            InvalidDocumentContent: The content cannot be parsed.
        """
        make: Any = Document
        try:
            return make(
                account_id=self.current_account,
                name=self._get_param("Name"),
                version_name=self._get_param("VersionName"),
                content=self._get_param("Content"),
                document_type=kind,
                document_format=self._get_param("DocumentFormat", "JSON"),
                requires=self._get_param("Requires"),
                attachments=self._get_param("Attachments"),
                target_type=self._get_param("TargetType"),
                document_version=version,
            )
        except (AttributeError, TypeError) as unreadable:
            # moto assumes that the content is an object
            raise InvalidDocumentContent("The content for the document isn't valid.") from unreadable


def check_content(kind: str, document: Document) -> None:
    """Check the size, and the schema of Session documents.

    Raises:
        SSMException: `MaxDocumentSizeExceeded`, `InvalidDocumentSchemaVersion` or `InvalidDocumentContent`.
    """
    if len(document.content.encode()) > MAX_BYTES:
        raise SSMException("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    content: Any = document.content_json
    if kind == "Session" and not document_rules.supports_schema_version(content):
        raise SSMException(
            "InvalidDocumentSchemaVersion",
            f"The version of the document schema isn't supported: {content['schemaVersion']!r}, not '1.0'.",
        )
    problems = document_rules.problems(kind, content, document.name)
    if problems:
        raise InvalidDocumentContent(f"The content for the document isn't valid. {'; '.join(problems)}")


def check_new_version(documents: Documents, new: Document) -> None:
    """Check that API_UpdateDocument accepts a version besides the existing ones.

    Raises:
        SSMException: `DocumentVersionLimitExceeded`, `DuplicateDocumentVersionName` or `DuplicateDocumentContent`.
    """
    settings = SETTINGS.current()
    if len(documents.versions) >= settings.document_version_limit:
        raise SSMException(
            "DocumentVersionLimitExceeded",
            "The document has too many versions. Delete one or more document versions and try again.",
        )
    if new.version_name and documents.find_by_version_name(new.version_name):
        raise DuplicateDocumentVersionName("The version name has already been used in this document.")
    latest_only = settings.duplicate_document_content == "latest"
    compared = [documents.get_latest_version()] if latest_only else list(documents.versions.values())
    if any(_same(version, new) for version in compared):
        raise DuplicateDocumentContent(
            "The content of the association document matches another document. "
            "Change the content of the document and try again."
        )


def _same(old: Document, new: Document) -> bool:
    """Return whether the contents are identical byte for byte, and the target type is unchanged."""
    return old.content == new.content and new.target_type in (None, old.target_type)
