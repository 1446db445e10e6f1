"""Resources of other stacks and principals are refused before the first resource, all at once."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aws.session import AwsClients
from common.problems import SettingsError
from components.account import Account
from components.adoption import governance, inventory, lookup
from components.adoption.inventory import GLOBAL, Existing, FixedName
from components.adoption.resource_kinds import Kind
from components.preflight.ownership import check_ownership, fixed_names, ownership_problems
from components.settings import Settings

ACCOUNT = Account(id="123456789012", partition="aws")
ALPHA, BETA = "organization/shell-access/alpha", "organization/shell-access/beta"
RECORD = FixedName(
    kind=Kind.POLICY,
    region="eu-west-1",
    name=governance.policy_arn("aws", ACCOUNT.id),
    path=("takeOver",),
    is_adopted=False,
)
SECTIONS: dict[str, Any] = {
    "sessionManager": {},
    "approval": {"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]},
    "domainControllers": {"administratorRoles": ["Team"]},
    "nodes": {"defaultHostManagement": {}, "agents": {}},
}


def load(*sections: str, **others: Any) -> Settings:
    given = {name: SECTIONS[name] for name in sections} | others
    return Settings.load(
        {"aws:region": "eu-west-1", **{f"shell-access:{name}": value for name, value in given.items()}}
    )


NAMES = fixed_names(load(*SECTIONS, regions=["eu-west-1", "us-east-1"]), ACCOUNT)


def existing(name: FixedName, owner: str | None, *, made_here: bool = False) -> tuple[FixedName, Existing]:
    found = Existing(kind=name.kind, region=name.region, name=name.name, id=name.name, owner=owner, made_here=made_here)
    return name, found


owned = st.lists(
    st.tuples(st.sampled_from([RECORD, *NAMES]), st.sampled_from([None, ALPHA, BETA, "o/p/third"])),
    unique_by=lambda each: each[0],
)


@given(owned)
def test_refused_exactly_where_another_owner_has_something(found: list[tuple[FixedName, str | None]]) -> None:
    for owner in (ALPHA, BETA):
        problems = ownership_problems([existing(*each) for each in found], RECORD, ACCOUNT, owner)
        text = "\n".join(map(str, problems))
        for name, has in found:
            is_refused = has not in (None, owner) or (has is None and not name.is_adopted)
            assert (str(name) in text or (name is RECORD and f"governed by the stack {has}" in text)) == is_refused
        others = {has for _, has in found} - {None, owner}
        assert {has for has in others if f"the stack {has}" in text} == others
        assert len(problems) == len(others) + sum(has is None and not name.is_adopted for name, has in found)
        assert f"stack {owner}" not in text


def test_refusal_lists_every_resource_on_a_line() -> None:
    found = [existing(name, ALPHA) for name in (RECORD, *NAMES)]
    (problem,) = ownership_problems(found, RECORD, ACCOUNT, BETA)
    first, *lines = str(problem).splitlines()
    assert f"Destroy that stack first, or set {problem.key} to true here" in first
    assert [line.strip().partition(" (")[0] for line in lines] == [str(name) for name in NAMES]


@given(st.sampled_from([RECORD, *NAMES]))
def test_own_and_released_things_are_accepted(name: FixedName) -> None:
    assert ownership_problems([existing(name, ALPHA)], RECORD, ACCOUNT, ALPHA) == []
    assert ownership_problems([existing(name, None, made_here=True)], RECORD, ACCOUNT, ALPHA) == []
    permitted = FixedName(kind=name.kind, region=name.region, name=name.name, take_over=True)
    assert ownership_problems([existing(permitted, BETA)], RECORD, ACCOUNT, ALPHA) == []


@pytest.fixture
def iam(
    client: Callable[..., Any], clients: AwsClients, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(lookup, "program_clients", lambda: clients)
    monkeypatch.setattr(lookup, "_governed", {})
    monkeypatch.setattr(lookup, "this_stack", lambda: ALPHA)
    monkeypatch.setattr(lookup, "state_outputs", dict)
    lookup.find_existing.cache_clear()
    yield client("iam")
    lookup.find_existing.cache_clear()


def record(iam: Any, owner: str) -> None:
    content = json.dumps(governance.policy_content(RECORD.name))
    description = governance.policy_description(owner)
    iam.create_policy(PolicyName=governance.POLICY_NAME, PolicyDocument=content, Description=description)


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize("section", [*SECTIONS, "endpoints"])
def test_account_of_another_stack_is_refused_for_any_section(iam: Any, section: str, region: str) -> None:
    """Only the record shows the first stack: its sections and Regions are others."""
    record(iam, ALPHA)
    endpoints = {region: {"vpc": "v", "subnets": ["s"], "allowedCidrs": ["10.0.0.0/8"]}}
    others = {"endpoints": endpoints} if section == "endpoints" else {section: SECTIONS[section]}
    settings = load(regions=[region], **others)
    with pytest.raises(SettingsError, match=f"account {ACCOUNT.id} is governed by the stack {ALPHA}"):
        check_ownership(settings, ACCOUNT, BETA, "")
    check_ownership(settings, ACCOUNT, ALPHA, "")
    check_ownership(load(regions=[region], takeOver=True, **others), ACCOUNT, BETA, "")
    check_ownership(load(), ACCOUNT, BETA, "")


def test_each_name_is_looked_up_once(iam: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 -- the local AWS
    looked_up: list[tuple[Kind, str, str]] = []
    find = lookup.find

    def counted(kind: Kind, client: Any, region: str, name: str) -> Existing | None:
        looked_up.append((kind, region, name))
        return find(kind, client, region, name)

    monkeypatch.setattr(lookup, "find", counted)
    settings = load("sessionManager", "nodes")
    check_ownership(settings, ACCOUNT, BETA, "")
    for each in fixed_names(settings, ACCOUNT):
        lookup.find_existing(each.kind, each.region, each.name)
    assert len(looked_up) == len(set(looked_up)) == 1 + len(fixed_names(settings, ACCOUNT))


@pytest.mark.parametrize(("governs", "expected"), [(ALPHA, 1), (BETA, None)])
def test_names_in_the_state_are_not_looked_up(
    iam: Any, monkeypatch: pytest.MonkeyPatch, governs: str, expected: int | None
) -> None:
    """Only where the record names this stack: what another stack has taken over is looked up."""
    record(iam, governs)
    settings = load("sessionManager", "nodes", takeOver=True)
    names = fixed_names(settings, ACCOUNT)
    outputs = {f"urn:pulumi:s::p::{token_of(each)}::{number}": output_of(each) for number, each in enumerate(names)}
    looked_up: list[str] = []
    find = lookup.find

    def counted(kind: Kind, client: Any, region: str, name: str) -> Existing | None:
        looked_up.append(name)
        return find(kind, client, region, name)

    monkeypatch.setattr(lookup, "find", counted)
    monkeypatch.setattr(lookup, "state_outputs", lambda: outputs)
    check_ownership(settings, ACCOUNT, ALPHA, "")
    assert len(looked_up) == (expected or 1 + len(names))


TOKENS = {each.kind: (token, each.output) for token, each in inventory.NAMED_TYPES.items()}


def token_of(name: FixedName) -> str:
    return f"shell-access:component:Component${TOKENS[name.kind][0]}"


def output_of(name: FixedName) -> dict[str, str]:
    return {TOKENS[name.kind][1]: name.name, "region": name.region}


def test_access_denial_is_an_error_for_each_name(monkeypatch: pytest.MonkeyPatch, clients: AwsClients) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    def denied(kind: Kind, *_: Any) -> None:
        message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:GetPolicy"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": f"{message} {kind}"}}, "GetPolicy")

    monkeypatch.setattr(lookup, "program_clients", lambda: clients)
    monkeypatch.setattr(lookup, "find", denied)
    lookup.find_existing.cache_clear()
    settings = load("sessionManager")
    with pytest.raises(SettingsError) as refused:
        check_ownership(settings, ACCOUNT, BETA, "")
    assert len(refused.value.problems) == 1 + len(fixed_names(settings, ACCOUNT))
    assert all("permission: refused" in each.message for each in refused.value.problems)


def test_global_kinds_are_those_of_iam() -> None:
    assert {each.kind for each in NAMES if ":iam:" in each.name} <= GLOBAL
