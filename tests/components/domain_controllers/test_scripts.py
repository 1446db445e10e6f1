"""PowerShell in documents that run on controllers: parsed, in strict mode, without parameters and secrets."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Parser

from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.settings import DomainControllersSection
from tests.operations.verify.test_controller_operations import ALL
from tests.operations.verify.test_domain_controllers import REGION, SECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

PLAN = plan_operations(DomainControllersSection.model_validate(SECTION | ALL), REGION)
SCRIPTS = {
    f"{document.name} {step['name']}": "\n".join(step["inputs"]["runCommand"])
    for document in PLAN.documents
    for step in document.content["mainSteps"]
    if step["action"] == "aws:runPowerShellScript"
}


@cache
def parser() -> Parser:
    return Parser(Language(tree_sitter_powershell.language()))


def wrong(node: Node) -> Iterator[str]:
    """Lines that the parser does not understand."""
    if node.type == "ERROR" or node.is_missing:
        yield f"{node.start_point.row + 1}: {(node.text or b'').decode()[:60]}"
    for each in node.children:
        yield from wrong(each)


def parsed(script: str) -> list[str]:
    return list(wrong(parser().parse(script.encode()).root_node))


def test_parser_finds_what_is_wrong() -> None:
    assert parsed("if ($true) { Write-Output 'x' }") == []
    assert parsed("if ($true) { Write-Output 'x'")
    assert parsed("foreach ($x in 1) } 'open")


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_script_is_powershell(script: str) -> None:
    assert parsed(script) == []


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_script_is_strict_and_has_no_parameters(script: str) -> None:
    first, second, *_ = script.splitlines()
    assert (first, second) == ("Set-StrictMode -Version Latest", "$ErrorActionPreference = 'Stop'")
    # Systems Manager replaces parameters in the text, which would be an injection into a script that runs as SYSTEM.
    assert "{{" not in script
    assert not re.search(r"%[A-Z_]+%\n|Invoke-Expression|\biex\b|ConvertTo-SecureString|(?i:password\s*=)", script)
    assert script.isascii()


@pytest.mark.parametrize("document", PLAN.documents, ids=lambda each: each.name)
def test_document_takes_no_parameters(document: object) -> None:
    content = document.content  # pyright: ignore[reportAttributeAccessIssue,reportUnknownVariableType,reportUnknownMemberType]
    assert content["schemaVersion"] == "2.2"
    assert content["parameters"] == {}
