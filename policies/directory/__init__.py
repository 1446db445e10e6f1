"""Domain controllers: what reaches them, what they reach, where they stand, how they are built, who watches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.directory import (
    controller_imdsv2,
    controller_inbound_ports,
    controller_inbound_sources,
    controller_marked,
    controller_network_acl,
    controller_no_public_address,
    controller_outbound,
    controller_own_group,
    controller_private_network,
    controller_remote_administration,
    controller_termination_protection,
    controller_two_zones,
    controller_volumes_encrypted,
    controller_watched,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    controller_imdsv2.RULE,
    controller_inbound_ports.RULE,
    controller_inbound_sources.RULE,
    controller_marked.RULE,
    controller_network_acl.RULE,
    controller_no_public_address.RULE,
    controller_outbound.RULE,
    controller_own_group.RULE,
    controller_private_network.RULE,
    controller_remote_administration.RULE,
    controller_termination_protection.RULE,
    controller_two_zones.RULE,
    controller_volumes_encrypted.RULE,
    controller_watched.RULE,
)
