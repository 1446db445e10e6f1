"""Situations on the local AWS: the doctor names exactly what was broken, and each call that is refused."""

import json
from contextlib import ExitStack
from itertools import combinations
from typing import Any

import pytest

from components.nodes.names import HOST_MANAGEMENT_SETTING
from operations.doctor.findings import Diagnosis, Verdict
from operations.doctor.run import Doctor
from operations.findings import Status
from tests.operations.arrangement import ACCOUNT, REGION, refusal
from tests.operations.doctor.world import (
    CAUSES,
    CORE,
    INSTANCE_POLICY,
    STACK,
    TRUST,
    Break,
    Found,
    World,
    bucket_encrypted,
    hooked,
    launch,
    old_agent,
    private_dns_off,
    refusing,
)

SAME_THING = (
    {"key_disabled", "key_pending"},
    {"log_group_missing", "log_group_open"},
    {"log_group_missing", "log_group_key_disabled"},
    {"log_group_open", "log_group_key_disabled"},
    {"bucket_missing", "bucket_with_a_strange_key"},
    {"bucket_missing", "bucket_policy_shut"},
    {"log_group_key_disabled", "bucket_with_a_strange_key"},
)
"""Pairs that are about one and the same thing, which cannot be broken in both ways."""
SILENT = {"stopped", "no_profile", "no_core", "endpoint_group_shut", "own_group_shut", "acl_shut"}
"""Causes that keep the agent from answering, so that its silence is no cause of its own."""
OF_A_ROLE = {"permission", "data-key-policy", "endpoint-policy", "bucket-policy"}

PAIRS = [pair for pair in combinations(CAUSES, 2) if {each.__name__ for each in pair} not in SAME_THING]


def problems(diagnosis: Diagnosis) -> Found:
    return {(str(each.check), each.about) for each in diagnosis.findings if each.status is Status.PROBLEM}


def expected(broken: tuple[Break, ...], found: list[Found]) -> Found:
    names = {each.__name__ for each in broken}
    everything = {one for several in found for one in several}
    if names & SILENT:
        everything.discard(("offline", ""))
    if "no_profile" in names:
        everything = {each for each in everything if each[0] not in OF_A_ROLE}
    return everything


def broken_and_found(world: World, *ways: Break) -> tuple[Found, Found]:
    with ExitStack() as stack:
        injected = [stack.enter_context(fault(world)) for fault in ways]
        return expected(ways, injected), problems(Doctor(STACK).diagnose("app-1"))


@pytest.mark.usefixtures("world")
def test_node_that_has_everything_is_ready() -> None:
    diagnosis = Doctor(STACK).diagnose("app-1")
    assert diagnosis.findings == ()
    assert diagnosis.verdict is Verdict.READY


@pytest.mark.parametrize("fault", CAUSES, ids=lambda fault: fault.__name__)
def test_each_cause_alone_is_named_and_nothing_else(world: World, fault: Break) -> None:
    wanted, found = broken_and_found(world, fault)
    assert found == wanted


@pytest.mark.parametrize("pair", PAIRS[::11], ids=lambda pair: "-".join(fault.__name__ for fault in pair))
def test_pairs_of_causes_are_both_named(world: World, pair: tuple[Break, Break]) -> None:
    wanted, found = broken_and_found(world, *pair)
    assert found == wanted


@pytest.mark.exhaustive
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(fault.__name__ for fault in pair))
def test_every_pair_of_causes_is_named(world: World, pair: tuple[Break, Break]) -> None:
    wanted, found = broken_and_found(world, *pair)
    assert found == wanted


def test_default_host_management_replaces_missing_profile(world: World) -> None:
    world.iam.create_role(RoleName="Hosts", AssumeRolePolicyDocument=json.dumps(TRUST))
    for arn in (CORE, INSTANCE_POLICY):
        world.iam.attach_role_policy(RoleName="Hosts", PolicyArn=arn)
    bare, ssm = launch(world, "bare", "b", profile=False), world.client("ssm")
    try:
        assert problems(Doctor(STACK).diagnose("bare")) == {("no-instance-profile", "")}
        ssm.update_service_setting(SettingId=HOST_MANAGEMENT_SETTING, SettingValue="Hosts")
        assert Doctor(STACK).diagnose("bare").verdict is Verdict.READY
        with old_agent(world, bare):
            found = Doctor(STACK).diagnose("bare")
        assert problems(found) == {("agent", "")}
        assert "Default Host Management Configuration needs 3.2.582.0" in found.findings[0].found
    finally:
        ssm.reset_service_setting(SettingId=HOST_MANAGEMENT_SETTING)
        world.ec2.terminate_instances(InstanceIds=[bare])


