import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator import change_settings

API = "https://docs.aws.amazon.com/systems-manager/latest/APIReference"
NAME = "SSM-SessionManagerRunShell"
INPUTS = {
    "s3BucketName": "",
    "s3KeyPrefix": "",
    "s3EncryptionEnabled": False,
    "cloudWatchLogGroupName": "",
    "cloudWatchEncryptionEnabled": False,
    "cloudWatchStreamingEnabled": False,
    "kmsKeyId": "",
    "runAsEnabled": False,
    "runAsDefaultUser": "",
    "idleSessionTimeout": "20",
}
STEP = {"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}
APPROVERS = {"Approvers": [{"approver": "a", "type": "IamRole"}]}
TEMPLATE = {
    "schemaVersion": "0.3",
    "templateInformation": "What it does",
    "executableRunBooks": [{"name": "runbook"}],
    "mainSteps": [{"name": "Wait", "action": "aws:approve", "inputs": {"EnhancedApprovals": APPROVERS}}],
}
RUNBOOKS = {
    "Automation": json.dumps({"schemaVersion": "0.3", "mainSteps": [STEP]}),
    "Automation.ChangeTemplate": json.dumps(TEMPLATE),
}


def content(**inputs: Any) -> Any:
    document = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {**INPUTS, **inputs}}
    return json.dumps(document)


def create(ssm: Any, text: Any = None, **arguments: Any) -> Any:
    request = {"Name": NAME, "DocumentType": "Session", "Content": text or content(), **arguments}
    return ssm.create_document(**request)["DocumentDescription"]


def update(ssm: Any, version: Any = "$LATEST", **inputs: Any) -> Any:
    answer = ssm.update_document(Name=NAME, DocumentVersion=version, Content=content(**inputs))
    return answer["DocumentDescription"]


def three_versions(ssm: Any) -> Any:
    """Versions 1 to 3 with idle timeouts 20, 21 and 22; the default is 2."""
    create(ssm)
    update(ssm, idleSessionTimeout="21")
    update(ssm, idleSessionTimeout="22")
    ssm.update_document_default_version(Name=NAME, DocumentVersion="2")


def idle(document: Any) -> Any:
    return json.loads(document["Content"])["inputs"]["idleSessionTimeout"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({}, "21"),
        ({"DocumentVersion": "$DEFAULT"}, "21"),
        ({"DocumentVersion": "$LATEST"}, "22"),
        ({"DocumentVersion": "1"}, "20"),
    ],
    ids=["none", "default", "latest", "number"],
)
def test_version_is_found_by_number_and_name(ssm: Any, version: Any, expected: Any) -> None:
    """API_GetDocument and API_DescribeDocument, DocumentVersion."""
    three_versions(ssm)
    document = ssm.get_document(Name=NAME, **version)
    assert idle(document) == expected
    described = ssm.describe_document(Name=NAME, **version)["Document"]
    assert described["DocumentVersion"] == document["DocumentVersion"]
    assert (described["DefaultVersion"], described["LatestVersion"]) == ("2", "3")


def test_version_is_found_by_its_version_name(ssm: Any) -> None:
    """API_GetDocument, VersionName."""
    create(ssm, VersionName="first")
    assert ssm.get_document(Name=NAME, VersionName="first")["DocumentVersion"] == "1"
    with pytest.raises(ssm.exceptions.InvalidDocumentVersion):
        ssm.get_document(Name=NAME, VersionName="second")


