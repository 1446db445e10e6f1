"""Remediation by AWS Config.

Source: Terraform AWS provider, `internal/service/configservice/remediation_configuration.go`.
"""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Property, ResourceType, flag, output, record, records, text, whole
from local.aws_provider.wire import Values, fields_of, items_of

_plain: Final = {
    "automatic": "Automatic",
    "configRuleName": "ConfigRuleName",
    "maximumAutomaticAttempts": "MaximumAutomaticAttempts",
    "resourceType": "ResourceType",
    "retryAttemptSeconds": "RetryAttemptSeconds",
    "targetId": "TargetId",
    "targetType": "TargetType",
    "targetVersion": "TargetVersion",
}
_controls: Final = {
    "concurrentExecutionRatePercentage": "ConcurrentExecutionRatePercentage",
    "errorPercentage": "ErrorPercentage",
}


def _put(aws: Aws, wanted: Values) -> None:
    controls = fields_of(fields_of(wanted.get("executionControls")).get("ssmControls"))
    given = items_of(wanted.get("parameters"))
    configuration: Values = {theirs: wanted[ours] for ours, theirs in _plain.items() if wanted.get(ours)}
    if controls:
        sent = {theirs: controls[ours] for ours, theirs in _controls.items() if controls.get(ours)}
        configuration["ExecutionControls"] = {"SsmControls": sent}
    if given:
        configuration["Parameters"] = {item["name"]: _sent(item) for item in given}
    aws.call("PutRemediationConfigurations", RemediationConfigurations=[configuration])


def _sent(item: Values) -> Values:
    sent: Values = {}
    if item.get("resourceValue"):
        sent["ResourceValue"] = {"Value": item["resourceValue"]}
    single = [item["staticValue"]] if item.get("staticValue") else []
    values: list[str] = item.get("staticValues") or single
    return {**sent, "StaticValue": {"Values": values}} if values else sent


def _create(aws: Aws, wanted: Values) -> str:
    _put(aws, wanted)
    return wanted["configRuleName"]


def _read(aws: Aws, name: str, _known: Values) -> Values | None:
    found = aws.call("DescribeRemediationConfigurations", ConfigRuleNames=[name])["RemediationConfigurations"]
    if not found:
        return None
    controls = fields_of(fields_of(found[0].get("ExecutionControls")).get("SsmControls"))
    parameters = fields_of(found[0].get("Parameters"))
    return {
        **{ours: found[0].get(theirs) for ours, theirs in _plain.items()},
        "arn": found[0]["Arn"],
        "executionControls": {
            "ssmControls": {ours: controls[theirs] for ours, theirs in _controls.items() if theirs in controls}
        }
        if controls
        else None,
        # Sorted by name, whatever the program's order: another order there is a permanent difference.
        "parameters": [_shown(key, value) for key, value in sorted(parameters.items())] or None,
    }


def _shown(name: str, value: Values) -> Values:
    shown: Values = {"name": name, "resourceValue": fields_of(value.get("ResourceValue")).get("Value")}
    static: list[str] = fields_of(value.get("StaticValue")).get("Values") or []
    return {**shown, "staticValue": static[0]} if len(static) == 1 else {**shown, "staticValues": static}


def _update(aws: Aws, change: Change) -> None:
    _put(aws, change.new)


def _delete(aws: Aws, name: str, known: Values) -> None:
    arguments = {"ConfigRuleName": name, "ResourceType": known.get("resourceType")}
    aws.retry({"ResourceInUseException"}, lambda: aws.call("DeleteRemediationConfiguration", **arguments), 10)


_percentage: Final = whole(checks=(validators.between(1, 100),))

REMEDIATION = ResourceType(
    name="aws:cfg/remediationConfiguration:RemediationConfiguration",
    service="config",
    properties={
        "arn": output(),
        "automatic": flag(),
        "configRuleName": text(required=True, replaces=True, checks=(validators.length(1, 64),)),
        "executionControls": record(
            {"ssmControls": record({"concurrentExecutionRatePercentage": _percentage, "errorPercentage": _percentage})}
        ),
        "maximumAutomaticAttempts": whole(checks=(validators.between(1, 25),)),
        "parameters": records(
            {
                "name": text(required=True),
                "resourceValue": text(checks=(validators.length(0, 256),)),
                "staticValue": text(),
                "staticValues": Property(kind="list", items=Property(), computed=True),
            },
            checks=(validators.items_at_most(25),),
        ),
        "resourceType": text(),
        "retryAttemptSeconds": whole(checks=(validators.between(1, 2_678_000),)),
        "targetId": text(required=True, checks=(validators.length(1, 256),)),
        "targetType": text(required=True, checks=(validators.one_of("SSM_DOCUMENT"),)),
        "targetVersion": text(),
    },
    calls={
        "create": ("PutRemediationConfigurations",),
        "read": ("DescribeRemediationConfigurations",),
        "update": ("PutRemediationConfigurations",),
        "delete": ("DeleteRemediationConfiguration",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    gone=frozenset({"NoSuchConfigRuleException", "NoSuchRemediationConfigurationException"}),
)

RESOURCES = (REMEDIATION,)
