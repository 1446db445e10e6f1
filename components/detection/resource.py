"""A detection service in a Region, whose switches a stack turns on, and restores.

The resource that represents a service, such as a detector, exists once per Region, usually before the stack. The AWS
provider's resources refuse to create it again, and delete it on destroy. Here, switches that are on already stay so,
also on destroy. What was on before is in the state and in a tag, so that a lost state loses nothing; without a resource
to tag, as for Inspector, what is on when the state is lost stays on. A service that another account manages for this one,
such as the delegated administrator of an organization, is not changed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from common.aws.failures import ResourceError, code_of
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.dynamic_provider import SECRET_PROPERTIES, AwsResourceProvider, log, read_created, this_stack
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import SecurityService
from components.detection.services import OURS_TAG, SERVICES, ServiceKind, ServiceState

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    import pulumi

Properties = dict[str, Any]

NONE: Final = "none"

_FIXED: Final = ("region", "service")
_INPUTS: Final = (*_FIXED, "owner", "switches", "tags", "takeOver", SECRET_PROPERTIES)
_COMPARED: Final = ("owner", "switches", "tags", SECRET_PROPERTIES)


class DetectionServiceProvider(AwsResourceProvider):
    """Turns switches on, and restores them."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Refuse, in a preview already, what another stack owns or what excludes a switch; report what changes."""
        if all(_olds.get(name) == news[name] for name in (*_FIXED, "switches")):
            return CheckResult(news, [])
        with self._calling(news) as (kind, client):
            state = _find(kind, client, news)
        reason = _refusal(news, kind, state, str(_olds.get("owner", ""))) if state else ""
        if state and not reason:
            _report(news, state)
        return CheckResult(news, [CheckFailure("switches", reason)] if reason else [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare with the state, which has the switches that were on at the last update or refresh."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in _COMPARED)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Turn the switches on: those of the state that was lost are this stack's."""
        with self._calling(props) as (kind, client):
            state = _find(kind, client, props)
            if state is not None:
                outs = _turn_on(props, (kind, client), state, _recorded(state))
                return CreateResult(_id(props), outs)
            if kind.has_resource:
                made = {OWNER_TAG: props["owner"], MADE_HERE_TAG: props["owner"]}
                kind.adapter(client).create(props["switches"], {**props["tags"], **made})
            state = read_created(lambda: _find(kind, client, props))
        if state is None:
            raise ResourceError(f"{_what(props)} is enabled, but AWS does not show it yet; run the same command again")
        return CreateResult(_id(props), _outputs(props, state, {*props["switches"]}))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Turn further switches on, and off what this stack turned on and the settings do not contain any more."""
        with self._calling(_news) as (kind, client):
            state = _find(kind, client, _news)
            if state is None:
                return UpdateResult(self.create(_news).outs)
            ours = {*_olds.get("ours", ())}
            outs = _turn_on(_news, (kind, client), state, ours, str(_olds.get("owner", "")))
            former = {*_olds.get("tags", ())} - {*_news["tags"]}
            if kind.has_resource and former & state.tags.keys() and MADE_HERE_TAG in state.tags:
                kind.adapter(client).untag(state, former & state.tags.keys())
            dropped = (ours - {*_news["switches"]}) & state.switches
            if dropped and not state.administrator:
                kind.adapter(client).change(state, (), dropped)
                if kind.has_resource and kind.has_tags(state):
                    kind.adapter(client).tag(state, {OURS_TAG: _listed(outs["ours"])})
        return UpdateResult(outs)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the switches that are on, so that a refresh shows what was turned off; absent where nothing is left."""
        with self._calling(props) as (kind, client):
            state = _find(kind, client, props)
        if state is None:
            return ReadResult("", {})
        live = {**props, "arn": state.arn, "administrator": state.administrator}
        if not state.administrator:
            live["switches"] = sorted({*props["switches"]} & state.switches)
            live["owner"] = state.tags.get(OWNER_TAG, "") if kind.has_tags(state) else props["owner"]
            if MADE_HERE_TAG in state.tags:
                live["tags"] = {key: state.tags[key] for key in props["tags"] if key in state.tags}
        return ReadResult(id_, live, {name: live[name] for name in _INPUTS if name in live})

    def delete(self, _id: str, _props: Properties) -> None:
        """Turn off what this stack turned on; delete what it created, unless another principal uses it, too."""
        with self._calling(_props) as (kind, client):
            state = _find(kind, client, _props)
            if state is None:
                return
            owner = state.tags.get(OWNER_TAG)
            if owner not in (None, _props["owner"]):
                log(f"{_what(_props)} is owned by the stack {owner}, so it is not changed.")
                return
            ours = {*_props.get("ours", ())} & state.switches
            others = state.switches - ours
            if state.administrator:
                log(f"{_what(_props)} is managed by the account {state.administrator}, so it is not changed.")
            elif kind.has_resource and MADE_HERE_TAG in state.tags and not others:
                kind.adapter(client).remove(state)
                return
            elif ours:
                if MADE_HERE_TAG in state.tags:
                    log(f"{_what(_props)} stays enabled for {_listed(others)}, which other principals have enabled.")
                    ours -= {kind.base}
                kind.adapter(client).change(state, (), ours)
            left = {OWNER_TAG, MADE_HERE_TAG, OURS_TAG} & state.tags.keys()
            if kind.has_resource and left:
                kind.adapter(client).untag(state, left)

    @contextmanager
    def _calling(self, props: Properties) -> Generator[tuple[ServiceKind, Any]]:
        """Yield the kind of service with a client, whose errors are translated."""
        kind = SERVICES[SecurityService(props["service"])]
        with self.calling(_what(props), kind.client, props["region"]) as client:
            yield kind, client


def _find(kind: ServiceKind, client: Any, props: Properties) -> ServiceState | None:
    def read(operation: str, absent: tuple[str, ...] = (), /, **arguments: Any) -> Mapping[str, Any] | None:
        try:
            if client.can_paginate(operation):
                return client.get_paginator(operation).paginate(**arguments).build_full_result()
            return getattr(client, operation)(**arguments)
        except ClientError as refused:
            if code_of(refused) in absent:
                return None
            raise

    return kind.find(read, props["region"])


def _turn_on(
    props: Properties, called: tuple[ServiceKind, Any], state: ServiceState, ours: set[str], known_as: str = ""
) -> Properties:
    """Turn the switches on where the service exists, and return the outputs.

    `ours` are the switches that this stack has turned on before.

    Raises:
        ResourceError: Another stack owns the service, or a switch cannot be turned on.
    """
    kind, client = called
    reason = _refusal(props, kind, state, known_as)
    if reason:
        raise ResourceError(reason)
    if state.administrator:
        return _outputs(props, state, ours)
    off = {*props["switches"]} - state.switches
    # Before the change, so that a run that is killed after it loses nothing.
    tags = {OWNER_TAG: props["owner"], OURS_TAG: _listed(ours | off)}
    if MADE_HERE_TAG in state.tags:
        tags |= props["tags"]
    if kind.has_resource and kind.has_tags(state) and not tags.items() <= state.tags.items():
        kind.adapter(client).tag(state, tags)
    if off:
        kind.adapter(client).change(state, off, ())
    return _outputs(props, state, (ours & {*props["switches"]}) | off)


def _recorded(state: ServiceState) -> set[str]:
    """Return the switches that a stack turned on according to the tag; all, where it was killed before it set one."""
    if OURS_TAG in state.tags:
        return {*state.tags[OURS_TAG].split()} - {NONE}
    return {*state.switches} if MADE_HERE_TAG in state.tags else set()


def _refusal(props: Properties, kind: ServiceKind, state: ServiceState, known_as: str) -> str:
    """Return why this stack may not use the service; empty: it may."""
    owner = state.tags.get(OWNER_TAG)
    if owner and owner not in (props["owner"], known_as) and not props.get("takeOver"):
        return (
            f"{_what(props)} is owned by the stack {owner}. One stack governs an account: destroy that stack first, or set "
            "shell-access:takeOver to true here"
        )
    conflict = "" if state.administrator else kind.conflict(state, props["switches"])
    return f"{_what(props)}: {conflict}" if conflict else ""


def _report(props: Properties, state: ServiceState) -> None:
    off = {*props["switches"]} - state.switches
    if not off:
        return
    if state.administrator:
        log(
            f"{_what(props)} is managed by the account {state.administrator} and is not changed. Ask its administrator to turn "
            f"on {_listed(off)}."
        )
    elif state.tags.get(OWNER_TAG) != props["owner"]:
        log(f"{_what(props)} exists. {_listed(off)} is enabled, and disabled again when the stack is destroyed.")


def _outputs(props: Properties, state: ServiceState, ours: Collection[str]) -> Properties:
    known = {name: props[name] for name in _INPUTS if name in props}
    return {**known, "ours": sorted(ours), "arn": state.arn, "administrator": state.administrator}


def _listed(switches: Collection[str]) -> str:
    return " ".join(sorted(switches)) or NONE


def _what(props: Properties) -> str:
    return f"{SERVICES[SecurityService(props['service'])].title} in {props['region']}"


def _id(props: Properties) -> str:
    return f"{props['service']}/{props['region']}"


class DetectionService(Resource, module="shellaccess", name="DetectionService"):
    """A detection service in a Region. Its resource has `tags` where the stack creates it."""

    def __init__(  # noqa: PLR0913 -- keyword arguments of a resource
        self,
        name: str,
        *,
        service: SecurityService,
        region: str,
        switches: Collection[str],
        tags: Mapping[str, str],
        take_over: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resource; with `take_over`, also where another stack owns the service."""
        properties: dict[str, Any] = {
            "service": str(service),
            "region": region,
            "switches": sorted(switches),
            "owner": this_stack(),
            "takeOver": take_over,
            "tags": dict(tags),
        }
        super().__init__(DetectionServiceProvider(), name, properties, opts)
