"""Listings are read to their end, and those without an end are errors."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError

from common.aws.answers import MAX_PAGES
from common.aws.failures import action_of
from operations.errors import UnusableError
from operations.inventory.instances import read_host_role
from operations.inventory.reader import Reader, ReadError, ReadFailure, known_identity
from operations.verify.domain_controllers import operations
from tests.operations.arrangement import Refusing
from tests.operations.audit.authorization_reference import privileges

REPOSITORY = Path(__file__).resolve().parents[2]
LOADER: Any = botocore.session.get_session().get_component("data_loader")
_TOKEN = re.compile(r"next_?(page)?token|next_?marker|marker", re.IGNORECASE)


class Listing:
    """Client with one listing, which has no paginator."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.calls: list[dict[str, Any]] = []

    def client(self, service: str, region: str) -> Any:
        del service, region
        return self

    def can_paginate(self, operation: str) -> bool:
        del operation
        return False

    def describe_document_permission(self, **given: Any) -> dict[str, Any]:
        self.calls.append(given)
        return self.pages[min(len(self.calls), len(self.pages)) - 1]


def accounts(listing: Listing) -> list[str]:
    pages = Reader(listing, "eu-west-1", "arn").pages("ssm", "describe_document_permission", Name="x")
    return [account for page in pages for account in page["AccountIds"]]


def test_pages_are_followed_to_the_last() -> None:
    listing = Listing(
        [{"AccountIds": ["1"], "NextToken": "a"}, {"AccountIds": [], "NextToken": "b"}, {"AccountIds": ["2"]}]
    )
    assert accounts(listing) == ["1", "2"]
    assert listing.calls == [{"Name": "x"}, {"Name": "x", "NextToken": "a"}, {"Name": "x", "NextToken": "b"}]


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([{"AccountIds": [], "NextToken": "same"}], "a page has the token of an earlier page"),
        ([{"AccountIds": [], "NextToken": str(each)} for each in range(MAX_PAGES + 2)], "it has more than 2,000 pages"),
    ],
)
def test_listing_without_an_end_fails(pages: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ReadError) as failed:
        accounts(Listing(pages))
    assert why in failed.value.failure.cause


def test_refused_identity_names_action_and_remedy() -> None:
    with pytest.raises(UnusableError, match=r"sts:AssumeRole: refused: .* Remedy: allow sts:AssumeRole to "):
        known_identity(Refusing("AccessDenied", "AssumeRole"), "eu-west-1")


def test_policy_of_a_found_secret_is_not_absent() -> None:
    reader = Reader(Refusing("ResourceNotFoundException", describe_secret={"ARN": "arn"}), "eu-west-1", "arn")
    found = operations._secret(reader, "arn")
    assert isinstance(found, ReadFailure)
    assert found.action == "secretsmanager:GetResourcePolicy"


@pytest.mark.parametrize("status", [{}, {"Status": "New"}])
def test_host_role_without_a_known_status_is_unread(status: dict[str, str]) -> None:
    setting = {"ServiceSetting": {"SettingValue": "$None", **status}}
    found = read_host_role(Reader(Refusing("no", get_service_setting=setting), "eu-west-1", "arn"))
    assert isinstance(found, ReadFailure)
    assert (
        found.cause
        == "malformed answer: GetServiceSetting: expected an answer of AWS, got no known status of the setting"
    )


@cache
def has_unpaginated_token(service: str, operation: str) -> bool:
    """Return whether an answer may have a further page that botocore does not read."""
    try:
        model = LOADER.load_service_model(service, "service-2")
        paginated = LOADER.load_service_model(service, "paginators-1")["pagination"]
    except DataNotFoundError:
        return False
    name = next((each for each in model["operations"] if each.lower() == operation.replace("_", "")), "")
    shape = model["operations"].get(name, {}).get("output", {}).get("shape", "")
    members: dict[str, Any] = model["shapes"][shape].get("members", {}) if shape else {}
    return name not in paginated and any(map(_TOKEN.fullmatch, members))


def single_reads(*more: str) -> Iterator[tuple[str, str]]:
    """Yield service and operation of each call of the readers that makes one call where there is no paginator, and of `more`."""
    for file in (REPOSITORY / "operations").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) > 1:
                service, operation = (getattr(each, "value", None) for each in node.args[:2])
                if (
                    node.func.attr in {"read", "find", "get", "items", *more}
                    and isinstance(service, str)
                    and isinstance(operation, str)
                ):
                    yield service, operation


def test_listing_without_a_paginator_is_read_by_pages() -> None:
    found = set(single_reads())
    assert len(found) > 50
    assert {each for each in found if has_unpaginated_token(*each)} == set()
    assert has_unpaginated_token("ssm", "describe_document_permission")


def test_unread_fact_names_an_action_of_iam() -> None:
    services = set(LOADER.list_available_services("service-2"))
    actions = {action_of(*each) for each in single_reads("pages") if each[0] in services}
    newer_than_the_reference = {"account-access:GetApplication", "account-access:ListEntitlements"}
    assert actions - privileges().keys() == newer_than_the_reference
