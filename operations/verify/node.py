"""A real session on a node, started, used and ended: the live half of step 4 of the AWS post."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.session_manager.document import s3_key_prefix
from operations.connect import machine
from operations.connect.session import command
from operations.errors import UnusableError
from operations.inventory.instances import Finder, NoConnectionError
from operations.reading import Reader, Unread, aws_clients, identify
from operations.verify.findings import Finding, Status, Verification, cannot_tell, compared
from operations.verify.node_terminal import Pace, Terminal
from operations.verify.node_transcript import NOTICE, marker, marker_command, read_transcript
from operations.verify.secrecy import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.session_manager.settings import SessionManagerSettings
    from operations.inventory.instances import Instance
    from operations.stack import StackConfiguration
    from operations.verify.node_transcript import Transcript

PACE: Final = Pace()
_TRIES: Final = 3
_LOOKS: Final = 24
_LOOK_AGAIN_SECONDS: Final = 5.0
"""Interval between checks for logs, which arrive some time after a session's end; two minutes in total are enough."""
_SHOWN: Final = 300
_DEFAULT_USER: Final = "ssm-user"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The target of a test session.

    Attributes:
        instance: The node.
        settings: Session Manager settings of its Region.
        account_id: ID of the account.
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
    wanted: str,
    pause: Callable[[float], None],
    progress: Callable[[str], None] = lambda _step: None,
) -> Verification:
    """Start a session with the credentials of the AWS CLI, and check its logs with those of the stack's provider.

    Args:
        stack: The stack with its configuration.
        wanted: Instance ID (`i-...`) or Name tag.
        pause: Function that waits, in seconds.
        progress: Receives each step.

    Raises:
        UnusableError: The configuration cannot be used, or a program is missing.
        NoConnectionError: The node does not exist, or no session can be started on it.
    """
    if os.name == "nt":
        raise UnusableError("--node needs a POSIX terminal. Run it on Linux or macOS, or in WSL.")
    missing = machine.missing_programs()
    if missing:
        raise UnusableError(f"A session needs programs that are not on the PATH. Install {' and '.join(missing)}.")
    tried = _tried(stack, wanted)
    progress(f"Starting a session on {tried.instance}")
    transcript, code = _session(tried)
    findings = [_began(tried, transcript, code)]
    if transcript.session_id and transcript.user:
        findings += [*_encryption(tried, transcript), *_user(tried, transcript)]
        progress("Looking for the session's logs")
        findings += _logs(tried, transcript.session_id, pause)
    told = tuple(without_secrets(each, stack) for each in findings)
    return Verification(stack=stack.name, account_id=tried.account_id, regions={tried.instance.region: told})


def _tried(stack: StackConfiguration, wanted: str) -> Tried:
    settings = stack.settings()
    clients = aws_clients(stack)
    identity = identify(clients, stack.sts_region(settings.regions[0]))
    if isinstance(identity, Unread):
        raise NoConnectionError(f"{identity.action}: {identity.cause}; {identity.remedy}.")
    finder = Finder(clients, settings.regions, identity)
    instance = finder.find(wanted)
    problem = finder.problem(instance)
    if problem:
        raise NoConnectionError(f"{problem}. For the cause: python -m operations doctor {instance.id}")
    preferences = settings.session_manager.get(instance.region)
    if preferences is None:
        raise UnusableError(f"The stack does not govern sessions in {instance.region}: it has no sessionManager there.")
    reader = Reader(clients, instance.region, identity.arn)
    return Tried(
        instance=instance,
        settings=preferences,
        account_id=identity.account_id,
        platform=_platform(reader, instance.id),
        token=secrets.token_hex(6),
        reader=reader,
    )


def _platform(reader: Reader, instance_id: str) -> str:
    by_id = [{"Key": "InstanceIds", "Values": [instance_id]}]
    answer = reader.read("ssm", "describe_instance_information", Filters=by_id)
    listed: list[Any] = [] if answer is None or isinstance(answer, Unread) else answer["InstanceInformationList"]
    return str(listed[0].get("PlatformType", "")) if listed else ""


def _session(tried: Tried) -> tuple[Transcript, int]:
    """Start a session, run the marker command, and end the session."""
    terminal = Terminal(command(tried.instance, None))
    try:
        if terminal.wait(lambda output: bool(read_transcript(output, tried.token).session_id), PACE.start):
            terminal.settle(PACE.quiet, PACE.start)
            for _ in range(_TRIES):
                terminal.send(marker_command(tried.token, tried.platform))
                if terminal.wait(lambda output: bool(read_transcript(output, tried.token).user), PACE.answer):
                    break
            terminal.send("exit")
            terminal.wait(lambda output: read_transcript(output, tried.token).ended, PACE.end)
    finally:
        # Also on an interrupt: an abandoned session would stay until its idle timeout.
        code = terminal.close()
        found = read_transcript(terminal.output, tried.token)
        if found.session_id and not found.ended:
            tried.reader.read("ssm", "terminate_session", SessionId=found.session_id)
    return found, code


