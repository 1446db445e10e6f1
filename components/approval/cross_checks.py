"""Checks of approval settings that are each valid on their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from common.characters import hidden_character
from common.problems import Problem, SettingPath, shown
from common.validation import ineffective
from components.approval.names import OPERATOR_ROLE_PREFIX, WORKFLOW_ROLES
from components.approval.settings import (
    APPLICATION_ALLOWED,
    IDENTITY_CENTER_PREFIX,
    MAX_APPROVERS_OF_A_LEVEL,
    MAX_ROLE_NAME,
    ApprovalSettings,
    Approver,
    ApproverType,
    IdentityCenterOperator,
    Mode,
)
from components.just_in_time.settings import just_in_time_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

_IAM_NAME: Final = re.compile(r"([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}")
_IDENTITY_CENTER_PATH: Final = "aws-reserved/sso.amazonaws.com/eu-west-1"
"""Path of IAM Identity Center's roles, here in Ireland: it has its own Region, and us-east-1 is omitted."""


def approval_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of settings that are each valid on their own."""
    if settings.mode is Mode.JUST_IN_TIME:
        return _just_in_time_problems(settings, path)
    problems = _migration_problems(settings, path)

    def problem(key: SettingPath, given: object, allowed: str) -> None:
        problems.append(Problem(path=(*path, *key), message=f"expected {allowed}, got {shown(given)}."))

    if not settings.operator_roles and not settings.operator_users and not settings.operators:
        problem(("operatorRoles",), [], "at least one role, one user in operatorUsers, or one person in operators")
    if not settings.approvers:
        problem(("approvers",), [], "at least one approver")
    for level in settings.levels():
        if len(level) > MAX_APPROVERS_OF_A_LEVEL:
            allowed = f"at most {MAX_APPROVERS_OF_A_LEVEL} approvers in level {level[0].level}"
            problem(("approvers",), len(level), allowed)
    problems += _operator_problems(settings, path)
    problems += _access_problems(settings, path)
    problems += _accepted_role_problems(settings, path)
    problems += _break_glass_problems(settings, path)
    for position, approver in enumerate(settings.approvers):
        problems += _approver_problems(settings, approver, (*path, "approvers", position))
    return problems


def warnings(settings: ApprovalSettings, path: SettingPath = ("approval",)) -> list[Problem]:
    """Return warnings about settings that have no effect beside the others."""
    found: list[Problem] = []
    if settings.mode is not Mode.CHANGE_MANAGER and not settings.require_change_request:
        message = f"false has no effect, as mode is {settings.mode}. Change one of the two, or remove this key"
        found.append(Problem(path=(*path, "requireChangeRequest"), message=message))
    if not settings.operators:
        access = ("access", "permission_set", "application_arn", "region")
        found += ineffective(settings.identity_center, (*path, "identityCenter"), "operators is empty", *access)
    return found


_OF_JUST_IN_TIME: Final = frozenset({"enabled", "mode", "just_in_time", "take_over", "evidence"})
_OF_EVIDENCE: Final = frozenset({"notification_emails", "alarm_topic_arns"})
"""Settings of the alarms about the export."""


def _just_in_time_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of mode `just-in-time`."""
    section = settings.just_in_time
    fields = type(settings).model_fields
    problems = [
        Problem(
            path=(*path, str(fields[name].alias)),
            message="expected no value in mode just-in-time, got one. Remove it, as AWS grants the access in this mode",
        )
        for name in sorted(
            settings.model_fields_set - _OF_JUST_IN_TIME - (_OF_EVIDENCE if settings.evidence else frozenset())
        )
    ]
    if section is None:
        message = "expected a mapping with manualPolicies or autoApprovals, got none."
        return [*problems, Problem(path=(*path, "justInTime"), message=message)]
    return [*problems, *just_in_time_problems(section, (*path, "justInTime"))]


