"""A real session on a node: started, used and ended."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.session_manager.settings import s3_key_prefix
from operations.connect.session import command, missing_programs
from operations.errors import UnusableError
from operations.findings import Finding, Status
from operations.inventory.instances import Finder, NoConnectionError, read_node
from operations.inventory.reader import Reader, ReadFailure, aws_clients, identify
from operations.stack import chosen_regions
from operations.terminal import program_name
from operations.verify.findings import Check, Verification, without_secrets
from operations.verify.pseudoterminal import Pace, Pseudoterminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from components.session_manager.settings import SessionManagerSettings
    from operations.inventory.instances import Instance
    from operations.stack import StackConfiguration


PACE: Final = Pace()
_TRIES: Final = 3
_POLLS: Final = 24
POLL_INTERVAL_SECONDS: Final = 5.0
"""Interval between checks for logs, which arrive some time after a session's end; two minutes in total are enough."""
_SHOWN: Final = 300
_DEFAULT_USER: Final = "ssm-user"


@dataclass(frozen=True, kw_only=True)
class TestTarget:
    """The target of a test session.

    Attributes:
        platform: `Linux`, `MacOS`, `Windows`.
        token: Token of the marker command.
        reader: Reader of the Region, with the credentials of the stack's provider.
    """

    instance: Instance
    settings: SessionManagerSettings
    account_id: str
    platform: str
    token: str
    reader: Reader


def verify_node(
    stack: StackConfiguration,
    name_or_id: str,
    pause: Callable[[float], None],
    progress: Callable[[str], None] = lambda _step: None,
    chosen: Sequence[str] | None = None,
) -> Verification:
    """Start a session with the credentials of the AWS CLI, and check its logs with those of the stack's provider.

    The node is an instance ID or a Name tag, in the chosen Regions or those of the stack. `progress` receives each step.

    Raises:
        UnusableError: The configuration cannot be used, or a program is missing.
        NoConnectionError: The node does not exist, or no session can be started on it.
    """
    if os.name == "nt":
        raise UnusableError("--node needs a POSIX terminal. Run it on Linux or macOS, or in WSL.")
    missing = missing_programs()
    if missing:
        raise UnusableError(f"A session needs programs that are not on the PATH. Install {' and '.join(missing)}.")
    target = _target(stack, name_or_id, chosen)
    progress(f"Starting a session on {target.instance}")
    transcript, code = _session(target)
    findings = [_start_finding(target, transcript, code)]
    if transcript.session_id and transcript.user:
        findings += [*_encryption(target, transcript), _user(target, transcript)]
        progress("Checking the session's logs")
        findings += _logs(target, transcript.session_id, pause)
    shown = tuple(without_secrets(each, stack) for each in findings)
    return Verification(stack=stack.name, account_id=target.account_id, regions={target.instance.region: shown})


def _target(stack: StackConfiguration, name_or_id: str, chosen: Sequence[str] | None) -> TestTarget:
    settings = stack.settings()
    clients = aws_clients(stack)
    identity = identify(clients, stack.sts_region(settings.regions[0]))
    if isinstance(identity, ReadFailure):
        raise NoConnectionError(f"{identity.explanation}; {identity.remedy}.")
    finder = Finder(clients, chosen_regions(settings.regions, chosen), identity)
    instance = finder.find(name_or_id)
    problem = finder.problem(instance)
    if problem:
        raise NoConnectionError(f"{problem}. To diagnose it: {program_name()} doctor {instance.id}")
    preferences = settings.session_manager.get(instance.region)
    if preferences is None:
        raise UnusableError(f"The stack does not govern sessions in {instance.region}: it has no sessionManager there.")
    reader = Reader(clients, instance.region, identity.arn)
    return TestTarget(
        instance=instance,
        settings=preferences,
        account_id=identity.account_id,
        platform=_platform(reader, instance.id),
        token=secrets.token_hex(6),
        reader=reader,
    )


def _platform(reader: Reader, instance_id: str) -> str:
    node = read_node(reader, instance_id)
    return "" if node is None or isinstance(node, ReadFailure) else str(node.get("PlatformType", ""))


