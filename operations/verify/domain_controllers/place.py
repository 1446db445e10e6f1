"""The network of a site: read, verified to be private, and passed to the planner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from operations.desired import AskedSite
    from operations.inventory.domain_controllers import PlaceFacts


def place_findings(wanted: AskedSite, live: PlaceFacts | Unread | str) -> list[Finding]:
    """Report whether the network exists, and is still private."""
    site, check = wanted.site, "directory-network"
    expected = f"one VPC {site.vpc} with the private subnets {', '.join(site.subnets)}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if isinstance(live, str):
        remedy = f"correct shell-access:domainControllers.sites.{wanted.asked.region}, or the Name tags"
        return [compared(check, same=False, expected=expected, found=live, remedy=remedy)]
    public = [each for each in live.subnets if each.internet_gateway]
    said = "; ".join(f"{each.given} ({each.id}) has a route to {each.internet_gateway}" for each in public)
    return [
        compared(
            check,
            same=not public,
            expected=expected,
            found=said or f"{live.vpc_id}: {', '.join(each.id for each in live.subnets)}",
            remedy="take the route to the internet gateway out of the route tables of these subnets",
        )
    ]