def _migration_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of policies for just-in-time node access in another mode: only a move deploys them."""
    section, own = settings.just_in_time, (*path, "justInTime")
    if section and settings.is_migrating:
        return just_in_time_problems(section, own)
    if section:
        message = (
            f"expected no value in mode {settings.mode}, got policies. Set mode to just-in-time, or justInTimeMigration to "
            "parallel, or remove them"
        )
        return [Problem(path=own, message=message)]
    if settings.is_migrating:
        message = (
            f"expected a mapping with manualPolicies or autoApprovals while justInTimeMigration is "
            f"{settings.just_in_time_migration}, got none. Add it, as no session could be requested after the move"
        )
        return [Problem(path=own, message=message)]
    return []


def _operator_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    problems: list[Problem] = []
    for position, role in enumerate(settings.operator_roles):
        reason = _unfit(role)
        if reason:
            message = f"expected {reason}, got {shown(role)}."
            problems.append(Problem(path=(*path, "operatorRoles", position), message=message))
    for position, role in enumerate(settings.shared_operator_roles):
        if role not in settings.operator_roles:
            message = f"expected a role of operatorRoles, got {shown(role)}."
            problems.append(Problem(path=(*path, "sharedOperatorRoles", position), message=message))
    return problems


def _access_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of operators who sign in through IAM Identity Center."""
    problems: list[Problem] = []

    def problem(key: SettingPath, given: object, expected: str, fix: str) -> None:
        problems.append(Problem(path=(*path, *key), message=f"expected {expected}, got {shown(given)}. {fix}"))

    problems += identity_problems(settings.operators, (*path, "operators"))
    if not settings.operators:
        return problems
    access = settings.identity_center
    permission_set = (
        "permissionSet",
        access.permission_set,
        "the name of a permission set",
        "Set the permission set with which operators sign in to this account",
    )
    application = (
        "applicationArn",
        access.application_arn,
        APPLICATION_ALLOWED,
        "Set the application whose entitlements name the operators",
    )
    needed, unused = (application, permission_set) if access.uses_account_access else (permission_set, application)
    if not needed[1]:
        problem(("identityCenter", needed[0]), *needed[1:])
    if unused[1]:
        problem(("identityCenter", unused[0]), unused[1], f"no value with access {access.access}", "Remove it")
    return problems


def identity_problems(
    operators: Sequence[IdentityCenterOperator], path: SettingPath, *, once: bool = True
) -> list[Problem]:
    """Return problems of users and groups of IAM Identity Center; `once`: whether each may be listed once only."""
    problems: list[Problem] = []

    def problem(key: SettingPath, given: object, expected: str, fix: str) -> None:
        problems.append(Problem(path=(*path, *key), message=f"expected {expected}, got {shown(given)}. {fix}"))

    names: list[tuple[str, str]] = []
    for position, each in enumerate(operators):
        found = {
            key: name
            for key, name in (
                ("identityCenterUser", each.identity_center_user),
                ("identityCenterGroup", each.identity_center_group),
            )
            if name is not None
        }
        key = (position,)
        if len(found) != 1:
            problem(key, found, "either identityCenterUser or identityCenterGroup", "Use one item for each")
            continue
        ((kind, name),) = found.items()
        if once and (kind, name.lower()) in names:
            problem((*key, kind), name, "each user and each group once", "Remove the second item")
        if hidden_character(name):
            problem((*key, kind), name, "a name without characters that do not show", "Type the name again")
        names.append((kind, name.lower()))
    return problems


def _accepted_role_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of shared roles and chat roles: each has to be an approver, in the same spelling."""
    approvers = {each.bare_name for each in settings.approvers if each.type is ApproverType.IAM_ROLE}
    accepted = {
        "sharedApproverRoles": settings.shared_approver_roles,
        "chatApproverRoles": settings.chat_approver_roles,
    }
    return [
        Problem(
            path=(*path, key, position),
            message=f"expected the name of an approver of type IamRole, without a path, got {shown(role)}.",
        )
        for key, roles in accepted.items()
        for position, role in enumerate(roles)
        if role not in approvers
    ]


def _break_glass_problems(settings: ApprovalSettings, path: SettingPath) -> list[Problem]:
    """Return problems of emergency users: the guard rails deny an operator to assume another role."""
    operators = {each.lower() for each in settings.operator_users}
    users = settings.break_glass.users if settings.break_glass else []
    return [
        Problem(
            path=(*path, "breakGlass", "users", position),
            message=f"expected a user that is not in operatorUsers, got {user}. Create a separate user for emergencies",
        )
        for position, user in enumerate(users)
        if user.rsplit("/", 1)[-1].lower() in operators
    ]


_WORKFLOW_ROLES: Final = frozenset(each.lower() for each in WORKFLOW_ROLES)


def _unfit(role: str) -> str | None:
    """Return why a role cannot be an operator."""
    # IAM names are not case-sensitive.
    if role.lower().startswith(IDENTITY_CENTER_PREFIX.lower()):
        return (
            "a role of this account's own; IAM Identity Center manages this one, no other principal can tag it, and all who "
            "have its permission set share it. Use an IAM role or user that one person may assume"
        )
    if role.lower() in _WORKFLOW_ROLES:
        return "another role than those of the workflow itself"
    if role.lower().startswith(OPERATOR_ROLE_PREFIX.lower()):
        return "another role than those that the stack creates for operators of IAM Identity Center; name the person in operators"
    return None


_ONE_PERSON: Final = (ApproverType.IAM_USER, ApproverType.SSO_USER)
_ONE_PRINCIPAL: Final = (*_ONE_PERSON, ApproverType.IAM_ROLE)


def _name_problem(approver: Approver) -> str | None:
    """Return the names that are allowed instead of this approver's; None: it is allowed."""
    if approver.type is ApproverType.IAM_ROLE and approver.bare_name.lower() in _WORKFLOW_ROLES:
        return "another role than those of the workflow itself"
    if approver.type is ApproverType.IAM_ROLE and approver.bare_name.lower().startswith(OPERATOR_ROLE_PREFIX.lower()):
        return "another role than those that the stack creates for operators of IAM Identity Center"
    is_iam = approver.type in (ApproverType.IAM_ROLE, ApproverType.IAM_USER, ApproverType.IAM_GROUP)
    if approver.type in (ApproverType.IAM_ROLE, ApproverType.IAM_USER) and len(approver.bare_name) > MAX_ROLE_NAME:
        return f"at most {MAX_ROLE_NAME} characters in the name of a role or user"
    if hidden_character(approver.name) or (is_iam and not _IAM_NAME.fullmatch(approver.name)):
        return "letters, digits and + = , . @ _ - in names of IAM, and no characters that do not show"
    return None


