"""Settings of `shell-access:sessionManager` and `shell-access:endpoints`.

Names, meanings and defaults are those of the parameters in the AWS post "How to automate Session Manager preferences
across your organization"; the description of a setting says where it is an addition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from common.limits import DOCUMENT
from common.problems import Problem, SettingPath, shown, unexpected
from common.validation import (
    BUCKET_NAME,
    ROLE_NAMES_ALLOWED,
    IdOrNameTag,
    Profile,
    RoleName,
    Section,
    UnicastNetwork,
    enabled_flag,
    flag,
    ineffective,
    member_of,
    setting,
)
from components.adoption.document_content import published_bytes
from components.adoption.document_ownership import OnDestroy
from components.session_manager.document import Preferences, document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Values that CloudWatch Logs accepts (API reference, PutRetentionPolicy)."""


class SessionManagerSettings(Section):
    """Session Manager preferences of one Region: the post's fifteen parameters and additions."""

    s3_logging: bool = flag("Send the log of each session to an S3 bucket when the session ends.", default=False)
    s3_bucket_name: str = setting(
        "Bucket for session logs. It must exist.",
        "a bucket name, 3 to 63 lower-case letters, digits, dots and hyphens",
        default="",
        pattern=rf"^$|^{BUCKET_NAME}$",
    )
    s3_key_prefix: str = setting(
        "Prefix of the object keys of session logs. The account ID and the Region are appended.",
        "a key prefix that neither starts nor ends with /, or an empty string",
        default="sessionmanager",
        max_length=512,
        pattern=r"^$|^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$",
    )
    s3_encryption_enabled: bool = flag("Require the bucket to be encrypted.", default=True)
    s3_kms_key_arn: str = setting(
        "Customer managed key that encrypts the bucket, if there is one. Nodes need kms:GenerateDataKey on it"
        " to write their logs. Not part of the AWS post.",
        "the ARN of a KMS key, or an empty string",
        default="",
        pattern=r"^$|^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
    )
    s3_bucket_owner: str = setting(
        "Account that owns the bucket, if it is another account. Nodes then need s3:PutObjectAcl. Not part of"
        " the AWS post.",
        'an account ID of 12 digits in quotes, or "" for this account',
        default="",
        pattern=r"^$|^[0-9]{12}$",
    )
    create_cw_log_group: bool = flag(
        "Create the log group. If false, an existing log group is used and not changed.", default=True
    )
    cw_log_group_name: str = setting(
        'CloudWatch log group for session logs. To disable logging to CloudWatch, set "" and createCwLogGroup false.',
        "a log group name, 1 to 512 letters, digits and _ . / # -, or an empty string",
        default="ssm-sessionmanager-logs",
        pattern=r"^$|^[0-9A-Za-z_./#-]{1,512}$",
    )
    cw_encryption_enabled: bool = flag("Require the log group to be encrypted.", default=True)
    cw_streaming_enabled: bool = flag(
        "Stream log data during the session instead of sending it at the end. Without streaming, the log of a"
        " session is lost if the instance is terminated, or loses its connection to CloudWatch Logs, before "
        "the session ends.",
        default=False,
    )
    log_retention_days: int = setting(
        "Retention of the created log group, in days. With less than 90 days, evidence of a compromise may be"
        " deleted before the compromise is found.",
        f"a number of days that CloudWatch Logs accepts: {', '.join(map(str, RETENTION_DAYS))}",
        default=90,
    )
    session_data_encryption: bool = flag("Encrypt session data with a KMS key of this stack.", default=True)
    run_as_enabled: bool = flag(
        "Run Linux and macOS sessions as an operating system user other than ssm-user.", default=False
    )
    run_as_default_user: str = setting(
        "Operating system user of sessions if runAsEnabled is true.",
        "a user name without spaces, at most 100 characters",
        default="",
        max_length=100,
        pattern=r"^\S*$",
    )
    run_as_principal_tag: bool = flag(
        "Confirm that the principals who start sessions have the tag SSMSessionRunAs, so that "
        "runAsDefaultUser can be empty. Not part of the AWS post.",
        default=False,
    )
    idle_session_timeout: int = setting(
        "Minutes of inactivity after which a session ends.", "whole minutes from 1 to 60", default=20, ge=1, le=60
    )
    max_session_duration: int | None = setting(
        "Maximum duration of a session, in minutes. Set it with `approval`, because a session continues when "
        "its grant ends.",
        "whole minutes from 1 to 1440; leave it out for no maximum",
        default=None,
        ge=1,
        le=1440,
    )
    win_shell_profile: Profile = setting(
        "Commands that run when a session starts on Windows Server.",
        "text; the whole document has at most 64 KB",
        default="",
    )
    linux_shell_profile: Profile = setting(
        "Commands that run when a session starts on Linux or macOS.",
        "text; the whole document has at most 64 KB",
        default="",
    )
    on_destroy: Annotated[OnDestroy, member_of(OnDestroy)] = setting(
        "Action on the document when the stack is destroyed.",
        f"one of {', '.join(OnDestroy)}",
        default=OnDestroy.RESTORE,
    )

    retain_logs: bool = flag(
        "Retain the log group and the logs key when they leave the stack: when it is destroyed, or when the name, the "
        "Region or the section changes. Session logs stay readable. A later stack adopts them. Not part of the AWS post.",
        default=True,
    )
    shorten_log_retention: bool = flag(
        "Allow an existing log group's longer retention to be shortened to logRetentionDays. CloudWatch Logs "
        "then deletes older events. Not part of the AWS post.",
        default=False,
    )
    take_over: bool = flag(
        "Take over the documents, keys, log groups, parameters and the policy of this section from another "
        "stack. Not part of the AWS post.",
        default=False,
    )

    @property
    def logs_to_cloudwatch(self) -> bool:
        """Return whether sessions are logged to a log group."""
        return self.cw_log_group_name != ""

    @property
    def retains_document(self) -> bool:
        """Return whether the document, and so all that it names, remains when the stack is destroyed."""
        return self.on_destroy is OnDestroy.RETAIN

    @property
    def retains_logs(self) -> bool:
        """Return whether log group and logs key remain when the stack is destroyed."""
        return self.retain_logs or self.retains_document

    @property
    def encrypts_created_log_group(self) -> bool:
        """Return whether this stack creates the log group and the key that encrypts it."""
        return self.create_cw_log_group and self.cw_encryption_enabled


