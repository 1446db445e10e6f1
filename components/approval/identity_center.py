"""Roles of operators who sign in through IAM Identity Center, as plain data.

A role of a permission set is shared, and no principal but AWS can tag it. So each person has a role of their own, which
only a session of the permission set's role with the person's user name can assume. IAM Identity Center names these
sessions; the names of other sessions are set by the caller (IAM Identity Center User Guide, "Referencing permission sets
in resource policies"; IAM User Guide, "AWS global condition context keys").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from components.approval.iam_policies import operator_policy, requester_policy
from components.approval.names import OPERATOR_ROLE_PREFIX, TAG_KEY, PolicyDocument, WorkflowLocation
from components.approval.settings import IDENTITY_CENTER_PREFIX

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings

SUFFIX_LENGTH: Final = 16
"""Characters that IAM Identity Center adds to the name of a permission set."""
USER_ID: Final = re.compile(r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}")
"""ID of a user or a group (Identity Store API Reference)."""
SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""Name of a role session (AWS STS API Reference, AssumeRole). Other user names are refused, as it is not documented which
session name IAM Identity Center derives from them."""


@dataclass(frozen=True, kw_only=True, order=True)
class OperatorPerson:
    """A person of IAM Identity Center who is an operator.

    Attributes:
        user_id: ID of the user, which is never used again.
        user_name: User name, which is the name of the person's role sessions.
    """

    user_id: str
    user_name: str

    @property
    def role_name(self) -> str:
        """Name of the person's role."""
        return f"{OPERATOR_ROLE_PREFIX}{self.user_id}"

    @property
    def text(self) -> str:
        """The person as the runbook's scripts receive it."""
        return f"{self.user_id} {self.user_name}"


@dataclass(frozen=True, kw_only=True)
class IdentityCenterOperators:
    """Operators of IAM Identity Center, as looked up.

    Attributes:
        people: The people, by user ID.
        reserved_path: Path of the permission set's role in this account.
        store: ID of the identity store.
        region: Region of IAM Identity Center.
    """

    people: tuple[OperatorPerson, ...] = field(default=())
    reserved_path: str = ""
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
) -> PolicyDocument:
    """Return the trust policy of a person's role.

    The caller must not have the approval tag as a session tag, which the identity provider could set: a transitive tag
    would continue to apply in the person's role (IAM User Guide, "Pass session tags in AWS STS").

    Args:
        settings: Settings of the workflow.
        operators: Operators as looked up.
        person: Person of the role.
        place: Location of the workflow.
    """
    role = f"role{operators.reserved_path}{reserved_role_name(settings.identity_center.permission_set)}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnePerson",
                "Effect": "Allow",
                "Principal": {"AWS": place.iam("root")},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "ArnLike": {"aws:PrincipalArn": place.iam(role)},
                    "StringLike": {"aws:userid": f"AROA*:{person.user_name}"},
                    "StringEquals": {"sts:RoleSessionName": person.user_name},
                    "Null": {f"aws:PrincipalTag/{TAG_KEY}": "true"},
                },
            },
            {
                "Sid": "NoApprovalTag",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sts:TagSession",
                "Condition": {"Null": {f"aws:RequestTag/{TAG_KEY}": "false"}},
            },
        ],
    }


def operator_boundary(
    settings: ApprovalSettings, place: WorkflowLocation, *, session_data_encryption: bool
) -> PolicyDocument:
    """Return the permissions boundary of the people's roles: what operators are allowed, whatever else is attached.

    Args:
        settings: Settings of the workflow.
        place: Location of the workflow.
        session_data_encryption: Whether sessions are encrypted with the stack's data key.
    """
    documents = (
        operator_policy(place, session_data_encryption=session_data_encryption),
        requester_policy(settings, place),
    )
    statements: list[object] = []
    for each in documents:
        found = each["Statement"]
        statements += found if isinstance(found, list) else []
    return {"Version": "2012-10-17", "Statement": statements}
