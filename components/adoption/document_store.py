"""One document in Systems Manager: read, publish, release.

Two tags on the document name its owner and the prior version. They are set before the first write, so that neither a
crash nor a lost state lets a later run take this stack's own content for the prior one; where a tag is missing, the
state and the names of the versions replace it (`ownership.py`).
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from tenacity import wait_exponential

from common.aws.failures import FailureCause, MalformedAnswerError, ResourceError, explained
from components.adoption.document_content import content_sha256, same_content, serialized
from components.adoption.document_ownership import (
    NO_DOCUMENT,
    NO_PRIOR_VERSION,
    OWNER_TAG,
    PRIOR_VERSION_TAG,
    RELEASED,
    OnDestroy,
    Ownership,
    PriorDocument,
    last_release,
    new_version_name,
    numbered,
    others_tags,
    prior_version,
    published_sha256,
)
from components.adoption.dynamic_provider import read_created, until_settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import DocumentTypeType
    from mypy_boto3_ssm.type_defs import TagTypeDef

_ACTIVE_WITHIN_SECONDS: Final = 60
_ACTIVE: Final = "Active"
_IN_MOTION: Final = ("Creating", "Updating")
_LATEST: Final = "$LATEST"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class LiveDocument:
    """Live document.

    Attributes:
        text: Content of the default version, unchanged.
        default_version: Version that sessions use unless they name another.
        latest_version: Latest version; the default one unless another principal changed it.
        type: Type; not the desired one where another principal deleted the document and created another of its name.
        version_name: Name of the default version; empty: none.
        tags: All tags of the document.
        prior: Document before this stack, once it is published.
    """

    text: str
    default_version: str
    latest_version: str
    type: str
    version_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    prior: PriorDocument = NO_DOCUMENT

    @property
    def sha256(self) -> str:
        """SHA-256 hash of the default version's text, in hexadecimal."""
        return content_sha256(self.text)


@dataclass(frozen=True, kw_only=True)
class DocumentIdentity:
    """Name and type of a document, and its section of the configuration, for advice (`sessionManager`)."""

    name: str
    type: str
    section: str


