"""States that the local AWS cannot have: synthetic facts, compared findings."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.traffic_requirements import Direction
from components.session_manager.endpoint_services import endpoint_policy
from components.session_manager.key_policies import data_key_policy, logs_key_policy
from components.session_manager.names import INSTANCE_POLICY_NAME
from components.session_manager.settings import EndpointSettings, SessionManagerSettings
from operations.deployment import Deployment
from operations.inventory.iam import PolicyFacts
from operations.inventory.network import (
    EndpointNetwork,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    SubnetFacts,
    VpcEndpoint,
)
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import BucketEncryption, KeyFacts, LogBucketFacts, LogGroupFacts, RegionFacts
from operations.principals import GrantedPrincipal
from operations.verify.endpoints import endpoint_findings
from operations.verify.policies import instance_policy_findings
from operations.verify.session_manager import bucket_findings, key_findings, log_group_findings, region_findings

DEPLOYMENT = Deployment(stack="dev", account_id="123456789012", region="eu-west-1")
UNREAD = ReadFailure(action="a:B", cause="refused: no", remedy="allow a:B")
SETTINGS = SessionManagerSettings(s3_logging=True, s3_bucket_name="logs")
KEY = KeyFacts(key_id="1234", arn="arn:key/1234", state="Enabled", spec="SYMMETRIC_DEFAULT", rotates=True)
DATA_KEY = replace(KEY, policy=data_key_policy(partition="aws", account_id="123456789012"))
LOGS_KEY = replace(KEY, policy=logs_key_policy(partition="aws", account_id="123456789012", region="eu-west-1"))
SHARED_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
BUCKET = LogBucketFacts(
    region="eu-west-1", encryption=BucketEncryption(algorithm="AES256", kms_key_arn=None), open_to_public=()
)
ENDPOINTS = EndpointSettings(vpc="workloads", subnets=["a"], allowed_cidrs=["10.0.0.0/8"])
INTERFACE = VpcEndpoint(
    id="vpce-1",
    service="com.amazonaws.eu-west-1.ssm",
    kind="Interface",
    state="available",
    private_dns=True,
    subnet_ids=("subnet-1", "subnet-2"),
    group_ids=("sg-1",),
    policy_text=json.dumps(endpoint_policy("ssm", "123456789012")),
)
HTTPS = SecurityGroupRule(
    id="sgr-1", direction=Direction.INGRESS, protocol="tcp", from_port=443, to_port=443, peer="10.0.0.0/8"
)
OPEN = SecurityGroupRule(
    id="sgr-2", direction=Direction.INGRESS, protocol="-1", from_port=-1, to_port=-1, peer="0.0.0.0/0"
)
INTERFACES = tuple(
    replace(
        INTERFACE,
        service=f"com.amazonaws.eu-west-1.{service}",
        policy_text=json.dumps(endpoint_policy(service, "123456789012")),
    )
    for service in ("ssm", "ssmmessages", "ec2messages")
)
GATEWAY = VpcEndpoint(
    id="vpce-2", service="com.amazonaws.eu-west-1.s3", kind="Gateway", state="available", route_table_ids=("rtb-1",)
)
NETWORK = EndpointNetwork(
    vpc_ids=("vpc-1",),
    subnets=(SubnetFacts(id="subnet-1", name="a"), SubnetFacts(id="subnet-2", name="b")),
    endpoints=(*INTERFACES, GATEWAY),
    route_tables=(RouteTable(id="rtb-1", subnet_ids=frozenset({"subnet-1"})), RouteTable(id="rtb-0", main=True)),
    groups=(SecurityGroup(id="sg-1", name="endpoints-eu-west-1", rules=(HTTPS,)),),
)


def not_ok(findings: list[Any]) -> dict[str, tuple[str, str]]:
    return {each.check: (each.status.value, each.found) for each in findings if each.status != "ok"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"data_key": UNREAD}, {"data-key": ("cannotTell", "a:B: refused: no")}),
        ({"data_key_parameter": UNREAD}, {"data-key-parameter": ("cannotTell", "a:B: refused: no")}),
        ({"data_key": replace(DATA_KEY, rotates=UNREAD)}, {"data-key-rotation": ("cannotTell", "a:B: refused: no")}),
        (
            {"data_key": replace(DATA_KEY, state="Disabled", rotates=None)},
            {"data-key": ("different", "1234, Disabled")},
        ),
        (
            {"data_key": replace(DATA_KEY, state="Unavailable", rotates=None)},
            {"data-key": ("different", "1234, Unavailable")},
        ),
        ({"logs_key": None}, {"logs-key": ("different", "no such alias")}),
        ({"data_key": replace(DATA_KEY, policy=UNREAD)}, {"data-key-policy": ("cannotTell", "a:B: refused: no")}),
        (
            {"logs_key": replace(LOGS_KEY, policy=DATA_KEY.policy)},
            {"logs-key-policy": ("different", "statement LogGroupsOfThisAccount is missing")},
        ),
        (
            {"data_key_parameter": {"Value": "1234", "Type": "SecureString"}},
            {"data-key-parameter": ("different", "its type is SecureString, not String")},
        ),
    ],
    ids=str,
)
def test_keys(change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    right = RegionFacts(data_key=DATA_KEY, data_key_parameter={"Value": "1234", "Type": "String"}, logs_key=LOGS_KEY)
    assert not_ok(key_findings(DEPLOYMENT, SETTINGS, replace(right, **change))) == expected


def test_disabled_keys_are_not_required() -> None:
    settings = SessionManagerSettings(session_data_encryption=False, cw_encryption_enabled=False)
    assert key_findings(DEPLOYMENT, settings, RegionFacts()) == []


@pytest.mark.parametrize(
    ("settings", "key", "logs_key", "expected"),
    [
        ({}, "arn:key/1234", KEY, {}),
        ({}, "arn:key/other", KEY, {"log-group-encryption": ("different", "encrypted with arn:key/other")}),
        ({}, None, KEY, {"log-group-encryption": ("different", "no KMS key")}),
        ({}, None, None, {"log-group-encryption": ("different", "no KMS key")}),
        ({}, "arn:key/other", None, {}),
        ({}, "arn:key/other", UNREAD, {}),
        ({"cw_encryption_enabled": False}, None, None, {}),
        ({"create_cw_log_group": False}, "arn:key/other", None, {}),
        ({"create_cw_log_group": False}, None, None, {"log-group-encryption": ("different", "no KMS key")}),
    ],
    ids=str,
)
def test_encryption_of_the_log_group(
    settings: dict[str, Any],
    key: str | None,
    logs_key: KeyFacts | ReadFailure | None,
    expected: dict[str, tuple[str, str]],
) -> None:
    facts = RegionFacts(log_group=LogGroupFacts(retention_days=90, kms_key_arn=key), logs_key=logs_key)
    assert not_ok(log_group_findings(DEPLOYMENT, SessionManagerSettings(**settings), facts)) == expected


@pytest.mark.parametrize(
    ("settings", "change", "expected"),
    [
        ({}, {}, {}),
        ({}, {"encryption": None}, {"bucket-encryption": ("different", "not encrypted")}),
        ({}, {"encryption": UNREAD}, {"bucket-encryption": ("cannotTell", "a:B: refused: no")}),
        ({}, {"open_to_public": UNREAD}, {"bucket-public-access": ("cannotTell", "a:B: refused: no")}),
        ({"s3_kms_key_arn": SHARED_KEY}, {}, {"bucket-encryption": ("different", "AES256")}),
        (
            {"s3_kms_key_arn": SHARED_KEY},
            {"encryption": BucketEncryption(algorithm="aws:kms", kms_key_arn=SHARED_KEY)},
            {},
        ),
        ({"s3_encryption_enabled": False}, {"encryption": None}, {}),
        ({}, {"region": "us-east-1"}, {}),
    ],
    ids=str,
)
def test_bucket(settings: dict[str, Any], change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    asked_for = SessionManagerSettings(s3_logging=True, s3_bucket_name="logs", **settings)
    assert not_ok(bucket_findings(DEPLOYMENT, asked_for, replace(BUCKET, **change))) == expected


def roles(*names: str) -> frozenset[GrantedPrincipal]:
    return frozenset(GrantedPrincipal("role", name) for name in names)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"content": UNREAD}, {"instance-policy-content": ("cannotTell", "a:B: refused: no")}),
        ({"holders": UNREAD}, {"instance-policy-roles": ("cannotTell", "a:B: refused: no")}),
        ({"holders": roles("B")}, {"instance-policy-roles": ("different", "not attached to A, C")}),
    ],
    ids=str,
)
def test_instance_policy(change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    wanted = {"Version": "2012-10-17", "Statement": []}
    right = PolicyFacts(content=wanted, holders=roles("A", "B", "C", "D"))
    findings = instance_policy_findings(
        DEPLOYMENT, INSTANCE_POLICY_NAME, wanted, ("A", "B", "C"), replace(right, **change)
    )
    assert not_ok(findings) == expected


def without(service: str, *instead: VpcEndpoint) -> dict[str, Any]:
    kept = [each for each in NETWORK.endpoints if isinstance(each, VpcEndpoint) and not each.service.endswith(service)]
    return {"endpoints": (*kept, *instead)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"vpc_ids": ()}, {"network": ("different", "no such VPC")}),
        ({"vpc_ids": ("vpc-1", "vpc-2")}, {"network": ("different", "2 such VPCs: vpc-1, vpc-2")}),
        ({"subnets": ()}, {"network": ("different", "no subnet a in vpc-1")}),
        (
            {"subnets": (SubnetFacts(id="subnet-1", name="a"), SubnetFacts(id="subnet-2", name="a"))},
            {"network": ("different", "2 subnets a in vpc-1")},
        ),
        ({"subnets": UNREAD}, {"network": ("cannotTell", "a:B: refused: no")}),
        ({"route_tables": UNREAD}, {"endpoint-s3": ("cannotTell", "a:B: refused: no")}),
        (without(".ssm"), {"endpoint-ssm": ("different", "no such endpoint")}),
        (
            without(".ssm", replace(INTERFACE, state="pending", private_dns=False, subnet_ids=())),
            {"endpoint-ssm": ("different", "vpce-1: pending, private DNS is off, not in a")},
        ),
        (without(".ssm", replace(INTERFACE, state="Available")), {}),
        (without(".ssm", replace(INTERFACE, private_dns=False), replace(INTERFACE, id="vpce-3")), {}),
        (
            without(".ssm", replace(INTERFACE, group_ids=("sg-1", "sg-2"))),
            {"endpoint-ssm": ("different", "vpce-1: security groups sg-1, sg-2")},
        ),
        (
            without(".ssm", replace(INTERFACE, policy_text='{"Version": "2012-10-17", "Statement": []}')),
            {"endpoint-ssm": ("different", "vpce-1: policy: statement OwnAccountOnly is missing")},
        ),
        (
            {"groups": (SecurityGroup(id="sg-1", name="", rules=(HTTPS, OPEN)),)},
            {"endpoint-security-group": ("different", "unexpected: ingress everything from 0.0.0.0/0 (sgr-2)")},
        ),
        (
            {"groups": (SecurityGroup(id="sg-1", name="", rules=()),)},
            {"endpoint-security-group": ("different", "HTTPS is not allowed from 10.0.0.0/8")},
        ),
        (without(".ssm", replace(INTERFACE, kind="Gateway")), {"endpoint-ssm": ("different", "no such endpoint")}),
        (
            without(".s3", replace(GATEWAY, route_table_ids=("rtb-0",))),
            {"endpoint-s3": ("different", "vpce-2: not in the route table of a")},
        ),
        (without(".s3", replace(GATEWAY, kind="Interface")), {"endpoint-s3": ("different", "no such endpoint")}),
    ],
    ids=[
        *("right", "no VPC", "two VPCs", "no subnet", "two subnets", "subnets unread", "route tables unread"),
        *("no endpoint", "unusable", "state in capitals", "another is right"),
        *("another group", "another policy", "open group", "closed group", "wrong kind", "wrong table"),
        "interface for S3",
    ],
)
def test_endpoints(change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    assert not_ok(endpoint_findings(DEPLOYMENT, ENDPOINTS, replace(NETWORK, **change))) == expected


def test_subnet_without_route_table_uses_main_one() -> None:
    settings = EndpointSettings(vpc="vpc-1", subnets=["subnet-2"], allowed_cidrs=["10.0.0.0/8"])
    assert not_ok(endpoint_findings(DEPLOYMENT, settings, NETWORK)) == {
        "endpoint-s3": ("different", "vpce-2: not in the route table of subnet-2")
    }
    through_main = without(".s3", replace(GATEWAY, route_table_ids=("rtb-0",)))
    assert not_ok(endpoint_findings(DEPLOYMENT, settings, replace(NETWORK, **through_main))) == {}


def test_gateway_without_s3_logging_is_not_required() -> None:
    settings = EndpointSettings(vpc="workloads", subnets=["a"], allowed_cidrs=["10.0.0.0/8"], s3_gateway=False)
    assert not_ok(endpoint_findings(DEPLOYMENT, settings, replace(NETWORK, **without(".s3")))) == {}


def test_region_without_settings_has_no_findings() -> None:
    assert region_findings(DEPLOYMENT, RegionFacts()) == []


def test_missing_resources_are_one_difference_each() -> None:
    deployment = replace(DEPLOYMENT, session_manager=SETTINGS, endpoints=ENDPOINTS)
    findings = region_findings(deployment, RegionFacts())
    assert list(not_ok(findings)) == [each.check for each in findings]
    assert [each.check for each in findings] == [
        *("document", "data-key", "data-key-parameter", "logs-key", "log-group", "bucket", "network")
    ]
    assert all(each.remedy for each in findings)
