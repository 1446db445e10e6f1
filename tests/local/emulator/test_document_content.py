"""Content of documents that is checked.

Session documents: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html, and what is
inferred from it. Approval policies of just-in-time node access: as far as AWS documents them.
"""

import json
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.just_in_time.documents import policy_documents
from components.just_in_time.names import AUTO_APPROVAL_NAME, DENY_ACCESS_NAME
from components.just_in_time.settings import JustInTimeSettings
from local.emulator.extension.documents import problems
from tests.components.just_in_time.examples import approval

NAME = "SSM-SessionManagerRunShell"
MANUAL, AUTO = policy_documents(JustInTimeSettings.model_validate(approval()["justInTime"]))


def preferences(**changes: Any) -> Any:
    """A valid document, with inputs changed; None removes one."""
    inputs = {
        "s3BucketName": "org-session-logs",
        "s3KeyPrefix": "sessionmanager/123456789012/eu-west-1",
        "s3EncryptionEnabled": True,
        "cloudWatchLogGroupName": "ssm-sessionmanager-logs",
        "cloudWatchEncryptionEnabled": True,
        "cloudWatchStreamingEnabled": False,
        "kmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "runAsEnabled": False,
        "runAsDefaultUser": "",
        "idleSessionTimeout": "20",
        "maxSessionDuration": "60",
        "shellProfile": {"windows": "date", "linux": "pwd;ls"},
        **changes,
    }
    kept = {key: value for key, value in inputs.items() if value is not None}
    return {"schemaVersion": "1.0", "description": "d", "sessionType": "Standard_Stream", "inputs": kept}


RESET = preferences(
    s3BucketName="",
    s3KeyPrefix="",
    s3EncryptionEnabled=False,
    cloudWatchLogGroupName="",
    cloudWatchEncryptionEnabled=False,
    kmsKeyId="",
    maxSessionDuration="",
    shellProfile=None,
)
INTERACTIVE = {
    "schemaVersion": "1.0",
    "sessionType": "InteractiveCommands",
    "parameters": {"logpath": {"type": "String", "default": "/var/log/x.log", "allowedPattern": "^/.+$"}},
    "properties": {"linux": {"commands": "tail -f {{ logpath }}", "runAsElevated": True}},
}
PORT = {
    "schemaVersion": "1.0",
    "sessionType": "Port",
    "parameters": {"portNumber": {"type": "String", "default": "80"}},
    "properties": {"portNumber": "{{ portNumber }}", "type": "LocalPortForwarding"},
}


@pytest.mark.parametrize(
    "document",
    [preferences(), RESET, preferences(shellProfile=None, maxSessionDuration=None), INTERACTIVE, PORT],
    ids=["preferences", "reset", "least", "interactive commands", "port"],
)
def test_document_as_aws_documents_it_is_accepted(document: Any) -> None:
    assert problems("Session", document) == []


@pytest.mark.parametrize(
    "inputs",
    [
        # As gazoakley/terraform-aws-session-manager-settings publishes its variables: numbers for minutes.
        {"idleSessionTimeout": 20, "maxSessionDuration": 60},
        # As tmknom/example-pragmatic-terraform (15/8.tf) does: a bucket, a log group, and no switch.
        dict.fromkeys(
            ["s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled", "runAsEnabled"]
        ),
        # As templates do that cannot write a Boolean.
        {"s3EncryptionEnabled": "true", "runAsEnabled": "false"},
        # As the document of a blue print does: a profile of thousands of characters.
        {"shellProfile": {"linux": "echo hello\n" * 1000, "windows": ""}},
    ],
    ids=["numbers", "no switches", "quoted switches", "long profile"],
)
def test_documents_in_use_are_accepted(inputs: Any) -> None:
    assert problems("Session", preferences(**inputs)) == []