class DocumentStore:
    """One document of the client's Region."""

    def __init__(
        self, ssm: SSMClient, region: str, identity: DocumentIdentity, caller: Callable[[], str] = lambda: "the caller"
    ) -> None:
        """Initialize without a call."""
        self._ssm = ssm
        self._region = region
        self._identity = identity
        self._name = identity.name
        self._caller = caller

    def read(self) -> LiveDocument | None:
        """Return the live document, in two calls; None: it does not exist.

        Raises:
            ResourceError: AWS does not respond, or denies the request.
        """
        with self._explained():
            described = self._describe()
            if described is None:
                return None
            default = described["DefaultVersion"]
            return LiveDocument(
                text=self._text(default),
                default_version=default,
                latest_version=described["LatestVersion"],
                type=described["DocumentType"],
                version_name=described.get("VersionName", ""),
                tags=_tags(described),
            )

    def kept_by_another(self, holder: str) -> str:
        """Return the message for a document that another stack owns."""
        return (
            f"{self} is owned by the stack {holder}. One stack governs an account: destroy that stack first, or "
            f"set shell-access:{self._identity.section}.takeOver to true here"
        )

    def marks(self) -> dict[str, str]:
        """Return this program's tags on the document, which must exist."""
        answer = self._ssm.list_tags_for_resource(ResourceType="Document", ResourceId=self._name)
        return {
            tag["Key"]: tag["Value"]
            for tag in answer.get("TagList", ())
            if tag["Key"] in (OWNER_TAG, PRIOR_VERSION_TAG)
        }

    def publish(self, content: Mapping[str, Any], ownership: Ownership) -> LiveDocument:
        """Make the content the latest and the default version, whatever the current one.

        It is retried once where another run interfered: of several runs at least the last one succeeds.

        Raises:
            ResourceError: Another stack owns it, it does not settle, or AWS does not respond or denies the request.
        """
        with self._explained():
            live = self._published(content, ownership) or self._published(content, ownership)
        if live is None:
            raise ResourceError(
                f"{self}: another run changed the document at the same time; run the same command again"
            )
        return live

    def _published(self, content: Mapping[str, Any], ownership: Ownership) -> LiveDocument | None:
        """Return the document as published; None: another run changed it meanwhile."""
        owner, was_ours, prior = ownership.owner, True, NO_DOCUMENT
        for _ in range(_ATTEMPTS):
            described = self._describe()
            if described is None:
                if self._create(content, ownership):
                    break
                continue
            if described["DocumentType"] != self._identity.type:
                self._clear_the_name(described, ownership)
                continue
            was_ours = _tags(described).get(OWNER_TAG) == owner
            prior = self._take(described, ownership)
            self._converge(content, lambda: new_version_name(owner))
            break
        else:
            return None
        holder = owner if was_ours else self.marks().get(OWNER_TAG)
        if holder is not None and holder != owner:
            # Tags are written unconditionally: of two stacks that tag a document at once the later one owns it.
            raise ResourceError(self.kept_by_another(holder))
        live = self.read()
        if live is None or not same_content(_loaded(live.text), content) or live.default_version != live.latest_version:
            return None
        return replace(live, tags={**live.tags, **_desired_tags(ownership, prior)}, prior=prior)

    def release(
        self,
        on_destroy: OnDestroy,
        ownership: Ownership,
        *,
        published_hash: str = "",
        reset_content: Mapping[str, Any] | None = None,
    ) -> bool:
        """End this stack's ownership of the document, unless another stack or principal has it.

        Args:
            on_destroy: Action on the document.
            ownership: Ownership as published.
            published_hash: `published_sha256` of the last content that this stack published.
            reset_content: Content for `reset`.

        Returns:
            False where the document has no tag of this program and is not what this stack published: it is retained.

        Raises:
            ResourceError: The prior document no longer exists, or AWS does not respond or denies the request.
        """
        with self._explained():
            return self._release(on_destroy, ownership, published_hash, reset_content or {})

    def _release(
        self, on_destroy: OnDestroy, ownership: Ownership, published_hash: str, reset_content: Mapping[str, Any]
    ) -> bool:
        described = self._describe()
        if described is None:
            return True
        tags = _tags(described)
        holder = tags.get(OWNER_TAG)
        if holder is not None and holder != ownership.owner:
            return True
        if holder is None and PRIOR_VERSION_TAG not in tags and not self._is_own(described, ownership, published_hash):
            return False
        if on_destroy is OnDestroy.DELETE:
            self._delete()
        elif on_destroy is OnDestroy.RESTORE:
            self._restore(described, ownership)
        else:
            if on_destroy is OnDestroy.RESET:
                self._converge(reset_content, lambda: new_version_name(ownership.owner, RELEASED))
            self._remove_tags(tags, ownership)
        return True

    def _restore(self, described: Mapping[str, Any], ownership: Ownership) -> None:
        prior = self._prior(described, ownership)
        if prior.version == NO_PRIOR_VERSION:
            self._delete()
            return
        text = self._prior_text(prior)
        self._converge_to(
            text,
            lambda latest: same_content(_loaded(latest), _loaded(text)),
            lambda: new_version_name(ownership.owner, RELEASED),
        )
        self._remove_tags(_tags(described), replace(ownership, prior=prior))

    def _is_own(self, described: Mapping[str, Any], ownership: Ownership, published_hash: str) -> bool:
        """Return whether a document without tags is what this stack published."""
        if ownership.has_published(described.get("VersionName", "")):
            return True
        content = _loaded(self._text(described["DefaultVersion"]))
        return isinstance(content, dict) and published_sha256(cast("dict[str, Any]", content)) == published_hash

    def __str__(self) -> str:
        return f"{self._name} in {self._region}"

    def _explained(self) -> AbstractContextManager[None]:
        return explained(str(self), "ssm", self._region, self._caller)

    def _describe(self, version: str = "$DEFAULT") -> Mapping[str, Any] | None:
        """Return a version once its status is final; None: the document does not exist."""

        def describe() -> Mapping[str, Any]:
            return self._ssm.describe_document(Name=self._name, DocumentVersion=version)["Document"]

        with contextlib.suppress(self._ssm.exceptions.InvalidDocument):
            settled = until_settled(
                describe,
                lambda described: described.get("Status") in _IN_MOTION,
                seconds=_ACTIVE_WITHIN_SECONDS,
                wait=wait_exponential(multiplier=0.2, max=5),
            )
            if settled["Status"] in _IN_MOTION:
                raise ResourceError(
                    f"{self}: service: it is still {settled['Status']} after {_ACTIVE_WITHIN_SECONDS} seconds; "
                    "run the same command again in a few minutes",
                    FailureCause.SERVICE,
                )
            return settled
        return None

    def _check_latest(self) -> str:
        """Return the number of the latest version, which can become the default.

        Raises:
            ResourceError: Systems Manager could not process it; the default version is unchanged.
        """
        latest = read_created(lambda: self._describe(_LATEST)) or {"Status": "not found"}
        if latest["Status"] != _ACTIVE:
            reason = latest.get("StatusInformation") or "no reason was given"
            raise ResourceError(
                f"{self}: service: version {latest.get('LatestVersion', '?')} is {latest['Status']} ({reason}), so the "
                "version in force stays; run the same command again",
                FailureCause.SERVICE,
            )
        return latest["LatestVersion"]

    def _text(self, version: str) -> str:
        answer = self._ssm.get_document(Name=self._name, DocumentVersion=version, DocumentFormat="JSON")
        return str(answer["Content"])

    def _versions(self) -> list[Mapping[str, Any]]:
        """Return the versions of the document, which exists and so has at least one."""
        pages = self._ssm.get_paginator("list_document_versions").paginate(Name=self._name)
        versions = [version for page in pages for version in page["DocumentVersions"]]
        if not versions:
            raise MalformedAnswerError(operation="ListDocumentVersions", found=f"no version of {self._name}")
        return cast("list[Mapping[str, Any]]", versions)

    def _create(self, content: Mapping[str, Any], ownership: Ownership) -> bool:
        """Create the document; return False where another principal was faster."""
        tags = _desired_tags(ownership, NO_DOCUMENT)
        try:
            self._ssm.create_document(
                Name=self._name,
                DocumentType=cast("DocumentTypeType", self._identity.type),
                DocumentFormat="JSON",
                Content=serialized(content),
                VersionName=new_version_name(ownership.owner),
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
        except self._ssm.exceptions.DocumentAlreadyExists:
            return False
        self._check_latest()
        return True

    def _take(self, described: Mapping[str, Any], ownership: Ownership) -> PriorDocument:
        """Set the tags that the document lacks, and return the document before this stack."""
        tags = _tags(described)
        holder = tags.get(OWNER_TAG)
        if not ownership.permits(holder):
            raise ResourceError(self.kept_by_another(str(holder)))
        prior = self._prior(described, ownership)
        self._set_tags(tags, _desired_tags(ownership, prior))
        former = {key: prior.tags.get(key) for key in ownership.former_tags if key in tags}
        self._set_tags(tags, {key: value for key, value in former.items() if value is not None})
        self._drop_tags(key for key, value in former.items() if value is None)
        return prior

    def _prior(self, described: Mapping[str, Any], ownership: Ownership) -> PriorDocument:
        """Return the document before this stack: by tag and state where they agree, else by its versions, too."""
        tags, known = _tags(described), ownership.prior
        marked, default = tags.get(PRIOR_VERSION_TAG), described["DefaultVersion"]
        if known and marked == known.version:
            return known
        versions = self._versions()
        published, released = numbered(versions, ownership), last_release(versions, ownership)
        is_ours = any(own and number > released for number, own in published.items())
        if known and not is_ours and self._is_still(known, published):
            # The prior content was exactly the desired one, so that no version had to be published.
            return known
        version = prior_version(marked=marked, known=known, default=default, published=published, released=released)
        if known and is_ours and version == known.version:
            return known
        if version == NO_PRIOR_VERSION:
            return NO_DOCUMENT
        return PriorDocument(
            version=version,
            text=self._text(version) if int(version) in published else None,
            tags={} if OWNER_TAG in tags or is_ours else others_tags(tags),
        )

    def _is_still(self, known: PriorDocument, published: Mapping[int, bool]) -> bool:
        exists = known.version.isdecimal() and int(known.version) in published
        return exists and known.text is not None and self._text(known.version) == known.text

    def _set_tags(self, live: Mapping[str, str], desired: Mapping[str, str]) -> None:
        missing = [{"Key": key, "Value": value} for key, value in desired.items() if live.get(key) != value]
        if missing:
            self._ssm.add_tags_to_resource(
                ResourceType="Document", ResourceId=self._name, Tags=cast("list[TagTypeDef]", missing)
            )

    def _drop_tags(self, keys: Iterable[str]) -> None:
        listed = sorted(keys)
        if listed:
            self._ssm.remove_tags_from_resource(ResourceType="Document", ResourceId=self._name, TagKeys=listed)

    def _remove_tags(self, live: Mapping[str, str], ownership: Ownership) -> None:
        """Remove this program's tags last; tags of the settings are restored to their prior values."""
        prior = ownership.prior.tags if ownership.prior else NO_DOCUMENT.tags
        self._set_tags(live, {key: prior[key] for key in ownership.tags if key in prior})
        ours = {OWNER_TAG, PRIOR_VERSION_TAG, *(key for key in ownership.tags if key not in prior)}
        self._drop_tags(ours & live.keys())

    def _clear_the_name(self, described: Mapping[str, Any], ownership: Ownership) -> None:
        """Delete a document of another type that now has the name; one from before this stack is retained.

        A document's type never changes.
        """
        holder = _tags(described).get(OWNER_TAG)
        if not ownership.permits(holder):
            raise ResourceError(self.kept_by_another(str(holder)))
        if ownership.owner not in ownership.known_as:
            raise ResourceError(
                f"{self} is a document of type {described['DocumentType']}, not {self._identity.type}, and was there "
                "before this stack; rename or delete it, then run the same command again"
            )
        self._delete()

    def _converge(self, content: Mapping[str, Any], name: Callable[[], str]) -> None:
        self._converge_to(serialized(content), lambda text: same_content(_loaded(text), content), name)

    def _converge_to(self, text: str, is_right: Callable[[str], bool], name: Callable[[], str]) -> None:
        """Make the text the latest and the default version.

        It is published where `is_right` is false of the latest version. `name` returns an unused version name, which
        distinguishes published from restored content.
        """
        latest = self._describe(_LATEST) or {}
        if latest.get("Status") != _ACTIVE or not is_right(self._text(_LATEST)):
            self._update(text, latest.get("LatestVersion", "1"), is_right, name)
        self._promote_latest()

    def _update(self, text: str, latest_version: str, is_right: Callable[[str], bool], name: Callable[[], str]) -> None:
        """Make the text, or another spelling of the same JSON, the latest version.

        It is not documented whether `DuplicateDocumentContent` refers to the latest version or to any. Text of an older
        version is therefore sent again with as many empty lines as there were versions: no version has exactly that.
        """

        def is_written() -> bool:
            """Return whether the text was written: after a lost response, the retry of botocore is rejected."""
            latest = self._describe(_LATEST) or {}
            return latest.get("LatestVersion") != latest_version and is_right(self._text(_LATEST))

        body, end = text.rstrip()[:-1], text.rstrip()[-1:]
        for spelling in (text, body + "\n" * int(latest_version) + end):
            if self._send(spelling, is_written, name()):
                return
        raise ResourceError(f"{self}: a version that is not the latest has this content already, in every spelling")

    def _send(self, text: str, is_written: Callable[[], bool], name: str) -> bool:
        """Send an update; return False where a version other than the latest has this text."""
        duplicate = (
            self._ssm.exceptions.DuplicateDocumentContent,
            self._ssm.exceptions.DuplicateDocumentVersionName,
        )
        for has_room in (False, True):
            try:
                self._ssm.update_document(
                    Name=self._name, Content=text, DocumentVersion=_LATEST, DocumentFormat="JSON", VersionName=name
                )
            except duplicate:
                return is_written()
            except self._ssm.exceptions.DocumentVersionLimitExceeded:
                if is_written():
                    return True
                if has_room:
                    raise
                self._make_room()
            else:
                return True
        return False

    def _make_room(self) -> None:
        """Delete, at the version limit, the oldest version that is neither in force nor the prior one."""
        prior = self.marks().get(PRIOR_VERSION_TAG)
        spare = [
            int(version["DocumentVersion"])
            for version in self._versions()
            if not version.get("IsDefaultVersion") and version["DocumentVersion"] != prior
        ]
        with contextlib.suppress(self._ssm.exceptions.InvalidDocument, self._ssm.exceptions.InvalidDocumentVersion):
            self._ssm.delete_document(Name=self._name, DocumentVersion=str(min(spare)))

    def _promote_latest(self) -> None:
        latest = self._check_latest()
        described = self._describe() or {}
        if described.get("DefaultVersion") != latest:
            self._ssm.update_document_default_version(Name=self._name, DocumentVersion=latest)

    def _prior_text(self, prior: PriorDocument) -> str:
        """Return the content to restore: from the state if possible, as another document may have the number now."""
        if prior.text is not None:
            return prior.text
        try:
            return self._text(prior.version)
        except (self._ssm.exceptions.InvalidDocumentVersion, self._ssm.exceptions.InvalidDocument) as gone:
            raise ResourceError(
                f"{self}: version {prior.version}, which existed before this stack, has been deleted, so it cannot be restored; "
                f"set shell-access:{self._identity.section}.onDestroy to reset, retain or delete and destroy again"
            ) from gone

    def _delete(self) -> None:
        with contextlib.suppress(self._ssm.exceptions.InvalidDocument):
            self._ssm.delete_document(Name=self._name)


def _tags(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def _desired_tags(ownership: Ownership, prior: PriorDocument) -> dict[str, str]:
    return {**ownership.tags, OWNER_TAG: ownership.owner, PRIOR_VERSION_TAG: prior.version}


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
