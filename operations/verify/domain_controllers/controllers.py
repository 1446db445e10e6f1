"""Comparison of the domain controllers: without public access, protected, encrypted, in the plan's groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from components.detection.names import EXCLUSION_TAG, SecurityService
from components.domain_controllers.names import CONTROLLERS_KEY_ALIAS, CONTROLLERS_ROLE, ROLE_TAG, VOLUME_TYPE
from components.domain_controllers.operations.patching import PATCH_GROUP, PATCH_GROUP_TAG
from components.domain_controllers.resource_policies import controllers_key_policy
from operations.findings import Finding, Status
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts
from operations.verify.domain_controllers.identities import deployers_of, team
from operations.verify.findings import Check
from operations.verify.keys import alias_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.domain_controllers.settings import ControllerSettings
    from operations.deployment import SiteDeployment
    from operations.inventory.domain_controllers import ControllerFacts, SiteFacts, SitePlacement

_REPLACE = "replace what cannot be changed: docs/domain-controllers.md, Replacing a controller"
_RUNNING = ("pending", "running")


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A fault of a controller, and its remediation."""

    text: str
    remedy: str


def controller_findings(
    site: SiteDeployment, placement: SitePlacement, groups: frozenset[str] | ReadFailure, live: SiteFacts
) -> list[Finding]:
    """Compare the volumes' key, and each controller that the settings define."""
    findings = alias_findings(
        "directory-key", CONTROLLERS_KEY_ALIAS, site.deployment, live.key, _key_policy(site, live.key)
    )
    for each in site.settings.controllers:
        findings += _controller(site, placement, each, groups, live)
    return findings


def _controller(
    site: SiteDeployment,
    placement: SitePlacement,
    settings: ControllerSettings,
    groups: frozenset[str] | ReadFailure,
    live: SiteFacts,
) -> list[Finding]:
    protection = "on" if site.section.termination_protection else "off"
    check = Check(
        f"directory-controller-{settings.name}",
        f"{settings.name} in {settings.subnet}: IMDSv2 only, no public address, "
        f"termination protection {protection}, volumes encrypted with the directory's key",
        site.deployment.repair,
    )
    if isinstance(live.controllers, ReadFailure):
        return [check.report_unread(live.controllers)]
    named = [each for each in live.controllers if each.name == settings.name]
    if len(named) != 1:
        ids = ", ".join(each.id for each in named)
        return [check.reject(f"{len(named)} instances: {ids}" if named else "no such instance")]
    found = named[0]
    for unread in (found.protected, found.volumes, groups):
        if isinstance(unread, ReadFailure):
            return [check.report_unread(unread)]
    subnet = next((each.id for each in placement.subnets if each.given == settings.subnet), "")
    faults = [
        *_network(site, found, groups, subnet),
        *_instance(site, settings, found),
        *_tags(site, found),
        *_volumes(site, settings, found, live.key),
    ]
    remedies = "; ".join(dict.fromkeys(each.remedy for each in faults))
    text = f"{found.id}: {'; '.join(each.text for each in faults)}" if faults else found.id
    findings = [replace(check, remedy=remedies).judge(text, same=not faults)]
    if found.state not in _RUNNING:
        # A warning: the directory team starts and stops controllers.
        start = f"aws ec2 start-instances --instance-ids {found.id} --region {site.deployment.region}"
        findings.append(
            Check(f"{check.id}-state", "it runs", start).reject(f"{found.id} is {found.state}", Status.WARNING)
        )
    return findings


def _network(
    site: SiteDeployment, found: ControllerFacts, groups: frozenset[str] | ReadFailure, subnet: str
) -> Iterator[_Fault]:
    region, repair = site.deployment.region, site.deployment.repair
    for address, association in found.public:
        take = f"aws ec2 disassociate-address --association-id {association} --region {region}"
        yield _Fault(text=f"public address {address}", remedy=take if association else _REPLACE)
    if isinstance(groups, frozenset) and found.group_ids != groups:
        lacking, more = sorted(groups - found.group_ids), sorted(found.group_ids - groups)
        differences = [f"lacks {', '.join(lacking)}"] if lacking else []
        differences += [f"has {', '.join(more)} besides"] if more else []
        yield _Fault(text=f"security groups: {' and '.join(differences)}", remedy=repair)
    if found.subnet_id != subnet:
        yield _Fault(text=f"in {found.subnet_id}", remedy=_REPLACE)