@pytest.mark.parametrize("minutes", ["1", "9", "10", "59", "60", ""])
def test_idle_timeouts_of_1_to_60_minutes_are_accepted(minutes: Any) -> None:
    assert problems("Session", preferences(idleSessionTimeout=minutes)) == []


@pytest.mark.parametrize("minutes", ["1", "99", "100", "999", "1000", "1399", "1439", "1440", ""])
def test_durations_of_1_to_1440_minutes_are_accepted(minutes: Any) -> None:
    assert problems("Session", preferences(maxSessionDuration=minutes)) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"idleSessionTimeout": 61}, "$.inputs.idleSessionTimeout"),
        ({"idleSessionTimeout": 1.5}, "$.inputs.idleSessionTimeout"),
        ({"idleSessionTimeout": "0"}, "$.inputs.idleSessionTimeout"),
        ({"idleSessionTimeout": "61"}, "$.inputs.idleSessionTimeout"),
        ({"idleSessionTimeout": "020"}, "$.inputs.idleSessionTimeout"),
        ({"maxSessionDuration": "1441"}, "$.inputs.maxSessionDuration"),
        ({"maxSessionDuration": 1441}, "$.inputs.maxSessionDuration"),
        ({"s3EncryptionEnabled": "yes"}, "$.inputs.s3EncryptionEnabled"),
        ({"runAsEnabled": 1}, "$.inputs.runAsEnabled"),
        ({"s3Bucketname": "x"}, "'s3Bucketname' was unexpected"),
        ({"shellProfile": {"macOS": "ls"}}, "$.inputs.shellProfile: .*'macOS' was unexpected"),
        ({"shellProfile": "ls"}, "$.inputs.shellProfile"),
        ({"kmsKeyId": 7}, "$.inputs.kmsKeyId"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_misspelt_or_mistyped_input_is_refused_by_its_path(ssm: Any, changes: Any, path: Any) -> None:
    """API_CreateDocument and API_UpdateDocument: InvalidDocumentContent."""
    pattern = path.replace("$.", r"\$\.")
    wrong = json.dumps(preferences(**changes))
    with pytest.raises(ssm.exceptions.InvalidDocumentContent, match=pattern):
        ssm.create_document(Name=NAME, DocumentType="Session", Content=wrong)
    ssm.create_document(Name=NAME, DocumentType="Session", Content=json.dumps(preferences()))
    with pytest.raises(ssm.exceptions.InvalidDocumentContent, match=pattern):
        ssm.update_document(Name=NAME, DocumentVersion="$LATEST", Content=wrong)
    assert ssm.describe_document(Name=NAME)["Document"]["LatestVersion"] == "1"


@pytest.mark.parametrize(
    "document",
    [
        {**preferences(), "input": {}},
        {**preferences(), "sessionType": "standard_stream"},
        {key: value for key, value in preferences().items() if key != "inputs"},
        {key: value for key, value in preferences().items() if key != "sessionType"},
        {**PORT, "properties": {"port": "80"}},
        {**INTERACTIVE, "properties": {"linux": {"command": "ls"}}},
        [preferences()],
        "text",
    ],
    ids=["key", "type", "no inputs", "no type", "port", "commands", "a list", "a text"],
)
def test_document_of_another_shape_is_refused(ssm: Any, document: Any) -> None:
    with pytest.raises(ssm.exceptions.InvalidDocumentContent):
        ssm.create_document(Name=NAME, DocumentType="Session", Content=json.dumps(document))


def test_every_problem_is_named_at_once() -> None:
    found = problems("Session", preferences(idleSessionTimeout=61, kmsKeyId=7))
    assert [problem.split(":")[0] for problem in found] == ["$.inputs.idleSessionTimeout", "$.inputs.kmsKeyId"]


def test_another_schema_version_is_refused(ssm: Any) -> None:
    """API_CreateDocument: InvalidDocumentSchemaVersion; Session documents have version 1.0 only."""
    with pytest.raises(ssm.exceptions.InvalidDocumentSchemaVersion):
        ssm.create_document(
            Name=NAME, DocumentType="Session", Content=json.dumps({**preferences(), "schemaVersion": "2.2"})
        )


def test_invalid_json_is_refused(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.InvalidDocumentContent):
        ssm.create_document(Name=NAME, DocumentType="Session", Content="{")


def test_documents_of_other_types_are_not_checked(ssm: Any) -> None:
    command = json.dumps({"schemaVersion": "2.2", "mainSteps": []})
    ssm.create_document(Name="command", DocumentType="Command", Content=command)
    with pytest.raises(ClientError, match="InvalidDocumentContent"):
        ssm.create_document(Name="preferences", DocumentType="Session", Content=command.replace("2.2", "1.0"))


def create_policy(ssm: Any, document: Any = MANUAL, **changed: Any) -> None:
    request = {"Name": document.name, "DocumentType": document.type, "Content": document.content, **changed}
    ssm.create_document(**{**request, "Content": json.dumps(request["Content"])})


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("document", [MANUAL, AUTO], ids=["manual", "auto"])
def test_policies_are_created_without_readable_permissions(ssm: Any, document: Any) -> None:
    create_policy(ssm, document)
    assert ssm.describe_document(Name=document.name)["Document"]["DocumentType"] == document.type
    listed = ssm.list_documents(Filters=[{"Key": "DocumentType", "Values": [document.type]}])["DocumentIdentifiers"]
    assert [each["Name"] for each in listed] == [document.name]
    with pytest.raises(ClientError) as refused:
        ssm.describe_document_permission(Name=document.name, PermissionType="Share")
    assert code(refused) == "InvalidDocumentOperation"


def test_auto_approval_policy_has_a_fixed_name(ssm: Any) -> None:
    with pytest.raises(ClientError) as refused:
        create_policy(ssm, AUTO, Name="AnotherAutoApprovalPolicy")
    assert code(refused) == "ValidationException"
    create_policy(ssm, AUTO)
    with pytest.raises(ClientError) as refused:
        create_policy(ssm, AUTO)
    assert code(refused) == "DocumentAlreadyExists"
    assert AUTO.name == AUTO_APPROVAL_NAME


def test_content_of_the_deny_policy_is_not_validated(ssm: Any) -> None:
    create_policy(ssm, AUTO, Name=DENY_ACCESS_NAME, Content={"schemaVersion": "0.3", "unknown": True})


def test_account_has_50_manual_policies_per_region(ssm: Any, connect: Any) -> None:
    for number in range(50):
        create_policy(ssm, Name=f"Policy{number}")
    with pytest.raises(ClientError) as refused:
        create_policy(ssm)
    assert code(refused) == "DocumentLimitExceeded"
    create_policy(connect("ssm", "us-east-1"))


def _without_role(content: Any) -> None:
    del content["accessTokenRole"]


def _short(content: Any) -> None:
    content["accessDuration"] = 60


def _all_nodes(content: Any) -> None:
    content["targets"] = [{"Key": "InstanceIds", "Values": ["*"]}]


def _six_levels(content: Any) -> None:
    content["mainSteps"] *= 6


@pytest.mark.parametrize("spoil", [_without_role, _short, _all_nodes, _six_levels])
def test_manual_policy_of_another_form_is_rejected(ssm: Any, spoil: Any) -> None:
    content = deepcopy(MANUAL.content)
    spoil(content)
    with pytest.raises(ClientError) as refused:
        create_policy(ssm, Content=content)
    assert code(refused) == "InvalidDocumentContent"


def test_auto_policy_with_wrong_cedar_is_rejected(ssm: Any) -> None:
    content = deepcopy(AUTO.content)
    content["AutoApprovalPolicyDocuments"][0]["content"] = "permit(principal, action, resource)"
    with pytest.raises(ClientError) as refused:
        create_policy(ssm, AUTO, Content=content)
    assert code(refused) == "InvalidDocumentContent"
