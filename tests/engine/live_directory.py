"""Packets that the groups and the network ACL of domain controllers permit in the local AWS, and packets to evaluate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from components.domain_controllers import packet_evaluation
from components.domain_controllers.network_acl import AclRule
from components.domain_controllers.port_tables import Options
from components.domain_controllers.traffic_requirements import Direction, Sources
from tests.components.domain_controllers.literal_tables import EDGES, wanted

WINDOWS_PORT = 50000
"""An ephemeral port of Windows, from which connections are opened."""


def permissions_of(ec2: Any, groups: Sequence[str]) -> tuple[packet_evaluation.Permission, ...]:
    found = [
        rule
        for page in ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": list(groups)}]
        )
        for rule in page["SecurityGroupRules"]
    ]
    lists = {rule["PrefixListId"] for rule in found if rule.get("PrefixListId")}
    held = {
        each: [entry["Cidr"] for entry in ec2.get_managed_prefix_list_entries(PrefixListId=each)["Entries"]]
        for each in lists
    }
    return packet_evaluation.permissions_from_aws(found, held)


def acl_of_subnet(ec2: Any, subnet: str) -> tuple[str, tuple[AclRule, ...]]:
    """Of a subnet by its Name tag: the id of its ACL, and the rules."""
    (found,) = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": [subnet]}])["Subnets"]
    by_subnet = [{"Name": "association.subnet-id", "Values": [found["SubnetId"]]}]
    (acl,) = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    return acl["NetworkAclId"], packet_evaluation.acl_rules_from_aws(acl["Entries"])


@dataclass(frozen=True)
class Live:
    """A site as it is: its groups' permissions and its subnets' ACL."""

    granted: tuple[packet_evaluation.Permission, ...]
    acl: tuple[AclRule, ...]
    first_group: str

    @classmethod
    def read(cls, ec2: Any, site: dict[str, Any], subnet: str) -> Live:
        groups = site["securityGroupIds"]
        return cls(permissions_of(ec2, groups), acl_of_subnet(ec2, subnet)[1], groups[0])

    def wrong(self, sources: Sources, options: Options, addresses: Iterable[str]) -> list[packet_evaluation.Packet]:
        """Packets with which something else happens than the tables say: the groups decide, and the ACL agrees."""
        tried = (
            packet_evaluation.packet(direction, protocol, port, address)
            for address, direction, protocol in product(addresses, Direction, ("tcp", "udp", "icmp", "47", "50"))
            for port in (EDGES if protocol in ("tcp", "udp") else (0, 8))
        )
        return [each for each in tried if self._is_wrong(each, wanted(each, sources, options))]

    def wrong_from(
        self, group: str, sources: Sources, options: Options, address: str
    ) -> list[packet_evaluation.Packet]:
        """Sources with those that a group names: bastion hosts by theirs, controllers by `itself`."""
        groups = (group, self.first_group) if group == "itself" else (group,)
        tried = (
            packet_evaluation.packet(direction, protocol, port, address, *groups)
            for direction, protocol, port in product(Direction, ("tcp", "udp"), EDGES)
        )
        return [each for each in tried if self._is_wrong(each, wanted(each, sources, options))]

    def _is_wrong(self, tried: packet_evaluation.Packet, right: bool) -> bool:  # noqa: FBT001 -- the verdict to compare with
        if not right:
            return packet_evaluation.admitting(self.granted, tried) is not None
        return packet_evaluation.passes(self.granted, self.acl, tried, reply_port=WINDOWS_PORT) is None
