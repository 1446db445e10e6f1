"""`python -m operations doctor` and `nodes`, as they are typed."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from local.emulator.extension.nodes import AGENT_VERSION_TAG
from operations.cli import app
from operations.command_line import CommandContext
from operations.doctor import node_reader
from operations.errors import UnusableError
from operations.stack import StackConfiguration
from tests.operations.arrangement import configuration
from tests.operations.doctor.world import SETTINGS, STACK, World, bucket_missing, hooked, launch, no_core, refusing
from tests.support.golden_files import Golden


def run(*arguments: str, stack: StackConfiguration | Exception = STACK) -> Result:
    def read_stack(*_: object) -> StackConfiguration:
        if isinstance(stack, Exception):
            raise stack
        return stack

    environment = {"COLUMNS": "120", "TERM": "dumb"}
    return CliRunner().invoke(app, list(arguments), obj=CommandContext(read_stack=read_stack), env=environment)


def test_ready_node_ends_with_zero(world: World) -> None:
    for wanted in (world.node, "app-1"):
        result = run("doctor", wanted)
        assert result.exit_code == 0
        assert result.stdout == f"app-1 ({world.node}, eu-west-1): ready\n"


def test_node_not_ready_shows_causes_and_remedies(world: World) -> None:
    with no_core(world):
        result = run("doctor", "app-1")
    assert result.exit_code == 1
    assert "not ready" in result.stdout
    assert "role/Node is not authorized to perform ssm:UpdateInstanceInformation on " in result.stdout
    assert result.stdout.count("remedy: aws iam attach-role-policy --role-name Node") == 1


def test_secrets_are_hidden(world: World) -> None:
    secret = replace(STACK, secret_keys=frozenset({"shell-access:sessionManager"}))
    with bucket_missing(world):
        for arguments in (("doctor", "app-1"), ("doctor", "app-1", "--json"), ("nodes", "--json")):
            result = run(*arguments, stack=secret)
            assert result.exit_code == 1
            assert "there is no bucket [secret]" in result.stdout
            assert "session-logs" not in result.output


def test_json_is_one_document(world: World) -> None:
    with no_core(world):
        result = run("doctor", "app-1", "--json")
    found = json.loads(result.stdout)
    assert (found["node"], found["verdict"], result.exit_code) == (world.node, "notReady", 1)
    assert {each["status"] for each in found["findings"]} == {"problem"}
    assert all(each["found"] and each["remedy"] for each in found["findings"])


@pytest.mark.usefixtures("world")
def test_missing_node_is_reported() -> None:
    for wanted in ("app-9", "i-0123456789abcdef0", "mi-0123456789abcdef0"):
        result = run("doctor", wanted)
        assert result.exit_code == 1
        assert wanted in result.stderr


@pytest.mark.parametrize("arguments", [("doctor", "app-1"), ("nodes",)])
def test_unusable_configuration_ends_with_two(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, stack=UnusableError("no stack"))
    assert (result.exit_code, result.stderr) == (2, "no stack\n")


def test_denied_call_is_unknown_with_its_permission(world: World) -> None:
    with hooked(world, "iam.ListRolePolicies", refusing("iam.ListRolePolicies")):
        result = run("doctor", "app-1")
    assert result.exit_code == 1
    assert "cannot tell" in result.stdout
    assert "allow iam:ListRolePolicies to" in result.stdout


def test_all_nodes_are_listed_the_worst_first(world: World) -> None:
    others = [
        launch(world, "old", "b", tags={AGENT_VERSION_TAG: "2.0.0.0"}),
        launch(world, "bare", "b", profile=False),
        launch(world, "good", "b"),
    ]
    halted = launch(world, "halted", "a")
    world.ec2.stop_instances(InstanceIds=[halted])
    try:
        shown, printed = run("nodes"), run("nodes", "--json")
        running = run("nodes", "--running", "--json")
    finally:
        world.ec2.terminate_instances(InstanceIds=[*others, halted])
    found = json.loads(printed.stdout)
    assert [(each["name"], each["verdict"]) for each in found["nodes"]] == [
        *(("bare", "notReady"), ("halted", "notReady"), ("old", "notReady")),
        *(("app-1", "ready"), ("good", "ready")),
    ]
    assert found["counts"] == {"notReady": 3, "cannotTell": 0, "ready": 2}
    assert found["causes"] == {"agent": 1, "no-instance-profile": 1, "stopped": 1}
    assert {each["name"] for each in json.loads(running.stdout)["nodes"]} == {"app-1", "bare", "good", "old"}
    assert shown.exit_code == printed.exit_code == 1
    assert "5 nodes: 3 not ready, 2 ready" in shown.stdout


def test_nodes_that_are_ready_end_with_zero(world: World) -> None:
    result = run("nodes")
    assert result.exit_code == 0
    assert f"app-1 {world.node}" in result.stdout
    assert result.stdout.endswith("1 node: 1 ready\n")


def test_lists_are_read_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_reader, "_INSTANCES_A_PAGE", 5)
    several = [launch(world, f"copy-{number}", "b") for number in range(7)]
    try:
        found = json.loads(run("nodes", "--json").stdout)
    finally:
        world.ec2.terminate_instances(InstanceIds=several)
    assert found["counts"] == {"notReady": 0, "cannotTell": 0, "ready": 8}


def test_shared_data_is_read_once(world: World) -> None:
    calls: list[str] = []

    def note(model: Any, **_: object) -> None:
        calls.append(model.name)

    several = [launch(world, f"copy-{number}", "b") for number in range(4)]
    try:
        with hooked(world, "", note):
            result = run("nodes", "--json")
    finally:
        world.ec2.terminate_instances(InstanceIds=several)
    assert len(json.loads(result.stdout)["nodes"]) == 5
    shared = ("GetRole", "GetInstanceProfile", "DescribeVpcEndpoints", "GetKeyPolicy")
    assert [calls.count(name) for name in shared] == [1, 1, 1, 1]


LISTING = "ssm.DescribeInstanceInformation"


def test_region_that_cannot_be_listed_is_no_success(world: World) -> None:
    with hooked(world, LISTING, refusing(LISTING)):
        result = run("nodes", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [each["verdict"] for each in found["nodes"]] == ["cannotTell"]
    assert [each["action"] for each in found["cannotTell"]] == ["ssm:DescribeInstanceInformation"]


def test_node_outside_ec2_is_found_despite_unread_region(world: World) -> None:
    node = "mi-0123456789abcdef0"
    stack = configuration(regions=("us-east-1", "eu-west-1"), session_manager=SETTINGS)

    def answer(**_: object) -> tuple[SimpleNamespace, dict[str, object]]:
        listed = [{"InstanceId": node, "PingStatus": "Online", "ComputerName": "db1"}]
        return SimpleNamespace(status_code=200), {"InstanceInformationList": listed}

    with hooked(world, LISTING, answer), hooked(world, LISTING, refusing(LISTING), "us-east-1"):
        result = run("doctor", node, "--json", stack=stack)
    found = json.loads(result.stdout)
    assert (found["region"], found["name"]) == ("eu-west-1", "db1")


@pytest.mark.local_aws
def test_commands_are_golden(request: pytest.FixtureRequest, golden: Golden) -> None:
    commands = {"doctor": ("doctor", "app-1"), "nodes": ("nodes",)}
    results = {name: {"AWS does not answer": run(*arguments, "--json")} for name, arguments in commands.items()}
    world: World = request.getfixturevalue("world")
    for name, arguments in commands.items():
        results[name]["ready"] = run(*arguments, "--json")
        results[name]["unusable configuration"] = run(*arguments, "--json", stack=UnusableError("There is no stack."))
    results["doctor"]["no such node"] = run("doctor", "app-9", "--json")
    unnamed = launch(world, "bare", "b", profile=False)
    try:
        with no_core(world):
            for name, arguments in commands.items():
                results[name]["not ready"] = run(*arguments, "--json")
    finally:
        world.ec2.terminate_instances(InstanceIds=[unnamed])
    for name, by_situation in results.items():
        golden.command(name, by_situation)
