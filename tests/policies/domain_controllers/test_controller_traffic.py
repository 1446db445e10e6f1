from typing import Any

import pytest

from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_PORTS as INBOUND_PORTS
from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_SOURCES as INBOUND_SOURCES
from policies.domain_controllers.controller_traffic import CONTROLLER_OUTBOUND as OUTBOUND
from policies.domain_controllers.controller_traffic import CONTROLLER_REMOTE_ADMINISTRATION as REMOTE
from policies.rule import Rule as PackRule
from tests.policies.domain_controllers.stacks import GROUP, PREFIX_LIST, PREFIX_LIST_ENTRY, Form, Rule
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
    assert judge_stack(INBOUND_PORTS, *form(Rule(protocol=protocol, first=first, last=last))) == SILENT


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


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self", "prefixListId"])
def test_other_ports_are_refused_from_any_peer(form: Form, peer: str) -> None:
    assert len(judge_stack(INBOUND_PORTS, *form(Rule(first=443, last=443, peer=peer, value="x-1"))).violations) == 1


@pytest.mark.parametrize("port", [22, 3389, 5985, 5986])
def test_remote_administration_is_left_to_its_own_rule(form: Form, port: int) -> None:
    assert judge_stack(INBOUND_PORTS, *form(Rule(first=port, last=port))) == SILENT


def test_bastions_may_use_their_own_table(form: Form) -> None:
    rule = form(Rule(first=443, last=443, peer="referencedSecurityGroupId", value="sg-bastion"))
    assert len(judge_stack(INBOUND_PORTS, *rule).violations) == 1
    assert judge_stack(INBOUND_PORTS, *rule, bastionGroups=["sg-bastion"]) == SILENT


def test_profile_rpc_ports_and_further_ports_are_configurable(form: Form) -> None:
    netbios = form(Rule(protocol="udp", first=137, last=138))
    assert judge_stack(INBOUND_PORTS, *netbios) == SILENT
    assert len(judge_stack(INBOUND_PORTS, *netbios, profiles=["modern"]).violations) == 1
    dynamic, fixed = form(Rule(first=49152, last=65535)), form(Rule(first=5000, last=5001))
    assert len(judge_stack(INBOUND_PORTS, *dynamic, rpcPorts=[5000, 5001]).violations) == 1
    assert judge_stack(INBOUND_PORTS, *fixed, rpcPorts=[5000, 5001]) == SILENT
    assert len(judge_stack(INBOUND_PORTS, *fixed).violations) == 1
    assert judge_stack(INBOUND_PORTS, *fixed, additionalPorts=["tcp/5000", "tcp/5001-5002"]) == SILENT


@pytest.mark.parametrize("unknown", ["protocol", "first", "last"])
def test_inbound_ports_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(INBOUND_PORTS, *form(Rule(**{unknown: UNKNOWN})))
    assert result.violations == []
    (said,) = result.unseen
    named = {"protocol": ("protocol", "ipProtocol"), "first": ("fromPort",), "last": ("toPort",)}[unknown]
    assert said.endswith(tuple(f"{each} is not known yet; the rule is applied in the update." for each in named))


def test_unknown_ports_do_not_matter_with_every_protocol(form: Form) -> None:
    assert len(judge_stack(INBOUND_PORTS, *form(Rule(protocol="-1", first=UNKNOWN))).violations) == 1


def test_rules_that_are_not_known_yet_are_said() -> None:
    group = Made(
        type="aws:ec2/securityGroup:SecurityGroup",
        name="dc",
        properties={"tags": {"Role": "DomainController"}, "ingress": UNKNOWN},
        sources={"ingress": ["dc"]},
    )
    (said,) = judge_stack(INBOUND_PORTS, group).unseen
    assert said.endswith('"dc": ingress is not known yet; the rule is applied in the update.')


def test_rule_for_bastions_and_others_is_for_others() -> None:
    block = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "securityGroups": ["sg-bastion", "sg-web"]}
    group = Made(
        type="aws:ec2/securityGroup:SecurityGroup",
        name="dc",
        properties={"tags": {"Role": "DomainController"}, "ingress": [block]},
    )
    assert len(judge_stack(INBOUND_PORTS, group, bastionGroups=["sg-bastion"]).violations) == 1
    assert judge_stack(INBOUND_PORTS, group, bastionGroups=["sg-bastion", "sg-web"]) == SILENT


PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"


@pytest.mark.parametrize("cidr", ["10.10.0.0/16", "172.31.0.0/16", "192.168.0.1/32", "10.0.0.0/8"])
def test_private_networks_are_fine(form: Form, cidr: str) -> None:
    assert judge_stack(INBOUND_SOURCES, *form(Rule(value=cidr))) == SILENT


def test_private_ipv6_networks_are_fine(form: Form) -> None:
    assert judge_stack(INBOUND_SOURCES, *form(Rule(peer="cidrIpv6", value="fd00:1234::/32"))) == SILENT


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self"])
def test_groups_are_fine(form: Form, peer: str) -> None:
    assert judge_stack(INBOUND_SOURCES, *form(Rule(peer=peer, value="sg-1"))) == SILENT


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


@pytest.mark.parametrize(
    "cidr", ["::/0", "0::/0", "::0/0", "0:0:0:0:0:0:0:0/0", "0000::/0", "8000::/1", "2001:db8::/32"]
)
def test_every_ipv6_address_is_refused_in_any_spelling(form: Form, cidr: str) -> None:
    assert len(judge_stack(INBOUND_SOURCES, *form(Rule(peer="cidrIpv6", value=cidr))).violations) == 1


@pytest.mark.parametrize("protocol", ["-1", "all", "6", "tcp", "17"])
def test_every_address_is_refused_with_any_protocol(form: Form, protocol: str) -> None:
    assert len(judge_stack(INBOUND_SOURCES, *form(Rule(protocol=protocol, value="0.0.0.0/0"))).violations) == 1


def test_public_network_may_be_listed_but_not_a_wide_one(form: Form) -> None:
    allowed = {"allowedSources": ["10.0.0.0/8", "0.0.0.0/0"]}
    assert judge_stack(INBOUND_SOURCES, *form(Rule(value="203.0.113.0/24")), **allowed) == SILENT
    assert len(judge_stack(INBOUND_SOURCES, *form(Rule(value="203.0.112.0/23")), **allowed).violations) == 1
    assert len(judge_stack(INBOUND_SOURCES, *form(Rule(value="0.0.0.0/0")), **allowed).violations) == 1


def test_sources_are_configurable(form: Form) -> None:
    assert (
        judge_stack(
            INBOUND_SOURCES, *form(Rule(value="10.10.1.0/24")), allowedSources=["10.10.0.0/17", "10.10.128.0/17"]
        )
        == SILENT
    )
    assert judge_stack(INBOUND_SOURCES, *form(Rule()), allowedSources=["10.10.0.0/17", "10.10.128.0/17"]) == SILENT
    assert (
        len(judge_stack(INBOUND_SOURCES, *form(Rule(value="10.11.0.0/16")), allowedSources=["10.10.0.0/16"]).violations)
        == 1
    )


def prefix_list(*cidrs: Any, id_: str = UNKNOWN) -> Made:
    return Made(type=PREFIX_LIST, name="list", properties={"id": id_, "entries": [{"cidr": each} for each in cidrs]})


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
        type=PREFIX_LIST_ENTRY,
        name="entry",
        properties={"prefixListId": UNKNOWN, "cidr": "::/0"},
        sources={"prefixListId": ("list",)},
    )
    assert len(judge_stack(INBOUND_SOURCES, *rule, prefix_list("10.0.0.0/16"), entry).violations) == 1


def test_prefix_list_of_another_stack_has_to_be_listed(form: Form) -> None:
    rule = form(Rule(peer="prefixListId", value="pl-1"))
    assert len(judge_stack(INBOUND_SOURCES, *rule).violations) == 1
    assert judge_stack(INBOUND_SOURCES, *rule, allowedPrefixLists=["pl-1"]) == SILENT


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


def test_rules_without_any_group_are_no_business_of_it() -> None:
    assert judge_stack(INBOUND_SOURCES) == SILENT


def out(**changes: Any) -> Rule:
    return Rule(**{"direction": "egress", "first": 443, "last": 443} | changes)


