"""Domain controllers launch without a public address.

Addresses that the subnet assigns, or that are associated later, are checked by controller-private-network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    SPOT_INSTANCE,
    on_controllers,
)
from policies.findings import UNKNOWN, Resource
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings

RULE = Rule(
    id="controller-no-public-address",
    title="Domain controllers launch without a public address",
    severity=Severity.HIGH,
    risk="the directory is on the internet as soon as a group or an ACL is opened by mistake",
    remedy="Set associatePublicIpAddress to false, on the interfaces of launch templates, too",
    source="AWS Security Hub EC2.9, EC2.25; Control Tower CT.EC2.PR.8, CT.EC2.PR.9; NIST SP 800-53 r5 AC-3, SC-7; "
    'AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9",
    parameters=MARKS,
)

_SWITCHES: Final = ("associatePublicIpAddress", "associateCarrierIpAddress")


@on_controllers(RULE, INSTANCE, SPOT_INSTANCE)
def _asks_for_none(instance: Resource) -> Findings:
    # Without the option, the subnet's setting applies.
    yield from _is_not_on(instance, "associatePublicIpAddress", "false")


@on_controllers(RULE, LAUNCH_TEMPLATE)
def _template_asks_for_none(template: Resource) -> Findings:
    given = template.value("networkInterfaces")
    interfaces = cast("list[Any]", given) if isinstance(given, list) else [] if given is None else [given]
    for index, interface in enumerate(interfaces):
        if interface is UNKNOWN:
            yield template.unseen("networkInterfaces")
            continue
        path = f"networkInterfaces[{index}]."
        part = Resource(type=template.type, name=template.name, properties=interface, path=path, urn=template.urn)
        for name in _SWITCHES:
            yield from _is_not_on(part, name, '"false"')


def _is_not_on(resource: Resource, name: str, expected: str) -> Findings:
    yield from resource.require(name, lambda value: str(value).lower() not in ("true", "1"), expected)
