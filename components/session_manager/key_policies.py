"""Key policies of the keys for session data and session logs, as plain data."""

from __future__ import annotations

from common.aws.arns import service_domain
from common.iam.statements import Policy, Statement, allow, document


def data_key_policy(*, partition: str, account_id: str) -> Policy:
    """Return the policy of the key for session data: IAM policies of the account control its use, as in the post.

    The operator needs `kms:GenerateDataKey`, the node `kms:Decrypt`; IAM policies that name the alias grant both.
    """
    return document([governed_by_iam(partition, account_id)])


def logs_key_policy(*, partition: str, account_id: str, region: str) -> Policy:
    """Return the policy of the key for session logs: CloudWatch Logs may use it, too, for log groups of the account.

    Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    """
    # Not limited to one group: a group that was configured earlier remains, and reading its logs needs this key.
    groups = f"arn:{partition}:logs:{region}:{account_id}:log-group:*"
    logging = allow(
        "LogGroupsOfThisAccount",
        ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "*",
        principal={"Service": service_domain("logs", region, partition)},
        condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )
    return document([governed_by_iam(partition, account_id), logging])


def governed_by_iam(partition: str, account_id: str) -> Statement:
    """Return the statement that lets IAM policies manage the key (KMS Developer Guide, "Default key policy").

    Without it, no principal could manage the key.
    """
    return allow("GovernedByIam", "kms:*", "*", principal={"AWS": f"arn:{partition}:iam::{account_id}:root"})


def with_alias(alias: str) -> dict[str, dict[str, str | list[str]]]:
    """Return the condition that limits a statement to the key with an alias.

    ForAllValues also matches an absent key, so the Null condition is required (as in the post).
    """
    return {
        "Null": {"kms:ResourceAliases": "false"},
        "ForAllValues:StringEquals": {"kms:ResourceAliases": [alias]},
    }
