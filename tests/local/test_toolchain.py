import os
import re
import subprocess
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
    used = toolchain.command_line()
    assert used
    assert used.parent == programs.parent / "cache"
    assert used.name.startswith("pulumi-3.259.0-")
    assert "older than 3.259.0" in capfd.readouterr().err


def test_command_line_without_its_language_host_is_passed_over(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(programs, "pulumi", "echo v3.259.0")
    monkeypatch.setattr(toolchain, "_build", lambda folder: (folder / "pulumi").touch())
    assert toolchain.command_line()


def test_failed_build_reports_go_output_and_fix(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = 'case "$1" in env) echo go1.99.0;; build) echo "no space left on device" >&2; exit 1;; *) echo one;; esac'
    monkeypatch.setattr(toolchain, "_PASSWORD_MODULES", ())
    write(programs, "go", go)
    with pytest.raises(ToolchainError, match=r"(?s)`go build` .*no space left on device.*Run the same command again"):
        toolchain.command_line()


def test_changed_build_gets_a_name_of_its_own(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_build", lambda folder: (folder / "pulumi").touch())
    before = toolchain.command_line()
    assert before == toolchain.command_line()
    monkeypatch.setattr(toolchain, "_ON_FIRST_USE", {})
    assert toolchain.command_line() != before
    assert list(programs.iterdir()) == []


@pytest.mark.parametrize("source", ["func main() {", "func init() {\nfunc init() {"])
def test_module_of_another_form_stops_the_build(source: str) -> None:
    with pytest.raises(ToolchainError, match=r"expected 'func init\(\) \{' once .*Adapt _ON_FIRST_USE"):
        toolchain.changed(source, toolchain._ON_FIRST_USE["frequency/frequency.go"])


def test_failed_download_names_the_step(programs: Path) -> None:
    go = 'case "$1" in env) echo go1.99.0;; list) echo "proxy out of reach" >&2; exit 1;; esac'
    write(programs, "go", go)
    with pytest.raises(ToolchainError, match=r"(?s)go list -deps .*proxy out of reach"):
        toolchain.command_line()


@pytest.mark.engine
def test_command_line_built_here_loads_lists_on_first_use(tmp_path: Path) -> None:
    folder = toolchain.command_line()
    if folder is None:
        pytest.skip("a pulumi is installed")
    # A trace of what each package does at the start.
    environment = os.environ | {"GODEBUG": "inittrace=1", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    settings = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_HOME": str(tmp_path),
        "PULUMI_CONFIG_PASSPHRASE": "x",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "pulumi"), *arguments]
        return subprocess.run(
            command, check=False, cwd=tmp_path, env=environment | settings, capture_output=True, text=True
        )

    (tmp_path / "Pulumi.yaml").write_text("name: lists\nruntime: python\n")
    started = run("stack", "init", "x")
    assert started.returncode == 0
    parsed = re.findall(r"init \S+zxcvbn-go/(?:frequency|matching) .* (\d+) bytes", started.stderr)
    assert parsed
    assert all(int(size) < 100_000 for size in parsed)
    assert "looks like a secret" in run("config", "set", "apiToken", "kD93-zzQw-81nd-Xopq-77Ha").stderr
    assert run("config", "set", "apiToken", "password").returncode == 0
