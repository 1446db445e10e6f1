"""The account from the view of another principal: the resources that the document names, and its versions."""

import json
from typing import Any, Final

from components.adoption.document_ownership import NO_PRIOR_VERSION, OWNER_TAG, PRIOR_VERSION_TAG
from components.session_manager.document import DOCUMENT_NAME, Preferences, document, reset_preferences
from tests.support.faults.in_process import REGION, LocalAws

BUCKET: Final = "session-logs"
LOG_GROUP: Final = "session-logs"

Content = dict[str, Any]


class Account:
    """An account of a local AWS, always reached without a proxy.

    Attributes:
        key_id: ID of a symmetric key, for session data and the log group.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self.ssm, self.kms, self._logs, self._s3 = (aws.client(name) for name in ("ssm", "kms", "logs", "s3"))
        self.key_id = ""

    def prepare(self) -> None:
        """Clear the account and create everything that the preferences name."""
        self._aws.reset()
        key = self.kms.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
        self.key_id = str(key["KeyId"])
        self._logs.create_log_group(logGroupName=LOG_GROUP, kmsKeyId=key["Arn"])
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def preferences(self, minutes: int) -> Preferences:
        """Return preferences that name a key, an encrypted log group and an encrypted bucket.

        Args:
            minutes: Minutes until an idle session ends, which distinguish preferences.
        """
        return reset_preferences() | {
            "kmsKeyId": self.key_id,
            "cloudWatchLogGroupName": LOG_GROUP,
            "cloudWatchEncryptionEnabled": True,
            "s3BucketName": BUCKET,
            "s3EncryptionEnabled": True,
            "idleSessionTimeout": minutes,
        }

    def ours(self, minutes: int) -> Content:
        """Return this project's document with the preferences of these minutes."""
        return document(self.preferences(minutes))

    def make_in_console(self, minutes: int, edition: int = 0) -> None:
        """Create a document that no stack owns."""
        text = json.dumps(foreign(minutes, edition))
        self.ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=text)

    def edit(self, minutes: int, edition: int = 0, *, default: bool) -> None:
        """Add a version as another principal, and make it the default version or not."""
        text = json.dumps(foreign(minutes, edition))
        made = self.ssm.update_document(
            Name=DOCUMENT_NAME, Content=text, DocumentVersion="$LATEST", DocumentFormat="JSON"
        )
        if default:
            version = made["DocumentDescription"]["DocumentVersion"]
            self.ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=version)

    def delete(self) -> None:
        """Delete the document as another principal."""
        self.ssm.delete_document(Name=DOCUMENT_NAME)

    def versions(self) -> list[Content | None]:
        """Return the contents of all versions, the oldest first; empty where there is no document."""
        try:
            listed = self.ssm.list_document_versions(Name=DOCUMENT_NAME)["DocumentVersions"]
        except self.ssm.exceptions.InvalidDocument:
            return []
        return [self.content(number) for number in sorted((each["DocumentVersion"] for each in listed), key=int)]

    def content(self, version: str = "$DEFAULT") -> Content | None:
        """Return the content of a version; None where there is no document."""
        try:
            found = self.ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion=version, DocumentFormat="JSON")
        except self.ssm.exceptions.InvalidDocument:
            return None
        return json.loads(found["Content"])

    def holder(self) -> str | None:
        """Return the stack that the document's tag names; None where there is no tag or no document."""
        return self._tags().get(OWNER_TAG)

    def marks(self) -> set[str]:
        """Return the tags of this project on the document; empty where there is no document."""
        return self._tags().keys() & {OWNER_TAG, PRIOR_VERSION_TAG}

    def prior(self) -> Content | None:
        """Return the content that `restore` would restore, according to the tags; None where there was no document."""
        version = self._tags()[PRIOR_VERSION_TAG]
        return None if version == NO_PRIOR_VERSION else self.content(version)

    def _tags(self) -> dict[str, str]:
        try:
            listed = self.ssm.list_tags_for_resource(ResourceType="Document", ResourceId=DOCUMENT_NAME)["TagList"]
        except self.ssm.exceptions.InvalidResourceId:
            return {}
        return {tag["Key"]: tag["Value"] for tag in listed}


def foreign(minutes: int, edition: int = 0) -> Content:
    """Return the document as another principal writes it."""
    made = f"made in the console, edition {edition}"
    return document(reset_preferences() | {"idleSessionTimeout": minutes}) | {"description": made}
