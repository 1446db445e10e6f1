"""Person behind a principal. Data: see `components.approval.script`.

People are written as the ARN or the name of a user, or as a session of IAM Identity Center. A session whose name its owner
chose identifies no person; it still counts where it has the name of another person.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from components.approval.scripts.aws import Json, RefusedError, client, code_of
from components.approval.scripts.trust import (
    account_access_application,
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
OPERATORS_PATH = "/shell-access/operators/"
OPERATOR_ROLE_PREFIX = "ShellOperator-"
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


class Identities:
    """Users of IAM Identity Center, where operators sign in through it.

    The operators are those who have a role below the path of operators, where the stack alone creates and deletes roles. A
    list of them here would take more than a document may have.

    Attributes:
        store: ID of the identity store; empty: no operators sign in through it.
        application: ARN of the application of account access manager; empty: they sign in with a permission set.
    """

    def __init__(self, events: Json) -> None:
        """Read nothing yet.

        Args:
            events: input of the script.
        """
        self.store, self._region = events.get("IdentityStore", ""), events.get("IdentityStoreRegion", "")
        self.application = events.get("AccountAccessApplication", "")

    def operator(self, role: str) -> str:
        """Return the ID of the operator whose role has a name; empty: it is no name of a role of an operator."""
        return role.removeprefix(OPERATOR_ROLE_PREFIX) if self.store and role.startswith(OPERATOR_ROLE_PREFIX) else ""

    def user_id(self, name: str) -> str:
        """Return the ID of the user who has a user name now.

        Raises:
            RefusedError: no user has it.
        """
        unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
        return self._read("get_user_id", f"has the user name {name}", AlternateIdentifier=unique)["UserId"]

    def user_name(self, user: str) -> str:
        """Return the user name that a user has now.

        Raises:
            RefusedError: there is no such user any more.
        """
        return self._read("describe_user", f"has the ID {user} any more", UserId=user)["UserName"]

    def _read(self, operation: str, what: str, **arguments: Any) -> Json:
        try:
            return getattr(client("identitystore", self._region), operation)(IdentityStoreId=self.store, **arguments)
        except ClientError as failure:
            if code_of(failure) != "ResourceNotFoundException":
                raise
            raise RefusedError(f"no user of IAM Identity Center {what}") from failure


NO_IDENTITIES = Identities({})


class People:
    """People of the account, as IAM describes them."""

    def __init__(self, shared_roles: list[str], chat_roles: list[str], identities: Identities = NO_IDENTITIES) -> None:
        """Read nothing yet.

        Args:
            shared_roles: names of shared approver roles.
            chat_roles: names of approver roles of one person in a chat.
            identities: users of IAM Identity Center.
        """
        self._iam = client("iam")
        self.identities = identities
        self._shared, self._chat = _lower(shared_roles), _lower(chat_roles)
        self._users: dict[str, str] | None = None

    def requester(self, who: str) -> list[str]:
        """Return all known people who may be behind a requester.

        Raises:
            RefusedError: it is none of a person.
        """
        if not who:
            raise RefusedError("the requester is not known")
        kind, name = principal_of(who)
        if kind == "role" and (name in _lower(WORKFLOW_ROLES) or name.startswith("awsservicerolefor")):
            raise RefusedError(f"{who} asked, which is a role of this workflow or of a service, and no person")
        if kind not in ("role", "user"):
            raise RefusedError(f"{who} sent the request, and the person cannot be determined")
        if kind == "user":
            return [who]
        role = self._role(who)
        person = self._proven(role, who.rsplit("/", 1)[-1])
        return [who, *(self.identified(person) if person else self.known(role))]

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
            return Approval(who, [who, *self.known(role)], f"role {name}")
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
            if self.identities.store and f"/{IDENTITY_CENTER}" in person:
                found.append(self.identities.user_id(person.rsplit("/", 1)[-1]))
        return found

    def entitled(self, role: Json) -> list[str]:
        """Return the person of an operator's role who signs in through account access manager, by user ID and user name.

        The name of the role has the ID, and no other principal names a role of this path. The name of the session proves
        nothing: who signs in chooses it (Account Access Manager Runtime API Reference, GetRoleCredentials). None: it is no
        such role, or its trust policy admits others.

        Raises:
            RefusedError: the user does not exist any more.
        """
        user, application = self.identities.operator(role["RoleName"]), self.identities.application
        if not (user and application) or role["Path"] != OPERATORS_PATH:
            return []
        if account_access_application(role["AssumeRolePolicyDocument"]) != application:
            return []
        return [user, self.identities.user_name(user)]

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

    def known(self, role: Json, seen: tuple[str, ...] = ()) -> list[str]:
        """Return the people whom the trust policy of a role names, however many others it admits.

        Args:
            role: the role.
            seen: roles whose trust policies have led here. Those of this account are followed to the people behind them.
        """
        trust = role["AssumeRolePolicyDocument"]
        people = {*(self.resolved(each) for each in trusted(trust) - {""}), *self.entitled(role)}
        for arn in admitted_roles(trust):
            earlier = self._found(arn) if arn not in seen and len(seen) < MAX_CHAIN else None
            if earlier and earlier["Arn"] == arn:
                people |= {arn, *self.known(earlier, (*seen, arn))}
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
        raise RefusedError(f"the role of {arn} no longer exists, so the person of its sessions is not known")


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
