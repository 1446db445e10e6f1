"""`python -m operations`: exit codes and whole outputs."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from common.aws.failures import ResourceError
from operations.cli import app
from operations.command_line import CommandContext
from operations.errors import ExitCode, UnusableError
from operations.stack import StackConfiguration
from tests.operations.arrangement import ACCOUNT, SESSION_MANAGER, Account, Command, Fail, configuration

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ("document", "document-status", "document-default-version", "document-content")

# Features without values that differ from run to run.
PLAIN = {
    "createCwLogGroup": False,
    "cwLogGroupName": "",
    "sessionDataEncryption": False,
    "s3Logging": True,
    "s3BucketName": "session-logs",
}
REGIONS = ("eu-west-1", "us-east-1")

NO_DIFFERENCES = """\
Stack dev, account 123456789012
eu-west-1: 15 of 15 checks ok
us-east-1: 10 of 10 checks ok
To list all checks, add --all.
2 Regions, 25 checks: no differences
"""

ALL_CHECKS = """\
Stack dev, account 123456789012
┏━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┓
┃ Region    ┃ Check                    ┃ Result ┃
┡━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━┩
│ eu-west-1 │ document                 │ ok     │
│ eu-west-1 │ document-status          │ ok     │
│ eu-west-1 │ document-default-version │ ok     │
│ eu-west-1 │ document-content         │ ok     │
│ eu-west-1 │ document-owner           │ ok     │
│ eu-west-1 │ document-prior-version   │ ok     │
│ eu-west-1 │ bucket                   │ ok     │
│ eu-west-1 │ bucket-encryption        │ ok     │
│ eu-west-1 │ bucket-public-access     │ ok     │
│ eu-west-1 │ instance-policy          │ ok     │
│ eu-west-1 │ instance-policy-content  │ ok     │
│ eu-west-1 │ instance-policy-owner    │ ok     │
│ eu-west-1 │ governing-stack          │ ok     │
│ eu-west-1 │ orphans                  │ ok     │
│ eu-west-1 │ orphans-iam              │ ok     │
├───────────┼──────────────────────────┼────────┤
│ us-east-1 │ document                 │ ok     │
│ us-east-1 │ document-status          │ ok     │
│ us-east-1 │ document-default-version │ ok     │
│ us-east-1 │ document-content         │ ok     │
│ us-east-1 │ document-owner           │ ok     │
│ us-east-1 │ document-prior-version   │ ok     │
│ us-east-1 │ bucket                   │ ok     │
│ us-east-1 │ bucket-encryption        │ ok     │
│ us-east-1 │ bucket-public-access     │ ok     │
│ us-east-1 │ orphans                  │ ok     │
└───────────┴──────────────────────────┴────────┘
eu-west-1: 15 of 15 checks ok
us-east-1: 10 of 10 checks ok
2 Regions, 25 checks: no differences
"""

DIFFERENT = """\
Stack dev, account 123456789012
eu-west-1 document-content: different
  expected:  version 2 has the content that the settings define
  found:     idleSessionTimeout: 20 expected, 45 found
  remedy:    pulumi up --refresh --stack dev

eu-west-1 instance-policy: cannot tell
  expected:  managed policy ShellAccessSessionManagerNode exists
  found:     iam:GetPolicy: refused: User is not authorized [x]
  remedy:    allow iam:GetPolicy to arn:aws:sts::123456789012:user/moto, then try again

eu-west-1 governing-stack: cannot tell
  expected:  policy ShellAccessGoverningStack names the stack
  found:     iam:GetPolicy: refused: User is not authorized [x]
  remedy:    allow iam:GetPolicy to arn:aws:sts::123456789012:user/moto, then try again

eu-west-1 orphans-iam: cannot tell
  expected:  all resources with the stack's owner tag are in its state
  found:     iam:GetPolicy: refused: User is not authorized [x]
  remedy:    allow iam:GetPolicy to arn:aws:sts::123456789012:user/moto, then try again

eu-west-1 bucket-public-access: warning
  expected:  public access is blocked
  found:     off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets
  remedy:    aws s3api put-public-access-block --bucket session-logs --public-access-block-configuration \
BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

eu-west-1: 8 of 13 checks ok
To list all checks, add --all.
1 Region, 13 checks: 1 different, 3 cannot tell, 1 warning
"""


def lines(text: str) -> list[str]:
    """Rich fills a title's line with spaces."""
    return [line.rstrip() for line in text.splitlines()]


def shorten_idle(account: Account) -> None:
    content = account.content()
    content["inputs"]["idleSessionTimeout"] = "45"
    account.publish(content)


def test_exit_codes_are_fixed() -> None:
    assert {each.name: each.value for each in ExitCode} == {
        "SUCCESS": 0,
        "FINDINGS": 1,
        "UNUSABLE": 2,
        "INTERRUPTED": 130,
    }


