"""Linters of workflows and scripts."""

from pathlib import Path

import pytest

from local.workspace import REPOSITORY
from tools.workflows import lint

GOOD = """on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$GITHUB_SHA"
"""
SCRIPT = '#!/usr/bin/env bash\necho "$1"\n'


@pytest.mark.parametrize(
    ("workflow", "script", "message"),
    [
        (GOOD, SCRIPT, ""),
        (GOOD.replace("$GITHUB_SHA", "${{ varz.A }}"), SCRIPT, 'undefined variable "varz"'),
        (GOOD.replace('"$GITHUB_SHA"', "$GITHUB_SHA"), SCRIPT, "SC2086"),
        (GOOD.replace("$GITHUB_SHA", "${{ github.head_ref }}"), SCRIPT, "potentially untrusted"),
        (GOOD, SCRIPT.replace("echo", "cd"), "SC2164"),
    ],
    ids=["valid", "unknown name", "shell problem", "untrusted input", "script problem"],
)
def test_lint_finds_problems(
    workflow: str, script: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "workflow.yml", tmp_path / "script.sh"
    for file, text in zip(files, (workflow, script), strict=True):
        file.write_text(text)
    assert lint([files[0]], [files[1]]) == (not message)
    assert message in capfd.readouterr().out


def test_lint_accepts_the_workflow_in_the_docs(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    shown = page.split("As jobs of a workflow", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]
    file = tmp_path / "workflow.yml"
    file.write_text(f"on: push\n{shown}")
    assert lint([file], [])