def _session(target: TestTarget) -> tuple[Transcript, int]:
    """Start a session, run the marker command, and end the session."""
    terminal = Pseudoterminal(command(target.instance, None))
    try:
        if terminal.wait(lambda output: bool(read_transcript(output, target.token).session_id), PACE.start):
            terminal.settle(PACE.quiet, PACE.start)
            for _ in range(_TRIES):
                terminal.send(marker_command(target.token, target.platform))
                if terminal.wait(lambda output: bool(read_transcript(output, target.token).user), PACE.answer):
                    break
            terminal.send("exit")
            terminal.wait(lambda output: read_transcript(output, target.token).ended, PACE.end)
    finally:
        # Also on an interrupt: an abandoned session would stay until its idle timeout.
        code = terminal.close()
        found = read_transcript(terminal.output, target.token)
        if found.session_id and not found.ended:
            target.reader.read("ssm", "terminate_session", SessionId=found.session_id)
    return found, code


def _start_finding(target: TestTarget, transcript: Transcript, code: int) -> Finding:
    text = " ".join(transcript.text.split())[-_SHOWN:] or f"nothing (exit code {code})"
    check = Check(
        "session",
        f"a session on {target.instance} begins and answers",
        f"{program_name()} doctor {target.instance.id}; the principal that starts sessions needs ssm:StartSession on the "
        "node and the document, and kms:GenerateDataKey on the data key",
    )
    if transcript.session_id and transcript.user:
        return check.accept(transcript.session_id)
    return check.reject(f"{transcript.session_id or 'no session'}; last output: {text}")


def _encryption(target: TestTarget, transcript: Transcript) -> list[Finding]:
    if not target.settings.session_data_encryption:
        return []
    remedy = f"{program_name()} verify, which compares the live document with the settings"
    lacking = [] if transcript.encrypted else ["no such notice before the first answer"]
    return [Check("session-encryption", NOTICE, remedy).report(lacking)]


def _user(target: TestTarget, transcript: Transcript) -> Finding:
    settings = target.settings
    runs_as = settings.run_as_enabled and target.platform != "Windows"
    if runs_as and not settings.run_as_default_user:
        expected = "the user of the tag SSMSessionRunAs of the principal that starts the session"
        return Check("session-user", expected).accept(transcript.user)
    desired = settings.run_as_default_user if runs_as else _DEFAULT_USER
    # Windows includes the domain or computer: EC2AMAZ-0A1B2C3\ssm-user.
    found = transcript.user.rpartition("\\")[2]
    if runs_as and settings.run_as_principal_tag and found != desired:
        text = f"{transcript.user}, which may be the tag SSMSessionRunAs of the principal that started the session"
        return Check("session-user", desired, "compare it with that tag").reject(text, Status.WARNING)
    remedy = "see runAsEnabled and runAsDefaultUser of shell-access:sessionManager, and the tag SSMSessionRunAs"
    return Check("session-user", desired, remedy).judge(transcript.user, same=found == desired)


def _logs(target: TestTarget, session_id: str, pause: Callable[[float], None]) -> list[Finding]:
    """Poll for the logs until all have arrived; a denied call is not repeated."""
    checks: dict[str, Callable[[TestTarget, str], Finding | None]] = {}
    if target.settings.logs_to_cloudwatch:
        checks["session-log-cloudwatch"] = _in_cloudwatch
    if target.settings.s3_logging:
        checks["session-log-s3"] = _in_s3
    found: dict[str, Finding] = {}
    for look in range(_POLLS):
        if look:
            pause(POLL_INTERVAL_SECONDS)
        for check, see in checks.items():
            if check not in found and (finding := see(target, session_id)) is not None:
                found[check] = finding
        if len(found) == len(checks):
            break
    return [found.get(check) or _not_arrived(target, check) for check in checks]


