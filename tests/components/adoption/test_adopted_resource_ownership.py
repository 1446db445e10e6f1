"""A resource that one stack owns is not changed or removed by another, of every kind and in either order."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.adoption import adopted_resource, inventory
from components.adoption.adopted_resource import AdoptedResourceProvider, with_prior_tags
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import Kind, resource_adapter
from tests.components.adoption.test_inventory import MAKERS, NAMES, POLICY
from tests.components.providers import with_clients

ADOPTED = (Kind.ALIAS, Kind.LOG_GROUP, Kind.PARAMETER, Kind.TOPIC, Kind.POLICY)
ALPHA, BETA = "organization/shell-access/alpha", "organization/shell-access/beta"
ORDERS = [(ALPHA, BETA), (BETA, ALPHA)]
TEAM = {"team": "theirs"}


@pytest.fixture
def provider(clients: AwsClients) -> AdoptedResourceProvider:
    return with_clients(AdoptedResourceProvider(), clients)


class Stacks:
    """Stacks that adopt one name, each with its own value, and the actions of the AWS provider."""

    def __init__(self, provider: AdoptedResourceProvider, client: Callable[..., Any], kind: Kind) -> None:
        self.provider, self._client, self.kind = provider, client, kind
        self._values = {owner: self._value(owner) for owner in (ALPHA, BETA)}

    def _value(self, owner: str) -> str:
        if self.kind is Kind.PARAMETER:
            return owner
        if self.kind is Kind.POLICY:
            return json.dumps({"PolicyDocument": POLICY, "Description": owner})
        tags = [{"TagKey": OWNER_TAG, "TagValue": owner}]
        key = self._client("kms").create_key(Tags=tags)["KeyMetadata"]
        return key["Arn"] if self.kind is Kind.LOG_GROUP else key["KeyId"]

    def inputs(self, owner: str, **changes: Any) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "region": "eu-west-1",
            "name": NAMES[self.kind],
            "value": self._values[owner],
            "owner": owner,
            "takeOverFrom": "",
            "retain": False,
        } | changes

    def create(self, owner: str, tags: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """Adopt the name, then import and update it as the AWS provider does: its value, and its tags without the mark."""
        outs = self.provider.create(self.inputs(owner, **changes)).outs or {}
        named = resource_adapter(self.kind, self._client(self.kind.service), NAMES[self.kind])
        if self.kind is Kind.TOPIC:
            found = named.find()
            assert found is not None
            named.restore(json.dumps({**json.loads(found.value), "KmsMasterKeyId": self._values[owner]}))
        elif self.kind is not Kind.POLICY:
            named.restore(self._values[owner])
        planned = {OWNER_TAG: owner, **(tags or {})}
        others = () if self.kind is Kind.ALIAS else TEAM
        named.retag(self._values[owner], planned, removed=["shell-access:made-here", *others])
        return outs

    def live(self) -> tuple[Any, ...] | None:
        client = self._client(self.kind.service)
        existing = inventory.find(self.kind, client, "eu-west-1", NAMES[self.kind])
        return existing and (existing, resource_adapter(self.kind, client, NAMES[self.kind]).find())

    def owner(self) -> str | None:
        live = self.live()
        return live[0].owner if live else None


@pytest.fixture(params=ADOPTED)
def stacks(request: pytest.FixtureRequest, provider: AdoptedResourceProvider, client: Callable[..., Any]) -> Stacks:
    return Stacks(provider, client, request.param)


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_resource_of_another_stack_is_refused(stacks: Stacks, first: str, second: str) -> None:
    made = stacks.create(first)
    before = stacks.live()
    assert stacks.owner() == first
    (failure,) = stacks.provider.check({}, stacks.inputs(second)).failures
    assert f"is owned by the stack {first}" in failure.reason
    with pytest.raises(ResourceError, match=f"is owned by the stack {first}"):
        stacks.provider.create(stacks.inputs(second))
    with pytest.raises(ResourceError, match=f"is owned by the stack {first}"):
        stacks.provider.update("", stacks.inputs(second), stacks.inputs(second, retain=True))
    for prior in ({}, {"prior": "anything"}):
        stacks.provider.delete("", stacks.inputs(second, **prior))
    assert stacks.live() == before
    assert stacks.provider.check({}, stacks.inputs(first)).failures == []
    stacks.provider.delete("", made)
    assert stacks.owner() is None


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_resource_taken_over_leaves_the_first_stack(stacks: Stacks, first: str, second: str) -> None:
    old = stacks.create(first)
    inputs = stacks.inputs(second, takeOverFrom=first)
    assert stacks.provider.check({}, inputs).failures == []
    taken = stacks.create(second, takeOverFrom=first)
    before = stacks.live()
    assert stacks.owner() == second
    stacks.provider.delete("", old)
    assert stacks.live() == before
    stacks.provider.delete("", taken)
    left = stacks.live()
    assert left is not None, "what the first stack had is not deleted"
    assert stacks.owner() in (None, first)


@pytest.mark.parametrize("owner", [ALPHA, BETA])
def test_loser_of_a_race_is_refused(
    stacks: Stacks, owner: str, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds nothing, and the other stack creates it first."""
    other = next(each for each in (ALPHA, BETA) if each != owner)
    named = resource_adapter(stacks.kind, client(stacks.kind.service), NAMES[stacks.kind])

    make = type(named).make

    def lose(*_: Any) -> bool:
        monkeypatch.setattr(type(named), "make", make)
        stacks.create(other)
        return False

    monkeypatch.setattr(type(named), "make", lose)
    with pytest.raises(ResourceError, match=f"is owned by the stack {other}"):
        stacks.provider.create(stacks.inputs(owner))
    assert stacks.owner() == other


