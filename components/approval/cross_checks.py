"""Checks of approval settings that are each valid on their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from common.characters import hidden_character
from common.problems import Problem, SettingPath, shown, unexpected
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
    from collections.abc import Iterator, Sequence

_IAM_NAME: Final = re.compile(r"([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}")
_IDENTITY_CENTER_PATH: Final = "aws-reserved/sso.amazonaws.com/eu-west-1"
"""Path of IAM Identity Center's roles, here in Ireland: it has its own Region, and us-east-1 is omitted."""


def approval_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of settings that are each valid on their own."""
    if settings.mode is Mode.JUST_IN_TIME:
        yield from _just_in_time_problems(settings, path)
        return
    yield from _migration_problems(settings, path)
    if not settings.operator_roles and not settings.operator_users and not settings.operators:
        someone = "at least one role, one user in operatorUsers, or one person in operators"
        yield unexpected((*path, "operatorRoles"), someone, shown([]))
    if not settings.approvers:
        yield unexpected((*path, "approvers"), "at least one approver", shown([]))
    for level in settings.levels():
        if len(level) > MAX_APPROVERS_OF_A_LEVEL:
            allowed = f"at most {MAX_APPROVERS_OF_A_LEVEL} approvers in level {level[0].level}"
            yield unexpected((*path, "approvers"), allowed, shown(len(level)))
    yield from _operator_problems(settings, path)
    yield from _access_problems(settings, path)
    yield from _accepted_role_problems(settings, path)
    yield from _break_glass_problems(settings, path)
    for position, approver in enumerate(settings.approvers):
        yield from _approver_problems(settings, approver, (*path, "approvers", position))


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


def _just_in_time_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of mode `just-in-time`."""
    fields = type(settings).model_fields
    allowed = _OF_JUST_IN_TIME | (_OF_EVIDENCE if settings.evidence else frozenset[str]())
    for name in sorted(settings.model_fields_set - allowed):
        fix = "Remove it, as AWS grants the access in this mode"
        yield unexpected((*path, str(fields[name].alias)), "no value in mode just-in-time", "one", fix)
    if settings.just_in_time is None:
        yield unexpected((*path, "justInTime"), "a mapping with manualPolicies or autoApprovals", "none")
    else:
        yield from just_in_time_problems(settings.just_in_time, (*path, "justInTime"))


def _migration_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of policies for just-in-time node access in another mode: only a move deploys them."""
    section, own = settings.just_in_time, (*path, "justInTime")
    if section and settings.is_migrating:
        yield from just_in_time_problems(section, own)
    elif section:
        fix = "Set mode to just-in-time, or justInTimeMigration to parallel, or remove them"
        yield unexpected(own, f"no value in mode {settings.mode}", "policies", fix)
    elif settings.is_migrating:
        stage = f"while justInTimeMigration is {settings.just_in_time_migration}"
        fix = "Add it, as no session could be requested after the move"
        yield unexpected(own, f"a mapping with manualPolicies or autoApprovals {stage}", "none", fix)


def _operator_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    for position, role in enumerate(settings.operator_roles):
        allowed = _other_operator(role)
        if allowed:
            yield unexpected((*path, "operatorRoles", position), allowed, shown(role))
    for position, role in enumerate(settings.shared_operator_roles):
        if role not in settings.operator_roles:
            yield unexpected((*path, "sharedOperatorRoles", position), "a role of operatorRoles", shown(role))


def _access_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of operators who sign in through IAM Identity Center."""
    if not settings.operators:
        return
    yield from identity_problems(settings.operators, (*path, "operators"))
    access = settings.identity_center
    permission_set, application = (
        (*path, "identityCenter", "permissionSet"),
        (*path, "identityCenter", "applicationArn"),
    )
    of_another_access = f"no value with access {access.access}"
    if access.uses_account_access:
        if not access.application_arn:
            fix = "Set the application whose entitlements name the operators"
            yield unexpected(application, APPLICATION_ALLOWED, shown(""), fix)
        if access.permission_set:
            yield unexpected(permission_set, of_another_access, shown(access.permission_set), "Remove it")
        return
    if not access.permission_set:
        fix = "Set the permission set with which operators sign in to this account"
        yield unexpected(permission_set, "the name of a permission set", shown(""), fix)
    if access.application_arn:
        yield unexpected(application, of_another_access, shown(access.application_arn), "Remove it")


def identity_problems(
    operators: Sequence[IdentityCenterOperator], path: SettingPath, *, once: bool = True
) -> Iterator[Problem]:
    """Yield problems of users and groups of IAM Identity Center; `once`: whether each may be listed once only."""
    names: set[tuple[str, str]] = set()
    for position, each in enumerate(operators):
        found = each.model_dump(
            by_alias=True, exclude_none=True, include={"identity_center_user", "identity_center_group"}
        )
        own = (*path, position)
        if len(found) != 1:
            yield unexpected(
                own, "either identityCenterUser or identityCenterGroup", shown(found), "Use one item for each"
            )
            continue
        ((kind, name),) = found.items()
        if once and (kind, name.lower()) in names:
            yield unexpected((*own, kind), "each user and each group once", shown(name), "Remove the second item")
        if hidden_character(name):
            yield unexpected(
                (*own, kind), "a name without characters that do not show", shown(name), "Type the name again"
            )
        names.add((kind, name.lower()))


