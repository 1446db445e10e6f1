import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from operations.cli import app
from tests.operations.fleet.arrangement import FAKE_PULUMI, FLEET, FakePulumi


@pytest.fixture
def fleet_file(tmp_path: Path) -> Callable[..., Path]:
    """A file on disk: `fleet_file()`, `fleet_file({...})`, `fleet_file("text")`."""

    def write(content: Any = FLEET) -> Path:
        file = tmp_path / "fleet.yaml"
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return file

    return write


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A `pulumi` on PATH that follows orders."""
    programs, root = tmp_path / "bin", tmp_path / "fake"
    programs.mkdir()
    root.mkdir()
    program = programs / "pulumi"
    program.write_text(f"#!{sys.executable} -S\n{FAKE_PULUMI.read_text()}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"]]))
    monkeypatch.setenv("FAKE_PULUMI", str(root))
    monkeypatch.setenv("COLUMNS", "160")
    return FakePulumi(root)


@pytest.fixture
def fleet(fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path) -> Callable[..., Result]:
    """Runs the command line: `fleet("up", "--json")`."""
    project = tmp_path / "program"
    project.mkdir()
    defaults = {"regions": {"type": "array", "default": []}}
    (project / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": "shell-access", "runtime": "python", "config": defaults})
    )
    (project / "__main__.py").write_text("first")
    assert pulumi.root.is_dir()

    def run(command: str, *arguments: str, content: Any = FLEET) -> Result:
        file = fleet_file(content)
        without_program = {"verify", "report"}
        cwd = [] if command in without_program else ["--cwd", str(project)]
        given = [] if command == "report" else ["--file", str(file)]
        return CliRunner().invoke(app, ["fleet", command, *given, *cwd, *arguments])

    return run
