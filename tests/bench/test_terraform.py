"""Resources through OpenTofu or Terraform: measured for real, or refused with the reason."""

from pathlib import Path

import pytest
import yaml

from bench.__main__ import CONFIGURATION, full_configuration
from bench.terraform import MIRROR, NotMeasuredError, Terraform
from components.settings import Settings

REGISTRY = "registry.opentofu.org"
FAKE = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
  version) echo "OpenTofu v1.9.0" ;;
  "$FAILS") echo "Error: it does not start" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH, and a home without a mirror."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setattr("bench.terraform.TOOLS", ("tofu-of-the-test",))
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    return folder


@pytest.fixture
def tool(programs: Path) -> Path:
    """A command line that notes how it is called."""
    program = programs / "tofu-of-the-test"
    program.write_text(FAKE)
    program.chmod(0o755)
    return program


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror with the AWS provider."""
    folder = tmp_path / "mirror"
    (folder / REGISTRY / "hashicorp" / "aws").mkdir(parents=True)
    return folder


def environment(folder: Path, fails: str = "nothing") -> dict[str, str]:
    return {"CALLS": str(folder / "calls"), "FAILS": fails, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


@pytest.mark.usefixtures("programs")
def test_terraform_without_command_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match="tofu-of-the-test is on PATH"):
        Terraform(tmp_path, environment(tmp_path))


@pytest.mark.usefixtures("tool")
def test_terraform_without_provider_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match=f"no mirror with the AWS provider; name its folder with {MIRROR}"):
        Terraform(tmp_path, environment(tmp_path))


@pytest.mark.usefixtures("tool", "mirror")
@pytest.mark.parametrize("command", ["init", "apply"])
def test_terraform_failure_is_reported(tmp_path: Path, command: str) -> None:
    said = f"tofu-of-the-test {command} ended with 1: Error: it does not start"
    with pytest.raises(NotMeasuredError, match=said):
        Terraform(tmp_path, environment(tmp_path, fails=command))


@pytest.mark.usefixtures("tool")
def test_terraform_plans_without_network(tmp_path: Path, mirror: Path) -> None:
    made = Terraform(tmp_path, environment(tmp_path))
    made.plan(refresh=False)
    made.plan(refresh=True)
    assert made.version == "OpenTofu v1.9.0"
    assert (tmp_path / "calls").read_text().splitlines()[:4] == [
        f"init -input=false -no-color -plugin-dir={mirror}",
        "apply -input=false -no-color -auto-approve",
        "plan -input=false -no-color -detailed-exitcode -refresh=false",
        "plan -input=false -no-color -detailed-exitcode -refresh=true",
    ]
    assert f'source = "{REGISTRY}/hashicorp/aws"' in (tmp_path / "main.tf").read_text()


def test_full_stack_has_every_section() -> None:
    configuration = yaml.safe_load(CONFIGURATION.read_text())["config"]
    settings = Settings.load(configuration)
    assert full_configuration().keys() == {key.removeprefix("shell-access:") for key in configuration} - {"aws:region"}
    assert all([settings.session_manager, settings.endpoints, settings.approval, settings.nodes])
    assert settings.domain_controllers
