"""People whom a role's trust policy admits. Pure, and data: see `components.approval.script`.

An empty text stands for principals that are not certainly one person.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import cast

from components.approval.scripts.aws import Json, listed

TAG_KEY = "SecurityAllowSessionInstance"
PERSON = re.compile(r"arn:[^:]+:(iam::\d{12}:user/.+|sts::\d{12}:assumed-role/AWSReservedSSO_[^/]+/[^/]+)")
"""A user, or a session of IAM Identity Center, which names it itself; other callers choose the name of a session."""
RESERVED_ROLE = re.compile(
    r"arn:[^:*?]+:iam::(\d{12}):role/aws-reserved/sso\.amazonaws\.com/([a-z0-9-]+/)?AWSReservedSSO_[\w+=,.@*?-]+"
)
"""Role of a permission set, or a pattern that matches no other roles: IAM Identity Center alone creates them there."""
SESSION_USER = re.compile(r"(?:\*|AROA[A-Z0-9*?]*):([\w+=,.@-]+)")
"""ID of a role session (`aws:userid`): any role, and one session name."""
ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
EXACT = ("stringequals", "stringlike", "arnequals", "arnlike")
"""Operators that compare with one value where it has no wildcard."""
CHAT_SERVICE = "chatbot.amazonaws.com"
ACCOUNT_ACCESS = "account-access.amazonaws.com"
APPLICATION = re.compile(r"arn:[a-z-]+:account-access:[a-z0-9-]+:(\d{12}):application/[A-Za-z0-9-]+")
"""Application of account access manager; that of IAM Identity Center (`arn:aws:sso::`) is another one."""
USER_NAME, SOURCE_IDENTITY = "${aws:username}", "${aws:sourceidentity}"
"""Required name of a session: the user's, or the source identity that an earlier role has set for good."""


def admitting(trust: Json) -> list[Json]:
    """The statements that let principals assume the role."""
    statements = listed(trust.get("Statement", []))
    return [each for each in statements if each.get("Effect") == "Allow" and _covers(each, *ASSUMING)]


def trusted(trust: Json) -> set[str]:
    """All principals that a trust policy admits."""
    return {person for each in admitting(trust) for person in _people(each)}


def session_person(trust: Json, session: str, *, chat: bool = False) -> str:
    """Return the one person who can be behind a session of a role; empty where the trust policy does not prove it.

    Args:
        trust: trust policy of the role.
        session: name of the session.
        chat: the role is one person's in a chat, so that the chat service does not count.
    """
    statements = [
        each for each in admitting(trust) if not (chat and _services(each) == _principals(each) == [CHAT_SERVICE])
    ]
    if chat:
        statements = [_without_services(each) if _services(each) == [CHAT_SERVICE] else each for each in statements]
    forced = [each for each in statements if _forces_name(each)]
    people = {person for each in statements if each not in forced for person in _people(each)}
    if forced:
        return "" if people else session
    return people.pop() if len(people) == 1 else ""


def earlier_roles(trust: Json) -> list[str]:
    """Return who is admitted under the name of their source identity: it proves as much as what has set it."""
    return [
        arn
        for each in admitting(trust)
        if _forces(each, "sts:rolesessionname", SOURCE_IDENTITY)
        for arn in _named(each)
    ]


def admitted_roles(trust: Json) -> list[str]:
    """Return the roles that a trust policy names, by ARN; patterns name none."""
    named = {arn for each in admitting(trust) for arn in _arns(each)}
    return sorted(arn for arn in named if ":role/" in arn and not re.search(r"[*?$]", arn))


def sets_source_identity(trust: Json) -> bool:
    """Return whether all sessions of a role have the user's name as source identity, or one that an identity provider signs."""
    statements = admitting(trust)
    return bool(statements) and all(
        _kinds(each) == ["Federated"] or _forces(each, "sts:sourceidentity", USER_NAME) for each in statements
    )


def identity_center_user(trust: Json) -> str:
    """Return the user name of the one person of IAM Identity Center whom a role admits; empty: it may admit others."""
    people = {_identity_center_person(each) for each in admitting(trust)}
    person = people.pop() if len(people) == 1 else ""
    return person.rsplit("/", 1)[-1]


