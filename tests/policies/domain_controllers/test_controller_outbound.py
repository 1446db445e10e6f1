from typing import Any

import pytest

from policies.domain_controllers.controller_outbound import RULE
from tests.policies.domain_controllers.stacks import PREFIX_LIST, Form, Rule
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def out(**changes: Any) -> Rule:
    return Rule(**{"direction": "egress", "first": 443, "last": 443} | changes)


@pytest.mark.parametrize("port", [443, 53, 88, 389, 636, 9389])
def test_services_and_other_controllers_are_fine(form: Form, port: int) -> None:
    assert judge_stack(RULE, *form(out(first=port, last=port))) == SILENT


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self", "prefixListId"])
def test_groups_and_prefix_lists_of_others_are_fine(form: Form, peer: str) -> None:
    assert judge_stack(RULE, *form(out(peer=peer, value="pl-s3"))) == SILENT


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "0.0.0.0/1", "52.0.0.0/8", "203.0.113.0/24", "nonsense"])
def test_internet_is_refused(form: Form, cidr: str) -> None:
    (said,) = judge_stack(RULE, *form(out(value=cidr))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found "{cidr}", expected a network within' in said


def test_internet_of_ipv6_is_refused(form: Form) -> None:
    assert len(judge_stack(RULE, *form(out(peer="cidrIpv6", value="::/0"))).violations) == 1


@pytest.mark.parametrize(
    ("protocol", "first", "last"), [("tcp", 25, 25), ("-1", 0, 0), ("tcp", 0, 65535), ("tcp", 80, 443)]
)
def test_other_ports_are_refused(form: Form, protocol: str, first: int, last: int) -> None:
    (said,) = judge_stack(RULE, *form(out(protocol=protocol, first=first, last=last))).violations
    assert "expected ports of the tables only" in said


def test_everything_is_refused_for_both_reasons(form: Form) -> None:
    assert len(judge_stack(RULE, *form(out(protocol="-1", first=0, last=0, value="0.0.0.0/0"))).violations) == 2


def test_prefix_list_of_the_stack_is_looked_into(form: Form) -> None:
    listed = Made(type=PREFIX_LIST, name="list", properties={"id": UNKNOWN, "entries": [{"cidr": "0.0.0.0/0"}]})
    assert (
        len(judge_stack(RULE, listed, *form(out(peer="prefixListId", value=UNKNOWN, sources=("list",)))).violations)
        == 1
    )


def test_destinations_and_ports_are_configurable(form: Form) -> None:
    proxy = form(out(value="203.0.113.7/32", first=3128, last=3128))
    allowed = {"allowedDestinations": ["203.0.113.7/32"], "additionalPorts": ["tcp/3128"]}
    assert judge_stack(RULE, *proxy, **allowed) == SILENT
    assert len(judge_stack(RULE, *proxy).violations) == 2


def test_named_destinations_have_ports_of_their_own(form: Form) -> None:
    named = {"additionalDestinations": [{"networks": ["10.1.0.20/32"], "ports": ["tcp/8530-8531", "esp"]}]}
    for rule in (out(value="10.1.0.20/32", first=8530, last=8531), out(protocol="50", value="10.1.0.20/32")):
        assert judge_stack(RULE, *form(rule), **named) == SILENT
        assert len(judge_stack(RULE, *form(rule)).violations) == 1
    for other in (out(value="10.1.0.0/24", first=8530, last=8530), out(value="10.1.0.20/32", first=8529, last=8531)):
        assert len(judge_stack(RULE, *form(other), **named).violations) == 1


def test_what_is_not_known_yet_is_said(form: Form) -> None:
    assert judge_stack(RULE, *form(out(value=UNKNOWN, sources=("dc",)))).unseen
    assert judge_stack(RULE, *form(out(protocol=UNKNOWN))).unseen


def test_group_without_outbound_rules_is_closed(form: Form) -> None:
    assert judge_stack(RULE, *form(Rule())) == SILENT


def test_group_that_is_no_controllers_is_left_alone(form: Form) -> None:
    assert judge_stack(RULE, *form(out(value="0.0.0.0/0"), {})) == SILENT


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
    assert judge_stack(RULE, *form(rule)) == SILENT


@pytest.mark.parametrize("cidr", ["126.0.0.0/7", "0.0.0.0/0", "255.255.255.0/24"])
def test_network_around_an_unreachable_one_is_refused(form: Form, cidr: str) -> None:
    assert judge_stack(RULE, *form(out(value=cidr))).violations
