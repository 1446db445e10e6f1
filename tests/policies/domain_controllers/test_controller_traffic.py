from typing import Any

import pytest

from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_PORTS as INBOUND_PORTS
from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_SOURCES as INBOUND_SOURCES
from policies.domain_controllers.controller_traffic import CONTROLLER_OUTBOUND as OUTBOUND
from policies.domain_controllers.controller_traffic import CONTROLLER_REMOTE_ADMINISTRATION as REMOTE
from policies.rule import Rule as PackRule
from tests.policies.domain_controllers.stacks import GROUP, PREFIX_LIST, PREFIX_LIST_ENTRY, Form, Rule
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def out(**changes: Any) -> Rule:
    return Rule(**{"direction": "egress", "first": 443, "last": 443} | changes)


def at(first: Any, last: Any = None, **changes: Any) -> Rule:
    return Rule(first=first, last=first if last is None else last, **changes)


BASTION = {"peer": "referencedSecurityGroupId", "value": "sg-bastion"}
RANGES = {"allowedSources": ["10.10.0.0/17", "10.10.128.0/17"]}
PUBLIC = {"allowedSources": ["10.0.0.0/8", "0.0.0.0/0"]}
PROXY = {"allowedDestinations": ["203.0.113.7/32"], "additionalPorts": ["tcp/3128"]}
NAMED = {"additionalDestinations": [{"networks": ["10.1.0.20/32"], "ports": ["tcp/8530-8531", "esp"]}]}

ACCEPTED: list[tuple[PackRule, dict[str, Any], list[Rule]]] = [
    (INBOUND_PORTS, {}, [at(53), at(53, protocol="udp"), at(88, protocol="6"), at(123, protocol="17")]),
    (INBOUND_PORTS, {}, [at(3268, 3269), at(49152, 65535), at(50000, 50100), at(389, protocol="TCP")]),
    (INBOUND_PORTS, {}, [at(8, 0, protocol="icmp"), at(8, -1, protocol="1"), at(137, 138, protocol="udp")]),
    # Left to the rule about remote administration.
    (INBOUND_PORTS, {}, [at(22), at(3389), at(5985), at(5986)]),
    (INBOUND_PORTS, {"bastionGroups": ["sg-bastion"]}, [at(443, **BASTION)]),
    (INBOUND_PORTS, {"rpcPorts": [5000, 5001]}, [at(5000, 5001)]),
    (INBOUND_PORTS, {"additionalPorts": ["tcp/5000", "tcp/5001-5002"]}, [at(5000, 5001)]),
    (INBOUND_SOURCES, {}, [Rule(value=each) for each in ("10.10.0.0/16", "172.31.0.0/16", "10.0.0.0/8")]),
    (INBOUND_SOURCES, {}, [Rule(value="192.168.0.1/32"), Rule(peer="cidrIpv6", value="fd00:1234::/32")]),
    (INBOUND_SOURCES, {}, [Rule(peer=each, value="sg-1") for each in ("referencedSecurityGroupId", "self")]),
    (INBOUND_SOURCES, PUBLIC, [Rule(value="203.0.113.0/24")]),
    (INBOUND_SOURCES, RANGES, [Rule(value="10.10.1.0/24"), Rule()]),
    (INBOUND_SOURCES, {"allowedPrefixLists": ["pl-1"]}, [Rule(peer="prefixListId", value="pl-1")]),
    (OUTBOUND, {}, [out(first=each, last=each) for each in (443, 53, 88, 389, 636, 9389)]),
    (OUTBOUND, {}, [out(peer=each, value="pl-s3") for each in ("referencedSecurityGroupId", "self", "prefixListId")]),
    (OUTBOUND, PROXY, [out(value="203.0.113.7/32", first=3128, last=3128)]),
    (OUTBOUND, NAMED, [out(value="10.1.0.20/32", first=8530, last=8531), out(protocol="50", value="10.1.0.20/32")]),
    # The group has no outbound rules, or one of the idioms for none.
    (OUTBOUND, {}, [Rule(), out(protocol="-1", first=0, last=0, value="127.0.0.1/32")]),
    (OUTBOUND, {}, [out(protocol="icmp", first=252, last=86, value="255.255.255.255/32")]),
    (OUTBOUND, {}, [out(first=1, last=1, value="127.0.0.0/8")]),
    (OUTBOUND, {}, [out(protocol="-1", first=0, last=0, peer="cidrIpv6", value="::1/128")]),
    (REMOTE, {}, [at(389), at(22, protocol="udp"), at(5985, protocol="udp"), at(8, protocol="icmp")]),
    (REMOTE, {}, [at(0, protocol="47"), at(3388)]),
    (REMOTE, {"bastionGroups": ["sg-bastion"]}, [at(3389, **BASTION)]),
]

