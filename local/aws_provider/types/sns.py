"""SNS topics, their policies and subscriptions. Source: Terraform AWS provider, `internal/service/sns`."""

import re
from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, RejectedValue
from local.aws_provider.model import Code, Item, Operation, ResourceType, Tagging, fixed, flag, name, text
from local.aws_provider.shapes import tag_list
from local.aws_provider.wire import Values

_gone: Final = frozenset({"NotFound", "NotFoundException"})
_read_attributes: Final = Operation("GetTopicAttributes", {"TopicArn": "id"}, result="Attributes")


def _create_topic(aws: Aws, topic: Item) -> str:
    title: str = topic.values["name"]
    if any(item["TopicArn"].endswith(f":{title}") for item in aws.pages("ListTopics", "Topics")):
        # AWS itself would return the existing topic, which the stack does not own.
        raise AwsError("sns:CreateTopic", "AlreadyExists", f"SNS Topic ({title}) already exists")
    return aws.call("CreateTopic", Name=title, Tags=tag_list(topic.values["tagsAll"]) or None)["TopicArn"]


def _set_key(aws: Aws, topic: Item) -> None:
    key: str = topic.values.get("kmsMasterKeyId") or ""
    if key or topic.changed:
        aws.call("SetTopicAttributes", TopicArn=topic.id, AttributeName="KmsMasterKeyId", AttributeValue=key)


def _plan_topic(_old: Values, new: Values) -> list[RejectedValue]:
    title = new.get("name")
    wrong = isinstance(title, str) and not re.fullmatch(r"[0-9A-Za-z_-]{1,256}", title)
    return [RejectedValue("name", f"invalid name: {title}")] if wrong else []


TOPIC = ResourceType(
    name="aws:sns/topic:Topic",
    service="sns",
    properties={
        "contentBasedDeduplication": fixed(False, local=True),
        "fifoTopic": fixed(False, replaces=True),
        "kmsMasterKeyId": text(),
        "name": name(longest=80),
    },
    outputs="arn=TopicArn beginningArchiveTime owner policy",
    refused=(
        "applicationFailureFeedbackRoleArn applicationSuccessFeedbackRoleArn applicationSuccessFeedbackSampleRate "
        "archivePolicy deliveryPolicy displayName fifoThroughputScope firehoseFailureFeedbackRoleArn "
        "firehoseSuccessFeedbackRoleArn firehoseSuccessFeedbackSampleRate httpFailureFeedbackRoleArn "
        "httpSuccessFeedbackRoleArn httpSuccessFeedbackSampleRate lambdaFailureFeedbackRoleArn "
        "lambdaSuccessFeedbackRoleArn lambdaSuccessFeedbackSampleRate maximumMessageSize namePrefix policy "
        "signatureVersion sqsFailureFeedbackRoleArn sqsSuccessFeedbackRoleArn sqsSuccessFeedbackSampleRate tracingConfig"
    ),
    create=(Code(_create_topic, "ListTopics CreateTopic"), Code(_set_key, "SetTopicAttributes")),
    read=(_read_attributes, Code(lambda _aws, topic: {"name": topic.id.rsplit(":", 1)[1]})),
    update=(Code(_set_key, "SetTopicAttributes", on="kmsMasterKeyId"),),
    delete=(Operation("DeleteTopic", {"TopicArn": "id"}),),
    tagging=Tagging(),
    gone=_gone,
    plan=_plan_topic,
)


def _restore_default_policy(aws: Aws, policy: Item) -> None:
    """Restore the default policy: a topic always has a policy."""
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission")
    actions = (*actions, "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish")
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": policy.id,
        "Condition": {"StringEquals": {"AWS:SourceOwner": policy.values["owner"]}},
    }
    default = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    value = policy_json.compact(default)
    aws.call("SetTopicAttributes", TopicArn=policy.id, AttributeName="Policy", AttributeValue=value)


_put_policy: Final = Operation(
    "SetTopicAttributes", {"TopicArn": "arn", "AttributeName": lambda _: "Policy", "AttributeValue": "policy"}
)

TOPIC_POLICY = ResourceType(
    name="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    properties={
        "arn": text(validators.arn, required=True, replaces=True, aws="TopicArn"),
        "policy": policy_json.policy(required=True, accepts_object=True),
    },
    outputs="owner",
    id="{arn}",
    create=(_put_policy,),
    read=(_read_attributes,),
    update=(_put_policy,),
    delete=(Code(_restore_default_policy, "SetTopicAttributes"),),
    gone=_gone,
    is_gone=lambda topic: not topic.get("Policy"),
)


def _unsubscribe(aws: Aws, subscription: Item) -> None:
    # A pending subscription cannot be deleted; AWS removes it after some days.
    found = aws.call("GetSubscriptionAttributes", SubscriptionArn=subscription.id)["Attributes"]
    if found.get("PendingConfirmation") != "true":
        aws.call("Unsubscribe", SubscriptionArn=subscription.id)


TOPIC_SUBSCRIPTION = ResourceType(
    name="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    properties={
        "confirmationTimeoutInMinutes": fixed(1, local=True),
        "confirmationWasAuthenticated": flag(output=True),
        "endpoint": text(required=True, replaces=True),
        "endpointAutoConfirms": fixed(False, local=True),
        "pendingConfirmation": flag(output=True),
        # Of the other protocols the real plugin waits for the confirmation.
        "protocol": text(validators.one_of("email", "email-json"), required=True, replaces=True),
        "rawMessageDelivery": fixed(False),
        "topic": text(validators.arn, required=True, replaces=True, aws="TopicArn"),
    },
    outputs="arn=SubscriptionArn filterPolicyScope ownerId=Owner",
    refused="deliveryPolicy filterPolicy filterPolicyScope redrivePolicy replayPolicy subscriptionRoleArn",
    # Otherwise the ARN of a pending subscription is "pending confirmation".
    create=(Operation("Subscribe", {"ReturnSubscriptionArn": True}, result="SubscriptionArn"),),
    read=(Operation("GetSubscriptionAttributes", {"SubscriptionArn": "id"}, result="Attributes"),),
    update=(
        Operation(
            "SetSubscriptionAttributes",
            {
                "SubscriptionArn": "id",
                "AttributeName": lambda _: "RawMessageDelivery",
                "AttributeValue": lambda new: str(new["rawMessageDelivery"]).lower(),
            },
            on="rawMessageDelivery",
        ),
    ),
    delete=(Code(_unsubscribe, "Unsubscribe"),),
    gone=_gone,
)
