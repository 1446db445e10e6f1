import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import cache as module
from local.cache import UNUSED_DAYS, cache_folder, cached, locked, prune
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


def unused(name: str, days: float = UNUSED_DAYS + 1) -> Path:
    """Return an entry that was last used days ago."""
    folder = cached(name, lambda made: (made / "program").write_bytes(b"x" * mmap.PAGESIZE))
    then = time.time() - days * 24 * 60 * 60
    for file in folder.iterdir():
        os.utime(file, (then, then))
    return folder


def test_prune_removes_what_was_not_used_for_a_month(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    removed, kept = unused("thing-1"), unused("thing-2", UNUSED_DAYS - 1)
    prune()
    assert not removed.exists()
    assert (kept / "program").exists()
    assert "Removing thing-1 from the cache: no clone has used it for 30 days." in capfd.readouterr().err
    assert {each.name for each in cache.iterdir()} == {"thing-1.lock", "thing-2", "thing-2.lock", ".pruned"}
    assert cached("thing-1", lambda made: (made / "again").touch()) == removed


def test_prune_looks_once_a_day(cache: Path) -> None:
    prune()
    assert not cache.exists()
    unused("thing-1").with_name("other").mkdir()
    prune()
    folder = unused("thing-1")
    prune()
    assert folder.exists()
    os.utime(cache / ".pruned", (0, 0))
    prune()
    assert not folder.exists()


def test_prune_leaves_an_entry_that_is_read_or_returned() -> None:
    read, returned = unused("thing-1"), unused("thing-2")
    os.utime(read / "program", (time.time(), 0))
    cached("thing-2", lambda _: None)
    prune()
    assert read.exists()
    assert returned.exists()


def test_prune_leaves_an_entry_whose_file_is_loaded() -> None:
    folder = unused("thing-1")
    with (folder / "program").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        unused("thing-1")
        prune()
    assert folder.exists()


def test_prune_leaves_an_entry_that_another_run_prepares() -> None:
    folder = unused("thing-1")
    with locked(folder.with_name("thing-1.lock"), "a test"):
        prune()
    assert folder.exists()


def test_prune_puts_back_an_entry_that_is_used_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = unused("thing-1")

    def use(entry: Path) -> bool:
        os.utime(entry / "program")
        return False

    monkeypatch.setattr(module, "_is_loaded", use)
    prune()
    assert (folder / "program").exists()


def test_prune_leaves_other_folders_and_unknown_times(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "other").mkdir(parents=True)
    prune()
    assert (cache / "other").exists()
    (cache / ".pruned").unlink()
    folder, found = unused("thing-1"), os.statvfs(cache)
    monkeypatch.setattr(
        os, "statvfs", lambda _: os.statvfs_result((*found[:8], found.f_flag | os.ST_NOATIME, found[9]))
    )
    prune()
    assert folder.exists()


def test_prune_removes_byte_code_of_folders_that_are_gone(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "clone" / "package").mkdir(parents=True)
    (tmp_path / "environment" / "lib").mkdir(parents=True)
    (tmp_path / "environment" / "pyvenv.cfg").touch()
    stored = Path(f"{cache}/bytecode{tmp_path}")
    for name in ("clone/package", "clone/gone", "gone/clone", "environment/lib", "environment/gone"):
        (stored / name).mkdir(parents=True)
        (stored / name / "module.pyc").touch()
    prune()
    left = sorted(str(file.parent.relative_to(stored)) for file in stored.rglob("*.pyc"))
    assert left == ["clone/package", "environment/gone", "environment/lib"]
