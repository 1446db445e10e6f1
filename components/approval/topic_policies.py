"""Policies of the approval topic and of its key, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import ALARM_PREFIX

if TYPE_CHECKING:
    from components.approval.names import Place, PolicyDocument

SYSTEMS_MANAGER: Final = "ssm.amazonaws.com"
EVENTBRIDGE: Final = "events.amazonaws.com"
CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


def topic_policy(place: Place) -> PolicyDocument:
    """Return the topic policy: Systems Manager, rules and alarms of this account, and the runbook's role may publish.

    Sources: Systems Manager User Guide, "Configuring Amazon SNS topics for Change Manager notifications"; EventBridge
    User Guide, "Amazon SNS permissions"; CloudWatch User Guide, "Notifying users on alarm changes".

    Args:
        place: Location of the topic.
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
            _publish("RulesOfThisAccount", EVENTBRIDGE, place, place.rule_arn(f"{ALARM_PREFIX}*")),
            _publish("AlarmsOfThisAccount", CLOUDWATCH, place, place.alarm_arn(f"{ALARM_PREFIX}*")),
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


def _publish(sid: str, service: str, place: Place, source: str) -> dict[str, object]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": place.topic_arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": source},
        },
    }


def topic_key_policy(place: Place) -> PolicyDocument:
    """Return the key policy: IAM of the account controls the key, and the services that publish to the topic use it.

    Source: SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".

    Args:
        place: Location of the topic.
    """
    encrypting = ["kms:Decrypt", "kms:GenerateDataKey*"]
    of_the_topic = {"kms:EncryptionContext:aws:sns:topicArn": place.topic_arn}
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
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            },
            {
                # A key policy with aws:SourceAccount or aws:SourceArn breaks delivery from EventBridge.
                "Sid": "EventsOfRules",
                "Effect": "Allow",
                "Principal": {"Service": EVENTBRIDGE},
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": of_the_topic},
            },
            {
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": CLOUDWATCH},
                "Action": encrypting,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id, **of_the_topic}},
            },
        ],
    }
