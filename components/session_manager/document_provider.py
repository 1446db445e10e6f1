"""`SSM-SessionManagerRunShell` as a resource.

The AWS provider's document resource fails if the document exists, deletes the previous one, and fails permanently once
a later version is not the default; hence this provider.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pulumi
from pulumi.output import Unknown

from components.adoption.document_ownership import OWNERSHIP_INPUTS, SECRET_OUTPUTS, OnDestroy
from components.adoption.document_resource import DocumentProvider
from components.adoption.document_store import DocumentIdentity
from components.adoption.dynamic_provider import HIDDEN, SECRET_PROPERTIES, DynamicResource, is_secret, this_stack
from components.session_manager.document import (
    DESCRIPTION,
    DOCUMENT_NAME,
    DOCUMENT_TYPE,
    PREFERENCES,
    Preferences,
    document,
    is_readable,
    parse,
    reset_preferences,
)
from components.session_manager.prerequisites import LogBucket, PrerequisiteReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.adoption.document_store import LiveDocument

Properties = dict[str, Any]

_PREREQUISITES = ("accountId", "bucketOwner", "bucketKeyArn")
"""Inputs that the document does not contain: requirements for its bucket."""

RUN_SHELL_DOCUMENT = DocumentIdentity(name=DOCUMENT_NAME, type=DOCUMENT_TYPE, section="sessionManager")


class RunShellDocumentProvider(DocumentProvider):
    """Publishes the preferences, each of which is an input."""

    fixed = ("region",)
    governed = (*PREFERENCES, *_PREREQUISITES, "description", "onDestroy", SECRET_PROPERTIES, *OWNERSHIP_INPUTS)
    delete_before_replace = False

    def identity(self, props: Properties) -> DocumentIdentity:  # noqa: ARG002 -- the same for all
        """Return the identity of the preferences document."""
        return RUN_SHELL_DOCUMENT

    def desired_content(self, props: Properties) -> Mapping[str, Any]:
        """Return the document of the preferences, whose resources sessions can use."""
        desired: Preferences = {name: _normal(name, props.get(name)) for name in PREFERENCES}
        account_id = props["accountId"]
        bucket = LogBucket(
            name=desired["s3BucketName"],
            owner=props.get("bucketOwner") or account_id,
            key_arn=props.get("bucketKeyArn") or "",
            is_encrypted=desired["s3EncryptionEnabled"],
        )
        PrerequisiteReader(self.clients(), props["region"], account_id).check(desired, bucket)
        return document(desired)

    def live_inputs(self, live: LiveDocument) -> Properties:
        """Return each preference, so that a refresh shows drift per setting."""
        return parse(live.text)[0]

    def live_outputs(self, live: LiveDocument) -> Properties:
        """Return the hash, and what the document of no preferences has."""
        return {"contentSha256": live.sha256, "foreignContent": parse(live.text)[1]}

    def has_changed(self, olds: Properties, news: Properties) -> bool:
        """Compare the inputs, and whether the live document has foreign content."""
        changed = any(_normal(name, olds.get(name)) != _normal(name, news.get(name)) for name in self.governed)
        return changed or bool(olds.get("foreignContent"))

    def is_known(self, olds: Properties, live: LiveDocument) -> bool:
        """Compare the hash."""
        return live.sha256 == olds.get("contentSha256")

    def on_destroy(self, _props: Properties) -> tuple[OnDestroy, Mapping[str, Any]]:
        """Return the configured action."""
        return OnDestroy(_props["onDestroy"]), document(reset_preferences())

    def differences(self, props: Properties, live: LiveDocument, *, adopts: bool) -> list[str]:
        """Return the differences by preference; live values are shown unchanged, whatever their types."""
        values, foreign = parse(live.text)

        def is_same(name: str) -> bool:
            raw = foreign.get(f"inputs.{name}", values[name])
            return _normal(name, props.get(name)) == values[name] and (raw is None or is_readable(name, raw))

        def line(name: str, found: str) -> str:
            if is_secret(props, name):
                return f"{name}: {HIDDEN} -> {HIDDEN}"
            value = _normal(name, props.get(name))
            desired = "known after the update" if isinstance(value, Unknown) else json.dumps(value)
            return f"{name}: {found} -> {desired}" if adopts else f"{name}: {desired} -> {found}"

        def shown(name: str) -> str:
            raw = foreign.get(f"inputs.{name}", values[name])
            return "not set" if raw is None else json.dumps(raw)

        named = [line(name, shown(name)) for name in PREFERENCES if not is_same(name)]
        others = {name: value for name, value in foreign.items() if name.removeprefix("inputs.") not in PREFERENCES}
        others.pop("description", None)
        gone = "removed" if adopts else "added"
        return named + [
            f"{name}: {gone}, with {json.dumps(value)}" for name, value in others.items() if value is not None
        ]


def _normal(name: str, value: Any) -> Any:
    """Return a value as the engine returns it: without absent values and empty mappings, and floats as integers."""
    if name in ("shellProfile", "tags"):
        return cast("dict[str, Any]", value or {})
    if name in _PREREQUISITES:
        return value or ""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@dataclass(frozen=True, kw_only=True)
class RunShellDocumentArgs:
    """Arguments of `RunShellDocument`.

    Attributes:
        region: Region of the document.
        preferences: Preferences, see `components.session_manager.document.preferences`; the key's ID may be an output.
        on_destroy: Action on the document when the stack is destroyed.
        take_over: Whether to take the document over from another stack that owns it.
        account_id: Account of the sessions.
        bucket_owner: Account of the bucket for session logs, if another one.
        bucket_key_arn: KMS key that must encrypt the bucket, where the settings name one.
        tags: Tags of the document.
    """

    region: str
    preferences: Preferences
    account_id: str
    on_destroy: OnDestroy = OnDestroy.RESTORE
    take_over: bool = False
    bucket_owner: str = ""
    bucket_key_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class RunShellDocument(DynamicResource, module="ssm", name="SessionPreferences"):
    """Session Manager preferences of one Region.

    Attributes:
        document_version: Latest version, which is the default one after every update.
        content_sha256: SHA-256 hash of the published text, in hexadecimal.
    """

    document_version: pulumi.Output[str]
    content_sha256: pulumi.Output[str]

    def __init__(self, name: str, args: RunShellDocumentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the resource."""
        properties: dict[str, Any] = {
            "region": args.region,
            **args.preferences,
            "description": DESCRIPTION,
            "owner": this_stack(),
            "onDestroy": str(args.on_destroy),
            "takeOver": args.take_over,
            "accountId": args.account_id,
            "bucketOwner": args.bucket_owner,
            "bucketKeyArn": args.bucket_key_arn,
            "tags": dict(args.tags),
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=SECRET_OUTPUTS)
        super().__init__(RunShellDocumentProvider(), name, properties, pulumi.ResourceOptions.merge(opts, secret))