REFUSED: list[tuple[PackRule, dict[str, Any], list[Rule]]] = [
    (INBOUND_PORTS, {}, [at(443, peer=each, value="x-1") for each in ("self", "prefixListId")]),
    (INBOUND_PORTS, {}, [at(443, **BASTION), at(5000, 5001), at(UNKNOWN, 389, protocol="-1")]),
    (INBOUND_PORTS, {"profiles": ["modern"]}, [at(137, 138, protocol="udp")]),
    (INBOUND_PORTS, {"rpcPorts": [5000, 5001]}, [at(49152, 65535)]),
    (INBOUND_SOURCES, {}, [Rule(peer="cidrIpv6", value=each) for each in ("::/0", "0::/0", "::0/0", "0000::/0")]),
    (INBOUND_SOURCES, {}, [Rule(peer="cidrIpv6", value="0:0:0:0:0:0:0:0/0")]),
    (INBOUND_SOURCES, {}, [Rule(peer="cidrIpv6", value=each) for each in ("8000::/1", "2001:db8::/32")]),
    (INBOUND_SOURCES, {}, [Rule(protocol=each, value="0.0.0.0/0") for each in ("-1", "all", "6", "tcp", "17")]),
    (INBOUND_SOURCES, PUBLIC, [Rule(value="203.0.112.0/23"), Rule(value="0.0.0.0/0")]),
    (INBOUND_SOURCES, {"allowedSources": ["10.10.0.0/16"]}, [Rule(value="10.11.0.0/16")]),
    (INBOUND_SOURCES, {}, [Rule(peer="prefixListId", value="pl-1")]),
    (OUTBOUND, {}, [out(peer="cidrIpv6", value="::/0")]),
    (OUTBOUND, {}, [out(value=each) for each in ("126.0.0.0/7", "0.0.0.0/0", "255.255.255.0/24")]),
    (OUTBOUND, {}, [out(value="10.1.0.20/32", first=8530, last=8531), out(protocol="50", value="10.1.0.20/32")]),
    (OUTBOUND, NAMED, [out(value="10.1.0.0/24", first=8530, last=8530)]),
    (OUTBOUND, NAMED, [out(value="10.1.0.20/32", first=8529, last=8531)]),
    (REMOTE, {}, [at(3000, 4000), at(0, 65535), Rule(protocol="6", first=None, last=None)]),
    (REMOTE, {}, [at(0, protocol="-1"), Rule(protocol="all", first=None, last=None), at(3389, protocol="17")]),
    (REMOTE, {}, [at(3389, peer=each, value="x-1") for each in ("self", "referencedSecurityGroupId", "prefixListId")]),
    (REMOTE, {}, [at(3389, peer="cidrIpv6", value="fd00::/16")]),
    (REMOTE, {"bastionGroups": ["sg-other"]}, [at(3389, **BASTION)]),
    (REMOTE, {"administrationPorts": ["tcp/2222"]}, [at(2222)]),
]


@pytest.mark.parametrize(("policy", "config", "rules"), ACCEPTED)
def test_traffic_is_accepted(form: Form, policy: PackRule, config: dict[str, Any], rules: list[Rule]) -> None:
    for rule in rules:
        assert judge_stack(policy, *form(rule), **config) == SILENT, rule


@pytest.mark.parametrize(("policy", "config", "rules"), REFUSED)
def test_traffic_is_refused(form: Form, policy: PackRule, config: dict[str, Any], rules: list[Rule]) -> None:
    for rule in rules:
        assert len(judge_stack(policy, *form(rule), **config).violations) == 1, rule


@pytest.mark.parametrize(
    "rule", [out(protocol="-1", first=0, last=0, value="0.0.0.0/0"), out(value="203.0.113.7/32", first=3128, last=3128)]
)
def test_network_and_port_are_refused_for_both_reasons(form: Form, rule: Rule) -> None:
    assert len(judge_stack(OUTBOUND, *form(rule)).violations) == 2


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
def test_other_inbound_ports_are_refused(form: Form, protocol: str, first: Any, last: Any, beyond: str) -> None:
    result = judge_stack(INBOUND_PORTS, *form(Rule(protocol=protocol, first=first, last=last)))
    (said,) = result.violations
    assert f'"{form.carrier}": ' in said
    assert f"expected ports of the tables only, so not {beyond}. Open the ports" in said
    assert result.unseen == []