def test_internet_gateway_requires_a_public_address(world: World) -> None:
    ec2 = world.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=world.vpc)
    public = ec2.create_route_table(VpcId=world.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnet = ec2.create_subnet(VpcId=world.vpc, CidrBlock="10.20.48.0/24")["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=public, SubnetId=subnet)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    default = {"RouteTableId": world.table, "DestinationCidrBlock": "0.0.0.0/0"}
    with private_dns_off(world) as missing:
        assert problems(Doctor(STACK).diagnose("app-1")) == missing
        ec2.create_route(**default, NatGatewayId=nat)
        assert Doctor(STACK).diagnose("app-1").verdict is Verdict.READY
        ec2.replace_route(**default, GatewayId=gateway)
        assert problems(Doctor(STACK).diagnose("app-1")) == missing
        ec2.delete_route(**default)


def test_boundary_that_does_not_exist_is_the_cause(world: World) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/Gone"
    world.iam.put_role_permissions_boundary(RoleName="Node", PermissionsBoundary=arn)
    try:
        diagnosis = Doctor(STACK).diagnose("app-1")
    finally:
        world.iam.delete_role_permissions_boundary(RoleName="Node")
    assert problems(diagnosis) == {("role", "Node")}
    assert (
        f"the permissions boundary {arn} of arn:aws:iam::{ACCOUNT}:role/Node does not exist"
        in diagnosis.findings[0].found
    )


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("{id}", ("permission", "kms:GenerateDataKey")),
        ("alias/session-manager/logs", ("permission", "kms:GenerateDataKey")),
        ("arn:aws:kms:{region}:{account}:alias/session-manager/logs", ("permission", "kms:GenerateDataKey")),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", ("bucket-key", "")),
        ("alias/gone", ("bucket-key", "")),
        ("arn:aws:kms:{region}:{account}:alias/gone", ("bucket-key", "")),
        ("arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab", ("bucket-key", "")),
    ],
)
def test_bucket_key_by_any_reference(world: World, reference: str, found: tuple[str, str]) -> None:
    key = reference.format(id=world.logs_key, region=REGION, account=ACCOUNT)
    with bucket_encrypted(world, "aws:kms", key):
        got = problems(Doctor(STACK).diagnose("app-1"))
    assert found in got
    assert {each[0] for each in got} <= {"bucket-key", "permission"}


def test_bucket_encryption_that_the_agent_refuses(world: World) -> None:
    with bucket_encrypted(world, "aws:kms:dsse"):
        diagnosis = Doctor(STACK).diagnose("app-1")
    assert problems(diagnosis) == {("bucket-encryption", "")}
    assert "SSM Agent accepts only AES256 and aws:kms" in diagnosis.findings[0].found


BESIDE = {
    "organizations.DescribeOrganization": "a note says that service control policies are not taken into account",
    "organizations.ListPoliciesForTarget": "the same note says so",
    "kms.GetKeyRotationStatus": "a session does not depend on it",
    "s3.GetPublicAccessBlock": "a session does not depend on it",
    "ssm.GetParameter": "a session does not depend on it: the document names the key itself",
    "ssm.GetServiceSetting": "a session does not depend on it if the instance profile has a role that registers",
}
"""Calls without which a node may be ready, with why."""


def test_unread_requirement_is_never_ready(world: World) -> None:
    calls: set[str] = set()

    def note(model: Any, **_: object) -> None:
        calls.add(f"{model.service_model.service_id.hyphenize()}.{model.name}")

    with hooked(world, "", note):
        assert Doctor(STACK).diagnose(world.node).verdict is Verdict.READY
    assert {"s3.GetBucketPolicy", "ssm.DescribeInstanceInformation", "ec2.DescribeNatGateways"} <= calls
    for call in sorted(calls - {"ec2.DescribeInstances"}):
        with hooked(world, call, refusing(call)):
            found = Doctor(STACK).diagnose(world.node)
        if call in BESIDE:
            assert found.verdict is Verdict.READY, call
            continue
        assert found.verdict is Verdict.UNKNOWN, call
        unknown = [each for each in found.findings if each.status is Status.UNKNOWN]
        assert any("refused" in each.found and "allow " in each.remedy for each in unknown), call


ABSENT = {
    "iam.GetInstanceProfile": "NoSuchEntity",
    "kms.GetKeyPolicy": "NotFoundException",
    "ec2.DescribeSubnets": None,
    "ec2.DescribeSecurityGroups": None,
}
"""Calls about what another answer has named, with the error that it does not exist; None: an empty list."""


@pytest.mark.parametrize("call", ABSENT)
def test_absent_part_of_a_node_is_never_ready(world: World, call: str) -> None:
    code, operation = ABSENT[call], call.partition(".")[2]

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        if code:
            raise refusal(code, operation=operation)
        return type("Response", (), {"status_code": 200})(), {operation.removeprefix("Describe"): []}

    with hooked(world, call, answer):
        found = Doctor(STACK).diagnose(world.node)
    unknown = [each.found for each in found.findings if each.status is Status.UNKNOWN]
    assert any(operation in each or "does not list it" in each for each in unknown), found
