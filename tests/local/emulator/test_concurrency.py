"""Changes of one object at the same time: none is lost, whatever service it belongs to.

The emulator runs in this process, where threads can be made to change over after every line of what keeps the objects.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.faults.in_process import LocalAws

Together = Callable[[Callable[[int], object], Iterable[int]], None]


THREADS = 8
SERVICES = ("ec2", "iam", "s3")


@pytest.fixture(scope="module")
def local_aws() -> LocalAws:
    return LocalAws()


@pytest.fixture
def client(local_aws: LocalAws) -> Callable[[str], Any]:
    local_aws.reset()
    return local_aws.client


def _change_over(frame: FrameType, _event: str, _argument: object) -> Any:
    """Lets another thread go on, before each line of a service of moto."""
    if not any(f"/moto/{service}/" in frame.f_code.co_filename for service in SERVICES):
        return None
    time.sleep(0)
    return _change_over


@pytest.fixture
def together() -> Iterator[Together]:
    """Call a function for every number, in threads that switch as often as they can."""

    def run(action: Callable[[int], object], numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(action, numbers))

    threading.settrace(_change_over)
    yield run
    threading.settrace(None)  # pyright: ignore[reportArgumentType] -- ends it


def permission(number: int) -> dict[str, Any]:
    network = [{"CidrIp": "10.0.0.0/8"}]
    return {"IpProtocol": "tcp", "FromPort": number, "ToPort": number, "IpRanges": network}


def test_security_group_keeps_every_concurrent_rule(client: Callable[[str], Any], together: Together) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    rules: dict[int, str] = {}

    def authorize(number: int) -> None:
        made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(number)])
        rules[number] = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def change_over(number: int) -> None:
        """Half of them are revoked while as many others are authorized."""
        if number % 2:
            ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rules[number]])
        else:
            authorize(number + 100)

    together(authorize, range(16))
    together(change_over, range(16))
    filters = [{"Name": "group-id", "Values": [group]}]
    found = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    ports = {rule["FromPort"] for rule in found if not rule["IsEgress"]}
    assert ports == {*range(0, 16, 2), *range(100, 116, 2)}


def test_prefix_list_version_admits_one_concurrent_change(client: Callable[[str], Any], together: Together) -> None:
    ec2 = client("ec2")
    made = ec2.create_managed_prefix_list(PrefixListName="a", MaxEntries=60, AddressFamily="IPv4")["PrefixList"]
    added: list[str] = []

    def add(number: int) -> None:
        cidr = f"10.0.{number}.0/24"
        with suppress(ClientError):
            ec2.modify_managed_prefix_list(
                PrefixListId=made["PrefixListId"], CurrentVersion=made["Version"], AddEntries=[{"Cidr": cidr}]
            )
            added.append(cidr)

    together(add, range(THREADS))
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made["PrefixListId"])["Entries"]
    assert [entry["Cidr"] for entry in entries] == added
    assert len(added) == 1


def test_network_acl_and_tags_keep_every_concurrent_change(client: Callable[[str], Any], together: Together) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    common = {"NetworkAclId": acl, "Protocol": "6", "RuleAction": "allow", "CidrBlock": "10.0.0.0/8"}

    def change(number: int) -> None:
        ports = {"From": number, "To": number}
        ec2.create_network_acl_entry(**common, RuleNumber=number, Egress=bool(number % 2), PortRange=ports)
        ec2.create_tags(Resources=[acl], Tags=[{"Key": f"tag-{number}", "Value": "a"}])

    together(change, range(1, 13))
    (found,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    own = {(entry["RuleNumber"], entry["Egress"]) for entry in found["Entries"] if entry["RuleNumber"] < 100}
    assert own == {(number, bool(number % 2)) for number in range(1, 13)}
    assert {tag["Key"] for tag in found["Tags"]} == {f"tag-{number}" for number in range(1, 13)}


def test_policy_has_five_versions_at_most_concurrently(client: Callable[[str], Any], together: Together) -> None:
    iam = client("iam")
    text = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    arn = iam.create_policy(PolicyName="a", PolicyDocument=text)["Policy"]["Arn"]
    made: list[str] = []

    def add(_number: int) -> None:
        with suppress(ClientError):
            made.append(iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)["PolicyVersion"]["VersionId"])

    together(add, range(10))
    assert sorted(made) == ["v2", "v3", "v4", "v5"]


def test_bucket_has_the_tags_of_one_concurrent_call(client: Callable[[str], Any], together: Together) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def tag(number: int) -> None:
        s3.put_bucket_tagging(Bucket="logs", Tagging={"TagSet": [{"Key": str(number), "Value": "a"}]})

    for _ in range(2):
        together(tag, range(THREADS))
        assert len(s3.get_bucket_tagging(Bucket="logs")["TagSet"]) == 1