def test_resource_of_another_principal_is_restored(stacks: Stacks, client: Callable[..., Any]) -> None:
    MAKERS[stacks.kind](client, {})
    before = stacks.live()
    failures = stacks.provider.check({}, stacks.inputs(ALPHA)).failures
    if stacks.kind is Kind.POLICY:
        assert "not created by a stack of this program" in failures[0].reason
        return
    assert failures == []
    made = stacks.create(ALPHA)
    assert stacks.owner() == ALPHA
    stacks.provider.delete("", made)
    assert value_and_tags(stacks.live()) == value_and_tags(before)


@pytest.mark.parametrize("next_stack", [ALPHA, BETA])
def test_released_resource_is_available_to_any_stack(stacks: Stacks, next_stack: str) -> None:
    if stacks.kind is Kind.POLICY:
        return
    made = stacks.create(ALPHA, retain=True)
    stacks.provider.delete("", made)
    live = stacks.live()
    assert live is not None
    assert (live[0].owner, live[0].made_here) == (None, True)
    assert stacks.provider.check({}, stacks.inputs(next_stack)).failures == []
    stacks.create(next_stack)
    assert stacks.owner() == next_stack


def test_renamed_stack_keeps_its_resources(stacks: Stacks) -> None:
    made = stacks.create(ALPHA)
    renamed = {**made, "owner": BETA}
    assert stacks.provider.diff("", made, renamed).changes
    outs = stacks.provider.update("", made, renamed).outs or {}
    assert outs["owner"] == BETA


def value_and_tags(live: tuple[Any, ...] | None) -> tuple[str, dict[str, str]]:
    assert live is not None
    existing, found = live
    return found.value, dict(existing.tags)


