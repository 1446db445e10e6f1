"""Reading a fleet file: everything that is wrong with it, at once and in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from local.workspace import REPOSITORY
from operations.errors import UnusableError
from operations.fleet.fleet import load_fleet
from operations.fleet.fleet_file import FleetFileError, fleet_schema, parse_fleet_file, read_fleet_file
from tests.operations.fleet.arrangement import FLEET


def problems(file: Path) -> list[str]:
    with pytest.raises(FleetFileError) as wrong:
        read_fleet_file(file)
    return list(wrong.value.problems)


def changed(section: str, **keys: Any) -> dict[str, Any]:
    return FLEET | {section: FLEET.get(section, {}) | keys}


def wave(**keys: Any) -> dict[str, Any]:
    return FLEET | {"waves": [{"name": "all"} | keys]}


def test_fleet_file_is_read(fleet_file: Callable[..., Path]) -> None:
    settings = read_fleet_file(fleet_file())
    assert [each.name for each in settings.waves] == ["canary", "rest"]
    assert settings.accounts.listed[0].id == "111111111111"
    assert settings.overrides.accounts["payments"] == {"shell-access:sessionManager": {"idleSessionTimeout": 10}}


def test_fleet_file_without_waves_has_one_wave(fleet_file: Callable[..., Path]) -> None:
    content = {key: value for key, value in FLEET.items() if key != "waves"}
    assert [each.name for each in read_fleet_file(fleet_file(content)).waves] == ["all"]


def test_fleet_file_reports_all_problems(fleet_file: Callable[..., Path]) -> None:
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
        "  accounts.list[0].id: expected an account ID of 12 digits in quotes, got 111111111111.\n"
        "  accounts.exlude: unknown key; did you mean exclude?\n"
        "  waves[0].concurrency: expected a whole number from 1 to 64, got 0.\n"
        "  asumeRole: unknown key; did you mean assumeRole?"
    )


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("no accounts", FLEET | {"accounts": {}}, "accounts: expected list, discover or both, got neither"),
    (
        "same name",
        changed("accounts", list=[{"name": "a", "id": "1" * 12}, {"name": "a", "id": "2" * 12}]),
        'accounts.list[1].name: expected a unique name, got "a" again',
    ),
    (
        "same id",
        changed("accounts", list=[{"name": "a", "id": "1" * 12}, {"name": "b", "id": "1" * 12}]),
        'accounts.list[1].id: expected a unique id, got "111111111111" again',
    ),
    (
        "a role without its account",
        FLEET | {"assumeRole": "arn:aws:iam::111111111111:role/Deployer"},
        (
            "assumeRole: expected arn:aws:iam::{accountId}:role/<name>, or leave it out, got "
            '"arn:aws:iam::111111111111:role/Deployer".'
        ),
    ),
    (
        "a share above all",
        wave(failureTolerance="101%"),
        'waves[0].failureTolerance: expected a whole number, or a share from 0% to 100%, got "101%".',
    ),
    (
        "a negative tolerance",
        wave(failureTolerance=-1),
        "waves[0].failureTolerance: expected a whole number, or a share from 0% to 100%, got -1.",
    ),
    (
        "a fractional tolerance",
        wave(failureTolerance=1.5),
        "waves[0].failureTolerance: expected a whole number, or a share from 0% to 100%, got 1.5.",
    ),
    (
        "two waves of one name",
        FLEET | {"waves": [{"name": "a", "accounts": ["web"]}, {"name": "a"}]},
        'waves[1].name: expected a unique name, got "a" again',
    ),
    (
        "a wave before the last without accounts",
        FLEET | {"waves": [{"name": "a"}, {"name": "b"}]},
        "waves[0]: expected accounts, organizationalUnits or tags, got none. Only the last wave gets the remaining accounts",
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
            "accounts.discover.organizationalUnits[0]: expected a list of organizational units such as ou-ab12-c3d4 "
            '(or the root, r-ab12), got "Production".'
        ),
    ),
]


@pytest.mark.parametrize(("content", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_fleet_file_reports_each_problem(content: dict[str, Any], said: str, fleet_file: Callable[..., Path]) -> None:
    assert problems(fleet_file(content)) == [said]


def test_fleet_file_rejects_duplicate_keys(fleet_file: Callable[..., Path]) -> None:
    text = "accounts: {list: []}\noverrides:\n  accounts:\n    web: {}\n    web: {}\n"
    with pytest.raises(UnusableError, match="duplicate key web"):
        read_fleet_file(fleet_file(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accounts: [", "is not valid YAML"),
        ("accounts: !!python/object/apply:os.getpid []", "is not valid YAML"),
        ("- a list", "expected a mapping of settings"),
        ("", "expected a mapping of settings, got null."),
    ],
    ids=["broken", "code", "list", "empty"],
)
def test_fleet_file_rejects_other_content(text: str, said: str, fleet_file: Callable[..., Path]) -> None:
    with pytest.raises(UnusableError, match=said):
        read_fleet_file(fleet_file(text))


def test_fleet_schema_agrees_with_settings() -> None:
    schema = fleet_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(FLEET)) == []
    beyond_a_schema = {"same name", "same id", "two waves of one name", "no accounts"}
    beyond_a_schema |= {"a wave before the last without accounts", "what the fleet sets itself"}
    for name, content, _ in WRONG:
        assert validator.is_valid(content) == (name in beyond_a_schema), name


def test_fleet_file_of_documentation_is_valid(fleet_file: Callable[..., Path]) -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    example = page.split("```yaml", 1)[1].split("```", 1)[0]
    read_fleet_file(fleet_file(example))
    assert jsonschema.Draft202012Validator(fleet_schema()).is_valid(yaml.safe_load(example))


def test_fleet_file_of_examples_is_valid() -> None:
    fleet = load_fleet(REPOSITORY / "examples" / "fleet.yaml")
    assert [each.account.name for each in fleet.stacks] == ["sandbox", "payments", "data"]


def test_read_only_waves_use_highest_concurrency(fleet_file: Callable[..., Path]) -> None:
    waves = [{"name": "canary", "accounts": ["payments"], "concurrency": 1}, {"name": "rest", "concurrency": 12}]
    fleet = load_fleet(fleet_file(FLEET | {"waves": waves}))
    assert [each.concurrency for each in fleet.waves(fleet.stacks)] == [1, 12]
    looking = fleet.read_only_waves(fleet.stacks)
    assert {each.concurrency for each in looking} == {12}
    assert {each.tolerance for each in looking} == {None}


NESTED_ALIASES = "\n".join(
    f"{name}: &{name} [{', '.join(['x' if before is None else f'*{before}'] * 10)}]"
    for before, name in zip([None, *"abcdefgh"], "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NESTED_ALIASES, "at most 200,000 values"),
        (f"defaults: {'[' * 3000}{']' * 3000}", "levels of lists and mappings"),
        ("defaults: &loop {again: *loop}", "Circular reference"),
        (
            "accounts: {list: [{name: web, id: '\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662'}]}",
            "12 digits",
        ),
        ('accounts: {list: [{name: "w\\u202eb", id: "222222222222"}]}', "without U+202E"),
        ("accounts: {discover: {}}\nwaves: [{name: all, failureTolerance: '\u0661%'}]", "from 0% to 100%"),
        ("accounts: {discover: {}}\nassumeRole: 'arn:aws:iam::{accountId}:role/*'", "role/<name>"),
        ("accounts: {list: [{name: web, id: '222222222222'}], exclude: [web, web]}", "each once"),
    ],
    ids=["aliases", "depth", "cycle", "digits", "hidden", "share", "wildcard", "twice"],
)
def test_fleet_file_rejects_hostile_content(text: str, said: str) -> None:
    with pytest.raises(UnusableError) as refused:
        parse_fleet_file(Path("fleet.yaml"), text)
    assert said in str(refused.value)
    assert all(line.isprintable() for line in str(refused.value).splitlines())


def test_fleet_file_bounds_listed_problems() -> None:
    accounts = ", ".join(f"{{name: web-{number}, id: x}}" for number in range(500))
    with pytest.raises(UnusableError, match=r"has 500 problems; no operation was started:") as refused:
        parse_fleet_file(Path("fleet.yaml"), f"accounts: {{list: [{accounts}]}}")
    assert str(refused.value).endswith("... and 450 more.")


def test_fleet_file_accepts_ordinary_aliases() -> None:
    text = "accounts: {list: [{name: web, id: '222222222222', tags: &tags {a: b}}, {name: app, id: '333333333333', tags: *tags}]}"
    assert len(parse_fleet_file(Path("fleet.yaml"), text).accounts.listed) == 2
