"""Start-up of the command line."""

import subprocess
import sys

import pytest
import typer

from operations.cli import COMMANDS, app

MODULES_OF = """
import runpy, sys
try:
    runpy.run_module("operations", run_name="__main__")
except SystemExit:
    pass
sys.stderr.write("\\nIMPORTED " + " ".join(sys.modules))
"""


def imported_by(*arguments: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", MODULES_OF, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stderr.partition("IMPORTED ")[2].split())


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("verfy",)])
def test_help_imports_no_command(arguments: tuple[str, ...]) -> None:
    modules = imported_by(*arguments)
    assert not modules & {"boto3", "botocore", "grpc", "pulumi", "yaml"}
    assert not {each for each in modules if each.startswith(("common.aws", "common.iam", "components"))}
    own = {each for each in modules if each.startswith("operations.")}
    assert own <= {
        "operations.cli",
        "operations.defaults",
        "operations.errors",
        "operations.version",
        "operations.__main__",
    }


def test_command_imports_no_other_command() -> None:
    modules = imported_by("ports", "--help")
    assert "operations.ports.command" in modules
    assert not modules & {"botocore", "operations.audit.command", "operations.fleet.commands", "operations.verify.run"}


def test_help_summaries_match_command_docstrings() -> None:
    group: object = typer.main.get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 -- Typer has no public type for a group
    summaries = {name: (commands[name].help or "").partition("\n\n")[0].replace("\n", " ") for name in commands}
    assert summaries == {name: summary for name, (_, summary) in COMMANDS.items()}
