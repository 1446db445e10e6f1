from pathlib import Path
from typing import Any

import boto3
import pytest

from local.emulator import fixtures
from local.emulator.seed import seed
from local.workspace import Workspace
from tests.support.emulator import reset, running_emulator


@pytest.fixture(scope="module", autouse=True)
def seeded(emulator: Any) -> None:
    reset(emulator.endpoint_url)
    seed(emulator.endpoint_url)


@pytest.fixture(autouse=True)
def empty() -> None:
    """Keep what was seeded: the tests only read, or seed again."""


def snapshot(connect: Any) -> Any:
    """Ids of everything that was seeded."""
    found = {}
    for region in ("eu-west-1", "us-east-1"):
        ec2 = connect("ec2", region)
        found[region] = sorted(
            [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
            + [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
            + [table["RouteTableId"] for table in ec2.describe_route_tables()["RouteTables"]]
        )
    found["buckets"] = sorted(bucket["Name"] for bucket in connect("s3").list_buckets()["Buckets"])
    return found


def test_seeding_again_changes_nothing(emulator: Any, connect: Any) -> None:
    before = snapshot(connect)
    seed(emulator.endpoint_url)
    assert snapshot(connect) == before


@pytest.mark.parametrize("is_warm", [True, pytest.param(False, marks=pytest.mark.exhaustive)], ids=["forked", "new"])
def test_new_local_aws_of_a_test_is_seeded(tmp_path: Path, *, is_warm: bool) -> None:
    with running_emulator(workspace=None if is_warm else Workspace(tmp_path)) as running:

        def connect(service: str, region: str = "eu-west-1") -> Any:
            keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            return boto3.client(service, region, endpoint_url=running.endpoint_url, **keys)

        before = snapshot(connect)
        seed(running.endpoint_url)
        assert snapshot(connect) == before


@pytest.mark.parametrize("network", fixtures.NETWORKS, ids=lambda network: f"{network.region} {network.name}")
def test_network_has_private_subnets_in_two_zones(connect: Any, network: Any) -> None:
    ec2 = connect("ec2", network.region)

    def named(name: Any) -> Any:
        return [{"Name": "tag:Name", "Values": [name]}]

    (vpc,) = ec2.describe_vpcs(Filters=named(network.name))["Vpcs"]
    hostnames = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"]["Value"] is True
    zones = set()
    for zone in "ab":
        (found,) = ec2.describe_subnets(Filters=named(f"{network.subnets}-{zone}"))["Subnets"]
        zones.add(found["AvailabilityZone"])
        of_subnet = [{"Name": "association.subnet-id", "Values": [found["SubnetId"]]}]
        (table,) = ec2.describe_route_tables(Filters=of_subnet)["RouteTables"]
        assert [route["GatewayId"] for route in table["Routes"]] == ["local"]
    assert len(zones) == 2


def test_buckets_are_encrypted_private_and_in_their_region(connect: Any) -> None:
    for bucket in fixtures.BUCKETS:
        s3 = connect("s3", bucket.region)
        owner = bucket.account or "123456789012"
        assert s3.head_bucket(Bucket=bucket.name, ExpectedBucketOwner=owner)["BucketRegion"] == bucket.region
        rules = s3.get_bucket_encryption(Bucket=bucket.name)["ServerSideEncryptionConfiguration"]["Rules"]
        default = rules[0]["ApplyServerSideEncryptionByDefault"]
        expected = ("aws:kms", bucket.key_arn) if bucket.key_arn else ("AES256", None)
        assert (default["SSEAlgorithm"], default.get("KMSMasterKeyID")) == expected
        assert all(s3.get_public_access_block(Bucket=bucket.name)["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize("name", fixtures.INSTANCE_ROLES)
def test_instances_have_a_role_that_ec2_may_assume(iam: Any, name: str) -> None:
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name]
    statement = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}


@pytest.mark.parametrize(("role", "user"), fixtures.PERSON_ROLES.items())
def test_role_of_a_person_is_assumed_by_that_person_only(iam: Any, role: str, user: str) -> None:
    (statement,) = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": iam.get_user(UserName=user)["User"]["Arn"]}


@pytest.mark.parametrize("node", fixtures.NODES, ids=lambda node: node.name)
def test_node_runs_once_and_is_managed(emulator: Any, connect: Any, node: Any) -> None:
    seed(emulator.endpoint_url)
    named = [{"Name": "tag:Name", "Values": [node.name]}]
    (found,) = connect("ec2", fixtures.NODE_REGION).describe_instances(Filters=named)["Reservations"]
    managed = connect("ssm", fixtures.NODE_REGION).describe_instance_information()["InstanceInformationList"]
    (known,) = [each for each in managed if each["InstanceId"] == found["Instances"][0]["InstanceId"]]
    assert known["PingStatus"] == "Online"


def test_config_records_iam_in_one_region(emulator: Any, connect: Any) -> None:
    seed(emulator.endpoint_url)
    config = connect("config", fixtures.CONFIG_BUCKET.region)
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
    (status,) = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert recorder["recordingGroup"]["includeGlobalResourceTypes"]
    assert status["recording"]
