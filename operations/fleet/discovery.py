"""Account discovery through AWS Organizations, read-only.

The credentials are those of the management account, or of a delegated administrator, before any role is assumed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import MalformedAnswerError, code_of
from common.aws.session import AwsClients
from components.adoption.inventory import only_one
from operations.errors import UnusableError
from operations.fleet.accounts import FleetAccount
from operations.inventory.reader import read_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.fleet.file_schema import FleetSettings

_REGION = "us-east-1"
_OUTSIDE = frozenset({"ChildNotFoundException", "AccountNotFoundException"})
_NEEDED = "organizations:ListAccounts"


def needs_organization(settings: FleetSettings) -> bool:
    """Return whether the file requires data from AWS Organizations."""
    return settings.accounts.discover is not None or _mentions_units(settings)


def organizations_client() -> Any:
    """Return a client with the current credentials."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
    return AwsClients(lambda _key: None).client("organizations", region)


def discover_accounts(settings: FleetSettings, client: Any) -> tuple[list[FleetAccount], Mapping[str, tuple[str, ...]]]:
    """Discover accounts, and read the units of listed accounts.

    Returns:
        Accounts in any state, and the units of listed accounts by account ID; an account outside the organization has
        no units.

    Raises:
        UnusableError: AWS did not answer; a partial result would leave stacks orphaned.
    """
    organization = _Organization(client)
    try:
        found = list(_discovered(settings, organization))
        units = (
            {each.id: organization.path_of(each.id) for each in settings.accounts.listed}
            if _mentions_units(settings)
            else {}
        )
    except (ClientError, BotoCoreError) as failed:
        action = f"organizations:{failed.operation_name}" if isinstance(failed, ClientError) else _NEEDED
        why = read_failure(action, failed, _REGION, "the credentials in use")
        raise UnusableError(
            f"The accounts of the organization cannot be listed: {why.explanation}. Remedy: {why.remedy}. "
            "Use the management account or a delegated administrator, or list the accounts in the file."
        ) from None
    return found, units


def _discovered(settings: FleetSettings, organization: _Organization) -> Iterator[FleetAccount]:
    discover = settings.accounts.discover
    if discover is None:
        return
    wants_tags = bool(discover.tags) or any(wave.tags for wave in settings.waves)
    seen: set[str] = set()
    for account in organization.accounts(discover.organizational_units):
        if account.id in seen:
            continue
        seen.add(account.id)
        # One call per account, so only if tags matter, and never for an account that is not active.
        complete = organization.with_tags(account) if wants_tags and account.is_active else account
        if not complete.is_active or complete.has(discover.tags):
            yield complete


def _mentions_units(settings: FleetSettings) -> bool:
    return bool(settings.overrides.organizational_units) or any(wave.organizational_units for wave in settings.waves)


class _Organization:
    """Cached calls to AWS Organizations."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._parents: dict[str, str | None] = {}

    def accounts(self, units: Sequence[str]) -> Iterator[FleetAccount]:
        """Return the accounts of the units and their child units; of the whole organization if there are no units.

        An organization has one root, and its management account at least.
        """
        if units:
            for unit in units:
                yield from self._below(unit, (*self.path_of(unit), unit))
            return
        root = only_one(self._pages("list_roots", "Roots"), "ListRoots")["Id"]
        accounts = list(self._below(root, (root,)))
        if not accounts:
            raise MalformedAnswerError(operation="ListAccountsForParent", found="no account in the organization")
        yield from accounts

    def path_of(self, child: str) -> tuple[str, ...]:
        """Return the parent units of an account or unit, the root first; none outside the organization."""
        path: list[str] = []
        above = self._parent(child)
        while above is not None:
            if above in path:
                raise MalformedAnswerError(operation="ListParents", found=f"{above} below itself")
            path.insert(0, above)
            above = self._parent(above)
        return tuple(path)

    def with_tags(self, account: FleetAccount) -> FleetAccount:
        """Return the account with its tags."""
        tags = self._pages("list_tags_for_resource", "Tags", ResourceId=account.id)
        return FleetAccount(
            id=account.id,
            name=account.name,
            units=account.units,
            state=account.state,
            tags={each["Key"]: each["Value"] for each in tags},
        )

    def _below(self, unit: str, path: tuple[str, ...]) -> Iterator[FleetAccount]:
        for each in self._pages("list_accounts_for_parent", "Accounts", ParentId=unit):
            # State replaces Status (API reference, Account).
            state = str(each.get("State") or each["Status"])
            yield FleetAccount(id=each["Id"], name=each.get("Name") or each["Id"], units=path, state=state)
        for each in self._pages("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit):
            self._parents[each["Id"]] = unit
            yield from self._below(each["Id"], (*path, each["Id"]))

    def _parent(self, child: str) -> str | None:
        if child.startswith("r-"):
            return None
        if child not in self._parents:
            try:
                parents = self._pages("list_parents", "Parents", ChildId=child)
                if not parents:
                    raise MalformedAnswerError(operation="ListParents", found="no parent")
                self._parents[child] = parents[0]["Id"]
            except ClientError as refused:
                if code_of(refused) not in _OUTSIDE or not child.isdigit():
                    raise
                self._parents[child] = None
        return self._parents[child]

    def _pages(self, operation: str, key: str, **arguments: Any) -> list[Any]:
        answer = self._client.get_paginator(operation).paginate(**arguments).build_full_result()
        return list(answer.get(key, []))
