"""Stack: registers all components of the settings and returns the outputs."""

# A system is imported only where the stack has it, see components/systems.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.problems import Collector
from components.account import Account
from components.adoption.governing_stack import govern
from components.adoption.recovery import recover
from components.boundary import bound_roles
from components.secret_marking import keep_secrets
from components.systems.attachments import check_attachments
from components.systems.named_resources import check_named_resources
from components.systems.ownership import check_ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pulumi

    from components.approval.component import Approval
    from components.domain_controllers.component import DomainControllers
    from components.nodes.component import Nodes
    from components.session_manager.component import SessionManager
    from components.settings import Settings
    from components.systems.controllers import PlannedControllers
    from components.systems.endpoints import Endpoints
    from components.systems.nodes import PlannedNodes


def build(settings: Settings, owner: str) -> dict[str, Any]:
    """Register the components.

    Args:
        settings: Settings of the stack.
        owner: Name of the stack: `organization/project/stack`.

    Returns:
        Outputs of the stack; None for a system that is not configured.

    Raises:
        SettingsError: A resource of the settings is missing, or not as configured; nothing is registered then.
    """
    account = Account.of_provider()
    bound_roles(settings.permissions_boundary, account)
    looked_up = Collector()
    with looked_up:
        check_named_resources(settings, account)
    with looked_up:
        check_attachments(settings, account)
    with looked_up:
        _check_approval(settings, account)
    endpoints: dict[str, Endpoints] | None = None
    planned: PlannedControllers | None = None
    planned_nodes: PlannedNodes | None = None
    with looked_up:
        endpoints = _find_endpoints(settings)
        planned = _plan_controllers(settings, endpoints, account)
    with looked_up:
        planned_nodes = _plan_nodes(settings, account)
    with looked_up:
        check_ownership(settings, account, owner, planned_nodes.recording_region if planned_nodes else "")
    looked_up.check()
    finish: Callable[[], None] | None = None
    if settings.governs:
        finish = govern(account, settings.regions[0], owner)
        recover(account, owner, settings.regions[0])
    # The last transformation, so that it also marks what the others add.
    keep_secrets()
    endpoints = endpoints or {}
    session_manager = _session_manager(settings, account, owner)
    policy_arns = session_manager.instance_policy_arns if session_manager else ()
    _endpoints(settings, account, endpoints, planned)
    approval = _approval(settings, account, owner)
    controllers = _controllers(settings, account, planned, policy_arns)
    nodes = _nodes(settings, planned_nodes, account, owner, session_manager)
    if finish:
        finish()
    return {
        "accountId": account.id,
        "regions": list(settings.regions),
        "preferences": session_manager.preferences if session_manager else None,
        "instancePolicyArn": policy_arns[0] if policy_arns else None,
        "instancePolicyArns": list(policy_arns) or None,
        "operatorPolicyArn": approval.operator_policy_arn if approval else None,
        "approval": approval.outputs if approval else None,
        "domainControllers": controllers.sites if controllers else None,
        "domainControllerPolicyArns": controllers.policy_arns if controllers else None,
        "nodes": nodes.outputs if nodes else None,
    }


def _find_endpoints(settings: Settings) -> dict[str, Endpoints]:
    if not settings.endpoints:
        return {}
    from components.systems.endpoints import find_endpoints

    return find_endpoints(settings)


def _plan_controllers(
    settings: Settings, endpoints: Mapping[str, Endpoints], account: Account
) -> PlannedControllers | None:
    if settings.domain_controllers is None:
        return None
    from components.systems.controllers import plan_controllers

    return plan_controllers(settings, settings.domain_controllers, endpoints, account)


def _session_manager(settings: Settings, account: Account, owner: str) -> SessionManager | None:
    if not settings.session_manager:
        return None
    from components.session_manager.component import SessionManager, SessionManagerArgs

    return SessionManager("session-manager", SessionManagerArgs(settings=settings, account=account, owner=owner))


def _endpoints(
    settings: Settings, account: Account, endpoints: Mapping[str, Endpoints], planned: PlannedControllers | None
) -> None:
    if not endpoints:
        return
    from components.systems.endpoints import build_endpoints

    build_endpoints(settings, account, endpoints, planned.on_shared_endpoints if planned else frozenset())


def _check_approval(settings: Settings, account: Account) -> None:
    if settings.approval is None:
        return
    from components.systems.approval import check_approval

    check_approval(settings, settings.approval, account)


def _approval(settings: Settings, account: Account, owner: str) -> Approval | None:
    if settings.approval is None:
        return None
    from components.systems.approval import build_approval

    return build_approval(settings, settings.approval, account, owner)


def _controllers(
    settings: Settings,
    account: Account,
    planned: PlannedControllers | None,
    instance_policy_arns: Sequence[pulumi.Output[str]],
) -> DomainControllers | None:
    if planned is None:
        return None
    from components.systems.controllers import build_controllers

    return build_controllers(settings, account, planned, instance_policy_arns)


def _plan_nodes(settings: Settings, account: Account) -> PlannedNodes | None:
    if settings.nodes is None:
        return None
    from components.systems.nodes import plan_nodes

    return plan_nodes(settings, settings.nodes, account)


def _nodes(
    settings: Settings,
    planned: PlannedNodes | None,
    account: Account,
    owner: str,
    session_manager: SessionManager | None,
) -> Nodes | None:
    if planned is None:
        return None
    from components.systems.nodes import build_nodes

    return build_nodes(settings, planned, account, owner, session_manager)
