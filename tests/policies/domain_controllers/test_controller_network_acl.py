from typing import Any

import pytest

from policies.domain_controllers.controller_network_acl import CONTROLLER_NETWORK_ACL as RULE
from tests.policies.domain_controllers.stacks import MARKED, instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

ACL = "aws:ec2/networkAcl:NetworkAcl"
DEFAULT_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
ASSOCIATION = "aws:ec2/networkAclAssociation:NetworkAclAssociation"

CLIENTS = {"cidrBlock": "10.10.0.0/16"}
EVERY_PRINCIPAL = {"cidrBlock": "0.0.0.0/0"}


def block(number: int = 100, action: str = "allow", protocol: Any = "6", **properties: Any) -> dict[str, Any]:
    return {"ruleNo": number, "action": action, "protocol": protocol, "fromPort": 389, "toPort": 389, **properties}


def acl(*blocks: Any, tags: Any = MARKED, type_: str = ACL, direction: str = "ingress", **properties: Any) -> Made:
    return Made(type_, "acl", {"id": UNKNOWN, "tags": tags, direction: list(blocks), **properties})


def rule(name: str = "rule", **properties: Any) -> Made:
    given = block(**properties)
    given |= {"ruleNumber": given.pop("ruleNo"), "ruleAction": given.pop("action"), "networkAclId": UNKNOWN}
    return Made(ACL_RULE, name, given, sources={"networkAclId": ["acl"]})


@pytest.mark.parametrize("type_", [ACL, DEFAULT_ACL])
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_only_networks_may_pass(type_: str, direction: str) -> None:
    assert judge_stack(RULE, acl(block(**CLIENTS), type_=type_, direction=direction)) == SILENT
    (said,) = judge_stack(RULE, acl(block(**EVERY_PRINCIPAL), type_=type_, direction=direction)).violations
    assert f'{type_} "acl": {direction}[0].cidrBlock: found "allow" tcp/389 "0.0.0.0/0"' in said


def test_rules_that_are_resources_of_their_own_count() -> None:
    assert judge_stack(RULE, acl(), rule(**CLIENTS)) == SILENT
    (said,) = judge_stack(RULE, acl(), rule(**EVERY_PRINCIPAL)).violations
    assert said.startswith(f'{ACL_RULE} "rule": cidrBlock: ')
    assert len(judge_stack(RULE, acl(), rule(egress=True, **EVERY_PRINCIPAL)).violations) == 1


@pytest.mark.parametrize(
    "every_address",
    [EVERY_PRINCIPAL, {"cidrBlock": "128.0.0.0/1"}, {"ipv6CidrBlock": "0::/0"}, {"cidrBlock": "no network"}],
)
@pytest.mark.parametrize("protocol", ["-1", "all", "6", "tcp", -1, 6])
def test_every_address_is_refused_in_any_spelling(every_address: dict[str, str], protocol: Any) -> None:
    assert len(judge_stack(RULE, acl(block(protocol=protocol, **every_address))).violations) == 1


def test_denial_before_it_closes_it_again() -> None:
    denial = block(50, "deny", "-1", **EVERY_PRINCIPAL)
    assert judge_stack(RULE, acl(denial, block(**EVERY_PRINCIPAL))) == SILENT
    assert (
        judge_stack(
            RULE, acl(block(**EVERY_PRINCIPAL)), rule(number=50, action="deny", protocol="-1", **EVERY_PRINCIPAL)
        )
        == SILENT
    )


@pytest.mark.parametrize(
    "denial",
    [
        pytest.param(block(150, "deny", "-1", **EVERY_PRINCIPAL), id="after it"),
        pytest.param(block(50, "deny", "17", **EVERY_PRINCIPAL), id="of another protocol"),
        pytest.param(block(50, "deny", **{**EVERY_PRINCIPAL, "toPort": 388, "fromPort": 1}), id="of other ports"),
        pytest.param(block(50, "deny", cidrBlock="0.0.0.0/1"), id="of half of it"),
    ],
)
def test_denial_that_does_not_cover_it_closes_nothing(denial: dict[str, Any]) -> None:
    assert len(judge_stack(RULE, acl(denial, block(**EVERY_PRINCIPAL))).violations) == 1


def test_denial_of_the_other_direction_closes_nothing() -> None:
    denied = acl(block(**EVERY_PRINCIPAL), egress=[block(50, "deny", "-1", **EVERY_PRINCIPAL)])
    assert len(judge_stack(RULE, denied).violations) == 1


def test_messages_about_the_size_of_packets_may_pass() -> None:
    too_big = block(protocol="1", icmpType=3, icmpCode=4, **EVERY_PRINCIPAL)
    too_big_v6 = block(protocol="58", icmpType=2, icmpCode=0, ipv6CidrBlock="::/0")
    assert judge_stack(RULE, acl(too_big, too_big_v6)) == SILENT
    assert len(judge_stack(RULE, acl(block(protocol="1", icmpType=-1, icmpCode=-1, **EVERY_PRINCIPAL))).violations) == 1


def test_acl_of_a_subnet_with_controllers_is_theirs() -> None:
    unmarked = acl(block(**EVERY_PRINCIPAL), tags={}, subnetIds=["subnet-dc1"])
    assert len(judge_stack(RULE, unmarked, instance()).violations) == 1
    assert judge_stack(RULE, acl(block(**EVERY_PRINCIPAL), tags={}, subnetIds=["subnet-web"]), instance()) == SILENT
    association = Made(
        ASSOCIATION,
        "association",
        {"subnetId": "subnet-dc1", "networkAclId": UNKNOWN},
        sources={"networkAclId": ["acl"]},
    )
    assert len(judge_stack(RULE, acl(block(**EVERY_PRINCIPAL), tags={}), instance(), association).violations) == 1


@pytest.mark.parametrize("name", ["action", "protocol", "cidrBlock"])
def test_what_is_not_known_yet_is_said(name: str) -> None:
    result = judge_stack(RULE, acl({**block(**EVERY_PRINCIPAL), name: UNKNOWN}))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_acl_with_unknown_tags_is_undecided_where_relevant() -> None:
    assert judge_stack(RULE, acl(block(**EVERY_PRINCIPAL), tags=UNKNOWN)).unseen
    assert judge_stack(RULE, acl(block(**CLIENTS), tags=UNKNOWN)) == SILENT


def test_rules_of_an_acl_that_are_not_known_yet_are_said() -> None:
    late = Made(ACL, "acl", {"tags": MARKED, "ingress": UNKNOWN}, sources={"ingress": ["acl"]})
    assert judge_stack(RULE, late).unseen
    filled_in = Made(ACL, "acl", {"tags": MARKED, "ingress": UNKNOWN})
    assert judge_stack(RULE, filled_in) == SILENT


@pytest.mark.parametrize("cidr", ["52.218.0.0/17", "3.0.0.0/9", "10.0.0.0/8", "192.168.0.0/16"])
def test_listed_networks_may_pass(cidr: str) -> None:
    assert judge_stack(RULE, acl(block(protocol="-1", cidrBlock=cidr))) == SILENT