def _not_arrived(target: TestTarget, check: str) -> Finding:
    expected = "the session's log arrives, with the marker command's output"
    seconds = int(_POLLS * POLL_INTERVAL_SECONDS)
    remedy = f"{program_name()} doctor {target.instance.id}"
    return Check(check, expected, remedy).reject(f"not within {seconds} seconds of its end")


def _in_cloudwatch(target: TestTarget, session_id: str) -> Finding | None:
    """Find a stream, which has the session's ID as name.

    Source: Systems Manager User Guide, "Logging session data using CloudWatch Logs".
    """
    group = target.settings.cw_log_group_name
    check = Check("session-log-cloudwatch", f"stream {session_id} of {group} holds the marker command's output")
    absent = ("ResourceNotFoundException",)
    answer = target.reader.read(
        "logs", "filter_log_events", absent=absent, logGroupName=group, logStreamNames=[session_id]
    )
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    events: list[Any] = list((answer or {}).get("events", ()))
    has_marker = any(marker(target.token) in each["message"] for each in events)
    return check.accept(f"{len(events)} events") if has_marker else None


def _in_s3(target: TestTarget, session_id: str) -> Finding | None:
    """Find an object, which has the session's ID as name, below the prefix of the settings."""
    settings = target.settings
    key = f"{s3_key_prefix(settings, target.account_id, target.instance.region)}/{session_id}.log"
    check = Check("session-log-s3", f"s3://{settings.s3_bucket_name}/{key} holds the marker command's output")
    answer = target.reader.read(
        "s3",
        "get_object",
        absent=("NoSuchKey", "NoSuchBucket", "404"),
        Bucket=settings.s3_bucket_name,
        Key=key,
        ExpectedBucketOwner=settings.s3_bucket_owner or target.account_id,
    )
    if isinstance(answer, ReadFailure):
        return check.report_unread(answer)
    if answer is None or marker(target.token) not in answer["Body"].read().decode(errors="replace"):
        return None
    return check.accept(f"{answer['ContentLength']} bytes")


NOTICE: Final = "This session is encrypted using AWS KMS."
"""Line as the AWS post quotes it."""
_MARK: Final = "shell-access"
_STEERING: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]"
)
"""Escape sequences (ECMA-48, OSC of xterm) and control characters other than tab and line feed."""
_STARTED: Final = re.compile(r"^Starting session with SessionId: (\S+)\n", re.MULTILINE)
_ENDED: Final = re.compile(r"^Exiting session with sessionId: (\S+?)\.?\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A session's output.

    Attributes:
        session_id: Session ID of the plugin's output; empty: no session has started.
        encrypted: Whether the notice of encryption precedes the first answer.
        user: User that the shell runs as; empty: the marker command was not answered.
        ended: Whether the plugin reports the end of the session.
        text: Output without escape sequences.
    """

    session_id: str
    encrypted: bool
    user: str
    ended: bool
    text: str


def marker(token: str) -> str:
    """Return the output of the marker command, which its own text does not contain: an echo is no answer."""
    return f"{_MARK}-{token}"


def marker_command(token: str, platform: str) -> str:
    """Return a command for the node's shell that prints the marker with a token of letters and digits, and the user."""
    if platform == "Windows":
        return f'"{{0}}-{{1}} user={{2}};" -f "{_MARK}","{token}",(whoami)'
    return f"printf '%s-%s user=%s;\\n' {_MARK} {token} \"$(whoami)\""


def read_transcript(output: str, token: str) -> Transcript:
    """Parse a session's output."""
    text = plain_text(output)
    answer = re.search(rf"{re.escape(marker(token))} user=([^;\n]*);", text)
    started, ended = _STARTED.search(text), _ENDED.search(text)
    before = text[: answer.start()] if answer else text
    return Transcript(
        session_id=started.group(1) if started else "",
        encrypted=NOTICE in before,
        user=answer.group(1).strip() if answer else "",
        ended=bool(started and ended and started.group(1) == ended.group(1)),
        text=text,
    )


def plain_text(output: str) -> str:
    """Return the text without escape sequences and control characters, for display and search."""
    return _STEERING.sub("", output.replace("\r\n", "\n").replace("\r", "\n"))