@pytest.mark.parametrize("call", ["get_document", "describe_document"])
def test_version_that_is_not_there_is_an_invalid_version(ssm: Any, call: Any) -> None:
    """API_GetDocument and API_DescribeDocument, errors."""
    create(ssm)
    with pytest.raises(ssm.exceptions.InvalidDocumentVersion):
        getattr(ssm, call)(Name=NAME, DocumentVersion="2")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("get_document", {}),
        ("describe_document", {}),
        ("delete_document", {}),
        ("list_document_versions", {}),
        ("update_document", {"Content": content(), "DocumentVersion": "$LATEST"}),
        ("update_document_default_version", {"DocumentVersion": "1"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_that_is_not_there_is_an_invalid_document(ssm: Any, call: Any, arguments: Any) -> None:
    """InvalidDocument in the errors of each of these actions."""
    with pytest.raises(ssm.exceptions.InvalidDocument):
        getattr(ssm, call)(Name=NAME, **arguments)


def test_update_applies_to_latest_and_leaves_default_version(ssm: Any) -> None:
    """API_UpdateDocument: only the latest version can be updated."""
    create(ssm)
    assert update(ssm, idleSessionTimeout="21")["DocumentVersion"] == "2"
    assert update(ssm, version="2", idleSessionTimeout="22")["DocumentVersion"] == "3"
    assert ssm.describe_document(Name=NAME)["Document"]["DefaultVersion"] == "1"
    for version in ("1", "2", "4", "$DEFAULT"):
        with pytest.raises(ssm.exceptions.InvalidDocumentVersion, match="is not latest"):
            update(ssm, version=version, idleSessionTimeout="23")
    with pytest.raises(ssm.exceptions.InvalidDocumentVersion, match="is not latest"):
        ssm.update_document(Name=NAME, Content=content(idleSessionTimeout="23"))


@pytest.mark.parametrize("version", ["$LATEST", "$DEFAULT"])
def test_default_version_is_set_by_number_only(ssm: Any, version: Any) -> None:
    """API_UpdateDocumentDefaultVersion: the pattern of DocumentVersion is `(^[1-9][0-9]*$)`."""
    create(ssm)
    with pytest.raises(ClientError, match="ValidationException"):
        ssm.update_document_default_version(Name=NAME, DocumentVersion=version)
    with pytest.raises(ssm.exceptions.InvalidDocumentVersion):
        ssm.update_document_default_version(Name=NAME, DocumentVersion="2")


def test_every_version_is_listed_page_by_page(ssm: Any) -> None:
    """API_ListDocumentVersions and API_DocumentVersionInfo."""
    create(ssm, VersionName="first")
    update(ssm, idleSessionTimeout="21")
    update(ssm, idleSessionTimeout="22")
    first = ssm.list_document_versions(Name=NAME, MaxResults=2)
    second = ssm.list_document_versions(Name=NAME, MaxResults=2, NextToken=first["NextToken"])
    assert "NextToken" not in second
    listed = {entry["DocumentVersion"]: entry for entry in first["DocumentVersions"] + second["DocumentVersions"]}
    assert sorted(listed) == ["1", "2", "3"]
    assert [number for number, entry in listed.items() if entry["IsDefaultVersion"]] == ["1"]
    assert listed["1"].pop("CreatedDate") is not None
    assert listed["1"] == {
        "Name": NAME,
        "DocumentVersion": "1",
        "VersionName": "first",
        "IsDefaultVersion": True,
        "DocumentFormat": "JSON",
        "Status": "Active",
    }


def test_token_or_page_size_that_cannot_be_is_refused(ssm: Any) -> None:
    """API_ListDocumentVersions: InvalidNextToken; MaxResults from 1 to 50."""
    create(ssm)
    with pytest.raises(ssm.exceptions.InvalidNextToken):
        ssm.list_document_versions(Name=NAME, NextToken="elsewhere")
    with pytest.raises(ClientError, match="ValidationException"):
        ssm.list_document_versions(Name=NAME, MaxResults=51)


def test_document_has_so_many_versions_at_most(ssm: Any, emulator: Any) -> None:
    """API_UpdateDocument, DocumentVersionLimitExceeded (1,000 versions; the limit is lowered here)."""
    assert change_settings(emulator.endpoint_url, {})["documentVersionLimit"] == 1000
    change_settings(emulator.endpoint_url, {"documentVersionLimit": 2})
    create(ssm)
    update(ssm, idleSessionTimeout="21")
    with pytest.raises(ssm.exceptions.DocumentVersionLimitExceeded):
        update(ssm, idleSessionTimeout="22")


def test_content_of_any_version_is_a_duplicate_by_default(ssm: Any, emulator: Any) -> None:
    """API_UpdateDocument, DuplicateDocumentContent; which versions AWS compares with is not documented."""
    create(ssm)
    update(ssm, idleSessionTimeout="21")
    for timeout in ("20", "21"):
        with pytest.raises(ssm.exceptions.DuplicateDocumentContent):
            update(ssm, idleSessionTimeout=timeout)
    change_settings(emulator.endpoint_url, {"duplicateDocumentContent": "latest"})
    with pytest.raises(ssm.exceptions.DuplicateDocumentContent):
        update(ssm, idleSessionTimeout="21")
    assert update(ssm, idleSessionTimeout="20")["DocumentVersion"] == "3"


def test_content_is_compared_as_text(ssm: Any) -> None:
    """The same JSON in another layout is other content (as moto has it; AWS does not say)."""
    create(ssm)
    indented = json.dumps(json.loads(content()), indent=2)
    answer = ssm.update_document(Name=NAME, DocumentVersion="$LATEST", Content=indented)
    assert answer["DocumentDescription"]["DocumentVersion"] == "2"
    assert ssm.get_document(Name=NAME, DocumentVersion="2")["Content"] == indented


def test_one_version_is_deleted_but_never_the_default(ssm: Any) -> None:
    """API_DeleteDocument."""
    three_versions(ssm)
    for version in ("2", "$DEFAULT"):
        with pytest.raises(ssm.exceptions.InvalidDocumentOperation, match="Default version"):
            ssm.delete_document(Name=NAME, DocumentVersion=version)
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.delete_document(Name=NAME, DocumentVersion="4")
    ssm.delete_document(Name=NAME, DocumentVersion="$LATEST")
    described = ssm.describe_document(Name=NAME)["Document"]
    assert (described["DefaultVersion"], described["LatestVersion"]) == ("2", "2")


def test_latest_version_is_found_by_number_after_a_deletion(ssm: Any) -> None:
    """API_DocumentDescription, LatestVersion: 10 comes after 9."""
    create(ssm)
    for timeout in range(21, 31):
        update(ssm, idleSessionTimeout=str(timeout))
    ssm.delete_document(Name=NAME, DocumentVersion="11")
    assert ssm.describe_document(Name=NAME)["Document"]["LatestVersion"] == "10"


def test_deleting_a_document_deletes_its_versions_and_tags(ssm: Any) -> None:
    """API_DeleteDocument: all versions, where none is named."""
    create(ssm, Tags=[{"Key": "owner", "Value": "platform"}])
    update(ssm, idleSessionTimeout="21")
    ssm.delete_document(Name=NAME)
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.describe_document(Name=NAME)
    assert create(ssm)["DocumentVersion"] == "1"
    assert ssm.list_tags_for_resource(ResourceType="Document", ResourceId=NAME)["TagList"] == []


def test_document_is_described_with_hash_status_and_platforms(ssm: Any) -> None:
    """API_DocumentDescription."""
    described = create(ssm)
    assert described["Hash"] == hashlib.sha256(content().encode()).hexdigest()
    assert described["HashType"] == "Sha256"
    assert described["Status"] == "Active"
    assert described["PlatformTypes"] == ["Windows", "Linux", "MacOS"]
    again = ssm.describe_document(Name=NAME)["Document"]
    assert again["PlatformTypes"] == described["PlatformTypes"]
    assert update(ssm, idleSessionTimeout="21")["PlatformTypes"] == described["PlatformTypes"]
    assert ssm.list_documents()["DocumentIdentifiers"][0]["PlatformTypes"] == described["PlatformTypes"]


@pytest.mark.parametrize("kind", RUNBOOKS)
def test_runbooks_and_change_templates_keep_their_type(ssm: Any, kind: Any) -> None:
    """API_CreateDocument, DocumentType; API_ListDocuments, Filters."""
    created = ssm.create_document(Name="runbook", DocumentType=kind, Content=RUNBOOKS[kind])["DocumentDescription"]
    assert created["DocumentType"] == kind
    assert created["PlatformTypes"] == ["Windows", "Linux", "MacOS"]
    assert ssm.describe_document(Name="runbook")["Document"]["DocumentType"] == kind
    filters = [{"Key": "DocumentType", "Values": [kind]}]
    assert [found["Name"] for found in ssm.list_documents(Filters=filters)["DocumentIdentifiers"]] == ["runbook"]
    changed = RUNBOOKS[kind].replace('"Wait"', '"WaitLonger"')
    updated = ssm.update_document(Name="runbook", DocumentVersion="$LATEST", Content=changed)
    assert updated["DocumentDescription"]["DocumentType"] == kind


def test_tags_of_a_document_are_kept_added_and_removed(ssm: Any) -> None:
    """API_CreateDocument (Tags), API_AddTagsToResource, API_RemoveTagsFromResource, API_ListTagsForResource."""
    create(ssm, Tags=[{"Key": "owner", "Value": "platform"}])
    of_document = {"ResourceType": "Document", "ResourceId": NAME}
    assert ssm.describe_document(Name=NAME)["Document"]["Tags"] == [{"Key": "owner", "Value": "platform"}]
    ssm.add_tags_to_resource(**of_document, Tags=[{"Key": "tier", "Value": "1"}])
    ssm.remove_tags_from_resource(**of_document, TagKeys=["owner"])
    assert ssm.list_tags_for_resource(**of_document)["TagList"] == [{"Key": "tier", "Value": "1"}]
    with pytest.raises(ssm.exceptions.InvalidResourceId):
        ssm.list_tags_for_resource(ResourceType="Document", ResourceId="another")


def test_document_that_exists_is_not_created_again(ssm: Any) -> None:
    """API_CreateDocument, DocumentAlreadyExists."""
    create(ssm)
    with pytest.raises(ssm.exceptions.DocumentAlreadyExists):
        create(ssm)


def test_version_name_is_used_once(ssm: Any) -> None:
    """API_UpdateDocument, DuplicateDocumentVersionName."""
    create(ssm, VersionName="first")
    with pytest.raises(ssm.exceptions.DuplicateDocumentVersionName):
        ssm.update_document(
            Name=NAME, DocumentVersion="$LATEST", VersionName="first", Content=content(idleSessionTimeout="21")
        )


def test_document_is_at_most_64_kilobytes(ssm: Any) -> None:
    """API_CreateDocument, MaxDocumentSizeExceeded."""
    with pytest.raises(ssm.exceptions.MaxDocumentSizeExceeded):
        create(ssm, content() + " " * 65536)


def test_documents_of_regions_are_apart(connect: Any) -> None:
    """Documents are Regional: https://docs.aws.amazon.com/systems-manager/latest/userguide/documents.html."""
    create(connect("ssm"))
    with pytest.raises(ClientError, match="InvalidDocument"):
        connect("ssm", "us-east-1").get_document(Name=NAME)
