"""Encryption of session logs in S3 and CloudWatch Logs: accepted algorithms, and KMS key references. Pure.

Sources:
    SSM Agent, agent/s3util/s3util.go, IsBucketEncrypted: the first rule's algorithm is `aws:kms` or
    `AES256`, else the session ends.
    Amazon S3 API Reference, ServerSideEncryptionByDefault (KMSMasterKeyID): a key ID, a key ARN, or an alias;
    the key is in the bucket's Region, and an alias is resolved in the account of the requester.
    Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys": other accounts cannot use the AWS
    managed key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SSE_S3: Final = "AES256"
SSE_KMS: Final = "aws:kms"
ACCEPTED_ALGORITHMS: Final = frozenset({SSE_S3, SSE_KMS})
"""Algorithms of a bucket's default encryption with which SSM Agent starts a session that requires encryption."""

_KEY_ARN: Final = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]+):(?P<account>\d{12}):(?P<resource>(?:key|alias)/.+)")
_AWS_MANAGED_ALIAS: Final = "alias/aws/s3"
_STATE_REMEDIES: Final = {
    "Disabled": "enable it",
    "PendingDeletion": "cancel its deletion and enable it",
    "PendingReplicaDeletion": "cancel its deletion and enable it",
    "PendingImport": "import its key material",
    "Unavailable": "connect its custom key store",
}
"""Reasons by key state (KMS Developer Guide, "Key states of AWS KMS keys")."""


@dataclass(frozen=True, kw_only=True)
class KeyReference:
    """A KMS key as a configuration references it: by ID, ARN, alias name or alias ARN.

    Attributes:
        key_id: Reference as configured, for the `KeyId` parameter of KMS.
        region: Region of the key, in which KMS must be called.
        account_id: Account in which KMS resolves the reference.
        is_aws_managed: Whether it is Amazon S3's AWS managed key, by its alias.
    """

    key_id: str
    region: str
    account_id: str
    is_aws_managed: bool


@dataclass(frozen=True, kw_only=True)
class DefaultEncryption:
    """Algorithm (`AES256`, `aws:kms`, `aws:kms:dsse`) and key, as configured, of a bucket's default encryption."""

    algorithm: str
    key: str = ""


def key_reference(reference: str, *, region: str, account_id: str) -> KeyReference:
    """Parse a key ID, key ARN, alias name or alias ARN; any text is accepted.

    `region` is that of the encrypted resource, `account_id` that of the requester; an ARN contains its own.
    """
    arn = _KEY_ARN.fullmatch(reference)
    return KeyReference(
        key_id=reference,
        region=arn["region"] if arn else region,
        account_id=arn["account"] if arn else account_id,
        is_aws_managed=(arn["resource"] if arn else reference) == _AWS_MANAGED_ALIAS,
    )


def default_encryption(configuration: Mapping[str, Any]) -> DefaultEncryption | None:
    """Return the default encryption in a response of GetBucketEncryption; None: it has none.

    SSM Agent reads only its first rule.
    """
    rules: list[dict[str, Any]] = configuration.get("Rules") or [{}]
    default: dict[str, str] | None = rules[0].get("ApplyServerSideEncryptionByDefault")
    if not default:
        return None
    return DefaultEncryption(algorithm=default["SSEAlgorithm"], key=default.get("KMSMasterKeyID") or "")


def algorithm_problem(algorithm: str | None) -> str | None:
    """Return why SSM Agent rejects a bucket with this algorithm (None: no default encryption) in encrypted sessions, or None."""
    if algorithm is None:
        return "is not encrypted, and sessions require it"
    if algorithm not in ACCEPTED_ALGORITHMS:
        accepted = " and ".join(sorted(ACCEPTED_ALGORITHMS))
        return f"is encrypted with {algorithm}, and SSM Agent accepts only {accepted}"
    return None


def managed_key_problem(encryption: DefaultEncryption, *, region: str, account_id: str, owner: str) -> str | None:
    """Return why nodes cannot use the AWS managed key of a bucket in another account; None: they can.

    `account_id` is the account of the nodes, `owner` that of the bucket.
    """
    if encryption.algorithm == SSE_S3:
        return None
    key = key_reference(encryption.key, region=region, account_id=owner)
    if encryption.key and not key.is_aws_managed:
        return None
    if key.account_id == account_id:
        return None
    return (
        f"is encrypted with {encryption.algorithm} and the AWS managed key of account {key.account_id}, which serves its "
        "own account only"
    )


def key_problem(metadata: Mapping[str, Any], *, account_id: str) -> str | None:
    """Return why a key (`KeyMetadata`) cannot encrypt an account's session data or logs; None: it can."""
    if metadata["KeyState"] != "Enabled":
        date = metadata.get("DeletionDate")
        until = f", to be deleted on {date:%Y-%m-%d}" if date else ""
        state = metadata["KeyState"]
        return f"is {state}{until}; {_STATE_REMEDIES.get(state, 'wait until it is Enabled, or name another key')}"
    spec, usage = metadata.get("KeySpec"), metadata.get("KeyUsage")
    if (spec, usage) != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
        return f"is not symmetric ({spec}, {usage}); name a key for symmetric encryption"
    if metadata.get("KeyManager") == "AWS" and metadata.get("AWSAccountId", account_id) != account_id:
        return f"is an AWS managed key of account {metadata['AWSAccountId']}, which serves its own account only"
    return None
