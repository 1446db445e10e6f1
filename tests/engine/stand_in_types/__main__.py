"""One of every type that a directory and its surveillance are made of; what changes between runs comes from the configuration."""

import json

import pulumi
import pulumi_aws as aws

settings = pulumi.Config()
port = settings.require_int("port")
entries = settings.require_object("entries")
vpc, subnet, zone = settings.require("vpc"), settings.require("subnet"), settings.require("zone")
account = aws.get_caller_identity().account_id
TAGS = {"owner": "directory"}
IN_PLACE_OF_ITS_PREDECESSOR = pulumi.ResourceOptions(delete_before_replace=True)
"""For what two of cannot be at once: an address, a flow log of one network and destination."""


def statement(service: str, action: str) -> str:
    """A trust policy for a service."""
    principal = {"Service": f"{service}.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


clients = aws.ec2.ManagedPrefixList(
    "clients",
    address_family="IPv4",
    max_entries=5,
    entries=[{"cidr": cidr, "description": "clients"} for cidr in entries],
    tags=TAGS,
)
ldap = {"protocol": "tcp", "action": "allow", "cidr_block": "10.20.0.0/16", "from_port": port, "to_port": port}
aws.ec2.NetworkAcl("directory", vpc_id=vpc, ingress=[{**ldap, "rule_no": 100}], subnet_ids=[subnet], tags=TAGS)

role = aws.iam.Role("controller", assume_role_policy=statement("ec2", "sts:AssumeRole"))
profile = aws.iam.InstanceProfile("controller", role=role.name, tags=TAGS)
group = aws.ec2.SecurityGroup("controller", description="domain controllers", vpc_id=vpc, tags=TAGS)
key = aws.kms.Key("directory", deletion_window_in_days=7)
controller = aws.ec2.Instance(
    "controller",
    ami=settings.require("image"),
    instance_type=settings.require("type"),
    subnet_id=subnet,
    private_ip="10.30.0.10",
    associate_public_ip_address=False,
    vpc_security_group_ids=[group.id],
    iam_instance_profile=profile.name,
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
    root_block_device={"encrypted": True, "kms_key_id": key.arn, "volume_type": "gp3", "volume_size": 50},
    disable_api_termination=settings.require_bool("protected"),
    monitoring=True,
    user_data="<powershell>exit 0</powershell>",
    tags=TAGS,
    opts=IN_PLACE_OF_ITS_PREDECESSOR,
)
volume = aws.ebs.Volume(
    "database",
    availability_zone=zone,
    size=settings.require_int("size"),
    type="gp3",
    encrypted=True,
    kms_key_id=key.arn,
    tags=TAGS,
)
aws.ec2.VolumeAttachment("database", device_name="xvdf", instance_id=controller.id, volume_id=volume.id)

bucket = aws.s3.Bucket("trail", force_destroy=True)
closed = aws.s3.BucketPublicAccessBlock(
    "trail",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketServerSideEncryptionConfiguration(
    "trail",
    bucket=bucket.id,
    rules=[
        {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
            "bucket_key_enabled": True,
        }
    ],
)
aws.s3.BucketVersioning("trail", bucket=bucket.id, versioning_configuration={"status": settings.require("versioning")})
written = aws.s3.BucketPolicy(
    "trail",
    bucket=bucket.id,
    policy=bucket.arn.apply(
        lambda arn: {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"{arn}/AWSLogs/{account}/*",
                }
            ],
        }
    ),
    opts=pulumi.ResourceOptions(depends_on=[closed]),
)
aws.cloudtrail.Trail(
    "all",
    s3_bucket_name=bucket.id,
    kms_key_id=key.arn,
    is_multi_region_trail=True,
    enable_log_file_validation=True,
    tags=TAGS,
    opts=pulumi.ResourceOptions(depends_on=[written]),
)
flows = aws.cloudwatch.LogGroup("flows", retention_in_days=90)
aws.ec2.FlowLog(
    "directory",
    vpc_id=vpc,
    traffic_type=settings.require("traffic"),
    log_destination=flows.arn,
    iam_role_arn=role.arn,
    tags=TAGS,
    opts=IN_PLACE_OF_ITS_PREDECESSOR,
)
rule = aws.cloudwatch.EventRule(
    "sessions",
    event_pattern=json.dumps({"source": ["aws.ssm"], "detail": {"status": [settings.require("status")]}}),
    tags=TAGS,
)
aws.cloudwatch.EventTarget("sessions", rule=rule.name, arn=flows.arn)

pulumi.export("account", account)
# Nothing that a function returns is secret, so a program marks what is.
pulumi.export("secret", pulumi.Output.secret(account))