@pytest.mark.parametrize("unknown", ["protocol", "first", "last"])
def test_inbound_ports_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(INBOUND_PORTS, *form(Rule(**{unknown: UNKNOWN})))
    assert result.violations == []
    (said,) = result.unseen
    named = {"protocol": ("protocol", "ipProtocol"), "first": ("fromPort",), "last": ("toPort",)}[unknown]
    assert said.endswith(tuple(f"{each} is not known yet; the rule is applied in the update." for each in named))


def test_rules_that_are_not_known_yet_are_said() -> None:
    group = Made(
        "aws:ec2/securityGroup:SecurityGroup",
        "dc",
        {"tags": {"Role": "DomainController"}, "ingress": UNKNOWN},
        sources={"ingress": ["dc"]},
    )
    (said,) = judge_stack(INBOUND_PORTS, group).unseen
    assert said.endswith('"dc": ingress is not known yet; the rule is applied in the update.')


def test_rule_for_bastions_and_others_is_for_others() -> None:
    block = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "securityGroups": ["sg-bastion", "sg-web"]}
    group = Made(
        "aws:ec2/securityGroup:SecurityGroup", "dc", {"tags": {"Role": "DomainController"}, "ingress": [block]}
    )
    assert len(judge_stack(INBOUND_PORTS, group, bastionGroups=["sg-bastion"]).violations) == 1
    assert judge_stack(INBOUND_PORTS, group, bastionGroups=["sg-bastion", "sg-web"]) == SILENT


PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"


