"""SNS subscriptions. Source: Terraform AWS provider, `internal/service/sns/topic_subscription.go`."""

from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Problem, ResourceType, flag, output, text, whole
from local.aws_provider.wire import Values

_attributes: Final = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "replayPolicy": "ReplayPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}
_protocols: Final = ("sqs", "sms", "lambda", "firehose", "application", "email", "email-json", "http", "https")
_json = {"checks": (validators.json_text,), "same": policy_json.same_json}


def _create(aws: Aws, wanted: Values) -> str:
    attributes = {
        theirs: str(wanted[ours]).lower() if isinstance(wanted[ours], bool) else wanted[ours]
        for ours, theirs in _attributes.items()
        if wanted.get(ours) not in (None, "", False)
    }
    answer = aws.call(
        "Subscribe",
        TopicArn=wanted["topic"],
        Protocol=wanted["protocol"],
        Endpoint=wanted["endpoint"],
        Attributes=attributes or None,
        # Otherwise the ARN of a pending subscription is "pending confirmation".
        ReturnSubscriptionArn=True,
    )
    arn = answer["SubscriptionArn"]
    if _is_confirmed_here(wanted):
        aws.wait_until(lambda: not _is_pending(aws, arn), f"confirmation of subscription {arn}", 60)
    return arn


def _is_confirmed_here(wanted: Values) -> bool:
    """Return whether to wait for the confirmation: not for email, and for HTTP only with `endpointAutoConfirms`."""
    protocol = wanted["protocol"]
    return not protocol.startswith("email") and (not protocol.startswith("http") or wanted["endpointAutoConfirms"])


def _is_pending(aws: Aws, arn: str) -> bool:
    answer = aws.call("GetSubscriptionAttributes", SubscriptionArn=arn)
    return answer["Attributes"].get("PendingConfirmation") == "true"


def _read(aws: Aws, arn: str, _known: Values) -> Values | None:
    found: dict[str, str] = aws.call("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    return {
        **{ours: found.get(theirs) for ours, theirs in _attributes.items()},
        "arn": arn,
        "confirmationWasAuthenticated": found.get("ConfirmationWasAuthenticated") == "true",
        "endpoint": found["Endpoint"],
        "ownerId": found.get("Owner"),
        "pendingConfirmation": found.get("PendingConfirmation") == "true",
        "protocol": found["Protocol"],
        "rawMessageDelivery": found.get("RawMessageDelivery") == "true",
        "topic": found["TopicArn"],
    }


def _update(aws: Aws, change: Change) -> None:
    for ours, theirs in _attributes.items():
        if change.has(ours):
            value = change.new.get(ours)
            given = str(value).lower() if isinstance(value, bool) else value or ("{}" if ours == "filterPolicy" else "")
            arn = change.object_id
            aws.call("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=theirs, AttributeValue=given)


def _delete(aws: Aws, arn: str, _known: Values) -> None:
    # A pending subscription cannot be deleted; AWS removes it after some days.
    if not _is_pending(aws, arn):
        aws.call("Unsubscribe", SubscriptionArn=arn)


def _plan(_old: Values, new: Values) -> list[Problem]:
    if new.get("filterPolicyScope") and not new.get("filterPolicy"):
        return [Problem("filterPolicyScope", "filterPolicy is required when filterPolicyScope is set")]
    return []


TOPIC_SUBSCRIPTION = ResourceType(
    name="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    properties={
        "arn": output(),
        "confirmationTimeoutInMinutes": whole(default=1, local=True),
        "confirmationWasAuthenticated": output("boolean"),
        "deliveryPolicy": text(**_json),
        "endpoint": text(required=True, replaces=True),
        "endpointAutoConfirms": flag(default=False, local=True),
        "filterPolicy": text(**_json),
        "filterPolicyScope": text(computed=True, checks=(validators.one_of("MessageAttributes", "MessageBody"),)),
        "ownerId": output(),
        "pendingConfirmation": output("boolean"),
        "protocol": text(required=True, replaces=True, checks=(validators.one_of(*_protocols),)),
        "rawMessageDelivery": flag(default=False),
        "redrivePolicy": text(**_json),
        "replayPolicy": text(**_json),
        "subscriptionRoleArn": text(checks=(validators.arn,)),
        "topic": text(required=True, replaces=True, checks=(validators.arn,)),
    },
    calls={
        "create": ("Subscribe", "GetSubscriptionAttributes"),
        "read": ("GetSubscriptionAttributes",),
        "update": ("SetSubscriptionAttributes",),
        "delete": ("GetSubscriptionAttributes", "Unsubscribe"),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    gone=frozenset({"NotFound", "NotFoundException"}),
    plan=_plan,
)

RESOURCES = (TOPIC_SUBSCRIPTION,)
