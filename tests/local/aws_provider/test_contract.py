"""Descriptions against the installed SDK and against themselves: one test for every type and function."""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from local.aws_provider import check, registry, shapes
from local.aws_provider.config import ProviderConfig
from local.aws_provider.model import Action, Code, Function, ResourceType, steps
from tests.local.aws_provider.conftest import Driver
from tools.contract import MEASURED, differences

readme = Path(registry.__file__).with_name("README.md")
resources = registry.all_resources()
functions = registry.all_functions()


@cache
def sdk_source(name: str) -> str:
    """The module of the SDK that registers a token; read, not imported, for that would take seconds."""
    area, rest = name.removeprefix("aws:").split("/", 1)
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", rest.split(":")[0]).lower()
    found = importlib.util.find_spec("pulumi_aws")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent
    return ((folder if area == "index" else folder / area) / f"{file}.py").read_text(encoding="utf-8")


@cache
def operations(service: str) -> set[str]:
    return set(botocore.session.get_session().get_service_model(service).operation_names)


def camel(name: str) -> Any:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_properties_are_those_of_the_sdk(resource: ResourceType) -> None:
    source = sdk_source(resource.name)
    body = source[source.index("def _internal_init") :]
    body = body[: body.index("super(")]
    every = {camel(name) for name in re.findall(r'__props__\.__dict__\["(\w+)"\]', body)}
    outputs = {camel(name) for name in re.findall(r'__props__\.__dict__\["(\w+)"\] = None\n', body)} - {"tagsAll"}
    implemented = {name for name, prop in resource.all_properties.items() if prop.is_input}
    shown = {name for name, prop in resource.all_properties.items() if prop.output}
    assert implemented | resource.refused_names == every - outputs
    assert not implemented & resource.refused_names
    assert outputs <= shown <= outputs | resource.refused_names


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_required_inputs_are_those_of_the_sdk(resource: ResourceType) -> None:
    source = sdk_source(resource.name)
    required = {camel(name) for name in re.findall(r"Missing required property '(\w+)'", source)}
    assert {name for name, prop in resource.all_properties.items() if prop.required} == required


@pytest.mark.parametrize("function", functions, ids=lambda item: item.name)
def test_arguments_are_those_of_the_sdk(function: Function) -> None:
    given = set(re.findall(r"__args__\['(\w+)'\]", sdk_source(function.name)))
    assert set(function.inputs) == given


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_relations_name_existing_inputs(resource: ResourceType) -> None:
    properties = resource.all_properties
    named = {name for group in (*resource.exactly_one, *resource.at_least_one) for name in group}
    named |= set(resource.moves) | {cause for causes in resource.moves.values() for cause in causes}
    assert named <= set(properties) | resource.refused_names


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_refused_inputs_are_named_in_check(resource: ResourceType) -> None:
    request = check.ResourceInputs(logical_name="r", news=dict.fromkeys(resource.refused_names, "x"))
    _, problems = check.check(resource, request, ProviderConfig(region="eu-west-1"))
    named = {each.path for each in problems if each.reason == "is not supported by the local stand-in provider"}
    assert named == resource.refused_names


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_inputs_reach_an_operation(resource: ResourceType) -> None:
    model = botocore.session.get_session().get_service_model(resource.service)

    def reached(action: Action) -> set[str]:
        if isinstance(action, Code):
            return set(action.on.split())
        shape = model.operation_model(action.operation).input_shape
        return {action.when} if action.when else shapes.properties_of(shape, action, resource.properties)

    sent = {name for name, prop in resource.properties.items() if prop.is_input and not prop.local}
    replacing = {name for name in sent if resource.properties[name].replaces}
    assert sent - replacing <= {name for action in resource.update for name in reached(action)}
    # What a function sends in a creation, the tests of the type show.
    if not any(isinstance(action, Code) for action in resource.create):
        created = {name for action in resource.create for name in reached(action)}
        off = {name for name in sent if resource.properties[name].default is False}
        assert sent - off <= created | set(resource.id_properties)


@pytest.mark.parametrize("resource", resources, ids=lambda item: item.name)
def test_declared_calls_exist_in_aws(resource: ResourceType) -> None:
    for call in {call for step in steps for call in resource.calls.get(step, ())}:
        service, _, operation = call.rpartition(":")
        assert operation in operations(service or resource.service)


def test_table_in_the_readme_is_current() -> None:
    text = readme.read_text(encoding="utf-8")
    shown = text[text.index(registry.table_start) : text.index(registry.table_end) + len(registry.table_end)]
    assert shown + "\n" == registry.render_table(within_readme=True), "run python -m local.aws_provider --table"


def test_every_test_file_is_collected() -> None:
    names = {path.name for path in Path(__file__).parent.glob("*.py")} - {"conftest.py"}
    assert all(name.startswith("test_") for name in names)


# Answers that were measured with the official plugin (make contract), without that plugin.


def test_stand_in_answers_as_measured(fresh: Driver) -> None:
    """One file for each version that was measured; there is none before the first comparison."""
    found: dict[str, list[str]] = {}
    for measured in sorted(MEASURED.glob("*.json")):
        answers = json.loads(measured.read_text())["answers"].values()
        found[measured.stem] = differences(fresh.stub, [each for several in answers for each in several])
    assert [each for several in found.values() for each in several] == []
