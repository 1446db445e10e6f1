"""Comparison of the domain controllers: without public access, protected, encrypted, in the plan's groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.domain_controllers.instance_role import NAME as PROFILE
from components.domain_controllers.key_policy import controllers_key_policy
from components.domain_controllers.names import CONTROLLERS_KEY_ALIAS, VOLUME_TYPE
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from operations.inventory.session_manager import KeyFacts
from operations.reading import Unread
from operations.verify.domain_controllers.identities import deployers_of, team
from operations.verify.findings import Finding, Status, cannot_tell, compared
from operations.verify.keys import alias_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.domain_controllers.settings import ControllerSettings
    from operations.desired import AskedSite
    from operations.inventory.domain_controllers import ControllerFacts, PlaceFacts, SiteFacts

_REPLACE = "replace what cannot be changed: docs/domain-controllers.md, Replacing a controller"
_RUNNING = ("pending", "running")


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A fault of a controller, and its remediation."""

    said: str
    remedy: str


def controller_findings(
    wanted: AskedSite, place: PlaceFacts, groups: frozenset[str] | Unread, live: SiteFacts
) -> list[Finding]:
    """Compare the volumes' key, and each controller that the settings define.

    Args:
        wanted: Settings of the site.
        place: Network of the site.
        groups: IDs of the plan's security groups.
        live: Facts about the site.
    """
    findings = alias_findings(
        "directory-key", CONTROLLERS_KEY_ALIAS, wanted.asked, live.key, _key_policy(wanted, live.key)
    )
    for each in wanted.site.controllers:
        findings += _controller(wanted, place, each, groups, live)
    return findings


def _controller(
    wanted: AskedSite, place: PlaceFacts, asked: ControllerSettings, groups: frozenset[str] | Unread, live: SiteFacts
) -> list[Finding]:
    check = f"directory-controller-{asked.name}"
    expected = (
        f"{asked.name} in {asked.subnet}: IMDSv2 only, no public address, "
        f"termination protection {_on(on=wanted.section.termination_protection)}, volumes encrypted with the directory's key"
    )
    if isinstance(live.controllers, Unread):
        return [cannot_tell(check, expected, live.controllers)]
    named = [each for each in live.controllers if each.name == asked.name]
    if len(named) != 1:
        said = f"{len(named)} instances: {', '.join(each.id for each in named)}" if named else "no such instance"
        return [compared(check, same=False, expected=expected, found=said, remedy=wanted.asked.repair)]
    found = named[0]
    for unread in (found.protected, found.volumes, groups):
        if isinstance(unread, Unread):
            return [cannot_tell(check, expected, unread)]
    subnet = next((each.id for each in place.subnets if each.given == asked.subnet), "")
    faults = [
        *_network(wanted, found, groups, subnet),
        *_instance(wanted, asked, found),
        *_volumes(wanted, asked, found, live.key),
    ]
    finding = compared(
        check,
        same=not faults,
        expected=expected,
        found=f"{found.id}: {'; '.join(each.said for each in faults)}" if faults else found.id,
        remedy="; ".join(dict.fromkeys(each.remedy for each in faults)),
    )
    return [finding, *_state(wanted, check, found)]


def _network(
    wanted: AskedSite, found: ControllerFacts, groups: frozenset[str] | Unread, subnet: str
) -> Iterator[_Fault]:
    region, repair = wanted.asked.region, wanted.asked.repair
    for address, association in found.public:
        take = f"aws ec2 disassociate-address --association-id {association} --region {region}"
        yield _Fault(said=f"public address {address}", remedy=take if association else _REPLACE)
    if isinstance(groups, frozenset) and found.group_ids != groups:
        lacking, more = sorted(groups - found.group_ids), sorted(found.group_ids - groups)
        said = [f"lacks {', '.join(lacking)}"] if lacking else []
        said += [f"has {', '.join(more)} besides"] if more else []
        yield _Fault(said=f"security groups: {' and '.join(said)}", remedy=repair)
    if found.subnet_id != subnet:
        yield _Fault(said=f"in {found.subnet_id}", remedy=_REPLACE)


