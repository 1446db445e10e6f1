"""Published request rates per second of an account in one Region, by operation.

Sources, all default values: AWS Key Management Service Developer Guide, "Request quotas"; Amazon CloudWatch Logs User
Guide, "CloudWatch Logs service quotas".
"""

from __future__ import annotations

from typing import Final

PER_SECOND: Final = {
    "kms:CreateAlias": 5,
    "kms:CreateKey": 5,
    "kms:DescribeKey": 2000,
    "kms:EnableKeyRotation": 15,
    "kms:GetKeyPolicy": 1000,
    "kms:GetKeyRotationStatus": 1000,
    "kms:ListAliases": 500,
    "kms:ListResourceTags": 2000,
    "kms:PutKeyPolicy": 15,
    "kms:TagResource": 10,
    "kms:UpdateAlias": 5,
    "logs:CreateLogGroup": 10,
    "logs:DescribeLogGroups": 10,
    "logs:ListTagsForResource": 5,
    "logs:PutRetentionPolicy": 5,
    "logs:TagResource": 5,
    "logs:UntagResource": 5,
}
