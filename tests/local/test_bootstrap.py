from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local import bootstrap
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


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


def test_older_python_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MINIMUM", (99, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer and found .*\n.*make PYTHON="):
        bootstrap.main()


def test_byte_code_that_is_not_wanted_beside_the_sources_is_kept_in_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX")
    bootstrap.keep_byte_code()
    source = tmp_path / "example.py"
    source.touch()
    subprocess.run([sys.executable, "-c", "import example"], check=True, cwd=tmp_path)
    assert [path.suffix for path in (tmp_path / "bytecode").rglob("example.*")] == [".pyc"]


def test_failed_installation_says_which_step_and_what_to_do(
    clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements-dev.txt"
    lock.write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(bootstrap, "LOCK", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(clone / "cache"))
    with pytest.raises(SystemExit, match=r"Set-up stopped: could not install requirements-dev\.txt.*Run the same"):
        bootstrap.main()
