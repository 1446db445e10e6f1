"""Person behind a principal. Data: see `components.approval.script`.

People are written as the ARN or the name of a user, or as a session of IAM Identity Center. A session whose name its owner
chose identifies no person; it still counts where it has the name of another person.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from components.approval.scripts.aws import Json, RefusedError, client, code_of
from components.approval.scripts.trust import (
    admits_chat,
    admitted_roles,
    earlier_roles,
    session_person,
    sets_source_identity,
    trusted,
)

IDENTITY_CENTER = "AWSReservedSSO_"
WORKFLOW_ROLES = ("SsmSessionControlChangeMangerRole", "SsmSessionGrantReaperSchedule", "ShellAccessApprovalEvents")
RESERVED_PATH = "/aws-reserved/sso.amazonaws.com/"
CHAT = "chatbot"
MAX_CHAIN = 3
"""Maximum number of roles that assume each other and are followed to the people behind them."""


class Approval:
    """One approval of a request.

    Attributes:
        who: ARN of the caller, or name of a user.
        people: the people who it may be: the person, the name of the session, and for a shared role its known people.
        counted: what it counts as: the person, or the shared role.
    """

    def __init__(self, who: str, people: list[str], counted: str) -> None:
        self.who, self.people, self.counted = who, people, counted

    def is_by(self, *people: str) -> bool:
        """Return whether it may come from one of these people."""
        return any(same_person(mine, person) for mine in self.people for person in people)

    def is_same(self, other: Approval) -> bool:
        """Return whether one person may have given both."""
        return self.counted == other.counted or self.is_by(*other.people)


class People:
    """People of the account, as IAM describes them."""

    def __init__(self, shared_roles: list[str], chat_roles: list[str], identities: tuple[str, str] = ("", "")) -> None:
        """Read nothing yet.

        Args:
            shared_roles: names of shared approver roles.
            chat_roles: names of approver roles of one person in a chat.
            identities: identity store of IAM Identity Center and its Region, where operators sign in through it.
        """
        self._iam = client("iam")
        self._store, self._store_region = identities
        self._shared, self._chat = _lower(shared_roles), _lower(chat_roles)
        self._users: dict[str, str] | None = None

    def requester(self, who: str) -> list[str]:
        """Return all known people who may be behind a requester.

        Raises:
            RefusedError: it is none of a person.
        """
        if not who:
            raise RefusedError("it is not known who asked")
        kind, name = principal_of(who)
        if kind == "role" and (name in _lower(WORKFLOW_ROLES) or name.startswith("awsservicerolefor")):
            raise RefusedError(f"{who} asked, which is a role of this workflow or of a service, and no person")
        if kind not in ("role", "user"):
            raise RefusedError(f"{who} sent the request, and the person cannot be determined")
        if kind == "user":
            return [who]
        role = self._role(who)
        person = self._proven(role, who.rsplit("/", 1)[-1])
        return [who, *(self.identified(person) if person else self.known(role["AssumeRolePolicyDocument"]))]

    def approval(self, who: str) -> Approval:
        """Return an approval with the person behind it.

        Raises:
            RefusedError: it is not certain which person that is, and not accepted as shared.
        """
        kind, name = principal_of(who)
        if kind == "user":
            return Approval(who, [who], name)
        if kind != "role":
            raise RefusedError(f"{who} approved, and the person cannot be determined")
        session, role, chat = who.rsplit("/", 1)[-1], self._role(who), name in self._chat
        trust = role["AssumeRolePolicyDocument"]
        if (admits_chat(trust) or CHAT in session.lower()) and not chat:
            raise RefusedError(
                f"{who} approved through a chat, where AWS cannot distinguish the people in the channel: it requires a role "
                "that is listed in chatApproverRoles"
            )
        person = self._proven(role, session, chat=chat)
        if person:
            return Approval(who, [*self.identified(person), session], person.lower().rsplit("/", 1)[-1])
        if name in self._shared:
            return Approval(who, [who, *self.known(trust)], f"role {name}")
        raise RefusedError(
            f"{who} approved, and the trust policy of role {role['RoleName']} does not prove which person that is: it takes one that names "
            "one user, or that forces sts:RoleSessionName to be ${aws:username}; or the role in sharedApproverRoles"
        )

    def _proven(self, role: Json, session: str, *, chat: bool = False) -> str:
        """Return the one person who can be behind a session of a role; empty where its trust policy proves none."""
        trust = role["AssumeRolePolicyDocument"]
        # IAM Identity Center names the sessions of its roles; no other principal can create a role below this path.
        reserved = f"{role['Arn'].split(':role/')[0]}:assumed-role/{role['RoleName']}/{session}"
        person = reserved if role["Path"].startswith(RESERVED_PATH) else session_person(trust, session, chat=chat)
        proven = person and all(self._sets_source_identity(each) for each in earlier_roles(trust))
        return self.resolved(person) if proven else ""

    def identified(self, *people: str) -> list[str]:
        """Return people, each of IAM Identity Center with the ID of the user: a user name may be given to another user."""
        found: list[str] = []
        for person in people:
            found.append(person)
            if self._store and f"/{IDENTITY_CENTER}" in person:
                found.append(self.user_id(person.rsplit("/", 1)[-1]))
        return found

    def user_id(self, name: str) -> str:
        """Return the ID of the user of IAM Identity Center who has a user name now.

        Raises:
            RefusedError: no user has it.
        """
        unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
        store = client("identitystore", self._store_region)
        try:
            found = store.get_user_id(IdentityStoreId=self._store, AlternateIdentifier=unique)
        except ClientError as failure:
            if code_of(failure) != "ResourceNotFoundException":
                raise
            raise RefusedError(f"no user of IAM Identity Center has the user name {name}") from failure
        return str(found["UserId"])

    def resolved(self, person: str) -> str:
        """Return the user whom an ID names; others as they are.

        Raises:
            RefusedError: no user of this account has the ID.
        """
        if not person.startswith("AIDA"):
            return person
        if self._users is None:
            pages = self._iam.get_paginator("list_users").paginate()
            self._users = {user["UserId"]: user["Arn"] for page in pages for user in page["Users"]}
        if person not in self._users:
            raise RefusedError(f"a trust policy names {person}, an ID that no user of this account has")
        return self._users[person]

    def known(self, trust: Json, seen: tuple[str, ...] = ()) -> list[str]:
        """Return the people whom a trust policy names, however many others it admits.

        Args:
            trust: trust policy.
            seen: roles whose trust policies have led here. Those of this account are followed to the people behind them.
        """
        people = {self.resolved(each) for each in trusted(trust) - {""}}
        for arn in admitted_roles(trust):
            role = self._found(arn) if arn not in seen and len(seen) < MAX_CHAIN else None
            if role and role["Arn"] == arn:
                people |= {arn, *self.known(role["AssumeRolePolicyDocument"], (*seen, arn))}
        return self.identified(*sorted(people))

    def _sets_source_identity(self, principal: str) -> bool:
        """Return whether a principal is a role whose sessions cannot choose their source identity."""
        is_role = ":role/" in principal
        return is_role and sets_source_identity(self._role(principal)["AssumeRolePolicyDocument"])

    def _found(self, arn: str) -> Json | None:
        """A role, by its ARN or that of a session."""
        name = arn.rsplit("/", 1)[-1] if ":role/" in arn else arn.split("/")[1]
        try:
            return self._iam.get_role(RoleName=name)["Role"]
        except ClientError as failure:
            if code_of(failure) != "NoSuchEntity":
                raise
        return None

    def _role(self, arn: str) -> Json:
        role = self._found(arn)
        if role:
            return role
        raise RefusedError(f"the role of {arn} is gone, and with it who its sessions are")


def principal_of(who: str) -> tuple[str, str]:
    """`role` or `user`, or what else there is, and the name, of an ARN, session or bare user name.

    In small letters: case means nothing in IAM names.
    """
    resource = who.split(":", 5)[5] if who.startswith("arn:") else f"user/{who}"
    parts = resource.lower().split("/")
    if parts[0] == "assumed-role":
        return "role", parts[1]
    return parts[0], parts[-1]


def same_person(one: str, other: str) -> bool:
    """Return whether two callers are the same principal, or by name the same person behind two.

    A console switches roles under the user's own name. A role of IAM Identity Center has as many people as its sessions
    have names; those are often e-mail addresses, and then begin with the name that the person has elsewhere.
    """
    names = [who.lower().rsplit("/", 1)[-1].rsplit(":", 1)[-1] for who in (one, other)]
    if len({"@" in name for name in names}) > 1:
        names = [name.split("@")[0] for name in names]
    principal = principal_of(one)
    reserved = principal[1].startswith(IDENTITY_CENTER.lower())
    return names[0] == names[1] or (principal == principal_of(other) and not reserved)


def _lower(names: Any) -> list[str]:
    return [name.lower() for name in names]
