"""Rules about domain controllers: traffic, placement, instances, monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.domain_controllers import (
    controller_alarms_on_silence,
    controller_events_alarmed,
    controller_imdsv2,
    controller_inbound_ports,
    controller_inbound_sources,
    controller_monitored,
    controller_name_resolution,
    controller_network_acl,
    controller_no_public_address,
    controller_no_secrets,
    controller_outbound,
    controller_own_group,
    controller_patched_singly,
    controller_private_network,
    controller_remote_administration,
    controller_scanned,
    controller_tagged,
    controller_termination_protection,
    controller_tier_zero,
    controller_two_zones,
    controller_volumes_encrypted,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    controller_imdsv2.RULE,
    controller_inbound_ports.RULE,
    controller_inbound_sources.RULE,
    controller_tagged.RULE,
    controller_name_resolution.RULE,
    controller_network_acl.RULE,
    controller_no_public_address.RULE,
    controller_outbound.RULE,
    controller_own_group.RULE,
    controller_private_network.RULE,
    controller_remote_administration.RULE,
    controller_termination_protection.RULE,
    controller_tier_zero.RULE,
    controller_two_zones.RULE,
    controller_volumes_encrypted.RULE,
    controller_monitored.RULE,
    controller_events_alarmed.RULE,
    controller_alarms_on_silence.RULE,
    controller_patched_singly.RULE,
    controller_no_secrets.RULE,
    controller_scanned.RULE,
)
