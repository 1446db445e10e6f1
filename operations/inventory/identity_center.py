"""Roles of operators of IAM Identity Center, assignments of their permission set, and entitlements to their roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.approval.identity_center import OperatorPerson
from components.approval.names import OPERATOR_ROLE_PREFIX, OPERATORS_PATH, RESERVED_PATH
from components.approval.scripts.trust import ACCOUNT_ACCESS, account_access_application, identity_center_user
from operations.inventory.reader import returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from operations.inventory.reader import Answer, Reader

_USER, _GROUP = "USER", "GROUP"
_MISSING = ("ResourceNotFoundException",)


@dataclass(frozen=True, kw_only=True, order=True)
class OperatorRole:
    """A role below the path of operators.

    Attributes:
        user_name: User name of the one person whom the trust policy admits; "": not one person.
        reserved_path: Path of the permission set's role that the trust policy admits; "": none.
        application: Application of account access manager whose sessions alone the trust policy admits; "": others.
    """

    name: str
    user_name: str
    reserved_path: str = ""
    application: str = ""

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
            application=account_access_application(dict(each["AssumeRolePolicyDocument"])),
        )
        for each in reader.items("iam", "list_roles", "Roles", PathPrefix=OPERATORS_PATH)
    )


def _reserved_path(trust: Mapping[str, Any]) -> str:
    """Return the path of the first permission set's role that a trust policy names."""
    _, found, rest = str(trust).partition(f":role{RESERVED_PATH}")
    region = rest.split("AWSReservedSSO_")[0]
    return f"{RESERVED_PATH}{region}" if found and len(region) < len(RESERVED_PATH) else ""


@returns_failure
def read_user_name(reader: Reader, user: str, store: str = "") -> str:
    """Read the user name of a user; empty: there is no such user.

    Without an identity store, every instance that the account sees counts, in the Region of IAM Identity Center.
    """
    stores = (
        [store]
        if store
        else [str(each["IdentityStoreId"]) for each in reader.items("sso-admin", "list_instances", "Instances")]
    )
    found = (
        reader.find("identitystore", "describe_user", _MISSING, IdentityStoreId=each, UserId=user) for each in stores
    )
    return next((str(each["UserName"]) for each in found if each), "")


@returns_failure
def read_assignments(reader: Reader, store: str, permission_set: str, account: str) -> dict[str, str]:
    """Read the users to whom a permission set is assigned in an account, by ID: the user name, or the group.

    The reader is in the Region of IAM Identity Center, in its management or delegated administrator account.
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


@dataclass(frozen=True, kw_only=True, order=True)
class EntitlementFacts:
    """An entitlement to a role below the path of operators.

    Attributes:
        user: ID of the user; "": a group.
        group: ID of the group; "": a user.
    """

    id: str
    role_arn: str
    user: str = ""
    group: str = ""

    @property
    def is_own(self) -> bool:
        """Return whether it entitles the person whose ID the name of the role has."""
        return bool(self.user) and self.role_arn.endswith(f"{OPERATORS_PATH}{OPERATOR_ROLE_PREFIX}{self.user}")


@returns_failure
def read_entitlements(reader: Reader, application: str, account: str = "") -> list[EntitlementFacts]:
    """Read the entitlements to roles below the path of operators; without an account, of every account.

    The reader is in the Region of the application, in its account or its delegated administrator.
    """
    wanted = {"principalRole": {"account": account}} if account else {}
    listed = reader.items(
        "account-access", "list_entitlements", "entitlements", applicationArn=application, filter=wanted
    )
    found: list[EntitlementFacts] = []
    for each in listed:
        role = each["entitlement"]["principalRole"]
        principal = role["principal"]["identityCenter"]
        if f":role{OPERATORS_PATH}" in role["roleArn"]:
            found.append(
                EntitlementFacts(
                    id=str(each["entitlementId"]),
                    role_arn=str(role["roleArn"]),
                    user=str(principal.get("userId", "")),
                    group=str(principal.get("groupId", "")),
                )
            )
    return sorted(found)


@returns_failure
def read_application(reader: Reader, application: str) -> Answer | None:
    """Read an application of account access manager."""
    return reader.find("account-access", "get_application", _MISSING, applicationArn=application)


@returns_failure
def trusts_account_access(reader: Reader) -> bool:
    """Return whether the organization trusts account access manager, without which it assumes no role."""
    listed = reader.items("organizations", "list_aws_service_access_for_organization", "EnabledServicePrincipals")
    return any(each["ServicePrincipal"] == ACCOUNT_ACCESS for each in listed)
