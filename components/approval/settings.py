"""Settings of `shell-access:approval`.

Names, meanings and defaults are those of the AWS post "Apply the principle of separation of duties to shell access to
your EC2 instances"; the descriptions of our own settings say so.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from common.aws.arns import split_arn
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
    DEFAULT_VALIDITY_MINUTES,
    DOCUMENT_NAMES,
    EVIDENCE_ROLES,
    EVIDENCE_RUNBOOK_NAME,
    EVIDENCE_SCHEDULE_GROUP,
    EVIDENCE_SCHEDULE_NAME,
    REAPER_SCHEDULE_GROUP,
    REAPER_SCHEDULE_NAME,
    ROLES,
)
from components.just_in_time.settings import JustInTimeSettings  # noqa: TC001 -- a model reads it

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

_USER: Final = r"^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$"
MAX_RETENTION_DAYS: Final = 36_500
"""S3 API reference, "DefaultRetention": a hundred years."""
MAX_SCANNED_GIGABYTES: Final = 100_000
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

    type: Annotated[ApproverType, member_of(ApproverType)] = setting(
        "Type of the approver.", f"one of {', '.join(ApproverType)}"
    )
    name: str = setting(
        "Name of the role, user or group. The name of a role or user includes its path, as in its ARN.",
        f"a name (no ARN) of at most {MAX_NAME} characters; of a role or user with its path: team/Approver",
        min_length=1,
        max_length=MAX_PATH + MAX_NAME,
        pattern=r"^([^\s{}:/*?\"\\]+/)*[^\s{}:/*?\"\\]{1,128}$",
    )
    min_required_approvals: int = setting(
        "Number of approvals that must come from this approver. With 0, any approver of the level can approve.",
        "a whole number from 0 to 10",
        default=1,
        ge=0,
        le=10,
    )
    level: int = setting(
        "Level of approval. Levels are requested one after another, the lowest first.",
        f"a whole number from 1 to {MAX_LEVELS}",
        default=1,
        ge=1,
        le=MAX_LEVELS,
    )

    @property
    def bare_name(self) -> str:
        """Name without the path; names are unique in an account whatever the path."""
        return self.name.rsplit("/", 1)[-1]


class BreakGlass(Section):
    """Emergency access: the role `ShellAccessBreakGlass`, which starts sessions without an approval."""

    users: list[Annotated[str, Field(pattern=_USER), IgnoresCase()]] = setting(
        "IAM users that can assume the role, with MFA. Each use raises an alarm.",
        f"a list of 1 to {MAX_BREAK_GLASS_USERS} names of IAM users, with their paths: emergency/alice",
        min_length=1,
        max_length=MAX_BREAK_GLASS_USERS,
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
        "Folder in the bucket that contains one folder per account. For the trail of an organization, this is"
        " AWSLogs/o-exampleorgid after the prefix of the trail.",
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

    retention_mode: Annotated[RetentionMode, member_of(RetentionMode)] = setting(
        "Mode of Object Lock. In mode compliance no principal can delete a record before its time.",
        ", ".join(RetentionMode),
        default=RetentionMode.GOVERNANCE,
    )
    retention_days: int = setting(
        "Days for which each exported record is locked.",
        f"whole days from 1 to {MAX_RETENTION_DAYS}",
        default=400,
        ge=1,
        le=MAX_RETENTION_DAYS,
    )
    trail: Trail | None = setting(
        "Create an Athena table of the log files of an existing trail, and a workgroup for queries.",
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

    identity_center_user: str | None = setting(
        "User name or user ID in IAM Identity Center. Not part of the AWS post.",
        "a user name or user ID of 2 to 64 letters, digits and + = , . @ _ -",
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@-]{2,64}$",
    )
    identity_center_group: str | None = setting(
        "Display name or ID of a group. Its members at the time of the deployment are operators. Not part of "
        "the AWS post.",
        "a display name or group ID of at most 128 characters, without { } * ? $",
        default=None,
        pattern=_GROUP_NAME,
    )


class IdentityCenterAccess(Section):
    """Sign-in of the operators of `operators`."""

    access: Annotated[OperatorSignIn, member_of(OperatorSignIn)] = setting(
        "Sign-in from which operators assume their own role.",
        ", ".join(OperatorSignIn),
        default=OperatorSignIn.PERMISSION_SET,
    )
    permission_set: str = setting(
        "Name of the permission set with which operators sign in to this account.",
        "a name of at most 32 letters, digits and + = , . @ _ -",
        default="",
        pattern=r"^[A-Za-z0-9_+=,.@-]{0,32}$",
    )
    application_arn: str = setting(
        "Application of account access manager, in the organization's management account.",
        APPLICATION_ALLOWED,
        default="",
        pattern=APPLICATION_ARN,
    )
    region: str = setting(
        "Region of IAM Identity Center. Default: that of the application, else the first Region of the stack.",
        "a Region such as eu-west-1",
        default="",
        pattern=r"^([a-z]{2,4}(-[a-z]+)+-[0-9]{1,2})?$",
    )
    identity_store_id: str = setting(
        "Identity store of IAM Identity Center. Default: that of the one instance that the account sees.",
        "an ID such as d-1234567890",
        default="",
        pattern=r"^(d-[0-9a-z]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
    )

    @property
    def uses_account_access(self) -> bool:
        """Return whether operators sign in through account access manager."""
        return self.access is OperatorSignIn.ACCOUNT_ACCESS

    def home(self, region: str) -> str:
        """Return the Region of IAM Identity Center and account access manager; by default `region`, the stack's first one."""
        return self.region or (split_arn(self.application_arn).region if self.application_arn else region)


