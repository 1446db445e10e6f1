"""Ownership of a document: its tags, the names of its versions, and the prior document in the state. Pure.

Other tools remove tags that they did not set, so ownership does not depend on the tags alone: the name of each version
that a stack publishes identifies the stack, and no call can change it later; the state keeps the prior document.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from components.adoption.document_content import content_sha256, serialized

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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


OWNER_TAG: Final = "shell-access:owner"
PRIOR_VERSION_TAG: Final = "shell-access:prior-version"
NO_PRIOR_VERSION: Final = "none"

OWNERSHIP_INPUTS: Final = ("owner", "takeOver", "tags")
"""Inputs that every governed document has."""


@dataclass(frozen=True, kw_only=True)
class PriorDocument:
    """A document before a stack governed it.

    Its version is `NO_PRIOR_VERSION` where none existed; an unknown text is None. Its tags lack those of this program.
    """

    version: str
    text: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


NO_DOCUMENT: Final = PriorDocument(version=NO_PRIOR_VERSION)


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """Stack that governs a document, and the document's properties in its state.

    Attributes:
        owner: Name of the stack on the document: `organization/project/stack`.
        known_as: Names under which this stack may have governed it before.
        take_over: Whether to take the document over from another stack.
        tags: Tags of the settings.
        former_tags: Keys of tags in earlier settings.
        prior: Prior document in the state; None without a state.
    """

    owner: str
    known_as: frozenset[str] = frozenset()
    take_over: bool = False
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    former_tags: frozenset[str] = frozenset()
    prior: PriorDocument | None = None

    @property
    def names(self) -> frozenset[str]:
        """All names of this stack."""
        return self.known_as | {self.owner}

    def permits(self, holder: str | None) -> bool:
        """Return whether this stack may govern a document with this owner tag (None: without one)."""
        return holder is None or holder in self.names or self.take_over

    def has_published(self, version_name: str) -> bool:
        """Return whether this stack published a version, by its name, which cannot be changed."""
        return any(version_name.startswith(_name_prefix(PUBLISHED, name)) for name in self.names)


PUBLISHED: Final = "shell-access"
RELEASED: Final = "shell-access-released"


def new_version_name(owner: str, kind: str = PUBLISHED) -> str:
    """Return an unused name for a version; names are unique within a document (API reference, UpdateDocument)."""
    return f"{_name_prefix(kind, owner)}{secrets.token_hex(8)}"


def _name_prefix(kind: str, owner: str) -> str:
    """Return the prefix, with the owner as a hash: version names have no slashes, and 128 characters at most."""
    return f"{kind}.{hashlib.sha256(owner.encode()).hexdigest()[:16]}."


def prior_version(
    *,
    marked: str | None,
    known: PriorDocument | None,
    default: str,
    published: Mapping[int, bool],
    released: int = 0,
) -> str:
    """Return the version that was the default before this stack; never one that the stack published.

    Args:
        marked: Prior version according to the tag; None without the tag.
        known: Prior document according to the state.
        default: Default version.
        published: All versions, and whether this stack published each.
        released: Last version with which an earlier stack of this name released the document; 0 without one.
    """
    first = min((number for number, own in published.items() if own and number > released), default=None)
    others = {str(number) for number, own in published.items() if not own}
    earlier = {number for number in others if first is None or int(number) < first}
    state = known.version if known else None
    if marked in others:
        return marked
    if first is None:
        # No version is of this stack: the state may be about a document that was deleted.
        return marked if marked == NO_PRIOR_VERSION else default
    if state in others:
        return state
    if NO_PRIOR_VERSION in (marked, state):
        return NO_PRIOR_VERSION
    # A deleted version is still the prior one: the state has its content, or else it cannot be restored.
    is_deleted = marked is not None and marked.isdecimal() and int(marked) not in published
    deleted = known.version if known and known.text is not None else marked if is_deleted else None
    if deleted is not None:
        return deleted
    return default if default in earlier else max(earlier, key=int, default=NO_PRIOR_VERSION)


def ownership_of(properties: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> Ownership:
    """Return the ownership that a resource's inputs describe, or its state where it is deleted."""
    state: Mapping[str, Any] = olds or {}
    tags = _tags_of(properties)
    return Ownership(
        owner=properties["owner"],
        known_as=frozenset({str(state["owner"])}) if state.get("owner") else frozenset(),
        take_over=bool(properties.get("takeOver")),
        tags=tags,
        former_tags=frozenset(_tags_of(state)) - tags.keys(),
        prior=_kept(state),
    )


def _tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags; the engine drops empty mappings."""
    return properties.get("tags") or {}


def _kept(state: Mapping[str, Any]) -> PriorDocument | None:
    if not state.get("priorVersion"):
        return None
    return PriorDocument(
        version=state["priorVersion"], text=state.get("priorContent"), tags=state.get("priorTags") or {}
    )


def release_of(state: Mapping[str, Any]) -> Ownership:
    """Return the ownership of a resource that is deleted, from its state."""
    return ownership_of(state, state)


def ownership_outputs(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the outputs that reveal a missing tag: this program's live tags."""
    return {"ownerTag": tags.get(OWNER_TAG, ""), "priorVersionTag": tags.get(PRIOR_VERSION_TAG, "")}


def prior_outputs(prior: PriorDocument) -> dict[str, Any]:
    """Return the outputs with the prior document.

    Its content is secret in the state, as another principal's shell profile may contain secrets.
    """
    content = {} if prior.text is None else {"priorContent": prior.text}
    return {"priorVersion": prior.version, "priorTags": dict(prior.tags), **content}


SECRET_OUTPUTS: Final = ["priorContent"]


def kept_outputs(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs that a refresh copies from the state, as AWS does not have them."""
    names = ("priorVersion", "priorContent", "priorTags", "publishedSha256")
    return {name: state[name] for name in names if name in state}


def has_ownership_drift(state: Mapping[str, Any]) -> bool:
    """Return whether a tag of this program was missing or different when the state was last read or written."""
    if "ownerTag" not in state:
        return False
    expected = (state.get("owner"), state.get("priorVersion"))
    return (state["ownerTag"], state.get("priorVersionTag")) != expected


def live_tags_of(state: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the live values of the input `tags`, limited to tags of the settings: the stack does not govern others."""
    desired = _tags_of(state)
    return {"tags": {key: tags[key] for key in desired if key in tags}} if desired else {}


def others_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that are not this program's."""
    return {key: value for key, value in tags.items() if key not in (OWNER_TAG, PRIOR_VERSION_TAG)}


def published_sha256(content: Mapping[str, Any]) -> str:
    """Return the hash of a content, independent of its spelling."""
    return content_sha256(serialized(content))


def numbered(versions: Iterable[Mapping[str, Any]], ownership: Ownership) -> dict[int, bool]:
    """Return every version in a response of ListDocumentVersions, and whether the stack published it."""
    return {
        int(version["DocumentVersion"]): ownership.has_published(version.get("VersionName", "")) for version in versions
    }


def last_release(versions: Iterable[Mapping[str, Any]], ownership: Ownership) -> int:
    """Return the last version with which a stack of this name released the document; 0 without one."""
    prefixes = tuple(_name_prefix(RELEASED, name) for name in ownership.names)
    released = (each for each in versions if each.get("VersionName", "").startswith(prefixes))
    return max((int(each["DocumentVersion"]) for each in released), default=0)
