"""Rules about domain controllers: traffic, placement, instances, monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.domain_controllers import (
    controller_machines,
    controller_monitoring,
    controller_name_resolution,
    controller_network_acl,
    controller_placement,
    controller_scanned,
    controller_tagged,
    controller_tier_zero,
    controller_traffic,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    controller_machines.CONTROLLER_IMDSV2,
    controller_traffic.CONTROLLER_INBOUND_PORTS,
    controller_traffic.CONTROLLER_INBOUND_SOURCES,
    controller_tagged.CONTROLLER_TAGGED,
    controller_name_resolution.CONTROLLER_NAME_RESOLUTION,
    controller_network_acl.CONTROLLER_NETWORK_ACL,
    controller_placement.CONTROLLER_NO_PUBLIC_ADDRESS,
    controller_traffic.CONTROLLER_OUTBOUND,
    controller_placement.CONTROLLER_OWN_GROUP,
    controller_placement.CONTROLLER_PRIVATE_NETWORK,
    controller_traffic.CONTROLLER_REMOTE_ADMINISTRATION,
    controller_machines.CONTROLLER_TERMINATION_PROTECTION,
    controller_tier_zero.CONTROLLER_TIER_ZERO,
    controller_placement.CONTROLLER_TWO_ZONES,
    controller_machines.CONTROLLER_VOLUMES_ENCRYPTED,
    controller_monitoring.CONTROLLER_MONITORED,
    controller_monitoring.CONTROLLER_EVENTS_ALARMED,
    controller_monitoring.CONTROLLER_ALARMS_ON_SILENCE,
    controller_machines.CONTROLLER_PATCHED_SINGLY,
    controller_machines.CONTROLLER_NO_SECRETS,
    controller_scanned.CONTROLLER_SCANNED,
)
