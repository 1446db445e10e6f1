"""Key policies of the two keys, as plain data."""

from __future__ import annotations

from typing import Any

KeyPolicy = dict[str, Any]


def data_key_policy(*, partition: str, account_id: str) -> KeyPolicy:
    """For session data: usable by whom the account's IAM policies allow, as in the post.

    Whoever starts a session needs `kms:GenerateDataKey`, its node `kms:Decrypt`; both are granted by IAM policies
    that name the alias.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
    """
    return {"Version": "2012-10-17", "Statement": [_governed_by_iam(partition, account_id)]}


def logs_key_policy(*, partition: str, account_id: str, region: str) -> KeyPolicy:
    """For session logs: besides the account's IAM, usable by CloudWatch Logs for this one log group.

    Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
        region: of the log group.
    """
    suffix = ".cn" if partition == "aws-cn" else ""
    # Not one group alone: one that was named before stays, and its logs are read with this key, too.
    groups = f"arn:{partition}:logs:{region}:{account_id}:log-group:*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _governed_by_iam(partition, account_id),
            {
                "Sid": "LogGroupsOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{region}.amazonaws.com{suffix}"},
                "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            },
        ],
    }


def _governed_by_iam(partition: str, account_id: str) -> dict[str, Any]:
    """Without this statement nobody could manage the key (KMS Developer Guide, "Default key policy")."""
    return {
        "Sid": "GovernedByIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
