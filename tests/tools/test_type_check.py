import re
from pathlib import Path

import pytest

from local.workspace import REPOSITORY
from tools import type_check
from tools.type_check import TypeCheckError, check, checked_files, fingerprint


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a wrong file, a program that finds it, and a cache of its own."""
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path / "cache"))
    repository = tmp_path / "project"
    (repository / "room").mkdir(parents=True)
    (repository / "__main__.py").touch()
    (repository / "room" / "module.py").write_text("wrong\n")
    (repository / "pyproject.toml").write_text('[tool.pyright]\ninclude = ["__main__.py", "room"]\n')
    program = tmp_path / "checker"
    program.write_text("#!/bin/sh\necho checked\n! grep -r wrong room\n")
    program.chmod(0o755)
    monkeypatch.setattr(type_check, "PROGRAM", program)
    monkeypatch.setattr(type_check, "REPOSITORY", repository)
    return repository


def test_check_failed_is_repeated_and_passed_is_not(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with pytest.raises(TypeCheckError):
            check()
        assert "checked\nroom/module.py:wrong\n" in capfd.readouterr().out
    (repository / "room" / "module.py").write_text("right\n")
    check()
    assert capfd.readouterr().out == "checked\n"
    check()
    again = capfd.readouterr()
    assert (again.out, again.err) == ("", "The same files, configuration and packages have passed before.\n")


@pytest.mark.parametrize("file", ["__main__.py", "room/module.py", "room/inner/new.py", "pyproject.toml"])
def test_fingerprint_changes_with_each_checked_file(repository: Path, file: str) -> None:
    before = fingerprint(repository)
    (repository / "test_other.py").touch()
    assert fingerprint(repository) == before
    (repository / file).parent.mkdir(exist_ok=True)
    with (repository / file).open("a") as opened:
        opened.write("# changed\n")
    assert fingerprint(repository) != before


def test_fingerprint_changes_with_installed_packages(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(repository)
    monkeypatch.setattr(type_check, "distributions", list)
    assert fingerprint(repository) != before


def test_checked_files_import_no_other_files() -> None:
    files = checked_files(REPOSITORY)
    assert {REPOSITORY / "__main__.py", Path(type_check.__file__)} < set(files)
    others = re.compile(r"^\s*(from|import) tests(?!\.support\b)", re.MULTILINE)
    assert [file for file in files if others.search(file.read_text())] == []
