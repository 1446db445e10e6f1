"""Quotas of AWS for generated resources, and the problems where they are exceeded. Pure.

Adjustable quotas are at their default; where an account's is higher, the check of attachments reads it from IAM.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.iam.statements import Policy, Statement, document
from common.problems import Problem, SettingPath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota of AWS.

    Messages name the resource that has it, `holder`.
    """

    maximum: int
    unit: str
    holder: str


MANAGED_POLICY: Final = Quota(maximum=6_144, unit="characters", holder="a managed policy")
"""IAM User Guide, "IAM and AWS STS quotas"; white space in policies of IAM is not counted."""
ROLE_POLICIES: Final = Quota(maximum=10_240, unit="characters", holder="a role")
"""IAM User Guide, "IAM and AWS STS quotas"."""
TRUST_POLICY: Final = Quota(maximum=2_048, unit="characters", holder="a trust policy")
"""IAM User Guide, "IAM and AWS STS quotas"; the default."""
ATTACHED_POLICIES: Final = Quota(maximum=10, unit="managed policies", holder="a role or a user")
"""IAM User Guide, "IAM and AWS STS quotas"; the default, for roles and for users."""
ROLES: Final = Quota(maximum=1_000, unit="roles", holder="an account")
"""IAM User Guide, "IAM and AWS STS quotas"; the default."""
DOCUMENT: Final = Quota(maximum=64 * 1024, unit="bytes", holder="a Systems Manager document")
"""Systems Manager API reference, CreateDocument, MaxDocumentSizeExceeded."""
KEY_POLICY: Final = Quota(maximum=32 * 1024, unit="bytes", holder="a key policy")
"""KMS Developer Guide, "Resource quotas"."""
TOPIC_POLICY: Final = Quota(maximum=30 * 1024, unit="bytes", holder="a topic policy")
"""SNS Developer Guide, "Amazon SNS API permissions", policy quotas."""
BUCKET_POLICY: Final = Quota(maximum=20 * 1024, unit="bytes", holder="a bucket policy")
"""S3 User Guide, "Adding a bucket policy by using the Amazon S3 console"."""
ENDPOINT_POLICY: Final = Quota(maximum=20_480, unit="characters", holder="a VPC endpoint policy")
"""AWS PrivateLink Guide, "AWS PrivateLink quotas"; white space is counted."""
EVENT_PATTERN: Final = Quota(maximum=2_048, unit="characters", holder="an event pattern")
"""EventBridge User Guide, "EventBridge quotas"; the default."""
RULE_TARGETS: Final = Quota(maximum=5, unit="targets", holder="an EventBridge rule")
"""EventBridge User Guide, "EventBridge quotas"."""
EVENT_DESCRIPTION: Final = Quota(maximum=512, unit="characters", holder="the description of an EventBridge rule")
"""EventBridge API reference, PutRule."""
ALARM_ACTIONS: Final = Quota(maximum=5, unit="actions", holder="a state of a CloudWatch alarm")
"""CloudWatch API reference, PutMetricAlarm."""
GUARD_RULE: Final = Quota(maximum=10_000, unit="characters", holder="a custom policy rule of AWS Config")
"""AWS Config API reference, CustomPolicyDetails, PolicyText."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A resource that a stack generates from its settings, measured as AWS does.

    Attributes:
        what: Name for messages: `the policy DecideSsmSessionRequests`.
        size: Size in the unit of the quota.
        quota: Quota of the resource.
        path: Setting that determines the size.
        given: Values of the settings that it contains, for messages: `40 operators`.
        fix: Remedy where it is too large, a sentence without a full stop.
    """

    what: str
    size: int
    quota: Quota
    path: SettingPath
    given: str
    fix: str


def excess_problems(generated: Iterable[Generated]) -> list[Problem]:
    """Return a problem for each resource that exceeds its quota."""
    return [
        Problem(
            path=each.path,
            message=f"expected {each.what} to take at most {each.quota.maximum} {each.quota.unit}, as {each.quota.holder} "
            f"has no more, got {each.size} with {each.given}. {each.fix}",
        )
        for each in generated
        if each.size > each.quota.maximum
    ]


def size(policy: Mapping[str, Any]) -> int:
    """Return the characters of a policy that IAM counts: all in values, none between them."""
    return len(json.dumps(policy, separators=(",", ":")))


def packed(
    statements: Iterable[Statement],
    maximum: int = MANAGED_POLICY.maximum,
    joined: Callable[[list[Statement]], list[Statement]] = list,
) -> list[Policy]:
    """Return statements in as few policies as first fit finds: each in the first policy in which it fits.

    `joined` merges statements where possible.

    Raises:
        StatementTooLongError: A single statement exceeds the maximum.
    """
    policies: list[list[Statement]] = []
    for statement in statements:
        if size(document([statement])) > maximum:
            raise StatementTooLongError(statement)
        for number, policy in enumerate(policies):
            longer = joined([*policy, statement])
            if size(document(longer)) <= maximum:
                policies[number] = longer
                break
        else:
            policies.append([statement])
    return [document(each) for each in policies]


class StatementTooLongError(ValueError):
    """A single statement exceeds the maximum of a policy."""

    def __init__(self, statement: Statement) -> None:
        super().__init__(f"the statement {statement.get('Sid')} alone is longer than a policy")