def _began(tried: Tried, transcript: Transcript, code: int) -> Finding:
    said = " ".join(transcript.text.split())[-_SHOWN:] or f"nothing (exit code {code})"
    return compared(
        "session",
        same=bool(transcript.session_id and transcript.user),
        expected=f"a session on {tried.instance} begins and answers",
        found=transcript.session_id
        if transcript.user
        else f"{transcript.session_id or 'no session'}; the last that was said: {said}",
        remedy=f"python -m operations doctor {tried.instance.id}; whoever starts sessions needs ssm:StartSession on the "
        "node and the document, and kms:GenerateDataKey on the data key",
    )


def _encryption(tried: Tried, transcript: Transcript) -> list[Finding]:
    if not tried.settings.session_data_encryption:
        return []
    return [
        compared(
            "session-encryption",
            same=transcript.encrypted,
            expected=NOTICE,
            found=NOTICE if transcript.encrypted else "no such notice before the first answer",
            remedy="python -m operations verify, which compares the live document with the settings",
        )
    ]


def _user(tried: Tried, transcript: Transcript) -> list[Finding]:
    settings = tried.settings
    runs_as = settings.run_as_enabled and tried.platform != "Windows"
    if runs_as and not settings.run_as_default_user:
        expected = "the user of the tag SSMSessionRunAs of whoever starts the session"
        return [Finding(check="session-user", status=Status.OK, expected=expected, found=transcript.user)]
    wanted = settings.run_as_default_user if runs_as else _DEFAULT_USER
    # Windows includes the domain or computer: EC2AMAZ-0A1B2C3\ssm-user.
    found = transcript.user.rpartition("\\")[2]
    if runs_as and settings.run_as_principal_tag and found != wanted:
        return [
            Finding(
                check="session-user",
                status=Status.WARNING,
                expected=wanted,
                found=f"{transcript.user}, which may be the tag SSMSessionRunAs of whoever started the session",
                remedy="compare it with that tag",
            )
        ]
    remedy = "see runAsEnabled and runAsDefaultUser of shell-access:sessionManager, and the tag SSMSessionRunAs"
    return [compared("session-user", same=found == wanted, expected=wanted, found=transcript.user, remedy=remedy)]


def _logs(tried: Tried, session_id: str, pause: Callable[[float], None]) -> list[Finding]:
    """Poll for the logs until all have arrived; a denied call is not repeated."""
    looking: dict[str, Callable[[Tried, str], Finding | None]] = {}
    if tried.settings.logs_to_cloudwatch:
        looking["session-log-cloudwatch"] = _in_cloudwatch
    if tried.settings.s3_logging:
        looking["session-log-s3"] = _in_s3
    found: dict[str, Finding] = {}
    for look in range(_LOOKS):
        if look:
            pause(_LOOK_AGAIN_SECONDS)
        for check, see in looking.items():
            if check not in found and (finding := see(tried, session_id)) is not None:
                found[check] = finding
        if len(found) == len(looking):
            break
    return [found.get(check) or _not_arrived(tried, check) for check in looking]


def _not_arrived(tried: Tried, check: str) -> Finding:
    seconds = int(_LOOKS * _LOOK_AGAIN_SECONDS)
    return compared(
        check,
        same=False,
        expected="the session's log arrives, with the marker command's output",
        found=f"not within {seconds} seconds of its end",
        remedy=f"python -m operations doctor {tried.instance.id}",
    )


def _in_cloudwatch(tried: Tried, session_id: str) -> Finding | None:
    """Find a stream, which has the session's ID as name.

    Source: Systems Manager User Guide, "Logging session data using CloudWatch Logs".
    """
    check, group = "session-log-cloudwatch", tried.settings.cw_log_group_name
    expected = f"stream {session_id} of {group} holds the marker command's output"
    absent = ("ResourceNotFoundException",)
    answer = tried.reader.read(
        "logs", "filter_log_events", absent=absent, logGroupName=group, logStreamNames=[session_id]
    )
    if isinstance(answer, Unread):
        return cannot_tell(check, expected, answer)
    events: list[Any] = list((answer or {}).get("events", ()))
    if not any(marker(tried.token) in each["message"] for each in events):
        return None
    return Finding(check=check, status=Status.OK, expected=expected, found=f"{len(events)} events")


def _in_s3(tried: Tried, session_id: str) -> Finding | None:
    """Find an object, which has the session's ID as name, below the prefix of the settings."""
    check, settings = "session-log-s3", tried.settings
    region = tried.instance.region
    key = f"{s3_key_prefix(settings, tried.account_id, region)}/{session_id}.log"
    expected = f"s3://{settings.s3_bucket_name}/{key} holds the marker command's output"
    owner = settings.s3_bucket_owner or tried.account_id
    answer = tried.reader.read(
        "s3",
        "get_object",
        absent=("NoSuchKey", "NoSuchBucket", "404"),
        Bucket=settings.s3_bucket_name,
        Key=key,
        ExpectedBucketOwner=owner,
    )
    if isinstance(answer, Unread):
        return cannot_tell(check, expected, answer)
    if answer is None or marker(tried.token) not in answer["Body"].read().decode(errors="replace"):
        return None
    return Finding(check=check, status=Status.OK, expected=expected, found=f"{answer['ContentLength']} bytes")