class SessionManagerSection(SessionManagerSettings):
    """`shell-access:sessionManager`: settings of all Regions, and overrides per Region."""

    enabled: bool = enabled_flag("Manage Session Manager preferences")
    instance_roles: list[RoleName] = setting(
        "Instance roles to which the stack attaches the instance policy. Not part of the AWS post.",
        ROLE_NAMES_ALLOWED,
        default_factory=list,
    )
    region_overrides: dict[str, dict[str, Any]] = setting(
        "Settings by Region that replace the ones above, key by key.",
        "a mapping of Regions to settings",
        default_factory=dict,
    )


class EndpointSettings(Section):
    """`shell-access:endpoints.<Region>`: VPC endpoints for nodes without internet access."""

    vpc: IdOrNameTag = setting("VPC of the endpoints.", "an id (vpc-...) or the value of a Name tag")
    subnets: list[IdOrNameTag] = setting(
        "Subnets of the interface endpoints. The S3 gateway endpoint is added to the route tables of these subnets.",
        "a list of ids (subnet-...) or values of Name tags, one subnet a zone",
        min_length=1,
    )
    allowed_cidrs: list[UnicastNetwork] = setting(
        "Networks whose nodes can use the endpoints.",
        "networks such as 10.20.0.0/16, with no host bits set, of addresses that single hosts may have",
        min_length=1,
    )
    s3_gateway: bool = flag("Create the S3 gateway endpoint, too. Set to false if the VPC has one.", default=True)


def preferences(
    settings: SessionManagerSettings, *, account_id: str, region: str, kms_key_id: object = ""
) -> Preferences:
    """Return the preferences that the settings configure for one account and Region.

    `kms_key_id` is passed through as it is (it may be an unknown output).
    """
    bucket = settings.s3_bucket_name if settings.s3_logging else ""
    log_group = settings.cw_log_group_name
    profiles = {"windows": settings.win_shell_profile, "linux": settings.linux_shell_profile}
    return {
        "s3BucketName": bucket,
        "s3KeyPrefix": s3_key_prefix(settings, account_id, region) if bucket else "",
        "s3EncryptionEnabled": settings.s3_encryption_enabled if bucket else False,
        "cloudWatchLogGroupName": log_group,
        "cloudWatchEncryptionEnabled": settings.cw_encryption_enabled if log_group else False,
        "cloudWatchStreamingEnabled": settings.cw_streaming_enabled,
        "kmsKeyId": kms_key_id if settings.session_data_encryption else "",
        "runAsEnabled": settings.run_as_enabled,
        "runAsDefaultUser": settings.run_as_default_user if settings.run_as_enabled else "",
        "idleSessionTimeout": settings.idle_session_timeout,
        "maxSessionDuration": settings.max_session_duration,
        "shellProfile": {system: profile for system, profile in profiles.items() if profile},
    }


def s3_key_prefix(settings: SessionManagerSettings, account_id: str, region: str) -> str:
    """Return `<prefix>/<account>/<Region>`, so that accounts of an organization can share a bucket."""
    return "/".join(part for part in (settings.s3_key_prefix, account_id, region) if part)


_USER_NAME = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.@\\$+-]*)?")
_NO_BUCKET_NAME = re.compile(
    r".*\.\..*|.*\.-.*|.*-\..*|[0-9]+(\.[0-9]+){3}|(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3)"
)
"""Amazon S3 User Guide, "General purpose bucket naming rules"."""


