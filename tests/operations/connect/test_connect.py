"""`python -m operations connect`: from a name to the AWS CLI's arguments, and to the session's exit code."""

import io
import json
import os
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from common.aws.arns import Scope
from components.domain_controllers.iam_policies import port_forwarding_policy
from local.emulator.fixtures import LINUX_IMAGE
from operations.connect import command as connect_command
from operations.connect.session import Forwarding, as_typed, command
from operations.errors import UnusableError
from operations.inventory import instances, reader
from operations.inventory.instances import Finder, Instance, read_names
from operations.inventory.reader import AwsClients, Identity, ReadFailure, identify
from operations.stack import StackConfiguration
from operations.terminal import Terminal
from tests.operations.arrangement import ACCOUNT, Account, Command, Fail, configuration, named, refusal

STACK = configuration(regions=("eu-west-1", "us-east-1"))
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture
def launch(account: Account) -> Callable[..., str]:
    """Starts an instance: `launch("DC1", "us-east-1", managed=False)`."""

    def start(name: str, region: str = "us-east-1", *, managed: bool = True) -> str:
        options: dict[str, Any] = {}
        if managed:
            options = {"IamInstanceProfile": {"Name": profile(account)}}
        made = account.client("ec2", region).run_instances(
            ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, TagSpecifications=named("instance", name), **options
        )
        return made["Instances"][0]["InstanceId"]

    return start


def profile(account: Account) -> str:
    iam = account.client("iam")
    if not iam.list_instance_profiles()["InstanceProfiles"]:
        iam.create_role(RoleName="Node", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **TRUST}))
        iam.create_instance_profile(InstanceProfileName="Node")
        iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    return "Node"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder with both programs; `aws` notes its arguments and ends with exit code 7."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("aws", "session-manager-plugin"):
        script = folder / name
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/called"\nexit 7\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return tmp_path / "called"


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def connect(run: Command, *arguments: str) -> Result:
    return run("connect", *arguments, stack=STACK)


def test_read_names_many_instances_are_asked_in_parts() -> None:
    class Reader:
        def read(self, _service: str, _operation: str, Filters: list[Any]) -> dict[str, Any]:  # noqa: N803
            assert len(Filters[0]["Values"]) <= 200
            named = [
                {"InstanceId": each, "Tags": [{"Key": "Name", "Value": each[2:]}]} for each in Filters[0]["Values"]
            ]
            return {"Reservations": [{"Instances": [each]} for each in named]}

    reading: Any = Reader()
    ids = [f"i-{number:08x}" for number in range(450)]
    assert read_names(reading, ids) == ({each: each[2:] for each in ids}, None)


def test_rdp_finds_controller_by_name_in_any_region(
    launch: Callable[..., str], programs: Path, command: Command
) -> None:
    launch("DC2", "eu-west-1")
    wanted = launch("DC1")
    result = connect(command, "DC1", "--rdp")
    assert (result.exit_code, result.stderr) == (7, "")
    line, hint = result.stdout.splitlines()
    port = re.findall(r"localPortNumber=(\d+)", line)[0]
    assert line == (
        f"aws ssm start-session --region us-east-1 --target {wanted} --document-name AWS-StartPortForwardingSession "
        f"--parameters portNumber=3389,localPortNumber={port}"
    )
    assert hint == f"Once it waits for connections, open: mstsc /v:localhost:{port}"
    assert ["aws", *programs.read_text().splitlines()] == shlex.split(line)


def test_shell_uses_the_governed_document(launch: Callable[..., str], programs: Path, command: Command) -> None:
    wanted = launch("DC1", "eu-west-1")
    result = connect(command, wanted)
    assert result.stdout == (
        f"aws ssm start-session --region eu-west-1 --target {wanted} --document-name SSM-SessionManagerRunShell\n"
    )
    assert programs.read_text().splitlines()[-1] == "SSM-SessionManagerRunShell"


