"""The programs that read workflows find what they are there for; that this repository's have none of it is a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.workspace import REPOSITORY
from tools.workflows import lint

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$GITHUB_SHA"
"""
SCRIPT = '#!/usr/bin/env bash\necho "$1"\n'


@pytest.mark.parametrize(
    ("workflow", "script", "told"),
    [
        (GOOD, SCRIPT, ""),
        (GOOD.replace("$GITHUB_SHA", "${{ varz.A }}"), SCRIPT, 'undefined variable "varz"'),
        (GOOD.replace('"$GITHUB_SHA"', "$GITHUB_SHA"), SCRIPT, "SC2086"),
        (GOOD.replace("$GITHUB_SHA", "${{ github.head_ref }}"), SCRIPT, "potentially untrusted"),
        (GOOD, SCRIPT.replace("echo", "cd"), "SC2164"),
    ],
    ids=["no fault", "a name that is none", "a fault of the shell", "what others may choose", "a fault of a script"],
)
def test_faults_are_found(
    workflow: str, script: str, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "workflow.yml", tmp_path / "script.sh"
    for file, text in zip(files, (workflow, script), strict=True):
        file.write_text(text)
    assert lint([files[0]], [files[1]]) == (not told)
    assert told in capfd.readouterr().out


def test_jobs_that_the_docs_show_have_no_fault(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    shown = page.split("As jobs of a workflow", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]
    file = tmp_path / "workflow.yml"
    file.write_text(f"on: push\n{shown}")
    assert lint([file], [])
