"""One document as Systems Manager keeps it: found, published, given back.

Two tags on the document itself say whose it is and which version was there before: they are set before our first
write, so that neither a crash nor a lost state file lets a later run take our own content for the prior one.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from tenacity import retry, retry_if_result, stop_after_delay, wait_exponential

from components.aws_failures import Cause
from components.documents.content import content_sha256, same_content, serialized
from components.documents.errors import DocumentError, explained
from components.documents.on_destroy import OnDestroy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import DocumentTypeType

OWNER_TAG: Final = "shell-access:owner"
PRIOR_VERSION_TAG: Final = "shell-access:prior-version"
NO_PRIOR_VERSION: Final = "none"

_ACTIVE_WITHIN_SECONDS: Final = 60
_ACTIVE: Final = "Active"
_IN_MOTION: Final = ("Creating", "Updating")
_LATEST: Final = "$LATEST"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class LiveDocument:
    """The document as it is.

    Attributes:
        text: content of the default version, to the letter.
        default_version: the one that sessions get unless they name another.
        latest_version: equal to the default one unless somebody has intervened.
        type: what it was made as; not ours where somebody deleted the document and made another of its name.
    """

    text: str
    default_version: str
    latest_version: str
    type: str

    @property
    def sha256(self) -> str:
        """Of the default version's text, in hexadecimal."""
        return content_sha256(self.text)


@dataclass(frozen=True, kw_only=True)
class DocumentIdentity:
    """Which document, and how its settings are spelled in what is said about it.

    Attributes:
        name: of the document.
        type: `Session`, `Automation`, `Automation.ChangeTemplate`.
        section: of the configuration, for advice (`sessionManager`).
    """

    name: str
    type: str
    section: str