def _accepted_role_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of shared roles and chat roles: each has to be an approver, in the same spelling."""
    approvers = {each.bare_name for each in settings.approvers if each.type is ApproverType.IAM_ROLE}
    accepted = {
        "sharedApproverRoles": settings.shared_approver_roles,
        "chatApproverRoles": settings.chat_approver_roles,
    }
    for key, roles in accepted.items():
        for position, role in enumerate(roles):
            if role not in approvers:
                allowed = "the name of an approver of type IamRole, without a path"
                yield unexpected((*path, key, position), allowed, shown(role))


def _break_glass_problems(settings: ApprovalSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of emergency users: the guard rails deny an operator to assume another role."""
    operators = {each.lower() for each in settings.operator_users}
    for position, user in enumerate(settings.break_glass.users if settings.break_glass else []):
        if user.rsplit("/", 1)[-1].lower() in operators:
            place, fix = (*path, "breakGlass", "users", position), "Create a separate user for emergencies"
            yield unexpected(place, "a user that is not in operatorUsers", user, fix)


_WORKFLOW_ROLES: Final = frozenset(each.lower() for each in WORKFLOW_ROLES)


def _other_operator(role: str) -> str | None:
    """Return the roles that are allowed instead of one that cannot be an operator; None: it can."""
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


def _other_name(approver: Approver) -> str | None:
    """Return the names that are allowed instead of this approver's; None: it is allowed."""
    is_role = approver.type is ApproverType.IAM_ROLE
    if is_role and approver.bare_name.lower() in _WORKFLOW_ROLES:
        return "another role than those of the workflow itself"
    if is_role and approver.bare_name.lower().startswith(OPERATOR_ROLE_PREFIX.lower()):
        return "another role than those that the stack creates for operators of IAM Identity Center"
    if (is_role or approver.type is ApproverType.IAM_USER) and len(approver.bare_name) > MAX_ROLE_NAME:
        return f"at most {MAX_ROLE_NAME} characters in the name of a role or user"
    is_iam = is_role or approver.type in (ApproverType.IAM_USER, ApproverType.IAM_GROUP)
    if hidden_character(approver.name) or (is_iam and not _IAM_NAME.fullmatch(approver.name)):
        return "letters, digits and + = , . @ _ - in names of IAM, and no characters that do not show"
    return None


def _count_problems(settings: ApprovalSettings, approver: Approver, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of an approver that would count as more people than it can be."""
    # IAM names are not case-sensitive.
    identity = (approver.type, approver.bare_name.lower())
    same = [each for each in settings.approvers if (each.type, each.bare_name.lower()) == identity]
    if len([each for each in same if each.level == approver.level]) > 1 and approver is same[-1]:
        yield unexpected((*path, "name"), f"each approver once in level {approver.level}", shown(approver.name))
    elif approver.type in _ONE_PRINCIPAL and any(each.level < approver.level for each in same):
        allowed = "one level for each role or user: two levels take two people"
        yield unexpected((*path, "name"), allowed, shown(approver.name))
    counts_once = approver.type in _ONE_PERSON or approver.bare_name in settings.shared_approver_roles
    if counts_once and approver.min_required_approvals > 1 and settings.mode is Mode.CHANGE_MANAGER:
        allowed = "0 or 1, as a user, or a role in sharedApproverRoles, counts as one person"
        yield unexpected((*path, "minRequiredApprovals"), allowed, shown(approver.min_required_approvals))


def _approver_problems(settings: ApprovalSettings, approver: Approver, path: SettingPath) -> Iterator[Problem]:
    own, name = (*path, "name"), shown(approver.name)
    # Names are unique in an account without regard to case (IAM User Guide, "IAM and AWS STS quotas").
    operators = {
        ApproverType.IAM_ROLE: {name.lower() for name in settings.operator_roles},
        ApproverType.IAM_USER: {name.lower() for name in settings.operator_users},
    }
    if approver.bare_name.lower() in operators.get(approver.type, set()):
        allowed = "an approver who is not an operator: requesters cannot approve their own request"
        yield unexpected(own, allowed, name)
    other = _other_name(approver)
    if other:
        yield unexpected(own, other, name)
    yield from _count_problems(settings, approver, path)
    if "/" in approver.name and approver.type not in operators:
        allowed = "a name without a path, as groups and users of IAM Identity Center have none"
        yield unexpected(own, allowed, name)
    if settings.mode is not Mode.AUTOMATION:
        return
    if approver.name.startswith(IDENTITY_CENTER_PREFIX) and approver.type is ApproverType.IAM_ROLE:
        path_in_front = f"its path in front, {_IDENTITY_CENTER_PATH}/{approver.name}"
        yield unexpected(own, f"{path_in_front}, as the ARN of the role shows it", name)
    if approver.type not in operators:
        allowed = "IamRole or IamUser, as aws:approve in a runbook knows no others"
        yield unexpected((*path, "type"), allowed, shown(str(approver.type)))
    if approver.min_required_approvals > 1:
        allowed = "0 or 1, as aws:approve in a runbook counts each approver once"
        yield unexpected((*path, "minRequiredApprovals"), allowed, shown(approver.min_required_approvals))
