"""Resources of domain controllers have the tag that rules, alarms and access restrictions select by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.truth import Truth
from policies.domain_controllers import controller_tags as tags
from policies.domain_controllers.groups import MACHINES, ControllersGroups
from policies.domain_controllers.machines import AUTO_SCALING_GROUP, Machines, attached_resources
from policies.domain_controllers.references import ReferenceIndex
from policies.rule import CONTROLLERS_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

ATTACHMENT: Final = "aws:ec2/volumeAttachment:VolumeAttachment"
_WITHOUT_TAGS: Final = {
    AUTO_SCALING_GROUP: "launchConfiguration",
    tags.SPOT_FLEET: "launchSpecifications",
}
"""Resource types that launch instances that the other rules do not evaluate."""

_LOOKED_AT_ALONE: Final = (tags.INSTANCE, tags.SPOT_INSTANCE, tags.NETWORK_INTERFACE, tags.LAUNCH_TEMPLATE, tags.VOLUME)

CONTROLLER_TAGGED = Rule(
    id="controller-tagged",
    title="Resources of a domain controller have its tag",
    severity=Severity.HIGH,
    risk="rules, alarms and access restrictions that select by tag miss an instance in the controllers' group, or "
    "a volume with the directory",
    remedy="Tag the resource Role: DomainController, or give it a group of its own",
    source=f"{CONTROLLERS_POST}, access by tag; NIST SP 800-53 r5 AC-16, CM-8",
    url="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
    parameters=tags.MARKS,
)


@CONTROLLER_TAGGED.on_stack
def _are_marked(stack: Stack) -> Findings:
    groups = ControllersGroups(stack)
    marked = [
        each for each in stack.of(tags.SECURITY_GROUP, tags.DEFAULT_SECURITY_GROUP) if tags.belongs(each) is Truth.YES
    ]
    for machine in stack.of(*MACHINES):
        if any(group in marked for named in groups.on(machine) for group in named.candidates):
            yield from _is_marked(machine, "it has a domain controllers' security group")
    yield from _volumes(stack)
    yield from {(each.about.urn if each.about else "", each): each for each in _brought_along(stack)}.values()
    yield from _tagged_apart(stack)


def _volumes(stack: Stack) -> Iterator[Finding]:
    machines, volumes = Machines(stack), ReferenceIndex(stack, tags.VOLUME)
    for attachment in stack.of(ATTACHMENT):
        if machines.named_by(attachment, "instanceId"):
            for named in volumes.all_of(attachment, "volumeId"):
                for volume in named.candidates:
                    yield from _is_marked(volume, "it is attached to a domain controller")


def _brought_along(stack: Stack) -> Iterator[Finding]:
    for holder, brought in attached_resources(stack):
        # Resources without tags are reported where they are referenced.
        if tags.belongs(holder) is Truth.YES and brought.type != tags.LAUNCH_CONFIGURATION:
            verb = "starts from it" if brought.type == tags.LAUNCH_TEMPLATE else "has it"
            yield from _is_marked(brought, f'"{holder.name}", a domain controller, {verb}')
    for starter in stack.of(*_WITHOUT_TAGS):
        name = _WITHOUT_TAGS[starter.type]
        if tags.belongs(starter) is Truth.YES and starter.given(name):
            yield starter.violation(name, "a launch template, which can carry the tag", found="given")


def _tagged_apart(stack: Stack) -> Iterator[Finding]:
    """Report resources whose tag is set by a separate resource, as other rules do not see it."""
    for resource in stack.of(*_LOOKED_AT_ALONE):
        apart = bool(resource.added_tags) and tags.belongs(resource) is Truth.YES
        if apart and tags.belongs(replace(resource, added_tags={})) is not Truth.YES:
            yield from _is_marked(replace(resource, added_tags={}), "an ec2.Tag gives it the tag")


def _is_marked(resource: Resource, why: str) -> Iterator[Finding]:
    settings = resource.settings
    wanted = f"{settings[tags.TAG_KEY.name]}: {' or '.join(settings[tags.TAG_VALUES.name])}, as {why}"
    match tags.belongs(resource):
        case Truth.YES:
            return
        case Truth.UNKNOWN:
            yield resource.unseen("tags")
        case Truth.NO:
            yield resource.violation("tags", wanted)
