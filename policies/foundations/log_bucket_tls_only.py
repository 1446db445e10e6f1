"""Log buckets require TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.documents import Policy
from common.iam.patterns import matches
from policies.findings import UNKNOWN, Unseen, Violation
from policies.foundations.log_buckets import ALSO, companions, log_buckets
from policies.foundations.resource_policies import names_every_principal, policy_in
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.iam.documents import Statement
    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="log-bucket-tls-only",
    title="Log buckets deny requests without TLS",
    severity=Severity.MEDIUM,
    risk="logs can be read and changed on their way to the bucket",
    remedy="Deny s3:* to every principal on the bucket and its objects where aws:SecureTransport is false, in a BucketPolicy",
    source="AWS Security Hub S3.5; CIS AWS Foundations Benchmark 5.0, 2.1.1; NIST SP 800-53 r5 SC-8, SC-13; "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5",
    parameters=(ALSO,),
)

_EXPECTED: Final = "a statement that denies every principal s3:* on the bucket and its objects without TLS"


@RULE.on_stack
def _deny_plain_requests(stack: Stack) -> Findings:
    for bucket in log_buckets(stack):
        apart = list(companions(stack, bucket, "BucketPolicy"))
        holders = apart or ([bucket] if bucket.value("policy") not in (None, "") else [])
        yield from _judged(bucket, holders)


def _judged(bucket: Resource, holders: list[Resource]) -> Iterator[Finding]:
    policies = [(holder, policy_in(holder, "policy")) for holder in holders]
    denying = [
        each
        for _, policy in policies
        if isinstance(policy, Policy)
        for each in policy.statements
        if _denies_without_tls(each)
    ]
    if _covered(denying, bucket):
        return
    unknown = [holder for holder, policy in policies if policy is None and not _is_filled_in(holder, bucket)]
    if unknown:
        yield Unseen("policy", about=unknown[0])
        return
    found = "no such statement" if holders else "no policy"
    yield Violation("policy", found, _EXPECTED, about=holders[0] if holders else bucket)


def _is_filled_in(holder: Resource, bucket: Resource) -> bool:
    """Return whether the bucket has no policy property, so that the provider reads it."""
    return holder is bucket and holder.value("policy") is UNKNOWN and not holder.sources.get("policy")


def _denies_without_tls(statement: Statement) -> bool:
    conditions = [(each.operator, each.key, each.values) for each in statement.conditions]
    return (
        not statement.allows
        and not (statement.principals and statement.principals.negated)
        and names_every_principal(statement)
        and not statement.all_but_actions
        and any(action.lower() in ("*", "s3:*") for action in statement.actions)
        and conditions == [("bool", "aws:securetransport", ("false",))]
    )


def _covered(statements: list[Statement], bucket: Resource) -> bool:
    """Return whether the resources include the bucket and every object in it."""
    name = next((each for each in (bucket.value("bucket"), bucket.value("id")) if isinstance(each, str)), None)
    patterns = [each for statement in statements if not statement.all_but_resources for each in statement.resources]
    if name is None:
        return bool(patterns)
    partitions = ("aws", "aws-cn", "aws-us-gov")
    return any(
        _any_matches(patterns, f"arn:{partition}:s3:::{name}")
        and _any_matches([each for each in patterns if each.endswith("*")], f"arn:{partition}:s3:::{name}/any/object")
        for partition in partitions
    )


def _any_matches(patterns: list[str], arn: str) -> bool:
    return any(matches(pattern, arn) for pattern in patterns)
