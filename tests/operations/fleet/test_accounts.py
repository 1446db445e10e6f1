"""Accounts of a fleet, their waves and the configuration of their stacks; discovery through AWS Organizations, on the local AWS."""

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aws.answers import Answer
from operations.errors import UnusableError
from operations.fleet.accounts import (
    FleetAccount,
    assign_waves,
    discover_accounts,
    needs_organization,
    organizations_client,
    select_accounts,
    tolerated_failures,
)
from operations.fleet.fleet_file import FleetSettings, problem_text
from operations.fleet.stack_configuration import configure_stacks
from tests.operations.fleet.arrangement import FLEET, IDS, account, settings

UNIT, INNER = "ou-ab12-c3d4e5f6", "ou-ab12-d4e5f6a7"


def listed_as_accounts() -> list[FleetAccount]:
    return [account(name) for name in IDS]


def test_select_accounts_combines_listed_and_discovered() -> None:
    found = [
        account("mailing", id="5" * 12),
        account("other name", id=IDS["web"], units=("r-ab12", UNIT), tags={"tier": "prod"}),
    ]
    chosen = select_accounts(settings(), found, {})
    assert [each.name for each in chosen.accounts] == [*IDS, "mailing"]
    assert (chosen.accounts[1].units, chosen.accounts[1].tags) == (("r-ab12", UNIT), {"tier": "prod"})
    assert chosen.problems == ()


def test_select_accounts_omits_excluded_and_inactive() -> None:
    file = settings(accounts=FLEET["accounts"] | {"exclude": ["web", IDS["data"]]})
    found = [
        account("old", id="6" * 12, state="SUSPENDED"),
        account("going", id="7" * 12, state="PENDING_CLOSURE"),
        account("odd", id="8" * 12, state="A_STATE_THAT_AWS_ADDS"),
    ]
    chosen = select_accounts(file, found, {})
    assert [each.name for each in chosen.accounts] == ["payments", "tools", "odd"]
    expected = {IDS["web"]: "excluded", IDS["data"]: "excluded", "6" * 12: "suspended", "7" * 12: "pending closure"}
    assert chosen.left_out == expected


def test_select_accounts_omits_suspended_listed_account() -> None:
    chosen = select_accounts(settings(), [account("web", state="SUSPENDED")], {})
    assert chosen.left_out == {IDS["web"]: "suspended"}


def test_select_accounts_makes_equal_names_unique() -> None:
    found = [account("copy", id="5" * 12), account("copy", id="6" * 12)]
    chosen = select_accounts(settings(accounts={"discover": {}}, overrides={}, waves=[{"name": "all"}]), found, {})
    assert [each.name for each in chosen.accounts] == ["copy-555555555555", "copy-666666666666"]


def test_select_accounts_reports_unknown_names() -> None:
    file = settings(
        accounts=FLEET["accounts"] | {"exclude": ["sandbox"]},
        overrides={"accounts": {"paymets": {}, "web": {}, IDS["web"]: {}}},
        waves=[{"name": "canary", "accounts": ["wbe"]}, {"name": "rest"}],
    )
    assert [problem_text(each) for each in select_accounts(file, [], {}).problems] == [
        "accounts.exclude[0]: expected an account of the fleet, got sandbox; known keys: data, payments, tools, web",
        "overrides.accounts.paymets: expected an account of the fleet, got paymets; did you mean payments?",
        "waves[0].accounts[0]: expected an account of the fleet, got wbe; did you mean web?",
        "overrides.accounts.222222222222: expected settings once per account, got web and 222222222222 for the same account",
    ]


