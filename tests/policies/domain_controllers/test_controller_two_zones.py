from typing import Any

from policies.domain_controllers.controller_two_zones import RULE
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def test_two_zones_are_fine() -> None:
    assert judge_stack(RULE, instance("dc1"), instance("dc2", availabilityZone="eu-west-1b")) == SILENT


def test_one_zone_is_refused() -> None:
    (said,) = judge_stack(RULE, instance("dc1"), instance("dc2")).violations
    assert "availabilityZone: found 1 for dc1, dc2, expected 2 zones. " in said


def test_single_controller_is_refused_unless_configured() -> None:
    assert len(judge_stack(RULE, instance()).violations) == 1
    assert judge_stack(RULE, instance(), minimumZones=1) == SILENT


def test_each_region_counts_by_itself() -> None:
    west = [instance(name, region="eu-west-1", availabilityZone=f"eu-west-1{name[-1]}") for name in ("w1", "w2")]
    east = instance("e1", region="us-east-1", availabilityZone="us-east-1a")
    assert judge_stack(RULE, *west) == SILENT
    (said,) = judge_stack(RULE, *west, east).violations
    assert "expected 2 zones of us-east-1." in said


def late(name: str, **properties: Any) -> Made:
    return instance(name, availabilityZone=UNKNOWN, **properties)


def test_zones_that_are_not_known_yet_are_said() -> None:
    result = judge_stack(RULE, late("dc1"), late("dc2"))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_two_in_one_subnet_are_refused_before_the_zone_is_known() -> None:
    assert len(judge_stack(RULE, late("dc1", subnetId="subnet-1"), late("dc2", subnetId="subnet-1")).violations) == 1


def test_subnet_of_the_stack_determines_the_zone() -> None:
    def at(zone: str) -> list[Made]:
        subnet = Made(
            type="aws:ec2/subnet:Subnet", name=f"s{zone}", properties={"id": UNKNOWN, "availabilityZone": zone}
        )
        properties = {"tags": {"Role": "DomainController"}, "availabilityZone": UNKNOWN, "subnetId": UNKNOWN}
        machine = Made(
            type="aws:ec2/instance:Instance",
            name=f"dc{zone}",
            properties=properties,
            sources={"subnetId": [subnet.name]},
        )
        return [subnet, machine]

    assert judge_stack(RULE, *at("a"), *at("b")) == SILENT
    assert len(judge_stack(RULE, *at("a")).violations) == 1


def test_other_instances_do_not_count() -> None:
    assert judge_stack(RULE, instance(tags={})) == SILENT
