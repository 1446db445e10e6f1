"""The domain controllers of a Region run in more than one Availability Zone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import Machines
from policies.domain_controllers.references import given
from policies.findings import UNKNOWN, Unseen, Violation
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

_ZONES: Final = Parameter(
    name="minimumZones",
    description="In how many Availability Zones of a Region its controllers stand at least; 1 where one is a branch of "
    "others on premises.",
    default=2,
    schema={"type": "integer", "minimum": 1, "maximum": 6},
)

RULE = Rule(
    id="controller-two-zones",
    title="The domain controllers of a Region run in two Availability Zones",
    severity=Severity.MEDIUM,
    risk="no user can sign in while one zone is down",
    remedy="Build controllers in subnets of two zones (here: shell-access:domainControllers.sites.<Region>.controllers)",
    source='AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS", prerequisites; '
    "Well-Architected REL10-BP01; NIST SP 800-53 r5 CP-10, SC-36",
    url="https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/rel_fault_isolation_multiaz_region_system.html",
    parameters=(_ZONES, *MARKS),
)


@RULE.on_stack
def _are_spread(stack: Stack) -> Findings:
    machines = Machines(stack)
    by_region: dict[str, list[Resource]] = defaultdict(list)
    for instance in machines.instances:
        by_region[str(given(instance, "region") or "")].append(instance)
    for region, instances in by_region.items():
        yield from _judged(machines, region, instances, int(stack.settings[_ZONES.name]))


def _judged(machines: Machines, region: str, instances: list[Resource], least: int) -> Iterator[Finding]:
    zones = [_zone(machines, each) for each in instances]
    known = {zone for zone in zones if zone is not UNKNOWN}
    # Two controllers in one subnet are in one zone, even if it is not known yet.
    unknown = {machines.place_of(each) for each, zone in zip(instances, zones, strict=True) if zone is UNKNOWN}
    if len(known) >= least:
        return
    if len(known) + len(unknown) < least:
        where = f" of {region}" if region else ""
        names = ", ".join(sorted(each.name for each in instances))
        found = f"{len(known) + len(unknown)} for {names}"
        yield Violation("availabilityZone", found, f"{least} zones{where}", about=instances[0])
    else:
        yield Unseen("availabilityZone", about=instances[0])


def _zone(machines: Machines, instance: Resource) -> Any:
    """Return the zone of an instance, or of its subnet where that is in the stack."""
    zones = [instance.value("availabilityZone")]
    zones += [subnet.value("availabilityZone") for subnet in machines.subnet_of(instance).candidates[:1]]
    return next((zone for zone in zones if isinstance(zone, str)), UNKNOWN)
