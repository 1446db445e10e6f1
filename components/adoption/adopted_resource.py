"""A resource with a fixed name that a stack adopts or creates, before the AWS provider imports it."""

from __future__ import annotations

import json
from functools import cache
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
    read_created,
    this_stack,
)
from components.adoption.inventory import type_and_name
from components.adoption.lookup import (
    answered,
    find_existing,
    import_id,
    previous_owner,
    program_clients,
    state_outputs,
)
from components.adoption.owned_resources import RESOURCE_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG, NONE, Found, Kind, ResourceAdapter, resource_adapter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from components.adoption.inventory import Existing

Properties = dict[str, Any]

RESOURCE_TYPE: Final = "pulumi-python:dynamic/shellaccess:AdoptedResource"
PRIOR_TAG: Final = f"{NAMESPACE}:prior-value"
"""Tag with the record of the prior value of an adopted resource; of an alias on the stack's own key, as it has no tags."""
_PRIOR_TAGS: Final = f"{NAMESPACE}:prior-tag:"
"""Prefix of tags with the prior tags of an adopted resource."""
_LOST: Final = "lost"
"""Record of a prior value that an earlier release has not recorded."""
_MAX_KEY: Final = 128
_MAX_TAGS: Final = 40
"""Maximum number of tags with those that record prior ones; a resource has 50, some of them the default ones of the provider."""
_IN_ONE_CALL: Final = "AWS returns it in one of two calls only; run the same command again"
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
                raise ResourceError(_IN_ONE_CALL)
            # The resource that imports it reads it once.
            if is_made and not read_created(named.find):
                raise ResourceError("it is created, but AWS does not show it yet; run the same command again")
            prior = _prior(props, named, existing, found)
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

        An adopted log group keeps this stack's key if that is retained, too. A resource whose prior value is lost keeps its
        value, and one that another stack now owns is unchanged.
        """
        prior, value, retain = _props.get("prior"), _props["value"], bool(_props.get("retain"))
        adopted = is_adopted(_props)
        with self._explained(_props):
            named, existing = self._adapter(_props), self._existing(_props)
            if existing is None:
                return
            if not _is_permitted(_props, existing):
                log(f"{existing} is owned by the stack {existing.owner}, so it is not changed.")
                return
            if not adopted and not retain:
                named.remove(value)
                return
            # First the tags: those of an alias are the ones of the key that it names.
            if "priorTags" in _props:
                prior_tags = _props["priorTags"]
                added = [key for key in existing.tags if key not in prior_tags and not key.startswith("aws:")]
                named.retag(value, prior_tags, removed=added or [OWNER_TAG])
            elif retain or _props["kind"] != Kind.ALIAS:
                record = [key for key in existing.tags if key == PRIOR_TAG or key.startswith(_PRIOR_TAGS)]
                left = {} if adopted and _props["kind"] != Kind.POLICY else {MADE_HERE_TAG: _props["owner"]}
                named.retag(value, left, removed=(RESOURCE_TAG, OWNER_TAG, *record))
            if adopted and prior is None:
                log(f"{existing} keeps its value: the one that it had before the stack is not known any more.")
            elif prior is not None and not (retain and _props["kind"] == Kind.LOG_GROUP):
                named.restore(prior)

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


def is_adopted(record: Mapping[str, Any]) -> bool:
    """Return whether a resource existed before the stack, by the outputs of its `AdoptedResource`."""
    return record.get("prior") is not None or "priorRecord" in record


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


def _prior(props: Properties, named: ResourceAdapter, existing: Existing | None, found: Found | None) -> Properties:
    """Return the outputs with what to restore: value, record of the value, and tags; none for what this program created.

    What a stack has recorded in tags is what it adopted. This stack's own value is never the prior one, whatever the tags
    say, as other tools remove them: it exists where a run was killed before the engine could save what it had created.
    """
    kind, value = Kind(props["kind"]), props["value"]
    if existing is None or found is None or _is_ours(props, existing):
        return {}
    tags = existing.tags
    if existing.owner and PRIOR_TAG in tags:
        prior = {key.removeprefix(_PRIOR_TAGS): each for key, each in tags.items() if key.startswith(_PRIOR_TAGS)}
        record = tags[PRIOR_TAG]
        return {"prior": named.recorded(record), "priorRecord": record} | _with_tags(kind, prior)
    known = {} if existing.owner else _with_tags(kind, tags)
    if existing.owner == props["owner"] or (value and value in (found.value, found.record)):
        # Without a record, an alias or a parameter was created here; another kind had no key that AWS still has.
        return (
            {} if kind in (Kind.ALIAS, Kind.PARAMETER) else {"prior": named.recorded(NONE), "priorRecord": NONE} | known
        )
    return {"prior": found.value, "priorRecord": found.record} | known


_WITH_TAGS: Final = (Kind.LOG_GROUP, Kind.PARAMETER, Kind.TOPIC)
"""Kinds of another principal's resources whose tags the AWS provider replaces by those of the stack."""


def _with_tags(kind: Kind, tags: Mapping[str, str]) -> Properties:
    """Return the output with the tags to restore; none for a kind whose tags are not replaced."""
    if kind not in _WITH_TAGS:
        return {}
    return {"priorTags": {key: value for key, value in tags.items() if not key.startswith(_NOT_RESTORED)}}


