"""A session on a node, tried for real: the transcript, and the flow with programs that stand in for AWS' own."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from local.emulator.fixtures import LINUX_IMAGE
from operations.cli import app
from operations.command_line import CommandContext
from operations.inventory import reader
from operations.stack import StackConfiguration
from operations.verify import live_session
from operations.verify.live_session import marker_command, read_transcript
from operations.verify.pseudoterminal import Pace
from tests.operations.arrangement import ACCOUNT, REGION, SESSION_MANAGER, Account, configuration, named

ID = "olivia-0a1b2c3d4e5f60718"
GROUP = "ssm-sessionmanager-logs"
KEY = f"sessionmanager/{ACCOUNT}/{REGION}/{ID}.log"
STACK = configuration(session_manager={**SESSION_MANAGER, "instanceRoles": []})
FAKE = Path(__file__).with_name("fake_aws.txt")

TRANSCRIPT = (
    "\r\nStarting session with SessionId: olivia-0a1b2c3d4e5f60718\r\n"
    "This session is encrypted using AWS KMS.\r\n"
    "\x1b[?2004hsh-4.2$ printf '%s-%s user=%s;\\n' shell-access c0ffee \"$(whoami)\"\r\n"
    "\x1b[?2004l\rshell-access-c0ffee user=ssm-user;\r\n"
    "\x1b[?2004hsh-4.2$ exit\r\nexit\r\n\r\n\r\nExiting session with sessionId: olivia-0a1b2c3d4e5f60718.\r\n"
)


def test_transcript_gives_session_notice_user_and_end() -> None:
    found = read_transcript(TRANSCRIPT, "c0ffee")
    assert (found.session_id, found.encrypted, found.user, found.ended) == (ID, True, "ssm-user", True)


def test_echo_of_the_marker_command_is_no_answer() -> None:
    for platform in ("Linux", "Windows"):
        assert read_transcript(f"$ {marker_command('c0ffee', platform)}\r\n", "c0ffee").user == ""


def test_notice_after_the_first_answer_does_not_count() -> None:
    said = "shell-access-c0ffee user=ssm-user;\nThis session is encrypted using AWS KMS.\n"
    assert not read_transcript(said, "c0ffee").encrypted


def test_answer_of_another_command_does_not_count() -> None:
    assert read_transcript(TRANSCRIPT, "decaf0").user == ""


def test_partial_transcript_reports_no_more_than_all() -> None:
    whole = read_transcript(TRANSCRIPT, "c0ffee")
    for cut in range(len(TRANSCRIPT)):
        found = read_transcript(TRANSCRIPT[:cut], "c0ffee")
        assert found.session_id in ("", whole.session_id)
        assert found.user in ("", whole.user)


def look_there(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes each client once in all tests."""

    class Clients:
        def __init__(self, _read: object) -> None: ...

        def client(self, service: str, region: str) -> Any:
            return account.client(service, region)

    monkeypatch.setattr(reader, "AwsClients", Clients)


@pytest.fixture
def instance(account: Account, monkeypatch: pytest.MonkeyPatch) -> str:
    """A managed instance, and where its sessions are logged to."""
    account.arrange(STACK)
    look_there(account, monkeypatch)
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="Node", AssumeRolePolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="Node")
    iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    made = account.client("ec2").run_instances(
        ImageId=LINUX_IMAGE,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=named("instance", "app-1"),
        IamInstanceProfile={"Name": "Node"},
    )
    return made["Instances"][0]["InstanceId"]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account) -> Callable[..., Path]:
    """Puts both programs on the PATH: `session(notice=False)` says how the session goes, `group` and `key` where its log
    arrives some time after it."""
    monkeypatch.setattr(live_session, "PACE", Pace(start=20, quiet=0.1, answer=0.5, end=20))
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("aws", "session-manager-plugin"):
        program = folder / name
        program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))

    def goes(**how: Any) -> Path:
        usual = {
            "id": ID,
            "called": str(tmp_path / "called"),
            "refusal": "",
            "notice": True,
            "answers": True,
            "user": "ssm-user",
            "hangs_up": False,
            "log": str(tmp_path / "log"),
        }
        group, key = how.pop("group", GROUP), how.pop("key", KEY)
        monkeypatch.setenv("FAKE_SESSION", json.dumps({**usual, **how}))
        monkeypatch.setattr(Later, "arrives", lambda: arrive(account, (tmp_path / "log").read_text(), group, key))
        return tmp_path / "called"

    return goes


class Later:
    """Events while the command waits for the first time."""

    arrives: Callable[[], None] | None = None


