"""Roles of operators who sign in through IAM Identity Center, as plain data.

A role of a permission set is shared, and no principal but AWS can tag it. So each person has a role of their own, with one
of two ways in:

- Only a session of the permission set's role with the person's user name can assume it. IAM Identity Center names these
  sessions; the names of other sessions are set by the caller (IAM Identity Center User Guide, "Referencing permission sets
  in resource policies"; IAM User Guide, "AWS global condition context keys").
- Only account access manager can assume it, for the person whom an entitlement names by user ID. Such a session has the
  name that the person chooses (Account Access Manager Runtime API Reference, GetRoleCredentials), so that the role stands
  for the person and the session's name for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.iam.statements import Policy, allow, deny, document
from components.approval.iam_policies import operator_policy, requester_policy
from components.approval.names import OPERATOR_ROLE_PREFIX, TAG_KEY, WorkflowLocation
from components.approval.scripts.trust import ACCOUNT_ACCESS
from components.approval.settings import IDENTITY_CENTER_PREFIX

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings

SUFFIX_LENGTH: Final = 16
"""Characters that IAM Identity Center adds to the name of a permission set."""
USER_ID: Final = re.compile(r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}")
"""ID of a user or a group (Identity Store API Reference)."""
SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""Name of a role session (AWS STS API Reference, AssumeRole). Other user names are refused, as it is not documented which
session name IAM Identity Center derives from them, and a runbook reads braces as a reference."""


@dataclass(frozen=True, kw_only=True, order=True)
class OperatorPerson:
    """A person of IAM Identity Center who is an operator.

    A user ID is never used again. The user name is the name of the person's role sessions.
    """

    user_id: str
    user_name: str

    @property
    def role_name(self) -> str:
        """Name of the person's role."""
        return f"{OPERATOR_ROLE_PREFIX}{self.user_id}"


@dataclass(frozen=True, kw_only=True)
class IdentityCenterOperators:
    """Operators of IAM Identity Center, as looked up.

    Attributes:
        people: The people, by user ID.
        reserved_path: Path of the permission set's role in this account; "": they use account access manager.
        application: ARN of the application of account access manager; "": they use a permission set.
        store: ID of the identity store.
        region: Region of IAM Identity Center.
    """

    people: tuple[OperatorPerson, ...] = field(default=())
    reserved_path: str = ""
    application: str = ""
    store: str = ""
    region: str = ""

    @property
    def roles(self) -> list[str]:
        """Names of the people's roles."""
        return [each.role_name for each in self.people]


NO_OPERATORS: Final = IdentityCenterOperators()


def reserved_role_name(permission_set: str, suffix: str = "?" * SUFFIX_LENGTH) -> str:
    """Return the name of a permission set's role; by default, as a pattern that no other permission set matches."""
    return f"{IDENTITY_CENTER_PREFIX}{permission_set}_{suffix}"


def operator_trust(
    settings: ApprovalSettings, operators: IdentityCenterOperators, person: OperatorPerson, place: WorkflowLocation
) -> Policy:
    """Return the trust policy of a person's role.

    With a permission set, the caller must not have the approval tag as a session tag, which the identity provider could set: a transitive tag
    would continue to apply in the person's role (IAM User Guide, "Pass session tags in AWS STS"). With account access
    manager, no session has tags, as `sts:TagSession` is not allowed.
    """
    if operators.application:
        return account_access_trust(operators.application)
    role = f"role{operators.reserved_path}{reserved_role_name(settings.identity_center.permission_set)}"
    one_person = {
        "ArnLike": {"aws:PrincipalArn": place.iam(role)},
        "StringLike": {"aws:userid": f"AROA*:{person.user_name}"},
        "StringEquals": {"sts:RoleSessionName": person.user_name},
        "Null": {f"aws:PrincipalTag/{TAG_KEY}": "true"},
    }
    tagged = {"Null": {f"aws:RequestTag/{TAG_KEY}": "false"}}
    return document(
        [
            allow("OnePerson", "sts:AssumeRole", principal={"AWS": place.iam("root")}, condition=one_person),
            deny("NoApprovalTag", "sts:TagSession", principal="*", condition=tagged),
        ]
    )


def account_access_trust(application: str) -> Policy:
    """Return the trust policy of a role that account access manager alone assumes, for one application.

    `aws:SourceAccount` is the account of the application, not that of the role (IAM User Guide, "Prepare your IAM roles").
    """
    source = {"aws:SourceAccount": split_arn(application).account_id, "aws:SourceArn": application}
    actions = ["sts:AssumeRole", "sts:SetContext"]
    entitled = allow(
        "EntitledPerson", actions, principal={"Service": ACCOUNT_ACCESS}, condition={"StringEquals": source}
    )
    return document([entitled])


def operator_boundary(settings: ApprovalSettings, place: WorkflowLocation, *, session_data_encryption: bool) -> Policy:
    """Return the permissions boundary of the people's roles: what operators are allowed, whatever else is attached."""
    policies = (
        operator_policy(place, session_data_encryption=session_data_encryption),
        requester_policy(settings, place),
    )
    return document(statement for each in policies for statement in each["Statement"])