def test_assign_waves_uses_first_match_or_last_wave() -> None:
    file = settings(
        waves=[
            {"name": "canary", "accounts": ["payments"]},
            {"name": "units", "organizationalUnits": [UNIT]},
            {"name": "tagged", "tags": {"tier": "prod"}},
            {"name": "last", "accounts": ["tools"]},
        ]
    )
    accounts = [
        account("new", id="8" * 12),
        account("payments", tags={"tier": "prod"}),
        account("web", units=("r-ab12", UNIT, INNER)),
        account("data", tags={"tier": "prod", "x": "y"}),
        account("tools", tags={"tier": "test"}),
    ]
    waves = {wave: [each.name for each in of_wave] for wave, of_wave in assign_waves(file, accounts).items()}
    assert waves == {"canary": ["payments"], "units": ["web"], "tagged": ["data"], "last": ["new", "tools"]}


@given(st.lists(st.sampled_from(list(IDS)), unique=True), st.lists(st.sampled_from(list(IDS)), unique=True))
def test_assign_waves_assigns_every_account_once(first: list[str], second: list[str]) -> None:
    file = settings(waves=[{"name": "a", "accounts": first}, {"name": "b", "accounts": second}, {"name": "c"}])
    accounts = listed_as_accounts()
    assigned = [each.id for of_wave in assign_waves(file, accounts).values() for each in of_wave]
    assert sorted(assigned) == sorted(each.id for each in accounts)


@given(st.integers(0, 100), st.integers(0, 1000))
def test_tolerated_failures_rounds_percentage_down(percent: int, accounts: int) -> None:
    number = tolerated_failures(f"{percent}%", accounts)
    assert number * 100 <= percent * accounts < (number + 1) * 100


def test_tolerated_failures_returns_number() -> None:
    assert tolerated_failures(3, 1) == 3


def test_configure_stacks_restricts_stack_to_its_account() -> None:
    rendered, problems = configure_stacks(settings(), listed_as_accounts())
    assert problems == []
    assert rendered[0].values == {
        "shell-access:regions": ["eu-west-1", "us-east-1"],
        "shell-access:sessionManager": {"idleSessionTimeout": 10},
        "aws:allowedAccountIds": ["111111111111"],
        "aws:assumeRoles": [
            {"roleArn": "arn:aws:iam::111111111111:role/ShellAccessDeployer", "sessionName": "shell-access-fleet"}
        ],
        "aws:region": "eu-west-1",
    }
    assert rendered[1].values["shell-access:sessionManager"] == {}
    assert [each.name for each in rendered] == list(IDS.values())
    assert rendered[0].as_stack().settings().session_manager["us-east-1"].idle_session_timeout == 10


def test_configure_stacks_without_role_assumes_none() -> None:
    (rendered,), _ = configure_stacks(settings(assumeRole=None), [account()])
    assert "aws:assumeRoles" not in rendered.values
    assert rendered.values["aws:allowedAccountIds"] == ["111111111111"]


def test_configure_stacks_previews_with_preview_role() -> None:
    deployer, looker = (f"arn:aws:iam::{{accountId}}:role/{name}" for name in ("Deployer", "Looker"))
    (rendered,), _ = configure_stacks(settings(assumeRole=deployer, previewRole=looker), [account()])
    (other,), _ = configure_stacks(settings(assumeRole=deployer), [account()])
    assert rendered.values == other.values == other.preview_values
    entered = [{"roleArn": "arn:aws:iam::111111111111:role/Looker", "sessionName": "shell-access-fleet"}]
    assert rendered.preview_values == rendered.values | {"aws:assumeRoles": entered}
    assert rendered.as_stack().values["aws:assumeRoles"] == json.dumps(entered)


def test_configure_stacks_prefixes_stack_names() -> None:
    (rendered,), _ = configure_stacks(settings(stackPrefix="blue-"), [account()])
    assert rendered.name == "blue-111111111111"


