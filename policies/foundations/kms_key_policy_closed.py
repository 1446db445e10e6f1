"""Policies and grants of KMS keys name their principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.foundations.resource_policies import require_closed
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="kms-key-policy-closed",
    title="Policies and grants of KMS keys name no wildcard principal",
    severity=Severity.CRITICAL,
    risk="any AWS principal may use the key, and the data it encrypts is effectively public",
    remedy="Name accounts, roles or services as principals, or add a condition on fixed accounts (kms:CallerAccount, "
    "aws:PrincipalOrgID)",
    source="AWS Security Hub KMS.5; NIST SP 800-53 r5 AC-3, AC-6; "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
)


@RULE.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:kms/keyPolicy:KeyPolicy",
)
def _is_closed(key: Resource) -> Findings:
    yield from require_closed(key, "policy")


@RULE.on("aws:kms/grant:Grant")
def _names_principals(grant: Resource) -> Findings:
    for name in ("granteePrincipal", "retiringPrincipal"):
        yield from grant.require(name, lambda value: "*" not in str(value), "the ARN of one principal")
