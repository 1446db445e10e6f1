"""Who may publish to the topic and use its key, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.approval.names import Place, PolicyDocument

SYSTEMS_MANAGER = "ssm.amazonaws.com"


def topic_policy(place: Place) -> PolicyDocument:
    """Systems Manager on behalf of this account may publish, and the runbooks' role; nobody else, whatever IAM allows.

    Source: Systems Manager User Guide, "Configuring Amazon SNS topics for Change Manager notifications".

    Args:
        place: where the topic is.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SystemsManagerOfThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": SYSTEMS_MANAGER},
                "Action": "sns:Publish",
                "Resource": place.topic_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            },
            {
                "Sid": "NobodyElse",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": place.topic_arn,
                "Condition": {
                    "ArnNotEquals": {"aws:PrincipalArn": place.role_arn},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            },
        ],
    }


def topic_key_policy(place: Place) -> PolicyDocument:
    """Besides the account's IAM, Systems Manager on behalf of this account may use the key.

    Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".

    Args:
        place: where the topic is.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GovernedByIam",
                "Effect": "Allow",
                "Principal": {"AWS": place.iam("root")},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "NotificationsOfSystemsManager",
                "Effect": "Allow",
                "Principal": {"Service": SYSTEMS_MANAGER},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            },
        ],
    }
