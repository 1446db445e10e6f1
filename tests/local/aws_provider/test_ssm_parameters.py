"""Parameters (Terraform AWS provider: internal/service/ssm/parameter.go)."""

from typing import Any

import pytest

from local.aws_provider import wire
from local.aws_provider.wire import UNKNOWN, Secret
from tests.local.aws_provider.conftest import refusals

parameter = "aws:ssm/parameter:Parameter"
string = {"name": "/a/b", "type": "String", "value": "v"}


test_parameter_refuses = refusals(
    parameter,
    string,
    ({"type": "Text"}, "SecureString"),
    ({"insecureValue": "x"}, "one of `value,insecureValue,valueWo` must be specified"),
    ({"value": None}, "must be specified, got none"),
    ({"description": "x" * 1025}, "length"),
    ({"name": "x" * 2049}, "length"),
)


def test_value_is_always_secret(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert made.outputs["value"] == Secret("v")
    refreshed = provider.refresh(parameter, "p")
    assert refreshed.outputs["value"] == refreshed.inputs["value"] == Secret("v")


def test_insecure_value_is_shown(provider: Any) -> None:
    inputs = {"name": "p", "type": "String", "insecureValue": "v"}
    assert provider.up(parameter, "p", inputs).outputs["insecureValue"] == "v"
    assert provider.unchanged(parameter, "p", inputs)


def test_secure_string_cannot_be_insecure(provider: Any) -> None:
    with pytest.raises(Exception, match="cannot be used with type SecureString"):
        provider.up(parameter, "p", {"name": "p", "type": "SecureString", "insecureValue": "v"})


def test_arn_has_no_second_slash(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert (made.id, made["arn"]) == ("/a/b", "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b")
    assert (made["version"], made["tier"], made["dataType"]) == (1, "Standard", "text")


def test_parameter_that_exists_is_an_error(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/a/b", Type="String", Value="old")
    with pytest.raises(Exception, match="ssm:PutParameter failed with ParameterAlreadyExists"):
        provider.up(parameter, "p", string)


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


def test_parameter_name_replaces(provider: Any) -> None:
    provider.up(parameter, "p", string)
    answer = provider.diff(parameter, "p", {**string, "name": "c"})
    assert list(answer.replaces) == ["name"]
    assert answer.deleteBeforeReplace


def test_drift_of_the_value_is_found(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    aws("ssm").put_parameter(Name="/a/b", Value="other", Overwrite=True)
    provider.refresh(parameter, "p")
    assert list(provider.diff(parameter, "p", string).diffs) == ["value"]


def test_parameter_deletion_is_read(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    aws("ssm").delete_parameter(Name="/a/b")
    assert provider.refresh(parameter, "p") is None
    provider.destroy(parameter, "p")


def test_import_brings_the_value_as_a_secret(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/a/b", Type="SecureString", Value="v")
    taken = provider.take_over(parameter, "p", "/a/b")
    assert taken.inputs["value"] == Secret("v")
    assert wire.plain(taken.inputs)["type"] == "SecureString"