class DocumentStore:
    """One document of the Region that the client is for."""

    def __init__(
        self, ssm: SSMClient, region: str, identity: DocumentIdentity, caller: Callable[[], str] = lambda: "the caller"
    ) -> None:
        """Opens the document, without a call.

        Args:
            ssm: of the Region.
            region: for what is said.
            identity: of the document.
            caller: gives the ARN of who calls, for what is said about a missing permission.
        """
        self._ssm = ssm
        self._region = region
        self._identity = identity
        self._name = identity.name
        self._caller = caller

    def read(self) -> LiveDocument | None:
        """The live document, in two calls; None where there is none.

        Raises:
            DocumentError: AWS does not answer, or refuses.
        """
        with self._explained():
            return self._read()

    def look(self) -> tuple[LiveDocument, str | None] | None:
        """The live document and the stack that keeps it, if one does; None where there is no document.

        Raises:
            DocumentError: AWS does not answer, or refuses.
        """
        with self._explained():
            live = self._read()
            return (live, self.marks().get(OWNER_TAG)) if live else None

    def kept_by_another(self, holder: str) -> str:
        """What to say where another stack keeps the document."""
        return (
            f"{self} is kept by the stack {holder}. Two stacks must not govern one document: leave this Region to "
            f"that stack, or set shell-access:{self._identity.section}.takeOver to true here"
        )

    def marks(self) -> dict[str, str]:
        """Our tags on the document, which has to be there."""
        answer = self._ssm.list_tags_for_resource(ResourceType="Document", ResourceId=self._name)
        return {
            tag["Key"]: tag["Value"]
            for tag in answer.get("TagList", ())
            if tag["Key"] in (OWNER_TAG, PRIOR_VERSION_TAG)
        }

    def publish(
        self, content: Mapping[str, Any], *, owner: str, known_as: frozenset[str], take_over: bool
    ) -> LiveDocument:
        """Makes the content the latest and the default version, whatever was there.

        Args:
            content: of the document.
            owner: names this stack on the document.
            known_as: names under which this stack may have marked it before.
            take_over: take the document from another stack.

        Raises:
            DocumentError: it belongs to another stack, it does not settle, or AWS does not answer or refuses.
        """
        with self._explained():
            return self._publish(content, owner=owner, known_as=known_as, take_over=take_over)

    def _publish(
        self, content: Mapping[str, Any], *, owner: str, known_as: frozenset[str], take_over: bool
    ) -> LiveDocument:
        is_taken = False
        for _ in range(_ATTEMPTS):
            described = self._describe()
            if described is None:
                if self._create(content, owner):
                    break
                continue
            if described["DocumentType"] != self._identity.type:
                self._clear_the_name(described["DocumentType"], owner, known_as, take_over=take_over)
                continue
            is_taken = self._mark(described["DefaultVersion"], owner=owner, known_as=known_as, take_over=take_over)
            self._converge(content)
            break
        holder = self.marks().get(OWNER_TAG) if is_taken else owner
        if holder is not None and holder != owner:
            # Tags are written without a condition: of two stacks that mark a document at once the later one has it.
            raise DocumentError(self.kept_by_another(holder))
        live = self._read()
        if live is None or not same_content(_loaded(live.text), content) or live.default_version != live.latest_version:
            raise DocumentError(
                f"{self}: another run changed the document at the same time; run the same command again"
            )
        return live

    def give_back(self, on_destroy: OnDestroy, *, owner: str, reset_content: Mapping[str, Any] | None = None) -> None:
        """Ends our hold on the document; one that somebody else has marked since is left alone.

        Args:
            on_destroy: what becomes of it.
            owner: as it was published.
            reset_content: what `reset` leaves behind.

        Raises:
            DocumentError: what was there before is not to be found any more, or AWS does not answer or refuses.
        """
        with self._explained():
            self._give_back(on_destroy, owner=owner, reset_content=reset_content)

    def _give_back(self, on_destroy: OnDestroy, *, owner: str, reset_content: Mapping[str, Any] | None) -> None:
        if self._describe() is None:
            return
        marks = self.marks()
        if marks.get(OWNER_TAG) != owner:
            return
        prior = marks.get(PRIOR_VERSION_TAG, NO_PRIOR_VERSION)
        if on_destroy is OnDestroy.DELETE or (on_destroy is OnDestroy.RESTORE and prior == NO_PRIOR_VERSION):
            self._delete()
            return
        if on_destroy is OnDestroy.RESTORE:
            text = self._prior_text(prior)
            self._converge_to(text, lambda latest: same_content(_loaded(latest), _loaded(text)))
        elif on_destroy is OnDestroy.RESET:
            self._converge(reset_content or {})
        self._ssm.remove_tags_from_resource(
            ResourceType="Document", ResourceId=self._name, TagKeys=[OWNER_TAG, PRIOR_VERSION_TAG]
        )

    def __str__(self) -> str:
        return f"{self._name} in {self._region}"

    def _explained(self) -> AbstractContextManager[None]:
        return explained(str(self), "ssm", self._region, self._caller)

    def _read(self) -> LiveDocument | None:
        described = self._describe()
        if described is None:
            return None
        default = described["DefaultVersion"]
        return LiveDocument(
            text=self._text(default),
            default_version=default,
            latest_version=described["LatestVersion"],
            type=described["DocumentType"],
        )

    def _describe(self, version: str = "$DEFAULT") -> Mapping[str, Any] | None:
        """A version once it does not move any more; None where there is no document."""
        with contextlib.suppress(self._ssm.exceptions.InvalidDocument):
            settled = self._settled(version)
            if settled["Status"] in _IN_MOTION:
                raise DocumentError(
                    f"{self}: service: it is still {settled['Status']} after {_ACTIVE_WITHIN_SECONDS} seconds; "
                    "run the same command again in a few minutes",
                    Cause.SERVICE,
                )
            return settled
        return None

    def _settled(self, version: str) -> Mapping[str, Any]:
        def still_in_motion(described: Mapping[str, Any]) -> bool:
            return described.get("Status") in _IN_MOTION

        @retry(
            retry=retry_if_result(still_in_motion),
            stop=stop_after_delay(_ACTIVE_WITHIN_SECONDS),
            wait=wait_exponential(multiplier=0.2, max=5),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else {},
        )
        def describe() -> Mapping[str, Any]:
            return dict(self._ssm.describe_document(Name=self._name, DocumentVersion=version)["Document"])

        return describe()

    def _check_latest(self) -> str:
        """The number of the latest version, which is fit to be the default.

        Raises:
            DocumentError: Systems Manager could not process it; the default version is as it was.
        """
        latest = self._describe(_LATEST) or {"Status": "deleted"}
        if latest["Status"] != _ACTIVE:
            reason = latest.get("StatusInformation") or "no reason was given"
            raise DocumentError(
                f"{self}: service: version {latest.get('LatestVersion', '?')} is {latest['Status']} ({reason}), so the "
                "version in force stays; run the same command again",
                Cause.SERVICE,
            )
        return latest["LatestVersion"]

    def _text(self, version: str) -> str:
        return self._ssm.get_document(Name=self._name, DocumentVersion=version, DocumentFormat="JSON").get(
            "Content", ""
        )

    def _create(self, content: Mapping[str, Any], owner: str) -> bool:
        """False where somebody else was faster."""
        try:
            self._ssm.create_document(
                Name=self._name,
                DocumentType=cast("DocumentTypeType", self._identity.type),
                DocumentFormat="JSON",
                Content=serialized(content),
                Tags=[{"Key": OWNER_TAG, "Value": owner}, {"Key": PRIOR_VERSION_TAG, "Value": NO_PRIOR_VERSION}],
            )
        except self._ssm.exceptions.DocumentAlreadyExists:
            return False
        self._check_latest()
        return True

    def _mark(self, default_version: str, *, owner: str, known_as: frozenset[str], take_over: bool) -> bool:
        """Whether the document was not ours before."""
        marks = self.marks()
        holder = marks.get(OWNER_TAG)
        if holder == owner:
            return False
        if holder is not None and holder not in known_as and not take_over:
            raise DocumentError(self.kept_by_another(holder))
        prior = marks.get(PRIOR_VERSION_TAG, default_version)
        self._ssm.add_tags_to_resource(
            ResourceType="Document",
            ResourceId=self._name,
            Tags=[{"Key": OWNER_TAG, "Value": owner}, {"Key": PRIOR_VERSION_TAG, "Value": prior}],
        )
        return True

    def _clear_the_name(self, found: str, owner: str, known_as: frozenset[str], *, take_over: bool) -> None:
        """A document's type never changes: one of another type that took our name goes, one from before us does not."""
        holder = self.marks().get(OWNER_TAG)
        if holder not in (None, owner, *known_as) and not take_over:
            raise DocumentError(self.kept_by_another(str(holder)))
        if owner not in known_as:
            raise DocumentError(
                f"{self} is a document of type {found}, not {self._identity.type}, and was there before this stack; "
                "rename or delete it, then run the same command again"
            )
        self._delete()

    def _converge(self, content: Mapping[str, Any]) -> None:
        self._converge_to(serialized(content), lambda text: same_content(_loaded(text), content))

    def _converge_to(self, text: str, is_right: Callable[[str], bool]) -> None:
        latest = self._describe(_LATEST) or {}
        if latest.get("Status") != _ACTIVE or not is_right(self._text(_LATEST)):
            self._update(text, latest.get("LatestVersion", "1"), is_right)
        self._promote_latest()

    def _update(self, text: str, latest_version: str, is_right: Callable[[str], bool]) -> None:
        """Makes the text, or another spelling of the same JSON, the latest version.

        Whether `DuplicateDocumentContent` means the latest version or any is not documented. Text that an older
        version has already is therefore sent again with as many empty lines as there were versions: no version has
        just that.
        """

        def is_written() -> bool:
            """Where an answer is lost botocore sends the same again, and is refused for what it did the first time."""
            latest = self._describe(_LATEST) or {}
            return latest.get("LatestVersion") != latest_version and is_right(self._text(_LATEST))

        for spelling in (text, _respelled(text, int(latest_version))):
            if self._send(spelling, is_written):
                return
        raise DocumentError(f"{self}: a version that is not the latest has this content already, in every spelling")

    def _send(self, text: str, is_written: Callable[[], bool]) -> bool:
        """False where another version than the latest has this very text."""
        for has_room in (False, True):
            try:
                self._ssm.update_document(Name=self._name, Content=text, DocumentVersion=_LATEST, DocumentFormat="JSON")
            except self._ssm.exceptions.DuplicateDocumentContent:
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
        """At the version limit the oldest version that neither is in force nor was there before goes."""
        prior = self.marks().get(PRIOR_VERSION_TAG)
        pages = self._ssm.get_paginator("list_document_versions").paginate(Name=self._name)
        spare = [
            int(version.get("DocumentVersion", "0"))
            for page in pages
            for version in page["DocumentVersions"]
            if not version.get("IsDefaultVersion") and version.get("DocumentVersion") != prior
        ]
        with contextlib.suppress(self._ssm.exceptions.InvalidDocument, self._ssm.exceptions.InvalidDocumentVersion):
            self._ssm.delete_document(Name=self._name, DocumentVersion=str(min(spare)))

    def _promote_latest(self) -> None:
        latest = self._check_latest()
        described = self._describe() or {}
        if described.get("DefaultVersion") != latest:
            self._ssm.update_document_default_version(Name=self._name, DocumentVersion=latest)

    def _prior_text(self, version: str) -> str:
        try:
            return self._text(version)
        except (self._ssm.exceptions.InvalidDocumentVersion, self._ssm.exceptions.InvalidDocument) as gone:
            raise DocumentError(
                f"{self}: version {version}, which was there before, has been deleted, so it cannot be restored; "
                f"set shell-access:{self._identity.section}.onDestroy to reset, retain or delete and destroy again"
            ) from gone

    def _delete(self) -> None:
        with contextlib.suppress(self._ssm.exceptions.InvalidDocument):
            self._ssm.delete_document(Name=self._name)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _respelled(text: str, lines: int) -> str:
    body, end = text.rstrip()[:-1], text.rstrip()[-1:]
    return body + "\n" * lines + end
