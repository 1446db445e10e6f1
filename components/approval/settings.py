"""Settings of `shell-access:approval`.

Names, meanings and defaults are those of the AWS post "Apply the principle of separation of duties to shell access to
your EC2 instances"; the descriptions of our own settings say so.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from common.characters import hidden_character
from common.problems import Problem, shown
from common.validation import (
    BUCKET_NAME,
    ROLE_NAMES_ALLOWED,
    Email,
    IgnoresCase,
    RoleName,
    Section,
    enabled_flag,
    flag,
    member_of,
    setting,
)
from components.approval.names import (
    BREAK_GLASS_ROLE_NAME,
    DOCUMENT_NAMES,
    EVIDENCE_ROLES,
    EVIDENCE_RUNBOOK_NAME,
    EVIDENCE_SCHEDULE_GROUP,
    EVIDENCE_SCHEDULE_NAME,
    OPERATOR_ROLE_PREFIX,
    REAPER_SCHEDULE_GROUP,
    REAPER_SCHEDULE_NAME,
    ROLES,
    WORKFLOW_ROLES,
)
from components.just_in_time.settings import JustInTimeSettings, just_in_time_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LEVELS: Final = 5
MAX_APPROVERS_OF_A_LEVEL: Final = 5
"""Limits of change templates (Systems Manager User Guide, "Creating change templates")."""
MAX_VALIDITY_MINUTES: Final = 1440
"""`aws:sleep` supports a week, but a grant longer than a working day is no longer the approval of one session."""
IDENTITY_CENTER_PREFIX: Final = "AWSReservedSSO_"

MAX_NAME: Final = 128
MAX_ROLE_NAME: Final = 64
MAX_PATH: Final = 512
"""IAM User Guide, "IAM and AWS STS quotas"."""

_IAM_NAME: Final = re.compile(r"([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}")
_IDENTITY_CENTER_PATH: Final = "aws-reserved/sso.amazonaws.com/eu-west-1"
"""Path of IAM Identity Center's roles, here in Ireland: it has its own Region, and us-east-1 is omitted."""
_USER: Final = r"^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$"
MAX_RETENTION_DAYS: Final = 36_500
MAX_SCANNED_GIGABYTES: Final = 100_000
"""S3 API reference, "DefaultRetention": a hundred years."""
MAX_BREAK_GLASS_USERS: Final = 8
"""A trust policy has 2,048 characters (IAM User Guide, "IAM and AWS STS quotas")."""
_TOPIC_ARN: Final = r"^arn:aws(-cn|-us-gov)?:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"


class Mode(StrEnum):
    """Mode of approval."""

    CHANGE_MANAGER = "change-manager"
    """Change requests. Closed to new customers since November 2025, supported for existing ones."""
    AUTOMATION = "automation"
    """Approval steps of the runbook itself; available in every account."""
    JUST_IN_TIME = "just-in-time"
    """AWS' own just-in-time node access; the stack writes its approval policies and has no workflow of its own."""


class JustInTimeMigration(StrEnum):
    """Stage of a move to just-in-time node access."""

    NONE = "none"
    """No move."""
    PARALLEL = "parallel"
    """The approval policies are deployed beside the workflow, which stays as it is."""
    DRAINING = "draining"
    """The workflow accepts no new requests; its requests and grants end as they would without a move."""


class ApproverType(StrEnum):
    """Type of an approver (User Guide, "Creating change templates", `Approvers`)."""

    IAM_ROLE = "IamRole"
    IAM_USER = "IamUser"
    IAM_GROUP = "IamGroup"
    SSO_GROUP = "SSOGroup"
    SSO_USER = "SSOUser"


