"""`SSM-SessionManagerRunShell` as a resource: a dynamic provider over the document store.

The AWS provider's document resource fails if the document exists, deletes the previous one, and fails permanently once
a later version is not the default; hence this provider.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult
from pulumi.output import Unknown

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
from components.documents.reports import adopted, changed_by_others, left_alone
from components.dynamic_provider import HIDDEN, SECRET_PROPERTIES, AwsResourceProvider, is_secret, tell
from components.session_manager.document import (
    DESCRIPTION,
    DOCUMENT_NAME,
    PREFERENCES,
    Preferences,
    document,
    is_readable,
    parse,
    reset_preferences,
)
from components.session_manager.document_store import DocumentStore, LiveDocument
from components.session_manager.prerequisites import LogBucket, Prerequisites
from components.session_manager.settings import OnDestroy

if TYPE_CHECKING:
    from collections.abc import Mapping

Properties = dict[str, Any]

_PREREQUISITES = ("accountId", "bucketOwner", "bucketKeyArn")
"""Inputs that the document does not contain: requirements for its bucket."""

_GOVERNED = (*PREFERENCES, *_PREREQUISITES, "description", "onDestroy", SECRET_PROPERTIES, *OWNERSHIP_INPUTS)


class RunShellDocumentProvider(AwsResourceProvider):
    """Publishes the preferences with the credentials and endpoints of the stack's AWS provider."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Report what adopting existing preferences would change, before they are created."""
        if _olds.get("region") == news["region"]:
            return CheckResult(news, [])
        store = self._store(news["region"])
        return CheckResult(news, adopted(store, news, lambda live: _lines(news, live.text, adopts=True)))

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare by name, without a call: the state has the live values of the last update or refresh."""
        moved = [name for name in ("region",) if _olds.get(name) != _news.get(name)]
        changed = any(_normal(name, _olds.get(name)) != _normal(name, _news.get(name)) for name in _GOVERNED)
        unsettled = _olds.get("defaultVersion") != _olds.get("documentVersion") or bool(_olds.get("foreignContent"))
        if (changed or unsettled) and not moved:
            self._report(_olds)
        changes = bool(moved) or changed or unsettled or has_ownership_drift(_olds)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Create the document, or adopt the existing one."""
        return CreateResult(f"{props['region']}/{DOCUMENT_NAME}", self._publish(props, {}))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Publish a new version, make the latest one the default again, or set missing tags."""
        return UpdateResult(self._publish(_news, _olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live values under the same names, so that a refresh shows drift per setting."""
        live = self._store(props["region"]).read()
        if live is None:
            return ReadResult("", {})
        values, _ = parse(live.text)
        inputs = {name: value for name, value in props.items() if name in _GOVERNED or name == "region"} | values
        inputs |= live_tags_of(props, live.tags)
        return ReadResult(id_, {**_outputs(inputs, live), **kept_outputs(props)}, inputs)

    def delete(self, _id: str, _props: Properties) -> None:
        """Release the document as `onDestroy` configures."""
        store = self._store(_props["region"])
        is_released = store.release(
            OnDestroy(_props["onDestroy"]),
            release_of(_props),
            published_hash=str(_props.get("publishedSha256", "")),
            reset_content=document(reset_preferences()),
        )
        if not is_released:
            tell(left_alone(store))

    def _report(self, olds: Properties) -> None:
        """Report another principal's change that no refresh has shown, before it is replaced."""
        store = self._store(olds["region"])
        live = store.read()
        if live and (live.sha256, live.default_version) != (olds.get("contentSha256"), olds.get("defaultVersion")):
            tell(changed_by_others(store, live, _lines(olds, live.text, adopts=False)))

    def _publish(self, news: Properties, olds: Properties) -> Properties:
        wanted: Preferences = {name: _normal(name, news.get(name)) for name in PREFERENCES}
        account_id = news["accountId"]
        bucket = LogBucket(
            name=wanted["s3BucketName"],
            owner=news.get("bucketOwner") or account_id,
            key_arn=news.get("bucketKeyArn") or "",
            is_encrypted=wanted["s3EncryptionEnabled"],
        )
        Prerequisites(self.clients(), news["region"], account_id).check(wanted, bucket)
        content = document(wanted)
        live = self._store(news["region"]).publish(content, ownership_of(news, olds))
        return {**_outputs(news, live), **prior_outputs(live.prior), "publishedSha256": published_sha256(content)}

    def _store(self, region: str) -> DocumentStore:
        clients = self.clients()
        return DocumentStore(clients.client("ssm", region), region, lambda: clients.caller_arn(region))


