"""Session Manager preferences on the real engine: what a person does with the stack, and what others do to it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.session_manager.document import DOCUMENT_NAME
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

DOCUMENT = "SessionPreferences:session-manager-eu-west-1"
ENDPOINTS = {"eu-west-1": {"vpc": "workloads", "subnets": ["private-a", "private-b"], "allowedCidrs": ["10.20.0.0/16"]}}
EVERYTHING: dict[str, Any] = {
    "regions": ["eu-west-1", "us-east-1"],
    "tags": {"owner": "platform-security"},
    "sessionManager": {
        "s3Logging": True,
        "s3BucketName": "org-session-logs",
        "instanceRoles": ["WorkloadInstance"],
        "regionOverrides": {"us-east-1": {"idleSessionTimeout": 15}},
    },
    "endpoints": ENDPOINTS,
}
CONSOLE_TEXT = json.dumps(
    {
        "schemaVersion": "1.0",
        "description": "made in the console",
        "sessionType": "Standard_Stream",
        "inputs": {
            "s3BucketName": "",
            "s3KeyPrefix": "",
            "s3EncryptionEnabled": True,
            "cloudWatchLogGroupName": "",
            "cloudWatchEncryptionEnabled": True,
            "cloudWatchStreamingEnabled": True,
            "idleSessionTimeout": "45",
            "maxSessionDuration": "",
            "kmsKeyId": "",
            "runAsEnabled": False,
            "runAsDefaultUser": "",
            "shellProfile": {"windows": "", "linux": ""},
        },
    }
)


def live(ssm: Any, version: str = "$DEFAULT") -> dict[str, Any]:
    return json.loads(ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion=version)["Content"])


def make_in_console(ssm: Any) -> None:
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=CONSOLE_TEXT)


def governed(**settings: Any) -> dict[str, Any]:
    return {"sessionManager": settings}


def test_up_creates_all_and_refresh_changes_nothing(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(EVERYTHING)
    assert set(stack.preview().succeeded().steps.values()) == {"create"}
    stack.up().succeeded()
    outputs = stack.outputs()
    assert (outputs["accountId"], outputs["regions"]) == ("123456789012", ["eu-west-1", "us-east-1"])
    for region, minutes in (("eu-west-1", "20"), ("us-east-1", "15")):
        preferences = outputs["preferences"][region]
        inputs = live(aws("ssm", region))["inputs"]
        assert preferences["dataKeyArn"].endswith(f"key/{inputs['kmsKeyId']}")
        assert (inputs["idleSessionTimeout"], inputs["cloudWatchLogGroupName"]) == (
            minutes,
            preferences["logGroupName"],
        )
        assert inputs["s3KeyPrefix"] == f"sessionmanager/123456789012/{region}"
        (group,) = aws("logs", region).describe_log_groups()["logGroups"]
        assert (group["kmsKeyId"], group["retentionInDays"]) == (preferences["logsKeyArn"], 90)
    services = {each["ServiceName"].rsplit(".", 1)[1] for each in aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]}
    assert services == {"ssm", "ssmmessages", "ec2messages", "logs", "kms", "s3"}
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.operate("verify").check_returncode()
    stack.destroy().succeeded()
    assert aws("ssm").list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"] == []
    assert aws("ec2").describe_vpc_endpoints()["VpcEndpoints"] == []


def test_preferences_drift_is_found_and_repaired(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm, logs = aws("ssm"), aws("logs")
    stack.configure(governed(s3Logging=True, s3BucketName="org-session-logs", instanceRoles=["WorkloadInstance"]))
    for key, secret in {"aws:secretKey": "a secret key of the provider", "aws:accessKey": "AKIDOFTHEPROVIDER"}.items():
        stack.run("config", "set", "--stack", stack.name, "--secret", key, secret).succeeded()
    stack.up().succeeded()
    has_published_the_document_last(stack)
    state = json.dumps(stack.state())
    assert "AKIDOFTHEPROVIDER" not in state
    assert "a secret key of the provider" not in state

    wanted = live(ssm)
    changed = live(ssm)
    changed["inputs"] |= {"idleSessionTimeout": "60", "kmsKeyId": ""}
    publish(ssm, changed)
    logs.put_retention_policy(logGroupName="ssm-sessionmanager-logs", retentionInDays=1)
    assert stack.up("--refresh").succeeded().diffs == {
        DOCUMENT: {"idleSessionTimeout", "kmsKeyId"},
        "LogGroup:session-manager-eu-west-1-logs": {"retentionInDays"},
    }
    assert live(ssm) == wanted
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 90

    # Drift that no setting shows: a later version, another description, no document.
    ssm.update_document(
        Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(wanted | {"description": "later"})
    )
    repairs_the_document_only(stack, ssm, wanted)
    publish(ssm, wanted | {"description": "changed"})
    repairs_the_document_only(stack, ssm, wanted)
    ssm.delete_document(Name=DOCUMENT_NAME)
    repairs_the_document_only(stack, ssm, wanted)

    stack.configure(governed(idleSessionTimeout=90))
    assert stack.up().failed().steps == {}
    assert live(ssm) == wanted
    stack.configure(governed())
    follows_a_replaced_key(stack, aws)
    stack.destroy().succeeded()
    with pytest.raises(ssm.exceptions.InvalidDocument):
        live(ssm)


def publish(ssm: Any, content: dict[str, Any]) -> None:
    """Change the document as an administrator would."""
    done = ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(content))
    version = done["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=version)


def repairs_the_document_only(stack: Stack, ssm: Any, wanted: dict[str, Any]) -> None:
    assert set(stack.up("--refresh").succeeded().steps) == {DOCUMENT}
    assert live(ssm) == live(ssm, "$LATEST") == wanted


def has_published_the_document_last(stack: Stack) -> None:
    resources = {each["urn"]: each for each in stack.state()}
    (document,) = (each for each in resources.values() if each["type"].endswith("SessionPreferences"))
    named = {resources[urn]["type"] for urn in document["dependencies"]}
    assert {
        "aws:kms/key:Key",
        "aws:kms/alias:Alias",
        "aws:ssm/parameter:Parameter",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:iam/policy:Policy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    } <= named


def follows_a_replaced_key(stack: Stack, aws: Callable[..., Any]) -> None:
    before = stack.outputs()["preferences"]["eu-west-1"]["dataKeyArn"]
    (key,) = (
        each["urn"] for each in stack.state() if each["urn"].endswith("kms/key:Key::session-manager-eu-west-1-data")
    )
    stack.up("--replace", key).succeeded()
    after = stack.outputs()["preferences"]["eu-west-1"]["dataKeyArn"]
    assert after != before
    assert live(aws("ssm"))["inputs"]["kmsKeyId"] == after.rsplit("/", 1)[1]
    parameter = aws("ssm").get_parameter(Name="/session-manager/session-data-key")["Parameter"]["Value"]
    alias = aws("kms").describe_key(KeyId="alias/session-manager/data")["KeyMetadata"]["KeyId"]
    assert parameter == alias == after.rsplit("/", 1)[1]
    stack.preview("--refresh", "--expect-no-changes").succeeded()


def test_invalid_configuration_reports_every_problem(stack: Stack, aws: Callable[..., Any]) -> None:
    make_in_console(aws("ssm"))
    stack.configure(governed(idleSessionTimeout=90, s3Logging=True, idleTimeout=3))
    said = stack.up().failed().text
    assert "shell-access:sessionManager.idleSessionTimeout: expected whole minutes from 1 to 60, got 90." in said
    assert "shell-access:sessionManager.idleTimeout: unknown key; did you mean idleSessionTimeout?" in said
    assert "shell-access:sessionManager.s3BucketName:" in said
    assert [each["type"] for each in stack.state()] in ([], ["pulumi:pulumi:Stack"])
    assert live(aws("ssm")) == json.loads(CONSOLE_TEXT)
    assert aws("kms").list_keys()["Keys"] == []


def test_preferences_belong_to_the_account_of_the_role(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(governed(), assumeRoles=[{"roleArn": "arn:aws:iam::222233334444:role/Deployer"}])
    stack.up().succeeded()
    assert stack.outputs()["accountId"] == "222233334444"
    with pytest.raises(aws("ssm").exceptions.InvalidDocument):
        live(aws("ssm"))
    stack.preview("--refresh", "--expect-no-changes").succeeded()


def test_only_endpoints_need_no_preferences(stack: Stack, aws: Callable[..., Any]) -> None:
    # verify finds endpoints by their Name tags, whatever tags the settings have.
    stack.configure({"endpoints": ENDPOINTS, "tags": {"Name": "of the team"}})
    stack.up().succeeded()
    found = aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    names = [tag["Value"] for each in found for tag in each["Tags"] if tag["Key"] == "Name"]
    services = ("ec2messages", "s3", "ssm", "ssmmessages")
    assert sorted(names) == [f"endpoints-eu-west-1-{each}" for each in services]
    assert "preferences" not in stack.outputs()
    stack.preview("--refresh", "--expect-no-changes").succeeded()
