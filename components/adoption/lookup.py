"""Lookups in the account before a resource is registered that may exist already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi.runtime.config import CONFIG

from common.aws.failures import ResourceError, explained
from common.aws.session import AwsClients, UnsupportedConfigurationError
from common.problems import Problem
from components.adoption.dynamic_provider import this_stack
from components.adoption.inventory import GLOBAL, Existing, described, existing_in_state, find, type_and_name
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from components.adoption.inventory import FixedName


_AT_A_TIME: Final = 16


_READ_STATE: Final = "pulumi:pulumi:readStackResourceOutputs"
"""Function of the engine that returns the resources in a stack's state (pkg/resource/deploy/builtins.go)."""

_governed: dict[tuple[Kind, str, str], Existing] = {}
"""Resources that need no lookup, as the account's record names this stack and its state has them."""


@cache
def state_outputs() -> Mapping[str, Mapping[str, Any]]:
    """Return the outputs of the resources in the stack's state by URN, as they were before this run."""
    answer: dict[str, Any] = pulumi.runtime.invoke(_READ_STATE, {"stackName": this_stack()}).value or {}
    resources: dict[str, dict[str, Any]] = answer.get("outputs") or {}
    return {urn: each.get("outputs") or {} for urn, each in resources.items()}


def names_in_stack(token: str, resources: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return names in the stack for resources of a type whose calls replace what has the same name in AWS.

    A resource that is in the state keeps its name in the stack, whatever its purpose is now: under another one, the
    engine would delete what it has just created.
    `resources` has the default names in the stack, by the name in AWS and the Region.
    """
    state: dict[tuple[str, str], str] = {}
    for urn, each in state_outputs().items():
        kind, name = type_and_name(urn)
        if kind == token:
            state[str(each.get("name")), str(each.get("region"))] = name
    kept = {place: state[place] for place in resources if place in state}
    used = set(kept.values())
    for (name, region), default in resources.items():
        if (name, region) not in kept:
            kept[name, region] = f"{default}-{region}" if default in used else default
    return kept


def rely_on_state() -> None:
    """Look up no name that the stack's state has.

    Only after the account's record was found to name this stack: a stack takes the record over before anything else, so
    no other stack owns what this one's state has.
    """
    _governed.update(existing_in_state(state_outputs(), this_stack()))


@cache
def find_existing(kind: Kind, region: str, name: str) -> Existing | None:
    """Return the resource that has a fixed name, and its owner; looked up once per run. None: the name does not exist.

    Raises:
        RunError: AWS does not respond, or denies the request; then it is unknown whether the name exists.
    """
    known = _governed.get((kind, "" if kind in GLOBAL else region, name))
    if known is not None:
        return known
    service = kind.service
    with answered(described(kind, region, name), service, region):
        return find(kind, program_clients().client(service, region), region, name)


@contextmanager
def answered(what: str, service: str, region: str) -> Generator[None]:
    """End the program with one error where AWS does not respond, or denies a request.

    Raises:
        RunError: AWS does not respond, or denies the request.
    """
    try:
        with explained(what, service, region, lambda: program_clients().caller_arn(region)):
            yield
    except ResourceError as problem:
        raise pulumi.RunError(str(problem)) from None


def find_all(names: Collection[FixedName]) -> tuple[list[tuple[FixedName, Existing]], list[Problem]]:
    """Look up fixed names concurrently; return those that exist, and a problem for each that cannot be looked up."""
    with ThreadPoolExecutor(_AT_A_TIME) as lookups:
        answers = list(zip(names, lookups.map(_answer, names), strict=True))
    existing = [(name, each) for name, each in answers if isinstance(each, Existing)]
    return existing, list(dict.fromkeys(each for _, each in answers if isinstance(each, Problem)))


def _answer(name: FixedName) -> Existing | Problem | None:
    try:
        return find_existing(name.kind, name.region, name.name)
    except pulumi.RunError as problem:
        return Problem(path=name.path, message=str(problem))


def previous_owner(kind: Kind, region: str, name: str) -> str:
    """Return the other stack from which a name is taken over; empty: no other stack owns it.

    The settings permit it: what they do not permit is refused before the first resource is registered
    (`components/preflight/ownership.py`).
    """
    existing = find_existing(kind, region, name)
    owner = existing.owner if existing else None
    return owner if owner and owner != this_stack() else ""


def import_id(kind: Kind, region: str, name: str) -> str | None:
    """Return the import ID for the AWS provider's resource with a fixed name; None: missing, in a preview.

    In an update the `AdoptedResource` has ensured that the name exists, so the resource is always imported: the engine recognizes
    the ID in later updates.

    Raises:
        RunError: AWS does not respond, or denies the request.
    """
    if pulumi.runtime.is_dry_run() and find_existing(kind, region, name) is None:
        return None
    return name if kind in GLOBAL else f"{name}@{region}"


def retained_key(alias: str, region: str) -> str | None:
    """Return the import ID of a usable key that a stack of this program has retained under an alias.

    Raises:
        RunError: AWS does not respond, or denies the request.
    """
    key = find_existing(Kind.ALIAS, region, alias)
    is_left = key is not None and key.is_usable and key.made_here and key.owner in (None, this_stack())
    return f"{key.id}@{region}" if key is not None and is_left else None


@cache
def program_clients() -> AwsClients:
    """Return clients with the configuration of the stack's AWS provider.

    Raises:
        RunError: The configuration has settings that only the provider supports.
    """
    try:
        return AwsClients(CONFIG.get().get)
    except UnsupportedConfigurationError as problem:
        raise pulumi.RunError(str(problem)) from None