def with_prior_tags(
    kind: Kind, region: str, name: str, tags: Mapping[str, str], *, key_alias: str = ""
) -> dict[str, str]:
    """Return tags of the settings with those that record what had a name before the stack, for a stack that loses its state.

    Of an alias, `tags` are those of the stack's own key. `key_alias` is the alias of the key that the stack gives a log
    group: a log group that has left the stack keeps this key, which is not what it had before the stack.

    Raises:
        RunError: AWS does not respond, or denies a request.
    """
    known = _in_state().get((str(kind), region, name))
    if known is None:
        known = _found(kind, region, name, key_alias)
    if not is_adopted(known):
        return dict(tags)
    prior: Mapping[str, str] = known.get("priorTags") or {}
    recorded = {_PRIOR_TAGS + key: value for key, value in prior.items() if len(_PRIOR_TAGS + key) <= _MAX_KEY}
    return {**with_records(tags, recorded), PRIOR_TAG: known.get("priorRecord") or _record(kind, known["prior"])}


def with_records(tags: Mapping[str, str], recorded: Mapping[str, str]) -> dict[str, str]:
    """Return tags of the settings with tags that record prior values, unless those are too many."""
    return {**tags, **(recorded if len(tags) + len(recorded) <= _MAX_TAGS else {})}


@cache
def _in_state() -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Return the adopted resources in the stack's state, by kind, Region and name."""
    own = [each for urn, each in state_outputs().items() if type_and_name(urn)[0] == RESOURCE_TYPE]
    return {(each["kind"], each["region"], each["name"]): each for each in own}


def _found(kind: Kind, region: str, name: str, key_alias: str) -> Properties:
    existing = find_existing(kind, region, name)
    if existing is None:
        return {}
    with answered(inventory.described(kind, region, name), kind.service, region):
        named = resource_adapter(kind, program_clients().client(kind.service, region), name)
        found = named.find()
        if found is None:
            raise ResourceError(f"{inventory.described(kind, region, name)}: {_IN_ONE_CALL}")
    own = _own_key(key_alias, region) if key_alias else None
    value = found.value if own and found.value.endswith(f":key/{own}") else ""
    with answered(inventory.described(kind, region, name), kind.service, region):
        return _prior({"kind": kind, "owner": this_stack(), "value": value}, named, existing, found)


def _own_key(alias: str, region: str) -> str | None:
    """Return the ID of the key that has an alias, if it is this stack's, or one that a stack has retained."""
    key = find_existing(Kind.ALIAS, region, alias)
    return key.id if key and (key.owner == this_stack() or (key.made_here and key.owner is None)) else None


def _record(kind: Kind, prior: str) -> str:
    """Return the record of a prior value in a state of an earlier release, which has no record."""
    if kind is Kind.PARAMETER:
        return _LOST
    key = json.loads(prior)["KmsMasterKeyId"] if kind is Kind.TOPIC else prior
    return key or NONE


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
    kept, longer = "forever", ""
    if found.keeps_days != inf:
        kept = f"for {found.keeps_days:g} days"
        longer = f"shell-access:sessionManager.logRetentionDays to {found.keeps_days:g}, or "
    return (
        f"the log group {_shown_name(props)} in {props['region']} keeps its logs {kept}; to take it over with {days:g} days "
        f"would delete the older ones. Set {longer}shell-access:sessionManager.shortenLogRetention to true, or "
        "shell-access:sessionManager.createCwLogGroup to false to leave the log group as it is"
    )


def _shown_name(props: Properties) -> str:
    return HIDDEN if is_secret(props, "name") else str(props["name"])


def _outputs(props: Properties, known: Properties) -> Properties:
    # The engine drops null values: None is omitted, and stays distinct from an empty value.
    prior = {name: known[name] for name in ("prior", "priorRecord", "priorTags") if known.get(name) is not None}
    return {name: props[name] for name in _INPUTS if name in props} | prior


class AdoptedResource(Resource, module="shellaccess", name="AdoptedResource"):
    """A fixed name of a resource that this stack adopted or created.

    The AWS provider's resource with the name takes `import_options`: it depends on this one, imports the existing
    resource, and is retained on delete, so that only this one restores or deletes.
    """

    def __init__(  # noqa: PLR0913 -- arguments of a resource
        self,
        name: str,
        *,
        kind: Kind,
        region: str,
        physical_name: str,
        value: pulumi.Input[str],
        retain: bool = False,
        retention_days: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resource.

        Args:
            name: Name of the resource in the stack.
            kind: Kind of resource.
            region: Region of the resource.
            physical_name: Name in AWS; of an alias with `alias/`, of a topic or policy the ARN.
            value: Key of an alias, log group or topic ("" without one), value of a parameter, `PolicyDocument` and
                `Description` of a policy as JSON; used where the name does not exist yet.
            retain: Whether it remains when the stack is destroyed; an adopted resource always does.
            retention_days: Maximum retention of a log group that is adopted; None: any.
            opts: Options of the resource.
        """
        properties: dict[str, Any] = {
            "kind": str(kind),
            "region": region,
            "name": physical_name,
            "value": value,
            "owner": this_stack(),
            "takeOverFrom": previous_owner(kind, region, physical_name),
            "retain": retain,
            "retentionDays": retention_days,
        }
        super().__init__(AdoptedResourceProvider(), name, properties, opts)
        self._import_id = import_id(kind, region, physical_name)

    def import_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of the AWS provider's resource with the name."""
        return pulumi.ResourceOptions(parent=parent, depends_on=[self], import_=self._import_id, retain_on_delete=True)
