"""Roles, users, groups, buckets and log groups that the settings name, looked up before anything is registered.

Without this check, the first resource that depends on a missing one, or the document that requires its encryption, would
stop an update halfway.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, FailureCause, code_of, why_not
from common.problems import Problem, SettingPath, SettingsError, shown
from components.adoption.lookup import program_clients
from components.adoption.resource_kinds import described_log_group
from components.approval.settings import ApproverType
from components.domain_controllers.names import ROLE_TAG
from components.domain_controllers.operations.promotion import secret_differences
from components.session_manager.prerequisites import LogBucket, PrerequisiteReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from common.aws.session import AwsClients
    from components.account import Account
    from components.settings import Settings

_AT_A_TIME: Final = 8
_MISSING: Final = frozenset(
    {"404", "NoSuchBucket", "NoSuchEntity", "NotFound", "ObjectLockConfigurationNotFoundError"}
    | {"ResourceNotFoundException"}
)


@dataclass(frozen=True, kw_only=True)
class NamedResource:
    """A resource that a setting names.

    Attributes:
        path: Setting that names it.
        name: Value of the setting.
        expected: Allowed values of the setting, for messages.
        service: Service whose API finds it.
        region: Region of the lookup.
        exists: Function that looks it up with a client; returns False where it does not exist, and raises as botocore.
        differences: Function that returns why the stack cannot use a resource that exists, or why that cannot be read, each
            with its cause.
    """

    path: SettingPath
    name: str
    expected: str
    service: str
    region: str
    exists: Callable[[Any], bool]
    differences: Callable[[], Iterable[tuple[FailureCause, str]]] = field(default=tuple)


def check_named_resources(settings: Settings, account: Account) -> None:
    """Check that all resources that the settings name exist.

    Raises:
        SettingsError: A resource is missing, or cannot be looked up; lists all problems.
    """
    clients = program_clients()
    with ThreadPoolExecutor(_AT_A_TIME) as lookups:
        found = lookups.map(partial(_problems, clients), named_resources(settings, account))
        problems = [problem for several in found for problem in several]
    if problems:
        raise SettingsError(problems)


def named_resources(settings: Settings, account: Account) -> list[NamedResource]:
    """Return the resources that the settings name and the stack does not create."""
    return [
        *_of_session_manager(settings, account),
        *_of_approval(settings, account),
        *_of_controllers(settings),
    ]


def _of_session_manager(settings: Settings, account: Account) -> Iterator[NamedResource]:
    for position, role in enumerate(settings.instance_roles):
        yield _principal(settings, account, ApproverType.IAM_ROLE, role, ("sessionManager", "instanceRoles", position))
    for region, each in settings.session_manager.items():
        # The document's resource reads keys before it publishes.
        reader = PrerequisiteReader(program_clients(), region, account.id, reads_keys=False)
        if each.s3_logging:
            owner = each.s3_bucket_owner or account.id
            bucket = LogBucket(
                name=each.s3_bucket_name,
                owner=owner,
                key_arn=each.s3_kms_key_arn,
                is_encrypted=each.s3_encryption_enabled,
            )
            yield NamedResource(
                path=settings.session_manager_path(region, "s3BucketName"),
                name=each.s3_bucket_name,
                expected=f"a bucket that exists and is owned by account {owner} (s3BucketOwner)",
                service="s3",
                region=region,
                exists=partial(_has_bucket, each.s3_bucket_name, owner),
                differences=partial(reader.problems_of_bucket, bucket),
            )
        if each.cw_log_group_name and not each.create_cw_log_group:
            yield NamedResource(
                path=settings.session_manager_path(region, "cwLogGroupName"),
                name=each.cw_log_group_name,
                expected=f"a log group that exists in {region}, as createCwLogGroup is false",
                service="logs",
                region=region,
                exists=partial(_has_log_group, each.cw_log_group_name),
                differences=partial(
                    reader.problems_of_log_group, each.cw_log_group_name, encrypted=each.cw_encryption_enabled
                ),
            )


def _of_approval(settings: Settings, account: Account) -> Iterator[NamedResource]:
    approval = settings.approval
    if approval is None:
        return
    for position, user in enumerate(approval.break_glass.users if approval.break_glass else ()):
        # A trust policy names a user by ARN, so the path counts.
        yield NamedResource(
            path=("approval", "breakGlass", "users", position),
            name=user,
            expected=f"an IAM user that exists in account {account.id}, with its path",
            service="iam",
            region=settings.regions[0],
            exists=partial(_has_user, user),
        )
    for position, role in enumerate(approval.operator_roles):
        yield _principal(settings, account, ApproverType.IAM_ROLE, role, ("approval", "operatorRoles", position))
    for position, user in enumerate(approval.operator_users):
        yield _principal(settings, account, ApproverType.IAM_USER, user, ("approval", "operatorUsers", position))
    for position, approver in enumerate(approval.approvers):
        # Users and groups of IAM Identity Center are in another account's directory, which this account cannot read.
        if approver.type in _PRINCIPALS:
            path = ("approval", "approvers", position, "name")
            yield _principal(settings, account, approver.type, approver.bare_name, path)


def _of_controllers(settings: Settings) -> Iterator[NamedResource]:
    section = settings.domain_controllers
    for region, each in section.backups.buckets.items() if section and section.backups else ():
        yield NamedResource(
            path=("domainControllers", "backups", "buckets", region, "bucketName"),
            name=each.bucket_name,
            expected=f"a bucket in {region} that is owned by account {each.bucket_owner} (bucketOwner), with Object Lock and a "
            "default retention",
            service="s3",
            region=region,
            exists=partial(_locks_objects, each.bucket_name, each.bucket_owner, region),
        )
    key, value = ROLE_TAG
    for region, each in section.promotion.secrets.items() if section and section.promotion else ():
        for name, arn in (("administratorArn", each.administrator_arn), ("restoreModeArn", each.restore_mode_arn)):
            yield NamedResource(
                path=("domainControllers", "promotion", "secrets", region, name),
                name=arn,
                expected=f"a secret that exists, is not scheduled for deletion, is encrypted with {each.kms_key_arn} (kmsKeyArn) "
                f"and has the tag {key}: {value}",
                service="secretsmanager",
                region=region,
                exists=partial(_is_governed, arn, each.kms_key_arn),
            )


_PRINCIPALS: Final[dict[ApproverType, tuple[str, Callable[[Any, str], object]]]] = {
    ApproverType.IAM_ROLE: ("an IAM role", lambda iam, name: iam.get_role(RoleName=name)),
    ApproverType.IAM_USER: ("an IAM user", lambda iam, name: iam.get_user(UserName=name)),
    ApproverType.IAM_GROUP: ("an IAM group", lambda iam, name: iam.get_group(GroupName=name, MaxItems=1)),
}


def _principal(settings: Settings, account: Account, kind: ApproverType, name: str, path: SettingPath) -> NamedResource:
    what, read = _PRINCIPALS[kind]
    return NamedResource(
        path=path,
        name=name,
        expected=f"{what} that exists in account {account.id}",
        service="iam",
        region=settings.regions[0],
        exists=lambda iam: bool(read(iam, name)),
    )


def _has_user(user: str, iam: Any) -> bool:
    path, _, name = user.rpartition("/")
    return str(iam.get_user(UserName=name)["User"]["Path"]).strip("/") == path


def _has_bucket(name: str, owner: str, s3: Any) -> bool:
    s3.head_bucket(Bucket=name, ExpectedBucketOwner=owner)
    return True


def _locks_objects(name: str, owner: str, region: str, s3: Any) -> bool:
    """Return whether a bucket is in the Region, which its controllers reach, and new objects cannot be deleted for a time."""
    found = s3.head_bucket(Bucket=name, ExpectedBucketOwner=owner)
    if found.get("BucketRegion", region) != region:
        return False
    answer = s3.get_object_lock_configuration(Bucket=name, ExpectedBucketOwner=owner)
    configuration: dict[str, Any] = answer.get("ObjectLockConfiguration", {})
    retention: dict[str, Any] = configuration.get("Rule", {}).get("DefaultRetention", {})
    return configuration.get("ObjectLockEnabled") == "Enabled" and bool(retention.get("Days") or retention.get("Years"))


def _is_governed(arn: str, key_arn: str, secrets: Any) -> bool:
    return not secret_differences(secrets.describe_secret(SecretId=arn), key_arn)


def _has_log_group(name: str, logs: Any) -> bool:
    return described_log_group(logs, name) is not None


def _problems(clients: AwsClients, named: NamedResource) -> list[Problem]:
    """Return the problem of a missing resource, or those of an existing one.

    What cannot be read would stop the update later, when the document is published.
    """
    message = f"expected {named.expected}, got {shown(named.name)}."
    try:
        if named.exists(clients.client(named.service, named.region)):
            return [
                Problem(path=named.path, message=text if cause is FailureCause.ENCRYPTION else f"{cause}: {text}")
                for cause, text in named.differences()
            ]
    except NOT_DONE as failed:
        code = code_of(failed) if isinstance(failed, ClientError) else ""
        if code not in _MISSING:
            why = why_not(failed, named.service, named.region, lambda: clients.caller_arn(named.region))
            # S3 denies a HEAD request without a reason: the owner may also be another account.
            reason = f" It cannot be looked up: {why}"
            return [Problem(path=named.path, message=f"{message}{reason}")]
    return [Problem(path=named.path, message=message)]
