"""Network ACLs of domain controllers' subnets, a second layer where a security group is changed by mistake.

A network ACL is stateless and has few entries, so it is wider than the security groups. No entry may allow all addresses,
except for the message of path MTU discovery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.truth import Truth, truth
from common.json_values import listed
from common.network import Network, contains
from policies.domain_controllers.addresses import PRIVATE, is_within, parsed
from policies.domain_controllers.controller_tags import MARKS, belongs
from policies.domain_controllers.machines import Machines, same
from policies.domain_controllers.port_ranges import ICMP, ICMPV6, PortRange, port_range
from policies.domain_controllers.references import ReferenceIndex
from policies.findings import UNKNOWN, Finding, Findings, Resource, described
from policies.rule import CONTROLLERS_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

ACL: Final = "aws:ec2/networkAcl:NetworkAcl"
DEFAULT_ACL: Final = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
ACL_RULE: Final = "aws:ec2/networkAclRule:NetworkAclRule"
ACL_ASSOCIATION: Final = "aws:ec2/networkAclAssociation:NetworkAclAssociation"

CONTROLLER_NETWORK_ACL = Rule(
    id="controller-network-acl",
    title="Network ACLs of domain controllers' subnets allow no traffic from or to all addresses",
    severity=Severity.MEDIUM,
    risk="one wrong security group rule opens a controller to the internet, without a second layer",
    remedy="Name the required networks (here: shell-access:domainControllers.networkAcl), or deny the rest with a "
    "lower number",
    source="AWS Security Hub EC2.21; CIS AWS Foundations Benchmark 5.0, 5.2; "
    f"NIST SP 800-53 r5 AC-4(21), SC-7; {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-21",
    parameters=MARKS,
)

_WIDEST_PREFIX: Final = {4: 7, 6: 15}
"""Longest prefix of a public network that is too wide; AWS services have networks of /9."""

_PATH_MTU: Final = (PortRange(ICMP, 3, 3), PortRange(ICMPV6, 2, 2))
"""Amazon VPC User Guide, "Path MTU Discovery": any router on the way sends it."""


_NAMES: Final = (
    "ruleNumber",
    "ruleAction",
    "protocol",
    "fromPort",
    "toPort",
    "icmpType",
    "icmpCode",
    "cidrBlock",
    "ipv6CidrBlock",
)
_LOST: Final[dict[str, Any]] = {"action": UNKNOWN, "protocol": UNKNOWN, "cidrBlock": UNKNOWN}
"""An entry without known properties."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """An entry of a network ACL, in any resource's form; `UNKNOWN` and None where it is not known in preview."""

    carrier: Resource
    path: str
    egress: bool
    number: Any
    action: Any
    port_range: PortRange | None
    cidr: Any
    cidr_property: str
    undecided: str

    @property
    def network(self) -> Network | None:
        """Parsed network; None where it is not known or invalid."""
        return None if self.cidr is UNKNOWN else parsed(str(self.cidr))


@CONTROLLER_NETWORK_ACL.on_stack
def _lets_pass_no_one_from_everywhere(stack: Stack) -> Findings:
    for acl, is_one in _acls(stack):
        entries = list(_entries(stack, acl, is_one))
        for entry in entries:
            yield from _judged(entry, entries)


def _judged(entry: _Entry, entries: list[_Entry]) -> Iterator[Finding]:
    if str(entry.action).lower() == "deny" or (entry.port_range is not None and entry.port_range in _PATH_MTU):
        return
    unknown = _unknown(entry)
    network = entry.network
    is_narrow = network is not None and (
        network.prefixlen > _WIDEST_PREFIX[network.version] or is_within(network, PRIVATE)
    )
    if entry.cidr is not UNKNOWN and is_narrow:
        return
    if unknown:
        yield entry.carrier.unseen(f"{entry.path}{unknown}")
    elif network is None or not any(_hides(other, entry, network) for other in entries):
        found = f"{described(entry.action)} {entry.port_range} {described(entry.cidr)}"
        yield entry.carrier.violation(
            f"{entry.path}{entry.cidr_property}", "the networks that require access", found=found
        )


def _unknown(entry: _Entry) -> str:
    values = {"action": entry.action, "protocol": entry.port_range, entry.cidr_property: entry.cidr}
    found = [name for name, value in values.items() if value is UNKNOWN or (name == "protocol" and value is None)]
    return entry.undecided or (found[0] if found else "")


def _hides(other: _Entry, entry: _Entry, network: Network) -> bool:
    """Return whether a deny entry precedes an allow entry and covers all of it."""
    denied = other.network
    if str(other.action).lower() != "deny" or other.egress != entry.egress or denied is None:
        return False
    numbered = isinstance(other.number, int) and isinstance(entry.number, int) and other.number < entry.number
    spanned = (
        other.port_range is not None and entry.port_range is not None and other.port_range.includes(entry.port_range)
    )
    return numbered and spanned and contains(denied, network)


def _acls(stack: Stack) -> Iterator[tuple[Resource, Truth]]:
    """Return the ACLs of controllers: tagged, or of subnets with controllers."""
    machines = Machines(stack)
    inhabited = [machines.subnet_of(each) for each in machines.all]
    acls = ReferenceIndex(stack, ACL, DEFAULT_ACL)
    associated = {
        acl.urn
        for association in stack.of(ACL_ASSOCIATION)
        if any(same(one, other) for one in machines.subnets_named_by(association, "subnetId") for other in inhabited)
        for named in acls.all_of(association, "networkAclId")
        for acl in named.candidates
    }
    for acl in acls.resources:
        listed = machines.subnets_named_by(acl, "subnetIds")
        is_theirs = acl.urn in associated or any(same(one, other) for one in listed for other in inhabited)
        is_one = max(belongs(acl), truth(is_theirs))
        if is_one is not Truth.NO:
            yield acl, is_one


def _entries(stack: Stack, acl: Resource, is_one: Truth) -> Iterator[_Entry]:
    undecided = "" if is_one is Truth.YES else "tags"
    for direction in ("ingress", "egress"):
        blocks = acl.given(direction)
        several = listed(blocks)
        for index, block in enumerate(several):
            path = f"{direction}[{index}]." if isinstance(block, dict) else f"{direction}."
            properties = cast("dict[str, Any]", block) if isinstance(block, dict) else _LOST
            yield _entry(acl, path, properties, egress=direction == "egress", undecided=undecided)
    acls = ReferenceIndex(stack, ACL, DEFAULT_ACL)
    for rule in stack.of(ACL_RULE):
        if any(acl in named.candidates for named in acls.all_of(rule, "networkAclId")):
            properties = {name: rule.given(name) for name in _NAMES}
            yield _entry(rule, "", properties, egress=rule.value("egress") is True, undecided=undecided)


def _entry(carrier: Resource, path: str, properties: dict[str, Any], *, egress: bool, undecided: str) -> _Entry:
    name = "ipv6CidrBlock" if properties.get("ipv6CidrBlock") else "cidrBlock"
    protocol = properties.get("protocol")
    icmp = str(protocol).lower() in ("1", "58", "icmp", "icmpv6")
    first, last = ("icmpType", "icmpCode") if icmp else ("fromPort", "toPort")
    return _Entry(
        carrier=carrier,
        path=path,
        egress=egress,
        number=properties.get("ruleNo", properties.get("ruleNumber")),
        action=properties.get("action", properties.get("ruleAction")),
        port_range=port_range(protocol, properties.get(first), properties.get(last)),
        cidr=properties.get(name),
        cidr_property=name,
        undecided=undecided,
    )
