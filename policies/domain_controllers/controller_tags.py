"""Resources of domain controllers, by tag and by configuration.

AWS does not know which instances are domain controllers. By convention all taggable resources of a controller have the tag
`Role: DomainController`: instance, launch template, network interface, volume, security group, network ACL. Security group
rules need no tag: they belong to the group that they name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from common.iam.truth import Truth, any_of, truth
from common.json_values import listed, mapping
from components.domain_controllers.names import ROLE_TAG
from policies.findings import UNKNOWN, Findings, Resource
from policies.parameters import TEXTS, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.rule import Check, Rule

INSTANCE: Final = "aws:ec2/instance:Instance"
SPOT_INSTANCE: Final = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
NETWORK_INTERFACE: Final = "aws:ec2/networkInterface:NetworkInterface"
SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_SECURITY_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SPOT_FLEET: Final = "aws:ec2/spotFleetRequest:SpotFleetRequest"
LAUNCH_CONFIGURATION: Final = "aws:ec2/launchConfiguration:LaunchConfiguration"
VOLUME: Final = "aws:ebs/volume:Volume"

TAG_KEY: Final = Parameter(
    name="tagKey",
    description="Key of the tag of domain controllers and their resources.",
    default=ROLE_TAG[0],
    schema={"type": "string", "minLength": 1},
)
TAG_VALUES: Final = Parameter(
    name="tagValues",
    description="The values of that tag.",
    default=[ROLE_TAG[1]],
    schema={**TEXTS, "minItems": 1},
)
ALSO: Final = Parameter(
    name="alsoControllers",
    description="Resources of domain controllers without the tag: names in the program, names or IDs in AWS.",
    default=[],
    schema=TEXTS,
)

MARKS: Final = (TAG_KEY, TAG_VALUES, ALSO)
"""Parameters of all rules about domain controllers."""


def belongs(resource: Resource) -> Truth:
    """Return whether a resource is a domain controller's, regardless of case."""
    settings = resource.settings
    values = settings[TAG_VALUES.name]
    named = {resource.name, resource.urn, resource.value("id"), resource.value("name")} & {*settings[ALSO.name]}
    carried = [tagged(each, settings[TAG_KEY.name], values) for each in _tag_sets(resource)]
    return any_of([truth(bool(named)), *carried])


def tagged(tags: Any, key: str, values: list[str]) -> Truth:
    """Return whether a tag has one of some values."""
    if tags is UNKNOWN:
        return Truth.UNKNOWN
    given = _pairs(tags)
    wanted = {value.casefold() for value in values}
    found = [value for name, value in given if name is UNKNOWN or str(name).casefold() == key.casefold()]
    return any_of(Truth.UNKNOWN if each is UNKNOWN else truth(str(each).casefold() in wanted) for each in found)


def has_tag(resource: Resource, key: str) -> Truth:
    """Return whether a resource, or an instance that it starts, has a tag with any value. AWS compares keys exactly."""
    keys = [
        name for tags in _tag_sets(resource) for name in ([tags] if tags is UNKNOWN else [n for n, _ in _pairs(tags)])
    ]
    return any_of(Truth.UNKNOWN if each is UNKNOWN else truth(each == key) for each in keys)


def _pairs(tags: Any) -> list[tuple[Any, Any]]:
    """Return the tags of a resource, or of an Auto Scaling group, which has them as a list."""
    if isinstance(tags, dict):
        return list(cast("dict[str, Any]", tags).items())
    pairs = [mapping(each) for each in listed(tags)] if isinstance(tags, list) else []
    return [(each.get("key", UNKNOWN), each.get("value", UNKNOWN)) for each in pairs]


def on_controllers(rule: Rule, *types: str) -> Callable[[Check], Check]:
    """Register a check of resources of these types that are a domain controller's."""

    def register(check: Check) -> Check:
        rule.on(*types)(lambda resource: _if_it_belongs(resource, check))
        return check

    return register


def _if_it_belongs(resource: Resource, check: Check) -> Findings:
    is_one = belongs(resource)
    if is_one is Truth.YES:
        yield from check(resource)
    elif is_one is Truth.UNKNOWN and any(True for _ in check(resource)):
        yield resource.unseen("tags")


_OF_WHAT_IT_MAKES: Final = {LAUNCH_TEMPLATE: "tagSpecifications", SPOT_FLEET: "launchSpecifications"}


def _tag_sets(resource: Resource) -> list[Any]:
    """Return the tags of the resource, and those that a launch template or Spot Fleet sets."""
    # With the provider's default tags, where they are known.
    found = [resource.value("tags"), resource.given("tagsAll")]
    name = _OF_WHAT_IT_MAKES.get(resource.type)
    if name is not None:
        specifications = filter(None, listed(resource.given(name)))
        found += [mapping(each).get("tags") if isinstance(each, dict) else UNKNOWN for each in specifications]
    return found
