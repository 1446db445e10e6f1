"""Imports between top-level packages point one way."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED = {"common", "components", "policies", "operations"}
MAY_IMPORT = {
    "common": {"common"},
    "components": {"common", "components"},
    "policies": {"common", "components", "policies"},
    "operations": SHIPPED,
    "local": SHIPPED | {"local"},
    "tests/support": SHIPPED | {"local", "tests.support"},
    "bench": SHIPPED | {"local", "tests.support", "bench"},
    "tools": SHIPPED | {"local", "tests.support", "bench", "tools"},
}


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported at run time, and the names that are imported from them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from [node.module or ""] * (node.module != "tests")
    is_typing_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for child in () if is_typing_only else ast.iter_child_nodes(node):
        yield from imports(child)


@cache
def imports_of(file: Path) -> tuple[str, ...]:
    return tuple(imports(ast.parse(file.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_lower_packages(package: str) -> None:
    own = {"tests", "tools", *MAY_IMPORT}
    allowed = tuple(f"{each}." for each in MAY_IMPORT[package])
    wrong = [
        f"{file.relative_to(REPOSITORY)}: {module}"
        for file in (REPOSITORY / package).rglob("*.py")
        if not file.name.startswith("test_")
        for module in imports_of(file)
        if module.partition(".")[0] in own and not f"{module}.".startswith(allowed)
    ]
    assert wrong == []


def modules(package: str) -> dict[str, set[str]]:
    """Return the modules of a package, each with those that it imports."""
    files = {
        ".".join(file.relative_to(REPOSITORY).with_suffix("").parts): file
        for file in (REPOSITORY / package).rglob("*.py")
        if file.name != "__init__.py"
    }
    return {name: {each for each in imports_of(file) if each in files} for name, file in files.items()}


def rooms(package: str) -> dict[str, set[str]]:
    """Return the folders of a package, each with those that it imports; the package's own modules are no folder."""
    found: dict[str, set[str]] = {}
    for file in (REPOSITORY / package).rglob("*.py"):
        room, *rest = file.relative_to(REPOSITORY / package).parts
        if rest:
            modules = (each.split(".") for each in imports_of(file))
            found.setdefault(room, set()).update(each[1] for each in modules if each[0] == package and each[2:])
            found[room].discard(room)
    return {room: others & found.keys() for room, others in found.items()}


@pytest.mark.parametrize("package", ["common", "components", "operations", "policies"])
def test_folders_of_a_package_import_one_way(package: str) -> None:
    assert rooms(package)
    TopologicalSorter(rooms(package)).prepare()


@pytest.mark.parametrize("package", ["bench", "common", "components", "local", "operations", "policies", "tools"])
def test_modules_of_a_package_import_one_way(package: str) -> None:
    assert modules(package)
    TopologicalSorter(modules(package)).prepare()
