"""Parameters (Terraform AWS provider: internal/service/ssm/parameter.go)."""

from typing import Any

import pytest

from local.aws_provider import wire
from local.aws_provider.wire import UNKNOWN, Secret

parameter = "aws:ssm/parameter:Parameter"
string = {"name": "/a/b", "type": "String", "value": "v"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "Text"}, "SecureString"),
        ({"insecureValue": "x"}, "one of `value,insecureValue,valueWo` must be specified"),
        ({"value": None}, "must be specified, got none"),
        ({"value": None, "valueWo": "x"}, "valueWoVersion must be specified"),
        ({"valueWoVersion": 1}, "valueWo must be specified"),
        ({"dataType": "image"}, "aws:ec2:image"),
        ({"tier": "Free"}, "Intelligent-Tiering"),
        ({"description": "x" * 1025}, "length"),
        ({"name": "x" * 2049}, "length"),
    ],
)
def test_a_parameter_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(parameter, "p", {**string, **change})


def test_the_value_is_always_secret(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert made.outputs["value"] == Secret("v")
    refreshed = provider.refresh(parameter, "p")
    assert refreshed.outputs["value"] == refreshed.inputs["value"] == Secret("v")


def test_an_insecure_value_is_shown(provider: Any) -> None:
    inputs = {"name": "p", "type": "String", "insecureValue": "v"}
    assert provider.up(parameter, "p", inputs).outputs["insecureValue"] == "v"
    assert provider.unchanged(parameter, "p", inputs)


def test_a_secure_string_cannot_be_insecure(provider: Any) -> None:
    with pytest.raises(Exception, match="cannot be used with type SecureString"):
        provider.up(parameter, "p", {"name": "p", "type": "SecureString", "insecureValue": "v"})


def test_a_write_only_value_is_never_stored(provider: Any, aws: Any) -> None:
    inputs = {"name": "p", "type": "SecureString", "valueWo": "v", "valueWoVersion": 1}
    made = provider.up(parameter, "p", inputs)
    assert not {"value", "valueWo"} & set(made.outputs)
    assert aws("ssm").get_parameter(Name="p", WithDecryption=True)["Parameter"]["Value"] == "v"
    provider.up(parameter, "p", {**inputs, "valueWo": "w", "valueWoVersion": 2})
    assert aws("ssm").get_parameter(Name="p", WithDecryption=True)["Parameter"]["Value"] == "w"


def test_the_arn_has_no_second_slash(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert (made.id, made["arn"]) == ("/a/b", "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b")
    assert (made["version"], made["tier"], made["dataType"]) == (1, "Standard", "text")


def test_creating_what_exists_is_an_error_unless_told_to_overwrite(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/a/b", Type="String", Value="old")
    with pytest.raises(Exception, match="ssm:PutParameter failed with ParameterAlreadyExists"):
        provider.up(parameter, "p", string)
    made = provider.up(parameter, "p", {**string, "overwrite": True, "tags": {"a": "b"}})
    assert made["version"] == 2
    assert made["tags"] == {"a": "b"}


def test_value_type_and_description_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    news = {**string, "type": "SecureString", "value": "w", "description": "d"}
    planned = provider.preview(parameter, "p", news)
    assert planned["version"] is UNKNOWN
    assert provider.up(parameter, "p", news)["version"] == 2
    assert aws("ssm").get_parameter(Name="/a/b")["Parameter"]["Type"] == "SecureString"
    assert provider.unchanged(parameter, "p", news)


def test_tags_and_value_change_together(provider: Any) -> None:
    provider.up(parameter, "p", {**string, "tags": {"a": "1", "b": "2"}})
    assert provider.up(parameter, "p", {**string, "value": "w", "tags": {"a": "3"}})["tagsAll"] == {"a": "3"}


def test_another_name_or_data_type_replaces(provider: Any) -> None:
    provider.up(parameter, "p", string)
    answer = provider.diff(parameter, "p", {**string, "name": "c", "dataType": "aws:ec2:image"})
    assert set(answer.replaces) == {"name", "dataType"}
    assert answer.deleteBeforeReplace


@pytest.mark.parametrize(
    ("old", "new", "changed", "replaced"),
    [
        ("Standard", "Advanced", True, False),
        ("Advanced", "Standard", True, True),
        ("Advanced", "Intelligent-Tiering", False, False),
        ("Advanced", None, False, False),
    ],
)
def test_only_a_step_down_in_tier_replaces(provider: Any, old: Any, new: Any, changed: Any, replaced: Any) -> None:
    provider.up(parameter, "p", {**string, "tier": old})
    answer = provider.diff(parameter, "p", {**string, "tier": new})
    assert (bool(answer.diffs), bool(answer.replaces)) == (changed, replaced)


def test_drift_of_the_value_is_found(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    aws("ssm").put_parameter(Name="/a/b", Value="other", Overwrite=True)
    provider.refresh(parameter, "p")
    assert list(provider.diff(parameter, "p", string).diffs) == ["value"]


def test_a_parameter_deleted_by_hand_is_gone(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    aws("ssm").delete_parameter(Name="/a/b")
    assert provider.refresh(parameter, "p") is None
    provider.destroy(parameter, "p")


def test_an_import_brings_the_value_as_a_secret(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/a/b", Type="SecureString", Value="v")
    taken = provider.take_over(parameter, "p", "/a/b")
    assert taken.inputs["value"] == Secret("v")
    assert wire.plain(taken.inputs)["type"] == "SecureString"
