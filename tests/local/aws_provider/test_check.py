"""Automatic names (Pulumi's Terraform bridge) and `@region` (Terraform AWS provider)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from local.aws_provider import check, lifecycle
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Naming

alias = "aws:kms/alias:Alias"
group = "aws:cloudwatch/logGroup:LogGroup"
parameter = "aws:ssm/parameter:Parameter"
string = {"type": "String", "value": "v"}


@given(st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=40), st.binary(min_size=1))
def test_name_is_the_logical_name_and_seven_hex_digits(logical: str, seed: bytes) -> None:
    name = check.automatic_name(logical, Naming(), seed)
    assert re.fullmatch(re.escape(logical) + "-[0-9a-f]{7}", name)
    assert check.automatic_name(logical, Naming(), seed) == name


@given(st.integers(1, 80))
def test_name_too_long_is_an_error_never_shortened(size: int) -> None:
    rule = Naming(longest=64)
    if size + 1 + 7 <= 64:
        assert len(check.automatic_name("n" * size, rule, b"s")) == size + 8
    else:
        with pytest.raises(InvalidInputError, match="plus 7 random chars is longer than maximum length 64"):
            check.automatic_name("n" * size, rule, b"s")


def test_another_seed_gives_another_name() -> None:
    assert check.automatic_name("a", Naming(), b"1") != check.automatic_name("a", Naming(), b"2")


def test_prefix_is_put_in_front_once() -> None:
    rule = Naming(prefix="alias/")
    assert check.automatic_name("data", rule, b"s").startswith("alias/data-")
    assert check.automatic_name("alias/data", rule, b"s").startswith("alias/data-")


def test_bucket_names_are_lowered() -> None:
    assert check.automatic_name("Logs", Naming(lower=True), b"s").startswith("logs-")


@pytest.mark.parametrize(
    ("given_id", "split"),
    [
        ("name@us-east-1", ("name", "us-east-1")),
        ("name@us-gov-west-1", ("name", "us-gov-west-1")),
        ("name", ("name", None)),
        ("a@b", ("a@b", None)),
        ("a@b@eu-west-1", ("a@b", "eu-west-1")),
    ],
)
def test_import_id_may_end_in_a_region(given_id: str, split: Any) -> None:
    assert lifecycle.split_region(given_id) == split


def test_automatic_name_is_a_default_and_stays(provider: Any) -> None:
    first = provider.up(parameter, "p", string)
    assert "name" in first.inputs["__defaults"]
    assert provider.check(parameter, "p", string, seed=b"other")["name"] == first.inputs["name"]


def test_explicit_name_stays_when_it_is_dropped(provider: Any) -> None:
    provider.up(parameter, "p", {**string, "name": "mine"})
    assert provider.check(parameter, "p", string)["name"] == "mine"


def test_random_part_counts_against_the_limit_of_the_type(provider: Any) -> None:
    with pytest.raises(Exception, match="longer than maximum length 64"):
        provider.check("aws:iam/role:Role", "r" * 57, {"assumeRolePolicy": "{}"})


@pytest.mark.parametrize(("mode", "expected"), [("PROPOSE", "alias/wanted"), ("ENFORCE", "wanted")])
def test_stack_can_choose_the_name(provider: Any, mode: str, expected: str) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions(
        proposed_name="wanted", mode=provider_pb2.CheckRequest.AutonamingOptions.Mode.Value(mode)
    )
    token = alias if mode == "PROPOSE" else parameter
    inputs = {"targetKeyId": "k"} if mode == "PROPOSE" else string
    assert provider.check(token, "a", inputs, autonaming=options)["name"] == expected


def test_stack_can_forbid_automatic_names(provider: Any) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions(mode=provider_pb2.CheckRequest.AutonamingOptions.Mode.DISABLE)
    with pytest.raises(Exception, match="automatic naming is disabled"):
        provider.check(parameter, "p", string, autonaming=options)


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ("arn:aws:cloudtrail:us-east-1:123456789012:trail/all", "us-east-1"),
        ("arn:aws:iam::123456789012:policy/p", None),
        ("arn:aws:s3", None),
        ("alias/data", None),
    ],
)
def test_arn_names_a_region(given: str, region: str | None) -> None:
    assert lifecycle.region_of_arn(given) == region