class Approver(Section):
    """An approver, or a group of approvers."""

    type: Annotated[ApproverType, member_of(ApproverType)] = Field(
        description="What the name names.",
        json_schema_extra={"allowed": f"one of {', '.join(ApproverType)}"},
    )
    name: str = Field(
        min_length=1,
        max_length=MAX_PATH + MAX_NAME,
        pattern=r"^([^\s{}:/*?\"\\]+/)*[^\s{}:/*?\"\\]{1,128}$",
        description="Of the role, user or group. A role or user below a path has it in front, as its ARN does.",
        json_schema_extra={
            "allowed": f"a name (no ARN) of at most {MAX_NAME} characters; of a role or user with its path: team/Approver"
        },
    )
    min_required_approvals: int = Field(
        default=1,
        ge=0,
        le=10,
        description="How many approvals have to come from this one; 0 where any approver of the level will do.",
        json_schema_extra={"allowed": "a whole number from 0 to 10"},
    )
    level: int = Field(
        default=1,
        ge=1,
        le=MAX_LEVELS,
        description="Levels are requested one after the other, the lowest first.",
        json_schema_extra={"allowed": f"a whole number from 1 to {MAX_LEVELS}"},
    )

    @property
    def bare_name(self) -> str:
        """Name without the path; names are unique in an account whatever the path."""
        return self.name.rsplit("/", 1)[-1]


class BreakGlass(Section):
    """Emergency access: the role `ShellAccessBreakGlass`, which starts sessions without an approval."""

    users: list[Annotated[str, Field(pattern=_USER), IgnoresCase()]] = Field(
        min_length=1,
        max_length=MAX_BREAK_GLASS_USERS,
        description="IAM users that can assume the role, with MFA. Each use raises an alarm.",
        json_schema_extra={
            "allowed": f"a list of 1 to {MAX_BREAK_GLASS_USERS} names of IAM users, with their paths: emergency/alice"
        },
    )


class RetentionMode(StrEnum):
    """Mode of Object Lock (S3 User Guide, "Locking objects with Object Lock")."""

    GOVERNANCE = "governance"
    """A principal with `s3:BypassGovernanceRetention` can delete a record."""
    COMPLIANCE = "compliance"
    """No principal can delete a record before the end of its retention, not even the root user."""


class Trail(Section):
    """Existing trail of an organization or an account, whose bucket `evidence --athena` reads."""

    bucket: str = setting(
        "Bucket of the trail, of this account or another one.", "the name of a bucket", pattern=rf"^{BUCKET_NAME}$"
    )
    prefix: str = setting(
        "Folder in the bucket that has one folder per account: AWSLogs/o-exampleorgid for the trail of an organization, after "
        "the prefix of the trail.",
        "a folder without slashes at its ends, such as AWSLogs/o-exampleorgid",
        default="AWSLogs",
        pattern=r"^[A-Za-z0-9_=.-]+(/[A-Za-z0-9_=.-]+)*$",
        max_length=256,
    )
    max_scanned_gigabytes: int = setting(
        "Gigabytes that one query may scan; Athena cancels a query that would scan more.",
        f"whole gigabytes from 1 to {MAX_SCANNED_GIGABYTES}",
        default=100,
        ge=1,
        le=MAX_SCANNED_GIGABYTES,
    )

    @property
    def max_scanned_bytes(self) -> int:
        """Number of bytes that one query may scan."""
        return self.max_scanned_gigabytes * 1_000_000_000


class Evidence(Section):
    """Export of the records of sessions, before AWS deletes them."""

    retention_mode: Annotated[RetentionMode, member_of(RetentionMode)] = Field(
        default=RetentionMode.GOVERNANCE,
        description="Mode of Object Lock. In mode compliance no principal can delete a record before its time.",
        json_schema_extra={"allowed": ", ".join(RetentionMode)},
    )
    retention_days: int = Field(
        default=400,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days for which each exported record is locked.",
        json_schema_extra={"allowed": f"whole days from 1 to {MAX_RETENTION_DAYS}"},
    )
    trail: Trail | None = setting(
        "Define a table of Athena over the log files of an existing trail, and a workgroup for its queries.",
        "a mapping with bucket, or absent",
        default=None,
    )


class OperatorSignIn(StrEnum):
    """Role session in which operators of IAM Identity Center assume their own role."""

    PERMISSION_SET = "permission-set"
    """A session of a permission set's role."""
    ACCOUNT_ACCESS = "account-access-manager"
    """A session of account access manager, whose entitlements a stack with `shell-access:accountAccess` creates."""


