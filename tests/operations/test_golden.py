"""Golden files of the command line: every help text, and exit codes and JSON documents of the commands."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from components.approval.names import TAG_KEY
from local.__main__ import app as local_app
from local.emulator.fixtures import LINUX_IMAGE
from operations.cli import app
from operations.errors import UnusableError
from tests.operations.arrangement import ACCOUNT, REGION, Account, Command, configuration, named
from tests.support.golden_files import COMMANDS, Golden
from tools.__main__ import app as tools_app

UNUSABLE = UnusableError("There is no stack.")
NOWHERE = "http://127.0.0.1:9"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


def walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and all below it, with their paths."""
    yield path, command
    for name, each in sorted(getattr(command, "commands", {}).items()):
        yield from walk(each, *path, name)


LEAVES = {
    " ".join(path): command for path, command in walk(typer.main.get_command(app)) if not hasattr(command, "commands")
}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command line as on a terminal of 120 columns that shows no colors, whatever the machine is set to."""
    terminal = {"COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", None)
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", None)
    return lambda which, *arguments, name="operations": CliRunner().invoke(
        which, list(arguments), env=terminal, prog_name=f"python -m {name}"
    )


@pytest.mark.parametrize(
    ("name", "which"),
    [("operations", app), ("local", local_app), ("tools", tools_app)],
    ids=["operations", "local", "tools"],
)
def test_help_is_golden(name: str, which: typer.Typer, typed: Callable[..., Any], golden: Golden) -> None:
    parts: list[str] = []
    for path, _ in walk(typer.main.get_command(which)):
        shown = typed(which, *path, "--help", name=name)
        assert shown.exit_code == 0, shown.output
        lines = "\n".join(line.rstrip() for line in shown.stdout.splitlines()).strip("\n")
        parts.append(f"$ python -m {' '.join([name, *path])} --help\n\n{lines}\n")
    golden(f"help/{name}.txt", "\n\n".join(parts))


@pytest.mark.parametrize("name", LEAVES)
def test_unknown_option_is_a_usage_error(name: str, typed: Callable[..., Any]) -> None:
    result = typed(app, *name.split(), "--no-such-option")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such option" in result.stderr


def test_every_command_has_a_golden_file(golden: Golden) -> None:
    recorded = {file.stem: file for file in (golden.folder / COMMANDS).glob("*.yaml")}
    expected = {name.replace(" ", "-"): command for name, command in LEAVES.items()}
    if golden.updates:
        for name in recorded.keys() - expected.keys():
            recorded[name].unlink()
        return
    assert recorded.keys() <= expected.keys(), "a command is gone: make golden deletes its file"
    missing = expected.keys() - recorded.keys()
    assert not missing, f"call golden.command(...) for {', '.join(missing)} in a test, then run: make golden"
    with_json = {
        name for name, command in expected.items() if any("--json" in option.opts for option in command.params)
    }
    without = {name for name in with_json if "\njson:" not in recorded[name].read_text()}
    assert not without, f"give golden.command(...) a result with --json for {', '.join(without)}"


def test_verify_is_golden(account: Account, command: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    section = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}
    stack = configuration(session_manager=section)
    account.arrange(stack)
    results = {"no differences": command("verify", "--json", stack=stack)}
    content = account.content()
    content["inputs"]["idleSessionTimeout"] = "45"
    account.publish(content)
    results["differences"] = command("verify", "--json", stack=stack)
    results["unusable configuration"] = command("verify", "--json", stack=UNUSABLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    results["AWS does not answer"] = command("verify", "--json", stack=stack)
    golden.command("verify", results)


def test_audit_is_golden(account: Account, command: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = account.client("iam")
    for name in ("Operator", "Approver"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST.replace("*", f"arn:aws:iam::{ACCOUNT}:root"))
    approval = {"operatorRoles": ["Operator"], "approvers": [{"type": "IamRole", "name": "Approver"}]}
    stack = configuration(**{"shell-access__approval": json.dumps(approval)})
    results = {"no findings": command("audit", "--json", stack=stack)}
    iam.create_user(UserName="alice")
    statement = {"Effect": "Allow", "Action": ["ssm:StartSession", "iam:TagUser"], "Resource": "*"}
    maybe = statement | {"Action": "ssm:ResumeSession", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    policy = {"Version": "2012-10-17", "Statement": [statement | {"Sid": TAG_KEY}, maybe]}
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=json.dumps(policy))
    results["findings"] = command("audit", "--json", stack=stack)
    results["unusable configuration"] = command("audit", "--json", stack=UNUSABLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    results["AWS does not answer"] = command("audit", "--json", stack=stack)
    golden.command("audit", results)


def test_ports_is_golden(command: Command, golden: Golden) -> None:
    section = {
        "clients": {"offices": ["10.10.0.0/16"]},
        "sites": {REGION: {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}},
    }
    clients = {"many": [f"10.{number}.0.0/16" for number in range(11, 80, 2)]}

    def ports(*arguments: str, **changes: Any) -> Any:
        controllers = {"shell-access__domainControllers": json.dumps(section | changes)}
        return command("ports", "--json", *arguments, stack=configuration(**controllers))

    golden.command(
        "ports",
        {
            "listed": ports(),
            "does not fit": ports(clients=clients),
            "packet permitted": ports("--explain", "10.10.3.4", "tcp/389"),
            "packet denied": ports("--explain", "10.11.3.4", "tcp/389"),
            "unusable configuration": command("ports", "--json", stack=UNUSABLE),
        },
    )


def test_connect_is_golden(account: Account, command: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = account.client("iam")
    iam.create_role(
        RoleName="Node", AssumeRolePolicyDocument=TRUST.replace('"AWS": "*"', '"Service": "ec2.amazonaws.com"')
    )
    iam.create_instance_profile(InstanceProfileName="Node")
    iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    account.client("ec2").run_instances(
        ImageId=LINUX_IMAGE,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=named("instance", "app-1"),
        IamInstanceProfile={"Name": "Node"},
    )
    results = {
        "printed": command("connect", "app-1", "--print", stack=configuration()),
        "no such instance": command("connect", "app-9", "--print", stack=configuration()),
        "unusable configuration": command("connect", "app-1", "--print", stack=UNUSABLE),
    }
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    results["AWS does not answer"] = command("connect", "app-1", "--print", stack=configuration())
    golden.command("connect", results)


def test_deployer_is_golden(command: Command, golden: Golden) -> None:
    tags = {"shell-access__tags": '{"service": "shell-access"}'}
    stack = configuration(session_manager={"instanceRoles": ["WebServer"]}, **tags)
    for name in ("policy", "boundary", "template"):
        results = {
            "printed": command("deployer", name, stack=stack),
            "unusable configuration": command("deployer", name, stack=UNUSABLE),
        }
        golden.command(f"deployer {name}", results)
    role = "arn:aws:iam::999988887777:role/fleet"
    results = {
        "printed": command("deployer", "trust", role, "--organization", "o-a1b2c3d4e5", stack=stack),
        "unusable argument": command("deployer", "trust", "fleet", stack=stack),
    }
    golden.command("deployer trust", results)


def test_fleet_migrate_is_golden(command: Command, golden: Golden, tmp_path: Path) -> None:
    parameters, instances = tmp_path / "parameters.json", tmp_path / "instances.json"
    parameters.write_text(json.dumps({"S3Logging": "false"}))
    instances.write_text(json.dumps({"Summaries": [{"Account": ACCOUNT, "Region": REGION}]}))
    given = ["--instances", str(instances), "--parameters"]
    results = {
        "printed": command("fleet", "migrate", *given, str(parameters), stack=UNUSABLE),
        "unusable parameters": command("fleet", "migrate", *given, str(instances), stack=UNUSABLE),
    }
    golden.command("fleet migrate", results)


def test_orphans_is_golden(account: Account, command: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = configuration(session_manager={})
    results = {"no orphans": command("orphans", "--json", stack=stack)}
    account.client("kms").create_key(
        Tags=[
            {"TagKey": "shell-access:owner", "TagValue": "organization/shell-access/empty"},
            {"TagKey": "shell-access:resource", "TagValue": "session-manager-eu-west-1-data"},
        ]
    )
    results["an orphan"] = command("orphans", "--json", stack=stack)
    results["unusable configuration"] = command("orphans", "--json", stack=UNUSABLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    results["AWS does not answer"] = command("orphans", "--json", stack=stack)
    golden.command("orphans", results)


def test_policy_pack_is_golden(command: Command, tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "file").touch()
    results = {
        "written": command("policy-pack", "--output", str(tmp_path / "pack"), stack=configuration()),
        "not a folder": command("policy-pack", "--output", str(tmp_path / "file" / "pack"), stack=configuration()),
        "a folder with other files": command("policy-pack", "--output", str(tmp_path), stack=configuration()),
    }
    golden.command("policy-pack", results)
