import subprocess
import sys
from pathlib import Path

import pytest

from local.cache import cache_folder, cached, locked
from local.workspace import REPOSITORY


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_cache_defaults_to_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SHELL_ACCESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "shell-access"


def test_entry_is_built_once(cache: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "content").touch()

    assert cached("thing-1", build) == cached("thing-1", build) == cache / "thing-1"
    assert built == [cache / "thing-1"]


def test_half_built_entry_is_built_again_from_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        cached("thing-1", fail)
    cached("thing-1", lambda folder: (folder / "whole").touch())
    assert sorted(each.name for each in (cache / "thing-1").iterdir()) == [".complete", "whole"]


_BUILDER = """
import sys, time
from local.cache import cached
def build(folder):
    print("built", flush=True)
    time.sleep(0.3)
cached("shared", build)
"""


def test_two_runs_at_once_build_one_entry_once() -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", _BUILDER], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert "".join(said).count("built") == 1


_HOLDER = """
import pathlib, sys
from local.cache import locked
with locked(pathlib.Path(sys.argv[1]), "it is building"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _holder(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(lock)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_waiting_for_another_run_is_reported(cache: Path) -> None:
    first = _holder(cache / "lock")
    assert first.stdout
    assert first.stdout.readline() == "held\n"
    second = _holder(cache / "lock")
    assert second.stderr
    assert second.stderr.readline() == "Waiting for another run (it is building) ...\n"
    first.communicate("\n")
    assert second.communicate("\n")[0] == "held\n"


def test_lock_is_free_again_afterwards(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with locked(cache / "lock", "x"):
            pass
    assert capfd.readouterr().err == ""