class Program:
    """The stacks with the tags that the program plans for the resource that has the name, or for the key of an alias."""

    def __init__(self, stacks: Stacks, clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stacks, self._clients, self._patch = stacks, clients, monkeypatch
        self.key_alias = ""

    def planned(self, owner: str, state: dict[str, Any] | None = None, **tags: str) -> dict[str, str]:
        kind, client = self._stacks.kind, self._clients.client
        key = (str(kind), "eu-west-1", NAMES[kind])
        self._patch.setattr(adopted_resource, "_in_state", lambda: {key: state} if state else {})
        self._patch.setattr(adopted_resource, "this_stack", lambda: owner)
        self._patch.setattr(adopted_resource, "program_clients", lambda: self._clients)
        self._patch.setattr(
            adopted_resource,
            "find_existing",
            lambda kind, region, name: inventory.find(kind, client(kind.service, region), region, name),
        )
        return with_prior_tags(kind, "eu-west-1", NAMES[kind], tags, key_alias=self.key_alias)

    def create(self, owner: str, **changes: Any) -> dict[str, Any]:
        """Adopt the name without a state; the next run plans the same tags."""
        planned = self.planned(owner, team="the stack's")
        outs = self._stacks.create(owner, planned, **changes)
        assert self.planned(owner, outs, team="the stack's") == planned
        return outs


@pytest.fixture
def program(stacks: Stacks, clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(stacks, clients, monkeypatch)


@pytest.mark.parametrize("taken_over", [False, True])
@pytest.mark.parametrize("lost_states", [0, 1, 2])
def test_prior_value_survives_lost_states(  # noqa: PLR0913 -- two parameters
    stacks: Stacks,
    program: Program,
    client: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    *,
    lost_states: int,
    taken_over: bool,
) -> None:
    if stacks.kind is Kind.POLICY:
        return
    MAKERS[stacks.kind](client, TEAM)
    before = value_and_tags(stacks.live())
    made = [program.create(ALPHA) for _ in range(lost_states + 1)]
    if taken_over:
        made.append(program.create(BETA, takeOverFrom=ALPHA))
    assert value_and_tags(stacks.live()) != before
    stacks.provider.delete("", made[-1])
    assert value_and_tags(stacks.live()) == before
    says_what_is_lost = (
        "has the default policy: the one that it had before the stack is not known" in capsys.readouterr().err
    )
    assert says_what_is_lost == (stacks.kind is Kind.TOPIC and bool(made[1:]))


def test_log_group_that_returns_keeps_its_prior_value(
    stacks: Stacks, program: Program, client: Callable[..., Any]
) -> None:
    """It has left the stack with the stack's key, which is still there."""
    if stacks.kind is not Kind.LOG_GROUP:
        return
    MAKERS[stacks.kind](client, TEAM)
    program.key_alias = "alias/logs"
    first = program.create(ALPHA, retain=True)
    client("kms").create_alias(AliasName=program.key_alias, TargetKeyId=first["value"])
    stacks.provider.delete("", first)
    assert program.create(ALPHA, retain=True) == first


def test_retained_key_of_adopted_alias_is_released(
    stacks: Stacks, program: Program, client: Callable[..., Any]
) -> None:
    if stacks.kind is not Kind.ALIAS:
        return
    MAKERS[stacks.kind](client, {})
    before = value_and_tags(stacks.live())
    made = program.create(ALPHA, retain=True)
    stacks.provider.delete("", made)
    assert value_and_tags(stacks.live()) == before
    own = client("kms").list_resource_tags(KeyId=made["value"])["Tags"]
    assert [each["TagKey"] for each in own] == ["team"]


def test_created_resource_is_deleted_after_lost_state(stacks: Stacks, program: Program) -> None:
    if stacks.kind in (Kind.LOG_GROUP, Kind.TOPIC, Kind.POLICY):
        return  # their tag shell-access:made-here is kept, see `OwnedResources.is_made_here`
    assert program.planned(ALPHA) == {}
    program.create(ALPHA)
    stacks.provider.delete("", program.create(ALPHA))
    assert stacks.live() is None


def test_lost_value_of_parameter_is_left(
    stacks: Stacks, program: Program, client: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier release has adopted it and recorded no version, or Parameter Store has deleted the version."""
    if stacks.kind is not Kind.PARAMETER:
        return
    MAKERS[stacks.kind](client, TEAM)
    made = stacks.create(ALPHA)
    earlier_release = {name: each for name, each in made.items() if name != "priorRecord"}
    planned = program.planned(ALPHA, earlier_release)
    assert planned[adopted_resource.PRIOR_TAG] == "lost"
    stacks.create(ALPHA, planned)
    made = program.create(ALPHA)
    assert "prior" not in made
    stacks.provider.delete("", made)
    assert value_and_tags(stacks.live()) == (ALPHA, TEAM)
    assert "keeps its value: the one that it had before the stack is not known any more" in capsys.readouterr().err


def test_prior_tags_leave_room_for_others(stacks: Stacks, program: Program, client: Callable[..., Any]) -> None:
    if stacks.kind not in (Kind.LOG_GROUP, Kind.PARAMETER, Kind.TOPIC):
        return
    MAKERS[stacks.kind](client, {f"tag{number}": "theirs" for number in range(40)} | {"k" * 120: "theirs"})
    assert len(program.planned(ALPHA)) == 41
    assert program.planned(ALPHA, service="ours").keys() == {"service", adopted_resource.PRIOR_TAG}
