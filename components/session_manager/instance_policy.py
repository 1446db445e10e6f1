"""The permissions that nodes need for governed sessions, as plain data: step 3 of the post, for all Regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.session_manager.document import s3_key_prefix
from components.session_manager.names import DATA_KEY_ALIAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import SessionManagerSettings

Statement = dict[str, Any]


def instance_policy(
    settings: Mapping[str, SessionManagerSettings], *, partition: str, account_id: str
) -> dict[str, Any] | None:
    """Just what the enabled features need, on top of what the SSM Agent needs to run at all.

    Args:
        settings: by Region.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.

    Returns:
        The policy document, or None where no feature needs a permission.
    """
    arns = _Arns(partition, account_id)
    statements = [*_logs(settings, arns), *_session_data(settings, arns), *_s3(settings, arns)]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


class _Arns:
    def __init__(self, partition: str, account_id: str) -> None:
        self.partition = partition
        self.account_id = account_id

    def regional(self, service: str, region: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{region}:{self.account_id}:{resource}"

    def s3(self, resource: str) -> str:
        return f"arn:{self.partition}:s3:::{resource}"


def _logs(settings: Mapping[str, SessionManagerSettings], arns: _Arns) -> list[Statement]:
    groups = [
        arns.regional("logs", region, f"log-group:{each.cw_log_group_name}")
        for region, each in settings.items()
        if each.logs_to_cloudwatch
    ]
    if not groups:
        return []
    return [
        # DescribeLogGroups knows no smaller resource for a call that names no group (Service Authorization Reference).
        {
            "Sid": "FindLogGroup",
            "Effect": "Allow",
            "Action": "logs:DescribeLogGroups",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": _regions(groups)}},
        },
        {
            "Sid": "FindLogStream",
            "Effect": "Allow",
            "Action": "logs:DescribeLogStreams",
            "Resource": sorted([*groups, *(f"{group}:*" for group in groups)]),
        },
        {
            "Sid": "WriteSessionLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": sorted(f"{group}:log-stream:*" for group in groups),
        },
    ]


def _regions(arns: list[str]) -> list[str]:
    return sorted({arn.split(":")[3] for arn in arns})


def _session_data(settings: Mapping[str, SessionManagerSettings], arns: _Arns) -> list[Statement]:
    keys = [arns.regional("kms", region, "key/*") for region, each in settings.items() if each.session_data_encryption]
    if not keys:
        return []
    return [
        {
            "Sid": "DecryptSessionData",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": sorted(keys),
            # ForAllValues holds for an absent key too, so the Null check has to stand beside it (as in the post).
            "Condition": {
                "Null": {"kms:ResourceAliases": "false"},
                "ForAllValues:StringEquals": {"kms:ResourceAliases": [DATA_KEY_ALIAS]},
            },
        }
    ]


def _s3(settings: Mapping[str, SessionManagerSettings], arns: _Arns) -> list[Statement]:
    logging = {region: each for region, each in settings.items() if each.s3_logging}
    if not logging:
        return []

    def logs_of(region: str, each: SessionManagerSettings) -> str:
        return arns.s3(f"{each.s3_bucket_name}/{s3_key_prefix(each, arns.account_id, region)}/*")

    statements: list[Statement] = [
        {
            "Sid": "WriteSessionLogObject",
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": sorted({logs_of(region, each) for region, each in logging.items()}),
        },
        {
            "Sid": "SeeBucketEncryption",
            "Effect": "Allow",
            "Action": "s3:GetEncryptionConfiguration",
            "Resource": sorted({arns.s3(each.s3_bucket_name) for each in logging.values()}),
        },
    ]
    foreign = sorted(
        {logs_of(region, each) for region, each in logging.items() if each.s3_bucket_owner not in ("", arns.account_id)}
    )
    if foreign:
        statements.append(
            {"Sid": "GiveBucketOwnerControl", "Effect": "Allow", "Action": "s3:PutObjectAcl", "Resource": foreign}
        )
    keys = sorted({each.s3_kms_key_arn for each in logging.values() if each.s3_kms_key_arn})
    if keys:
        services = sorted(
            {f"s3.{key.split(':')[3]}.amazonaws.com{'.cn' * (arns.partition == 'aws-cn')}" for key in keys}
        )
        statements.append(
            {
                "Sid": "EncryptSessionLogObject",
                "Effect": "Allow",
                "Action": "kms:GenerateDataKey",
                "Resource": keys,
                "Condition": {"StringEquals": {"kms:ViaService": services}},
            }
        )
    return statements
