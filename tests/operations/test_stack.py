"""A stack's configuration, short of asking the engine for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from operations.errors import UnusableError
from operations.stack import StackConfiguration, StackState, chosen_regions, read_outputs, read_stack, read_state


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A project whose `pulumi` is a script with the given lines."""
    (tmp_path / "Pulumi.yaml").write_text("name: shell-access\nruntime: python\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    def write(lines: str) -> None:
        program = tmp_path / "pulumi"
        program.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo v3.259.0 && exit\n{lines}')
        program.chmod(0o755)

    return write


def stack(secret_keys: frozenset[str] = frozenset(), **values: str) -> StackConfiguration:
    named = {key.replace("__", ":"): value for key, value in values.items()}
    return StackConfiguration(name="dev", values=named, secret_keys=secret_keys)


@pytest.mark.parametrize(
    ("configured", "environment", "region"),
    [
        ("eu-west-1", {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        (None, {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-1"),
        (None, {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        (None, {}, None),
    ],
)
def test_stack_region_falls_back_to_environment(
    configured: str | None, environment: dict[str, str], region: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configuration = stack(**({"aws__region": configured} if configured else {}))
    assert configuration.value("aws:region") == region
    if region:
        assert configuration.settings().regions == (region,)
    else:
        with pytest.raises(
            UnusableError, match=r"shell-access:regions: expected a list .*, got none, and no aws:region"
        ):
            configuration.settings()


def test_stack_repr_hides_values() -> None:
    assert "hunter2" not in repr(stack(aws__secretKey="hunter2"))


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("hunter2", "password hunter2!", "password [secret]!"),
        ('{"a": ["hunter2", {"b": "hunter22"}]}', "hunter22 hunter2 a b", "[secret] [secret] a b"),
        ('{"a": "no", "b": 20, "c": true}', "no 20 true", "no 20 true"),
    ],
)
def test_without_secrets_replaces_every_secret(value: str, text: str, shown: str) -> None:
    assert stack(frozenset({"x:y"}), x__y=value, x__z="password").without_secrets(text) == shown


def test_read_stack_without_project_fails(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match=r"There is no Pulumi\.yaml in .*--cwd"):
        read_stack(tmp_path, None)


def test_read_stack_without_pulumi_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnusableError, match="There is no pulumi on the PATH"):
        read_stack(tmp_path, None)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prod", "The configuration of stack prod cannot be read: no stack named 'prod' found"),
        (None, "The configuration of the selected stack cannot be read: no stack named 'prod' found"),
    ],
)
def test_read_stack_reports_stderr_without_stdout(
    tmp_path: Path, pulumi: Callable[[str], None], name: str | None, said: str
) -> None:
    pulumi("echo hunter2\necho \"error: no stack named 'prod' found\" >&2\nexit 255\n")
    with pytest.raises(UnusableError, match=f"^{said}$"):
        read_stack(tmp_path, name)


def test_read_outputs_returns_outputs_or_error(tmp_path: Path, pulumi: Callable[[str], None]) -> None:
    pulumi(
        'case "$*" in *prod*) echo "error: none" >&2; exit 255;; esac\necho \'{"approval": {"mode": "automation"}}\'\n'
    )
    assert read_outputs(tmp_path, "dev") == {"approval": {"mode": "automation"}}
    with pytest.raises(UnusableError, match=r"^The outputs of stack prod cannot be read: none$"):
        read_outputs(tmp_path, "prod")


def test_read_state_returns_project_and_stack(tmp_path: Path, pulumi: Callable[[str], None]) -> None:
    pulumi(
        'case "$*" in *prod*) echo "error: none" >&2; exit 255;; esac\n'
        'echo \'{"version": 3, "deployment": {"resources": [{"type": "a:b/c:D", "outputs": {"arn": "arn"}}]}}\'\n'
    )
    found = read_state(tmp_path, "acme/shell-access/dev")
    assert (found.stack, found.arns("aws", "1")) == ("shell-access/dev", {"arn"})
    with pytest.raises(UnusableError, match=r"^The state of stack prod cannot be read: none$"):
        read_state(tmp_path, "prod")


def test_state_lists_document_arns_and_regions() -> None:
    state = StackState(
        stack="shell-access/dev",
        resources=(
            {"type": "pulumi:pulumi:Stack"},
            {"type": "aws:cloudwatch/logGroup:LogGroup", "outputs": {"arn": "arn:group:*", "region": "eu-west-1"}},
            {"type": "pulumi-python:dynamic/ssm:Document", "outputs": {"region": "eu-west-1", "name": "Runbook"}},
            {"type": "pulumi-python:dynamic/ssm:SessionPreferences", "outputs": {"region": "us-east-1"}},
        ),
    )
    assert state.arns("aws", "1") == {
        "arn:group",
        "arn:aws:ssm:eu-west-1:1:document/Runbook",
        "arn:aws:ssm:us-east-1:1:document/SSM-SessionManagerRunShell",
    }
    assert state.regions(("eu-west-1",)) == ("eu-west-1", "us-east-1")


def test_chosen_regions_keep_the_order_of_the_stack() -> None:
    regions = ("eu-west-1", "us-east-1", "eu-north-1")
    assert chosen_regions(regions, None) == chosen_regions(regions, []) == regions
    assert chosen_regions(regions, ["eu-north-1", "eu-west-1"]) == ("eu-west-1", "eu-north-1")
    with pytest.raises(
        UnusableError, match=r"^--region: expected a Region of the stack \(eu-west-1, .*\), got eu-west-9\.$"
    ):
        chosen_regions(regions, ["eu-west-9", "eu-west-1"])


@pytest.mark.parametrize("value", ["", "{", "{}", "[]", '["1", "2"]', "[1"])
def test_account_id_of_unusable_settings_is_empty(value: str) -> None:
    assert stack(aws__allowedAccountIds=value, aws__assumeRoles="[null]").account_id == ""
