"""Resources that operate domain controllers: event logs, metric filters, alarms, associations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.domain_controllers.names import ALARMS
from operations.inventory.monitoring import read_metric_alarms
from operations.inventory.nodes import read_association
from operations.inventory.reader import returns_failure
from operations.inventory.session_manager import NO_BUCKET, read_document, read_log_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.operations.plan import OperationsPlan
    from components.domain_controllers.operations.settings import BackupBucketSettings
    from operations.inventory.nodes import AssociationFacts
    from operations.inventory.reader import Answer, Reader, ReadFailure
    from operations.inventory.session_manager import DocumentFacts, LogGroupFacts


@dataclass(frozen=True, kw_only=True)
class SecretFacts:
    """A secret without its value.

    Attributes:
        description: The secret in the format of DescribeSecret.
        policy: Its resource policy as JSON; "": it has none.
    """

    description: Answer
    policy: str = ""


@dataclass(frozen=True, kw_only=True)
class OperationsFacts:
    """Resources that operate the controllers of a site; those that the plan does not have are not read.

    Attributes:
        log_groups: Log groups of events by name.
        metric_filters: Metric filters in the format of the API, by log group and name.
        documents: Documents that run on controllers, by key.
        associations: Associations by the last part of their resources' names.
        alarms: Alarms in the format of the API, by name.
        backup_lock: Object Lock of the backups' bucket in the format of the API; None: it has none.
        secrets: Secrets of the promotion by ARN; None: it does not exist.
    """

    log_groups: Mapping[str, LogGroupFacts | ReadFailure | None] = field(
        default_factory=dict[str, "LogGroupFacts | ReadFailure | None"]
    )
    metric_filters: Mapping[tuple[str, str], Answer] | ReadFailure = field(
        default_factory=dict[tuple[str, str], "Answer"]
    )
    documents: Mapping[str, DocumentFacts | ReadFailure | None] = field(
        default_factory=dict[str, "DocumentFacts | ReadFailure | None"]
    )
    associations: Mapping[str, AssociationFacts | ReadFailure | None] = field(
        default_factory=dict[str, "AssociationFacts | ReadFailure | None"]
    )
    alarms: Mapping[str, Answer] | ReadFailure = field(default_factory=dict[str, "Answer"])
    backup_lock: Answer | ReadFailure | None = None
    secrets: Mapping[str, SecretFacts | ReadFailure | None] = field(
        default_factory=dict[str, "SecretFacts | ReadFailure | None"]
    )


def read_operations(
    reader: Reader,
    plan: OperationsPlan,
    bucket: BackupBucketSettings | None = None,
    secret_arns: Sequence[str] = (),
) -> OperationsFacts:
    """Read what a plan has; facts that cannot be read contain the reason."""
    return OperationsFacts(
        log_groups={name: read_log_group(reader, name) for name in plan.log_groups},
        metric_filters=_metric_filters(reader, plan),
        documents={each.key: read_document(reader, each.name, sharing=True) for each in plan.documents},
        associations={key: read_association(reader, each.name) for key, each in plan.associations.items()},
        alarms=read_metric_alarms(reader, AlarmNamePrefix=ALARMS) if plan.has_alarms else {},
        backup_lock=_object_lock(reader, bucket) if bucket else None,
        secrets={arn: _secret(reader, arn) for arn in secret_arns},
    )


@returns_failure
def _secret(reader: Reader, arn: str) -> SecretFacts | None:
    absent = ("ResourceNotFoundException",)
    found = reader.find("secretsmanager", "describe_secret", absent=absent, SecretId=arn)
    if found is None:
        return None
    policy = reader.get("secretsmanager", "get_resource_policy", SecretId=arn)
    return SecretFacts(description=found, policy=str(policy.get("ResourcePolicy") or ""))


@returns_failure
def _metric_filters(reader: Reader, plan: OperationsPlan) -> dict[tuple[str, str], Answer]:
    return {
        (group, str(each["filterName"])): each
        for group in dict.fromkeys(each.log_group for each in plan.metric_filters)
        for each in reader.items("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    }


@returns_failure
def _object_lock(reader: Reader, bucket: BackupBucketSettings) -> Answer | None:
    named = {"Bucket": bucket.bucket_name, "ExpectedBucketOwner": bucket.bucket_owner}
    absent = (*NO_BUCKET, "ObjectLockConfigurationNotFoundError")
    answer = reader.find("s3", "get_object_lock_configuration", absent=absent, **named)
    return answer.get("ObjectLockConfiguration", {}) if answer else None