def _instance(site: SiteDeployment, settings: ControllerSettings, found: ControllerFacts) -> Iterator[_Fault]:
    repair = site.deployment.repair
    if found.metadata.get("HttpTokens") != "required":
        yield _Fault(text="IMDSv1 is allowed", remedy=repair)
    if found.metadata.get("HttpEndpoint", "enabled") != "enabled":
        yield _Fault(text="instance metadata is off, which SSM Agent needs", remedy=repair)
    hops = found.metadata.get("HttpPutResponseHopLimit", 1)
    if hops != 1:
        yield _Fault(text=f"instance metadata responses travel {hops} hops", remedy=repair)
    if found.type != settings.instance_type:
        yield _Fault(text=f"instance type {found.type}", remedy=repair)
    if not found.checks_source:
        yield _Fault(text="the source/destination check is off", remedy=repair)
    protection = site.section.termination_protection
    if found.protected is not None and found.protected != protection:
        yield _Fault(text=f"termination protection {'off' if protection else 'on'}", remedy=repair)
    if found.profile != CONTROLLERS_ROLE:
        yield _Fault(text=f"instance profile {found.profile or 'none'}", remedy=repair)


def _tags(site: SiteDeployment, found: ControllerFacts) -> Iterator[_Fault]:
    repair = site.deployment.repair
    if not found.tagged:
        yield _Fault(text=f"lacks the tag {ROLE_TAG[0]}", remedy=repair)
    if site.section.patching and found.patch_group != PATCH_GROUP:
        # Without it, AWS' own baseline counts.
        yield _Fault(text=f"lacks the tag {PATCH_GROUP_TAG} with {PATCH_GROUP}", remedy=repair)
    if found.is_excluded and SecurityService.INSPECTOR in site.section.detected:
        yield _Fault(text=f"has the tag {EXCLUSION_TAG}, so that Inspector does not scan it", remedy=repair)


def _volumes(
    site: SiteDeployment, settings: ControllerSettings, found: ControllerFacts, key: object
) -> Iterator[_Fault]:
    """Yield faults of the volumes; while the planned key is unknown (a finding of its own), any key is accepted."""
    volumes = () if isinstance(found.volumes, ReadFailure) else found.volumes
    by_device = {each.device: each for each in volumes}
    for planned in site.section.volumes_of(settings):
        live = by_device.get(planned.device_name)
        if live is None:
            yield _Fault(text=f"no volume is attached as {planned.device_name}", remedy=site.deployment.repair)
            continue
        if live.type != VOLUME_TYPE:
            yield _Fault(text=f"{live.id} is of type {live.type}", remedy=site.deployment.repair)
        if live.size != planned.size:
            # EBS cannot shrink a volume, so that such an update would fail.
            grown = f"set size: {live.size} for {planned.device_name} in shell-access:domainControllers.sites"
            remedy = grown if live.size > planned.size else site.deployment.repair
            yield _Fault(text=f"{live.id} has {live.size} GiB, not {planned.size}", remedy=remedy)
    for each in volumes:
        if not each.key_arn:
            yield _Fault(text=f"{each.id} is not encrypted", remedy=_REPLACE)
        elif isinstance(key, KeyFacts) and each.key_arn != key.arn:
            yield _Fault(text=f"{each.id} is encrypted with {each.key_arn}", remedy=_REPLACE)
        if not each.tagged:
            tag = f"aws ec2 create-tags --resources {each.id} --tags Key={ROLE_TAG[0]},Value={ROLE_TAG[1]}"
            yield _Fault(
                text=f"{each.id} lacks the tag {ROLE_TAG[0]}", remedy=f"{tag} --region {site.deployment.region}"
            )


def _key_policy(site: SiteDeployment, live: KeyFacts | ReadFailure | None) -> dict[str, Any]:
    policy = live.policy if isinstance(live, KeyFacts) and not isinstance(live.policy, ReadFailure) else None
    return controllers_key_policy(site.scope, [*team(site), *deployers_of(site, policy)])