@pytest.mark.parametrize(
    "cidr",
    ["0.0.0.0/0", "0.0.0.0/00", "1.2.3.4/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "52.94.0.0/22", "any", "0/0"],
)
def test_every_address_is_refused_in_any_spelling(form: Form, cidr: str) -> None:
    result = judge_stack(INBOUND_SOURCES, *form(Rule(value=cidr)))
    (said,) = result.violations
    assert f'"{form.carrier}": ' in said
    assert f'found "{cidr}", expected a network within {PRIVATE}. ' in said
    assert result.unseen == []


def prefix_list(*cidrs: Any, id_: str = UNKNOWN) -> Made:
    return Made(PREFIX_LIST, "list", {"id": id_, "entries": [{"cidr": each} for each in cidrs]})


@pytest.mark.parametrize(("id_", "sources"), [(UNKNOWN, ("list",)), ("pl-1", ())], ids=["preview", "update"])
def test_prefix_list_of_sources_is_looked_into(form: Form, id_: str, sources: tuple[str, ...]) -> None:
    rule = form(Rule(peer="prefixListId", value=id_, sources=sources))
    assert judge_stack(INBOUND_SOURCES, *rule, prefix_list("10.0.0.0/16", id_=id_)) == SILENT
    (said,) = judge_stack(INBOUND_SOURCES, *rule, prefix_list("10.0.0.0/16", "0.0.0.0/0", id_=id_)).violations
    assert '(a prefix list of the stack): found "0.0.0.0/0"' in said
    assert judge_stack(INBOUND_SOURCES, *rule, prefix_list(UNKNOWN, id_=id_)).unseen


def test_entries_that_are_resources_of_their_own_count(form: Form) -> None:
    rule = form(Rule(peer="prefixListId", value=UNKNOWN, sources=("list",)))
    entry = Made(
        PREFIX_LIST_ENTRY, "entry", {"prefixListId": UNKNOWN, "cidr": "::/0"}, sources={"prefixListId": ("list",)}
    )
    assert len(judge_stack(INBOUND_SOURCES, *rule, prefix_list("10.0.0.0/16"), entry).violations) == 1


def test_source_that_is_not_known_yet_is_said(form: Form) -> None:
    result = judge_stack(INBOUND_SOURCES, *form(Rule(value=UNKNOWN, sources=("dc",))))
    assert result.violations == []
    assert len(result.unseen) == 1
    assert f'"{form.carrier}": ' in result.unseen[0]


def test_group_with_unknown_tags_is_undecided_where_relevant(form: Form) -> None:
    result = judge_stack(INBOUND_SOURCES, *form(Rule(value="0.0.0.0/0"), UNKNOWN))
    assert result.violations == []
    assert len(result.unseen) == 1
    assert "tags" in result.unseen[0]
    assert judge_stack(INBOUND_SOURCES, *form(Rule(), UNKNOWN)) == SILENT


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "0.0.0.0/1", "52.0.0.0/8", "203.0.113.0/24", "nonsense"])
def test_internet_is_refused(form: Form, cidr: str) -> None:
    (said,) = judge_stack(OUTBOUND, *form(out(value=cidr))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found "{cidr}", expected a network within' in said


@pytest.mark.parametrize(
    ("protocol", "first", "last"), [("tcp", 25, 25), ("-1", 0, 0), ("tcp", 0, 65535), ("tcp", 80, 443)]
)
def test_other_outbound_ports_are_refused(form: Form, protocol: str, first: int, last: int) -> None:
    (said,) = judge_stack(OUTBOUND, *form(out(protocol=protocol, first=first, last=last))).violations
    assert "expected ports of the tables only" in said


def test_prefix_list_of_destinations_is_looked_into(form: Form) -> None:
    listed = Made(PREFIX_LIST, "list", {"id": UNKNOWN, "entries": [{"cidr": "0.0.0.0/0"}]})
    assert (
        len(judge_stack(OUTBOUND, listed, *form(out(peer="prefixListId", value=UNKNOWN, sources=("list",)))).violations)
        == 1
    )


def test_what_is_not_known_yet_is_said(form: Form) -> None:
    assert judge_stack(OUTBOUND, *form(out(value=UNKNOWN, sources=("dc",)))).unseen
    assert judge_stack(OUTBOUND, *form(out(protocol=UNKNOWN))).unseen


ADMINISTRATION = [("tcp", 22), ("tcp", 3389), ("udp", 3389), ("tcp", 5985), ("tcp", 5986)]


@pytest.mark.parametrize(("protocol", "port"), ADMINISTRATION)
def test_remote_administration_from_a_network_is_refused(form: Form, protocol: str, port: int) -> None:
    (said,) = judge_stack(REMOTE, *form(Rule(protocol=protocol, first=port, last=port))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found {protocol}/{port} open to "10.10.0.0/16", expected {protocol}/{port} from bastion hosts' in said


@pytest.mark.parametrize(
    ("tags", "configured"), [({"Role": "Bastion"}, {}), ({}, {"bastionGroups": ["jump"]})], ids=["by tag", "by name"]
)
def test_bastion_of_the_same_stack_is_accepted_before_it_exists(form: Form, tags: Any, configured: Any) -> None:
    bastion = Made(GROUP, "jump", {"id": UNKNOWN, "tags": tags})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    assert judge_stack(REMOTE, bastion, *rule, **configured) == SILENT
    stranger = Made(GROUP, "jump", {"id": UNKNOWN, "tags": {}})
    (said,) = judge_stack(REMOTE, stranger, *rule).violations
    assert "open to jump" in said


def test_source_of_two_possible_groups_needs_bastions_in_both(form: Form) -> None:
    bastion = Made(GROUP, "jump", {"id": UNKNOWN, "tags": {"Role": "Bastion"}})
    other = Made(GROUP, "web", {"id": UNKNOWN, "tags": {}})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump", "web")))
    assert len(judge_stack(REMOTE, bastion, other, *rule).violations) == 1


def test_bastion_group_whose_tags_are_not_known_yet_is_said(form: Form) -> None:
    bastion = Made(GROUP, "jump", {"id": UNKNOWN, "tags": UNKNOWN})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    result = judge_stack(REMOTE, bastion, *rule)
    assert result.violations == []
    assert result.unseen


@pytest.mark.parametrize("unknown", ["protocol", "first"])
def test_ports_of_administration_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(REMOTE, *form(Rule(**{unknown: UNKNOWN})))
    assert (result.violations, len(result.unseen)) == ([], 1)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (INBOUND_PORTS, Rule(protocol="-1")),
        (INBOUND_SOURCES, Rule(value="0.0.0.0/0")),
        (OUTBOUND, out(value="0.0.0.0/0")),
        (REMOTE, Rule(first=3389, last=3389)),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
@pytest.mark.parametrize("tags", [{}, {"Role": "WebServer"}])
def test_group_that_is_no_controllers_is_left_alone(
    form: Form, policy: PackRule, rule: Rule, tags: dict[str, str]
) -> None:
    assert judge_stack(policy, *form(rule, tags)) == SILENT
    assert judge_stack(policy) == SILENT