def _instance(wanted: AskedSite, asked: ControllerSettings, found: ControllerFacts) -> Iterator[_Fault]:
    repair = wanted.asked.repair
    if found.metadata.get("HttpTokens") != "required":
        yield _Fault(said="IMDSv1 is answered, too", remedy=repair)
    if found.metadata.get("HttpEndpoint", "enabled") != "enabled":
        yield _Fault(said="instance metadata is off, which the SSM Agent needs", remedy=repair)
    hops = found.metadata.get("HttpPutResponseHopLimit", 1)
    if hops != 1:
        yield _Fault(said=f"instance metadata is answered {hops} hops away", remedy=repair)
    if found.type != asked.instance_type:
        yield _Fault(said=f"instance type {found.type}", remedy=repair)
    if not found.checks_source:
        yield _Fault(said="the source/destination check is off", remedy=repair)
    protection = wanted.section.termination_protection
    if found.protected is not None and found.protected != protection:
        yield _Fault(said=f"termination protection {_on(on=not protection)}", remedy=repair)
    if found.profile != PROFILE:
        yield _Fault(said=f"instance profile {found.profile or 'none'}", remedy=repair)
    if not found.tagged:
        yield _Fault(said=f"lacks the tag {ROLE_TAG[0]}", remedy=repair)


def _volumes(wanted: AskedSite, asked: ControllerSettings, found: ControllerFacts, key: object) -> Iterator[_Fault]:
    """Yield faults of the volumes; while the planned key is unknown (a finding of its own), any key is accepted."""
    volumes = () if isinstance(found.volumes, Unread) else found.volumes
    by_device = {each.device: each for each in volumes}
    for planned in asked.volumes:
        live = by_device.get(planned.device_name)
        if live is None:
            yield _Fault(said=f"no volume is attached as {planned.device_name}", remedy=wanted.asked.repair)
            continue
        if live.type != VOLUME_TYPE:
            yield _Fault(said=f"{live.id} is of type {live.type}", remedy=wanted.asked.repair)
        if live.size != planned.size:
            # EBS cannot shrink a volume, so that such an update would fail.
            grown = f"set size: {live.size} for {planned.device_name} in shell-access:domainControllers.sites"
            remedy = grown if live.size > planned.size else wanted.asked.repair
            yield _Fault(said=f"{live.id} has {live.size} GiB, not {planned.size}", remedy=remedy)
    for each in volumes:
        if not each.key_arn:
            yield _Fault(said=f"{each.id} is not encrypted", remedy=_REPLACE)
        elif isinstance(key, KeyFacts) and each.key_arn != key.arn:
            yield _Fault(said=f"{each.id} is encrypted with {each.key_arn}", remedy=_REPLACE)
        if not each.tagged:
            tag = f"aws ec2 create-tags --resources {each.id} --tags Key={ROLE_TAG[0]},Value={ROLE_TAG[1]}"
            yield _Fault(said=f"{each.id} lacks the tag {ROLE_TAG[0]}", remedy=f"{tag} --region {wanted.asked.region}")


def _key_policy(wanted: AskedSite, live: KeyFacts | Unread | None) -> dict[str, Any]:
    policy = live.policy if isinstance(live, KeyFacts) and not isinstance(live.policy, Unread) else None
    return controllers_key_policy(
        partition=wanted.partition,
        account_id=wanted.asked.account_id,
        region=wanted.asked.region,
        users=[*team(wanted), *deployers_of(wanted, policy)],
    )


def _state(wanted: AskedSite, check: str, found: ControllerFacts) -> list[Finding]:
    """Report a controller that is not running as a warning: the directory team starts and stops controllers."""
    if found.state in _RUNNING:
        return []
    return [
        Finding(
            check=f"{check}-state",
            status=Status.WARNING,
            expected="it runs",
            found=f"{found.id} is {found.state}",
            remedy=f"aws ec2 start-instances --instance-ids {found.id} --region {wanted.asked.region}",
        )
    ]


def _on(*, on: bool) -> str:
    return "on" if on else "off"
