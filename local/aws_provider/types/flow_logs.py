"""VPC flow logs. Source: Terraform AWS provider, `internal/service/ec2/vpc_flow_log.go`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Property, ResourceType, flag, output, record, text, whole
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.wire import Values

_sources: Final = {
    # property: (AWS resource type, prefix of its IDs)
    "vpcId": ("VPC", "vpc-"),
    "subnetId": ("Subnet", "subnet-"),
    "eniId": ("NetworkInterface", "eni-"),
    "transitGatewayId": ("TransitGateway", "tgw-"),
    "transitGatewayAttachmentId": ("TransitGatewayAttachment", "tgw-attach-"),
    "regionalNatGatewayId": ("RegionalNatGateway", "nat-"),
}
_options: Final = {
    "fileFormat": "FileFormat",
    "hiveCompatiblePartitions": "HiveCompatiblePartitions",
    "perHourPartition": "PerHourPartition",
}
_to_logs: Final = "cloud-watch-logs"


def destination(arn: str) -> str:
    """Return the ARN of a log group without the `:*` that some of its sources append."""
    return arn.removesuffix(":*")


def _create(aws: Aws, wanted: Values) -> str:
    source = next(name for name in _sources if wanted.get(name))
    options: Values | None = wanted.get("destinationOptions")
    goes_to = wanted.get("logDestination")
    answer = aws.call(
        "CreateFlowLogs",
        ResourceIds=[wanted[source]],
        ResourceType=_sources[source][0],
        TrafficType=None if source.startswith("transit") else wanted.get("trafficType"),
        LogDestinationType=wanted["logDestinationType"],
        LogDestination=destination(goes_to) if goes_to else None,
        LogFormat=wanted.get("logFormat"),
        DeliverLogsPermissionArn=wanted.get("iamRoleArn"),
        DeliverCrossAccountRole=wanted.get("deliverCrossAccountRole"),
        MaxAggregationInterval=wanted["maxAggregationInterval"],
        DestinationOptions={_options[name]: value for name, value in options.items()} if options else None,
        TagSpecifications=ec2_common.tag_specification("vpc-flow-log", wanted["tagsAll"]),
    )
    for item in answer.get("Unsuccessful", []):
        raise AwsError("ec2:CreateFlowLogs", item["Error"]["Code"], item["Error"].get("Message", ""))
    return answer["FlowLogIds"][0]


def _read(aws: Aws, log_id: str, _known: Values) -> Values | None:
    found = aws.call("DescribeFlowLogs", FlowLogIds=[log_id])["FlowLogs"]
    if not found:
        return None
    log = found[0]
    options: Values = log.get("DestinationOptions") or {}
    return {
        _source_of(log["ResourceId"]): log["ResourceId"],
        "arn": ec2_common.arn(aws, f"vpc-flow-log/{log_id}"),
        "deliverCrossAccountRole": log.get("DeliverCrossAccountRole"),
        "destinationOptions": {ours: options[theirs] for ours, theirs in _options.items() if theirs in options} or None,
        "iamRoleArn": log.get("DeliverLogsPermissionArn"),
        "logDestination": log.get("LogDestination") or _of_group(aws, log.get("LogGroupName")),
        "logDestinationType": log.get("LogDestinationType", _to_logs),
        "logFormat": log.get("LogFormat"),
        "maxAggregationInterval": log.get("MaxAggregationInterval"),
        "tags": from_pairs(log.get("Tags")),
        "trafficType": log.get("TrafficType"),
    }


def _source_of(resource_id: str) -> str:
    fitting = [(len(start), name) for name, (_, start) in _sources.items() if resource_id.startswith(start)]
    return max(fitting)[1]


def _of_group(aws: Aws, name: str | None) -> str | None:
    return aws.arn("logs", f"log-group:{name}") if name else None


def _delete(aws: Aws, log_id: str, _known: Values) -> None:
    answer = aws.call("DeleteFlowLogs", FlowLogIds=[log_id])
    for item in answer.get("Unsuccessful", []):
        raise AwsError("ec2:DeleteFlowLogs", item["Error"]["Code"], item["Error"].get("Message", ""))


_of_a_kind: Final = {name: text(replaces=True) for name in _sources}

FLOW_LOG = ResourceType(
    name="aws:ec2/flowLog:FlowLog",
    service="ec2",
    properties={
        **_of_a_kind,
        "arn": output(),
        "deliverCrossAccountRole": text(replaces=True, checks=(validators.arn,)),
        "destinationOptions": record(
            {
                "fileFormat": text(default="plain-text", checks=(validators.one_of("plain-text", "parquet"),)),
                "hiveCompatiblePartitions": flag(default=False),
                "perHourPartition": flag(default=False),
            },
            computed=True,
            replaces=True,
        ),
        "iamRoleArn": text(replaces=True, checks=(validators.arn,)),
        # A value with `:*` differs from AWS' at every preview.
        "logDestination": text(computed=True, replaces=True, checks=(validators.arn,)),
        "logDestinationType": text(
            default=_to_logs,
            replaces=True,
            checks=(validators.one_of(_to_logs, "s3", "kinesis-data-firehose"),),
        ),
        "logFormat": text(computed=True, replaces=True),
        "maxAggregationInterval": whole(default=600, replaces=True, checks=(validators.one_of(60, 600),)),
        "tagFieldSpecifications": Property(
            kind="list",
            items=Property(kind="map", items=Property()),
            computed=True,
            replaces=True,
            checks=(validators.refused,),
        ),
        "trafficType": text(replaces=True, checks=(validators.one_of("ACCEPT", "REJECT", "ALL"),)),
    },
    calls={
        "create": ("CreateFlowLogs",),
        "read": ("DescribeFlowLogs",),
        "update": ("CreateTags", "DeleteTags"),
        "delete": ("DeleteFlowLogs",),
    },
    create=_create,
    read=_read,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({"InvalidFlowLogId.NotFound"}),
    exactly_one=(tuple(_sources),),
)

RESOURCES = (FLOW_LOG,)
