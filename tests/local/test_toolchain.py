import os
from pathlib import Path

import pytest

from local import toolchain
from local.toolchain import ToolchainError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path / "cache"))
    return folder


def write(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["v3.259.0", "v3.301.2", "v4.0.0"])
def test_installed_command_line_is_used_where_it_is_new_enough(programs: Path, version: str) -> None:
    write(programs, "pulumi", f"echo {version}")
    write(programs, "pulumi-language-python", "")
    assert toolchain.command_line() is None


@pytest.mark.parametrize("version", ["v3.258.9", "v3.39.0"])
def test_older_command_line_is_ignored_with_a_message(
    programs: Path, version: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(programs, "pulumi", f"echo {version}")
    write(programs, "pulumi-language-python", "")
    monkeypatch.setattr(toolchain, "_build", lambda folder: (folder / "pulumi").touch())
    assert toolchain.command_line() == programs.parent / "cache" / "pulumi-3.259.0"
    assert "older than 3.259.0" in capfd.readouterr().err


def test_command_line_without_its_language_host_is_passed_over(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(programs, "pulumi", "echo v3.259.0")
    monkeypatch.setattr(toolchain, "_build", lambda folder: (folder / "pulumi").touch())
    assert toolchain.command_line()


def test_failed_build_reports_go_output_and_fix(programs: Path) -> None:
    go = 'case "$1" in env) echo go1.99.0;; build) echo "no space left on device" >&2; exit 1;; *) echo one;; esac'
    write(programs, "go", go)
    with pytest.raises(ToolchainError, match=r"(?s)`go build` .*no space left on device.*Run the same command again"):
        toolchain.command_line()


def test_failed_download_names_the_step(programs: Path) -> None:
    go = 'case "$1" in env) echo go1.99.0;; list) echo "proxy out of reach" >&2; exit 1;; esac'
    write(programs, "go", go)
    with pytest.raises(ToolchainError, match=r"(?s)go list -deps .*proxy out of reach"):
        toolchain.command_line()
