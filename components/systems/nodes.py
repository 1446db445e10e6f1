"""Nodes that are ready for governed sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.limits import excess_problems
from common.problems import Collector, raise_problems
from components.adoption.lookup import program_clients
from components.nodes.agent_versions import minimum_agent_version
from components.nodes.component import Nodes, NodesArgs
from components.nodes.recorders import recording_region
from components.nodes.sizes import generated_texts
from components.session_manager.instance_policy import instance_policies

if TYPE_CHECKING:
    from components.account import Account
    from components.nodes.settings import NodesSection
    from components.session_manager.component import SessionManager
    from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PlannedNodes:
    """Plan of the system.

    Attributes:
        section: Section of the settings.
        recording_region: Region in which AWS Config records IAM; empty where roles are not evaluated.
    """

    section: NodesSection
    recording_region: str


def plan_nodes(settings: Settings, section: NodesSection, account: Account) -> PlannedNodes:
    """Find the Region in which roles are evaluated, before anything is registered.

    Args:
        settings: Settings of the stack.
        section: Section `nodes`.
        account: Account of the stack.

    Raises:
        SettingsError: No Region can evaluate roles, or the Region must be configured.
    """
    region, collector = "", Collector()
    if section.compliance:
        with collector:
            region = recording_region(program_clients(), settings.regions, section.compliance.region)
        with collector:
            raise_problems(excess_problems(generated_texts(section.compliance, account, _policies(settings, account))))
    collector.check()
    return PlannedNodes(section=section, recording_region=region)


def _policies(settings: Settings, account: Account) -> tuple[str, ...]:
    """Return the names of the instance policies."""
    return tuple(instance_policies(settings.session_manager, partition=account.partition, account_id=account.id))


def build_nodes(
    settings: Settings, planned: PlannedNodes, account: Account, owner: str, session_manager: SessionManager | None
) -> Nodes:
    """Register the system, after the preferences and policies that nodes need.

    Args:
        settings: Settings of the stack.
        planned: Result of `plan_nodes`.
        account: Account of the stack.
        owner: Name of the stack, as recorded on its resources.
        session_manager: Component of the stack, where it governs preferences.
    """
    host_management = planned.section.host_management
    return Nodes(
        "nodes",
        NodesArgs(
            settings=planned.section,
            regions=settings.regions,
            recording_region=planned.recording_region,
            account=account,
            owner=owner,
            tags=settings.tags,
            policy_names=_policies(settings, account),
            policy_arns=session_manager.instance_policy_arns if session_manager else (),
            preferences=(session_manager,) if session_manager else (),
            minimum_agent_versions={
                region: minimum_agent_version(
                    settings.session_manager.get(region), default_host_management=host_management
                ).version
                for region in settings.regions
            },
        ),
    )