def test_ports_may_be_chosen(launch: Callable[..., str], programs: Path, command: Command) -> None:
    launch("DC1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = connect(command, "DC1", "--remote-port", "636", "--local-port", f"{port}")
    assert result.stdout.splitlines()[0].endswith(f"--parameters portNumber=636,localPortNumber={port}")
    assert result.stdout.splitlines()[1].endswith(f"open: localhost:{port}")
    assert programs.exists()


@pytest.mark.parametrize("attribute", ["PrivateIpAddress", "PrivateDnsName"])
def test_instance_is_found_by_address_and_by_dns_name(
    attribute: str, account: Account, launch: Callable[..., str], programs: Path, command: Command
) -> None:
    launch("DC2", "us-east-1")
    wanted = launch("DC1", "us-east-1")
    found = account.client("ec2", "us-east-1").describe_instances(InstanceIds=[wanted])
    result = connect(command, found["Reservations"][0]["Instances"][0][attribute], "--print")
    assert f"--target {wanted} " in result.stdout
    assert not programs.exists()


def test_regions_and_a_profile_replace_the_stack(
    launch: Callable[..., str], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = launch("DC1", "us-east-1")
    shared = tmp_path / "credentials"
    shared.write_text("[operator]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    for variable in ("AWS_PROFILE", "SHELL_ACCESS_PROFILE"):
        monkeypatch.setenv(variable, "")  # so that the test's end removes what the command sets
    no_stack = UnusableError("The stack is not read.")
    options = ("--region", "eu-west-1", "--region", "us-east-1", "--profile", "operator", "--print")
    result = command("connect", "DC1", *options, stack=no_stack)
    assert result.stdout == (
        f"aws ssm start-session --region us-east-1 --target {wanted} --document-name SSM-SessionManagerRunShell "
        "--profile operator\n"
    )


def instance(number: int) -> Instance:
    return Instance(
        id=f"i-{number:017}", name=f"web-{number}", region="eu-west-1", state="running", address=f"10.0.0.{number}"
    )


@pytest.mark.parametrize(
    ("answers", "picked"),
    [("2\n", 2), ("WEB-3\n", 3), ("10.0.0.1\n", 1), ("nothing\n9\nweb\n1\n", 1)],
    ids=["number", "name", "address", "again"],
)
def test_operator_picks_an_instance(answers: str, picked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    with io.StringIO() as shown:
        found = connect_command.pick([instance(each) for each in (1, 2, 3)], Terminal(file=shown, width=60))
        assert "i-00000000000000001" in shown.getvalue()
    assert found == instance(picked)


def test_online_instances_are_those_whose_agents_respond(account: Account, launch: Callable[..., str]) -> None:
    ids = {launch("web-b"), launch("web-a", "eu-west-1")}
    stop(account, launch("resting"))
    launch("bare", managed=False)
    clients = AwsClients({"aws:region": "eu-west-1"}.get)
    identity = identify(clients, "eu-west-1")
    assert isinstance(identity, Identity)
    found = Finder(clients, ("eu-west-1", "us-east-1"), identity).online()
    assert ({each.id for each in found}, [each.name for each in found]) == (ids, ["web-a", "web-b"])


def test_print_runs_nothing(launch: Callable[..., str], programs: Path, command: Command) -> None:
    launch("DC1")
    result = connect(command, "DC1", "--rdp", "--print")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert not programs.exists()


@pytest.mark.usefixtures("nothing_installed")
def test_missing_programs_are_named_after_the_command(launch: Callable[..., str], command: Command) -> None:
    wanted = launch("DC1")
    result = connect(command, "DC1", "--rdp")
    assert result.exit_code == 2
    assert wanted in result.stdout
    assert result.stderr.startswith("To run it, install the AWS CLI (https://docs.aws.amazon.com/cli/")
    assert "the Session Manager plugin (https://docs.aws.amazon.com/systems-manager/" in result.stderr


def stop(account: Account, instance: str) -> None:
    account.client("ec2", "us-east-1").stop_instances(InstanceIds=[instance])


def terminate(account: Account, instance: str) -> None:
    account.client("ec2", "us-east-1").terminate_instances(InstanceIds=[instance])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("DC9", f"There is no instance DC9 in account {ACCOUNT} in eu-west-1 or us-east-1.\n"),
        ("i-0123456789abcdef0", f"There is no instance i-0123456789abcdef0 in account {ACCOUNT} in eu-west-1 or"),
        ("twin", "twin matches 2 instances: twin (i-"),
        ("bare", "us-east-1) is not managed by Systems Manager. It needs SSM Agent"),
        ("resting", "us-east-1) is stopped. Start it: aws ec2 start-instances --instance-ids i-"),
        ("gone", "is terminated, and there is no other gone in account"),
    ],
)
@pytest.mark.usefixtures("programs")
def test_unusable_instance_is_one_message(
    account: Account, launch: Callable[..., str], command: Command, wanted: str, said: str
) -> None:
    if wanted == "twin":
        launch("twin", "eu-west-1")
    if not wanted.startswith(("DC", "i-")):
        instance = launch(wanted, managed=wanted != "bare")
        {"resting": stop, "gone": terminate}.get(wanted, lambda *_: None)(account, instance)
    result = connect(command, wanted, "--rdp")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


@pytest.fixture
def refused(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Makes calls of this command fail."""
    monkeypatch.setattr(connect_command, "AwsClients", reader.AwsClients)
    return fail


def test_unread_region_is_named_with_its_remedy(account: Account, refused: Fail, command: Command) -> None:
    assert account
    refused("ec2", "DescribeInstances", refusal("UnauthorizedOperation", "You are not authorized."))
    result = connect(command, "DC1")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Cannot determine whether DC1 is in {region}: ec2:DescribeInstances: refused: You are not authorized; allow "
        f"ec2:DescribeInstances to arn:aws:sts::{ACCOUNT}:user/moto, then try again"
        for region in ("eu-west-1", "us-east-1")
    ]


@pytest.mark.usefixtures("programs")
def test_name_is_ambiguous_while_a_region_is_unread(
    launch: Callable[..., str], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = launch("DC1", "eu-west-1")
    look = instances._look

    def refused(reading: reader.Reader, named: str) -> Any:
        unread = ReadFailure(action="ec2:DescribeInstances", cause="refused: no", remedy="allow it")
        return unread if reading.region == "us-east-1" else look(reading, named)

    monkeypatch.setattr(instances, "_look", refused)
    result = connect(command, "DC1")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Cannot determine whether DC1 is in us-east-1: ec2:DescribeInstances: refused: no; allow it",
        f"It matches DC1 ({instance}, eu-west-1). To select this one, specify its ID",
    ]
    assert connect(command, instance).exit_code == 7


@pytest.mark.usefixtures("programs")
def test_session_starts_without_permission_to_list_nodes(
    launch: Callable[..., str], refused: Fail, command: Command
) -> None:
    launch("DC1")
    refused("ssm", "DescribeInstanceInformation", refusal())
    assert connect(command, "DC1").exit_code == 7


@pytest.mark.parametrize("has_approval", [True, False])
def test_refused_session_hints_at_the_delay_of_a_grant(
    launch: Callable[..., str], programs: Path, command: Command, *, has_approval: bool
) -> None:
    launch("DC1")
    script = programs.parent / "bin" / "aws"
    script.write_text("#!/bin/sh\nexit 254\n")
    section = {"operatorRoles": ["Operator"], "approvers": [{"type": "IamRole", "name": "Approver"}]}
    approval = {"shell-access__approval": json.dumps(section)}
    result = command(
        "connect", "DC1", stack=configuration(regions=("us-east-1",), **(approval if has_approval else {}))
    )
    assert (result.exit_code, "try again after some seconds" in result.stderr) == (254, has_approval)
    without_stack = command("connect", "DC1", "--region", "us-east-1", stack=UnusableError("The stack is not read."))
    assert "try again after some seconds" in without_stack.stderr


def test_session_uses_the_credentials_of_the_operator(
    launch: Callable[..., str], programs: Path, command: Command
) -> None:
    launch("DC1")
    role = json.dumps([{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/Deploy"}])
    stack = configuration(regions=("us-east-1",), aws__assumeRoles=role, aws__profile="deployer")
    assert command("connect", "DC1", stack=stack).exit_code == 7
    assert programs.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("DC1", "--local-port", "5000"), "--local-port is for --rdp or --remote-port: a shell has no port."),
        (("DC1", "--rdp", "--local-port", "70000"), "'--local-port'"),
        ((), "INSTANCE: expected an ID, a Name tag, a private IP address or a DNS name, got nothing."),
        (("DC1", "--rdp", "--remote-port", "22"), "--rdp, --remote-port: expected one of them, got both."),
        (("DC1", "--region", "eu-west-1", "--stack", "dev"), "--stack, --region: expected one of them, got both."),
        (("DC1", "--region", "nowhere"), "--region: expected a Region such as eu-west-1, got nowhere."),
    ],
    ids=["shell", "no port", "no instance", "two ports", "two places", "no Region"],
)
def test_wrong_command_line_is_one_message(command: Command, arguments: tuple[str, ...], said: str) -> None:
    result = connect(command, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_port_in_use_is_refused(command: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = connect(command, "DC1", "--rdp", "--local-port", f"{port}")
    assert result.exit_code == 2
    assert result.stderr == f"Port {port} of this machine is in use. Omit --local-port for a free one.\n"


def test_documents_are_those_of_the_policy() -> None:
    instance = Instance(id="i-0123456789abcdef0", name="DC1", region="eu-west-1", state="running")
    policy = port_forwarding_policy(Scope(partition="aws", account_id=ACCOUNT), require_mfa=False, shell=True)
    (allowed,) = [each["Resource"] for each in policy["Statement"] if each["Sid"] == "ByTheseDocuments"]
    used = [command(instance, each) for each in (Forwarding(remote_port=3389, local_port=1, rdp=True), None)]
    assert [arn.rsplit("/")[-1] for arn in allowed] == [each[each.index("--document-name") + 1] for each in used]


def test_command_is_quoted_for_its_shell() -> None:
    arguments = ["aws", "--target", "it's; rm -rf", "$HOME", "a&b c"]
    assert shlex.split(as_typed(arguments, windows=False)) == arguments
    assert as_typed(["--parameters", "portNumber=3389,localPortNumber=1"], windows=True) == (
        '--parameters "portNumber=3389,localPortNumber=1"'
    )
    assert as_typed(arguments, windows=True) == 'aws --target "it\'s; rm -rf" $HOME "a&b c"'


def test_interrupt_reaches_the_session(tmp_path: Path) -> None:
    """The process group gets it, as from a terminal: the child decides, and its exit code is kept."""
    import signal  # noqa: PLC0415
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    child = tmp_path / "child"
    child.write_text("#!/bin/sh\ntrap 'exit 9' INT\necho ready\nwhile :; do sleep 0.05; done\n")
    child.chmod(0o755)
    code = f"from operations.connect.session import run_program; raise SystemExit(run_program([{str(child)!r}]))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 9


def test_credentials_of_another_account_are_refused(account: Account, command: Command) -> None:
    assert account
    roles = json.dumps([{"roleArn": "arn:aws:iam::999999999999:role/ShellAccessDeployer"}])
    for key, value in (("aws:allowedAccountIds", '["999999999999"]'), ("aws:assumeRoles", roles)):
        stack = StackConfiguration(name=STACK.name, values={**STACK.values, key: value})
        result = command("connect", "DC1", "--print", stack=stack)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Credentials: expected those of account 999999999999, which the selected stack")
