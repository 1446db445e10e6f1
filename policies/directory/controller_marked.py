"""What is part of a domain controller carries the tag by which rules, alerts and access restrictions go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from components.iam.truth import Truth
from policies.directory.groups import MACHINES, ControllersGroups
from policies.directory.machines import Machines
from policies.directory.marks import (
    DEFAULT_SECURITY_GROUP,
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    SECURITY_GROUP,
    TAG_KEY,
    TAG_VALUES,
    VOLUME,
    belongs,
)
from policies.directory.references import References, given
from policies.findings import UNKNOWN, Unseen, Violation, described
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

ATTACHMENT: Final = "aws:ec2/volumeAttachment:VolumeAttachment"
AUTO_SCALING_GROUP: Final = "aws:autoscaling/group:Group"

_STARTING: Final = {
    INSTANCE: ("launchTemplate",),
    AUTO_SCALING_GROUP: ("launchTemplate", "mixedInstancesPolicy"),
    "aws:ec2/fleet:Fleet": ("launchTemplateConfigs",),
    "aws:ec2/spotFleetRequest:SpotFleetRequest": ("launchTemplateConfigs",),
}
"""What starts machines from launch templates, and by which properties it names them."""

_WITHOUT_TAGS: Final = {
    AUTO_SCALING_GROUP: "launchConfiguration",
    "aws:ec2/spotFleetRequest:SpotFleetRequest": "launchSpecifications",
}
"""Ways to start machines that carry no tag, so that the other rules could not see them."""

RULE = Rule(
    id="controller-marked",
    title="What is part of a domain controller carries its tag",
    severity=Severity.HIGH,
    risk="rules, alerts and restrictions that go by the tag pass over an instance that stands among the controllers, or "
    "a volume that holds the directory",
    remedy="Tag the resource Role: DomainController, or give it a group of its own",
    source='AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS", access by tag; '
    "NIST SP 800-53 r5 AC-16, CM-8",
    url="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
    parameters=MARKS,
)


@RULE.on_stack
def _are_marked(stack: Stack) -> Findings:
    groups = ControllersGroups(stack)
    marked = [each for each in stack.of(SECURITY_GROUP, DEFAULT_SECURITY_GROUP) if belongs(each) is Truth.YES]
    for machine in stack.of(*MACHINES):
        if any(group in marked for named in groups.on(machine) for group in named.candidates):
            yield from _is_marked(machine, "it has a domain controllers' security group")
    yield from _volumes(stack)
    yield from _templates(stack)


def _volumes(stack: Stack) -> Iterator[Finding]:
    machines, volumes = Machines(stack), References(stack, VOLUME)
    for attachment in stack.of(ATTACHMENT):
        if machines.named_by(attachment, "instanceId"):
            for named in volumes.all_of(attachment, "volumeId"):
                for volume in named.candidates:
                    yield from _is_marked(volume, "it is attached to a domain controller")


def _templates(stack: Stack) -> Iterator[Finding]:
    templates = References(stack, LAUNCH_TEMPLATE)
    for starter in stack.of(*_STARTING):
        if belongs(starter) is not Truth.YES:
            continue
        for name in _STARTING[starter.type]:
            named = [templates.of(starter, name, each) for each in _texts(given(starter, name))]
            for template in {each.urn: each for one in named for each in one.candidates}.values():
                yield from _is_marked(template, f'"{starter.name}", a domain controller, starts from it')
        name = _WITHOUT_TAGS.get(starter.type)
        if name and given(starter, name):
            yield Violation(name, "given", "a launch template, which can carry the tag", about=starter)


def _texts(value: Any) -> Iterator[Any]:
    """All texts, and all that is not known yet, however deep."""
    if isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each)
    elif value is UNKNOWN or isinstance(value, str):
        yield value


def _is_marked(resource: Resource, why: str) -> Iterator[Finding]:
    settings = resource.settings
    wanted = f"{settings[TAG_KEY.name]}: {' or '.join(settings[TAG_VALUES.name])}, as {why}"
    match belongs(resource):
        case Truth.YES:
            return
        case Truth.UNKNOWN:
            yield Unseen("tags", about=resource)
        case Truth.NO:
            yield Violation("tags", described(resource.value("tags")), wanted, about=resource)