class ApprovalSettings(Section):
    """The approval workflow of an account, located in the first Region of the stack and valid for all of them."""

    enabled: bool = enabled_flag("Require approval of sessions")
    mode: Annotated[Mode, member_of(Mode)] = setting(
        "Approval by steps in the runbook, by change requests of Change Manager, or by just-in-time node "
        "access of AWS.",
        f"one of {', '.join(Mode)}",
        default=Mode.AUTOMATION,
    )
    approval_validity_minutes: int = setting(
        "Minutes after the approval during which a session can be started.",
        f"whole minutes from 1 to {MAX_VALIDITY_MINUTES}",
        default=DEFAULT_VALIDITY_MINUTES,
        ge=1,
        le=MAX_VALIDITY_MINUTES,
    )
    approvers: list[Approver] = setting(
        "Approvers, in up to five levels.",
        "a list of {type, name, minRequiredApprovals, level}, at least one, "
        f"at most {MAX_APPROVERS_OF_A_LEVEL} a level",
        default_factory=list[Approver],
    )
    operator_roles: list[RoleName] = setting(
        "IAM roles that can start a session after approval.", ROLE_NAMES_ALLOWED, default_factory=list
    )
    operator_users: list[RoleName] = setting(
        "IAM users that can start a session after approval.", ROLE_NAMES_ALLOWED, default_factory=list
    )
    operators: list[IdentityCenterOperator] = setting(
        "Operators who sign in through IAM Identity Center. The stack creates one role per person. Not part "
        "of the AWS post.",
        "a list of {identityCenterUser} or {identityCenterGroup}",
        default_factory=list[IdentityCenterOperator],
    )
    identity_center: IdentityCenterAccess = setting(
        "Sign-in of the operators in `operators`. Not part of the AWS post.",
        "{access, permissionSet, applicationArn, region, identityStoreId}",
        default_factory=IdentityCenterAccess,
    )
    shared_operator_roles: list[RoleName] = setting(
        "Roles of operatorRoles that more than one person can assume, or whose session tags an operator can "
        "set. A grant to such a role admits everyone who can assume it, and a principal that can set the tag "
        "on a session needs no grant. Such a role is rejected unless it is listed here. Not part of the AWS "
        "post.",
        f"{ROLE_NAMES_ALLOWED}, each in operatorRoles too",
        default_factory=list,
    )
    shared_approver_roles: list[RoleName] = setting(
        "Approver roles whose sessions do not prove the identity of the person. All approvals by such a role "
        "count as those of one person, and a requester who can assume it can approve under another session "
        "name. Approvals by such a role are rejected unless it is listed here. Not part of the AWS post.",
        f"{ROLE_NAMES_ALLOWED}, each an approver of type IamRole",
        default_factory=list,
    )
    chat_approver_roles: list[RoleName] = setting(
        "Approver roles through which one person each approves in a chat (Amazon Q Developer in chat "
        "applications). AWS records the role and not the person, so each person needs a separate role. Other "
        "approvals from a chat are rejected. Not part of the AWS post.",
        f"{ROLE_NAMES_ALLOWED}, each an approver of type IamRole",
        default_factory=list,
    )
    notification_emails: list[Email] = setting(
        "Recipients of a notice of each request, grant, rejection and end of a grant.",
        "a list of e-mail addresses",
        default_factory=list,
    )
    alarm_topic_arns: list[Annotated[str, Field(pattern=_TOPIC_ARN)]] = setting(
        "SNS topics that receive the alarms of the workflow, in addition to its own topic. Their policies "
        "must allow `events.amazonaws.com` and `cloudwatch.amazonaws.com` to publish. Not part of the AWS "
        "post.",
        "a list of ARNs of standard SNS topics in the account and Region of the workflow",
        default_factory=list,
    )
    chat_topic_arn: str = setting(
        "SNS topic with a subscribed channel of Amazon Q Developer in chat applications (Slack, Microsoft "
        "Teams). It receives notices of requests, grants and ends of grants as custom notifications, with a "
        "link. Its policy must allow `events.amazonaws.com` to publish. Not part of the AWS post.",
        "the ARN of a standard SNS topic in the account and Region of the workflow, not of alarmTopicArns",
        default="",
        pattern=f"^$|{_TOPIC_ARN}",
    )
    alarm_iam_changes: bool = flag(
        "Raise an alarm when IAM roles and policies of the workflow change. IAM sends its events to one "
        "Region (us-east-1), from where rules forward them. Set to false if a service control policy denies "
        "that Region. Not part of the AWS post.",
        default=True,
    )
    end_sessions_with_grant: bool = flag(
        "Terminate the operator's open sessions on the instance when a grant ends. If false, as in the post, "
        "a session can continue after its grant until maxSessionDuration. A grant that is revoked early "
        "always terminates them. Not part of the AWS post.",
        default=False,
    )
    guard_rails: bool = flag(
        "Attach a policy to the operators that denies changes to IAM, the tag and the documents. Not part of "
        "the AWS post.",
        default=False,
    )
    break_glass: BreakGlass | None = setting(
        "Emergency access without approval, through one role with alarms and a time limit. Not part of the AWS post.",
        "a mapping with users, or absent",
        default=None,
    )
    evidence: Evidence | None = setting(
        "Export the records that `evidence` reads to a bucket with Object Lock. Not part of the AWS post.",
        "a mapping, which may be empty, or absent",
        default=None,
    )
    require_change_request: bool = flag(
        "In mode change-manager, allow the runbook to run only for change requests from the template. Not "
        "part of the AWS post.",
        default=True,
    )
    take_over: bool = flag(
        "Take over all resources of this section from another stack. Not part of the AWS post.", default=False
    )
    just_in_time: JustInTimeSettings | None = setting(
        "Approval policies for mode just-in-time. In that mode, the only other keys that apply are "
        "`takeOver`, and `evidence` with `notificationEmails` and `alarmTopicArns`. Not part of the AWS post.",
        "a mapping with manualPolicies and autoApprovals, in mode just-in-time, or with justInTimeMigration",
        default=None,
    )
    just_in_time_migration: Annotated[JustInTimeMigration, member_of(JustInTimeMigration)] = setting(
        "Stage of the migration from another mode to just-in-time, set by `migrate approval`. In stage "
        "parallel the stack deploys the approval policies beside the workflow; in stage draining the workflow"
        " accepts no new requests. Not part of the AWS post.",
        f"one of {', '.join(JustInTimeMigration)}",
        default=JustInTimeMigration.NONE,
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
