"""A claim on a fixed name, as a resource: what has it is there before the AWS provider imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.adoption.kinds import SERVICES, Holder, Kind, holder
from components.documents.errors import explained
from components.dynamic_provider import AwsResourceProvider
from components.owner import this_stack

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pulumi

Properties = dict[str, Any]

_FIXED = ("kind", "region", "name")
_INPUTS = (*_FIXED, "value", "owner", "retain")


class ClaimProvider(AwsResourceProvider):
    """Finds or makes what has the name, and gives it back."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Which name it is; its value is the business of the resource that imports it."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        changes = bool(moved) or _olds.get("retain") != _news.get("retain")
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Remembers what has the name, or makes it."""
        with self._explained(props):
            named = self._holder(props)
            found = named.find()
            if found is None:
                found = None if named.make(props["value"], props["owner"]) else named.find()
        # An alias has no tags; one that names our key already is of a run that was killed.
        of_a_killed_run = found is not None and props["kind"] == Kind.ALIAS and found.value == props["value"]
        ours = found is None or found.made_here or of_a_killed_run
        prior = None if ours or found is None else found.value
        return CreateResult(f"{props['kind']}/{props['region']}/{props['name']}", _outputs(props, prior))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Takes note of what is to become of it."""
        return UpdateResult(_outputs(_news, _olds.get("prior")))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Gone where nothing has the name any more, so that the next run makes it again."""
        with self._explained(props):
            found = self._holder(props).find()
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, _outputs(props, props.get("prior")), {name: props.get(name) for name in _INPUTS})

    def delete(self, _id: str, _props: Properties) -> None:
        """What was there before comes back; what was made here goes, or stays with a mark."""
        prior = _props.get("prior")
        with self._explained(_props):
            named = self._holder(_props)
            if prior is not None:
                named.put_back(prior)
            elif _props.get("retain"):
                named.leave(_props["owner"])
            else:
                named.remove()

    def _holder(self, props: Properties) -> Holder:
        kind = Kind(props["kind"])
        return holder(kind, self.clients().client(SERVICES[kind], props["region"]), props["name"])

    def _explained(self, props: Properties) -> AbstractContextManager[None]:
        region, kind = props["region"], Kind(props["kind"])
        clients = self.clients()
        what = f"{kind} {props['name']} in {region}"
        return explained(what, SERVICES[kind], region, lambda: clients.caller_arn(region))


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
        value: an alias' target key, a log group's key ("" without one), a parameter's value; used where nothing has
            the name yet.
        retain: it stays when the stack goes; what was there before always does.
    """

    kind: Kind
    region: str
    name: str
    value: pulumi.Input[str]
    retain: bool = False


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
        }
        super().__init__(ClaimProvider(), name, properties, opts)
