"""The workflows of the forge: what they may do, what they run, and that the commands in them exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from local.workspace import REPOSITORY
from operations.cli import app
from operations.fleet.result_output import markdown_comment
from operations.fleet.results import FleetReport

FOLDER = REPOSITORY / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"^\s*-?\s*uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)$")
KNOWN = {"actions", "aws-actions", "pulumi"}
COMMAND = re.compile(r"-m operations (fleet [^\n>|)]*(?:\\\n[^\n>|)]*)*)")


def workflow(file: Path) -> dict[Any, Any]:
    return yaml.safe_load(file.read_text())


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{file.stem}.{name}", job) for file in FILES for name, job in workflow(file)["jobs"].items()]


def steps() -> Iterator[dict[str, Any]]:
    for _, job in jobs():
        yield from job["steps"]


def test_workflows_are_complete() -> None:
    assert [each.stem for each in FILES] == [
        "checks",
        "contract",
        "fleet-drift",
        "fleet-preview",
        "fleet-up",
        "release",
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_workflow_actions_are_pinned_and_of_known_owners(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if re.match(r"\s*-?\s*uses:", line)]
    assert lines
    for line in lines:
        pin = PINNED.match(line)
        assert pin, line
        assert pin["action"].split("/")[0] in KNOWN


def test_workflow_actions_have_one_version() -> None:
    found = {PINNED.match(line) for file in FILES for line in file.read_text().splitlines()} - {None}
    pins = {(each["action"], each["commit"], each["version"]) for each in found if each}
    assert len(pins) == len({action for action, _, _ in pins})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_workflow_permissions_are_read_only_by_default(file: Path) -> None:
    content = workflow(file)
    assert content["permissions"] == {"contents": "read"}
    assert "concurrency" in content
    # "on" is a boolean to YAML 1.1.
    assert "pull_request_target" not in content[True]


WRITES = {
    "fleet-drift.drift": {"id-token"},
    "fleet-preview.preview": {"id-token"},
    "fleet-preview.comment": {"pull-requests"},
    "fleet-up.up": {"id-token"},
    "release.publish": {"attestations", "contents", "id-token"},
}


@pytest.mark.parametrize(("name", "job"), jobs(), ids=[name for name, _ in jobs()])
def test_workflow_job_permissions_are_minimal(name: str, job: dict[str, Any]) -> None:
    permissions = job.get("permissions", {})
    assert {key for key, value in permissions.items() if value == "write"} == WRITES.get(name, set())
    assert set(permissions.values()) <= {"read", "write"}
    assert job["timeout-minutes"] <= 360


def comment_script() -> str:
    """The only one of the job that may comment."""
    comment = workflow(FOLDER / "fleet-preview.yml")["jobs"]["comment"]
    (script,) = [each["run"] for each in comment["steps"] if "run" in each]
    return script


def test_workflow_comment_job_runs_no_code_of_the_change() -> None:
    comment = workflow(FOLDER / "fleet-preview.yml")["jobs"]["comment"]
    assert not [each for each in comment["steps"] if "checkout" in each.get("uses", "")]
    assert "python" not in comment_script()


@pytest.mark.parametrize(
    ("there_is", "expected"),
    [
        ("", "pr comment 7 --body-file preview.md"),
        ("11\n12\n", "api --silent --method PATCH repos/o/r/issues/comments/12 --field body=@preview.md"),
    ],
    ids=["none yet", "an earlier one"],
)
def test_workflow_comment_is_created_once_and_updated(there_is: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "found").write_text(there_is)
    program = tmp_path / "gh"
    program.write_text('#!/bin/sh\necho "$@" >> calls\ncase "$*" in *--jq*) cat found;; esac\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GH_REPO": "o/r", "NUMBER": "7"}
    subprocess.run(["bash", "-e", "-o", "pipefail", "-c", comment_script()], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "calls").read_text().splitlines()[-1] == expected


def test_workflow_comment_is_found_by_its_heading() -> None:
    (beginning,) = re.findall(r'startswith\("([^"]+)"\)', comment_script())
    assert markdown_comment(FleetReport(command="preview", results=())).startswith(beginning)
    assert f'echo "{beginning}:' in (REPOSITORY / ".github" / "fleet-preview.sh").read_text()


def test_workflow_tokens_are_for_jobs_that_sign_in() -> None:
    for name, job in jobs():
        signing = ("configure-aws-credentials", "attest-build-provenance")
        signs_in = any(action in each.get("uses", "") for each in job["steps"] for action in signing)
        assert signs_in == (job.get("permissions", {}).get("id-token") == "write"), name
    for file in FILES:
        assert "secrets." not in file.read_text()
        assert "aws-access-key-id" not in file.read_text()


def test_workflow_release_job_with_write_access_runs_no_code() -> None:
    publish = workflow(FOLDER / "release.yml")["jobs"]["publish"]
    assert not [each for each in publish["steps"] if "checkout" in each.get("uses", "")]
    assert [each["run"].split()[:3] for each in publish["steps"] if "run" in each] == [["gh", "release", "create"]]


def test_workflow_scripts_contain_no_expressions() -> None:
    for each in steps():
        assert "${{" not in each.get("run", ""), each["run"]


def test_workflow_checkouts_persist_no_credentials() -> None:
    checkouts = [each for each in steps() if "actions/checkout" in each.get("uses", "")]
    assert checkouts
    assert all(each["with"]["persist-credentials"] is False for each in checkouts)


def test_workflow_up_requires_approval_and_is_not_cancelled() -> None:
    content = workflow(FOLDER / "fleet-up.yml")
    assert content["jobs"]["up"]["environment"] == "fleet"
    assert "github.ref == 'refs/heads/main'" in content["jobs"]["up"]["if"]
    assert content["concurrency"]["cancel-in-progress"] is False
    assert set(content[True]) == {"push", "workflow_dispatch"}
    assert content[True]["push"]["branches"] == ["main"]


def texts() -> Iterator[tuple[str, str]]:
    for file in [*FILES, REPOSITORY / ".github" / "fleet-preview.sh", REPOSITORY / "docs" / "fleet.md"]:
        # A folded scalar is one line to the shell.
        yield file.name, re.sub(r"(?m)(-m operations fleet[^\n]*)\n\s+(--)", r"\1 \2", file.read_text())


@pytest.mark.parametrize(("name", "text"), list(texts()), ids=[name for name, _ in texts()])
def test_documented_fleet_commands_exist(name: str, text: str) -> None:
    group: Any = typer.main.get_command(app)
    fleet = group.commands["fleet"]
    found = [match[1].replace("\\\n", " ") for match in COMMAND.finditer(text)]
    assert found or name in {"checks.yml", "contract.yml", "fleet-preview.yml", "release.yml"}
    for line in found:
        words = [word for word in shlex.split(line.split("`")[0], comments=True)[1:] if word]
        options = {option for parameter in fleet.commands[words[0]].params for option in parameter.opts}
        used = {word.split("=")[0] for word in words[1:] if word.startswith("-")}
        assert used <= options, line


def test_documented_pipeline_is_yaml() -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    shown = yaml.safe_load(page.rsplit("```yaml", 1)[1].split("```", 1)[0])
    assert set(shown) == {"fleet-preview", "fleet-up", "fleet-drift"}
    assert shown["fleet-up"]["rules"][0]["when"] == "manual"


def test_preview_script_is_valid_bash() -> None:
    script = REPOSITORY / ".github" / "fleet-preview.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111


def test_preview_script_selects_changed_accounts(tmp_path: Path) -> None:
    script = REPOSITORY / ".github" / "fleet-preview.sh"
    for folder in ("common", "components", "policies", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for file in (
        "__main__.py",
        "Pulumi.yaml",
        "requirements.txt",
        "common/a.py",
        "components/a.py",
        "policies/a.py",
        "fleet.yaml",
    ):
        (tmp_path / file).write_text("before")
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" >> calls\ncase "$*" in *matrix*) cat matrix;; esac\n')
    python.chmod(0o755)

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def calls(matrix: str) -> list[str]:
        (tmp_path / "matrix").write_text(matrix)
        (tmp_path / "calls").unlink(missing_ok=True)
        subprocess.run(["bash", str(script), "fleet.yaml", "HEAD"], cwd=tmp_path, check=True)
        return (tmp_path / "calls").read_text().splitlines()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "before")
    no_account = calls('{"include": []}')
    assert no_account == ["-m operations fleet matrix --file fleet.yaml --changed"]
    assert (tmp_path / "preview.md").read_text() == "### fleet preview: no account is affected\n"
    some = calls('{"include": [{"id": "111111111111"}, {"id": "222222222222"}]}')
    shown = "--policy-pack policies --markdown preview.md --html preview.html"
    assert some[1] == (
        f"-m operations fleet preview --file fleet.yaml --account=111111111111 --account=222222222222 {shown}"
    )
    (tmp_path / "policies" / "a.py").write_text("after")
    assert calls("{}") == [f"-m operations fleet preview --file fleet.yaml {shown}"]
