"""A claim on a fixed name, as a resource: what has it is there before the AWS provider imports it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.adoption.kinds import SERVICES, Found, Holder, Kind, holder
from components.documents.errors import explained
from components.dynamic_provider import HIDDEN, SECRET_PROPERTIES, AwsResourceProvider, is_secret
from components.owner import this_stack

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pulumi

Properties = dict[str, Any]

_FIXED = ("kind", "region", "name")
_INPUTS = (*_FIXED, "value", "owner", "retain", "retentionDays", SECRET_PROPERTIES)


class ClaimProvider(AwsResourceProvider):
    """Finds or makes what has the name, and gives it back."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Refuses, in preview already, to take what is not to be taken."""
        if _olds.get("name") == news["name"]:
            return CheckResult(news, [])
        with self._explained(news):
            found = self._holder(news).find()
        reason = _refusal(news, found) if found and not found.made_here else None
        return CheckResult(news, [CheckFailure("name", reason)] if reason else [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Which name it is, what is to become of it, and the key that an alias names: it is given back by that."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        noted = ("retain", SECRET_PROPERTIES, *(["value"] if _news.get("kind") == Kind.ALIAS else []))
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in noted)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Remembers what has the name, or makes it."""
        with self._explained(props):
            named = self._holder(props)
            found = named.find()
            if found is None:
                found = None if named.make(props["value"], props["owner"]) else named.find()
        prior = _prior(Kind(props["kind"]), found, props["value"])
        return CreateResult(f"{props['kind']}/{props['region']}/{props['name']}", _outputs(props, prior))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Takes note: the value itself is the business of the resource that imports it."""
        return UpdateResult(_outputs(_news, _olds.get("prior")))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Gone where nothing has the name any more, so that the next run makes it again."""
        with self._explained(props):
            found = self._holder(props).find()
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, _outputs(props, props.get("prior")), {name: props.get(name) for name in _INPUTS})

    def delete(self, _id: str, _props: Properties) -> None:
        """What was there before comes back; what was made here goes, or stays with a mark.

        A log group that was there keeps our key where that stays, too.
        """
        prior, value, retain = _props.get("prior"), _props["value"], bool(_props.get("retain"))
        with self._explained(_props):
            named = self._holder(_props)
            if prior is not None and not (retain and _props["kind"] == Kind.LOG_GROUP):
                named.put_back(prior)
            elif prior is None and retain:
                named.leave(value, _props["owner"])
            elif prior is None:
                named.remove(value)

    def _holder(self, props: Properties) -> Holder:
        kind = Kind(props["kind"])
        return holder(kind, self.clients().client(SERVICES[kind], props["region"]), props["name"])

    def _explained(self, props: Properties) -> AbstractContextManager[None]:
        region, kind = props["region"], Kind(props["kind"])
        clients = self.clients()
        what = f"{kind} {_shown_name(props)} in {region}"
        return explained(what, SERVICES[kind], region, lambda: clients.caller_arn(region))


def _prior(kind: Kind, found: Found | None, value: str) -> str | None:
    """Return the value to restore; None for what this program has made.

    This stack's own value is never the prior one, whatever the tags say: an alias has none, and other tools remove those
    of the rest. It is there where a run was killed before the engine could save what it had made.
    """
    if found is None or found.made_here:
        return None
    if kind in (Kind.ALIAS, Kind.PARAMETER):
        return None if found.value == value else found.value
    if value and kind is Kind.LOG_GROUP and found.value == value:
        return ""
    if value and kind is Kind.TOPIC:
        attributes = json.loads(found.value)
        return json.dumps({name: "" if each == value else each for name, each in attributes.items()}, sort_keys=True)
    return found.value


def _refusal(props: Properties, found: Found) -> str | None:
    """Why what somebody else has made is not taken, where it is not."""
    if props["kind"] == Kind.POLICY:
        return (
            f"the policy {_shown_name(props)} exists and is not of a stack of this program; it is not taken, as nobody knows "
            "who has it. Delete it, then run the same command again"
        )
    days = props.get("retentionDays")
    if days is None or found.keeps_days is None or found.keeps_days <= days:
        return None
    kept = "for ever" if found.keeps_days == inf else f"for {found.keeps_days:g} days"
    return (
        f"the log group {_shown_name(props)} in {props['region']} keeps its logs {kept}; to take it over with {days:g} days "
        "would delete the older ones. Set shell-access:sessionManager.logRetentionDays to more, or "
        "shell-access:sessionManager.shortenLogRetention to true"
    )


def _shown_name(props: Properties) -> str:
    return HIDDEN if is_secret(props, "name") else str(props["name"])


def _outputs(props: Properties, prior: str | None) -> Properties:
    # The engine drops what is null, so an empty value would read like none.
    known = {} if prior is None else {"prior": prior}
    return {name: props[name] for name in _INPUTS if name in props} | known


@dataclass(frozen=True, kw_only=True)
class ClaimArgs:
    """What a `Claim` is made of.

    Attributes:
        kind: of what has the name.
        region: where it is.
        name: that is claimed; an alias' with its `alias/`.
        value: an alias' target key, a log group's or topic's key ("" without one), a parameter's value, a policy's
            `PolicyDocument` and `Description` as JSON; used where nothing has the name yet.
        retain: it stays when the stack goes; what was there before always does.
        retention_days: a log group that is there and keeps its logs longer is not taken over; None: any is.
    """

    kind: Kind
    region: str
    name: str
    value: pulumi.Input[str]
    retain: bool = False
    retention_days: int | None = None


class Claim(Resource, module="shellaccess", name="Claim"):
    """A name that is taken, by what was there or by what this stack has made.

    The resource of the AWS provider that has the name depends on it, imports what is there, and is told to retain it on
    delete: giving back is the claim's.
    """

    def __init__(self, name: str, args: ClaimArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Registers the resource.

        Args:
            name: of the resource.
            args: what it is made of.
            opts: as for every resource.
        """
        properties: dict[str, Any] = {
            "kind": str(args.kind),
            "region": args.region,
            "name": args.name,
            "value": args.value,
            "owner": this_stack(),
            "retain": args.retain,
            "retentionDays": args.retention_days,
        }
        super().__init__(ClaimProvider(), name, properties, opts)
