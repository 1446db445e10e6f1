"""Topics, their policies and subscriptions (Terraform AWS provider: internal/service/sns)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle

topic = "aws:sns/topic:Topic"
topic_policy = "aws:sns/topicPolicy:TopicPolicy"
subscription = "aws:sns/topicSubscription:TopicSubscription"


def policy(arn: str, sid: str = "One") -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sns:Publish"}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}


def test_topic_is_known_by_its_arn_and_owner(provider: Any) -> None:
    given = {"name": "t", "kmsMasterKeyId": "alias/k", "tags": {"a": "b"}}
    made = provider.up(topic, "t", given)
    assert made.id == made["arn"] == "arn:aws:sns:eu-west-1:123456789012:t"
    assert (made["owner"], made["fifoTopic"], made["kmsMasterKeyId"]) == ("123456789012", False, "alias/k")
    assert provider.unchanged(topic, "t", given)


def test_attributes_of_a_topic_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(topic, "t", {"name": "t", "kmsMasterKeyId": "alias/k"})
    made = provider.up(topic, "t", {"name": "t", "tags": {"a": "b"}})
    found = aws("sns").get_topic_attributes(TopicArn=made.id)["Attributes"]
    assert found.get("KmsMasterKeyId", "") == ""
    assert aws("sns").list_tags_for_resource(ResourceArn=made.id)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_topic_policy_unset_accepts_any(provider: Any, aws: Any) -> None:
    made = provider.up(topic, "t", {"name": "t"})
    aws("sns").set_topic_attributes(
        TopicArn=made.id, AttributeName="Policy", AttributeValue=json.dumps(policy(made.id))
    )
    assert provider.unchanged(topic, "t", {"name": "t"})


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"name": "a b"}, "invalid name"),
        ({"name": "t.fifo", "fifoTopic": True}, "fifoTopic: is not supported"),
    ],
)
def test_topic_refuses_in_preview(provider: Any, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.preview(topic, "t", inputs)


def test_topic_policy_deletion_restores_the_default(provider: Any, aws: Any) -> None:
    arn = provider.up(topic, "t", {"name": "t"}).id
    given = {"arn": arn, "policy": policy(arn)}
    made = provider.up(topic_policy, "p", given)
    assert (made.id, made["owner"]) == (arn, "123456789012")
    assert provider.unchanged(topic_policy, "p", {**given, "policy": json.dumps(policy(arn), indent=1)})
    provider.up(topic_policy, "p", {"arn": arn, "policy": policy(arn, "Two")})
    provider.destroy(topic_policy, "p")
    found = json.loads(aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert found["Id"] == "__default_policy_ID"
    assert found["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": "123456789012"}}


def test_address_is_subscribed_without_waiting_for_its_reader(provider: Any) -> None:
    arn = provider.up(topic, "t", {"name": "t"}).id
    given = {"topic": arn, "protocol": "email", "endpoint": "a@example.org"}
    made = provider.up(subscription, "s", given)
    assert made.id == made["arn"]
    assert made.id.startswith(f"{arn}:")
    assert (made["ownerId"], made["confirmationTimeoutInMinutes"], made["rawMessageDelivery"]) == (
        "123456789012",
        1,
        False,
    )
    assert provider.unchanged(subscription, "s", given)
    assert list(provider.diff(subscription, "s", {**given, "endpoint": "b@example.org"}).replaces) == ["endpoint"]
    provider.destroy(subscription, "s")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"protocol": "sqs"}, "expected one of"),
        ({"topic": "t"}, "invalid ARN"),
    ],
)
def test_subscription_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    arn = "arn:aws:sns:eu-west-1:123456789012:t"
    with pytest.raises(Exception, match=reason):
        provider.preview(subscription, "s", {"topic": arn, "protocol": "email", "endpoint": "e", **change})


def test_subscription_changed_by_hand_is_restored(provider: Any, aws: Any) -> None:
    arn = provider.up(topic, "t", {"name": "t"}).id
    given = {"topic": arn, "protocol": "email", "endpoint": "a@example.org"}
    made = provider.up(subscription, "s", given)
    named = {"SubscriptionArn": made.id, "AttributeName": "RawMessageDelivery"}
    aws("sns").set_subscription_attributes(**named, AttributeValue="true")
    assert provider.refresh(subscription, "s")["rawMessageDelivery"] is True
    provider.up(subscription, "s", given)
    assert provider.unchanged(subscription, "s", given)


@pytest.fixture
def ruled(provider: Any) -> dict[str, Any]:
    arn = provider.up(topic, "t", {"name": "t"}).id
    return {"arn": arn, "policy": policy(arn)}


@pytest.fixture
def subscribed(provider: Any) -> dict[str, Any]:
    return {"topic": provider.up(topic, "t", {"name": "t"}).id, "protocol": "email", "endpoint": "a@example.org"}


TestTopic = lifecycle(
    topic,
    {"name": "t"},
    delete=lambda aws, made: aws("sns").delete_topic(TopicArn=made.id),
    imported_by="{id}",
    replacing=({"name": "u"},),
    exists=r"SNS Topic \(t\) already exists",
)
TestTopicPolicy = lifecycle(topic_policy, "ruled", delete=lambda aws, made: aws("sns").delete_topic(TopicArn=made.id))
TestSubscription = lifecycle(
    subscription,
    "subscribed",
    delete=lambda aws, made: aws("sns").unsubscribe(SubscriptionArn=made.id),
    replacing=({"endpoint": "b@example.org"},),
    delete_first=False,
)