def test_verify_without_differences_lists_checks(account: Account, command: Command) -> None:
    settings = PLAIN | {"regionOverrides": {"us-east-1": {"s3BucketName": "session-logs-us"}}}
    stack = configuration(regions=REGIONS, session_manager=settings)
    account.arrange(stack)
    result = command("verify", stack=stack)
    assert (result.exit_code, result.stderr) == (0, "")
    assert lines(result.stdout) == lines(NO_DIFFERENCES)
    assert lines(command("verify", "--all", stack=stack).stdout) == lines(ALL_CHECKS)


@pytest.fixture
def different(account: Account, fail: Fail) -> StackConfiguration:
    from tests.operations.arrangement import refusal  # noqa: PLC0415

    stack = configuration(session_manager=PLAIN)
    account.arrange(stack)
    shorten_idle(account)
    account.client("s3").delete_public_access_block(Bucket="session-logs")
    fail("iam", "GetPolicy", refusal("AccessDenied", "User is not authorized [x]"))
    return stack


def test_verify_lists_differences_with_remedies(different: StackConfiguration, command: Command) -> None:
    result = command("verify", stack=different)
    assert (result.exit_code, result.stderr) == (1, "")
    assert lines(result.stdout) == lines(DIFFERENT)


def test_verify_json_is_one_document(different: StackConfiguration, command: Command) -> None:
    result = command("verify", "--json", stack=different)
    assert (result.exit_code, result.stderr) == (1, "")
    document = json.loads(result.stdout)
    findings = document["regions"].pop("eu-west-1")
    assert document == {"stack": "dev", "accountId": ACCOUNT, "regions": {}, "differences": 4}
    assert [finding["check"] for finding in findings][:4] == list(CHECKS)
    assert {tuple(finding) for finding in findings} == {("check", "status", "expected", "found", "remedy")}
    assert findings[0] == {
        "check": "document",
        "status": "ok",
        "expected": "SSM-SessionManagerRunShell exists",
        "found": "SSM-SessionManagerRunShell exists",
        "remedy": None,
    }
    assert findings[3] == {
        "check": "document-content",
        "status": "different",
        "expected": "version 2 has the content that the settings define",
        "found": "idleSessionTimeout: 20 expected, 45 found",
        "remedy": "pulumi up --refresh --stack dev",
    }
    assert {finding["status"] for finding in findings} == {"ok", "different", "cannotTell", "warning"}


def test_verify_warnings_are_no_difference(account: Account, command: Command) -> None:
    stack = configuration(session_manager=PLAIN)
    account.arrange(stack)
    account.client("s3").delete_public_access_block(Bucket="session-logs")
    result = command("verify", stack=stack)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "1 Region, 15 checks: no differences, 1 warning"


@pytest.mark.parametrize(
    "sections", [{}, {"session_manager": {"enabled": False}}, {"endpoints": {}}], ids=["none", "disabled", "empty"]
)
def test_empty_stack_has_nothing_to_verify(sections: dict[str, object], command: Command) -> None:
    stack = configuration(**sections)
    result = command("verify", stack=stack)
    said = "Stack dev has no sessionManager, endpoints or sites of domainControllers to verify.\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    machine = command("verify", "--json", stack=stack)
    assert machine.exit_code == 0
    assert json.loads(machine.stdout) == {"stack": "dev", "accountId": None, "regions": {}, "differences": 0}


def test_verify_without_answer_names_the_call(command: Command) -> None:
    result = command("verify", stack=configuration(session_manager={}))
    assert (result.exit_code, result.stderr) == (1, "")
    assert lines(result.stdout)[0] == "Stack dev"
    assert (
        '  found:     sts:GetCallerIdentity: no answer: Could not connect to the endpoint URL: "http://127.0.0.1:9/"'
        in (lines(result.stdout))
    )
    assert lines(result.stdout)[-1] == "1 Region, 1 check: 1 cannot tell"


UNUSABLE = [
    (
        configuration(session_manager={"idleSessionTimeout": 99, "s3Loging": True}),
        (
            "The configuration has 2 problems; nothing was changed:\n"
            "  shell-access:sessionManager.idleSessionTimeout: expected whole minutes from 1 to 60, got 99.\n"
            "  shell-access:sessionManager.s3Loging: unknown key; did you mean s3Logging?\n"
        ),
    ),
    (
        configuration(session_manager={"runAsDefaultUser": "hunter2 hunter2"}, secret=("sessionManager",)),
        (
            "The configuration has a problem; nothing was changed:\n"
            "  shell-access:sessionManager.runAsDefaultUser: expected a user name without spaces, at most 100 "
            "characters, got [secret]\n"
        ),
    ),
    (
        configuration(session_manager={}, aws__profile="absent"),
        (
            "Cannot call AWS with the configured credentials: The config profile (absent) could not be found. "
            "Check the stack's aws: settings, the environment and the shared files.\n"
        ),
    ),
    (
        configuration(session_manager={}, aws__assumeRoleWithWebIdentity='{"roleArn": "arn"}'),
        (
            "aws:assumeRoleWithWebIdentity is not supported for the preferences document; give the web identity "
            "through AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, and further roles through aws:assumeRoles\n"
        ),
    ),
    (UnusableError("There is no stack."), "There is no stack.\n"),
]


