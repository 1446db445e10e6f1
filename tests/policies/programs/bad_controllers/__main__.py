"""Breaks every rule about domain controllers, each resource named for what is wrong with it; the first ones are fine."""

import json

import pulumi_aws as aws
from pulumi_aws import cloudwatch, ebs, ec2, vpc

MARKED = {"Role": "DomainController"}
VPC = "vpc-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
CLIENTS = {"protocol": "tcp", "from_port": 389, "to_port": 389, "cidr_blocks": ["10.10.0.0/16"]}

key = aws.kms.Key("good-key", enable_key_rotation=True)
group = ec2.SecurityGroup("good-group", description="good", vpc_id=VPC, tags=MARKED)
bastion = ec2.SecurityGroup("good-bastion", description="jump", vpc_id=VPC, tags={"Role": "Bastion"})
web = ec2.SecurityGroup(
    "good-web",
    description="web",
    vpc_id=VPC,
    ingress=[ec2.SecurityGroupIngressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
)
list_of_all = ec2.ManagedPrefixList(
    "good-list", address_family="IPv4", max_entries=2, entries=[{"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0"}]
)


def rule(name: str, port: int = 389, protocol: str = "tcp", to: ec2.SecurityGroup = group, **end: object) -> None:
    vpc.SecurityGroupIngressRule(
        name, security_group_id=to.id, ip_protocol=protocol, from_port=port, to_port=port, **end
    )


rule("good-rule", cidr_ipv4="10.10.0.0/16")
rule("good-bastion-rule", 3389, referenced_security_group_id=bastion.id)
rule("good-web-rule", 3389, to=web, cidr_ipv4="0.0.0.0/0")
rule("rule-open-to-all", cidr_ipv4="0.0.0.0/0")
rule("rule-open-to-all-v6", cidr_ipv6="::/0")
rule("rule-for-half-of-all", cidr_ipv4="128.0.0.0/1")
rule("rule-for-a-list-with-all", prefix_list_id=list_of_all.id)
rule("rule-for-another-port", 8080, cidr_ipv4="10.10.0.0/16")
rule("rule-for-desktops", 3389, cidr_ipv4="10.10.0.0/16")
rule("rule-for-desktops-of-web", 3389, referenced_security_group_id=web.id)
vpc.SecurityGroupIngressRule(
    "rule-for-all-protocols", security_group_id=group.id, ip_protocol="-1", referenced_security_group_id=group.id
)
vpc.SecurityGroupEgressRule(
    "rule-to-all", security_group_id=group.id, ip_protocol="6", from_port=443, to_port=443, cidr_ipv4="0.0.0.0/0"
)
ec2.SecurityGroup(
    "group-open-to-all",
    description="inline",
    vpc_id=VPC,
    tags=MARKED,
    ingress=[
        ec2.SecurityGroupIngressArgs(**CLIENTS),
        ec2.SecurityGroupIngressArgs(protocol="6", from_port=389, to_port=389, ipv6_cidr_blocks=["::/0"]),
    ],
    egress=[ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
)
unmarked = ec2.SecurityGroup(
    "group-of-a-controller-open-to-all",
    description="unmarked, but a controller has it",
    vpc_id=VPC,
    ingress=[ec2.SecurityGroupIngressArgs(protocol="udp", from_port=53, to_port=53, cidr_blocks=["0.0.0.0/0"])],
)
ec2.NetworkAcl(
    "acl-open-to-all",
    vpc_id=VPC,
    tags=MARKED,
    ingress=[
        ec2.NetworkAclIngressArgs(
            rule_no=100, action="allow", protocol="-1", from_port=0, to_port=0, cidr_block="0.0.0.0/0"
        )
    ],
)

GOOD_METADATA = ec2.InstanceMetadataOptionsArgs(http_tokens="required", http_put_response_hop_limit=1)
GOOD_ROOT = ec2.InstanceRootBlockDeviceArgs(encrypted=True, kms_key_id=key.arn)


def instance(name: str, **changes: object) -> ec2.Instance:
    good = {
        "ami": "ami-0123456789abcdef0",
        "instance_type": "m6i.large",
        "subnet_id": SUBNET,
        "vpc_security_group_ids": [group.id],
        "disable_api_termination": True,
        "associate_public_ip_address": False,
        "metadata_options": GOOD_METADATA,
        "root_block_device": GOOD_ROOT,
        "tags": MARKED,
    }
    return ec2.Instance(name, **good | changes)


instance("good-instance")
instance("instance-of-a-bad-group", vpc_security_group_ids=[unmarked.id])
instance("instance-without-a-group", vpc_security_group_ids=None)
instance("instance-without-tokens", metadata_options=None)
instance("instance-without-protection", disable_api_termination=False)
instance("instance-with-an-address", associate_public_ip_address=True)
instance("instance-with-plain-volumes", root_block_device=None)
instance("instance-out-of-scans", tags=MARKED | {"InspectorEc2Exclusion": "true"})
instance("instance-without-a-tag", tags={"Name": "member"})
volume = ebs.Volume("volume-without-a-key", availability_zone="eu-west-1a", size=1, encrypted=True, tags=MARKED)
data = ebs.Volume("volume-without-a-tag", availability_zone="eu-west-1a", size=1, encrypted=True, kms_key_id=key.arn)
ec2.VolumeAttachment("good-attachment", device_name="xvdb", instance_id=instance("good-server").id, volume_id=data.id)
cloudwatch.EventRule("good-schedule", schedule_expression="rate(1 day)")

endpoint = aws.route53.ResolverEndpoint(
    "endpoint-in-one-subnet",
    direction="OUTBOUND",
    security_group_ids=["sg-0123456789abcdef0"],
    ip_addresses=[{"subnet_id": "subnet-0123456789abcdef0"}, {"subnet_id": "subnet-0123456789abcdef0"}],
    tags=MARKED,
)
aws.route53.ResolverRule(
    "rule-to-the-internet",
    domain_name="corp.example.com",
    rule_type="FORWARD",
    resolver_endpoint_id=endpoint.id,
    target_ips=[{"ip": "8.8.8.8"}],
    tags=MARKED,
)
aws.iam.Policy(
    "policy-for-snapshots",
    policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:CreateSnapshot", "Resource": "*"}]}
    ),
)

METRIC = {"name": "log-cleared", "namespace": "events", "value": "1"}
cloudwatch.LogMetricFilter(
    "filter-without-an-alarm", log_group_name="security", pattern='"1102"', metric_transformation=METRIC
)
cloudwatch.MetricAlarm(
    "alarm-that-ignores-silence",
    comparison_operator="GreaterThanOrEqualToThreshold",
    evaluation_periods=1,
    metric_name="HealthProblems",
    namespace="health",
    period=300,
    statistic="Maximum",
    threshold=1,
    alarm_actions=["arn:aws:sns:eu-west-1:123456789012:directory"],
)
window = aws.ssm.MaintenanceWindow("good-window", schedule="rate(7 days)", duration=3, cutoff=1)
aws.ssm.MaintenanceWindowTask(
    "task-for-half-of-them",
    window_id=window.id,
    task_type="RUN_COMMAND",
    task_arn="AWS-RunPatchBaseline",
    max_concurrency="50%",
    max_errors="0",
)

aws.ssm.Association(
    "association-with-a-password",
    name="Promotion",
    max_concurrency="1",
    max_errors="0",
    targets=[{"key": "InstanceIds", "values": ["i-0123456789abcdef0"]}],
    parameters={"AdministratorPassword": "Correct horse"},
)