def arrive(account: Account, text: str, group: str, key: str) -> None:
    if group:
        logs = account.client("logs")
        logs.create_log_stream(logGroupName=group, logStreamName=ID)
        event = {"timestamp": int(time.time() * 1000), "message": text}
        logs.put_log_events(logGroupName=group, logStreamName=ID, logEvents=[event])
    if key:
        account.client("s3").put_object(Bucket="session-logs", Key=key, Body=text)


def wait(_seconds: float) -> None:
    if Later.arrives:
        Later.arrives()
        Later.arrives = None


def verify(node: str = "app-1", stack: StackConfiguration = STACK) -> tuple[Result, dict[str, str]]:
    """The command's result, and how each check ended."""
    surroundings = CommandContext(read_stack=lambda *_: stack, pause=wait)
    result = CliRunner().invoke(app, ["verify", "--node", node, "--json"], obj=surroundings)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    try:
        findings = json.loads(result.stdout)["regions"][REGION]
    except ValueError:
        return result, {}
    return result, {each["check"]: each["status"] for each in findings}


def test_encrypted_and_logged_session_is_ok(instance: str, session: Callable[..., Path]) -> None:
    called = session()
    result, found = verify()
    assert found == dict.fromkeys(
        ("session", "session-encryption", "session-user", "session-log-cloudwatch", "session-log-s3"), "ok"
    )
    assert result.exit_code == 0
    arguments = json.loads(called.read_text())
    assert arguments[:2] == ["ssm", "start-session"]
    assert arguments[arguments.index("--target") + 1] == instance
    assert arguments[arguments.index("--document-name") + 1] == "SSM-SessionManagerRunShell"


@pytest.mark.usefixtures("instance")
@pytest.mark.parametrize(
    ("how", "check"),
    [
        ({"notice": False}, "session-encryption"),
        ({"user": "root"}, "session-user"),
        ({"group": ""}, "session-log-cloudwatch"),
        ({"key": ""}, "session-log-s3"),
        ({"key": f"elsewhere/{ID}.log"}, "session-log-s3"),
    ],
    ids=["no notice", "another user", "no stream", "no object", "another prefix"],
)
def test_difference_in_session_is_named(session: Callable[..., Path], how: dict[str, Any], check: str) -> None:
    session(**how)
    result, found = verify()
    assert {each for each, status in found.items() if status != "ok"} == {check}
    assert result.exit_code == 1


@pytest.mark.usefixtures("instance")
def test_refused_session_shows_its_output(session: Callable[..., Path]) -> None:
    session(refusal="An error occurred (AccessDeniedException) when calling the StartSession operation: no")
    result, found = verify()
    assert found == {"session": "different"}
    assert "AccessDeniedException" in result.stdout
    assert result.exit_code == 1


@pytest.mark.usefixtures("instance")
def test_unresponsive_session_is_reported_and_ended(session: Callable[..., Path], account: Account) -> None:
    started = account.client("ssm").start_session(Target=verify_target(account))["SessionId"]
    session(answers=False, id=started, hangs_up=True)
    _, found = verify()
    assert found == {"session": "different"}
    ended = account.client("ssm").describe_sessions(State="History")["Sessions"]
    assert [each["SessionId"] for each in ended] == [started]


@pytest.mark.usefixtures("instance")
def test_session_that_is_interrupted_is_ended(
    session: Callable[..., Path], account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    started = account.client("ssm").start_session(Target=verify_target(account))["SessionId"]
    session(answers=False, id=started, hangs_up=True)
    monkeypatch.setattr(live_session.Pseudoterminal, "settle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        live_session.verify_node(STACK, "app-1", lambda _seconds: None)
    ended = account.client("ssm").describe_sessions(State="History")["Sessions"]
    assert [each["SessionId"] for each in ended] == [started]


@pytest.mark.usefixtures("instance")
@pytest.mark.parametrize(("user", "status"), [("ops", "ok"), ("ssm-user", "different")])
def test_run_as_user_is_compared(session: Callable[..., Path], user: str, status: str) -> None:
    session(user=user)
    settings = {**SESSION_MANAGER, "instanceRoles": [], "runAsEnabled": True, "runAsDefaultUser": "ops"}
    _, found = verify(stack=configuration(session_manager=settings))
    assert found["session-user"] == status


@pytest.mark.usefixtures("instance")
def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result, _ = verify()
    assert result.exit_code == 2
    assert "Install the AWS CLI" in result.stderr
    assert "the Session Manager plugin" in result.stderr


@pytest.mark.usefixtures("instance")
def test_missing_node_is_reported(session: Callable[..., Path]) -> None:
    session()
    result, _ = verify("app-9")
    assert result.exit_code == 1
    assert "There is no instance app-9" in result.stderr


def verify_target(account: Account) -> str:
    return account.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