def test_configure_stacks_account_overrides_inner_and_outer_unit() -> None:
    def idle(minutes: int) -> dict[str, dict[str, int]]:
        return {"shell-access:sessionManager": {"idleSessionTimeout": minutes}}

    units = {INNER: idle(12), UNIT: idle(11)}
    file = settings(overrides={"organizationalUnits": units, "accounts": {"payments": idle(13)}})
    inside = ("r-ab12", UNIT, INNER)
    accounts = [account("payments", units=inside), account("web", units=inside), account("data", units=inside[:2])]
    rendered, _ = configure_stacks(file, [*accounts, account("tools")])
    held = [each.values["shell-access:sessionManager"].get("idleSessionTimeout") for each in rendered]
    assert held == [13, 12, 11, None]
    (setting,) = (each for each in rendered[0].settings if each.path[-1] == "idleSessionTimeout")
    assert [(said.value, said.origin) for said in setting.replaced] == [
        (12, f"overrides.organizationalUnits.{INNER}"),
        (11, f"overrides.organizationalUnits.{UNIT}"),
    ]


def test_configure_stacks_reports_problem_once_with_accounts() -> None:
    file = settings(
        defaults=FLEET["defaults"] | {"shell-access:sessionManager": {"maxSessionDuration": 0}},
        overrides={"accounts": {"web": {"shell-access:sessionManager": {"idleSessionTimout": 5}}}},
    )
    rendered, problems = configure_stacks(file, listed_as_accounts())
    assert rendered == []
    assert problems == [
        (
            "defaults.shell-access:sessionManager.maxSessionDuration: expected whole minutes from 1 to 1440; "
            "leave it out for no maximum, got 0. (every account)"
        ),
        (
            "overrides.accounts.web.shell-access:sessionManager.idleSessionTimout: unknown key; did you mean "
            "idleSessionTimeout? (in web)"
        ),
    ]


def test_configure_stacks_counts_accounts_of_one_problem() -> None:
    one = {"shell-access:regions": ["nowhere"]}
    file = settings(overrides={"organizationalUnits": {UNIT: one}})
    accounts = [account(f"a{number}", id=f"{number:012}", units=(UNIT,)) for number in range(5)]
    _, problems = configure_stacks(file, [*accounts, account()])
    assert len(problems) == 1
    assert problems[0].endswith("(in a0, a1, a2 and 2 more)")


def test_configure_stacks_minimal_file_lacks_regions_only() -> None:
    shortest = FleetSettings.model_validate({"accounts": {"list": [{"name": "web", "id": "2" * 12}]}})
    chosen = select_accounts(shortest, [], {})
    _, problems = configure_stacks(shortest, chosen.accounts)
    assert problems == [
        (
            "defaults.shell-access:regions: expected a list of Regions such as [eu-west-1, us-east-1], each once, "
            "got none, and no aws:region. (in web)"
        )
    ]


def test_configure_stacks_refuses_more_than_pulumi_can_pass() -> None:
    networks = [f"10.{upper}.{lower}.0/24" for upper in range(32) for lower in range(256)]
    site = {"eu-west-1": {"vpc": "directory", "subnets": ["a"]}}
    section = {"shell-access:domainControllers": {"clients": {"offices": networks}, "sites": site}}
    file = settings(overrides={"accounts": {"web": section}})
    rendered, (problem,) = configure_stacks(file, listed_as_accounts())
    assert [each.account.name for each in rendered] == [name for name in IDS if name != "web"]
    assert problem.startswith("the configuration of a stack: expected 128,000 bytes of settings at most, got ")
    assert problem.endswith("(in web)")