def _lines(ours: Mapping[str, Any], text: str, *, adopts: bool) -> list[str]:
    """Return every difference between this stack's preferences and a live document, one line each.

    Args:
        ours: Preferences of this stack.
        text: Content of the live document, shown unchanged, whatever its types.
        adopts: Whether lines read from live to ours; else from ours to live.
    """
    values, foreign = parse(text)

    def is_same(name: str) -> bool:
        raw = foreign.get(f"inputs.{name}", values[name])
        return _normal(name, ours.get(name)) == values[name] and (raw is None or is_readable(name, raw))

    def line(name: str, live: str) -> str:
        if is_secret(ours, name):
            return f"{name}: {HIDDEN} -> {HIDDEN}"
        value = _normal(name, ours.get(name))
        wanted = "known after the update" if isinstance(value, Unknown) else json.dumps(value)
        return f"{name}: {live} -> {wanted}" if adopts else f"{name}: {wanted} -> {live}"

    def live(name: str) -> str:
        raw = foreign.get(f"inputs.{name}", values[name])
        return "not set" if raw is None else json.dumps(raw)

    named = [line(name, live(name)) for name in PREFERENCES if not is_same(name)]
    others = {name: value for name, value in foreign.items() if name.removeprefix("inputs.") not in PREFERENCES}
    others.pop("description", None)
    gone = "removed" if adopts else "added"
    return named + [f"{name}: {gone}, with {json.dumps(value)}" for name, value in others.items() if value is not None]


def _normal(name: str, value: Any) -> Any:
    """Return a value as the engine returns it: without absent values and empty mappings, and floats as integers."""
    if name in ("shellProfile", "tags"):
        return cast("dict[str, Any]", value or {})
    if name in _PREREQUISITES:
        return value or ""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _outputs(inputs: Properties, live: LiveDocument) -> Properties:
    _, foreign = parse(live.text)
    return {name: value for name, value in inputs.items() if not name.startswith("__")} | {
        **ownership_outputs(live.tags),
        "documentVersion": live.latest_version,
        "defaultVersion": live.default_version,
        "contentSha256": live.sha256,
        "foreignContent": foreign,
    }


@dataclass(frozen=True, kw_only=True)
class RunShellDocumentArgs:
    """Arguments of `RunShellDocument`.

    Attributes:
        region: Region of the document.
        preferences: Preferences, see `components.session_manager.document.preferences`; the key's ID may be an output.
        owner: Name of the stack, as recorded on the document.
        on_destroy: Action on the document when the stack is destroyed.
        take_over: Whether to take the document over from another stack that owns it.
        account_id: Account of the sessions.
        bucket_owner: Account of the bucket for session logs, if another one.
        bucket_key_arn: KMS key that must encrypt the bucket, where the settings name one.
        tags: Tags of the document.
    """

    region: str
    preferences: Preferences
    owner: str
    account_id: str
    on_destroy: OnDestroy = OnDestroy.RESTORE
    take_over: bool = False
    bucket_owner: str = ""
    bucket_key_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class RunShellDocument(Resource, module="ssm", name="SessionPreferences"):
    """Session Manager preferences of one Region.

    Attributes:
        document_version: Latest version, which is the default one after every update.
        content_sha256: SHA-256 hash of the published text, in hexadecimal.
    """

    document_version: pulumi.Output[str]
    content_sha256: pulumi.Output[str]

    def __init__(self, name: str, args: RunShellDocumentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the resource.

        Args:
            name: Name of the resource.
            args: Arguments of the resource.
            opts: Resource options.
        """
        properties: dict[str, Any] = {
            "region": args.region,
            **args.preferences,
            "description": DESCRIPTION,
            "owner": args.owner,
            "onDestroy": str(args.on_destroy),
            "takeOver": args.take_over,
            "accountId": args.account_id,
            "bucketOwner": args.bucket_owner,
            "bucketKeyArn": args.bucket_key_arn,
            "tags": dict(args.tags),
            # Known once published; declared so that they are outputs.
            "document_version": None,
            "content_sha256": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=SECRET_OUTPUTS)
        super().__init__(RunShellDocumentProvider(), name, properties, pulumi.ResourceOptions.merge(opts, secret))

    def translate_output_property(self, prop: str) -> str:
        """Return the attribute's name for a property's name in the engine."""
        return _ATTRIBUTES.get(prop, prop)

    def translate_input_property(self, prop: str) -> str:
        """Return the property's name in the engine for an attribute's name."""
        return _PROPERTIES.get(prop, prop)


_ATTRIBUTES = {"documentVersion": "document_version", "contentSha256": "content_sha256"}
_PROPERTIES = {attribute: name for name, attribute in _ATTRIBUTES.items()}
