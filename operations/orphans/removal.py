"""AWS CLI commands that delete resources of a stack, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Final[Mapping[tuple[str, str], str]] = {
    ("cloudtrail", "trail"): "cloudtrail delete-trail --name {arn}",
    ("cloudwatch", "alarm"): "cloudwatch delete-alarms --alarm-names {name}",
    ("config", "config-rule"): "configservice describe-config-rules --query \"ConfigRules[?ConfigRuleArn=='{arn}']\"",
    ("ec2", "instance"): "ec2 terminate-instances --instance-ids {name}",
    ("ec2", "network-acl"): "ec2 delete-network-acl --network-acl-id {name}",
    ("ec2", "prefix-list"): "ec2 delete-managed-prefix-list --prefix-list-id {name}",
    ("ec2", "security-group"): "ec2 delete-security-group --group-id {name}",
    ("ec2", "security-group-rule"): "ec2 describe-security-group-rules --security-group-rule-ids {name}",
    ("ec2", "volume"): "ec2 delete-volume --volume-id {name}",
    ("ec2", "vpc-endpoint"): "ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    ("ec2", "vpc-flow-log"): "ec2 delete-flow-logs --flow-log-ids {name}",
    ("events", "rule"): "events delete-rule --name {name}",
    ("iam", "instance-profile"): "iam delete-instance-profile --instance-profile-name {name}",
    ("iam", "policy"): "iam delete-policy --policy-arn {arn}",
    ("iam", "role"): "iam delete-role --role-name {name}",
    ("kms", "key"): "kms schedule-key-deletion --key-id {name} --pending-window-in-days 30",
    ("logs", "log-group"): "logs delete-log-group --log-group-name {name}",
    ("s3", ""): "s3api delete-bucket --bucket {name}",
    ("scheduler", "schedule-group"): "scheduler delete-schedule-group --name {name}",
    ("sns", ""): "sns delete-topic --topic-arn {arn}",
    ("ssm", "association"): "ssm delete-association --association-id {name}",
    ("ssm", "document"): "ssm delete-document --name {name}",
    ("ssm", "parameter"): "ssm delete-parameter --name /{name}",
}
"""Commands by service and type in the ARN. A rule cannot be deleted by its ARN alone: the command shows its parent."""


def removal_command(arn: str) -> str:
    """Return the command that deletes a resource, or one that shows it if its type is not known.

    Args:
        arn: ARN of the resource.
    """
    _, _, service, region, _, rest = arn.split(":", 5)
    separator = next((each for each in rest if each in ":/"), "")
    kind, _, name = rest.partition(separator) if separator else ("", "", rest)
    if service == "iam":
        name = name.rpartition("/")[2]
    command = _COMMANDS.get((service, kind), "resourcegroupstaggingapi get-resources --resource-arn-list {arn}")
    place = f" --region {region}" if region else ""
    return f"aws {command.format(arn=arn, name=name)}{place}"
