"""A resource with a fixed name that a stack adopts or creates, before the AWS provider imports it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from common.aws.failures import ResourceError, explained
from common.problems import NAMESPACE
from components.adoption import inventory
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.dynamic_provider import (
    HIDDEN,
    SECRET_PROPERTIES,
    AwsResourceProvider,
    is_secret,
    log,
    this_stack,
)
from components.adoption.lookup import import_id, previous_owner
from components.adoption.owned_resources import RESOURCE_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG, Found, Kind, ResourceAdapter, resource_adapter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from components.adoption.inventory import Existing

Properties = dict[str, Any]

_NOT_RESTORED: Final = ("aws:", f"{NAMESPACE}:")
"""Prefixes of tags that AWS, or this program, sets."""
_FIXED = ("kind", "region", "name")
_INPUTS = (*_FIXED, "value", "owner", "takeOverFrom", "retain", "retentionDays", SECRET_PROPERTIES)


class AdoptedResourceProvider(AwsResourceProvider):
    """Finds or creates the resource that has the name, and restores it."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Refuse, in a preview already, to adopt another stack's resource, or one that cannot be restored."""
        if _olds.get("name") == news["name"]:
            return CheckResult(news, [])
        with self._explained(news):
            existing, found = self._existing(news), self._adapter(news).find()
        reason = _refusal(news, existing, found) if existing and found else None
        return CheckResult(news, [CheckFailure("name", reason)] if reason else [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare the name, the retention, and the key of an alias, which a restore needs."""
        fixed = ("kind", "name") if _news.get("kind") in inventory.GLOBAL else _FIXED
        moved = [name for name in fixed if _olds.get(name) != _news.get(name)]
        noted = ("retain", "owner", SECRET_PROPERTIES, *(["value"] if _news.get("kind") == Kind.ALIAS else []))
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in noted)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Record the resource that has the name, or create it."""
        with self._explained(props):
            named = self._adapter(props)
            existing, found = self._permitted(props), named.find()
            tags = {OWNER_TAG: props["owner"], MADE_HERE_TAG: props["owner"]}
            is_made = found is None and named.make(props["value"], tags)
            if found is None and not is_made:
                existing, found = self._permitted(props), named.find()
            if not is_made and (existing is None or found is None):
                # Without what it was, a destroy would delete a resource that another principal created.
                raise ResourceError("AWS returns it in one of two calls only; run the same command again")
        prior = {"prior": _prior(props, existing, found), "priorTags": _prior_tags(props, existing)}
        return CreateResult(f"{props['kind']}/{props['region']}/{props['name']}", _outputs(props, prior))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Record the inputs: the resource that imports it changes the value itself."""
        with self._explained(_news):
            self._permitted(_news, known_as=str(_olds.get("owner", "")))
        return UpdateResult(_outputs(_news, _olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the record; absent where the name does not exist any more, so that the next update creates it again."""
        with self._explained(props):
            found = self._adapter(props).find()
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, _outputs(props, props), {name: props.get(name) for name in _INPUTS})

    def delete(self, _id: str, _props: Properties) -> None:
        """Restore an adopted resource with its tags; delete one that was created here, or retain it with a tag.

        An adopted log group keeps this stack's key if that is retained, too. A resource that another stack now owns is
        unchanged.
        """
        prior, value, retain = _props.get("prior"), _props["value"], bool(_props.get("retain"))
        with self._explained(_props):
            named, existing = self._adapter(_props), self._existing(_props)
            if existing is None:
                return
            if not _is_permitted(_props, existing):
                log(f"{existing} is owned by the stack {existing.owner}, so it is not changed.")
                return
            if prior is not None and not (retain and _props["kind"] == Kind.LOG_GROUP):
                named.restore(prior)
            if prior is None and not retain:
                named.remove(value)
            elif "priorTags" in _props:
                named.retag(value, _props["priorTags"], removed=_added_tags(existing, _props["priorTags"]))
            else:
                left = {MADE_HERE_TAG: _props["owner"]} if prior is None or _props["kind"] == Kind.POLICY else {}
                named.retag(value, left, removed=(RESOURCE_TAG, OWNER_TAG))

    def _adapter(self, props: Properties) -> ResourceAdapter:
        kind = Kind(props["kind"])
        return resource_adapter(kind, self.clients().client(kind.service, props["region"]), props["name"])

    def _existing(self, props: Properties) -> Existing | None:
        kind = Kind(props["kind"])
        client = self.clients().client(kind.service, props["region"])
        return inventory.find(kind, client, props["region"], props["name"])

    def _permitted(self, props: Properties, known_as: str = "") -> Existing | None:
        """Return the resource that has the name, looked up immediately before a write.

        Raises:
            ResourceError: Another stack owns it.
        """
        existing = self._existing(props)
        if existing is not None and not _is_permitted(props, existing, known_as):
            raise ResourceError(kept_by_another(existing))
        return existing

    def _explained(self, props: Properties) -> AbstractContextManager[None]:
        region, kind = props["region"], Kind(props["kind"])
        clients = self.clients()
        what = f"{kind} {_shown_name(props)} in {region}"
        return explained(what, kind.service, region, lambda: clients.caller_arn(region))


def _is_permitted(props: Properties, existing: Existing, known_as: str = "") -> bool:
    """Return whether this stack may change the resource that has the name."""
    return existing.owner in (None, props["owner"], props.get("takeOverFrom") or None, known_as or None)


def _is_ours(props: Properties, existing: Existing) -> bool:
    """Return whether this program created the resource, for this stack or for one that has released it.

    A log group or a topic with this stack's owner tag alone may have been adopted from another principal before the
    state was lost.
    """
    if existing.kind is Kind.POLICY and existing.owner == props["owner"]:
        return True
    return existing.made_here and existing.owner in (None, props["owner"])


def _prior(props: Properties, existing: Existing | None, found: Found | None) -> str | None:
    """Return the value to restore; None for a resource that this program created.

    This stack's own value is never the prior one, whatever the tags say: an alias has none, and other tools remove
    those of other resources. It exists where a run was killed before the engine could save what it had created.
    """
    kind, value = Kind(props["kind"]), props["value"]
    if existing is None or found is None or _is_ours(props, existing):
        return None
    if kind in (Kind.ALIAS, Kind.PARAMETER):
        return None if found.value == value else found.value
    if value and kind is Kind.LOG_GROUP and found.value == value:
        return ""
    if value and kind is Kind.TOPIC:
        attributes = json.loads(found.value)
        return json.dumps({name: "" if each == value else each for name, each in attributes.items()}, sort_keys=True)
    return found.value


_WITH_TAGS: Final = (Kind.LOG_GROUP, Kind.PARAMETER, Kind.TOPIC)
"""Kinds of another principal's resources whose tags the AWS provider replaces by those of the stack."""


def _prior_tags(props: Properties, existing: Existing | None) -> dict[str, str] | None:
    """Return the tags to restore; None for a resource that a stack of this program has created, or tagged already."""
    if existing is None or existing.kind not in _WITH_TAGS or existing.owner or _is_ours(props, existing):
        return None
    return {key: value for key, value in existing.tags.items() if not key.startswith(_NOT_RESTORED)}


def _added_tags(existing: Existing, prior: Mapping[str, str]) -> list[str]:
    """Return the tags that the resource did not have before; at least one."""
    return [key for key in existing.tags if key not in prior and not key.startswith("aws:")] or [OWNER_TAG]


def kept_by_another(existing: Existing) -> str:
    """Return the message about a resource that another stack owns."""
    return (
        f"{existing} is owned by the stack {existing.owner}. One stack governs an account: destroy that stack first, or "
        "set shell-access:takeOver to true here"
    )


def _refusal(props: Properties, existing: Existing, found: Found) -> str | None:
    """Return why the resource that has the name is not adopted; None: it is."""
    if not _is_permitted(props, existing):
        return kept_by_another(existing)
    if _is_ours(props, existing):
        return None
    if existing.kind is Kind.POLICY and existing.owner is None:
        return (
            f"the policy {_shown_name(props)} exists and was not created by a stack of this program; it is not adopted, as other "
            "principals may have it. Delete it, then run the same command again"
        )
    days = props.get("retentionDays")
    if days is None or found.keeps_days is None or found.keeps_days <= days:
        return None
    kept = "forever" if found.keeps_days == inf else f"for {found.keeps_days:g} days"
    return (
        f"the log group {_shown_name(props)} in {props['region']} keeps its logs {kept}; to take it over with {days:g} days "
        "would delete the older ones. Set shell-access:sessionManager.logRetentionDays to more, or "
        "shell-access:sessionManager.shortenLogRetention to true"
    )


def _shown_name(props: Properties) -> str:
    return HIDDEN if is_secret(props, "name") else str(props["name"])


def _outputs(props: Properties, known: Properties) -> Properties:
    # The engine drops null values: None is omitted, and stays distinct from an empty value.
    prior = {name: known[name] for name in ("prior", "priorTags") if known.get(name) is not None}
    return {name: props[name] for name in _INPUTS if name in props} | prior


@dataclass(frozen=True, kw_only=True)
class AdoptedResourceArgs:
    """Arguments of `AdoptedResource`.

    Attributes:
        kind: Kind of resource.
        region: Region of the resource.
        name: Name of the resource; of an alias with `alias/`.
        value: Key of an alias, log group or topic ("" without one), value of a parameter, `PolicyDocument` and
            `Description` of a policy as JSON; used where the name does not exist yet.
        retain: Whether it remains when the stack is destroyed; an adopted resource always does.
        retention_days: Maximum retention of a log group that is adopted; None: any.
    """

    kind: Kind
    region: str
    name: str
    value: pulumi.Input[str]
    retain: bool = False
    retention_days: int | None = None


class AdoptedResource(Resource, module="shellaccess", name="AdoptedResource"):
    """A fixed name of a resource that this stack adopted or created.

    The AWS provider's resource with the name takes `import_options`: it depends on this one, imports the existing
    resource, and is retained on delete, so that only this one restores or deletes.
    """

    def __init__(self, name: str, args: AdoptedResourceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the resource."""
        properties: dict[str, Any] = {
            "kind": str(args.kind),
            "region": args.region,
            "name": args.name,
            "value": args.value,
            "owner": this_stack(),
            "takeOverFrom": previous_owner(args.kind, args.region, args.name),
            "retain": args.retain,
            "retentionDays": args.retention_days,
        }
        super().__init__(AdoptedResourceProvider(), name, properties, opts)
        self._import_id = import_id(args.kind, args.region, args.name)

    def import_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of the AWS provider's resource with the name."""
        return pulumi.ResourceOptions(parent=parent, depends_on=[self], import_=self._import_id, retain_on_delete=True)
