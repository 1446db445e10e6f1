from typing import Any

import pytest

from policies.domain_controllers.controller_remote_administration import RULE
from tests.policies.domain_controllers.stacks import GROUP, Form, Rule
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

ADMINISTRATION = [("tcp", 22), ("tcp", 3389), ("udp", 3389), ("tcp", 5985), ("tcp", 5986)]


@pytest.mark.parametrize(("protocol", "port"), ADMINISTRATION)
def test_remote_administration_from_a_network_is_refused(form: Form, protocol: str, port: int) -> None:
    (said,) = judge_stack(RULE, *form(Rule(protocol=protocol, first=port, last=port))).violations
    assert f'"{form.carrier}": ' in said
    assert f'found {protocol}/{port} open to "10.10.0.0/16", expected {protocol}/{port} from bastion hosts' in said


@pytest.mark.parametrize(
    ("protocol", "first", "last"),
    [("tcp", 3000, 4000), ("tcp", 0, 65535), ("6", None, None), ("-1", 0, 0), ("all", None, None), ("17", 3389, 3389)],
)
def test_range_that_contains_it_is_refused(form: Form, protocol: str, first: Any, last: Any) -> None:
    assert len(judge_stack(RULE, *form(Rule(protocol=protocol, first=first, last=last))).violations) == 1


@pytest.mark.parametrize(
    ("protocol", "port"), [("tcp", 389), ("udp", 22), ("udp", 5985), ("icmp", 8), ("47", 0), ("tcp", 3388)]
)
def test_other_ports_are_no_business_of_it(form: Form, protocol: str, port: int) -> None:
    assert judge_stack(RULE, *form(Rule(protocol=protocol, first=port, last=port))) == SILENT


@pytest.mark.parametrize("peer", ["self", "referencedSecurityGroupId", "prefixListId", "cidrIpv6"])
def test_only_bastions_may_use_it(form: Form, peer: str) -> None:
    rule = Rule(first=3389, last=3389, peer=peer, value="fd00::/16" if peer == "cidrIpv6" else "x-1")
    assert len(judge_stack(RULE, *form(rule)).violations) == 1


def test_listed_bastions_may_use_it(form: Form) -> None:
    rule = form(Rule(first=3389, last=3389, peer="referencedSecurityGroupId", value="sg-bastion"))
    assert judge_stack(RULE, *rule, bastionGroups=["sg-bastion"]) == SILENT
    assert len(judge_stack(RULE, *rule, bastionGroups=["sg-other"]).violations) == 1


@pytest.mark.parametrize(
    ("tags", "configured"), [({"Role": "Bastion"}, {}), ({}, {"bastionGroups": ["jump"]})], ids=["by tag", "by name"]
)
def test_bastion_of_the_same_stack_is_accepted_before_it_exists(form: Form, tags: Any, configured: Any) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": tags})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    assert judge_stack(RULE, bastion, *rule, **configured) == SILENT
    stranger = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": {}})
    (said,) = judge_stack(RULE, stranger, *rule).violations
    assert "open to jump" in said


def test_source_of_two_possible_groups_needs_bastions_in_both(form: Form) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": {"Role": "Bastion"}})
    other = Made(type=GROUP, name="web", properties={"id": UNKNOWN, "tags": {}})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump", "web")))
    assert len(judge_stack(RULE, bastion, other, *rule).violations) == 1


def test_bastion_group_whose_tags_are_not_known_yet_is_said(form: Form) -> None:
    bastion = Made(type=GROUP, name="jump", properties={"id": UNKNOWN, "tags": UNKNOWN})
    rule = form(Rule(first=22, last=22, peer="referencedSecurityGroupId", value=UNKNOWN, sources=("jump",)))
    result = judge_stack(RULE, bastion, *rule)
    assert result.violations == []
    assert result.unseen


@pytest.mark.parametrize("unknown", ["protocol", "first"])
def test_ports_that_are_not_known_yet_are_said(form: Form, unknown: str) -> None:
    result = judge_stack(RULE, *form(Rule(**{unknown: UNKNOWN})))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_ports_are_configurable(form: Form) -> None:
    assert len(judge_stack(RULE, *form(Rule(first=2222, last=2222)), administrationPorts=["tcp/2222"]).violations) == 1


def test_group_that_is_no_controllers_is_left_alone(form: Form) -> None:
    assert judge_stack(RULE, *form(Rule(first=3389, last=3389), {})) == SILENT
