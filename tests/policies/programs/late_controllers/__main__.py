"""A rule of a controllers' group whose source preview cannot see, as a key that is yet to be made decides on it."""

import pulumi_aws as aws
from pulumi_aws import ec2, vpc

key = aws.kms.Key("key", enable_key_rotation=True)
group = ec2.SecurityGroup("group", description="controllers", tags={"Role": "DomainController"})
vpc.SecurityGroupIngressRule(
    "late",
    security_group_id=group.id,
    ip_protocol="tcp",
    from_port=389,
    to_port=389,
    cidr_ipv4=key.arn.apply(lambda _: "0.0.0.0/0"),
)
