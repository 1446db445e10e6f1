"""Reading a fleet file: everything that is wrong with it, at once and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from local.workspace import REPOSITORY
from operations.errors import UnusableError
from operations.fleet.file_schema import fleet_schema
from operations.fleet.fleet import load_fleet
from operations.fleet.fleet_file import FleetFileError, read_fleet_file
from tests.operations.fleet.arrangement import FLEET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def problems(file: Path) -> list[str]:
    with pytest.raises(FleetFileError) as wrong:
        read_fleet_file(file)
    return list(wrong.value.problems)


def changed(section: str, **keys: Any) -> dict[str, Any]:
    return FLEET | {section: FLEET.get(section, {}) | keys}


def wave(**keys: Any) -> dict[str, Any]:
    return FLEET | {"waves": [{"name": "all"} | keys]}


def test_a_good_file_is_read(fleet_file: Callable[..., Path]) -> None:
    settings = read_fleet_file(fleet_file())
    assert [each.name for each in settings.waves] == ["canary", "rest"]
    assert settings.accounts.listed[0].id == "111111111111"
    assert settings.overrides.accounts["payments"] == {"shell-access:sessionManager": {"idleSessionTimeout": 10}}


def test_without_waves_there_is_one(fleet_file: Callable[..., Path]) -> None:
    content = {key: value for key, value in FLEET.items() if key != "waves"}
    assert [each.name for each in read_fleet_file(fleet_file(content)).waves] == ["all"]


def test_every_problem_is_named_at_once(fleet_file: Callable[..., Path]) -> None:
    content = FLEET | {
        "accounts": {"list": [{"name": "payments", "id": 111111111111}], "exlude": []},
        "asumeRole": "arn",
        "waves": [{"name": "canary", "concurrency": 0}],
    }
    file = fleet_file(content)
    with pytest.raises(FleetFileError) as wrong:
        read_fleet_file(file)
    assert str(wrong.value) == (
        f"{file} has 4 problems; no operation was started:\n"
        "  accounts.list.0.id: 111111111111 given; allowed: an account ID of 12 digits in quotes\n"
        "  accounts.exlude: unknown key; did you mean exclude?\n"
        "  waves.0.concurrency: 0 given; allowed: a whole number from 1 to 64\n"
        "  asumeRole: unknown key; did you mean assumeRole?"
    )


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        "no accounts",
        FLEET | {"accounts": {}},
        "accounts: expected list, discover or both, got neither",
    ),
    (
        "same name",
        changed("accounts", list=[{"name": "a", "id": "1" * 12}, {"name": "a", "id": "2" * 12}]),
        'accounts.list.1.name: expected a unique name, got "a" again',
    ),
    (
        "same id",
        changed("accounts", list=[{"name": "a", "id": "1" * 12}, {"name": "b", "id": "1" * 12}]),
        'accounts.list.1.id: expected a unique id, got "111111111111" again',
    ),
    (
        "a role without its account",
        FLEET | {"assumeRole": "arn:aws:iam::111111111111:role/Deployer"},
        (
            'assumeRole: "arn:aws:iam::111111111111:role/Deployer" given; allowed: '
            "arn:aws:iam::{accountId}:role/<name>, or leave it out"
        ),
    ),
    (
        "a share above all",
        wave(failureTolerance="101%"),
        'waves.0.failureTolerance: "101%" given; allowed: a whole number, or a share from 0% to 100%',
    ),
    (
        "a negative tolerance",
        wave(failureTolerance=-1),
        "waves.0.failureTolerance: -1 given; allowed: a whole number, or a share from 0% to 100%",
    ),
    (
        "a fractional tolerance",
        wave(failureTolerance=1.5),
        "waves.0.failureTolerance: 1.5 given; allowed: a whole number, or a share from 0% to 100%",
    ),
    (
        "two waves of one name",
        FLEET | {"waves": [{"name": "a", "accounts": ["web"]}, {"name": "a"}]},
        'waves.1.name: expected a unique name, got "a" again',
    ),
    (
        "a wave before the last without accounts",
        FLEET | {"waves": [{"name": "a"}, {"name": "b"}]},
        "waves.0: expected accounts, organizationalUnits or tags, got none. Only the last wave gets the remaining accounts",
    ),
    (
        "a mistyped section",
        changed("defaults", **{"shell-access:sessionManger": {}}),
        "defaults.shell-access:sessionManger: unknown key; did you mean shell-access:sessionManager?",
    ),
    (
        "another namespace",
        FLEET | {"overrides": {"accounts": {"web": {"shel-access:regions": []}}}},
        "overrides.accounts.web.shel-access:regions: unknown key; did you mean shell-access:regions?",
    ),
    (
        "what the fleet sets itself",
        FLEET | {"overrides": {"organizationalUnits": {"ou-ab12-c3d4e5f6": {"aws:assumeRoles": []}}}},
        (
            "overrides.organizationalUnits.ou-ab12-c3d4e5f6.aws:assumeRoles: expected no value, because the fleet "
            "sets it for each account (see assumeRole)"
        ),
    ),
    (
        "a unit that is none",
        changed("accounts", discover={"organizationalUnits": ["Production"]}),
        (
            'accounts.discover.organizationalUnits.0: "Production" given; allowed: a list of organizational units such as '
            "ou-ab12-c3d4 (or the root, r-ab12)"
        ),
    ),
]


@pytest.mark.parametrize(("content", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_one_wrong_value_is_one_problem(content: dict[str, Any], said: str, fleet_file: Callable[..., Path]) -> None:
    assert problems(fleet_file(content)) == [said]


def test_a_key_that_stands_twice_is_refused(fleet_file: Callable[..., Path]) -> None:
    text = "accounts: {list: []}\noverrides:\n  accounts:\n    web: {}\n    web: {}\n"
    with pytest.raises(UnusableError, match="duplicate key web"):
        read_fleet_file(fleet_file(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accounts: [", "is not valid YAML"),
        ("accounts: !!python/object/apply:os.getpid []", "is not valid YAML"),
        ("- a list", "allowed: a mapping of settings"),
        ("", "null given; allowed: a mapping of settings"),
    ],
    ids=["broken", "code", "list", "empty"],
)
def test_what_is_no_mapping_is_one_message(text: str, said: str, fleet_file: Callable[..., Path]) -> None:
    with pytest.raises(UnusableError, match=said):
        read_fleet_file(fleet_file(text))


def test_the_schema_says_what_the_settings_say() -> None:
    schema = fleet_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(FLEET)) == []
    beyond_a_schema = {"same name", "same id", "two waves of one name", "no accounts"}
    beyond_a_schema |= {"a wave before the last without accounts", "what the fleet sets itself"}
    for name, content, _ in WRONG:
        assert validator.is_valid(content) == (name in beyond_a_schema), name


def test_the_example_in_the_docs_is_a_good_file(fleet_file: Callable[..., Path]) -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    example = page.split("```yaml", 1)[1].split("```", 1)[0]
    read_fleet_file(fleet_file(example))
    assert jsonschema.Draft202012Validator(fleet_schema()).is_valid(yaml.safe_load(example))


def test_the_example_of_the_repository_is_a_good_fleet() -> None:
    fleet = load_fleet(REPOSITORY / "examples" / "fleet.yaml")
    assert [each.account.name for each in fleet.stacks] == ["sandbox", "payments", "data"]


def test_what_changes_nothing_looks_at_as_many_accounts_at_a_time_as_any_wave_allows(
    fleet_file: Callable[..., Path],
) -> None:
    waves = [{"name": "canary", "accounts": ["payments"], "concurrency": 1}, {"name": "rest", "concurrency": 12}]
    fleet = load_fleet(fleet_file(FLEET | {"waves": waves}))
    assert [each.concurrency for each in fleet.waves(fleet.stacks)] == [1, 12]
    looking = fleet.read_only_waves(fleet.stacks)
    assert {each.concurrency for each in looking} == {12}
    assert {each.tolerance for each in looking} == {None}