def account_access_application(trust: Json) -> str:
    """Return the application of account access manager whose sessions alone a role admits; empty: it admits others.

    The statement is exactly that of the IAM User Guide ("Prepare your IAM roles"), for one application in its own account,
    and without session tags. The role then admits whom an entitlement of the application names.
    """
    allowing = [each for each in listed(trust.get("Statement", [])) if each.get("Effect") != "Deny"]
    statement: Json = allowing[0] if len(allowing) == 1 else {}
    condition: Json = statement.get("Condition", {})
    if set(statement) - {"Sid"} != {"Effect", "Principal", "Action", "Condition"} or set(condition) != {"StringEquals"}:
        return ""
    values = {key.lower(): listed(value) for key, value in condition["StringEquals"].items()}
    source = [str(each) for each in values.get("aws:sourcearn", [])]
    found = APPLICATION.fullmatch(source[0]) if len(source) == 1 else None
    is_exact = (
        found
        and values == {"aws:sourceaccount": [found[1]], "aws:sourcearn": source}
        and (_kinds(statement), _services(statement)) == (["Service"], [ACCOUNT_ACCESS])
        and sorted(str(each).lower() for each in listed(statement["Action"])) == ["sts:assumerole", "sts:setcontext"]
    )
    return source[0] if is_exact else ""


def admits_account_access(trust: Json) -> bool:
    """Return whether account access manager may assume the role."""
    return any(ACCOUNT_ACCESS in _services(each) for each in admitting(trust))


def admits_chat(trust: Json) -> bool:
    """Return whether the chat service may assume the role."""
    return any(CHAT_SERVICE in _services(each) for each in admitting(trust))


def lets_tag_sessions(trust: Json) -> bool:
    """Return whether principals that may assume a role can set the tag on their session: it counts as the role's own."""
    tagging = [each for each in listed(trust.get("Statement", [])) if _covers(each, "sts:TagSession")]
    if any(each.get("Effect") == "Deny" and "Action" in each and _denies_tag(each) for each in tagging):
        return False
    return any(each.get("Effect") == "Allow" and not _spares_tag(each) for each in tagging)


def _covers(statement: Json, *actions: str) -> bool:
    """Return whether a statement is about one of these actions; one that names what it is not about counts as well."""
    patterns = [str(pattern).lower() for pattern in listed(statement.get("Action", "*"))]
    return any(fnmatchcase(action.lower(), pattern) for action in actions for pattern in patterns)


def _named(statement: Json) -> list[str]:
    """Principals by ARN or account; `*` where there are others."""
    principal = statement.get("Principal", "*")
    known: Json = cast("Json", principal) if isinstance(principal, dict) else {}
    return [str(arn) for arn in listed(known["AWS"])] if list(known) == ["AWS"] else ["*"]


def _arns(statement: Json) -> list[str]:
    """Principals and values of `aws:PrincipalArn` of a statement."""
    principal = statement.get("Principal", "*")
    found = [*cast("Json", principal).values()] if isinstance(principal, dict) else []
    for keys in statement.get("Condition", {}).values():
        found += [each for key, each in keys.items() if key.lower() == "aws:principalarn"]
    return [str(arn) for several in found for arn in listed(several)]


def _services(statement: Json) -> list[str]:
    principal = statement.get("Principal", "*")
    known: Json = cast("Json", principal) if isinstance(principal, dict) else {}
    return [str(each).lower() for each in listed(known.get("Service", []))]


def _kinds(statement: Json) -> list[str]:
    principal = statement.get("Principal", "*")
    return list(cast("Json", principal)) if isinstance(principal, dict) else ["*"]


def _principals(statement: Json) -> list[str]:
    principal = statement.get("Principal", "*")
    known: Json = cast("Json", principal) if isinstance(principal, dict) else {"AWS": "*"}
    return [str(each).lower() for names in known.values() for each in listed(names)]


def _without_services(statement: Json) -> Json:
    named = cast("Json", statement["Principal"])
    return {**statement, "Principal": {kind: names for kind, names in named.items() if kind != "Service"}}


