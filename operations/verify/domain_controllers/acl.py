"""Comparison of the network ACL: its associations with the controllers' subnets, and its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.domain_controllers.names import acl_name, site_name
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.domain_controllers.network_acl import AclPlan, AclRule
    from operations.desired import AskedSite
    from operations.inventory.domain_controllers import PlaceFacts, SiteFacts
    from operations.inventory.network import NetworkAcl


def acl_findings(wanted: AskedSite, place: PlaceFacts, plan: AclPlan | None, live: SiteFacts) -> list[Finding]:
    """Compare the ACL; the next refresh shows other rules, too, as the resource includes all its rules."""
    if plan is None:
        return []
    name = acl_name(site_name(wanted.asked.region), plan)
    expected = f"network ACL {name} in force for {', '.join(each.given for each in place.subnets)}"
    if isinstance(live.acls, Unread):
        return [cannot_tell("directory-acl", expected, live.acls)]
    found = next((each for each in live.acls if each.name == name), None)
    if found is None:
        said = f"no such ACL; {_followed(place, live.acls)}"
        return [compared("directory-acl", same=False, expected=expected, found=said, remedy=wanted.asked.repair)]
    without = [each for each in place.subnets if each.id not in found.subnet_ids]
    findings = [
        compared(
            "directory-acl",
            same=not without,
            expected=expected,
            found=_followed(place, live.acls) if without else found.id,
            remedy=wanted.asked.repair,
        )
    ]
    return [*findings, _rules(wanted, plan, found)]


def _followed(place: PlaceFacts, acls: Sequence[NetworkAcl]) -> str:
    """Return the ACL that each subnet is associated with."""
    return ", ".join(
        f"{subnet.given} follows {next((each.id for each in acls if subnet.id in each.subnet_ids), 'none')}"
        for subnet in place.subnets
    )


def _rules(wanted: AskedSite, plan: AclPlan, live: NetworkAcl) -> Finding:
    ours = {(each.direction, each.number): each for each in plan.rules}
    theirs = {(each.direction, each.number): each for each in live.rules}
    said = [f"missing: {_in_words(each)}" for key, each in ours.items() if key not in theirs]
    said += [f"foreign: {_in_words(each)}" for key, each in theirs.items() if key not in ours]
    said += [
        f"changed: {_in_words(each)}, where the plan has {_in_words(ours[key])}"
        for key, each in theirs.items()
        if key in ours and ours[key] != each
    ]
    return compared(
        "directory-acl-rules",
        same=not said,
        expected=f"{live.id} has the plan's {len(plan.rules)} rules and no others",
        found="; ".join(said) or f"{len(live.rules)} rules",
        remedy=wanted.asked.repair,
    )


def _in_words(rule: AclRule) -> str:
    what = "everything" if rule.protocol == -1 else f"protocol {rule.protocol} {rule.port_range}"
    way = "from" if rule.direction == "ingress" else "to"
    return f"rule {rule.number}: {rule.direction} {'' if rule.allows else 'denies '}{what} {way} {rule.network}"
