"""Recovery of a stack after a killed run or a lost state: its existing resources are imported, not created twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import existing_in_state, type_and_name
from components.adoption.lookup import answered, find_existing, program_clients, state_outputs
from components.adoption.owned_resources import NETWORK_ACL, RECOVERABLE, RESOURCE_TAG, OwnedResources
from components.adoption.resource_kinds import MADE_HERE_TAG, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.account import Account


@dataclass(frozen=True, kw_only=True)
class _Registered:
    """A resource of this run.

    Properties are the planned ones, by their Python names.
    """

    resource: pulumi.Resource
    name: str
    token: str
    region: str
    properties: dict[str, Any]


@dataclass(kw_only=True)
class Recovery:
    """Tags every resource with its owner and its name, and imports those that exist in AWS and the state lacks.

    Nothing is looked up if the state has all registered resources. A resource that gets another fixed name, or moves to
    another Region, is imported if the stack has retained or created one of that name there before: AWS refuses to create
    it, and the engine replaces the one in the state by the imported one.

    Attributes:
        owner: Name of the stack: `organization/project/stack`.
        region: Region of the AWS provider.
        owned: Resources with the stack's tags.
    """

    owner: str
    region: str
    owned: OwnedResources
    _in_state: Mapping[tuple[str, str], Mapping[str, Any]] = field(
        default_factory=dict[tuple[str, str], "Mapping[str, Any]"]
    )
    _names_in_state: frozenset[tuple[Kind, str, str]] = frozenset()
    _registered: list[_Registered] = field(default_factory=list[_Registered])
    _found: dict[tuple[str, str], str | None] = field(default_factory=dict[tuple[str, str], str | None])

    def begin(self) -> None:
        """Apply to every resource that is registered from now on."""
        outputs = state_outputs()
        self._in_state = {type_and_name(urn): each for urn, each in outputs.items()}
        self._names_in_state = frozenset(existing_in_state(outputs, self.owner))
        pulumi.runtime.register_stack_transformation(self.transformed)

    def transformed(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Return a resource of the AWS provider with its tags, and with the ID of the existing one to import."""
        if not args.type_.startswith("aws:"):
            return None
        properties: dict[str, Any] = dict(args.props)
        options = args.opts
        region = str(properties.get("region") or self.region)
        if "tags" in properties:
            own = {OWNER_TAG: self.owner, RESOURCE_TAG: args.name}
            if self.owned.is_made_here(args.type_, region, properties):
                own[MADE_HERE_TAG] = self.owner
            properties["tags"] = {**(properties["tags"] or {}), **own}
        if args.type_ in RECOVERABLE and options.import_ is None:
            made = _Registered(
                resource=args.resource,
                name=args.name,
                token=args.type_,
                region=region,
                properties=properties,
            )
            self._registered.append(made)
            aliases = [each.name for each in options.aliases or () if isinstance(each, pulumi.Alias)]
            is_in_state = any((made.token, each) in self._in_state for each in (made.name, *aliases))
            fixed = self.owned.planned_name(made.token, made.region, made.properties)
            # A renamed resource is in the state with its name in the stack, but not with its fixed name.
            if not is_in_state or (fixed is not None and fixed not in self._names_in_state):
                imported = pulumi.ResourceOptions(import_=self._import_id(made))
                options = pulumi.ResourceOptions.merge(options, imported)
            elif made.token == NETWORK_ACL:
                self._return_subnets(made)
        return pulumi.ResourceTransformationResult(properties, options)

    def _return_subnets(self, made: _Registered) -> None:
        """Return the subnets that a run which did not complete has moved to a successor, of which the state may not know."""
        outputs = self._in_state.get((made.token, made.name), {})
        subnets = frozenset(outputs.get("subnetIds") or ())
        if subnets:
            with answered(f"the subnets of {made.name} in {made.region}", "ec2", made.region):
                self.owned.return_subnets(str(outputs["arn"]).rpartition("/")[2], subnets, made.region)

    def _import_id(self, made: _Registered) -> str | None:
        key = (made.token, made.name)
        if key not in self._found:
            known = {name: self._known(value) for name, value in made.properties.items()}
            with answered(f"{made.token} {made.name} in {made.region}", "ec2", made.region):
                self._found[key] = self.owned.import_id(made.token, made.name, made.region, known)
        return self._found[key]

    def _known(self, value: object) -> object:
        """Return a property if known: the ID of a resource of this run is known if the resource exists in AWS."""
        if not isinstance(value, pulumi.Output):
            return value
        for each in self._registered:
            if vars(each.resource).get("id") is value:
                found = self._import_id(each)
                return found.partition("@")[0] if found else None
        return None


def recover(account: Account, owner: str, region: str) -> None:
    """Recover the stack's resources that its state lacks."""
    Recovery(
        owner=owner,
        region=region,
        owned=OwnedResources(
            client=program_clients().client,
            existing=find_existing,
            owner=owner,
            scope=account.scope(pulumi_aws.config.region or region),
            may_write=not pulumi.runtime.is_dry_run(),
        ),
    ).begin()
