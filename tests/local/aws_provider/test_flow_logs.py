"""Flow logs (Terraform AWS provider: internal/service/ec2/vpc_flow_log.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

token = "aws:ec2/flowLog:FlowLog"
role = "arn:aws:iam::123456789012:role/flow-logs"
group = "arn:aws:logs:eu-west-1:123456789012:log-group:flows"


@pytest.fixture
def vpc(aws: Any) -> Any:
    aws("logs").create_log_group(logGroupName="flows")
    aws("s3").create_bucket(Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]


def to_logs(vpc: str, **change: Any) -> dict[str, Any]:
    return {"vpcId": vpc, "trafficType": "ALL", "logDestination": group, "iamRoleArn": role, **change}


def to_bucket(vpc: str, **change: Any) -> dict[str, Any]:
    base = {"vpcId": vpc, "trafficType": "REJECT", "logDestination": "arn:aws:s3:::flows", "logDestinationType": "s3"}
    return {**base, **change}


test_flow_log_refuses = refusals(
    token,
    to_logs("vpc-1"),
    ({"vpcId": None}, "one of `vpcId,subnetId,eniId"),
    ({"subnetId": "subnet-1"}, "must be specified, got vpcId,subnetId"),
    ({"trafficType": "SOME"}, "REJECT"),
    ({"logDestinationType": "file"}, "kinesis-data-firehose"),
    ({"logDestination": "flows"}, "invalid ARN"),
    ({"logGroupName": "flows"}, "unknown property 'logGroupName'"),
)


def test_outputs_of_a_flow_log(provider: Any, vpc: str) -> None:
    made = provider.up(token, "f", to_logs(vpc, tags={"a": "b"}))
    assert made.id.startswith("fl-")
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/{made.id}"
    assert (made["logDestinationType"], made["maxAggregationInterval"]) == ("cloud-watch-logs", 600)
    assert made["logFormat"].startswith("${version}")
    assert provider.unchanged(token, "f", to_logs(vpc, tags={"a": "b"}))


def test_log_destination_with_stars_always_differs(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(token, "f", to_logs(vpc, logDestination=f"{group}:*"))
    (found,) = aws("ec2").describe_flow_logs(FlowLogIds=[made.id])["FlowLogs"]
    assert (found["LogDestination"], made["logDestination"]) == (group, group)
    assert found["DeliverLogsStatus"] == "SUCCESS"
    assert list(provider.diff(token, "f", to_logs(vpc, logDestination=f"{group}:*")).replaces) == ["logDestination"]
    assert provider.unchanged(token, "f", to_logs(vpc, logDestination=group))


@pytest.mark.parametrize(
    "change",
    [
        {"trafficType": "REJECT"},
        {"iamRoleArn": f"{role}-2"},
    ],
)
def test_everything_but_tags_replaces_create_first(provider: Any, vpc: str, change: dict[str, Any]) -> None:
    provider.up(token, "f", to_logs(vpc, tags={"a": "b"}))
    answer = provider.diff(token, "f", to_logs(vpc, tags={"a": "c"}, **change))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (list(change), False)


def test_subnet_has_a_flow_log_too(provider: Any, aws: Any, vpc: str) -> None:
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    inputs = {**to_logs(vpc), "vpcId": None, "subnetId": subnet}
    provider.up(token, "f", inputs)
    assert provider.unchanged(token, "f", inputs)


def test_what_could_not_be_made_is_an_error(provider: Any, vpc: str) -> None:
    with pytest.raises(Exception, match=r"ec2:CreateFlowLogs failed with 400: LogDestination: nowhere does not exist"):
        provider.up(token, "f", to_bucket(vpc, logDestination="arn:aws:s3:::nowhere"))


def test_flow_log_import_by_id_and_deletion_are_read(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(token, "f", to_logs(vpc))
    provider.take_over(token, "g", made.id)
    assert not provider.diff(token, "g", to_logs(vpc)).diffs
    aws("ec2").delete_flow_logs(FlowLogIds=[made.id])
    assert provider.refresh(token, "f") is None
    provider.destroy(token, "f")