APPLICATION_ARN: Final = r"^(arn:aws:account-access:[a-z0-9-]{1,30}:[0-9]{12}:application/[A-Za-z0-9-]{1,100})?$"
APPLICATION_ALLOWED: Final = (
    "the ARN of the application of account access manager, which begins with arn:aws:account-access: (not arn:aws:sso:)"
)
_GROUP_NAME: Final = r"^[^\s{}*?$\"\\](?:[^\t\n\r{}*?$\"\\]{0,126}[^\s{}*?$\"\\])?$"


class IdentityCenterOperator(Section):
    """An operator who signs in through IAM Identity Center, or a group of them."""

    identity_center_user: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@-]{2,64}$",
        description="User name or user ID in IAM Identity Center. Ours, not the post's.",
        json_schema_extra={"allowed": "a user name or user ID of 2 to 64 letters, digits and + = , . @ _ -"},
    )
    identity_center_group: str | None = Field(
        default=None,
        pattern=_GROUP_NAME,
        description="Display name or ID of a group, whose members at the time of the deployment are operators. Ours.",
        json_schema_extra={"allowed": "a display name or group ID of at most 128 characters, without { } * ? $"},
    )


class IdentityCenterAccess(Section):
    """Sign-in of the operators of `operators`."""

    access: Annotated[OperatorSignIn, member_of(OperatorSignIn)] = Field(
        default=OperatorSignIn.PERMISSION_SET,
        description="From where operators assume their own role.",
        json_schema_extra={"allowed": ", ".join(OperatorSignIn)},
    )
    permission_set: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_+=,.@-]{0,32}$",
        description="Name of the permission set with which operators sign in to this account.",
        json_schema_extra={"allowed": "a name of at most 32 letters, digits and + = , . @ _ -"},
    )
    application_arn: str = Field(
        default="",
        pattern=APPLICATION_ARN,
        description="Application of account access manager, in the organization's management account.",
        json_schema_extra={"allowed": APPLICATION_ALLOWED},
    )
    region: str = Field(
        default="",
        pattern=r"^([a-z]{2,4}(-[a-z]+)+-[0-9]{1,2})?$",
        description="Region of IAM Identity Center. Default: that of the application, else the first Region of the stack.",
        json_schema_extra={"allowed": "a Region such as eu-west-1"},
    )
    identity_store_id: str = Field(
        default="",
        pattern=r"^(d-[0-9a-z]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="Identity store of IAM Identity Center. Default: that of the one instance that the account sees.",
        json_schema_extra={"allowed": "an ID such as d-1234567890"},
    )

    @property
    def uses_account_access(self) -> bool:
        """Return whether operators sign in through account access manager."""
        return self.access is OperatorSignIn.ACCOUNT_ACCESS

    def home(self, region: str) -> str:
        """Return the Region of IAM Identity Center, where account access manager is enabled, too.

        Args:
            region: First Region of the stack.
        """
        return self.region or (self.application_arn.split(":")[3] if self.application_arn else region)


