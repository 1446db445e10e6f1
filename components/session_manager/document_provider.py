"""`SSM-SessionManagerRunShell` as a resource: a dynamic provider over the document store.

The ordinary document resource of the AWS provider fails on a document that exists, deletes what was there before, and
stops for good once a later version is not the default; hence a provider of our own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult
from pulumi.output import Unknown

from components.documents.reports import adopted, changed_by_others
from components.dynamic_provider import AwsResourceProvider, tell
from components.session_manager.document import (
    DESCRIPTION,
    DOCUMENT_NAME,
    PREFERENCES,
    Preferences,
    document,
    parse,
    reset_preferences,
)
from components.session_manager.document_store import DocumentStore, LiveDocument
from components.session_manager.prerequisites import Prerequisites
from components.session_manager.settings import OnDestroy

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

Properties = dict[str, Any]

_GOVERNED = (*PREFERENCES, "description", "owner", "onDestroy", "takeOver")


class RunShellDocumentProvider(AwsResourceProvider):
    """Publishes the preferences with the credentials and endpoints of the stack's AWS provider."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Says what taking over preferences that are there already would change, before they are created here."""
        if _olds.get("region") == news["region"]:
            return CheckResult(news, [])
        store = self._store(news["region"])
        return CheckResult(news, adopted(store, news, lambda live: _settings_that_differ(parse(live.text)[0], news)))

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compares by name, without a call: what is live is in the state, brought there by the last run or refresh."""
        moved = [name for name in ("region",) if _olds.get(name) != _news.get(name)]
        changed = any(_normal(name, _olds.get(name)) != _normal(name, _news.get(name)) for name in _GOVERNED)
        unsettled = _olds.get("defaultVersion") != _olds.get("documentVersion") or bool(_olds.get("foreignContent"))
        if (changed or unsettled) and not moved:
            self._report(_olds)
        return DiffResult(changes=bool(moved) or changed or unsettled, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Creates the document or takes over the one that is there."""
        live = self._publish(props, frozenset())
        return CreateResult(f"{props['region']}/{DOCUMENT_NAME}", _outputs(props, live))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Publishes a new version, or just makes the latest one the default again."""
        live = self._publish(_news, frozenset({str(_olds.get("owner", ""))}))
        return UpdateResult(_outputs(_news, live))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """What is live, by the same names, so that a refresh shows drift setting by setting."""
        live = self._store(props["region"]).read()
        if live is None:
            return ReadResult("", {})
        values, _ = parse(live.text)
        inputs = {name: value for name, value in props.items() if name in _GOVERNED or name == "region"} | values
        return ReadResult(id_, _outputs(inputs, live), inputs)

    def delete(self, _id: str, _props: Properties) -> None:
        """Gives the document back as `onDestroy` says."""
        self._store(_props["region"]).give_back(
            OnDestroy(_props["onDestroy"]), owner=_props["owner"], reset_content=document(reset_preferences())
        )

    def _report(self, olds: Properties) -> None:
        """Somebody else's change that no refresh has shown, before it is replaced."""
        store = self._store(olds["region"])
        live = store.read()
        if live and (live.sha256, live.default_version) != (olds.get("contentSha256"), olds.get("defaultVersion")):
            tell(changed_by_others(store, live, _settings_that_differ(olds, parse(live.text)[0])))

    def _publish(self, props: Properties, known_as: frozenset[str]) -> LiveDocument:
        wanted: Preferences = {name: _normal(name, props.get(name)) for name in PREFERENCES}
        Prerequisites(self.clients(), props["region"]).check(wanted)
        return self._store(props["region"]).publish(
            document(wanted), owner=props["owner"], known_as=known_as, take_over=bool(props.get("takeOver"))
        )

    def _store(self, region: str) -> DocumentStore:
        clients = self.clients()
        return DocumentStore(clients.client("ssm", region), region, lambda: clients.caller_arn(region))


def _settings_that_differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    def text(name: str, values: Mapping[str, Any]) -> str:
        value = _normal(name, values.get(name))
        return "known after the update" if isinstance(value, Unknown) else json.dumps(value)

    pairs = [(name, text(name, before), text(name, after)) for name in PREFERENCES]
    return [f"{name}: {old} -> {new}" for name, old, new in pairs if old != new]


def _normal(name: str, value: Any) -> Any:
    """The engine drops absent values and empty mappings on the way; numbers may come back as floats."""
    if name == "shellProfile":
        return cast("dict[str, Any]", value or {})
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _outputs(inputs: Properties, live: LiveDocument) -> Properties:
    _, foreign = parse(live.text)
    return {name: value for name, value in inputs.items() if not name.startswith("__")} | {
        "documentVersion": live.latest_version,
        "defaultVersion": live.default_version,
        "contentSha256": live.sha256,
        "foreignContent": foreign,
    }


@dataclass(frozen=True, kw_only=True)
class RunShellDocumentArgs:
    """What a `RunShellDocument` is made of.

    Attributes:
        region: where the document is.
        preferences: see `components.session_manager.document.preferences`; the key's ID may be an output.
        owner: names this stack on the document.
        on_destroy: what becomes of the document when the stack goes.
        take_over: take the document from another stack that has marked it.
    """

    region: str
    preferences: Preferences
    owner: str
    on_destroy: OnDestroy = OnDestroy.RESTORE
    take_over: bool = False


class RunShellDocument(Resource, module="ssm", name="SessionPreferences"):
    """The Session Manager preferences of one Region.

    Attributes:
        document_version: the latest version, which is the default one after every run.
        content_sha256: of the published text, in hexadecimal.
    """

    document_version: pulumi.Output[str]
    content_sha256: pulumi.Output[str]

    def __init__(self, name: str, args: RunShellDocumentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Registers the resource.

        Args:
            name: of the resource.
            args: what it is made of.
            opts: as for every resource.
        """
        properties: dict[str, Any] = {
            "region": args.region,
            **args.preferences,
            "description": DESCRIPTION,
            "owner": args.owner,
            "onDestroy": str(args.on_destroy),
            "takeOver": args.take_over,
            # Known once published; declared so that they are outputs.
            "document_version": None,
            "content_sha256": None,
        }
        super().__init__(RunShellDocumentProvider(), name, properties, opts)

    def translate_output_property(self, prop: str) -> str:
        """From the engine's name of a property to the attribute's."""
        return _ATTRIBUTES.get(prop, prop)

    def translate_input_property(self, prop: str) -> str:
        """From the attribute's name to the engine's."""
        return _PROPERTIES.get(prop, prop)


_ATTRIBUTES = {"documentVersion": "document_version", "contentSha256": "content_sha256"}
_PROPERTIES = {attribute: name for name, attribute in _ATTRIBUTES.items()}
