"""Comparison of the domain controllers: without public access, protected, encrypted, in the plan's groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from components.detection.names import EXCLUSION_TAG, SecurityService
from components.domain_controllers.names import CONTROLLERS_KEY_ALIAS, CONTROLLERS_ROLE, ROLE_TAG, VOLUME_TYPE
from components.domain_controllers.operations.patching import PATCH_GROUP, PATCH_GROUP_TAG
from components.domain_controllers.resource_policies import controllers_key_policy
from operations.findings import Finding, Status
from operations.inventory.domain_controllers import has_role_tag
from operations.inventory.network import tag
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts
from operations.verify.domain_controllers.identities import deployers_of, team
from operations.verify.findings import Check
from operations.verify.storage import alias_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.domain_controllers.settings import ControllerSettings
    from operations.deployment import SiteDeployment
    from operations.inventory.domain_controllers import ControllerFacts, SiteFacts, SitePlacement

_REPLACE = "replace what cannot be changed: docs/domain-controllers.md, Replacing a controller"
_RUNNING = ("pending", "running")


class _Fault(NamedTuple):
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
        *(_Fault(each, site.deployment.repair) for each in _settings_faults(site, settings, found)),
        *_volumes(site, settings, found, live.key),
    ]
    remedies = "; ".join(dict.fromkeys(each.remedy for each in faults))
    text = f"{found.id}: {'; '.join(each.text for each in faults)}" if faults else found.id
    findings = [replace(check, remedy=remedies).judge(text, same=not faults)]
    state = found.instance["State"]["Name"]
    if state not in _RUNNING:
        # A warning: the directory team starts and stops controllers.
        start = f"aws ec2 start-instances --instance-ids {found.id} --region {site.deployment.region}"
        findings.append(Check(f"{check.id}-state", "it runs", start).reject(f"{found.id} is {state}", Status.WARNING))
    return findings


def _network(
    site: SiteDeployment, found: ControllerFacts, groups: frozenset[str] | ReadFailure, subnet: str
) -> Iterator[_Fault]:
    region, repair = site.deployment.region, site.deployment.repair
    for address, association in found.public.items():
        take = f"aws ec2 disassociate-address --association-id {association} --region {region}"
        yield _Fault(f"public address {address}", take if association else _REPLACE)
    live = frozenset(each["GroupId"] for each in found.instance.get("SecurityGroups", ()))
    if isinstance(groups, frozenset) and live != groups:
        lacking, more = sorted(groups - live), sorted(live - groups)
        differences = [f"lacks {', '.join(lacking)}"] if lacking else []
        differences += [f"has {', '.join(more)} besides"] if more else []
        yield _Fault(f"security groups: {' and '.join(differences)}", repair)
    if found.instance.get("SubnetId", "") != subnet:
        yield _Fault(f"in {found.instance.get('SubnetId', '')}", _REPLACE)


def _metadata_faults(metadata: Mapping[str, object]) -> Iterator[str]:
    if metadata.get("HttpTokens") != "required":
        yield "IMDSv1 is allowed"
    if metadata.get("HttpEndpoint", "enabled") != "enabled":
        yield "instance metadata is off, which SSM Agent needs"
    hops = metadata.get("HttpPutResponseHopLimit", 1)
    if hops != 1:
        yield f"instance metadata responses travel {hops} hops"


def _settings_faults(site: SiteDeployment, settings: ControllerSettings, found: ControllerFacts) -> Iterator[str]:
    """Yield faults of the instance that an update repairs."""
    live, section = found.instance, site.section
    yield from _metadata_faults(live.get("MetadataOptions", {}))
    if live.get("InstanceType") != settings.instance_type:
        yield f"instance type {live.get('InstanceType')}"
    if not live.get("SourceDestCheck", True):
        yield "the source/destination check is off"
    if found.protected is not None and found.protected != section.termination_protection:
        yield f"termination protection {'off' if section.termination_protection else 'on'}"
    profile = live.get("IamInstanceProfile", {}).get("Arn", "").rsplit("/", 1)[-1]
    if profile != CONTROLLERS_ROLE:
        yield f"instance profile {profile or 'none'}"
    if not has_role_tag(live):
        yield f"lacks the tag {ROLE_TAG[0]}"
    if section.patching and tag(live, PATCH_GROUP_TAG) != PATCH_GROUP:
        # Without it, AWS' own baseline counts.
        yield f"lacks the tag {PATCH_GROUP_TAG} with {PATCH_GROUP}"
    is_excluded = any(each["Key"] == EXCLUSION_TAG for each in live.get("Tags", ()))
    if is_excluded and SecurityService.INSPECTOR in section.detected:
        yield f"has the tag {EXCLUSION_TAG}, so that Inspector does not scan it"


def _volumes(
    site: SiteDeployment, settings: ControllerSettings, found: ControllerFacts, key: object
) -> Iterator[_Fault]:
    """Yield faults of the volumes; while the planned key is unknown (a finding of its own), any key is accepted."""
    repair, volumes = site.deployment.repair, () if isinstance(found.volumes, ReadFailure) else found.volumes
    by_device = {
        attachment.get("Device", ""): each
        for each in volumes
        for attachment in each["Attachments"]
        if attachment["InstanceId"] == found.id
    }
    for planned in site.section.volumes_of(settings):
        live = by_device.get(planned.device_name)
        if live is None:
            yield _Fault(f"no volume is attached as {planned.device_name}", repair)
            continue
        if live.get("VolumeType") != VOLUME_TYPE:
            yield _Fault(f"{live['VolumeId']} is of type {live.get('VolumeType')}", repair)
        size = live.get("Size", 0)
        if size != planned.size:
            # EBS cannot shrink a volume, so that such an update would fail.
            grown = f"set size: {size} for {planned.device_name} in shell-access:domainControllers.sites"
            yield _Fault(
                f"{live['VolumeId']} has {size} GiB, not {planned.size}", grown if size > planned.size else repair
            )
    for each in volumes:
        id_ = each["VolumeId"]
        key_arn = each.get("KmsKeyId", "") if each.get("Encrypted") else ""
        if not key_arn:
            yield _Fault(f"{id_} is not encrypted", _REPLACE)
        elif isinstance(key, KeyFacts) and key_arn != key.arn:
            yield _Fault(f"{id_} is encrypted with {key_arn}", _REPLACE)
        if not has_role_tag(each):
            create = f"aws ec2 create-tags --resources {id_} --tags Key={ROLE_TAG[0]},Value={ROLE_TAG[1]}"
            yield _Fault(f"{id_} lacks the tag {ROLE_TAG[0]}", f"{create} --region {site.deployment.region}")


def _key_policy(site: SiteDeployment, live: KeyFacts | ReadFailure | None) -> dict[str, Any]:
    policy = live.policy if isinstance(live, KeyFacts) and not isinstance(live.policy, ReadFailure) else None
    return controllers_key_policy(site.scope, [*team(site), *deployers_of(site, policy)])