class ApprovalSettings(Section):
    """The approval workflow of an account, located in the first Region of the stack and valid for all of them."""

    enabled: bool = enabled_flag("Govern by approval")
    mode: Annotated[Mode, member_of(Mode)] = Field(
        default=Mode.AUTOMATION,
        description="Change requests of Change Manager, approval steps in the runbook, or AWS' just-in-time node access.",
        json_schema_extra={"allowed": f"one of {', '.join(Mode)}"},
    )
    approval_validity_minutes: int = Field(
        default=10,
        ge=1,
        le=MAX_VALIDITY_MINUTES,
        description="Minutes after the approval within which a session may be started.",
        json_schema_extra={"allowed": f"whole minutes from 1 to {MAX_VALIDITY_MINUTES}"},
    )
    approvers: list[Approver] = Field(
        default_factory=list[Approver],
        description="Who may say yes, in up to five levels.",
        json_schema_extra={
            "allowed": "a list of {type, name, minRequiredApprovals, level}, at least one, "
            f"at most {MAX_APPROVERS_OF_A_LEVEL} a level"
        },
    )
    operator_roles: list[RoleName] = Field(
        default_factory=list,
        description="IAM roles that may start a session once it is approved.",
        json_schema_extra={"allowed": ROLE_NAMES_ALLOWED},
    )
    operator_users: list[RoleName] = Field(
        default_factory=list,
        description="IAM users that may start a session once it is approved.",
        json_schema_extra={"allowed": ROLE_NAMES_ALLOWED},
    )
    operators: list[IdentityCenterOperator] = Field(
        default_factory=list[IdentityCenterOperator],
        description="Operators who sign in through IAM Identity Center. The stack creates one role for each person. Ours.",
        json_schema_extra={"allowed": "a list of {identityCenterUser} or {identityCenterGroup}"},
    )
    identity_center: IdentityCenterAccess = Field(
        default_factory=IdentityCenterAccess,
        description="Sign-in of the operators in operators. Ours, not the post's.",
        json_schema_extra={"allowed": "{access, permissionSet, applicationArn, region, identityStoreId}"},
    )
    shared_operator_roles: list[RoleName] = Field(
        default_factory=list,
        description="Those of operatorRoles that several people may assume, or whose sessions they may tag, accepted "
        "knowingly: a grant to one admits all of them, and who sets the tag on a session needs none. Ours, not the "
        "post's; such a role that is not named here is refused.",
        json_schema_extra={"allowed": f"{ROLE_NAMES_ALLOWED}, each in operatorRoles too"},
    )
    shared_approver_roles: list[RoleName] = Field(
        default_factory=list,
        description="Approver roles whose sessions do not prove which person approves, accepted knowingly: all approvals "
        "by one of them count as one person, and a requester who may assume it may approve under another session name. "
        "Ours, not the post's; approvals by such a role that is not listed here are refused.",
        json_schema_extra={"allowed": f"{ROLE_NAMES_ALLOWED}, each an approver of type IamRole"},
    )
    chat_approver_roles: list[RoleName] = Field(
        default_factory=list,
        description="Approver roles through which one person each approves in a chat (Amazon Q Developer in chat "
        "applications). AWS sees the role, not the person, so each needs a role of their own. Ours, not the post's; "
        "approvals that come through a chat are refused otherwise.",
        json_schema_extra={"allowed": f"{ROLE_NAMES_ALLOWED}, each an approver of type IamRole"},
    )
    notification_emails: list[Email] = Field(
        default_factory=list,
        description="Who hears of each request, grant, refusal and end.",
        json_schema_extra={"allowed": "a list of e-mail addresses"},
    )
    alarm_topic_arns: list[Annotated[str, Field(pattern=_TOPIC_ARN)]] = Field(
        default_factory=list,
        description="Further SNS topics that receive the alarms of the workflow, beside its own topic. Their policies "
        "must allow `events.amazonaws.com` and `cloudwatch.amazonaws.com` to publish. Ours, not the post's.",
        json_schema_extra={
            "allowed": "a list of ARNs of standard SNS topics in the account and Region of the workflow"
        },
    )
    chat_topic_arn: str = Field(
        default="",
        pattern=f"^$|{_TOPIC_ARN}",
        description="SNS topic whose subscriber is a channel of Amazon Q Developer in chat applications (Slack, Microsoft "
        "Teams): it receives notices of requests, grants and ends in the schema that a chat shows, with a link. Its policy "
        "must allow `events.amazonaws.com` to publish. Ours, not the post's.",
        json_schema_extra={
            "allowed": "the ARN of a standard SNS topic in the account and Region of the workflow, not of alarmTopicArns"
        },
    )
    alarm_iam_changes: bool = flag(
        "Raise an alarm when IAM roles and policies of the workflow change. IAM sends its events to one Region "
        "(us-east-1), from where rules forward them; set it to false where a service control policy denies that Region. "
        "Ours, not the post's.",
        default=True,
    )
    end_sessions_with_grant: bool = flag(
        "End the operator's open sessions on the instance when a grant ends. Without it, as in the post, a session may "
        "outlive its grant until maxSessionDuration. A grant that is ended early ends them in any case. Ours, not the post's.",
        default=False,
    )
    guard_rails: bool = flag(
        "Attach a policy to the operators that denies changing IAM, the tag and the documents. Ours, not the post's.",
        default=False,
    )
    break_glass: BreakGlass | None = Field(
        default=None,
        description="Emergency access without an approval: one role, watched and time-limited. Ours, not the post's.",
        json_schema_extra={"allowed": "a mapping with users, or absent"},
    )
    evidence: Evidence | None = Field(
        default=None,
        description="Export the records that `evidence` reads into a bucket with Object Lock. Ours, not the post's.",
        json_schema_extra={"allowed": "a mapping, which may be empty, or absent"},
    )
    require_change_request: bool = flag(
        "In mode change-manager the runbook refuses to run but for a change request made from the template. Ours, not "
        "the post's.",
        default=True,
    )
    take_over: bool = flag(
        "Take the account over from another stack, with everything of this section. Ours.", default=False
    )
    just_in_time: JustInTimeSettings | None = Field(
        default=None,
        description="Approval policies, in mode just-in-time, in which of the other keys only `takeOver`, and `evidence` with "
        "`notificationEmails` and `alarmTopicArns`, apply. Ours.",
        json_schema_extra={
            "allowed": "a mapping with manualPolicies and autoApprovals, in mode just-in-time, or with justInTimeMigration"
        },
    )
    just_in_time_migration: Annotated[JustInTimeMigration, member_of(JustInTimeMigration)] = Field(
        default=JustInTimeMigration.NONE,
        description="Stage of a move from another mode to just-in-time, which `migrate approval` sets: parallel deploys the "
        "approval policies beside the workflow; draining also ends new requests to the workflow. Ours.",
        json_schema_extra={"allowed": f"one of {', '.join(JustInTimeMigration)}"},
    )

    @property
    def is_migrating(self) -> bool:
        """Return whether the stack has the approval policies of just-in-time node access beside its workflow."""
        return self.just_in_time_migration is not JustInTimeMigration.NONE

    @property
    def has_workflow(self) -> bool:
        """Return whether the stack grants sessions itself; in mode `just-in-time` it exports records at most."""
        return self.mode is not Mode.JUST_IN_TIME

    @property
    def has_access_requests(self) -> bool:
        """Return whether the account has access requests of just-in-time node access."""
        return self.is_migrating or not self.has_workflow

    @property
    def accepts_requests(self) -> bool:
        """Return whether operators may make new requests to the workflow."""
        return self.just_in_time_migration is not JustInTimeMigration.DRAINING

    @property
    def all_topic_arns(self) -> list[str]:
        """Topics in addition to that of the workflow."""
        return [*self.alarm_topic_arns, *([self.chat_topic_arn] if self.chat_topic_arn else [])]

    @property
    def workflow_roles(self) -> tuple[str, ...]:
        """Names of the roles that a stack with these settings creates."""
        return (
            *(ROLES if self.has_workflow else ()),
            *([BREAK_GLASS_ROLE_NAME] if self.break_glass else []),
            *(EVIDENCE_ROLES if self.evidence else ()),
        )

    @property
    def document_names(self) -> tuple[str, ...]:
        """Names of the documents of the workflow."""
        names = DOCUMENT_NAMES if self.has_workflow else ()
        return (*names, *([EVIDENCE_RUNBOOK_NAME] if self.evidence else []))

    @property
    def schedules(self) -> dict[str, str]:
        """Names of the schedules by their groups."""
        export = {EVIDENCE_SCHEDULE_GROUP: EVIDENCE_SCHEDULE_NAME} if self.evidence else {}
        reaper = {REAPER_SCHEDULE_GROUP: REAPER_SCHEDULE_NAME} if self.has_workflow else {}
        return {**reaper, **export}

    def levels(self) -> list[list[Approver]]:
        """Return the approvers by level, the lowest level first."""
        numbers = sorted({each.level for each in self.approvers})
        return [[each for each in self.approvers if each.level == number] for number in numbers]

    def attachable_approvers(self, kind: ApproverType) -> list[str]:
        """Return the bare names of approvers that get our policies: all except roles of IAM Identity Center."""
        names = {each.bare_name for each in self.approvers if each.type is kind}
        return sorted(name for name in names if not name.startswith(IDENTITY_CENTER_PREFIX))


