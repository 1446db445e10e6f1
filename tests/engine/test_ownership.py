"""Tags that another tool removes from governed documents, on the real engine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.session_manager.document import DOCUMENT_NAME
from local.emulator.fixtures import TRAIL_BUCKET
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

THEIRS = {
    "schemaVersion": "1.0",
    "description": "made by another tool",
    "sessionType": "Standard_Stream",
    "inputs": {"idleSessionTimeout": 45, "runAsEnabled": "false", "shellProfile": {"linux": "export SECRET=hunter2"}},
}
RUNBOOK = "AllowStartSsmSession"
PLAIN = {"sessionDataEncryption": False, "createCwLogGroup": False, "cwLogGroupName": ""}
"""Nothing but the document, whose tags are removed."""
CONFIGURATION: dict[str, Any] = {
    "tags": {"owner": "platform-security"},
    "sessionManager": PLAIN | {"maxSessionDuration": 60},
    "approval": {
        "approvers": [{"type": "IamRole", "name": "Approver", "minRequiredApprovals": 1}],
        "operatorRoles": ["Operator"],
    },
}
OWNERSHIP = {"shell-access:owner", "shell-access:prior-version"}


def tags(ssm: Any, name: str) -> dict[str, str]:
    listed = ssm.list_tags_for_resource(ResourceType="Document", ResourceId=name)["TagList"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def remove_tags(ssm: Any) -> None:
    """Remove every tag, as a tool does that sets its own."""
    for name in (DOCUMENT_NAME, RUNBOOK):
        ssm.remove_tags_from_resource(ResourceType="Document", ResourceId=name, TagKeys=list(tags(ssm, name)))


def record_management_events(aws: Callable[..., Any]) -> None:
    """Create the trail that the alarms of session approval need."""
    trail = aws("cloudtrail")
    trail.create_trail(Name="organization", S3BucketName=TRAIL_BUCKET.name, IsMultiRegionTrail=True)
    trail.start_logging(Name="organization")


def verify(stack: Stack) -> dict[str, str]:
    found = json.loads(stack.operate("verify", "--json").stdout)["regions"]["eu-west-1"]
    return {each["check"]: each["status"] for each in found if each["status"] not in ("ok", "warning")}


def test_removed_tags_are_drift_and_lose_nothing(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm = aws("ssm")
    record_management_events(aws)
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", Content=json.dumps(THEIRS))
    stack.configure(CONFIGURATION)
    shown = stack.up().succeeded().text
    assert "idleSessionTimeout: 45 -> 20" in shown
    for name in (DOCUMENT_NAME, RUNBOOK):
        assert tags(ssm, name).items() >= {"owner": "platform-security"}.items()
        assert tags(ssm, name).keys() >= OWNERSHIP
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    assert "hunter2" not in json.dumps(stack.state())

    remove_tags(ssm)
    assert {"document-owner", "document-prior-version"} <= verify(stack).keys()
    stack.preview("--expect-no-changes").succeeded()
    drift = stack.up("--refresh").succeeded()
    assert any(name.startswith("SessionPreferences:") for name in drift.diffs)
    assert any(name.startswith("Document:") for name in drift.diffs)
    assert tags(ssm, DOCUMENT_NAME)["shell-access:prior-version"] == "1"
    assert tags(ssm, RUNBOOK).keys() >= OWNERSHIP
    assert verify(stack) == {}
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    remove_tags(ssm)
    stack.configure(CONFIGURATION | {"sessionManager": PLAIN | {"maxSessionDuration": 30}})
    stack.up().succeeded()
    assert tags(ssm, DOCUMENT_NAME)["shell-access:prior-version"] == "1"
    remove_tags(ssm)
    stack.destroy().succeeded()
    assert json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"]) == THEIRS
    assert tags(ssm, DOCUMENT_NAME) == {}
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.describe_document(Name=RUNBOOK)
