"""Approval policies of just-in-time node access, as far as AWS documents them (`extension/documents.py`)."""

import json
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.just_in_time.documents import policy_documents
from components.just_in_time.names import AUTO_APPROVAL_NAME, DENY_ACCESS_NAME
from components.just_in_time.settings import JustInTimeSettings
from tests.components.just_in_time.examples import approval

MANUAL, AUTO = policy_documents(JustInTimeSettings.model_validate(approval()["justInTime"]))


def create(ssm: Any, document: Any = MANUAL, **changed: Any) -> None:
    request = {"Name": document.name, "DocumentType": document.type, "Content": document.content, **changed}
    ssm.create_document(**{**request, "Content": json.dumps(request["Content"])})


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("document", [MANUAL, AUTO], ids=["manual", "auto"])
def test_policies_are_created_without_readable_permissions(ssm: Any, document: Any) -> None:
    create(ssm, document)
    assert ssm.describe_document(Name=document.name)["Document"]["DocumentType"] == document.type
    listed = ssm.list_documents(Filters=[{"Key": "DocumentType", "Values": [document.type]}])["DocumentIdentifiers"]
    assert [each["Name"] for each in listed] == [document.name]
    with pytest.raises(ClientError) as refused:
        ssm.describe_document_permission(Name=document.name, PermissionType="Share")
    assert code(refused) == "InvalidDocumentOperation"


def test_auto_approval_policy_has_a_fixed_name(ssm: Any) -> None:
    with pytest.raises(ClientError) as refused:
        create(ssm, AUTO, Name="AnotherAutoApprovalPolicy")
    assert code(refused) == "ValidationException"
    create(ssm, AUTO)
    with pytest.raises(ClientError) as refused:
        create(ssm, AUTO)
    assert code(refused) == "DocumentAlreadyExists"
    assert AUTO.name == AUTO_APPROVAL_NAME


def test_content_of_the_deny_policy_is_not_validated(ssm: Any) -> None:
    create(ssm, AUTO, Name=DENY_ACCESS_NAME, Content={"schemaVersion": "0.3", "unknown": True})


def test_account_has_50_manual_policies_per_region(ssm: Any, connect: Any) -> None:
    for number in range(50):
        create(ssm, Name=f"Policy{number}")
    with pytest.raises(ClientError) as refused:
        create(ssm)
    assert code(refused) == "DocumentLimitExceeded"
    create(connect("ssm", "us-east-1"))


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
        create(ssm, Content=content)
    assert code(refused) == "InvalidDocumentContent"


def test_auto_policy_with_wrong_cedar_is_rejected(ssm: Any) -> None:
    content = deepcopy(AUTO.content)
    content["AutoApprovalPolicyDocuments"][0]["content"] = "permit(principal, action, resource)"
    with pytest.raises(ClientError) as refused:
        create(ssm, AUTO, Content=content)
    assert code(refused) == "InvalidDocumentContent"
