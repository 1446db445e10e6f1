"""KMS keys have the longest waiting period before deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

_SHORTEST: Final = Parameter(
    name="minimumDays",
    description="The shortest time between the deletion of a key and its end; KMS takes 7 to 30, and 30 without a value.",
    default=30,
    schema={"type": "integer", "minimum": 7, "maximum": 30},
)

RULE = Rule(
    id="kms-key-deletion-window",
    title="Deletion of KMS keys can be canceled for 30 days",
    severity=Severity.HIGH,
    risk="a destroyed stack deletes the key of all session logs and volumes before the loss is noticed",
    remedy="Leave deletionWindowInDays out, or set it to 30",
    source="AWS Security Hub KMS.3; AWS Config kms-cmk-not-scheduled-for-deletion; NIST SP 800-53 r5 SC-12, SC-12(2)",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-3",
    parameters=(_SHORTEST,),
)


@RULE.on(
    "aws:kms/key:Key",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
)
def _is_long(key: Resource) -> Findings:
    shortest = key.settings[_SHORTEST.name]
    yield from key.require(
        "deletionWindowInDays", lambda days: days is None or days >= shortest, f"at least {shortest:g} days"
    )