def cross_problems(settings: SessionManagerSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield the problems of values that are valid individually."""
    prefix, user, bucket = settings.s3_key_prefix, settings.run_as_default_user, settings.s3_bucket_name
    group, days = settings.cw_log_group_name, settings.log_retention_days
    if "*" in prefix:
        fix = "In the policy of the nodes it would be a wildcard"
        yield unexpected((*path, "s3KeyPrefix"), "a prefix without *", shown(prefix), fix)
    if not _USER_NAME.fullmatch(user):
        yield unexpected((*path, "runAsDefaultUser"), "letters, digits and _ . @ \\ $ + -", shown(user))
    if _NO_BUCKET_NAME.fullmatch(bucket):
        allowed = (
            "a bucket name without adjacent dots, dots beside hyphens, and prefixes or suffixes that AWS reserves, and that is "
            "no IP address"
        )
        yield unexpected((*path, "s3BucketName"), allowed, shown(bucket))
    if settings.s3_logging and not bucket:
        yield unexpected((*path, "s3BucketName"), "the name of a bucket, as s3Logging is true", shown(bucket))
    if settings.create_cw_log_group and not group:
        allowed = "the name of the log group to create, as createCwLogGroup is true"
        yield unexpected((*path, "cwLogGroupName"), allowed, shown(group))
    if group.startswith("aws/"):
        # Amazon CloudWatch Logs API Reference, CreateLogGroup.
        yield unexpected((*path, "cwLogGroupName"), "a name that does not start with aws/", shown(group))
    if settings.cw_streaming_enabled and not group:
        yield unexpected((*path, "cwStreamingEnabled"), "false, as there is no log group", "true")
    if settings.run_as_enabled and not user and not settings.run_as_principal_tag:
        fix = "Or set runAsPrincipalTag: true if every principal that starts sessions has the tag SSMSessionRunAs"
        yield unexpected((*path, "runAsDefaultUser"), "a user, as runAsEnabled is true", shown(user), fix)
    yield from _size_problems(settings, path)
    if days not in RETENTION_DAYS:
        allowed = f"a number of days that CloudWatch Logs accepts: {', '.join(map(str, RETENTION_DAYS))}"
        yield unexpected((*path, "logRetentionDays"), allowed, shown(days))


def _size_problems(settings: SessionManagerSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield a problem if the document of these settings exceeds the limit of Systems Manager.

    A shell profile has no limit of its own (User Guide, "Session document schema"); the limit of the document applies.
    """
    widest = preferences(settings, account_id="0" * 12, region="a" * 32, kms_key_id="a" * 36)
    excess = published_bytes(document(widest)) - DOCUMENT.maximum
    if excess > 0:
        profiles = {"winShellProfile": settings.win_shell_profile, "linuxShellProfile": settings.linux_shell_profile}
        sizes = {key: len(profile.encode()) for key, profile in profiles.items()}
        longest = max(sizes, key=sizes.__getitem__)
        fix = f"The document with both shell profiles has {DOCUMENT.maximum} bytes at most"
        yield unexpected((*path, longest), f"{excess} bytes less", f"{sizes[longest]} bytes", fix)


def ineffective_settings(settings: SessionManagerSettings) -> Iterator[Problem]:
    """Yield a warning for each setting that has no effect beside the others, with the path within the section."""
    if not settings.s3_logging:
        yield from ineffective(
            settings, (), "s3Logging is false", "s3_bucket_name", "s3_key_prefix", "s3_kms_key_arn", "s3_bucket_owner"
        )
    if not settings.create_cw_log_group:
        yield from ineffective(settings, (), "createCwLogGroup is false", "log_retention_days", "shorten_log_retention")
    if not settings.run_as_enabled:
        yield from ineffective(settings, (), "runAsEnabled is false", "run_as_default_user", "run_as_principal_tag")
    if settings.retains_document and not settings.retain_logs:
        message = "false has no effect, as onDestroy is retain. Change one of the two, or remove this key"
        yield Problem(path=("retainLogs",), message=message)


@dataclass(frozen=True, kw_only=True)
class LogLocation:
    """Location of the logs of a Region's sessions.

    The prefix has no last slash. Without logs in Amazon S3 or CloudWatch Logs, their names are empty.
    """

    bucket: str = ""
    prefix: str = ""
    log_group: str = ""


def log_locations(settings: Mapping[str, SessionManagerSettings], account_id: str) -> dict[str, LogLocation]:
    """Return the locations of logs by Region, of the Regions whose sessions are logged."""
    found: dict[str, LogLocation] = {}
    for region, each in settings.items():
        bucket = each.s3_bucket_name if each.s3_logging else ""
        if bucket or each.logs_to_cloudwatch:
            prefix = s3_key_prefix(each, account_id, region) if bucket else ""
            found[region] = LogLocation(bucket=bucket, prefix=prefix, log_group=each.cw_log_group_name)
    return found
