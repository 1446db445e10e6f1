"""Finding accounts through AWS Organizations, on the local AWS."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from common.aws.answers import Answer
from operations.errors import UnusableError
from operations.fleet.accounts import FleetAccount, select_accounts
from operations.fleet.discovery import discover_accounts, needs_organization, organizations_client
from tests.operations.fleet.arrangement import FLEET, settings


class Organization:
    """Root: `management` and `loose`; Prod: `payments` (tagged) and `old` (closed); Prod/Web: `web`."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        self.client: Any = boto3.client("organizations", "us-east-1", endpoint_url=endpoint, **keys)
        self.client.create_organization(FeatureSet="ALL")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.prod = self.unit(self.root, "Prod")
        self.web = self.unit(self.prod, "Web")
        self.ids = {
            "loose": self.account("loose", self.root),
            "payments": self.account("payments", self.prod, managed="yes"),
            "old": self.account("old", self.prod),
            "web": self.account("web", self.web),
        }
        self.client.close_account(AccountId=self.ids["old"])

    def unit(self, parent: str, name: str) -> str:
        return self.client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def account(self, name: str, parent: str, **tags: str) -> str:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self.client.create_account(AccountName=name, Email=f"{name}@example.com", Tags=given)
        identity = made["CreateAccountStatus"]["AccountId"]
        if parent != self.root:
            self.client.move_account(AccountId=identity, SourceParentId=self.root, DestinationParentId=parent)
        return identity


@pytest.fixture(scope="module")
def organization(emptied_once: str) -> Organization:
    return Organization(emptied_once)


def found(organization: Organization, **discover: Any) -> dict[str, FleetAccount]:
    file = settings(accounts={"discover": discover}, overrides={}, waves=[{"name": "all"}])
    return {each.name: each for each in discover_accounts(file, organization.client)[0]}


def test_discovery_finds_whole_organization(organization: Organization) -> None:
    accounts = found(organization)
    assert set(accounts) == {"master", "loose", "payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)
    assert accounts["loose"].units == (organization.root,)
    assert {name for name, each in accounts.items() if each.state != "ACTIVE"} == {"old"}


def test_discovery_searches_child_units_once(organization: Organization) -> None:
    accounts = found(organization, organizationalUnits=[organization.web, organization.prod])
    assert set(accounts) == {"payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)


def test_discovery_by_tags_keeps_closed_accounts(organization: Organization) -> None:
    accounts = found(organization, tags={"managed": "yes"})
    assert set(accounts) == {"payments", "old"}
    assert accounts["payments"].tags == {"managed": "yes"}


def test_discovery_omits_closed_accounts(organization: Organization) -> None:
    file = settings(accounts={"discover": {}}, overrides={}, waves=[{"name": "all"}])
    chosen = select_accounts(file, *discover_accounts(file, organization.client))
    assert list(chosen.left_out) == [organization.ids["old"]]
    assert "old" not in {each.name for each in chosen.accounts}


def test_discovery_reads_units_of_listed_accounts(organization: Organization) -> None:
    listed = [{"name": "web", "id": organization.ids["web"]}, {"name": "outside", "id": "9" * 12}]
    file = settings(
        accounts={"list": listed}, overrides={"organizationalUnits": {organization.prod: {}}}, waves=[{"name": "all"}]
    )
    assert needs_organization(file)
    accounts, units = discover_accounts(file, organization.client)
    assert accounts == []
    assert units == {organization.ids["web"]: (organization.root, organization.prod, organization.web), "9" * 12: ()}


def test_discovery_is_skipped_for_listed_accounts() -> None:
    assert not needs_organization(settings())
    assert needs_organization(settings(accounts=FLEET["accounts"] | {"discover": {}}))


def test_discovery_without_response_is_unusable() -> None:
    file = settings(accounts={"discover": {}})
    with pytest.raises(
        UnusableError, match=r"The accounts of the organization cannot be listed: organizations:List"
    ) as wrong:
        discover_accounts(file, organizations_client())
    assert "list the accounts in the file" in str(wrong.value)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"list_roots": {"Roots": []}}, "ListRoots"),
        ({"list_roots": {"Roots": [{"Id": "r-ab12"}]}}, "no account in the organization"),
        (
            {
                "list_roots": {"Roots": [{"Id": "r-ab12"}]},
                "list_accounts_for_parent": {"Accounts": [Answer({"Id": "1" * 12, "Name": "web"}, "Account")]},
            },
            "Account: .* no Status",
        ),
    ],
)
def test_organization_without_accounts_is_unusable(answers: dict[str, Any], found: str) -> None:
    class Client:
        def get_paginator(self, operation: str) -> Any:
            pages = SimpleNamespace(build_full_result=lambda: answers.get(operation, {}))
            return SimpleNamespace(paginate=lambda **_: pages)

    with pytest.raises(UnusableError, match=found):
        discover_accounts(settings(accounts={"discover": {}}), Client())
