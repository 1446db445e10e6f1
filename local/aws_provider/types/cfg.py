"""AWS Config rules and their remediation. Source: Terraform AWS provider, `internal/service/configservice`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Code,
    Item,
    Operation,
    Property,
    ResourceType,
    Retry,
    Tagging,
    flag,
    name,
    record,
    records,
    text,
    texts,
    whole,
)
from local.aws_provider.wire import Values, fields_of

_messages: Final = (
    *("ConfigurationItemChangeNotification", "ConfigurationSnapshotDeliveryCompleted"),
    *("ScheduledNotification", "OversizedConfigurationItemChangeNotification"),
)
_while_in_use: Final = Retry(codes=frozenset({"ResourceInUseException"}), seconds=10)


def _read_policy_text(_aws: Aws, rule: Item) -> Values:
    """Return the source with the text of the custom policy.

    AWS does not return it. As in the real provider, the text is that of the state: other changes go undetected.
    """
    known = fields_of(fields_of(rule.values.get("source")).get("customPolicyDetails")).get("policyText")
    source: Values = rule.found["Source"]
    details: Values | None = source.get("CustomPolicyDetails")
    return {"Source": {**source, "CustomPolicyDetails": {"PolicyText": known, **details}}} if details else {}


RULE = ResourceType(
    name="aws:cfg/rule:Rule",
    service="config",
    properties={
        "description": text(validators.length(0, 256)),
        "name": name(validators.length(0, 128), aws="ConfigRuleName"),
        "scope": record({"complianceResourceTypes": texts(validators.items_at_most(100))}),
        "source": record(
            {
                "customPolicyDetails": record(
                    {
                        "enableDebugLogDelivery": flag(default=False),
                        "policyRuntime": text(
                            validators.matches(r"guard-2\.x\.x", "Must match cloudformation-guard version"),
                            required=True,
                        ),
                        "policyText": text(validators.length(0, 10_000), required=True),
                    }
                ),
                "owner": text(validators.one_of("CUSTOM_LAMBDA", "AWS", "CUSTOM_POLICY"), required=True),
                "sourceDetails": records(
                    {
                        "eventSource": text(validators.one_of("aws.config"), default="aws.config"),
                        "messageType": text(validators.one_of(*_messages)),
                    },
                    unordered=True,
                    checks=(validators.items_at_most(25),),
                ),
            },
            required=True,
        ),
    },
    outputs="arn=ConfigRuleArn evaluationModes ruleId=ConfigRuleId",
    refused="evaluationModes inputParameters maximumExecutionFrequency",
    id="{name}",
    # IAM is eventually consistent: a new role may be unknown for some seconds.
    create=(
        Operation(
            "PutConfigRule",
            within="ConfigRule",
            retry=Retry(codes=frozenset({"InsufficientPermissionsException"}), seconds=10),
        ),
    ),
    read=(Operation("DescribeConfigRules", {"ConfigRuleNames": "id"}, result="ConfigRules"), Code(_read_policy_text)),
    update=(Operation("PutConfigRule", within="ConfigRule"),),
    delete=(Operation("DeleteConfigRule", retry=_while_in_use),),
    tagging=Tagging(),
    gone=frozenset({"NoSuchConfigRuleException"}),
)


def _sent(parameters: list[Values]) -> Values:
    return {
        each["name"]: {"ResourceValue": {"Value": each["resourceValue"]}}
        if each.get("resourceValue")
        else {"StaticValue": {"Values": [each["staticValue"]]}}
        for each in parameters
    }


def _shown(parameters: Values) -> list[Values]:
    """Return parameters sorted by name, whatever the program's order: another order there is a permanent difference."""
    shown: list[Values] = []
    for key, value in sorted(parameters.items()):
        static: list[Any] = fields_of(value.get("StaticValue")).get("Values") or [None]
        resource = fields_of(value.get("ResourceValue")).get("Value")
        shown.append({"name": key, "resourceValue": resource, "staticValue": static[0]})
    return shown


_percentage: Final = whole(validators.between(1, 100))
_put: Final = Operation("PutRemediationConfigurations", within="RemediationConfigurations")

REMEDIATION = ResourceType(
    name="aws:cfg/remediationConfiguration:RemediationConfiguration",
    service="config",
    properties={
        "automatic": flag(),
        "configRuleName": text(validators.length(1, 64), required=True, replaces=True),
        "executionControls": record(
            {"ssmControls": record({"concurrentExecutionRatePercentage": _percentage, "errorPercentage": _percentage})}
        ),
        "maximumAutomaticAttempts": whole(validators.between(1, 25)),
        "parameters": Property(
            kind="list",
            items=record(
                {
                    "name": text(required=True),
                    "resourceValue": text(validators.length(0, 256)),
                    "staticValue": text(),
                }
            ),
            checks=(validators.items_at_most(25),),
            sent_as=_sent,
            read_as=_shown,
        ),
        "resourceType": text(),
        "retryAttemptSeconds": whole(validators.between(1, 2_678_000)),
        "targetId": text(validators.length(1, 256), required=True),
        "targetType": text(validators.one_of("SSM_DOCUMENT"), required=True),
    },
    outputs="arn",
    refused="targetVersion",
    id="{configRuleName}",
    create=(_put,),
    read=(
        Operation("DescribeRemediationConfigurations", {"ConfigRuleNames": "id"}, result="RemediationConfigurations"),
    ),
    update=(_put,),
    delete=(Operation("DeleteRemediationConfiguration", {"ResourceType": "resourceType"}, retry=_while_in_use),),
    gone=frozenset({"NoSuchConfigRuleException", "NoSuchRemediationConfigurationException"}),
)
