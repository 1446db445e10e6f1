"""Nodes that can hold a governed session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.adoption.lookup import program_clients
from components.limits import excess_problems
from components.nodes.agent_versions import minimum_agent_version
from components.nodes.component import Nodes, NodesArgs
from components.nodes.recorders import recording_region
from components.nodes.sizes import generated_texts
from components.problems import Collector, raise_problems
from components.session_manager.instance_policy import instance_policies

if TYPE_CHECKING:
    from components.account import Account
    from components.nodes.settings import NodesSection
    from components.session_manager.component import SessionManager
    from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PlannedNodes:
    """What is to be registered.

    Attributes:
        section: Section of the settings.
        recording_region: where AWS Config records IAM; "" where roles are not evaluated.
    """

    section: NodesSection
    recording_region: str


def plan_nodes(settings: Settings, section: NodesSection, account: Account) -> PlannedNodes:
    """Look up where roles can be evaluated, before anything is registered.

    Args:
        settings: Settings of the stack.
        section: Its section `nodes`.
        account: Account of the stack.

    Raises:
        SettingsError: Roles can be evaluated nowhere, or the Region has to be chosen.
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
    """Registers what makes nodes ready, after the preferences and the policy that they are made ready for.

    Args:
        settings: Settings of the stack.
        planned: as `plan_nodes` gave it.
        account: Account of the stack.
        owner: Name of the stack, as recorded on its resources.
        session_manager: of the stack, where it governs preferences.
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
