"""A stack of an earlier version is updated to this one, and nothing is replaced.

The earlier version is the last tag `v*` before this commit, or the commit in `SHELL_ACCESS_UPGRADE_FROM`.
"""

import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.workspace import REPOSITORY
from tests.engine.test_directory import ONE_SITE, REPLACED
from tests.support.stack import PROGRAM, Stack

pytestmark = [pytest.mark.engine, pytest.mark.exhaustive]

FIRST_RELEASE = "2bb2e735db78ab9998bcf24b71254042919f51c3"
"""Commit of version 0.1.0, for clones without tags."""

SECTIONS: dict[str, Any] = {
    "tags": {"owner": "platform-security"},
    "sessionManager": {"instanceRoles": ["WorkloadInstance"], "maxSessionDuration": 60},
    "approval": {"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]},
    "domainControllers": {key: value for key, value in ONE_SITE.items() if key != "detection"},
    "nodes": {"roleCompliance": {"remediation": "manual"}, "defaultHostManagement": {}},
}


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], check=False, cwd=REPOSITORY, capture_output=True)


def earlier_version() -> str:
    given = os.environ.get("SHELL_ACCESS_UPGRADE_FROM")
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^").stdout.decode().strip()
    return given or tag or FIRST_RELEASE


@pytest.fixture
def earlier_program(tmp_path: Path) -> Path:
    """The program of the earlier version, as git has it."""
    version = earlier_version()
    archive = tmp_path / "program.tar"
    made = git("archive", "--output", str(archive), version, *PROGRAM)
    if made.returncode:
        pytest.skip(f"git has no commit {version} here, as in a shallow clone: {made.stderr.decode().strip()}")
    folder = tmp_path / "earlier"
    with tarfile.open(archive) as files:
        # Git wrote the archive; Python before 3.11.4 has no filters.
        files.extractall(folder)
    return folder


def test_update_to_this_version_replaces_nothing(new_stack: Callable[..., Stack], earlier_program: Path) -> None:
    stack = new_stack(program=earlier_program)
    stack.configure(SECTIONS)
    assert (stack.folder / "components").resolve().is_relative_to(earlier_program)
    stack.up().succeeded()
    for part in PROGRAM:
        (stack.folder / part).unlink()
        (stack.folder / part).symlink_to(REPOSITORY / part)
    previewed = stack.preview("--diff").succeeded()
    # A renamed resource is a deletion and a creation.
    lost = {name: step for name, step in previewed.steps.items() if step in REPLACED | {"delete"}}
    assert lost == {}, previewed.text
    stack.up().succeeded()
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
