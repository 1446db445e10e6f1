"""What is in an account before the stack comes, and what stays when it goes, on the real engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from components.adoption.kinds import MADE_HERE_TAG
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.engine.stack import Stack

pytestmark = pytest.mark.engine

LOG_GROUP = "ssm-sessionmanager-logs"
EARLIER = json.dumps(
    {
        "schemaVersion": "1.0",
        "description": "made in the console",
        "sessionType": "Standard_Stream",
        "inputs": {
            **dict.fromkeys(["s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId"], ""),
            **dict.fromkeys(
                ["s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled", "runAsEnabled"],
                False,
            ),
            "idleSessionTimeout": "45",
            "runAsDefaultUser": "",
        },
    }
)


def governed(**settings: Any) -> dict[str, Any]:
    return {"sessionManager": settings}


def live(ssm: Any) -> Any:
    return json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])


def group(logs: Any) -> dict[str, Any] | None:
    return next((each for each in logs.describe_log_groups()["logGroups"] if each["logGroupName"] == LOG_GROUP), None)


def aliases(kms: Any) -> dict[str, str]:
    listed = kms.list_aliases()["Aliases"]
    return {each["AliasName"]: each["TargetKeyId"] for each in listed if "session-manager" in each["AliasName"]}


def imported(shown: str) -> set[str]:
    """By `Type:name`."""
    return {":".join(found) for found in re.findall(r"= +aws:\w+:(\w+) (\S+) import", shown)}


def is_marked(kms: Any, key_id: str) -> bool:
    return MADE_HERE_TAG in {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key_id)["Tags"]}


def test_logs_stay_when_the_stack_goes_and_the_next_one_takes_them_again(stack: Stack, aws: Callable[..., Any]) -> None:
    logs, kms, ssm = aws("logs"), aws("kms"), aws("ssm")
    stack.configure(governed())
    stack.up().succeeded()
    first = group(logs)
    logs.put_log_events(
        logGroupName=LOG_GROUP, logStreamName=_stream(logs), logEvents=[{"timestamp": 1, "message": "evidence"}]
    )
    stack.destroy().succeeded()
    left = group(logs)
    assert left is not None
    assert left["kmsKeyId"] == first["kmsKeyId"]
    (key_id,) = aliases(kms).values()
    assert left["kmsKeyId"].endswith(key_id)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled"
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=DATA_KEY_PARAMETER)

    shown = imported(stack.preview().succeeded().text)
    assert shown == {
        "Key:session-manager-eu-west-1-logs",
        *(f"{kind}:session-manager-eu-west-1-logs" for kind in ("Alias", "LogGroup")),
    }
    stack.up().succeeded()
    assert aliases(kms)[LOGS_KEY_ALIAS] == key_id
    assert not is_marked(kms, key_id)
    assert MADE_HERE_TAG not in logs.list_tags_for_resource(resourceArn=left["logGroupArn"])["tags"]
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    stack.configure(governed(retainLogs=False))
    stack.up().succeeded()
    stack.destroy().succeeded()
    assert group(logs) is None
    assert aliases(kms) == {}
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def _stream(logs: Any) -> str:
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="session")
    return "session"


def test_names_that_are_taken_are_adopted_and_given_back(stack: Stack, aws: Callable[..., Any]) -> None:
    logs, kms, ssm = aws("logs"), aws("kms"), aws("ssm")
    theirs = kms.create_key(Description="an earlier solution's")["KeyMetadata"]["KeyId"]
    for alias in (DATA_KEY_ALIAS, LOGS_KEY_ALIAS):
        kms.create_alias(AliasName=alias, TargetKeyId=theirs)
    ssm.put_parameter(Name=DATA_KEY_PARAMETER, Value=theirs, Type="String")
    logs.create_log_group(logGroupName=LOG_GROUP)
    stack.configure(governed(retainLogs=False))
    assert "keeps its logs for ever; to take it over with 90 days" in stack.preview().failed().text
    stack.configure(governed(retainLogs=False, shortenLogRetention=True))

    shown = stack.preview().succeeded()
    name = "session-manager-eu-west-1"
    assert imported(shown.text) == {
        *(f"Alias:{name}-data", f"Alias:{name}-logs", f"LogGroup:{name}-logs", f"Parameter:{name}-data-key"),
    }
    assert {"kmsKeyId", "retentionInDays"} <= shown.diffs[f"LogGroup:{name}-logs"]
    stack.up().succeeded()
    assert theirs not in aliases(kms).values()
    assert ssm.get_parameter(Name=DATA_KEY_PARAMETER)["Parameter"]["Value"] == aliases(kms)[DATA_KEY_ALIAS]
    assert group(logs)["kmsKeyId"].endswith(aliases(kms)[LOGS_KEY_ALIAS])
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    stack.destroy().succeeded()
    assert aliases(kms) == {DATA_KEY_ALIAS: theirs, LOGS_KEY_ALIAS: theirs}
    assert ssm.get_parameter(Name=DATA_KEY_PARAMETER)["Parameter"]["Value"] == theirs
    assert group(logs) is not None
    assert kms.describe_key(KeyId=theirs)["KeyMetadata"]["KeyState"] == "Enabled"


def test_document_that_stays_keeps_all_that_it_names(stack: Stack, aws: Callable[..., Any]) -> None:
    kms, ssm = aws("kms"), aws("ssm")
    stack.configure(governed(onDestroy="retain", retainLogs=False))
    stack.up().succeeded()
    stack.destroy().succeeded()
    named = live(ssm)["inputs"]
    assert kms.describe_key(KeyId=named["kmsKeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert group(aws("logs")) is not None
    assert aliases(kms)[DATA_KEY_ALIAS] == named["kmsKeyId"]
    assert ssm.get_parameter(Name=DATA_KEY_PARAMETER)["Parameter"]["Value"] == named["kmsKeyId"]


def test_preview_says_what_taking_over_the_preferences_will_change(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm = aws("ssm")
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=EARLIER)
    stack.configure(governed())
    said = stack.preview().succeeded().text
    assert f"{DOCUMENT_NAME} in eu-west-1 exists already and will be taken over" in said
    assert "what is live stays as version 1 and comes back on destroy" in said
    assert "idleSessionTimeout: 45 -> 20" in said
    assert 'kmsKeyId: "" -> known after the update' in said
    assert live(ssm) == json.loads(EARLIER)
    stack.up().succeeded()
    assert "taken over" not in stack.preview("--expect-no-changes").succeeded().text


def test_preview_refuses_what_another_stack_keeps(stack: Stack, aws: Callable[..., Any]) -> None:
    tags = [{"Key": "shell-access:owner", "Value": "organization/shell-access/other"}]
    aws("ssm").create_document(
        Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=EARLIER, Tags=tags
    )
    stack.configure(governed())
    said = stack.preview().failed().text
    assert "is kept by the stack organization/shell-access/other" in said
    assert "shell-access:sessionManager.takeOver" in said
    stack.configure(governed(takeOver=True))
    assert "will be taken over" in stack.preview().succeeded().text


def test_change_by_somebody_else_is_told_before_it_is_replaced(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm = aws("ssm")
    stack.configure(governed())
    stack.up().succeeded()
    theirs = live(ssm)
    theirs["inputs"]["idleSessionTimeout"] = "60"
    ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(theirs))
    ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion="2")
    stack.configure(governed(maxSessionDuration=120))
    for said in (stack.preview().succeeded().text, stack.up().succeeded().text):
        assert "was changed by somebody else since the last run and will be replaced" in said
        assert "theirs stays as version 2" in said
        assert "idleSessionTimeout: 20 -> 60" in said
    assert live(ssm)["inputs"]["idleSessionTimeout"] == "20"
    kept = ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="2")["Content"]
    assert json.loads(kept) == theirs


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"createCwLogGroup": False, "cwLogGroupName": "plain"},
            "encryption: the log group plain is not encrypted, and sessions require it",
        ),
        ({"createCwLogGroup": False, "cwLogGroupName": "gone"}, "missing: the log group gone does not exist"),
        ({"s3Logging": True, "s3BucketName": "no-such-bucket"}, "missing: the bucket no-such-bucket does not exist"),
    ],
    ids=["not encrypted", "no log group", "no bucket"],
)
def test_nothing_is_published_while_what_it_names_is_not_as_asked(
    stack: Stack, aws: Callable[..., Any], settings: dict[str, Any], said: str
) -> None:
    ssm = aws("ssm")
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=EARLIER)
    aws("logs").create_log_group(logGroupName="plain")
    stack.configure(governed(**settings))
    text = stack.up().failed().text
    assert said in text
    assert "what is live stays as it is" in text
    assert live(ssm) == json.loads(EARLIER)
    assert ssm.describe_document(Name=DOCUMENT_NAME)["Document"]["LatestVersion"] == "1"
