"""Instance profiles (Terraform AWS provider: internal/service/iam/instance_profile.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

token = "aws:iam/instanceProfile:InstanceProfile"
trust = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def roles(aws: Any) -> Any:
    for name in ("first", "second"):
        aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return ["first", "second"]


def held(aws: Any, name: str) -> Any:
    return [
        role["RoleName"]
        for role in aws("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    ]


test_profile_refuses = refusals(token, {}, ({"name": "a b"}, "alphanumeric"), ({"name": "n" * 129}, "length"))


@pytest.mark.usefixtures("roles")
def test_outputs_of_a_profile(provider: Any) -> None:
    inputs = {"name": "controllers", "role": "first", "tags": {"a": "b"}}
    made = provider.up(token, "p", inputs)
    assert made.id == "controllers"
    assert made["arn"] == "arn:aws:iam::123456789012:instance-profile/controllers"
    assert made["uniqueId"]
    assert made["createDate"].endswith("Z")
    assert provider.unchanged(token, "p", inputs)


@pytest.mark.usefixtures("roles")
def test_role_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "role": "first"})
    assert not provider.diff(token, "p", {"name": "controllers", "role": "second"}).replaces
    provider.up(token, "p", {"name": "controllers", "role": "second"})
    assert held(aws, "controllers") == ["second"]
    provider.up(token, "p", {"name": "controllers"})
    assert held(aws, "controllers") == []


def test_profile_name_replaces(provider: Any) -> None:
    provider.up(token, "p", {"name": "controllers"})
    answer = provider.diff(token, "p", {"name": "other"})
    assert list(answer.replaces) == ["name"]
    assert answer.deleteBeforeReplace


def test_deleted_role_is_removed_from_the_profile(
    provider: Any, aws: Any, roles: list[str], refusing: Any, monkeypatch: Any
) -> None:
    from local.aws_provider.aws import ProviderSession  # noqa: PLC0415
    from local.aws_provider.failure import AwsError  # noqa: PLC0415

    provider.up(token, "p", {"name": "controllers", "role": roles[0]})
    request = refusing("nothing")

    def without_the_role(self: ProviderSession, service: str, where: str, operation: str, **arguments: Any) -> Any:
        if operation == "GetRole":
            raise AwsError("iam:GetRole", "NoSuchEntity", "not found")
        return request(self, service, where, operation, **arguments)

    monkeypatch.setattr(ProviderSession, "request", without_the_role)
    assert "role" not in provider.refresh(token, "p").outputs
    assert held(aws, "controllers") == []


@pytest.mark.usefixtures("roles")
def test_profile_deletion_removes_the_role_first(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "role": "first"})
    provider.destroy(token, "p")
    assert aws("iam").list_instance_profiles()["InstanceProfiles"] == []


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "tags": {"a": "1", "b": "2"}})
    provider.up(token, "p", {"name": "controllers", "tags": {"b": "3"}})
    profile = aws("iam").get_instance_profile(InstanceProfileName="controllers")["InstanceProfile"]
    assert profile["Tags"] == [{"Key": "b", "Value": "3"}]


def test_profile_import_by_name_and_deletion_are_read(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers"})
    assert provider.take_over(token, "q", "controllers").inputs["name"] == "controllers"
    aws("iam").delete_instance_profile(InstanceProfileName="controllers")
    assert provider.refresh(token, "p") is None
    provider.destroy(token, "p")
