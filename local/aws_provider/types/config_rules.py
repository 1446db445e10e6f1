"""AWS Config rules. Source: Terraform AWS provider, `internal/service/configservice/config_rule.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, Property, ResourceType, flag, output, record, text, texts
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values, items_of

_frequencies: Final = ("One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours")
_messages: Final = (
    *("ConfigurationItemChangeNotification", "ConfigurationSnapshotDeliveryCompleted"),
    *("ScheduledNotification", "OversizedConfigurationItemChangeNotification"),
)
_plain: Final = {
    "description": "Description",
    "inputParameters": "InputParameters",
    "maximumExecutionFrequency": "MaximumExecutionFrequency",
    "name": "ConfigRuleName",
}
_scope: Final = {
    "complianceResourceId": "ComplianceResourceId",
    "complianceResourceTypes": "ComplianceResourceTypes",
    "tagKey": "TagKey",
    "tagValue": "TagValue",
}
_detail: Final = {
    "eventSource": "EventSource",
    "maximumExecutionFrequency": "MaximumExecutionFrequency",
    "messageType": "MessageType",
}
_policy: Final = {
    "enableDebugLogDelivery": "EnableDebugLogDelivery",
    "policyRuntime": "PolicyRuntime",
    "policyText": "PolicyText",
}


def _sent(given: Values | None, names: dict[str, str]) -> Values | None:
    return {theirs: given[ours] for ours, theirs in names.items() if given.get(ours)} if given else None


def _shown(found: Values | None, names: dict[str, str]) -> Values | None:
    return {ours: found[theirs] for ours, theirs in names.items() if theirs in found} if found else None


def _definition(wanted: Values) -> Values:
    source: Values = wanted["source"]
    definition = {
        **(_sent(wanted, _plain) or {}),
        "EvaluationModes": [{"Mode": item["mode"]} for item in items_of(wanted.get("evaluationModes"))] or None,
        "Scope": _sent(wanted.get("scope"), _scope),
        "Source": _present(
            {
                "Owner": source["owner"],
                "SourceIdentifier": source.get("sourceIdentifier"),
                "SourceDetails": [_sent(item, _detail) for item in items_of(source.get("sourceDetails"))] or None,
                "CustomPolicyDetails": _sent(source.get("customPolicyDetails"), _policy),
            }
        ),
    }
    return _present(definition)


def _present(values: Values) -> Values:
    return {key: value for key, value in values.items() if value is not None}


def _create(aws: Aws, wanted: Values) -> str:
    tags = pairs(wanted["tagsAll"]) or None
    # IAM and Lambda are eventually consistent: a new role or function may be unknown for some seconds.
    aws.retry(
        {"InsufficientPermissionsException"},
        lambda: aws.call("PutConfigRule", ConfigRule=_definition(wanted), Tags=tags),
        10,
    )
    return wanted["name"]


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    found = aws.call("DescribeConfigRules", ConfigRuleNames=[name])["ConfigRules"]
    if not found:
        return None
    rule = found[0]
    source = rule["Source"]
    details = [_shown(item, _detail) for item in items_of(source.get("SourceDetails"))]
    return {
        **{ours: rule.get(theirs) for ours, theirs in _plain.items()},
        "arn": rule["ConfigRuleArn"],
        "evaluationModes": [{"mode": item["Mode"]} for item in items_of(rule.get("EvaluationModes"))] or None,
        "ruleId": rule["ConfigRuleId"],
        "scope": _shown(rule.get("Scope"), _scope),
        "source": {
            "owner": source["Owner"],
            "sourceIdentifier": source.get("SourceIdentifier"),
            "sourceDetails": details or None,
            "customPolicyDetails": _shown_policy(source.get("CustomPolicyDetails"), known),
        },
        "tags": from_pairs(aws.call("ListTagsForResource", ResourceArn=rule["ConfigRuleArn"]).get("Tags")),
    }


def _shown_policy(found: Values | None, known: Values) -> Values | None:
    """Return the custom policy.

    AWS does not return its text. As in the real provider, the text is that of the state: other changes go undetected.
    """
    if not found:
        return None
    source: Values = known.get("source") or {}
    stored: Values = source.get("customPolicyDetails") or {}
    shown = {"enableDebugLogDelivery": False, **(_shown(found, _policy) or {})}
    return {**shown, "policyText": found.get("PolicyText") or stored.get("policyText")}


def _update(aws: Aws, change: Change) -> None:
    aws.call("PutConfigRule", ConfigRule=_definition(change.new), Tags=pairs(change.new["tagsAll"]) or None)


def _delete(aws: Aws, name: str, _known: Values) -> None:
    aws.retry({"ResourceInUseException"}, lambda: aws.call("DeleteConfigRule", ConfigRuleName=name), 10)


def _retag(aws: Aws, _name: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", ResourceArn=known["arn"], TagKeys=removed)
    if added:
        aws.call("TagResource", ResourceArn=known["arn"], Tags=pairs(added))


def _set_of(fields: dict[str, Property], **options: Any) -> Property:
    return Property(kind="list", items=record(fields), unordered=True, **options)


RULE = ResourceType(
    name="aws:cfg/rule:Rule",
    service="config",
    properties={
        "arn": output(),
        "description": text(checks=(validators.length(0, 256),)),
        "evaluationModes": _set_of(
            {"mode": text(computed=True, checks=(validators.one_of("DETECTIVE", "PROACTIVE"),))}, computed=True
        ),
        "inputParameters": text(checks=(validators.json_text,)),
        "maximumExecutionFrequency": text(checks=(validators.one_of(*_frequencies),)),
        "name": text(replaces=True, naming=Naming(), checks=(validators.length(0, 128),)),
        "ruleId": output(),
        "scope": record(
            {
                "complianceResourceId": text(checks=(validators.length(0, 256),)),
                "complianceResourceTypes": texts(checks=(validators.items_at_most(100),)),
                "tagKey": text(checks=(validators.length(0, 128),)),
                "tagValue": text(checks=(validators.length(0, 256),)),
            }
        ),
        "source": record(
            {
                "customPolicyDetails": record(
                    {
                        "enableDebugLogDelivery": flag(default=False),
                        "policyRuntime": text(
                            required=True,
                            checks=(validators.matches(r"guard-2\.x\.x", "Must match cloudformation-guard version"),),
                        ),
                        "policyText": text(required=True, checks=(validators.length(0, 10_000),)),
                    }
                ),
                "owner": text(required=True, checks=(validators.one_of("CUSTOM_LAMBDA", "AWS", "CUSTOM_POLICY"),)),
                "sourceDetails": _set_of(
                    {
                        "eventSource": text(default="aws.config", checks=(validators.one_of("aws.config"),)),
                        "maximumExecutionFrequency": text(checks=(validators.one_of(*_frequencies),)),
                        "messageType": text(checks=(validators.one_of(*_messages),)),
                    },
                    checks=(validators.items_at_most(25),),
                ),
                "sourceIdentifier": text(checks=(validators.length(0, 256),)),
            },
            required=True,
        ),
    },
    calls={
        "create": ("PutConfigRule",),
        "read": ("DescribeConfigRules", "ListTagsForResource"),
        "update": ("PutConfigRule", "TagResource", "UntagResource"),
        "delete": ("DeleteConfigRule",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"NoSuchConfigRuleException"}),
)

RESOURCES = (RULE,)