@pytest.mark.parametrize("port", [443, 53, 88, 389, 636, 9389])
def test_services_and_other_controllers_are_fine(form: Form, port: int) -> None:
    assert judge_stack(OUTBOUND, *form(out(first=port, last=port))) == SILENT


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self", "prefixListId"])
def test_groups_and_prefix_lists_of_others_are_fine(form: Form, peer: str) -> None:
    assert judge_stack(OUTBOUND, *form(out(peer=peer, value="pl-s3"))) == SILENT


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "0.0.0.0/1", "52.0.0.0/8", "203.0.113.0/24", "nonsense"])
def test_internet_is_refused(form: Form, cidr: str) -> None:
    (said,) = judge_stack(OUTBOUND, *form(out(value=cidr))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found "{cidr}", expected a network within' in said


def test_internet_of_ipv6_is_refused(form: Form) -> None:
    assert len(judge_stack(OUTBOUND, *form(out(peer="cidrIpv6", value="::/0"))).violations) == 1


@pytest.mark.parametrize(
    ("protocol", "first", "last"), [("tcp", 25, 25), ("-1", 0, 0), ("tcp", 0, 65535), ("tcp", 80, 443)]
)
def test_other_outbound_ports_are_refused(form: Form, protocol: str, first: int, last: int) -> None:
    (said,) = judge_stack(OUTBOUND, *form(out(protocol=protocol, first=first, last=last))).violations
    assert "expected ports of the tables only" in said


def test_everything_is_refused_for_both_reasons(form: Form) -> None:
    assert len(judge_stack(OUTBOUND, *form(out(protocol="-1", first=0, last=0, value="0.0.0.0/0"))).violations) == 2


def test_prefix_list_of_destinations_is_looked_into(form: Form) -> None:
    listed = Made(type=PREFIX_LIST, name="list", properties={"id": UNKNOWN, "entries": [{"cidr": "0.0.0.0/0"}]})
    assert (
        len(judge_stack(OUTBOUND, listed, *form(out(peer="prefixListId", value=UNKNOWN, sources=("list",)))).violations)
        == 1
    )


def test_destinations_and_ports_are_configurable(form: Form) -> None:
    proxy = form(out(value="203.0.113.7/32", first=3128, last=3128))
    allowed = {"allowedDestinations": ["203.0.113.7/32"], "additionalPorts": ["tcp/3128"]}
    assert judge_stack(OUTBOUND, *proxy, **allowed) == SILENT
    assert len(judge_stack(OUTBOUND, *proxy).violations) == 2


def test_named_destinations_have_ports_of_their_own(form: Form) -> None:
    named = {"additionalDestinations": [{"networks": ["10.1.0.20/32"], "ports": ["tcp/8530-8531", "esp"]}]}
    for rule in (out(value="10.1.0.20/32", first=8530, last=8531), out(protocol="50", value="10.1.0.20/32")):
        assert judge_stack(OUTBOUND, *form(rule), **named) == SILENT
        assert len(judge_stack(OUTBOUND, *form(rule)).violations) == 1
    for other in (out(value="10.1.0.0/24", first=8530, last=8530), out(value="10.1.0.20/32", first=8529, last=8531)):
        assert len(judge_stack(OUTBOUND, *form(other), **named).violations) == 1


def test_what_is_not_known_yet_is_said(form: Form) -> None:
    assert judge_stack(OUTBOUND, *form(out(value=UNKNOWN, sources=("dc",)))).unseen
    assert judge_stack(OUTBOUND, *form(out(protocol=UNKNOWN))).unseen


def test_group_without_outbound_rules_is_closed(form: Form) -> None:
    assert judge_stack(OUTBOUND, *form(Rule())) == SILENT


@pytest.mark.parametrize(
    "rule",
    [
        out(protocol="-1", first=0, last=0, value="127.0.0.1/32"),
        out(protocol="icmp", first=252, last=86, value="255.255.255.255/32"),
        out(first=1, last=1, value="127.0.0.0/8"),
        out(protocol="-1", first=0, last=0, peer="cidrIpv6", value="::1/128"),
    ],
)
def test_idioms_for_no_outbound_rule_open_nothing(form: Form, rule: Rule) -> None:
    assert judge_stack(OUTBOUND, *form(rule)) == SILENT


@pytest.mark.parametrize("cidr", ["126.0.0.0/7", "0.0.0.0/0", "255.255.255.0/24"])
def test_network_around_an_unreachable_one_is_refused(form: Form, cidr: str) -> None:
    assert judge_stack(OUTBOUND, *form(out(value=cidr))).violations


ADMINISTRATION = [("tcp", 22), ("tcp", 3389), ("udp", 3389), ("tcp", 5985), ("tcp", 5986)]


@pytest.mark.parametrize(("protocol", "port"), ADMINISTRATION)
def test_remote_administration_from_a_network_is_refused(form: Form, protocol: str, port: int) -> None:
    (said,) = judge_stack(REMOTE, *form(Rule(protocol=protocol, first=port, last=port))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found {protocol}/{port} open to "10.10.0.0/16", expected {protocol}/{port} from bastion hosts' in said


@pytest.mark.parametrize(
    ("protocol", "first", "last"),
    [("tcp", 3000, 4000), ("tcp", 0, 65535), ("6", None, None), ("-1", 0, 0), ("all", None, None), ("17", 3389, 3389)],
)
def test_range_that_contains_it_is_refused(form: Form, protocol: str, first: Any, last: Any) -> None:
    assert len(judge_stack(REMOTE, *form(Rule(protocol=protocol, first=first, last=last))).violations) == 1


@pytest.mark.parametrize(
    ("protocol", "port"), [("tcp", 389), ("udp", 22), ("udp", 5985), ("icmp", 8), ("47", 0), ("tcp", 3388)]
)
def test_other_ports_are_no_business_of_it(form: Form, protocol: str, port: int) -> None:
    assert judge_stack(REMOTE, *form(Rule(protocol=protocol, first=port, last=port))) == SILENT


@pytest.mark.parametrize("peer", ["self", "referencedSecurityGroupId", "prefixListId", "cidrIpv6"])
def test_only_bastions_may_use_it(form: Form, peer: str) -> None:
    rule = Rule(first=3389, last=3389, peer=peer, value="fd00::/16" if peer == "cidrIpv6" else "x-1")
    assert len(judge_stack(REMOTE, *form(rule)).violations) == 1


def test_listed_bastions_may_use_it(form: Form) -> None:
    rule = form(Rule(first=3389, last=3389, peer="referencedSecurityGroupId", value="sg-bastion"))
    assert judge_stack(REMOTE, *rule, bastionGroups=["sg-bastion"]) == SILENT
    assert len(judge_stack(REMOTE, *rule, bastionGroups=["sg-other"]).violations) == 1


@pytest.mark.parametrize(
    ("tags", "configured"), [({"Role": "Bastion"}, {}), ({}, {"bastionGroups": ["jump"]})], ids=["by tag", "by name"]
)
def test_bastion_of_the_same_stack_is_accepted_before_it_exists(form: Form, tags: Any, configured: Any) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": tags})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    assert judge_stack(REMOTE, bastion, *rule, **configured) == SILENT
    stranger = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": {}})
    (said,) = judge_stack(REMOTE, stranger, *rule).violations
    assert "open to jump" in said


def test_source_of_two_possible_groups_needs_bastions_in_both(form: Form) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": {"Role": "Bastion"}})
    other = Made(type=GROUP, name="web", properties={"id": UNKNOWN, "tags": {}})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump", "web")))
    assert len(judge_stack(REMOTE, bastion, other, *rule).violations) == 1


def test_bastion_group_whose_tags_are_not_known_yet_is_said(form: Form) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": UNKNOWN})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    result = judge_stack(REMOTE, bastion, *rule)
    assert result.violations == []
    assert result.unseen


@pytest.mark.parametrize("unknown", ["protocol", "first"])
def test_ports_of_administration_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(REMOTE, *form(Rule(**{unknown: UNKNOWN})))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_ports_are_configurable(form: Form) -> None:
    assert (
        len(judge_stack(REMOTE, *form(Rule(first=2222, last=2222)), administrationPorts=["tcp/2222"]).violations) == 1
    )


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