class Organization:
    """Root: `management` and `loose`; Prod: `payments` (tagged) and `old` (closed); Prod/Web: `web`."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        self.client: Any = boto3.client("organizations", "us-east-1", endpoint_url=endpoint, **keys)
        self.client.create_organization(FeatureSet="ALL")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.prod = self.unit(self.root, "Prod")
        self.web = self.unit(self.prod, "Web")
        self.ids = {
            "loose": self.account("loose", self.root),
            "payments": self.account("payments", self.prod, managed="yes"),
            "old": self.account("old", self.prod),
            "web": self.account("web", self.web),
        }
        self.client.close_account(AccountId=self.ids["old"])

    def unit(self, parent: str, name: str) -> str:
        return self.client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def account(self, name: str, parent: str, **tags: str) -> str:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self.client.create_account(AccountName=name, Email=f"{name}@example.com", Tags=given)
        identity = made["CreateAccountStatus"]["AccountId"]
        if parent != self.root:
            self.client.move_account(AccountId=identity, SourceParentId=self.root, DestinationParentId=parent)
        return identity


@pytest.fixture(scope="module")
def organization(emptied_once: str) -> Organization:
    return Organization(emptied_once)


def found(organization: Organization, **discover: Any) -> dict[str, FleetAccount]:
    file = settings(accounts={"discover": discover}, overrides={}, waves=[{"name": "all"}])
    return {each.name: each for each in discover_accounts(file, organization.client)[0]}


def test_discovery_finds_whole_organization(organization: Organization) -> None:
    accounts = found(organization)
    assert set(accounts) == {"master", "loose", "payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)
    assert accounts["loose"].units == (organization.root,)
    assert {name for name, each in accounts.items() if each.state != "ACTIVE"} == {"old"}


def test_discovery_searches_child_units_once(organization: Organization) -> None:
    accounts = found(organization, organizationalUnits=[organization.web, organization.prod])
    assert set(accounts) == {"payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)


def test_discovery_by_tags_keeps_closed_accounts(organization: Organization) -> None:
    accounts = found(organization, tags={"managed": "yes"})
    assert set(accounts) == {"payments", "old"}
    assert accounts["payments"].tags == {"managed": "yes"}


def test_discovery_omits_closed_accounts(organization: Organization) -> None:
    file = settings(accounts={"discover": {}}, overrides={}, waves=[{"name": "all"}])
    chosen = select_accounts(file, *discover_accounts(file, organization.client))
    assert list(chosen.left_out) == [organization.ids["old"]]
    assert "old" not in {each.name for each in chosen.accounts}


def test_discovery_reads_units_of_listed_accounts(organization: Organization) -> None:
    listed = [{"name": "web", "id": organization.ids["web"]}, {"name": "outside", "id": "9" * 12}]
    file = settings(
        accounts={"list": listed}, overrides={"organizationalUnits": {organization.prod: {}}}, waves=[{"name": "all"}]
    )
    assert needs_organization(file)
    accounts, units = discover_accounts(file, organization.client)
    assert accounts == []
    assert units == {organization.ids["web"]: (organization.root, organization.prod, organization.web), "9" * 12: ()}


def test_discovery_is_skipped_for_listed_accounts() -> None:
    assert not needs_organization(settings())
    assert needs_organization(settings(accounts=FLEET["accounts"] | {"discover": {}}))


def test_discovery_without_response_is_unusable() -> None:
    file = settings(accounts={"discover": {}})
    with pytest.raises(
        UnusableError, match=r"The accounts of the organization cannot be listed: organizations:List"
    ) as wrong:
        discover_accounts(file, organizations_client())
    assert "list the accounts in the file" in str(wrong.value)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"list_roots": {"Roots": []}}, "ListRoots"),
        ({"list_roots": {"Roots": [{"Id": "r-ab12"}]}}, "no account in the organization"),
        (
            {
                "list_roots": {"Roots": [{"Id": "r-ab12"}]},
                "list_accounts_for_parent": {"Accounts": [Answer({"Id": "1" * 12, "Name": "web"}, "Account")]},
            },
            "Account: .* no Status",
        ),
    ],
)
def test_organization_without_accounts_is_unusable(answers: dict[str, Any], found: str) -> None:
    class Client:
        def get_paginator(self, operation: str) -> Any:
            pages = SimpleNamespace(build_full_result=lambda: answers.get(operation, {}))
            return SimpleNamespace(paginate=lambda **_: pages)

    with pytest.raises(UnusableError, match=found):
        discover_accounts(settings(accounts={"discover": {}}), Client())
