from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

LAUNCHER = "plugins/resource-aws-v7.51.1/pulumi-resource-aws"


@pytest.fixture
def toolchain(tmp_path: Path) -> Path:
    folder = tmp_path / "toolchain"
    folder.mkdir()
    for name in ("pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python", ".complete"):
        (folder / name).touch(mode=0o755)
    return folder


def test_engine_finds_its_language_host_beside_its_own_file(tmp_path: Path, toolchain: Path) -> None:
    workspace = Workspace(tmp_path / "local")
    workspace.prepare(toolchain)
    assert not (workspace.programs / "pulumi").is_symlink()
    assert os.access(workspace.programs / "pulumi-language-python", os.X_OK)
    assert not (workspace.programs / ".complete").exists()


def test_preparing_again_changes_nothing(tmp_path: Path, toolchain: Path) -> None:
    workspace = Workspace(tmp_path / "local")
    workspace.prepare(toolchain)
    before = {path: path.stat().st_ino for path in workspace.folder.rglob("*")}
    workspace.prepare(toolchain)
    assert {path: path.stat().st_ino for path in workspace.folder.rglob("*")} == before


def test_real_plugin_takes_the_place_of_the_stand_in_and_gives_it_back(
    tmp_path: Path, toolchain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "local")
    launcher = workspace.pulumi_home / LAUNCHER
    workspace.prepare(toolchain)
    assert not launcher.is_symlink()
    real = tmp_path / "real-plugin"
    real.touch(mode=0o755)
    monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(real))
    workspace.prepare(toolchain)
    assert launcher.resolve() == real
    monkeypatch.delenv("SHELL_ACCESS_AWS_PLUGIN")
    workspace.prepare(toolchain)
    assert "local.aws_provider" in launcher.read_text()
    assert real.read_text() == ""


def test_environment_leaves_no_way_to_another_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    environment = Workspace(tmp_path / "local").environment("http://127.0.0.1:1234")
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1234"
    assert environment["AWS_PROFILE"] == "default"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"]
    assert environment["AWS_CONFIG_FILE"].startswith(str(tmp_path))
    assert environment["AWS_SESSION_TOKEN"] == ""
