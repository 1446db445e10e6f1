"""Each parameter of the post, changed alone, changes just what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.emulator.running import running_emulator
from local.emulator.seed import seed
from local.engine.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("parameters")]

BASE: dict[str, Any] = {
    "s3Logging": True,
    "s3BucketName": "org-session-logs",
    "maxSessionDuration": 60,
    "runAsEnabled": True,
    "runAsDefaultUser": "ops",
}

DOCUMENT = "SessionPreferences:session-manager-eu-west-1"
DATA_KEY = "Key:session-manager-eu-west-1-data"
DATA_ALIAS = "Alias:session-manager-eu-west-1-data"
PARAMETER = "Parameter:session-manager-eu-west-1-data-key"
LOGS_KEY = "Key:session-manager-eu-west-1-logs"
LOGS_ALIAS = "Alias:session-manager-eu-west-1-logs"
LOG_GROUP = "LogGroup:session-manager-eu-west-1-logs"
POLICY = "Policy:session-manager-node"
DATA_CLAIM, LOGS_CLAIM, GROUP_CLAIM, PARAMETER_CLAIM = (
    f"Claim:session-manager-eu-west-1-{what}" for what in ("data", "logs", "logGroup", "parameter")
)

GONE: set[str] = set()

CASES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "S3Logging": (
        {"s3Logging": False},
        {DOCUMENT: {"s3BucketName", "s3KeyPrefix", "s3EncryptionEnabled"}, POLICY: {"policy"}},
    ),
    "S3BucketName": ({"s3BucketName": "org-session-logs-us"}, {DOCUMENT: {"s3BucketName"}, POLICY: {"policy"}}),
    "S3KeyPrefix": ({"s3KeyPrefix": "shells"}, {DOCUMENT: {"s3KeyPrefix"}, POLICY: {"policy"}}),
    "S3EncryptionEnabled": ({"s3EncryptionEnabled": False}, {DOCUMENT: {"s3EncryptionEnabled"}}),
    "CreateCWLogGroup": (
        {"createCwLogGroup": False},
        {LOGS_KEY: GONE, LOGS_ALIAS: GONE, LOGS_CLAIM: GONE, LOG_GROUP: GONE, GROUP_CLAIM: GONE},
    ),
    "CWLogGroupName": (
        {"cwLogGroupName": "shells"},
        {
            DOCUMENT: {"cloudWatchLogGroupName"},
            LOG_GROUP: {"name"},
            GROUP_CLAIM: set(),
            POLICY: {"policy"},
        },
    ),
    "CWEncryptionEnabled": (
        {"cwEncryptionEnabled": False},
        {
            DOCUMENT: {"cloudWatchEncryptionEnabled"},
            LOG_GROUP: {"kmsKeyId"},
            LOGS_KEY: GONE,
            LOGS_ALIAS: GONE,
            LOGS_CLAIM: GONE,
        },
    ),
    "CWStreamingEnabled": ({"cwStreamingEnabled": True}, {DOCUMENT: {"cloudWatchStreamingEnabled"}}),
    "SessionDataEncryption": (
        {"sessionDataEncryption": False},
        {
            DOCUMENT: {"kmsKeyId"},
            POLICY: {"policy"},
            DATA_KEY: GONE,
            DATA_ALIAS: GONE,
            DATA_CLAIM: GONE,
            PARAMETER: GONE,
            PARAMETER_CLAIM: GONE,
        },
    ),
    "RunAsEnabled": ({"runAsEnabled": False}, {DOCUMENT: {"runAsEnabled", "runAsDefaultUser"}}),
    "RunAsDefaultUser": ({"runAsDefaultUser": "root"}, {DOCUMENT: {"runAsDefaultUser"}}),
    "IdleSessionTimeout": ({"idleSessionTimeout": 15}, {DOCUMENT: {"idleSessionTimeout"}}),
    "MaxSessionDuration": ({"maxSessionDuration": 90}, {DOCUMENT: {"maxSessionDuration"}}),
    "MaxSessionDuration left out": ({"maxSessionDuration": None}, {DOCUMENT: {"maxSessionDuration"}}),
    "WinShellProfile": ({"winShellProfile": "cd \\"}, {DOCUMENT: {"shellProfile"}}),
    "LinuxShellProfile": ({"linuxShellProfile": "cd ~"}, {DOCUMENT: {"shellProfile"}}),
    "log retention": ({"logRetentionDays": 365}, {LOG_GROUP: {"retentionInDays"}}),
    "nothing": ({}, {}),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_emulator() as emulator:
        seed(emulator.endpoint_url)
        made = Stack(tmp_path_factory.mktemp("parameters"), emulator.endpoint_url)
        made.configure({"sessionManager": BASE})
        made.up().succeeded()
        yield made


@pytest.mark.parametrize("parameter", CASES)
def test_parameter_changes_just_what_it_should(stack: Stack, parameter: str) -> None:
    change, expected = CASES[parameter]
    wanted = {name: value for name, value in {**BASE, **change}.items() if value is not None}
    stack.configure({"sessionManager": wanted})
    assert stack.preview().succeeded().diffs == expected
