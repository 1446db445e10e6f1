"""Lookup of operators in IAM Identity Center: users, members of groups, and the permission set's role, if they use one.

Member accounts may read users and groups, and see the organization's instance (IAM Identity Center User Guide, "Manage
access to AWS accounts").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, code_of, why_not
from common.problems import Problem, SettingPath, SettingsError, shown, unexpected
from common.validation import partitions
from components.approval.identity_center import (
    SESSION_NAME,
    SUFFIX_LENGTH,
    USER_ID,
    IdentityCenterOperators,
    OperatorPerson,
    reserved_role_name,
)
from components.approval.names import RESERVED_PATH
from components.approval.settings import OperatorSignIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from common.aws.session import Clients
    from components.approval.settings import ApprovalSettings, IdentityCenterOperator

_SECTION: Final = ("approval",)
_ACCESS: Final = (*_SECTION, "identityCenter")
_OPERATORS: Final = (*_SECTION, "operators")
NO_ANSWER: Final = "no answer"
"""Text of the problems of lookups that failed."""
_MISSING: Final = "ResourceNotFoundException"


class IdentityStore:
    """Users and groups of an identity store.

    Args:
        clients: Clients to read with.
        region: Region of IAM Identity Center.
        store: ID of the identity store.
    """

    def __init__(self, clients: Clients, region: str, store: str) -> None:
        self._client = clients.client("identitystore", region)
        self._store = {"IdentityStoreId": store}

    def people(self, operator: IdentityCenterOperator) -> list[OperatorPerson] | None:
        """Return the people of an item of the settings; None: the user or group does not exist.

        Raises:
            ClientError, BotoCoreError: The lookup failed.
        """
        if operator.identity_center_user is not None:
            user = self._id("user", operator.identity_center_user)
            found = self._user(user) if user else None
            return [found] if found else None
        group = self._id("group", operator.identity_center_group or "")
        if group is None:
            return None
        pages = self._client.get_paginator("list_group_memberships").paginate(GroupId=group, **self._store)
        try:
            members = [each["MemberId"]["UserId"] for page in pages for each in page["GroupMemberships"]]
        except ClientError as failed:
            if code_of(failed) != _MISSING:
                raise
            return None
        # A member that is deleted meanwhile is no operator.
        return [person for person in map(self._user, members) if person is not None]

    def _id(self, kind: str, name: str) -> str | None:
        if USER_ID.fullmatch(name):
            return name
        path = {"user": "userName", "group": "displayName"}[kind]
        unique = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": name}}
        operation = getattr(self._client, f"get_{kind}_id")
        found = _unless_missing(lambda: operation(AlternateIdentifier=unique, **self._store))
        return str(found[f"{kind.capitalize()}Id"]) if found else None

    def _user(self, user: str) -> OperatorPerson | None:
        found = _unless_missing(lambda: self._client.describe_user(UserId=user, **self._store))
        return OperatorPerson(user_id=str(found["UserId"]), user_name=str(found["UserName"])) if found else None


def find_operators(
    settings: ApprovalSettings, clients: Clients, region: str, caller: Callable[[], str]
) -> IdentityCenterOperators:
    """Return the people of `operators`, with the path of their permission set's role.

    Raises:
        SettingsError: Users, groups or the permission set do not exist or cannot be looked up; lists all problems.
    """
    access = settings.identity_center
    lookup = IdentityLookup(clients, access.home(region), caller)
    store = lookup.store(access.identity_store_id, _ACCESS)
    path: str | None = ""
    if access.uses_account_access:
        lookup.problems += _unsupported(region)
    else:
        path = lookup.look(
            (*_ACCESS, "permissionSet"),
            "a permission set",
            "iam",
            lambda: _path(settings, clients, region, lookup.problems),
        )
    people = [person for each in lookup.people(settings.operators, store, _OPERATORS) for person in each]
    lookup.problems += _unfit(settings, people)
    if lookup.problems or path is None:
        raise SettingsError(lookup.problems)
    return IdentityCenterOperators(
        people=tuple(sorted(set(people))),
        reserved_path=path,
        application=access.application_arn,
        store=store,
        region=lookup.region,
    )


class IdentityLookup:
    """Lookup in IAM Identity Center that collects all problems.

    Args:
        clients: Clients to read with.
        region: Region of IAM Identity Center.
        caller: Function that returns the ARN of the caller, for messages.
    """

    def __init__(self, clients: Clients, region: str, caller: Callable[[], str]) -> None:
        self.region, self.problems = region, list[Problem]()
        self._clients, self._caller = clients, caller

    def look(self, path: SettingPath, expected: str, service: str, look: Callable[[], Any]) -> Any:
        """Return a result, or None with a problem if the call fails."""
        try:
            return look()
        except NOT_DONE as failed:
            why = why_not(failed, service, self.region, self._caller)
            # Without a full stop, as the remedy of the failure is a sentence.
            self.problems.append(Problem(path=path, message=f"expected {expected}, got {NO_ANSWER}: {why}"))
            return None

    def store(self, configured: str, path: SettingPath) -> str:
        """Return the ID of the identity store; empty with a problem where there is not exactly one."""
        found = configured or self.look(
            (*path, "identityStoreId"),
            "the identity store of IAM Identity Center, or a Region in which it can be looked up",
            "sso",
            lambda: _store(self._clients, self.region, path, self.problems),
        )
        return str(found or "")

    def people(
        self, operators: Iterable[IdentityCenterOperator], store: str, path: SettingPath
    ) -> list[list[OperatorPerson]]:
        """Return the people of each item; unknown users and groups are one problem."""
        if not store:
            return []
        identities = IdentityStore(self._clients, self.region, store)
        expected = "users and groups of IAM Identity Center"
        return (
            self.look(path, expected, "identitystore", lambda: self._people(operators, identities, store, path)) or []
        )

    def _people(
        self, operators: Iterable[IdentityCenterOperator], identities: IdentityStore, store: str, path: SettingPath
    ) -> list[list[OperatorPerson]]:
        found = [(each, identities.people(each)) for each in operators]
        unknown = [
            f"{'group' if each.identity_center_user is None else 'user'} "
            f"{shown(each.identity_center_user or each.identity_center_group)}"
            for each, people in found
            if people is None
        ]
        if unknown:
            allowed, got = f"users and groups of the identity store {store}", f"unknown ones: {', '.join(unknown)}"
            fix = "Use the user name of a user, the display name of a group, or the ID"
            self.problems.append(unexpected(path, allowed, got, fix))
        return [people or [] for _, people in found]


def _unsupported(region: str) -> Iterator[Problem]:
    """Yield a problem outside the partition in which AWS offers account access manager."""
    if partitions()[region] != "aws":
        got = f"{OperatorSignIn.ACCOUNT_ACCESS}, which AWS offers in commercial Regions only"
        allowed = f"{OperatorSignIn.PERMISSION_SET} in {region}"
        yield unexpected((*_ACCESS, "access"), allowed, got, "Use a permission set")


def _unfit(settings: ApprovalSettings, people: list[OperatorPerson]) -> Iterator[Problem]:
    """Yield the problems of people who cannot have a role of their own."""
    unfit = sorted({each.user_name for each in people if not SESSION_NAME.fullmatch(each.user_name)})
    if unfit:
        allowed = "user names of 2 to 64 letters, digits and + = , . @ _ -, as the names of sessions have"
        fix = "Change the user names, or leave these people out"
        yield unexpected(_OPERATORS, allowed, ", ".join(map(shown, unfit)), fix)
    names = {each.user_name.lower() for each in people}
    for position, approver in enumerate(settings.approvers):
        if approver.type == "SSOUser" and approver.bare_name.lower() in names:
            path = (*_SECTION, "approvers", position, "name")
            yield unexpected(path, "an approver who is not an operator", shown(approver.name), "Name another person")


def _store(clients: Clients, region: str, path: SettingPath, problems: list[Problem]) -> str | None:
    pages = clients.client("sso-admin", region).get_paginator("list_instances").paginate()
    stores = [str(each["IdentityStoreId"]) for page in pages for each in page["Instances"]]
    if len(stores) == 1:
        return stores[0]
    seen = f"{len(stores)} instances ({', '.join(stores)})" if stores else "none"
    fix = "Set identityStoreId" if stores else "Set the Region of IAM Identity Center, or identityStoreId"
    key = "identityStoreId" if stores or path != _ACCESS else "region"
    allowed = f"one instance of IAM Identity Center that the account sees in {region}"
    problems.append(unexpected((*path, key), allowed, seen, fix))
    return None


def _path(settings: ApprovalSettings, clients: Clients, region: str, problems: list[Problem]) -> str | None:
    """Return the path of the permission set's role, which contains the Region of IAM Identity Center, or none."""
    name = settings.identity_center.permission_set
    pattern = re.compile(re.escape(reserved_role_name(name, "")) + rf"[0-9a-f]{{{SUFFIX_LENGTH}}}")
    pages = clients.client("iam", region).get_paginator("list_roles").paginate(PathPrefix=RESERVED_PATH)
    paths = {str(each["Path"]) for page in pages for each in page["Roles"] if pattern.fullmatch(each["RoleName"])}
    if len(paths) == 1:
        return paths.pop()
    found = f"roles with several paths: {', '.join(sorted(paths))}" if paths else "none"
    allowed = f"a role of the permission set {shown(name)} in this account ({reserved_role_name(name, '...')})"
    fix = "Assign the permission set to the operators in this account"
    problems.append(unexpected((*_ACCESS, "permissionSet"), allowed, found, fix))
    return None


def _unless_missing(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as failed:
        if code_of(failed) != _MISSING:
            raise
        return None
