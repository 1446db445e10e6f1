"""IAM Identity Center on the local AWS: users, groups, and a permission set that is assigned in an account."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ACCOUNT = "123456789012"
RESERVED = "/aws-reserved/sso.amazonaws.com/"


class IdentityCenter:
    """The instance in a Region.

    Args:
        client: Makes clients: `client("sso-admin")`.
    """

    def __init__(self, client: Callable[..., Any]) -> None:
        self._client = client
        self._directory, self._admin, self._iam = client("identitystore"), client("sso-admin"), client("iam")
        instance = self._admin.list_instances()["Instances"][0]
        self.store, self._instance = str(instance["IdentityStoreId"]), instance["InstanceArn"]
        self._store = {"IdentityStoreId": self.store}
        self._sets: dict[str, str] = {}

    def user(self, name: str, group: str = "") -> str:
        """Create a user, in a group by ID if there is one, and return the ID."""
        names = {"DisplayName": name, "Name": {"FamilyName": "x", "GivenName": "y"}}
        user = str(self._directory.create_user(UserName=name, **names, **self._store)["UserId"])
        if group:
            self._directory.create_group_membership(GroupId=group, MemberId={"UserId": user}, **self._store)
        return user

    def group(self, name: str) -> str:
        """Create a group and return its ID."""
        return str(self._directory.create_group(DisplayName=name, **self._store)["GroupId"])

    def id_of(self, group: str) -> str:
        """Return the ID of a group."""
        unique = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": group}}
        return str(self._directory.get_group_id(AlternateIdentifier=unique, **self._store)["GroupId"])

    def leave(self, group: str, user: str) -> None:
        """Remove a user from a group."""
        member = {"GroupId": group, "MemberId": {"UserId": user}, **self._store}
        membership = self._directory.get_group_membership_id(**member)["MembershipId"]
        self._directory.delete_group_membership(MembershipId=membership, **self._store)

    def delete(self, user: str) -> None:
        """Delete a user."""
        self._directory.delete_user(UserId=user, **self._store)

    def application(self) -> str:
        """Enable account access manager, and return the ARN of its application."""
        source = {"identityCenter": {"instanceArn": self._instance}}
        return str(self._client("account-access").create_application(identitySource=source)["applicationArn"])

    def entitle(self, application: str, role: str, **principal: str) -> str:
        """Entitle a user (`userId`) or a group (`groupId`) to a role by ARN, and return the ID of the entitlement."""
        entitlement = {"principalRole": {"principal": {"identityCenter": principal}, "roleArn": role}}
        made = self._client("account-access").create_entitlement(applicationArn=application, entitlement=entitlement)
        return str(made["entitlementId"])

    def sign_in(self, application: str, user: str, role: str, session: str) -> dict[str, str]:
        """Return credentials of a role for a user, in a session whose name the user chooses (`aws login`).

        Raises:
            HTTPError: The user is not entitled, or the role does not trust account access manager.
        """
        client = self._client("account-access")
        tenant = client.get_application(applicationArn=application)["tenantId"]
        query = {"tenantId": tenant, "roleArn": role, "accessType": "PROGRAMMATIC_ACCESS", "sessionName": session}
        request = Request(f"{client.meta.endpoint_url}/access/credentials?{urlencode(query)}")
        request.add_header("Authorization", f"Bearer {user}")
        with urlopen(request) as answer:
            keys = json.loads(answer.read())["credentialsDetails"]["programmaticAccess"]
        return {f"{key[0].upper()}{key[1:]}": str(value) for key, value in keys.items()}

    def assign(self, permission_set: str, principal: str, kind: str = "GROUP", **statement: Any) -> str:
        """Assign a permission set, which is created with a statement if it is new, and return the name of its role."""
        if permission_set not in self._sets:
            made = self._admin.create_permission_set(Name=permission_set, InstanceArn=self._instance)
            self._sets[permission_set] = made["PermissionSet"]["PermissionSetArn"]
        arn = self._sets[permission_set]
        if statement:
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
            self._admin.put_inline_policy_to_permission_set(
                InstanceArn=self._instance, PermissionSetArn=arn, InlinePolicy=json.dumps(policy)
            )
        self._admin.create_account_assignment(
            InstanceArn=self._instance,
            TargetId=ACCOUNT,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=arn,
            PrincipalType=kind,
            PrincipalId=principal,
        )
        roles = self._iam.list_roles(PathPrefix=RESERVED)["Roles"]
        return next(
            str(each["RoleName"]) for each in roles if each["RoleName"][:-16] == f"AWSReservedSSO_{permission_set}_"
        )
