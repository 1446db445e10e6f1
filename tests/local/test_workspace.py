import errno
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from local import aws
from local.dev import Dev
from local.workspace import PluginError, Workspace
from tests.support.emulator import Emulator

ODD = [
    "it's",
    "a b",
    'say "hi"',
    "%41",
    "a%2Fb",
    "#1",
    "what?",
    "$HOME",
    "`id`",
    "a&b;c",
    "(x)",
    "\\",
    "-n",
    "*",
    "üñ日",
    "a\tb",
]
"""Names of folders that a shell, a URL or botocore could take for something else."""

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


def test_engine_finds_no_folder_for_its_log(tmp_path: Path, toolchain: Path) -> None:
    workspace = Workspace(tmp_path / "local")
    (workspace.pulumi_home / "logs").mkdir(parents=True)
    (workspace.pulumi_home / "logs" / "pulumi-1.log").touch()
    workspace.prepare(toolchain)
    assert (workspace.pulumi_home / "logs").is_file()


def test_official_plugin_replaces_stand_in_until_unset(
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


@pytest.fixture
def official(tmp_path: Path) -> Path:
    plugin = tmp_path / "official-plugin"
    plugin.write_bytes(b"\x7fELF")
    plugin.chmod(0o755)
    return plugin


def with_stack(workspace: Workspace) -> Path:
    """A state such as a run of the engine leaves."""
    stack = workspace.state / ".pulumi" / "stacks" / "shell-access" / "dev.json"
    stack.parent.mkdir(parents=True)
    stack.write_text("{}")
    return stack


def test_state_of_one_plugin_is_refused_to_the_other(
    tmp_path: Path, toolchain: Path, official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "local")
    workspace.prepare(toolchain)
    monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(official))
    workspace.prepare(toolchain)
    stack = with_stack(workspace)
    monkeypatch.delenv("SHELL_ACCESS_AWS_PLUGIN")
    before = {path: path.lstat().st_ino for path in workspace.folder.rglob("*")}
    with pytest.raises(
        PluginError, match=r"that the stand-in has written, got one of the official plugin\. .* set SHELL_"
    ):
        workspace.prepare(toolchain)
    assert {path: path.lstat().st_ino for path in workspace.folder.rglob("*")} == before
    stack.unlink()
    workspace.prepare(toolchain)
    with_stack(Workspace(tmp_path / "other"))
    monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(official))
    with pytest.raises(PluginError, match="got one of the stand-in"):
        Workspace(tmp_path / "other").prepare(toolchain)


def test_state_with_unreadable_note_is_refused(tmp_path: Path, toolchain: Path) -> None:
    workspace = Workspace(tmp_path / "local")
    with_stack(workspace)
    (workspace.state / "plugin.json").write_text("{")
    with pytest.raises(PluginError, match="got one of an unknown plugin"):
        workspace.prepare(toolchain)


def test_stand_in_named_as_plugin_is_the_stand_in(
    tmp_path: Path, toolchain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "local")
    workspace.prepare(toolchain)
    with_stack(workspace)
    launcher = workspace.pulumi_home / LAUNCHER
    monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(launcher))
    workspace.prepare(toolchain)
    assert "local.aws_provider" in launcher.read_text()


def test_plugin_that_is_no_program_is_refused(tmp_path: Path, toolchain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (tmp_path / "nothing", tmp_path):
        monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(wrong))
        with pytest.raises(PluginError, match="SHELL_ACCESS_AWS_PLUGIN: expected the path of pulumi-resource-aws"):
            Workspace(tmp_path / "local").prepare(toolchain)


def test_official_plugin_reaches_s3_control_by_proxy(
    tmp_path: Path, official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = "http://127.0.0.1:1"
    assert "HTTP_PROXY" not in Workspace(tmp_path / "local").environment(endpoint)
    monkeypatch.setenv("SHELL_ACCESS_AWS_PLUGIN", str(official))
    assert Workspace(tmp_path / "local").environment(endpoint)["HTTP_PROXY"] == endpoint


def test_environment_leaves_no_way_to_another_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path))
    environment = Workspace(tmp_path / "local").environment("http://127.0.0.1:1234")
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1234"
    assert environment["AWS_PROFILE"] == "default"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"]
    assert environment["AWS_CONFIG_FILE"].startswith(str(tmp_path))
    assert environment["AWS_SESSION_TOKEN"] == ""


@pytest.mark.parametrize("name", ODD)
def test_backend_url_leads_to_the_state(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path / name)
    url = urlsplit(workspace.environment("http://127.0.0.1:1")["PULUMI_BACKEND_URL"])
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("file", "", "", "")
    assert unquote(url.path) == str(workspace.state)


@pytest.mark.parametrize("name", ODD)
def test_environment_has_no_path_that_botocore_expands(tmp_path: Path, name: str) -> None:
    profile = Workspace(tmp_path / name).environment("http://127.0.0.1:1")["AWS_CONFIG_FILE"]
    assert os.path.expandvars(profile) == profile


@pytest.mark.parametrize("name", ODD)
def test_launchers_start_in_any_folder(tmp_path: Path, toolchain: Path, name: str) -> None:
    python = tmp_path / name / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$SHELL_ACCESS_LANGUAGE_EXEC"\nprintf \'%s\\n\' "$@"\n')
    python.chmod(0o755)
    workspace = Workspace(tmp_path / name / "local", python)
    workspace.prepare(toolchain)
    for launcher in (workspace.programs / "pulumi-language-python", workspace.pulumi_home / LAUNCHER):
        done = subprocess.run([launcher, "a b"], check=True, capture_output=True, text=True)
        assert done.stdout.endswith("\na b\n")
    done = subprocess.run([workspace.programs / "pulumi-language-python"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"{workspace.programs}/pulumi-language-python-exec\n")


@pytest.mark.parametrize("name", ODD)
def test_exports_survive_the_shell(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / name)
    monkeypatch.setattr(aws, "running", lambda _: Emulator(endpoint_url="http://127.0.0.1:1", pid=1, instance_id="i"))
    script = Dev(workspace).exports() + '\nprintf %s "$PULUMI_HOME"'
    done = subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == str(workspace.pulumi_home)


def test_program_that_is_not_copied_whole_is_not_in_place(
    tmp_path: Path, toolchain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(_source: Path, target: Path) -> None:
        target.write_text("#!/bin/s")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    def refuse(_target: Path, _source: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    workspace = Workspace(tmp_path / "local")
    with monkeypatch.context() as full:
        full.setattr("shutil.copy2", cut_short)
        with pytest.raises(OSError, match="No space left"):
            workspace.prepare(toolchain)
    assert list(workspace.programs.iterdir()) == []
    workspace.prepare(toolchain)
    assert (workspace.programs / "pulumi").exists()
