"""Defaults of options from a file, and `--profile`."""

from pathlib import Path
from typing import Any

import pytest

from components.approval.settings import Mode
from operations.defaults import option_defaults
from operations.errors import UnusableError

WHOLE = """\
stack: prod
mode: automation
region: eu-west-1
regions: [eu-west-1, us-east-1]
profile: operator
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as the current directory, and another configuration folder of the user."""
    folder = tmp_path / "repository" / "below"
    folder.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    return folder


def write(folder: Path, text: str) -> None:
    (folder.parent / ".shell-access.yaml").write_text(text)


def test_without_a_file_there_are_no_defaults() -> None:
    assert option_defaults("verify", []) == {}


@pytest.mark.parametrize(
    ("command", "arguments", "found"),
    [
        ("verify", [], {"stack": "prod", "profile": "operator"}),
        (
            "request",
            ["i-1"],
            {
                "stack": "prod",
                "profile": "operator",
                "mode": "automation",
                "region": "eu-west-1",
                "regions": ["eu-west-1", "us-east-1"],
            },
        ),
        (
            "connect",
            [],
            {"stack": "prod", "profile": "operator", "mode": "automation", "region": ["eu-west-1", "us-east-1"]},
        ),
        ("request", ["--stack", "dev"], {"stack": "prod", "profile": "operator"}),
        ("connect", ["--stack=dev"], {"stack": "prod", "profile": "operator"}),
    ],
    ids=["others", "approval", "connect", "stack given", "connect with stack"],
)
def test_defaults_are_those_of_the_command(
    command: str, arguments: list[str], found: dict[str, Any], folder: Path
) -> None:
    write(folder, WHOLE)
    assert option_defaults(command, arguments) == found


def test_file_of_the_repository_comes_before_the_users(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "configuration" / "shell-access" / "defaults.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("stack: mine\nprofile: me\n")
    assert option_defaults("verify", []) == {"stack": "mine", "profile": "me"}
    write(folder, "stack: ours\n")
    assert option_defaults("verify", []) == {"stack": "ours", "profile": "me"}


def test_file_above_the_repository_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".shell-access.yaml").write_text("stack: theirs\n")
    assert option_defaults("verify", []) == {}


def test_all_problems_of_a_file_are_one_error(folder: Path) -> None:
    write(folder, "mod: automation\nmode: manual\nregion: nowhere\nregions: 5\nstack: 7\n")
    with pytest.raises(UnusableError) as raised:
        option_defaults("verify", [])
    lines = [line.partition(".shell-access.yaml: ")[2] for line in str(raised.value).splitlines()]
    assert lines == [
        "mod: expected one of stack, mode, region, regions, profile; did you mean mode?",
        f"mode: expected one of {', '.join(Mode)}, got manual.",
        "region: expected a Region such as eu-west-1, got nowhere.",
        "regions: expected a list of Regions such as eu-west-1, got 5.",
        "stack: expected text, got 7.",
    ]


@pytest.mark.parametrize("text", ["[1", "- a", "stack: \x00"], ids=["broken", "list", "control character"])
def test_file_that_is_no_mapping_is_one_error(text: str, folder: Path) -> None:
    write(folder, text)
    with pytest.raises(UnusableError, match=r"\.shell-access\.yaml: expected "):
        option_defaults("verify", [])
