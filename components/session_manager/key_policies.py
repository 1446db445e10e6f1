"""Key policies of the keys for session data and session logs, as plain data."""

from __future__ import annotations

from typing import Any

from common.aws.arns import service_domain

KeyPolicy = dict[str, Any]


def data_key_policy(*, partition: str, account_id: str) -> KeyPolicy:
    """Return the policy of the key for session data: IAM policies of the account control its use, as in the post.

    The operator needs `kms:GenerateDataKey`, the node `kms:Decrypt`; IAM policies that name the alias grant both.
    """
    return {"Version": "2012-10-17", "Statement": [governed_by_iam(partition, account_id)]}


def logs_key_policy(*, partition: str, account_id: str, region: str) -> KeyPolicy:
    """Return the policy of the key for session logs: CloudWatch Logs may use it, too, for log groups of the account.

    Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    """
    # Not limited to one group: a group that was configured earlier remains, and reading its logs needs this key.
    groups = f"arn:{partition}:logs:{region}:{account_id}:log-group:*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            governed_by_iam(partition, account_id),
            {
                "Sid": "LogGroupsOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": service_domain("logs", region, partition)},
                "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            },
        ],
    }


def governed_by_iam(partition: str, account_id: str) -> dict[str, Any]:
    """Return the statement that lets IAM policies manage the key (KMS Developer Guide, "Default key policy").

    Without it, no principal could manage the key.
    """
    return {
        "Sid": "GovernedByIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
