"""Finding accounts through AWS Organizations, on the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from operations.errors import UnusableError
from operations.fleet.accounts import choose
from operations.fleet.discovery import look_up, needs_organization, organizations_client
from tests.operations.fleet.arrangement import FLEET, settings
from tests.support.emulator import running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.fleet.accounts import Account


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
def organization() -> Iterator[Organization]:
    with running_emulator() as emulator:
        yield Organization(emulator.endpoint_url)


def found(organization: Organization, **discover: Any) -> dict[str, Account]:
    file = settings(accounts={"discover": discover}, overrides={}, waves=[{"name": "all"}])
    return {each.name: each for each in look_up(file, organization.client)[0]}


def test_all_of_the_organization_is_found_with_its_units_and_states(organization: Organization) -> None:
    accounts = found(organization)
    assert set(accounts) == {"master", "loose", "payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)
    assert accounts["loose"].units == (organization.root,)
    assert {name for name, each in accounts.items() if each.state != "ACTIVE"} == {"old"}


def test_a_unit_is_searched_with_all_below_it_and_no_account_twice(organization: Organization) -> None:
    accounts = found(organization, organizationalUnits=[organization.web, organization.prod])
    assert set(accounts) == {"payments", "old", "web"}
    assert accounts["web"].units == (organization.root, organization.prod, organization.web)


def test_tags_narrow_what_is_found_but_hide_no_closed_account(organization: Organization) -> None:
    accounts = found(organization, tags={"managed": "yes"})
    assert set(accounts) == {"payments", "old"}
    assert accounts["payments"].tags == {"managed": "yes"}


def test_closed_accounts_are_left_out(organization: Organization) -> None:
    file = settings(accounts={"discover": {}}, overrides={}, waves=[{"name": "all"}])
    chosen = choose(file, *look_up(file, organization.client))
    assert list(chosen.left_out) == [organization.ids["old"]]
    assert "old" not in {each.name for each in chosen.accounts}


def test_listed_accounts_get_their_units_where_units_count(organization: Organization) -> None:
    listed = [{"name": "web", "id": organization.ids["web"]}, {"name": "outside", "id": "9" * 12}]
    file = settings(
        accounts={"list": listed}, overrides={"organizationalUnits": {organization.prod: {}}}, waves=[{"name": "all"}]
    )
    assert needs_organization(file)
    accounts, units = look_up(file, organization.client)
    assert accounts == []
    assert units == {organization.ids["web"]: (organization.root, organization.prod, organization.web), "9" * 12: ()}


def test_nobody_is_asked_where_accounts_are_listed_and_no_unit_is_named() -> None:
    assert not needs_organization(settings())
    assert needs_organization(settings(accounts=FLEET["accounts"] | {"discover": {}}))


def test_an_organization_that_does_not_answer_stops_everything() -> None:
    file = settings(accounts={"discover": {}})
    with pytest.raises(
        UnusableError, match=r"The accounts of the organization cannot be found: organizations:List"
    ) as wrong:
        look_up(file, organizations_client())
    assert "list the accounts in the file" in str(wrong.value)
