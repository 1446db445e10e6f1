"""Which rules count as those of domain controllers, whatever a rule of the pack asks of them."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_PORTS as PORTS
from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_SOURCES as SOURCES
from policies.domain_controllers.controller_traffic import CONTROLLER_OUTBOUND as OUTBOUND
from policies.domain_controllers.controller_traffic import CONTROLLER_REMOTE_ADMINISTRATION as ADMINISTRATION
from tests.policies.domain_controllers.stacks import (
    FORMS,
    GROUP,
    INGRESS_RULE,
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKED,
    NETWORK_INTERFACE,
    OLD_RULE,
    SPOT_INSTANCE,
    Rule,
)
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack, undecided

OPEN = {"protocol": "tcp", "fromPort": 389, "toPort": 389, "cidrBlocks": ["0.0.0.0/0"]}


def plain_group(id_: Any = UNKNOWN, **properties: Any) -> Made:
    return Made(GROUP, "group", {"id": id_, "ingress": [OPEN], **properties})


def vpc_rule(**changes: Any) -> Made:
    properties = {"ipProtocol": "tcp", "fromPort": 389, "toPort": 389, "cidrIpv4": "0.0.0.0/0", **changes}
    return Made(INGRESS_RULE, "rule", properties, sources={})


@pytest.mark.parametrize(
    ("type_", "properties"),
    [
        pytest.param(INSTANCE, {"vpcSecurityGroupIds": ["sg-1"]}, id="an instance"),
        pytest.param(INSTANCE, {"securityGroups": ["group-name"]}, id="an instance, by name"),
        pytest.param(SPOT_INSTANCE, {"vpcSecurityGroupIds": ["sg-1"]}, id="a spot instance"),
        pytest.param(NETWORK_INTERFACE, {"securityGroups": ["sg-1"]}, id="a network interface"),
        pytest.param(LAUNCH_TEMPLATE, {"vpcSecurityGroupIds": ["sg-1"]}, id="a launch template"),
        pytest.param(
            LAUNCH_TEMPLATE,
            {"networkInterfaces": [{"securityGroups": ["sg-1"]}]},
            id="an interface of a launch template",
        ),
    ],
)
def test_group_that_a_controller_has_is_a_controllers(type_: str, properties: Any) -> None:
    group = plain_group("sg-1", name="group-name")
    machine = Made(type_, "dc1", {"tags": MARKED, **properties})
    assert len(judge_stack(SOURCES, group, machine).violations) == 1
    unmarked = Made(type_, "web", {"tags": {}, **properties})
    assert judge_stack(SOURCES, group, unmarked) == SILENT


def test_group_that_a_controller_will_have_is_a_controllers() -> None:
    machine = Made(
        INSTANCE, "dc1", {"tags": MARKED, "vpcSecurityGroupIds": [UNKNOWN]}, sources={"vpcSecurityGroupIds": ["group"]}
    )
    assert len(judge_stack(SOURCES, plain_group(), machine).violations) == 1


def test_launch_template_that_makes_controllers_is_one() -> None:
    tags = {"tagSpecifications": [{"resourceType": "instance", "tags": MARKED}]}
    machine = Made(LAUNCH_TEMPLATE, "t", {"vpcSecurityGroupIds": ["sg-1"], **tags})
    assert len(judge_stack(SOURCES, plain_group("sg-1"), machine).violations) == 1


@pytest.mark.parametrize("interface", ["interface", "instance"])
def test_group_put_on_a_controllers_interface_is_a_controllers(interface: str) -> None:
    machine = Made(NETWORK_INTERFACE if interface == "interface" else INSTANCE, "dc1", {"id": UNKNOWN, "tags": MARKED})
    attachment = Made(
        "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment",
        "attachment",
        {"networkInterfaceId": UNKNOWN, "securityGroupId": UNKNOWN},
        sources={"networkInterfaceId": ["dc1"], "securityGroupId": ["group"]},
    )
    assert len(judge_stack(SOURCES, plain_group(), machine, attachment).violations) == 1


@pytest.mark.parametrize("stated", ["eni-1", "eni-2"])
def test_group_put_on_a_known_interface_is_a_controllers(stated: str) -> None:
    machine = Made(INSTANCE, "dc1", {"id": "i-1", "primaryNetworkInterfaceId": "eni-1", "tags": MARKED})
    attachment = Made(
        "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment",
        "attachment",
        {"networkInterfaceId": stated, "securityGroupId": "sg-1"},
    )
    assert len(judge_stack(SOURCES, plain_group("sg-1"), machine, attachment).violations) == (stated == "eni-1")


def test_default_tags_of_the_provider_mark_controllers() -> None:
    for tags in (MARKED, {"Role": "Web"}):
        group = plain_group(tagsAll=tags)
        assert len(judge_stack(SOURCES, group).violations) == (tags is MARKED)


def test_rule_of_another_stacks_controller_group_is_evaluated() -> None:
    machine = Made(INSTANCE, "dc1", {"tags": MARKED, "vpcSecurityGroupIds": ["sg-elsewhere"]})
    assert len(judge_stack(SOURCES, machine, vpc_rule(securityGroupId="sg-elsewhere")).violations) == 1
    assert judge_stack(SOURCES, machine, vpc_rule(securityGroupId="sg-another")) == SILENT


@pytest.mark.parametrize("identity", [{}, {"id": UNKNOWN}, {"id": "sg-1"}], ids=["no ID", "not known yet", "known"])
def test_rule_of_a_known_group_is_evaluated_with_any_group_id(identity: Any) -> None:
    group = Made(GROUP, "group", {"tags": MARKED, **identity})
    properties = {**vpc_rule().properties, "securityGroupId": "sg-1"}
    rule = Made(INGRESS_RULE, "rule", properties, sources={"securityGroupId": ["group"]})
    assert len(judge_stack(SOURCES, group, rule).violations) == 1


@pytest.mark.parametrize("listed", ["sg-elsewhere", "group"])
def test_groups_may_be_listed(listed: str) -> None:
    rule, group = vpc_rule(securityGroupId="sg-elsewhere"), plain_group()
    assert len(judge_stack(SOURCES, rule, group, alsoControllers=[listed]).violations) == 1


def test_tag_is_configurable_and_its_case_does_not_count() -> None:
    own = {"tagKey": "role", "tagValues": ["dc"]}
    assert len(judge_stack(SOURCES, plain_group(tags={"Role": "DC"}), **own).violations) == 1
    assert judge_stack(SOURCES, plain_group(tags=MARKED), **own) == SILENT


def test_rule_with_the_tag_is_evaluated_in_any_group() -> None:
    rule = vpc_rule(securityGroupId=UNKNOWN, tags=MARKED)
    assert len(judge_stack(SOURCES, rule).violations) == 1


@pytest.mark.parametrize("type_", [INGRESS_RULE, OLD_RULE])
def test_undecided_group_is_reported_where_relevant(type_: str) -> None:
    ports = {"ipProtocol": "tcp", "protocol": "tcp", "type": "ingress", "fromPort": 389, "toPort": 389}
    every_address = {"cidrIpv4": "0.0.0.0/0"} if type_ == INGRESS_RULE else {"cidrBlocks": ["0.0.0.0/0"]}
    lost = Made(
        type_,
        "rule",
        {**ports, **every_address, "securityGroupId": UNKNOWN},
        sources={"securityGroupId": ["reference"]},
    )
    reference = Made("pulumi:pulumi:StackReference", "reference")
    assert judge_stack(SOURCES, reference, lost) == undecided(type_, "securityGroupId", name="rule")
    private = {"cidrIpv4": "10.0.0.0/8"} if type_ == INGRESS_RULE else {"cidrBlocks": ["10.0.0.0/8"]}
    fine = Made(type_, "rule", {**lost.properties, **private}, sources=lost.sources)
    assert judge_stack(SOURCES, reference, fine) == SILENT


def test_refreshed_rules_of_a_group_are_reported_once() -> None:
    group = Made(GROUP, "group", {"id": "sg-1", "tags": MARKED, "ingress": [OPEN]})
    (said,) = judge_stack(SOURCES, group, vpc_rule(securityGroupId="sg-1")).violations
    assert '"rule": cidrIpv4' in said


def test_refreshed_rules_to_the_own_group_are_reported_once() -> None:
    block = {"protocol": "tcp", "fromPort": 8080, "toPort": 8080, "self": True}
    group = Made(GROUP, "group", {"id": "sg-1", "tags": MARKED, "ingress": [block]})
    ports = {"ipProtocol": "tcp", "fromPort": 8080, "toPort": 8080}
    properties = {**ports, "securityGroupId": "sg-1", "referencedSecurityGroupId": "sg-1"}
    rule = Made(INGRESS_RULE, "rule", properties)
    (said,) = judge_stack(PORTS, group, rule).violations
    assert '"rule": ' in said


def test_tag_whose_value_is_not_known_yet_is_undecided() -> None:
    result = judge_stack(SOURCES, plain_group(tags={"Role": UNKNOWN}))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_rule_added_by_hand_is_seen_after_a_refresh() -> None:
    group = Made(GROUP, "group", {"id": "sg-1", "tags": MARKED, "ingress": [OPEN]})
    fine = vpc_rule(securityGroupId="sg-1", cidrIpv4="10.0.0.0/8")
    (said,) = judge_stack(SOURCES, group, fine).violations
    assert '"group": ingress[0].cidrBlocks[0]' in said


def test_equal_rule_of_another_group_hides_nothing() -> None:
    group = Made(GROUP, "group", {"id": "sg-1", "tags": MARKED, "ingress": [OPEN]})
    other = Made(GROUP, "other", {"id": "sg-2", "tags": MARKED, "ingress": []})
    assert len(judge_stack(SOURCES, group, other, vpc_rule(securityGroupId="sg-2")).violations) == 2


# Random rules in every form, against a plain statement of what is open.

PROTOCOLS = {"tcp": 6, "6": 6, "udp": 17, "17": 17, "-1": None, "all": None, "TCP": 6}
CIDRS = ["0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/8", "10.9.0.0/16", "172.16.0.0/12", "172.0.0.0/8", "198.51.100.0/24"]
TABLE_PORTS = {
    6: {53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 5722, 9389, *range(49152, 65536)},
    17: {53, 88, 123, 137, 138, 389, 445, 464, *range(49152, 65536)},
}
ADMINISTRATION_PORTS = {6: {22, 3389, 5985, 5986}, 17: {3389}}
PROBES = sorted({0, 21, 22, 52, 53, 54, 88, 389, 443, 3388, 3389, 5985, 49151, 49152, 65535})
PRIVATE = [ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def passing(rule: Rule, protocol: int) -> set[int]:
    """The ports that a rule opens for a protocol."""
    number = PROTOCOLS[rule.protocol]
    if number is None:
        return set(range(65536))
    return set(range(rule.first, rule.last + 1)) if number == protocol else set()


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    peers = sorted(draw(st.tuples(st.sampled_from(PROBES), st.sampled_from(PROBES))))
    return Rule(
        protocol=draw(st.sampled_from(sorted(PROTOCOLS))),
        first=peers[0],
        last=peers[1],
        value=draw(st.sampled_from(CIDRS)),
        direction=draw(st.sampled_from(["ingress", "egress"])),
    )


@settings(max_examples=60, deadline=None)
@given(rule=rules(), form=st.sampled_from(sorted(FORMS)), marked=st.booleans())
def test_rules_agree_with_what_is_open(rule: Rule, form: str, *, marked: bool) -> None:
    resources = FORMS[form](rule, MARKED if marked else {"Role": "WebServer"})
    ports = {number: passing(rule, number) for number in (6, 17)}
    other_protocols = PROTOCOLS[rule.protocol] is None
    inbound, outbound = rule.direction == "ingress", rule.direction == "egress"
    network = ip_network(rule.value)
    private = any(network.subnet_of(each) for each in PRIVATE)
    administered = any(ports[number] & ADMINISTRATION_PORTS[number] for number in ports)
    beyond = other_protocols or any(
        ports[number] - TABLE_PORTS[number] - ADMINISTRATION_PORTS[number] for number in ports
    )
    beyond_out = other_protocols or any(
        ports[number] - TABLE_PORTS[number] - ({443} if number == 6 else set()) for number in ports
    )
    expected = [
        (SOURCES, int(inbound and not private)),
        (PORTS, int(inbound and beyond)),
        (ADMINISTRATION, int(inbound and administered)),
        (OUTBOUND, (not private) + beyond_out if outbound else 0),
    ]
    for judged, count in expected:
        result = judge_stack(judged, *resources)
        assert (len(result.violations), result.unseen) == (count if marked else 0, []), judged.id