def _people(statement: Json) -> list[str]:
    """Whom a statement admits."""
    named = _named(statement)
    person = _identity_center_person(statement)
    if person:
        return [person]
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            texts = [str(value) for value in listed(values)]
            exact = operator.lower() in EXACT and not any(re.search(r"[*?$]", text) for text in texts)
            if exact and texts and all(_names_person(key.lower(), text, named) for text in texts):
                return texts
    return [arn if PERSON.fullmatch(arn) else "" for arn in named]


def _identity_center_person(statement: Json) -> str:
    """Return the person of IAM Identity Center whom a statement admits, as a session of any permission set.

    IAM Identity Center sets the names of these sessions. So the caller has to be a role of a permission set, and its session
    has to have one name; neither proves a person without the other.
    """
    roles = [found for arn in _named(statement) if (found := RESERVED_ROLE.fullmatch(arn))]
    accounts: set[str] = {found[1] for found in roles} if len(roles) == len(_named(statement)) else set()
    users: set[str] = set()
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            texts = [str(value) for value in listed(values)]
            if operator.lower() in EXACT and key.lower() == "aws:principalarn":
                matched = [RESERVED_ROLE.fullmatch(text) for text in texts]
                accounts |= {found[1] for found in matched if found} if texts and all(matched) else set()
            if operator.lower() in ("stringequals", "stringlike") and key.lower() == "aws:userid":
                named = [SESSION_USER.fullmatch(text) for text in texts]
                users |= {found[1] for found in named if found} if texts and all(named) else set()
    if len(accounts) != 1 or len(users) != 1:
        return ""
    return f"arn:aws:sts::{accounts.pop()}:assumed-role/AWSReservedSSO_/{users.pop()}"


def _names_person(key: str, value: str, named: list[str]) -> bool:
    """Return whether a condition key has this value for one person alone.

    Not so: the ID of a role's session, which ends in a name that the caller chooses, and the subject of a token, which
    may be a pipeline. A user name is one person's in one account.
    """
    if key == "aws:userid":
        return value.startswith("AIDA")
    if key == "aws:username":
        return len(named) == 1 and named != ["*"]
    return key == "aws:principalarn" and bool(PERSON.fullmatch(value)) and ":user/" in value


def _forces_name(statement: Json) -> bool:
    """Return whether the session has to have the name of the user, or of the source identity."""
    return any(_forces(statement, "sts:rolesessionname", name) for name in (USER_NAME, SOURCE_IDENTITY))


def _forces(statement: Json, key: str, value: str) -> bool:
    """Return whether a condition key has to have this one value, for principals of one account."""
    accounts = {arn.split(":")[4] if arn.startswith("arn:") else arn for arn in _named(statement)}
    return (
        len(accounts) == 1
        and accounts != {"*"}
        and any(
            operator in ("stringequals", "stringlike") and (name, values) == (key, [value])
            for operator, name, values in _conditions(statement)
        )
    )


def _denies_tag(statement: Json) -> bool:
    """Return whether a statement that denies applies to all principals, with no condition but that the tag is there."""
    if statement.get("Principal") not in ("*", {"AWS": "*"}):
        return False
    conditions = _conditions(statement)
    return not conditions or (
        len(conditions) == 1
        and any(
            (operator, key, values) == ("null", f"aws:requesttag/{TAG_KEY}".lower(), ["false"])
            or ((operator, key) == ("foranyvalue:stringequalsignorecase", "aws:tagkeys") and TAG_KEY.lower() in values)
            for operator, key, values in conditions
        )
    )


def _spares_tag(statement: Json) -> bool:
    """Return whether a statement that allows does so without the tag only. Case means nothing in keys of tags."""
    for operator, key, values in _conditions(statement):
        if (operator, key, values) == ("null", f"aws:requesttag/{TAG_KEY}".lower(), ["true"]):
            return True
        only_listed = operator in ("forallvalues:stringequals", "forallvalues:stringequalsignorecase")
        if only_listed and key == "aws:tagkeys" and TAG_KEY.lower() not in values and "$" not in "".join(values):
            return True
        if operator == "forallvalues:stringnotequalsignorecase" and key == "aws:tagkeys" and TAG_KEY.lower() in values:
            return True
    return False


def _conditions(statement: Json) -> list[tuple[str, str, list[str]]]:
    """Operator, key and values of each condition, in small letters."""
    return [
        (operator.lower(), key.lower(), [str(value).lower() for value in listed(values)])
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
