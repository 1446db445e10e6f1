from typing import Any

import pytest

from policies.domain_controllers.controller_inbound_ports import RULE
from tests.policies.domain_controllers.stacks import Form, Rule
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

TABLES = [
    ("tcp", 53, 53),
    ("udp", 53, 53),
    ("6", 88, 88),
    ("17", 123, 123),
    ("tcp", 3268, 3269),
    ("tcp", 49152, 65535),
    ("tcp", 50000, 50100),
    ("TCP", 389, 389),
    ("icmp", 8, 0),
    ("1", 8, -1),
]


@pytest.mark.parametrize(("protocol", "first", "last"), TABLES)
def test_ports_of_the_tables_are_fine(form: Form, protocol: str, first: int, last: int) -> None:
    assert judge_stack(RULE, *form(Rule(protocol=protocol, first=first, last=last))) == SILENT


BEYOND = [
    ("tcp", 443, 443, "tcp/443"),
    ("tcp", 388, 390, "tcp/388, tcp/390"),
    ("tcp", 0, 65535, "tcp/0-21, tcp/23-52, tcp/54-87, ..."),
    ("udp", 3268, 3268, "udp/3268"),
    ("tcp", 49151, 65535, "tcp/49151"),
    ("-1", 0, 0, "every protocol and port"),
    ("all", 0, 0, "every protocol and port"),
    ("-1", None, None, "every protocol and port"),
    ("no such", 0, 0, "every protocol and port"),
    ("tcp", None, None, "tcp/0-21, tcp/23-52, tcp/54-87, ..."),
    ("47", 0, 0, "protocol 47, all ports"),
    ("icmp", -1, -1, "icmp/0-7, icmp/9-65535"),
    ("icmp", 13, 0, "icmp/13"),
]


@pytest.mark.parametrize(("protocol", "first", "last", "beyond"), BEYOND, ids=[f"{b[0]} {b[1]}-{b[2]}" for b in BEYOND])
def test_other_ports_are_refused(form: Form, protocol: str, first: Any, last: Any, beyond: str) -> None:
    result = judge_stack(RULE, *form(Rule(protocol=protocol, first=first, last=last)))
    (said,) = result.violations
    assert f'"{form.carrier}": ' in said
    assert f"expected ports of the tables only, so not {beyond}. Open the ports" in said
    assert result.unseen == []


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self", "prefixListId"])
def test_other_ports_are_refused_from_any_peer(form: Form, peer: str) -> None:
    assert len(judge_stack(RULE, *form(Rule(first=443, last=443, peer=peer, value="x-1"))).violations) == 1


@pytest.mark.parametrize("port", [22, 3389, 5985, 5986])
def test_remote_administration_is_left_to_its_own_rule(form: Form, port: int) -> None:
    assert judge_stack(RULE, *form(Rule(first=port, last=port))) == SILENT


def test_bastions_may_use_their_own_table(form: Form) -> None:
    rule = form(Rule(first=443, last=443, peer="referencedSecurityGroupId", value="sg-bastion"))
    assert len(judge_stack(RULE, *rule).violations) == 1
    assert judge_stack(RULE, *rule, bastionGroups=["sg-bastion"]) == SILENT


def test_profile_rpc_ports_and_further_ports_are_configurable(form: Form) -> None:
    netbios = form(Rule(protocol="udp", first=137, last=138))
    assert judge_stack(RULE, *netbios) == SILENT
    assert len(judge_stack(RULE, *netbios, profiles=["modern"]).violations) == 1
    dynamic, fixed = form(Rule(first=49152, last=65535)), form(Rule(first=5000, last=5001))
    assert len(judge_stack(RULE, *dynamic, rpcPorts=[5000, 5001]).violations) == 1
    assert judge_stack(RULE, *fixed, rpcPorts=[5000, 5001]) == SILENT
    assert len(judge_stack(RULE, *fixed).violations) == 1
    assert judge_stack(RULE, *fixed, additionalPorts=["tcp/5000", "tcp/5001-5002"]) == SILENT


@pytest.mark.parametrize("unknown", ["protocol", "first", "last"])
def test_ports_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(RULE, *form(Rule(**{unknown: UNKNOWN})))
    assert result.violations == []
    (said,) = result.unseen
    named = {"protocol": ("protocol", "ipProtocol"), "first": ("fromPort",), "last": ("toPort",)}[unknown]
    assert said.endswith(tuple(f"{each} is not known yet; the rule is applied in the update." for each in named))


def test_unknown_ports_do_not_matter_with_every_protocol(form: Form) -> None:
    assert len(judge_stack(RULE, *form(Rule(protocol="-1", first=UNKNOWN))).violations) == 1


def test_group_that_is_no_controllers_is_left_alone(form: Form) -> None:
    assert judge_stack(RULE, *form(Rule(protocol="-1"), {})) == SILENT


def test_rules_that_are_not_known_yet_are_said() -> None:
    group = Made(
        type="aws:ec2/securityGroup:SecurityGroup",
        name="dc",
        properties={"tags": {"Role": "DomainController"}, "ingress": UNKNOWN},
        sources={"ingress": ["dc"]},
    )
    (said,) = judge_stack(RULE, group).unseen
    assert said.endswith('"dc": ingress is not known yet; the rule is applied in the update.')


def test_rule_for_bastions_and_others_is_for_others() -> None:
    block = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "securityGroups": ["sg-bastion", "sg-web"]}
    group = Made(
        type="aws:ec2/securityGroup:SecurityGroup",
        name="dc",
        properties={"tags": {"Role": "DomainController"}, "ingress": [block]},
    )
    assert len(judge_stack(RULE, group, bastionGroups=["sg-bastion"]).violations) == 1
    assert judge_stack(RULE, group, bastionGroups=["sg-bastion", "sg-web"]) == SILENT
