from typing import Any

import pytest

from policies.domain_controllers.controller_inbound_sources import RULE
from tests.policies.domain_controllers.stacks import PREFIX_LIST, PREFIX_LIST_ENTRY, Form, Rule
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"


@pytest.mark.parametrize("cidr", ["10.10.0.0/16", "172.31.0.0/16", "192.168.0.1/32", "10.0.0.0/8"])
def test_private_networks_are_fine(form: Form, cidr: str) -> None:
    assert judge_stack(RULE, *form(Rule(value=cidr))) == SILENT


def test_private_ipv6_networks_are_fine(form: Form) -> None:
    assert judge_stack(RULE, *form(Rule(peer="cidrIpv6", value="fd00:1234::/32"))) == SILENT


@pytest.mark.parametrize("peer", ["referencedSecurityGroupId", "self"])
def test_groups_are_fine(form: Form, peer: str) -> None:
    assert judge_stack(RULE, *form(Rule(peer=peer, value="sg-1"))) == SILENT


@pytest.mark.parametrize(
    "cidr",
    ["0.0.0.0/0", "0.0.0.0/00", "1.2.3.4/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "52.94.0.0/22", "any", "0/0"],
)
def test_every_address_is_refused_in_any_spelling(form: Form, cidr: str) -> None:
    result = judge_stack(RULE, *form(Rule(value=cidr)))
    (said,) = result.violations
    assert f'"{form.carrier}": ' in said
    assert f'found "{cidr}", expected a network within {PRIVATE}. ' in said
    assert result.unseen == []


@pytest.mark.parametrize(
    "cidr", ["::/0", "0::/0", "::0/0", "0:0:0:0:0:0:0:0/0", "0000::/0", "8000::/1", "2001:db8::/32"]
)
def test_every_ipv6_address_is_refused_in_any_spelling(form: Form, cidr: str) -> None:
    assert len(judge_stack(RULE, *form(Rule(peer="cidrIpv6", value=cidr))).violations) == 1


@pytest.mark.parametrize("protocol", ["-1", "all", "6", "tcp", "17"])
def test_every_address_is_refused_with_any_protocol(form: Form, protocol: str) -> None:
    assert len(judge_stack(RULE, *form(Rule(protocol=protocol, value="0.0.0.0/0"))).violations) == 1


def test_public_network_may_be_listed_but_not_a_wide_one(form: Form) -> None:
    allowed = {"allowedSources": ["10.0.0.0/8", "0.0.0.0/0"]}
    assert judge_stack(RULE, *form(Rule(value="203.0.113.0/24")), **allowed) == SILENT
    assert len(judge_stack(RULE, *form(Rule(value="203.0.112.0/23")), **allowed).violations) == 1
    assert len(judge_stack(RULE, *form(Rule(value="0.0.0.0/0")), **allowed).violations) == 1


def test_sources_are_configurable(form: Form) -> None:
    assert (
        judge_stack(RULE, *form(Rule(value="10.10.1.0/24")), allowedSources=["10.10.0.0/17", "10.10.128.0/17"])
        == SILENT
    )
    assert judge_stack(RULE, *form(Rule()), allowedSources=["10.10.0.0/17", "10.10.128.0/17"]) == SILENT
    assert len(judge_stack(RULE, *form(Rule(value="10.11.0.0/16")), allowedSources=["10.10.0.0/16"]).violations) == 1


def prefix_list(*cidrs: Any, id_: str = UNKNOWN) -> Made:
    return Made(type=PREFIX_LIST, name="list", properties={"id": id_, "entries": [{"cidr": each} for each in cidrs]})


@pytest.mark.parametrize(("id_", "sources"), [(UNKNOWN, ("list",)), ("pl-1", ())], ids=["preview", "update"])
def test_prefix_list_of_the_stack_is_looked_into(form: Form, id_: str, sources: tuple[str, ...]) -> None:
    rule = form(Rule(peer="prefixListId", value=id_, sources=sources))
    assert judge_stack(RULE, *rule, prefix_list("10.0.0.0/16", id_=id_)) == SILENT
    (said,) = judge_stack(RULE, *rule, prefix_list("10.0.0.0/16", "0.0.0.0/0", id_=id_)).violations
    assert '(a prefix list of the stack): found "0.0.0.0/0"' in said
    assert judge_stack(RULE, *rule, prefix_list(UNKNOWN, id_=id_)).unseen


def test_entries_that_are_resources_of_their_own_count(form: Form) -> None:
    rule = form(Rule(peer="prefixListId", value=UNKNOWN, sources=("list",)))
    entry = Made(
        type=PREFIX_LIST_ENTRY,
        name="entry",
        properties={"prefixListId": UNKNOWN, "cidr": "::/0"},
        sources={"prefixListId": ("list",)},
    )
    assert len(judge_stack(RULE, *rule, prefix_list("10.0.0.0/16"), entry).violations) == 1


def test_prefix_list_of_another_stack_has_to_be_listed(form: Form) -> None:
    rule = form(Rule(peer="prefixListId", value="pl-1"))
    assert len(judge_stack(RULE, *rule).violations) == 1
    assert judge_stack(RULE, *rule, allowedPrefixLists=["pl-1"]) == SILENT


def test_source_that_is_not_known_yet_is_said(form: Form) -> None:
    result = judge_stack(RULE, *form(Rule(value=UNKNOWN, sources=("dc",))))
    assert result.violations == []
    assert len(result.unseen) == 1
    assert f'"{form.carrier}": ' in result.unseen[0]


def test_group_that_is_no_controllers_is_left_alone(form: Form) -> None:
    assert judge_stack(RULE, *form(Rule(value="0.0.0.0/0"), {"Role": "WebServer"})) == SILENT


def test_group_with_unknown_tags_is_undecided_where_relevant(form: Form) -> None:
    result = judge_stack(RULE, *form(Rule(value="0.0.0.0/0"), UNKNOWN))
    assert result.violations == []
    assert len(result.unseen) == 1
    assert "tags" in result.unseen[0]
    assert judge_stack(RULE, *form(Rule(), UNKNOWN)) == SILENT


def test_rules_without_any_group_are_no_business_of_it() -> None:
    assert judge_stack(RULE) == SILENT
