"""Golden files of rules and schemas, and how golden files are compared."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from components.settings import SECTION_MODELS
from operations.audit import rules as audit
from operations.fleet.fleet_file import fleet_schema
from policies.catalog import RULES
from tests.support.golden_files import Golden, previewed_outputs, resources, shape


def accepted(schema: Any) -> Any:
    """Return what a JSON schema accepts, without the texts, which the generated pages of docs/ have."""
    if isinstance(schema, list):
        return [accepted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: accepted(value)
        for key, value in schema.items()
        if not (key in {"allowed", "description", "title"} and isinstance(value, str))
    }


def test_settings_are_golden(golden: Golden) -> None:
    schemas = {name: accepted(each.model_json_schema(by_alias=True)) for name, each in SECTION_MODELS.items()}
    golden("schemas/settings.yaml", schemas)


def test_fleet_file_is_golden(golden: Golden) -> None:
    golden("schemas/fleet.yaml", accepted(fleet_schema()))


def test_configuration_of_the_pack_is_golden(golden: Golden) -> None:
    schemas = {rule.id: {each.name: accepted(dict(each.full_schema)) for each in rule.all_parameters} for rule in RULES}
    golden("schemas/policies.yaml", schemas)


def test_rules_are_golden(golden: Golden) -> None:
    pack = {rule.id: f"{rule.severity.value}, {rule.level.value}" for rule in RULES}
    severities = {
        identifier: ", ".join(sorted({each.severity.word for each in rule.escalations}))
        for identifier, rule in audit.BY_ID.items()
    }
    golden("rules.yaml", {"policy pack": dict(sorted(pack.items())), "audit": dict(sorted(severities.items()))})


def test_difference_is_shown_with_the_command(tmp_path: Path) -> None:
    Golden(updates=True, folder=tmp_path)("rules/ids.yaml", {"a": 1, "b": {"c": [1, 2]}})
    compare = Golden(updates=False, folder=tmp_path)
    compare("rules/ids.yaml", {"a": 1, "b": {"c": [1, 2]}})
    with pytest.raises(pytest.fail.Exception, match=r"(?s)-  c: \[1, 2\]\n\+  c: \[1, 3\].*make golden"):
        compare("rules/ids.yaml", {"a": 1, "b": {"c": [1, 3]}})
    with pytest.raises(pytest.fail.Exception, match=r"\+\{a: 1\}"):
        compare("rules/absent.yaml", {"a": 1})


def test_shape_has_types_and_absent_keys() -> None:
    documents: list[Any] = [{"a": [{"b": 1, "c": None}, {"b": "x"}]}, {"a": [], "i-0123456789abcdef0": True}]
    assert shape(documents) == {
        "document": "object",
        "a": "list",
        "a[]": "object",
        "a[].b": "integer, text",
        "a[].c": "absent, null",
        "<id>": "boolean",
        "i-0123456789abcdef0": "absent",
    }


def test_command_shows_codes_and_one_shape_per_form(tmp_path: Path) -> None:
    results: dict[str, Any] = {
        "found": SimpleNamespace(exit_code=0, stdout='{"a": 1}'),
        "differs": SimpleNamespace(exit_code=1, stdout='{"a": null}'),
        "listed": SimpleNamespace(exit_code=0, stdout='{"b": []}'),
        "unusable": SimpleNamespace(exit_code=2, stdout=""),
    }
    Golden(updates=True, folder=tmp_path).command("fleet up", results)
    assert yaml.safe_load((tmp_path / "commands" / "fleet-up.yaml").read_text()) == {
        "exit codes": {"found": 0, "differs": 1, "listed": 0, "unusable": 2},
        "json": {
            "found, differs": {"document": "object", "a": "integer, null"},
            "listed": {"document": "object", "b": "list"},
        },
    }


def test_generated_values_are_replaced_and_others_kept() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    inputs = {
        "__defaults": ["name"],
        "name": "logs-0a1b2c3",
        "password": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"},
        "policy": json.dumps({"Resource": ["arn:aws:s3:::logs-0a1b2c3", "vpc-0123456789abcdef0", unknown]}),
        "subnets": ["subnet-00000001", "subnet-00000002", "subnet-00000001"],
        "version": "1-2-3",
    }
    states = [
        {"urn": "urn:pulumi:s::p::t::z", "type": "t"},
        {"urn": "urn:pulumi:s::p::t::logs", "type": "t", "inputs": inputs},
    ]
    first, second = resources(states)
    assert (first["urn"], second["urn"], second["inputs"]) == ("urn:pulumi:s::p::t::logs", "urn:pulumi:s::p::t::z", {})
    assert first["inputs"] == {
        "name": "logs-<random>",
        "password": "<secret>",
        "policy": {"Resource": ["<unknown>", "<vpc>", "arn:aws:s3:::logs-<random>"]},
        "subnets": ["<subnet>", "<subnet>", "<subnet>"],
        "version": "1-2-3",
    }


def test_outputs_are_the_last_that_the_stack_has() -> None:
    steps = [
        {"type": "pulumi:pulumi:Stack", "new": {"outputs": outputs}} for outputs in ({}, {"regions": ["eu-west-1"]})
    ]
    assert previewed_outputs([{"resOutputsEvent": {"metadata": step}} for step in steps]) == {"regions": ["eu-west-1"]}
