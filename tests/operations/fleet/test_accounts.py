"""Which accounts a fleet has, which wave each goes with, and what each stack is configured with."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from operations.fleet.accounts import FleetAccount, assign_waves, select_accounts, tolerated_failures
from operations.fleet.file_schema import FleetSettings
from operations.fleet.stack_configuration import configure_stacks
from tests.operations.fleet.arrangement import FLEET, IDS, account, settings

UNIT, INNER = "ou-ab12-c3d4e5f6", "ou-ab12-d4e5f6a7"


def listed_as_accounts() -> list[FleetAccount]:
    return [account(name) for name in IDS]


def test_listed_and_found_accounts_are_put_together() -> None:
    found = [
        account("mailing", id="5" * 12),
        account("other name", id=IDS["web"], units=("r-ab12", UNIT), tags={"tier": "prod"}),
    ]
    chosen = select_accounts(settings(), found, {})
    assert [each.name for each in chosen.accounts] == [*IDS, "mailing"]
    assert (chosen.accounts[1].units, chosen.accounts[1].tags) == (("r-ab12", UNIT), {"tier": "prod"})
    assert chosen.problems == ()


def test_excluded_and_inactive_accounts_are_left_out_with_the_reason() -> None:
    file = settings(accounts=FLEET["accounts"] | {"exclude": ["web", IDS["data"]]})
    found = [account("old", id="6" * 12, state="SUSPENDED"), account("going", id="7" * 12, state="PENDING_CLOSURE")]
    chosen = select_accounts(file, found, {})
    assert [each.name for each in chosen.accounts] == ["payments", "tools"]
    expected = {IDS["web"]: "excluded", IDS["data"]: "excluded", "6" * 12: "suspended", "7" * 12: "pending closure"}
    assert chosen.left_out == expected


def test_a_listed_account_that_is_suspended_is_left_out_too() -> None:
    chosen = select_accounts(settings(), [account("web", state="SUSPENDED")], {})
    assert chosen.left_out == {IDS["web"]: "suspended"}


def test_accounts_of_one_name_are_told_apart() -> None:
    found = [account("copy", id="5" * 12), account("copy", id="6" * 12)]
    chosen = select_accounts(settings(accounts={"discover": {}}, overrides={}, waves=[{"name": "all"}]), found, {})
    assert [each.name for each in chosen.accounts] == ["copy-555555555555", "copy-666666666666"]


def test_names_that_nobody_has_are_problems() -> None:
    file = settings(
        accounts=FLEET["accounts"] | {"exclude": ["sandbox"]},
        overrides={"accounts": {"paymets": {}, "web": {}, IDS["web"]: {}}},
        waves=[{"name": "canary", "accounts": ["wbe"]}, {"name": "rest"}],
    )
    assert [f"{'.'.join(each.path)}: {each.message}" for each in select_accounts(file, [], {}).problems] == [
        "accounts.exclude.0: expected an account of the fleet, got sandbox; known keys: data, payments, tools, web",
        "overrides.accounts.paymets: expected an account of the fleet, got paymets; did you mean payments?",
        "waves.0.accounts.0: expected an account of the fleet, got wbe; did you mean web?",
        "overrides.accounts.222222222222: expected settings once per account, got web and 222222222222 for the same account",
    ]


def test_an_account_goes_with_the_first_wave_that_names_it_and_new_ones_with_the_last() -> None:
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
def test_every_account_is_in_exactly_one_wave(first: list[str], second: list[str]) -> None:
    file = settings(waves=[{"name": "a", "accounts": first}, {"name": "b", "accounts": second}, {"name": "c"}])
    accounts = listed_as_accounts()
    assigned = [each.id for of_wave in assign_waves(file, accounts).values() for each in of_wave]
    assert sorted(assigned) == sorted(each.id for each in accounts)


@given(st.integers(0, 100), st.integers(0, 1000))
def test_a_share_never_tolerates_more_than_it_says(percent: int, accounts: int) -> None:
    number = tolerated_failures(f"{percent}%", accounts)
    assert number * 100 <= percent * accounts < (number + 1) * 100


def test_a_number_is_tolerated_as_it_is() -> None:
    assert tolerated_failures(3, 1) == 3


def test_the_configuration_of_a_stack_leads_into_its_account_and_no_other() -> None:
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


def test_without_a_role_the_credentials_are_taken_as_they_are() -> None:
    (rendered,), _ = configure_stacks(settings(assumeRole=None), [account()])
    assert "aws:assumeRoles" not in rendered.values
    assert rendered.values["aws:allowedAccountIds"] == ["111111111111"]


def test_runs_that_only_look_enter_by_a_role_of_their_own_and_everything_else_is_the_same() -> None:
    deployer, looker = (f"arn:aws:iam::{{accountId}}:role/{name}" for name in ("Deployer", "Looker"))
    (rendered,), _ = configure_stacks(settings(assumeRole=deployer, previewRole=looker), [account()])
    (other,), _ = configure_stacks(settings(assumeRole=deployer), [account()])
    assert rendered.values == other.values == other.preview_values
    entered = [{"roleArn": "arn:aws:iam::111111111111:role/Looker", "sessionName": "shell-access-fleet"}]
    assert rendered.preview_values == rendered.values | {"aws:assumeRoles": entered}
    assert rendered.as_stack().values["aws:assumeRoles"] == json.dumps(entered)


def test_a_prefix_keeps_fleets_apart() -> None:
    (rendered,), _ = configure_stacks(settings(stackPrefix="blue-"), [account()])
    assert rendered.name == "blue-111111111111"


def test_an_inner_unit_overrides_an_outer_one_and_the_account_both() -> None:
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


def test_wrong_settings_are_named_once_with_their_place_and_their_accounts() -> None:
    file = settings(
        defaults=FLEET["defaults"] | {"shell-access:sessionManager": {"maxSessionDuration": 0}},
        overrides={"accounts": {"web": {"shell-access:sessionManager": {"idleSessionTimout": 5}}}},
    )
    rendered, problems = configure_stacks(file, listed_as_accounts())
    assert rendered == []
    assert problems == [
        (
            "defaults.shell-access:sessionManager.maxSessionDuration: 0 given; allowed: whole minutes from 1 to 1440; "
            "leave it out for no maximum (every account)"
        ),
        (
            "overrides.accounts.web.shell-access:sessionManager.idleSessionTimout: unknown key; did you mean "
            "idleSessionTimeout? (in web)"
        ),
    ]


def test_many_accounts_with_one_problem_are_counted() -> None:
    one = {"shell-access:regions": ["nowhere"]}
    file = settings(overrides={"organizationalUnits": {UNIT: one}})
    accounts = [account(f"a{number}", id=f"{number:012}", units=(UNIT,)) for number in range(5)]
    _, problems = configure_stacks(file, [*accounts, account()])
    assert len(problems) == 1
    assert problems[0].endswith("(in a0, a1, a2 and 2 more)")


def test_the_shortest_file_is_enough() -> None:
    shortest = FleetSettings.model_validate({"accounts": {"list": [{"name": "web", "id": "2" * 12}]}})
    chosen = select_accounts(shortest, [], {})
    _, problems = configure_stacks(shortest, chosen.accounts)
    assert problems == [
        (
            "defaults.shell-access:regions: is missing, and aws:region too; allowed: a list of Regions such as "
            "[eu-west-1, us-east-1], each once (in web)"
        )
    ]
