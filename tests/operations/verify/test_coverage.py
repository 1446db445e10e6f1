"""The table of checks: every type of resource that the components register is in it, and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.workspace import REPOSITORY
from operations.verify.coverage import COVERAGE


def registered(source: str) -> Iterator[str]:
    """Yield the types of resources that a module makes, and of dynamic resources those that it defines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pulumi_aws."):
            module = node.module.removeprefix("pulumi_aws.")
            names = [each.name for each in node.names if each.name[0].isupper() and not each.name.endswith("Args")]
            yield from (f"aws:{module}:{name}" for name in names)
        if isinstance(node, ast.ClassDef):
            given = {each.arg: each.value for each in node.keywords}
            place, name = given.get("module"), given.get("name")
            if isinstance(place, ast.Constant) and isinstance(name, ast.Constant):
                yield f"{place.value}:{name.value}"


def modules() -> list[Path]:
    return sorted((REPOSITORY / "components").rglob("*.py"))


def test_every_type_of_resource_is_covered() -> None:
    found = {each for path in modules() for each in registered(path.read_text())}
    assert found == set(COVERAGE)


def test_new_type_of_resource_is_found() -> None:
    source = "from pulumi_aws.efs import FileSystem, FileSystemArgs, get_file_system"
    assert list(registered(source)) == ["aws:efs:FileSystem"]
    assert list(registered("class New(Resource, module='ssm', name='New'): ...")) == ["ssm:New"]


@pytest.mark.parametrize("type_", COVERAGE)
def test_coverage_has_checks_or_a_reason(type_: str) -> None:
    covered = COVERAGE[type_]
    assert bool(covered.checks) == bool(covered.compared)
    assert covered.checks or covered.unchecked
