"""Documents as resources that converge: dynamic providers over the document store.

The AWS provider's document resource fails if the document exists, never changes a document's type, and fails
permanently once a later version is not the default; hence this provider.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from components.adoption.document_content import input_text, same_input, text_of_input
from components.adoption.document_ownership import (
    OWNER_TAG,
    OWNERSHIP_INPUTS,
    SECRET_OUTPUTS,
    OnDestroy,
    has_ownership_drift,
    kept_outputs,
    live_tags_of,
    ownership_of,
    ownership_outputs,
    prior_outputs,
    published_sha256,
    release_of,
)
from components.adoption.document_store import DocumentIdentity, DocumentStore, LiveDocument
from components.adoption.dynamic_provider import (
    HIDDEN,
    SECRET_PROPERTIES,
    AwsResourceProvider,
    DynamicResource,
    is_secret,
    log,
    this_stack,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.adoption.document_content import PlannedDocument


_MOST_LINES: Final = 40

Properties = dict[str, Any]


class DocumentProvider(AwsResourceProvider):
    """Publishes documents with the credentials and endpoints of the stack's AWS provider.

    Attributes:
        fixed: Inputs whose change replaces the document.
        governed: Inputs that the state keeps, beside the fixed ones.
        delete_before_replace: Whether the engine deletes a replaced document first.
    """

    fixed: ClassVar[tuple[str, ...]]
    governed: ClassVar[tuple[str, ...]]
    delete_before_replace: ClassVar[bool]

    def identity(self, props: Properties) -> DocumentIdentity:
        """Return the identity of the document."""
        raise NotImplementedError

    def desired_content(self, props: Properties) -> Mapping[str, Any]:
        """Return the content to publish; raises a `ResourceError` where it cannot be used."""
        raise NotImplementedError

    def live_inputs(self, live: LiveDocument) -> Properties:
        """Return the inputs that the live content has."""
        raise NotImplementedError

    def live_outputs(self, live: LiveDocument) -> Properties:
        """Return the outputs that only this kind of document has."""
        raise NotImplementedError

    def has_changed(self, olds: Properties, news: Properties) -> bool:
        """Return whether an input or the live document of the last refresh is not as desired."""
        raise NotImplementedError

    def is_known(self, olds: Properties, live: LiveDocument) -> bool:
        """Return whether the live document is as the state describes it."""
        raise NotImplementedError

    def differences(self, props: Properties, live: LiveDocument, *, adopts: bool) -> list[str]:
        """Return the differences between this stack's and a live document, one line each.

        With `adopts`, lines read from live to ours; else from ours to live.
        """
        raise NotImplementedError

    def on_destroy(self, _props: Properties) -> tuple[OnDestroy, Mapping[str, Any]]:
        """Return the action on the document when the stack is destroyed, and the content of a reset."""
        return OnDestroy.RESTORE, {}

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Report what adopting an existing document would change, before it is created."""
        if all(_olds.get(name) == news[name] for name in self.fixed):
            return CheckResult(news, [])
        adopted = _adopted(self._store(news), news, lambda live: self.differences(news, live, adopts=True))
        return CheckResult(news, adopted)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare by name, without a call: the state has the live values of the last update or refresh."""
        moved = [name for name in self.fixed if _olds.get(name) != _news.get(name)]
        changed = self.has_changed(_olds, _news) or _olds.get("defaultVersion") != _olds.get("documentVersion")
        changed = changed or has_ownership_drift(_olds)
        if changed and not moved:
            self._report(_olds)
        return DiffResult(
            changes=bool(moved) or changed, replaces=moved, delete_before_replace=self.delete_before_replace
        )

    def create(self, props: Properties) -> CreateResult:
        """Create the document, or adopt the existing one."""
        return CreateResult(f"{props['region']}/{self.identity(props).name}", self._publish(props, {}))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Publish a new version, make the latest one the default again, or set missing tags."""
        return UpdateResult(self._publish(_news, _olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live values under the names of the inputs, so that a refresh shows drift."""
        live = self._store(props).read()
        if live is None:
            return ReadResult("", {})
        inputs = {name: props[name] for name in (*self.fixed, *self.governed) if name in props}
        inputs |= self.live_inputs(live) | live_tags_of(props, live.tags)
        return ReadResult(id_, {**self._outputs(inputs, live), **kept_outputs(props)}, inputs)

    def delete(self, _id: str, _props: Properties) -> None:
        """Release the document: restore the prior one, or delete it if there was none, unless configured otherwise."""
        store = self._store(_props)
        action, reset_content = self.on_destroy(_props)
        published = str(_props.get("publishedSha256", ""))
        if not store.release(action, release_of(_props), published_hash=published, reset_content=reset_content):
            log(_left_alone(store))

    def _publish(self, news: Properties, olds: Properties) -> Properties:
        content = self.desired_content(news)
        live = self._store(news).publish(content, ownership_of(news, olds))
        return {
            **self._outputs(news, live),
            **prior_outputs(live.prior),
            "publishedSha256": published_sha256(content),
        }

    def _report(self, olds: Properties) -> None:
        """Report another principal's change that no refresh has shown, before it is replaced."""
        store = self._store(olds)
        live = store.read()
        if live and not (self.is_known(olds, live) and live.default_version == olds.get("defaultVersion")):
            log(_changed_by_others(store, live, self.differences(olds, live, adopts=False)))

    def _store(self, props: Properties) -> DocumentStore:
        region, clients = props["region"], self.clients()
        return DocumentStore(
            clients.client("ssm", region), region, self.identity(props), lambda: clients.caller_arn(region)
        )

    def _outputs(self, inputs: Properties, live: LiveDocument) -> Properties:
        return {name: value for name, value in inputs.items() if not name.startswith("__")} | {
            **ownership_outputs(live.tags),
            "documentVersion": live.latest_version,
            "defaultVersion": live.default_version,
            **self.live_outputs(live),
        }


class ConvergingDocumentProvider(DocumentProvider):
    """Publishes a document of any type; its content is one input, and the settings that it is made from are another."""

    fixed = ("region", "name", "documentType")
    governed = ("content", "section", "settings", SECRET_PROPERTIES, *OWNERSHIP_INPUTS)
    delete_before_replace = True

    def identity(self, props: Properties) -> DocumentIdentity:
        """Return name and type of the inputs."""
        return DocumentIdentity(name=props["name"], type=props["documentType"], section=props["section"])

    def desired_content(self, props: Properties) -> Mapping[str, Any]:
        """Return the input."""
        return json.loads(text_of_input(props["content"]))

    def live_inputs(self, live: LiveDocument) -> Properties:
        """Return the content, in the spelling of the input."""
        return {"content": same_input(live.text)}

    def live_outputs(self, live: LiveDocument) -> Properties:
        """Return the type, which another principal's document of the same name may have changed."""
        return {"liveType": live.type}

    def has_changed(self, olds: Properties, news: Properties) -> bool:
        """Compare the inputs, and the live type."""
        mistyped = olds.get("liveType") != news.get("documentType")
        return mistyped or any((olds.get(name) or None) != (news.get(name) or None) for name in self.governed)

    def is_known(self, olds: Properties, live: LiveDocument) -> bool:
        """Compare the content."""
        return same_input(live.text) == olds.get("content")

    def differences(self, props: Properties, live: LiveDocument, *, adopts: bool) -> list[str]:
        """Return the differences as lines of JSON, unless the content holds a secret."""
        if is_secret(props, "content"):
            return [f"content: {HIDDEN} -> {HIDDEN}"]
        theirs, ours = (text_of_input(each) for each in (same_input(live.text), str(props.get("content"))))
        return _differing_lines(theirs, ours) if adopts else _differing_lines(ours, theirs)


class ConvergingDocument(DynamicResource, module="ssm", name="Document"):
    """A document whose default and latest version have the desired content after every update.

    Attributes:
        document_version: Latest version, which is the default one after every update.
    """

    document_version: pulumi.Output[str]

    def __init__(  # noqa: PLR0913 -- arguments of a resource
        self,
        name: str,
        planned: PlannedDocument,
        *,
        region: str,
        section: str,
        take_over: bool,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resource.

        Args:
            name: Name of the resource.
            planned: The document.
            region: Region of the document.
            section: Section of the configuration, for advice (`approval`).
            take_over: Whether to take the document over from another stack that owns it.
            tags: Tags of the document.
            opts: Options of the resource.
        """
        properties: dict[str, Any] = {
            "region": region,
            "name": planned.name,
            "documentType": planned.type,
            "content": input_text(planned.content),
            "owner": this_stack(),
            "section": section,
            "settings": dict(planned.settings),
            "takeOver": take_over,
            "tags": dict(tags),
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=SECRET_OUTPUTS)
        super().__init__(ConvergingDocumentProvider(), name, properties, pulumi.ResourceOptions.merge(opts, secret))


def _adopted(
    store: DocumentStore, props: Mapping[str, Any], differences: Callable[[LiveDocument], list[str]]
) -> list[CheckFailure]:
    """Report what will change about an existing document, or why it must not be adopted."""
    live = store.read()
    if live is None:
        return []
    ownership, holder = ownership_of(props), live.tags.get(OWNER_TAG)
    if not ownership.permits(holder):
        return [CheckFailure("owner", store.kept_by_another(str(holder)))]
    if holder == ownership.owner:
        return []
    if holder is None and ownership.has_published(live.version_name):
        kept = "what was there before this stack is looked up in its versions"
        log(_listed(f"{store} was published by this stack and has lost its tags; {kept}", differences(live)))
        return []
    origin = f"is owned by the stack {holder}" if holder else "exists already"
    kept = f"the live content remains as version {live.default_version} and is restored on destroy unless configured otherwise"
    log(_listed(f"{store} {origin} and will be taken over; {kept}", differences(live)))
    return []


def _changed_by_others(store: DocumentStore, live: LiveDocument, differences: list[str]) -> str:
    """Report changes of other principals since the last update or refresh."""
    kept = f"theirs stays as version {live.default_version}"
    return _listed(
        f"{store} was changed by another principal since the last run and will be replaced; {kept}", differences
    )


def _left_alone(store: DocumentStore) -> str:
    """Return the notice about a document that a destroy does not change."""
    return (
        f"{store} has no tag of this program any more and is not what this stack published, so it is not changed; check "
        "what its version history holds"
    )


def _differing_lines(before: str, after: str) -> list[str]:
    """Return the differences of two texts as lines, truncated where long."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    left_out = len(lines) - _MOST_LINES
    return lines if left_out <= 0 else [*lines[:_MOST_LINES], f"... and {left_out} more lines"]


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join([f"{heading}:" if lines else f"{heading}; nothing differs", *(f"    {line}" for line in lines)])