def required_approvals(level: list[Approver]) -> int:
    """Return the number of approvals that a level requires."""
    return max(1, sum(each.min_required_approvals for each in level))


def approval_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
    """Return problems of settings that are each valid on their own."""
    if settings.mode is Mode.JUST_IN_TIME:
        return _just_in_time_problems(settings, path)
    problems = _migration_problems(settings, path)

    def problem(key: tuple[str, ...], given: object, allowed: str) -> None:
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
        problems += _approver_problems(settings, approver, (*path, "approvers", str(position)))
    return problems


_OF_JUST_IN_TIME: Final = frozenset({"enabled", "mode", "just_in_time", "take_over", "evidence"})
_OF_EVIDENCE: Final = frozenset({"notification_emails", "alarm_topic_arns"})
"""Settings of the alarms about the export."""


def _just_in_time_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
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


def _migration_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
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


def _operator_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
    problems: list[Problem] = []
    for position, role in enumerate(settings.operator_roles):
        reason = _unfit(role)
        if reason:
            message = f"expected {reason}, got {shown(role)}."
            problems.append(Problem(path=(*path, "operatorRoles", str(position)), message=message))
    for position, role in enumerate(settings.shared_operator_roles):
        if role not in settings.operator_roles:
            message = f"expected a role of operatorRoles, got {shown(role)}."
            problems.append(Problem(path=(*path, "sharedOperatorRoles", str(position)), message=message))
    return problems


