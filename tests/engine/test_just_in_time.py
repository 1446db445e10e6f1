"""Approval policies of just-in-time node access, on the real engine: prerequisites, adoption, drift, restoration."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.just_in_time.documents import policy_documents
from components.just_in_time.names import (
    AUTO_APPROVAL,
    AUTO_APPROVAL_NAME,
    DENY_ACCESS_NAME,
    IDENTITY_PROVIDER_SETTING,
    MANAGED_TAG,
    MANUAL_APPROVAL,
    TOKEN_ROLE,
)
from components.just_in_time.settings import JustInTimeSettings
from components.session_manager.names import DATA_KEY_ALIAS
from tests.components.just_in_time.examples import approval, auto, manual
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

KEY = "shell-access:approval.justInTime"
OF_ORGANIZATION = {"schemaVersion": "0.3", "description": "of the organization"}
EVERYTHING: dict[str, Any] = {
    "sessionManager": {"sessionDataEncryption": True, "maxSessionDuration": 60},
    "approval": approval([manual(), manual("Web", targets={"Tier": ["web"]})]),
}


def content_of(section: Any) -> dict[str, str]:
    settings = JustInTimeSettings.model_validate(section["justInTime"])
    return {each.name: json.dumps(each.content) for each in policy_documents(settings)}


def live(ssm: Any, name: str) -> Any:
    return json.loads(ssm.get_document(Name=name)["Content"])


def node(aws: Callable[..., Any], name: str) -> str:
    filters = [{"Name": "tag:Name", "Values": [name]}]
    return aws("ec2").describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]["InstanceId"]


def unequal(stack: Stack) -> dict[str, str]:
    """Return the status of each check that is not OK."""
    regions = json.loads(stack.operate("verify", "--json").stdout)["regions"]
    return {each["check"]: each["status"] for several in regions.values() for each in several if each["status"] != "ok"}


def test_policies_are_published_repaired_and_restored(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm, iam, kms = aws("ssm"), aws("iam"), aws("kms")
    theirs = content_of(approval(auto_approvals=[auto("theirs")]))
    ssm.create_document(Name=AUTO_APPROVAL_NAME, DocumentType=AUTO_APPROVAL, Content=theirs[AUTO_APPROVAL_NAME])
    ssm.create_document(Name=DENY_ACCESS_NAME, DocumentType=AUTO_APPROVAL, Content=json.dumps(OF_ORGANIZATION))
    ssm.create_document(Name="Theirs", DocumentType=MANUAL_APPROVAL, Content=theirs["Databases"])
    stack.configure(EVERYTHING)
    refused = stack.preview().failed()
    assert f"{KEY}: expected the role {TOKEN_ROLE} to exist" in refused.text
    assert (
        f"{KEY}.manualPolicies.0.targets.Tier: expected each tag in one policy, got Tier=database, which the policy Theirs"
        in refused.text
    )

    iam.create_role(
        RoleName=TOKEN_ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    ssm.delete_document(Name="Theirs")
    preview = stack.preview().succeeded()
    assert f"Set {IDENTITY_PROVIDER_SETTING} to SSO" in preview.text
    assert f"{DENY_ACCESS_NAME} is in force in eu-west-1 and stays as it is" in preview.text
    ssm.update_service_setting(SettingId=IDENTITY_PROVIDER_SETTING, SettingValue="SSO")
    stack.up().succeeded()
    for name, text in content_of(EVERYTHING["approval"]).items():
        assert live(ssm, name) == json.loads(text)
    key = kms.describe_key(KeyId=DATA_KEY_ALIAS)["KeyMetadata"]["KeyId"]
    tags = {each["TagKey"]: each["TagValue"] for each in kms.list_resource_tags(KeyId=key)["Tags"]}
    assert MANAGED_TAG.items() <= tags.items()
    assert stack.outputs()["approval"]["policies"] == ["Databases", "Web", AUTO_APPROVAL_NAME]
    assert stack.outputs()["approval"]["mode"] == "just-in-time"
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    # No node of the local AWS has a tag of these policies.
    assert unequal(stack) == {"access-nodes": "warning"}
    assert "no manual policy applies" in stack.operate("access", "who-can", "app-1").stdout

    kms.untag_resource(KeyId=key, TagKeys=list(MANAGED_TAG))
    aws("ec2").create_tags(Resources=[node(aws, "app-1")], Tags=[{"Key": "Tier", "Value": "web"}])
    ssm.update_document(Name="Web", DocumentVersion="$LATEST", Content=theirs["Databases"])
    ssm.update_document_default_version(Name="Web", DocumentVersion="2")
    ssm.delete_document(Name="Databases")
    assert set(unequal(stack)) == {
        "access-manual-Databases",
        "access-manual-Web-content",
        "access-nodes",
        "data-key-tags",
    }
    stack.up("--refresh").succeeded()
    assert json.loads(stack.operate("access", "who-can", "app-1", "--json").stdout)["outcome"] == "manual"
    for name, text in content_of(EVERYTHING["approval"]).items():
        assert live(ssm, name) == json.loads(text)

    stack.destroy().succeeded()
    assert live(ssm, AUTO_APPROVAL_NAME) == json.loads(theirs[AUTO_APPROVAL_NAME])
    assert live(ssm, DENY_ACCESS_NAME) == OF_ORGANIZATION
    filters = [{"Key": "DocumentType", "Values": [MANUAL_APPROVAL]}]
    assert ssm.list_documents(Filters=filters)["DocumentIdentifiers"] == []
