"""Lookup of operators in IAM Identity Center: users, members of groups, and the permission set's role.

Member accounts may read users and groups, and see the organization's instance (IAM Identity Center User Guide, "Manage
access to AWS accounts").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, code_of, why_not
from common.problems import Problem, SettingsError, shown
from components.approval.identity_center import (
    SESSION_NAME,
    SUFFIX_LENGTH,
    USER_ID,
    IdentityCenterOperators,
    OperatorPerson,
    reserved_role_name,
)
from components.approval.names import RESERVED_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    Args:
        settings: Settings of the workflow.
        clients: Clients to read with.
        region: First Region of the stack.
        caller: Function that returns the ARN of the caller, for messages.

    Raises:
        SettingsError: Users, groups or the permission set do not exist or cannot be looked up; lists all problems.
    """
    home = settings.identity_center.region or region
    problems: list[Problem] = []

    def looked_up(path: tuple[str, ...], expected: str, service: str, look: Callable[[], Any]) -> Any:
        try:
            return look()
        except NOT_DONE as failed:
            why = why_not(failed, service, home, caller)
            message = f"expected {expected}, got {NO_ANSWER}: {why.cause}: {why.reason}. {why.remedy.capitalize()}"
            problems.append(Problem(path=path, message=message))
            return None

    store = settings.identity_center.identity_store_id or looked_up(
        (*_ACCESS, "identityStoreId"),
        "the identity store of IAM Identity Center, or a Region in which it can be looked up",
        "sso",
        lambda: _store(clients, home, problems),
    )
    path = looked_up(
        (*_ACCESS, "permissionSet"), "a permission set", "iam", lambda: _path(settings, clients, region, problems)
    )
    people: list[OperatorPerson] | None = None
    if store:
        people = looked_up(
            _OPERATORS,
            "users and groups of IAM Identity Center",
            "identitystore",
            lambda: _people(settings, IdentityStore(clients, home, store), store, problems),
        )
    problems += _unfit(settings, people or [])
    if problems or people is None or path is None:
        raise SettingsError(problems)
    unique = tuple(sorted(set(people)))
    return IdentityCenterOperators(people=unique, reserved_path=path, store=store, region=home)


def _people(
    settings: ApprovalSettings, identities: IdentityStore, store: str, problems: list[Problem]
) -> list[OperatorPerson]:
    """Return all people, and report unknown users and groups as one problem."""
    found: list[OperatorPerson] = []
    unknown: list[str] = []
    for each in settings.operators:
        several = identities.people(each)
        if several is None:
            kind = "user" if each.identity_center_user is not None else "group"
            unknown.append(f"{kind} {shown(each.identity_center_user or each.identity_center_group)}")
        else:
            found += several
    if unknown:
        message = (
            f"expected users and groups of the identity store {store}, got unknown ones: {', '.join(unknown)}. Use the "
            "user name of a user, the display name of a group, or the ID"
        )
        problems.append(Problem(path=_OPERATORS, message=message))
    return found


def _unfit(settings: ApprovalSettings, people: list[OperatorPerson]) -> Iterator[Problem]:
    """Yield the problems of people who cannot have a role of their own."""
    unfit = sorted({each.user_name for each in people if not SESSION_NAME.fullmatch(each.user_name)})
    if unfit:
        message = (
            "expected user names of 2 to 64 letters, digits and + = , . @ _ -, which IAM Identity Center uses as session "
            f"names, got {', '.join(map(shown, unfit))}. Change the user names, or leave these people out"
        )
        yield Problem(path=_OPERATORS, message=message)
    names = {each.user_name.lower() for each in people}
    for position, approver in enumerate(settings.approvers):
        if approver.type == "SSOUser" and approver.bare_name.lower() in names:
            message = f"expected an approver who is not an operator, got {shown(approver.name)}. Name another person"
            yield Problem(path=(*_SECTION, "approvers", str(position), "name"), message=message)


def _store(clients: Clients, region: str, problems: list[Problem]) -> str | None:
    pages = clients.client("sso-admin", region).get_paginator("list_instances").paginate()
    stores = [str(each["IdentityStoreId"]) for page in pages for each in page["Instances"]]
    if len(stores) == 1:
        return stores[0]
    seen = f"{len(stores)} instances ({', '.join(stores)})" if stores else "none"
    fix = "Set identityStoreId" if stores else "Set the Region of IAM Identity Center, or identityStoreId"
    message = f"expected one instance of IAM Identity Center that the account sees in {region}, got {seen}. {fix}"
    problems.append(Problem(path=(*_ACCESS, "identityStoreId" if stores else "region"), message=message))
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
    message = (
        f"expected a role of the permission set {shown(name)} in this account ({reserved_role_name(name, '...')}), got "
        f"{found}. Assign the permission set to the operators in this account"
    )
    problems.append(Problem(path=(*_ACCESS, "permissionSet"), message=message))
    return None


def _unless_missing(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as failed:
        if code_of(failed) != _MISSING:
            raise
        return None