@pytest.mark.parametrize("machine", [False, True], ids=["table", "json"])
@pytest.mark.parametrize(("stack", "said"), UNUSABLE, ids=["settings", "secret", "profile", "identity", "stack"])
def test_unusable_configuration_is_one_message(
    stack: StackConfiguration | Exception, said: str, command: Command, *, machine: bool
) -> None:
    result = command("verify", *(["--json"] if machine else []), stack=stack)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)


def test_error_of_a_component_is_one_message(command: Command) -> None:
    result = command("verify", stack=ResourceError("Inspector has no status\x1b[31m"))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Inspector has no status\\x1b[31m.\n")


def test_missing_credentials_are_one_message(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result = command("verify", stack=configuration(session_manager={}))
    assert result.exit_code == 2
    assert result.stderr.startswith("Cannot call AWS with the configured credentials: Unable to locate")


def test_invalid_endpoint_is_one_message(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    result = command("verify", stack=configuration(session_manager={}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid endpoint: nowhere" in result.stderr


@pytest.mark.parametrize("arguments", [["--cwd", "/nowhere"], ["--color"], ["extra"]], ids=" ".join)
def test_wrong_command_line_is_a_usage_problem(arguments: list[str], command: Command) -> None:
    result = command("verify", *arguments, stack=configuration())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


def test_verify_hides_secrets(account: Account, command: Command) -> None:
    secret = {"s3BucketName": "hunter2-logs", "linuxShellProfile": "export TOKEN=hunter2", "instanceRoles": ["hunter2"]}
    retention = {"logRetentionDays": 731}
    stack = configuration(session_manager=SESSION_MANAGER | secret | retention, secret=("sessionManager",))
    account.arrange(stack)
    shorten_idle(account)
    account.client("s3").delete_bucket(Bucket="hunter2-logs")
    account.client("logs").put_retention_policy(logGroupName="ssm-sessionmanager-logs", retentionInDays=1)
    for arguments in ([], ["--json"]):
        result = command("verify", *arguments, stack=stack)
        assert result.exit_code == 1
        assert "hunter2" not in result.output
        assert "731" not in result.output
        assert "idleSessionTimeout" in result.output
        assert "20" not in result.output.replace("2012", "").replace("20 checks", "")


@pytest.mark.parametrize("arguments", [("--version",), ("deployer", "trust", "--help")], ids=" ".join)
def test_full_disk_ends_in_a_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "operations", *arguments]
        ran = subprocess.run(command, check=False, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1
    assert "no space left on device" in ran.stderr.lower()
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "The output was closed before it was complete.\n"),
        (OSError(errno.ENOSPC, "No space"), 1, "The output cannot be written completely: no space left on device.\n"),
        (PermissionError(errno.EACCES, "Permission denied", "report.html"), 1, "report.html: Permission denied.\n"),
    ],
    ids=["Ctrl-C", "pipe", "disk", "file"],
)
def test_failure_of_the_system_ends_in_a_line(failure: BaseException, code: int, said: str) -> None:
    def fails(*_: object) -> object:
        raise failure

    context = CommandContext(read_stack=fails)
    result = CliRunner().invoke(app, ["verify"], obj=context)
    assert (result.exit_code, result.stderr) == (code, said)


@pytest.mark.parametrize("moment", ["import", "run"])
def test_interrupt_at_any_time_ends_in_a_line(moment: str) -> None:
    """The process reports that it runs, and waits for the signal."""
    code = (
        "import signal, sys, time\n"
        "from importlib import abc\n"
        "import operations.__main__ as entry\n"
        "def wait(*_):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "class Finder(abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'operations.cli':\n"
        "            wait()\n"
        "if sys.argv[1] == 'import':\n"
        "    sys.meta_path.insert(0, Finder())\n"
        "else:\n"
        "    import operations.stack\n"
        "    operations.stack._read = wait\n"
        "sys.argv = ['shell-access', 'verify']\n"
        "entry.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, moment], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "Interrupted.\n")


def test_module_runs_the_command_line() -> None:
    environment = os.environ | {"COLUMNS": "100", "TERM": "dumb"}
    command = [sys.executable, "-m", "operations", "--help"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "Compare live resources with the stack's settings" in " ".join(result.stdout.split())
