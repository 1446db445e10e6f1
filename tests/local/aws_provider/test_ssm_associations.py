"""Associations (Terraform AWS provider: internal/service/ssm/association.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

association = "aws:ssm/association:Association"
given: dict[str, Any] = {
    "name": "AWS-UpdateSSMAgent",
    "associationName": "agents",
    "scheduleExpression": "rate(14 days)",
    "maxConcurrency": "10%",
    "maxErrors": "5%",
    "parameters": {"allowDowngrade": "false"},
    "targets": [{"key": "InstanceIds", "values": ["*"]}],
    "tags": {"owner": "security"},
}


def described(aws: Any, id_: str) -> dict[str, Any]:
    return aws("ssm").describe_association(AssociationId=id_)["AssociationDescription"]


def test_association_is_known_by_its_id(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    assert made.id == made["associationId"] == described(aws, made.id)["AssociationId"]
    assert made["arn"] == f"arn:aws:ssm:eu-west-1:123456789012:association/{made.id}"
    assert (made["documentVersion"], made["applyOnlyAtCronInterval"]) == ("$DEFAULT", False)
    assert provider.unchanged(association, "agents", given)


def test_association_update_sends_all_arguments(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    changed = {key: value for key, value in given.items() if key != "maxErrors"} | {"scheduleExpression": "rate(1 day)"}
    assert not provider.diff(association, "agents", changed).replaces
    provider.up(association, "agents", changed)
    found = described(aws, made.id)
    assert (found["ScheduleExpression"], found["AssociationName"]) == ("rate(1 day)", "agents")
    assert found["Parameters"] == {"allowDowngrade": ["false"]}
    assert "MaxErrors" not in found
    assert provider.unchanged(association, "agents", changed)


def test_another_document_replaces(provider: Any, aws: Any) -> None:
    assert aws
    provider.up(association, "agents", given)
    assert list(provider.diff(association, "agents", {**given, "name": "AWS-RunPatchBaseline"}).replaces) == ["name"]


def test_tags_of_an_association_change_on_their_own(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    provider.up(association, "agents", {**given, "tags": {"stage": "prod"}})
    tags = aws("ssm").list_tags_for_resource(ResourceType="Association", ResourceId=made.id)["TagList"]
    assert tags == [{"Key": "stage", "Value": "prod"}]
    assert described(aws, made.id)["AssociationVersion"] == "1"


def test_association_deletion_is_read(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    aws("ssm").delete_association(AssociationId=made.id)
    assert provider.refresh(association, "agents") is None


def test_unknown_document_is_an_error(provider: Any, aws: Any) -> None:
    assert aws
    with pytest.raises(Exception, match="ssm:CreateAssociation failed with InvalidDocument"):
        provider.up(association, "agents", {**given, "name": "Ours"})


test_what_upstream_refuses_of_an_association = refusals(
    association,
    given,
    ({"associationName": "a b"}, "alphanumeric"),
    ({"maxConcurrency": "0"}, "valid number"),
    ({"maxErrors": "101%"}, "valid number"),
    ({"targets": [{"key": "InstanceIds", "values": ["*"]}] * 6}, "5"),
    ({"waitForSuccessTimeoutSeconds": 10}, "not supported|stand-in|refused"),
)
