"""Resources that exist before the stack, and those that a destroy retains, on the real engine."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from components.adoption.resource_kinds import MADE_HERE_TAG
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS
from tests.support.stack import Stack

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


def test_retained_logs_are_adopted_by_the_next_stack(stack: Stack, aws: Callable[..., Any]) -> None:
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

    stack.configure(governed(retainLogs=False))
    assert imported(stack.preview().succeeded().text) == {
        f"{kind}:session-manager-eu-west-1-logs" for kind in ("Key", "Alias", "LogGroup")
    }
    stack.up().succeeded()
    assert aliases(kms)[LOGS_KEY_ALIAS] == key_id
    assert not is_marked(kms, key_id)
    # A stack that has lost its state may delete the group because of it.
    assert MADE_HERE_TAG in logs.list_tags_for_resource(resourceArn=left["logGroupArn"])["tags"]
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.configure(governed(retainLogs=False, cwLogGroupName="renamed"))
    assert f"The log group {LOG_GROUP} in eu-west-1 is deleted with its logs." in stack.preview().succeeded().text

    stack.destroy().succeeded()
    assert group(logs) is None
    assert aliases(kms) == {}
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def _stream(logs: Any) -> str:
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="session")
    return "session"


def test_existing_names_are_adopted_and_restored(
    stack: Stack, new_stack: Callable[..., Stack], aws: Callable[..., Any]
) -> None:
    logs, kms, ssm = aws("logs"), aws("kms"), aws("ssm")
    theirs = kms.create_key(Description="an earlier solution's")["KeyMetadata"]["KeyId"]
    for alias in (DATA_KEY_ALIAS, LOGS_KEY_ALIAS):
        kms.create_alias(AliasName=alias, TargetKeyId=theirs)
    team = {"team": "theirs"}
    tags = [{"Key": key, "Value": value} for key, value in team.items()]
    ssm.put_parameter(Name=DATA_KEY_PARAMETER, Value=theirs, Type="String", Tags=tags)
    logs.create_log_group(logGroupName=LOG_GROUP, tags=team)
    stack.configure(governed(retainLogs=False))
    refused = stack.preview().failed().text
    assert "keeps its logs forever; to take it over with 90 days" in refused
    assert "Set shell-access:sessionManager.shortenLogRetention to true" in refused
    settings = governed(retainLogs=False, shortenLogRetention=True)
    stack.configure(settings)

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

    # Another stack of the same name has its settings and not its state.
    without_state = new_stack()
    without_state.configure(settings)
    without_state.up().succeeded()
    without_state.preview("--refresh", "--expect-no-changes").succeeded()
    without_state.destroy().succeeded()
    assert aliases(kms) == {DATA_KEY_ALIAS: theirs, LOGS_KEY_ALIAS: theirs}
    assert ssm.get_parameter(Name=DATA_KEY_PARAMETER)["Parameter"]["Value"] == theirs
    assert logs.list_tags_for_resource(resourceArn=group(logs)["logGroupArn"])["tags"] == team
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=DATA_KEY_PARAMETER)["TagList"] == tags
    assert kms.describe_key(KeyId=theirs)["KeyMetadata"]["KeyState"] == "Enabled"


def test_retained_document_keeps_its_keys_and_logs(stack: Stack, aws: Callable[..., Any]) -> None:
    kms, ssm = aws("kms"), aws("ssm")
    stack.configure(governed(onDestroy="retain", retainLogs=False))
    stack.up().succeeded()
    stack.destroy().succeeded()
    named = live(ssm)["inputs"]
    assert kms.describe_key(KeyId=named["kmsKeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert group(aws("logs")) is not None
    assert aliases(kms)[DATA_KEY_ALIAS] == named["kmsKeyId"]
    assert ssm.get_parameter(Name=DATA_KEY_PARAMETER)["Parameter"]["Value"] == named["kmsKeyId"]


def test_document_of_another_owner_is_adopted_and_restored(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm = aws("ssm")
    tags = [{"Key": "shell-access:owner", "Value": "organization/shell-access/other"}]
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=EARLIER, Tags=tags)
    stack.configure(governed())
    text = stack.up().failed().text
    assert "are owned by the stack organization/shell-access/other" in text
    assert "shell-access:sessionManager.takeOver" in text
    assert live(ssm) == json.loads(EARLIER)
    ssm.remove_tags_from_resource(ResourceType="Document", ResourceId=DOCUMENT_NAME, TagKeys=["shell-access:owner"])

    text = stack.preview().succeeded().text
    assert f"{DOCUMENT_NAME} in eu-west-1 exists already and will be taken over" in text
    assert "the live content remains as version 1 and is restored on destroy" in text
    assert "idleSessionTimeout: 45 -> 20" in text
    assert 'kmsKeyId: "" -> known after the update' in text
    assert live(ssm) == json.loads(EARLIER)
    stack.up().succeeded()
    assert live(ssm)["inputs"]["idleSessionTimeout"] == "20"
    assert "taken over" not in stack.preview("--refresh", "--expect-no-changes").succeeded().text

    theirs = live(ssm)
    theirs["inputs"]["idleSessionTimeout"] = "60"
    ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(theirs))
    ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion="3")
    stack.configure(governed(maxSessionDuration=120))
    for text in (stack.preview().succeeded().text, stack.up().succeeded().text):
        assert "was changed by another principal since the last run and will be replaced" in text
        assert "theirs stays as version 3" in text
        assert "idleSessionTimeout: 20 -> 60" in text
    assert live(ssm)["inputs"]["idleSessionTimeout"] == "20"
    kept = ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="3")["Content"]
    assert json.loads(kept) == theirs
    stack.destroy().succeeded()
    latest = json.loads(ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST")["Content"])
    assert live(ssm) == latest == json.loads(EARLIER)


def test_document_with_unusable_log_target_is_not_published(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm, s3 = aws("ssm"), aws("s3")
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=EARLIER)
    aws("logs").create_log_group(logGroupName="plain")
    default = {"SSEAlgorithm": "aws:kms:dsse"}
    s3.put_bucket_encryption(
        Bucket="org-session-logs",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    stack.configure(
        governed(createCwLogGroup=False, cwLogGroupName="plain", s3Logging=True, s3BucketName="org-session-logs")
    )
    for run in (stack.preview().failed(), stack.up().failed()):
        assert (
            "sessionManager.cwLogGroupName: the log group plain is not encrypted, and sessions require it" in run.text
        )
        assert "sessionManager.s3BucketName: the bucket org-session-logs is encrypted with aws:kms:dsse" in run.text
        assert "SSM Agent accepts only AES256 and aws:kms" in run.text
    assert all(each["type"].startswith("pulumi:") for each in stack.state())
    assert live(ssm) == json.loads(EARLIER)
    assert ssm.describe_document(Name=DOCUMENT_NAME)["Document"]["LatestVersion"] == "1"


def test_missing_resources_are_reported_before_any_change(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(
        {
            "sessionManager": {
                "createCwLogGroup": False,
                "cwLogGroupName": "gone",
                "s3Logging": True,
                "s3BucketName": "no-such-bucket",
                "instanceRoles": ["NoSuchRole"],
                "maxSessionDuration": 5,
            },
            "regions": ["eu-west-1", "us-east-1"],
            "endpoints": {
                "eu-west-1": {"vpc": "gone", "subnets": ["a"], "allowedCidrs": ["10.20.0.0/16"]},
                "us-east-1": {"vpc": "workloads", "subnets": ["private-z"], "allowedCidrs": ["10.20.0.0/16"]},
            },
        }
    )
    for run in (stack.preview().failed(), stack.up().failed()):
        assert "The configuration has" in run.text
        for named in (
            *('got "gone"', 'got "no-such-bucket"', 'got "NoSuchRole"', "sessionManager.cwLogGroupName: expected"),
            'endpoints.eu-west-1.vpc: expected the id or the Name tag of just one VPC that exists in eu-west-1, got "gone".',
            "endpoints.us-east-1.subnets[0]: expected the id or the Name tag of just one subnet of vpc-",
        ):
            assert named in run.text
        assert "every session ends before it can be idle for that long" in run.text
        assert "unhandled" not in run.text
    assert aliases(aws("kms")) == {}
    assert all(each["type"].startswith("pulumi:") for each in stack.state())


def test_wrong_section_type_hides_no_other_problem(stack: Stack) -> None:
    stack.configure({"tags": ["a"], "sessionManager": {"idleSessionTimeout": 90}})
    text = stack.preview().failed().text
    assert 'shell-access:tags: expected a mapping of names to text, got ["a"].' in text
    assert "shell-access:sessionManager.idleSessionTimeout: expected whole minutes from 1 to 60, got 90." in text
    assert "unhandled" not in text