def _access_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
    """Return problems of operators who sign in through IAM Identity Center."""
    problems: list[Problem] = []

    def problem(key: tuple[str, ...], given: object, expected: str, fix: str) -> None:
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
    operators: Sequence[IdentityCenterOperator], path: tuple[str, ...], *, once: bool = True
) -> list[Problem]:
    """Return problems of users and groups of IAM Identity Center.

    Args:
        operators: The users and groups.
        path: Path of their list.
        once: Whether each of them may be listed once only.
    """
    problems: list[Problem] = []

    def problem(key: tuple[str, ...], given: object, expected: str, fix: str) -> None:
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
        key = (str(position),)
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


def _accepted_role_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
    """Return problems of shared roles and chat roles: each has to be an approver, in the same spelling."""
    approvers = {each.bare_name for each in settings.approvers if each.type is ApproverType.IAM_ROLE}
    accepted = {
        "sharedApproverRoles": settings.shared_approver_roles,
        "chatApproverRoles": settings.chat_approver_roles,
    }
    return [
        Problem(
            path=(*path, key, str(position)),
            message=f"expected the name of an approver of type IamRole, without a path, got {shown(role)}.",
        )
        for key, roles in accepted.items()
        for position, role in enumerate(roles)
        if role not in approvers
    ]


def _break_glass_problems(settings: ApprovalSettings, path: tuple[str, ...]) -> list[Problem]:
    """Return problems of emergency users: the guard rails deny an operator to assume another role."""
    operators = {each.lower() for each in settings.operator_users}
    users = settings.break_glass.users if settings.break_glass else []
    return [
        Problem(
            path=(*path, "breakGlass", "users", str(position)),
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


def _is_same(one: Approver, other: Approver) -> bool:
    """Return whether two approvers are the same; IAM names are not case-sensitive."""
    return (one.type, one.bare_name.lower()) == (other.type, other.bare_name.lower())


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


def _count_problems(settings: ApprovalSettings, approver: Approver, path: tuple[str, ...]) -> list[Problem]:
    """Return problems of an approver that would count as more people than it can be."""
    problems: list[Problem] = []

    def problem(key: str, given: object, allowed: str) -> None:
        problems.append(Problem(path=(*path, key), message=f"expected {allowed}, got {shown(given)}."))

    same = [each for each in settings.approvers if _is_same(each, approver)]
    if len([each for each in same if each.level == approver.level]) > 1 and approver is same[-1]:
        problem("name", approver.name, f"each approver once in level {approver.level}")
    elif approver.type in _ONE_PRINCIPAL and any(each.level < approver.level for each in same):
        problem("name", approver.name, "one level for each role or user: two levels take two people")
    counts_once = approver.type in _ONE_PERSON or approver.bare_name in settings.shared_approver_roles
    if counts_once and approver.min_required_approvals > 1 and settings.mode is Mode.CHANGE_MANAGER:
        allowed = "0 or 1, as a user, or a role in sharedApproverRoles, counts as one person"
        problem("minRequiredApprovals", approver.min_required_approvals, allowed)
    return problems


def _approver_problems(settings: ApprovalSettings, approver: Approver, path: tuple[str, ...]) -> list[Problem]:
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
