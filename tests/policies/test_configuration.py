"""A configuration that names what there is not is refused, and the files that are shipped are right."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import grpc
import jsonschema
import pytest
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel

import policies
from policies.catalog import RULES
from policies.parameters import EXEMPTIONS
from policies.serving import PackServicer, configuration_problems
from tests.policies.things import thing_rule

FILES = sorted((Path(policies.__file__).parent / "config").glob("*.json"))
LEVELS = {"advisory", "mandatory", "remediate", "disabled"}


@pytest.mark.parametrize(
    ("configuration", "problems"),
    [
        pytest.param({}, [], id="empty"),
        pytest.param({"thing-limit": ["limit", "exemptions"]}, [], id="all parameters"),
        pytest.param({"all": []}, [], id="a level for all rules"),
        pytest.param({"thing-limt": []}, ["thing-limt: there is no such rule; did you mean thing-limit?"], id="typo"),
        pytest.param({"zzz": []}, ["zzz: there is no such rule; there are: all, thing-limit"], id="another rule"),
        pytest.param(
            {"thing-limit": ["limt"]},
            ["thing-limit.limt: there is no such parameter; did you mean limit?"],
            id="parameter typo",
        ),
        pytest.param(
            {"thing-limit": ["zzz", "limit"], "x": ["limit"]},
            [
                "thing-limit.zzz: there is no such parameter; there are: exemptions, limit",
                "x: there is no such rule; there are: all, thing-limit",
            ],
            id="several",
        ),
    ],
)
def test_what_there_is_not_is_named(configuration: dict[str, list[str]], problems: list[str]) -> None:
    assert configuration_problems(configuration, [thing_rule()]) == problems


class RefusedError(Exception):
    """In place of what gRPC raises."""


class Context:
    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise RefusedError(code, details)


def configure(**rules: dict[str, Any]) -> None:
    servicer = PackServicer("shell-access", "1.0.0", [thing_rule().policy()], EnforcementLevel.ADVISORY)
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for rule, properties in rules.items():
        request.policyConfig[rule.replace("_", "-")].enforcementLevel = analyzer_pb2.MANDATORY
        request.policyConfig[rule.replace("_", "-")].properties.update(properties)
    servicer.Configure(request, Context())


def test_pack_takes_a_configuration_of_its_rules() -> None:
    configure(log_group_retention={"minimumDays": 30, "exemptions": []}, all={})


def test_pack_refuses_any_other_at_its_start() -> None:
    with pytest.raises(RefusedError) as refusal:
        configure(log_group_retention={"minimumDay": 30}, kms_key_rotatio={})
    assert refusal.value.args == (
        grpc.StatusCode.INVALID_ARGUMENT,
        (
            "kms-key-rotatio: there is no such rule; did you mean kms-key-rotation?\n"
            "log-group-retention.minimumDay: there is no such parameter; did you mean minimumDays?"
        ),
    )


def test_dev_and_prod_are_shipped() -> None:
    assert [file.name for file in FILES] == ["dev.json", "prod.json"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_shipped_file_is_right(file: Path) -> None:
    rules = {rule.id: rule for rule in RULES}
    configuration = json.loads(file.read_text())
    given = {rule: {} if isinstance(value, str) else dict(value) for rule, value in configuration.items()}
    levels = {
        value if isinstance(value, str) else given[rule].pop("enforcementLevel", "mandatory")
        for rule, value in configuration.items()
    }
    assert levels <= LEVELS
    assert configuration_problems(given, RULES) == []
    for rule, parameters in given.items():
        schemas = {each.name: each.full_schema for each in rules[rule].all_parameters} if parameters else {}
        for name, value in parameters.items():
            jsonschema.validate(value, schemas[name])
        for each in parameters.get(EXEMPTIONS.name, []):
            assert date.fromisoformat(each["until"])
