"""Roles of operators of IAM Identity Center, and assignments of their permission set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.approval.identity_center import OperatorPerson
from components.approval.names import OPERATOR_ROLE_PREFIX, OPERATORS_PATH, RESERVED_PATH
from components.approval.scripts.trust import identity_center_user
from operations.inventory.reader import returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from operations.inventory.reader import Reader

_USER, _GROUP = "USER", "GROUP"


@dataclass(frozen=True, kw_only=True, order=True)
class OperatorRole:
    """A role below the path of operators.

    Attributes:
        name: Name of the role.
        user_name: User name of the one person whom the trust policy admits; "": not one person.
        reserved_path: Path of the permission set's role that the trust policy admits; "": none.
    """

    name: str
    user_name: str
    reserved_path: str = ""

    @property
    def person(self) -> OperatorPerson:
        """The person whose role it is."""
        return OperatorPerson(user_id=self.name.removeprefix(OPERATOR_ROLE_PREFIX), user_name=self.user_name)


@returns_failure
def read_operator_roles(reader: Reader) -> list[OperatorRole]:
    """Read the roles below the path of operators."""
    return sorted(
        OperatorRole(
            name=str(each["RoleName"]),
            user_name=identity_center_user(dict(each["AssumeRolePolicyDocument"])),
            reserved_path=_reserved_path(each["AssumeRolePolicyDocument"]),
        )
        for each in reader.items("iam", "list_roles", "Roles", PathPrefix=OPERATORS_PATH)
    )


def _reserved_path(trust: Mapping[str, Any]) -> str:
    """Return the path of the first permission set's role that a trust policy names."""
    _, found, rest = str(trust).partition(f":role{RESERVED_PATH}")
    region = rest.split("AWSReservedSSO_")[0]
    return f"{RESERVED_PATH}{region}" if found and len(region) < len(RESERVED_PATH) else ""


@returns_failure
def read_assignments(reader: Reader, store: str, permission_set: str, account: str) -> dict[str, str]:
    """Read the users to whom a permission set is assigned in an account, by ID: the user name, or the group.

    Args:
        reader: Reader of the Region of IAM Identity Center, in its management or delegated administrator account.
        store: ID of the identity store.
        permission_set: Name of the permission set.
        account: ID of the account.
    """
    instances = reader.items("sso-admin", "list_instances", "Instances")
    found: dict[str, str] = {}
    for instance in (each["InstanceArn"] for each in instances if each.get("IdentityStoreId") == store):
        sets = reader.items("sso-admin", "list_permission_sets", "PermissionSets", InstanceArn=instance)
        for arn in sets:
            chosen = {"InstanceArn": instance, "PermissionSetArn": arn}
            described = reader.get("sso-admin", "describe_permission_set", **chosen)
            if described["PermissionSet"]["Name"] != permission_set:
                continue
            listed = reader.items(
                "sso-admin", "list_account_assignments", "AccountAssignments", AccountId=account, **chosen
            )
            for each in listed:
                found |= _users(reader, store, each["PrincipalType"], each["PrincipalId"])
    return found


def _users(reader: Reader, store: str, kind: str, principal: str) -> dict[str, str]:
    if kind == _USER:
        return {principal: f"user {principal}"}
    if kind != _GROUP:
        return {}
    members = reader.items(
        "identitystore", "list_group_memberships", "GroupMemberships", IdentityStoreId=store, GroupId=principal
    )
    return {each["MemberId"]["UserId"]: f"user {each['MemberId']['UserId']} (group {principal})" for each in members}
