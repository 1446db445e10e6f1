"""The wheel: built, installed into an environment of its own, and used outside the clone."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.aws import Emulator
from local.workspace import REPOSITORY
from operations.cli import COMMANDS
from operations.version import VERSION
from tests.support.stack import Stack

# It waits for processes most of the time, so it begins before the tests that only compute.
pytestmark = pytest.mark.timeout(120)

PROGRAM = """
import pulumi_aws as aws

aws.cloudwatch.LogGroup("open-group")
"""


@dataclass(frozen=True)
class Installation:
    """The wheel in an environment that has nothing else of this project.

    Attributes:
        folder: Folder of the environment.
        home: Home of its user.
    """

    folder: Path
    home: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `shell-access` outside the clone, without any setting of this process."""
        return subprocess.run(
            [self.folder / "bin" / "shell-access", *arguments],
            check=False,
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": os.defpath, "COLUMNS": "100", "TERM": "dumb"} | environment,
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installed")
    programs = Path(sys.executable).parent
    run([programs / "hatchling", "build", "-t", "wheel", "-d", folder / "dist"])
    (wheel,) = (folder / "dist").iterdir()
    run([sys.executable, "-m", "venv", "--without-pip", folder / "environment"])
    python = folder / "environment" / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", "--no-deps", wheel])
    # Its requirements are those of the clone's environment, which has none of this project's packages.
    (packages,) = (folder / "environment").glob("lib/python*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "home").mkdir()
    return Installation(folder / "environment", folder / "home")


def run(command: list[str | Path]) -> None:
    done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_has_only_what_ships(installed: Installation) -> None:
    (packages,) = installed.folder.glob("lib/python*/site-packages")
    found = {each.name for each in packages.iterdir()} - {"requirements.pth"}
    assert found == {"common", "components", "operations", "policies", f"shell_access-{VERSION}.dist-info"}


def test_command_shows_its_version(installed: Installation) -> None:
    shown = installed.run("--version").stdout
    assert re.fullmatch(rf"shell-access {re.escape(VERSION)} \(pulumi [\d.]+, pulumi-aws [\d.]+\)\n", shown)


def test_command_lists_every_subcommand(installed: Installation) -> None:
    shown = installed.run("--help").stdout
    assert "Usage: shell-access " in shown
    assert [name for name in COMMANDS if f" {name} " not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_subcommand_imports_no_file_of_the_clone(installed: Installation, name: str) -> None:
    shown = installed.run(name, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Usage: shell-access {name} " in shown.stdout


@pytest.mark.parametrize(("words", "completion"), [("ver", "verify"), ("verify --st", "--stack")])
def test_shell_completes_commands_and_options(installed: Installation, words: str, completion: str) -> None:
    typed = {"COMP_WORDS": f"shell-access {words}", "COMP_CWORD": str(len(words.split()))}
    assert installed.run(_SHELL_ACCESS_COMPLETE="complete_bash", **typed).stdout.split() == [completion]


def test_policy_pack_names_its_environment(installed: Installation) -> None:
    folder = Path(installed.run("policy-pack").stdout.strip())
    assert folder.is_relative_to(installed.home / ".cache" / "shell-access")
    manifest = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())
    assert manifest["version"] == VERSION
    assert manifest["runtime"]["options"]["virtualenv"] == str(installed.folder)


def test_policy_pack_is_written_again_after_an_edit(installed: Installation, tmp_path: Path) -> None:
    installed.run("policy-pack", "--output", str(tmp_path))
    written = {each.name: each.read_text() for each in tmp_path.iterdir()}
    (tmp_path / "__main__.py").write_text("print('no rules')")
    installed.run("policy-pack", "--output", str(tmp_path))
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == written


def test_policy_pack_keeps_a_folder_with_other_files(installed: Installation, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("mine")
    (tmp_path / "notes.txt").touch()
    refused = installed.run("policy-pack", "--output", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "expected an empty folder or a policy pack" in refused.stderr
    assert (tmp_path / "__main__.py").read_text() == "mine"


def test_policy_pack_unwritable_folder_is_one_line(installed: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = installed.run("policy-pack", "--output", str(tmp_path / "file" / "pack"))
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)


@pytest.mark.engine
def test_policy_pack_refuses_in_preview(installed: Installation, emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text(PROGRAM)
    (tmp_path / "stack").mkdir()
    stack = Stack(tmp_path / "stack", emulator.endpoint_url, program=tmp_path / "program")
    stack.configure()
    pack = installed.run("policy-pack").stdout.strip()
    refused = stack.preview("--policy-pack", pack).failed()
    assert "log-group-encrypted" in refused.text
    assert f"shell-access@v{VERSION}" in refused.text


def test_versions_agree() -> None:
    manifest = yaml.safe_load((REPOSITORY / "policies" / "PulumiPolicy.yaml").read_text())
    assert manifest["version"] == VERSION
    heading = next(line for line in (REPOSITORY / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert heading == "## Unreleased" or heading.startswith(f"## {VERSION} ")


def test_requirements_of_the_wheel_begin_at_the_pinned_versions() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pinned = [
        line.strip()
        for line in (REPOSITORY / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    lowest = [each.partition(",")[0].replace(">=", "==") for each in project["dependencies"]]
    assert lowest == pinned


def test_container_file_has_no_lint_problem() -> None:
    run([Path(sys.executable).with_name("hadolint"), "--failure-threshold", "info", REPOSITORY / "Containerfile"])


def test_container_file_installs_the_pinned_command_line() -> None:
    content = (REPOSITORY / "Containerfile").read_text()
    pinned = re.search(r"^pulumi==(.*)$", (REPOSITORY / "requirements.in").read_text(), re.MULTILINE)
    assert pinned
    assert f":{pinned[1]}\n" in content
