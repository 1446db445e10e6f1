"""SNS topics, their policies and subscriptions. Source: Terraform AWS provider, `internal/service/sns`."""

import re
from typing import Any, Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, Naming, Problem, Property, ResourceType, flag, output, text, whole
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

_feedback: Final = {
    f"{ours}{what}": f"{theirs}{attribute}"
    for ours, theirs in (
        ("application", "Application"),
        ("firehose", "Firehose"),
        ("http", "HTTP"),
        ("lambda", "Lambda"),
        ("sqs", "SQS"),
    )
    for what, attribute in (
        ("FailureFeedbackRoleArn", "FailureFeedbackRoleArn"),
        ("SuccessFeedbackRoleArn", "SuccessFeedbackRoleArn"),
        ("SuccessFeedbackSampleRate", "SuccessFeedbackSampleRate"),
    )
}
_topic_attributes: Final = {
    **_feedback,
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maximumMessageSize": "MaximumMessageSize",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
"""Inputs and their attributes; each has a call of its own."""


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name_of(wanted: Values) -> str:
    suffix = ".fifo" if wanted.get("fifoTopic") else ""
    return wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-")) + suffix


def _create_topic(aws: Aws, wanted: Values) -> str:
    name = _name_of(wanted)
    if any(item["TopicArn"].endswith(f":{name}") for item in aws.pages("ListTopics", "Topics")):
        # AWS itself would return the existing topic, which the stack does not own.
        raise AwsError("sns:CreateTopic", "AlreadyExists", f"SNS Topic ({name}) already exists")
    attributes = {"FifoTopic": "true"} if wanted.get("fifoTopic") else None
    made = aws.call("CreateTopic", Name=name, Attributes=attributes, Tags=pairs(wanted["tagsAll"]) or None)
    return made["TopicArn"]


def _settle_topic(aws: Aws, arn: str, wanted: Values) -> None:
    for ours, theirs in _topic_attributes.items():
        value = wanted.get(ours)
        if value not in (None, "", False):
            aws.call("SetTopicAttributes", TopicArn=arn, AttributeName=theirs, AttributeValue=_as_text(value))


def _read_topic(aws: Aws, arn: str, known: Values) -> Values | None:
    found: dict[str, str] = aws.call("GetTopicAttributes", TopicArn=arn)["Attributes"]
    result: Values = {ours: found.get(theirs) for ours, theirs in _topic_attributes.items()}
    for name, prop in TOPIC.properties.items():
        if prop.kind == "integer" and result.get(name) is not None:
            result[name] = int(result[name])
    return {
        **result,
        "arn": arn,
        "beginningArchiveTime": found.get("BeginningArchiveTime", ""),
        "contentBasedDeduplication": found.get("ContentBasedDeduplication") == "true",
        "fifoTopic": found.get("FifoTopic") == "true",
        "name": arn.rsplit(":", 1)[1],
        "namePrefix": known.get("namePrefix"),
        "owner": found.get("Owner"),
        "tags": from_pairs(aws.call("ListTagsForResource", ResourceArn=arn).get("Tags")),
    }


def _update_topic(aws: Aws, change: Change) -> None:
    for ours, theirs in _topic_attributes.items():
        if change.has(ours):
            value = change.new.get(ours)
            text_value = "" if value is None else _as_text(value)
            aws.call("SetTopicAttributes", TopicArn=change.object_id, AttributeName=theirs, AttributeValue=text_value)


def _delete_topic(aws: Aws, arn: str, _known: Values) -> None:
    aws.call("DeleteTopic", TopicArn=arn)


def _retag_topic(aws: Aws, arn: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", ResourceArn=arn, TagKeys=removed)
    if added:
        aws.call("TagResource", ResourceArn=arn, Tags=pairs(added))


def _plan_topic(_old: Values, new: Values) -> list[Problem]:
    fifo, name = bool(new.get("fifoTopic")), new.get("name")
    problems: list[Problem] = []
    form = r"[0-9A-Za-z_-]{1,251}\.fifo" if fifo else r"[0-9A-Za-z_-]{1,256}"
    if isinstance(name, str) and not re.fullmatch(form, name):
        problems.append(Problem("name", f"invalid name: {name}"))
    if not fifo:
        problems += [
            Problem(option, "can only be set for FIFO topics")
            for option in ("archivePolicy", "contentBasedDeduplication")
            if new.get(option)
        ]
    return problems


def _attribute(name: str) -> Property:
    if name.endswith("SampleRate"):
        return whole(checks=(validators.between(0, 100),))
    return text(checks=(validators.arn,))


_json = {"checks": (validators.json_text,), "same": policy_json.same_json}

TOPIC = ResourceType(
    name="aws:sns/topic:Topic",
    service="sns",
    properties={
        **{name: _attribute(name) for name in _feedback},
        "archivePolicy": text(**_json),
        "arn": output(),
        "beginningArchiveTime": output(),
        "contentBasedDeduplication": flag(default=False),
        "deliveryPolicy": text(**_json),
        "displayName": text(),
        "fifoThroughputScope": text(computed=True),
        "fifoTopic": flag(default=False, replaces=True),
        "kmsMasterKeyId": text(),
        "maximumMessageSize": whole(computed=True, checks=(validators.between(1024, 1_048_576),)),
        "name": text(replaces=True, computed=True, naming=Naming(longest=80), conflicts=("namePrefix",)),
        "namePrefix": text(replaces=True, computed=True, conflicts=("name",)),
        "owner": output(),
        "policy": text(
            computed=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "signatureVersion": whole(computed=True, checks=(validators.between(1, 2),)),
        "tracingConfig": text(computed=True, checks=(validators.one_of("Active", "PassThrough"),)),
    },
    calls={
        "create": ("ListTopics", "CreateTopic", "SetTopicAttributes"),
        "read": ("GetTopicAttributes", "ListTagsForResource"),
        "update": ("SetTopicAttributes", "TagResource", "UntagResource"),
        "delete": ("DeleteTopic",),
    },
    create=_create_topic,
    settle=_settle_topic,
    read=_read_topic,
    update=_update_topic,
    delete=_delete_topic,
    retag=_retag_topic,
    gone=frozenset({"NotFound", "NotFoundException"}),
    plan=_plan_topic,
)


def _put_policy(aws: Aws, arn: str, policy: str) -> None:
    aws.call("SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def _create_policy(aws: Aws, wanted: Values) -> str:
    _put_policy(aws, wanted["arn"], wanted["policy"])
    return wanted["arn"]


def _read_policy(aws: Aws, arn: str, _known: Values) -> Values | None:
    found = aws.call("GetTopicAttributes", TopicArn=arn)["Attributes"]
    if not found.get("Policy"):
        return None
    return {"arn": arn, "owner": found.get("Owner"), "policy": found["Policy"]}


def _update_policy(aws: Aws, change: Change) -> None:
    _put_policy(aws, change.object_id, change.new["policy"])


def _delete_policy(aws: Aws, arn: str, known: Values) -> None:
    """Restore the default policy: a topic always has a policy."""
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission")
    actions = (*actions, "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish")
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": known["owner"]}},
    }
    default = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    _put_policy(aws, arn, policy_json.compact(default))


TOPIC_POLICY = ResourceType(
    name="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    properties={
        "arn": text(required=True, replaces=True, checks=(validators.arn,)),
        "owner": output(),
        "policy": text(
            required=True,
            accepts_object=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
    },
    calls={
        "create": ("SetTopicAttributes",),
        "read": ("GetTopicAttributes",),
        "update": ("SetTopicAttributes",),
        "delete": ("SetTopicAttributes",),
    },
    create=_create_policy,
    read=_read_policy,
    update=_update_policy,
    delete=_delete_policy,
    gone=frozenset({"NotFound", "NotFoundException"}),
)

RESOURCES = (TOPIC, TOPIC_POLICY)
