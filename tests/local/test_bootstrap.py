import ast
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import bootstrap
from local.workspace import REPOSITORY


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "REPOSITORY", tmp_path)
    return tmp_path


def test_bootstrap_needs_nothing_but_the_standard_library() -> None:
    isolated = [sys.executable, "-S", "-c", "import local.bootstrap, local.cache"]
    assert subprocess.run(isolated, check=False, cwd=REPOSITORY).returncode == 0


def test_environment_is_named_after_the_lock(tmp_path: Path) -> None:
    changed = tmp_path / "requirements-dev.txt"
    changed.write_text(bootstrap.LOCK.read_text() + "# another\n")
    assert bootstrap.environment_name(changed) != bootstrap.environment_name(bootstrap.LOCK)


def test_environment_is_linked_and_a_newer_one_replaces_it(clone: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        assert bootstrap.link_environment(tmp_path / name).resolve() == tmp_path / name
    assert (clone / ".venv").is_symlink()


def test_environment_of_the_users_own_is_left_alone(clone: Path, tmp_path: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    assert bootstrap.link_environment(tmp_path) == clone / ".venv"
    assert not (clone / ".venv").is_symlink()


def test_older_python_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MINIMUM", (99, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer and found .*\n.*make PYTHON="):
        bootstrap.main()


def test_bytecode_not_kept_beside_sources_is_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX")
    bootstrap.keep_byte_code()
    source = tmp_path / "example.py"
    source.touch()
    subprocess.run([sys.executable, "-c", "import example"], check=True, cwd=tmp_path)
    assert [path.suffix for path in (tmp_path / "bytecode").rglob("example.*")] == [".pyc"]


def test_failed_installation_reports_step_and_fix(clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "requirements-dev.txt"
    lock.write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(bootstrap, "LOCK", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(clone / "cache"))
    with pytest.raises(SystemExit, match=r"Set-up stopped: could not install requirements-dev\.txt.*Run the same"):
        bootstrap.main()


@pytest.mark.parametrize("module", ["__init__", "bootstrap", "cache"])
def test_bootstrap_is_read_by_older_pythons(module: str) -> None:
    text = (REPOSITORY / "local" / f"{module}.py").read_text()
    tree = ast.parse(text, feature_version=(3, 8))
    # Without it, an older Python fails on annotations such as `str | None` before it can name the version it needs.
    assert module == "__init__" or any(
        isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in tree.body
    )


def test_folder_that_cannot_be_on_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPOSITORY", Path("/a:b/clone"))
    with pytest.raises(
        SystemExit, match=r"Set-up stopped: expected folders whose paths have no :.*, got /a:b/clone. Move the clone"
    ):
        bootstrap.main()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_folder_that_cannot_be_written_is_named(number: int, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_name: str, _build: Callable[[Path], None]) -> Path:
        raise OSError(number, os.strerror(number), str(clone / "x"))

    monkeypatch.setattr(bootstrap, "cached", fail)
    with pytest.raises(SystemExit, match=f"Set-up stopped: {clone}/x: {os.strerror(number)}.*SHELL_ACCESS_CACHE"):
        bootstrap.main()


def test_interrupted_set_up_ends_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_name: str, _build: Callable[[Path], None]) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "cached", interrupt)
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert ended.value.code == 130
    assert "Interrupted; the next run continues from here." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("programs", "chosen"),
    [
        ({"python3": "exit 1", "python3.12": "exit 0", "python3.11": "exit 0"}, "python3.12"),
        ({"python3": "exit 0", "python3.12": "exit 0"}, "python3"),
        ({"python3": "exit 1"}, "python3"),
    ],
)
def test_make_selects_a_supported_python(tmp_path: Path, programs: dict[str, str], chosen: str) -> None:
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    make = shutil.which("make")
    assert make
    (tmp_path / "sh").symlink_to("/bin/sh")
    said = subprocess.run(
        [make, "-n", "up"], check=True, cwd=REPOSITORY, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert said.stdout == f"{chosen} -m local.bootstrap local up\n"
