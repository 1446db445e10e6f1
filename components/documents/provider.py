"""A document as a resource that converges: a dynamic provider over the document store.

The AWS provider's document resource fails if the document exists, never changes a document's type, and fails
permanently once a later version is not the default; hence this provider.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.documents.content import serialized
from components.documents.on_destroy import OnDestroy
from components.documents.ownership import (
    OWNERSHIP_INPUTS,
    SECRET_OUTPUTS,
    has_ownership_drift,
    kept_outputs,
    live_tags_of,
    ownership_of,
    ownership_outputs,
    prior_outputs,
    published_sha256,
    release_of,
)
from components.documents.reports import adopted, changed_by_others, left_alone, lines_that_differ
from components.documents.store import DocumentIdentity, DocumentStore, LiveDocument
from components.dynamic_provider import HIDDEN, SECRET_PROPERTIES, AwsResourceProvider, is_secret, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

Properties = dict[str, Any]

_FIXED = ("region", "name", "documentType")
_GOVERNED = ("content", "section", SECRET_PROPERTIES, *OWNERSHIP_INPUTS)


class ConvergingDocumentProvider(AwsResourceProvider):
    """Publishes documents with the credentials and endpoints of the stack's AWS provider."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Report what adopting an existing document would change, before it is created."""
        if _olds.get("name"):
            return CheckResult(news, [])
        store = self._store(news)
        return CheckResult(news, adopted(store, news, lambda live: _lines(news, _normal(live.text), news["content"])))

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare by name, without a call: the state has the live values of the last update or refresh."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        changed = any((_olds.get(name) or None) != (_news.get(name) or None) for name in _GOVERNED)
        unsettled = _olds.get("defaultVersion") != _olds.get("documentVersion")
        mistyped = _olds.get("liveType") != _news.get("documentType")
        changes = bool(moved) or changed or unsettled or mistyped or has_ownership_drift(_olds)
        if changes and not moved:
            self._report(_olds)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=True)

    def create(self, props: Properties) -> CreateResult:
        """Create the document, or adopt the existing one."""
        return CreateResult(f"{props['region']}/{props['name']}", self._publish(props, {}))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Publish a new version, make the latest one the default again, or set missing tags."""
        return UpdateResult(self._publish(_news, _olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live properties, so that a refresh shows drift."""
        live = self._store(props).read()
        if live is None:
            return ReadResult("", {})
        inputs = {name: props[name] for name in (*_FIXED, *_GOVERNED) if name in props}
        inputs |= {"content": _normal(live.text)} | live_tags_of(props, live.tags)
        return ReadResult(id_, {**_outputs(inputs, live), **kept_outputs(props)}, inputs)

    def delete(self, _id: str, _props: Properties) -> None:
        """Restore the prior document; delete the document if there was none."""
        store = self._store(_props)
        published = str(_props.get("publishedSha256", ""))
        if not store.release(OnDestroy.RESTORE, release_of(_props), published_hash=published):
            tell(left_alone(store))

    def _publish(self, news: Properties, olds: Properties) -> Properties:
        content = json.loads(news["content"])
        live = self._store(news).publish(content, ownership_of(news, olds))
        return {
            **_outputs(news, live),
            **prior_outputs(live.prior),
            "publishedSha256": published_sha256(content),
        }

    def _report(self, olds: Properties) -> None:
        """Report another principal's change that no refresh has shown, before it is replaced."""
        store = self._store(olds)
        live = store.read()
        if live and (_normal(live.text) != olds.get("content") or live.default_version != olds.get("defaultVersion")):
            tell(changed_by_others(store, live, _lines(olds, str(olds.get("content")), _normal(live.text))))

    def _store(self, props: Properties) -> DocumentStore:
        region, clients = props["region"], self.clients()
        identity = DocumentIdentity(name=props["name"], type=props["documentType"], section=props["section"])
        return DocumentStore(clients.client("ssm", region), region, identity, lambda: clients.caller_arn(region))


def _lines(props: Properties, before: str, after: str) -> list[str]:
    """Return the differences between two contents, as far as a message may show them."""
    return [f"content: {HIDDEN} -> {HIDDEN}"] if is_secret(props, "content") else lines_that_differ(before, after)


def _normal(text: str) -> str:
    """Return the normal spelling of JSON; other text is returned unchanged."""
    try:
        return serialized(json.loads(text))
    except ValueError:
        return text


def _outputs(inputs: Properties, live: LiveDocument) -> Properties:
    return {name: value for name, value in inputs.items() if not name.startswith("__")} | {
        **ownership_outputs(live.tags),
        "documentVersion": live.latest_version,
        "defaultVersion": live.default_version,
        "liveType": live.type,
    }


@dataclass(frozen=True, kw_only=True)
class ConvergingDocumentArgs:
    """Arguments of `ConvergingDocument`.

    Attributes:
        region: Region of the document.
        name: Name of the document.
        type: `Automation`, `Automation.ChangeTemplate`, ...
        content: Content of the document.
        owner: Name of the stack, as recorded on the document.
        section: Section of the configuration, for advice (`approval`).
        take_over: Whether to take the document over from another stack that owns it.
        tags: Tags of the document.
    """

    region: str
    name: str
    type: str
    content: Mapping[str, Any]
    owner: str
    section: str
    take_over: bool = False
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class ConvergingDocument(Resource, module="ssm", name="Document"):
    """A document whose default and latest version have the desired content after every update.

    Attributes:
        document_version: Latest version, which is the default one after every update.
    """

    document_version: pulumi.Output[str]

    def __init__(self, name: str, args: ConvergingDocumentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the resource.

        Args:
            name: Name of the resource.
            args: Arguments of the resource.
            opts: Resource options.
        """
        properties: dict[str, Any] = {
            "region": args.region,
            "name": args.name,
            "documentType": args.type,
            "content": serialized(args.content),
            "owner": args.owner,
            "section": args.section,
            "takeOver": args.take_over,
            "tags": dict(args.tags),
            # Known once published; declared so that it is an output.
            "document_version": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=SECRET_OUTPUTS)
        super().__init__(ConvergingDocumentProvider(), name, properties, pulumi.ResourceOptions.merge(opts, secret))

    def translate_output_property(self, prop: str) -> str:
        """Return the attribute's name for a property's name in the engine."""
        return "document_version" if prop == "documentVersion" else prop

    def translate_input_property(self, prop: str) -> str:
        """Return the property's name in the engine for an attribute's name."""
        return "documentVersion" if prop == "document_version" else prop