def _count_problems(settings: ApprovalSettings, approver: Approver, path: SettingPath) -> list[Problem]:
    """Return problems of an approver that would count as more people than it can be."""
    problems: list[Problem] = []

    def problem(key: str, given: object, allowed: str) -> None:
        problems.append(Problem(path=(*path, key), message=f"expected {allowed}, got {shown(given)}."))

    # IAM names are not case-sensitive.
    identity = (approver.type, approver.bare_name.lower())
    same = [each for each in settings.approvers if (each.type, each.bare_name.lower()) == identity]
    if len([each for each in same if each.level == approver.level]) > 1 and approver is same[-1]:
        problem("name", approver.name, f"each approver once in level {approver.level}")
    elif approver.type in _ONE_PRINCIPAL and any(each.level < approver.level for each in same):
        problem("name", approver.name, "one level for each role or user: two levels take two people")
    counts_once = approver.type in _ONE_PERSON or approver.bare_name in settings.shared_approver_roles
    if counts_once and approver.min_required_approvals > 1 and settings.mode is Mode.CHANGE_MANAGER:
        allowed = "0 or 1, as a user, or a role in sharedApproverRoles, counts as one person"
        problem("minRequiredApprovals", approver.min_required_approvals, allowed)
    return problems


def _approver_problems(settings: ApprovalSettings, approver: Approver, path: SettingPath) -> list[Problem]:
    problems: list[Problem] = []

    def problem(key: str, given: object, allowed: str) -> None:
        problems.append(Problem(path=(*path, key), message=f"expected {allowed}, got {shown(given)}."))

    # Names are unique in an account without regard to case (IAM User Guide, "IAM and AWS STS quotas").
    operators = {
        ApproverType.IAM_ROLE: {name.lower() for name in settings.operator_roles},
        ApproverType.IAM_USER: {name.lower() for name in settings.operator_users},
    }
    if approver.bare_name.lower() in operators.get(approver.type, set()):
        problem(
            "name", approver.name, "an approver who is not an operator: requesters cannot approve their own request"
        )
    unfit = _name_problem(approver)
    if unfit:
        problem("name", approver.name, unfit)
    problems += _count_problems(settings, approver, path)
    if "/" in approver.name and approver.type not in operators:
        problem("name", approver.name, "a name without a path, as groups and users of IAM Identity Center have none")
    if settings.mode is Mode.AUTOMATION:
        if approver.name.startswith(IDENTITY_CENTER_PREFIX) and approver.type is ApproverType.IAM_ROLE:
            allowed = f"its path in front, {_IDENTITY_CENTER_PATH}/{approver.name}, as the ARN of the role shows it"
            problem("name", approver.name, allowed)
        if approver.type not in operators:
            problem("type", str(approver.type), "IamRole or IamUser, as aws:approve in a runbook knows no others")
        if approver.min_required_approvals > 1:
            allowed = "0 or 1, as aws:approve in a runbook counts each approver once"
            problem("minRequiredApprovals", approver.min_required_approvals, allowed)
    return problems
