"""A program of another team that imports components, on the engine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.adoption.document_ownership import OWNER_TAG
from components.session_manager.document import DOCUMENT_NAME
from local.workspace import REPOSITORY
from tests.support.stack import Stack

pytestmark = pytest.mark.engine


def test_other_program_deploys_and_destroys_components(
    new_stack: Callable[..., Stack], aws: Callable[..., Any]
) -> None:
    stack = new_stack("baseline", REPOSITORY / "examples" / "other-program")
    stack.configure()
    made = stack.up().succeeded().steps
    assert {
        "Role:build-agent",
        "RolePolicyAttachment:build-agent-0",
        "SessionPreferences:session-manager-eu-west-1",
    } <= {*made}
    document = json.loads(aws("ssm").get_document(Name=DOCUMENT_NAME)["Content"])
    assert document["inputs"]["idleSessionTimeout"] == "15"
    tags = aws("ssm").list_tags_for_resource(ResourceType="Document", ResourceId=DOCUMENT_NAME)["TagList"]
    assert {"Key": OWNER_TAG, "Value": "organization/platform-baseline/baseline"} in tags
    outputs = stack.outputs()
    assert outputs["runbook"] == "AllowStartSsmSession"
    groups = aws("ec2").describe_security_groups(GroupIds=outputs["securityGroups"])["SecurityGroups"]
    admitted = {
        network["CidrIp"] for group in groups for rule in group["IpPermissions"] for network in rule["IpRanges"]
    }
    assert "10.10.0.0/16" in admitted
    assert stack.preview().succeeded().steps == {}
    stack.destroy().succeeded()
    with pytest.raises(aws("ssm").exceptions.InvalidDocument):
        aws("ssm").describe_document(Name=DOCUMENT_NAME)
