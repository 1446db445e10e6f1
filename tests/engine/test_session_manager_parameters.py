"""Each parameter of the post, changed alone, changes just what it should."""

import re
from typing import Any

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.engine

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
    f"AdoptedResource:session-manager-eu-west-1-{what}" for what in ("data", "logs", "logGroup", "parameter")
)

GONE: set[str] = set()

CASES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "document only": (
        {
            "s3EncryptionEnabled": False,
            "cwStreamingEnabled": True,
            "runAsDefaultUser": "root",
            "idleSessionTimeout": 15,
            "maxSessionDuration": 90,
            "winShellProfile": "cd \\",
            "linuxShellProfile": "cd ~",
        },
        {
            DOCUMENT: {
                *("s3EncryptionEnabled", "cloudWatchStreamingEnabled", "runAsDefaultUser", "idleSessionTimeout"),
                *("maxSessionDuration", "shellProfile"),
            }
        },
    ),
    "run as and maximum left out": (
        {"runAsEnabled": False, "maxSessionDuration": None},
        {DOCUMENT: {"runAsEnabled", "runAsDefaultUser", "maxSessionDuration"}},
    ),
    "S3Logging": (
        {"s3Logging": False},
        {DOCUMENT: {"s3BucketName", "s3KeyPrefix", "s3EncryptionEnabled"}, POLICY: {"policy"}},
    ),
    "S3BucketName": ({"s3BucketName": "org-session-logs-us"}, {DOCUMENT: {"s3BucketName"}, POLICY: {"policy"}}),
    "S3KeyPrefix and log retention": (
        {"s3KeyPrefix": "shells", "logRetentionDays": 365},
        {DOCUMENT: {"s3KeyPrefix"}, POLICY: {"policy"}, LOG_GROUP: {"retentionInDays"}},
    ),
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
    "nothing": ({}, {}),
}


def test_parameter_changes_only_its_properties(stack: Stack, subtests: pytest.Subtests) -> None:
    stack.configure({"sessionManager": BASE})
    stack.up().succeeded()
    for parameter, (change, expected) in CASES.items():
        wanted = {name: value for name, value in {**BASE, **change}.items() if value is not None}
        stack.configure({"sessionManager": wanted})
        with subtests.test(parameter):
            preview = stack.preview("--diff").succeeded()
            assert preview.diffs == expected
            if "idleSessionTimeout" in change:
                assert re.search(r"~ idleSessionTimeout\s+: 20 => 15", preview.text)
