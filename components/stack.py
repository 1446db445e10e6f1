"""Builds everything that a stack's settings ask for, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.account import Account
from components.approval.component import Approval, ApprovalArgs
from components.directory.component import DomainControllers, DomainControllersArgs
from components.directory.names import SYSTEM
from components.directory.places import Endpoints, find_places
from components.directory.site import EC2
from components.directory.site_plan import plan_sites
from components.network import find_network
from components.problems import Collector
from components.session_manager.component import SessionManager, SessionManagerArgs
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import (
    SystemsManagerEndpoints,
    SystemsManagerEndpointsArgs,
    check_private_names,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.directory.places import Place
    from components.settings import Settings


def build(settings: Settings, owner: str) -> dict[str, Any]:
    """Registers the components.

    Args:
        settings: of the stack.
        owner: names the stack on what it governs: `organization/project/stack`.

    Returns:
        The stack's outputs; a system that is not asked for gives None.

    Raises:
        SettingsError: what the settings name is not there, or not as they say; nothing is registered then.
    """
    account = Account.of_provider()
    endpoints = _find_endpoints(settings)
    section = settings.domain_controllers
    places = find_places(section, endpoints, settings.session_manager) if section else {}
    plans = plan_sites(section, {region: each.networks for region, each in places.items()}) if section else {}
    session_manager = (
        SessionManager("session-manager", SessionManagerArgs(settings=settings, account=account, owner=owner))
        if settings.session_manager
        else None
    )
    _endpoints(settings, account, endpoints, places)
    approval = _approval(settings, account, owner)
    controllers = (
        DomainControllers(
            SYSTEM,
            DomainControllersArgs(
                settings=settings,
                section=section,
                account=account,
                places=places,
                plans=plans,
                instance_policy_arn=session_manager.instance_policy_arn if session_manager else None,
            ),
        )
        if section
        else None
    )
    return {
        "accountId": account.id,
        "regions": list(settings.regions),
        "preferences": session_manager.preferences if session_manager else None,
        "instancePolicyArn": session_manager.instance_policy_arn if session_manager else None,
        "operatorPolicyArn": approval.operator_policy_arn if approval else None,
        "approval": approval.outputs if approval else None,
        "domainControllers": controllers.sites if controllers else None,
        "domainControllerPolicyArns": controllers.policy_arns if controllers else None,
    }


def _approval(settings: Settings, account: Account, owner: str) -> Approval | None:
    if settings.approval is None:
        return None
    return Approval(
        "approval",
        ApprovalArgs(
            settings=settings.approval,
            regions=settings.regions,
            session_data_encryption=any(each.session_data_encryption for each in settings.session_manager.values()),
            account=account,
            owner=owner,
            tags=settings.tags,
        ),
    )


def _find_endpoints(settings: Settings) -> dict[str, Endpoints]:
    collector = Collector()
    found: dict[str, Endpoints] = {}
    for region, each in settings.endpoints.items():
        path = ("endpoints", region)
        with collector:
            network = find_network(region=region, vpc=each.vpc, subnets=each.subnets, path=path)
            check_private_names(network, path)
            found[region] = Endpoints(network=network, settings=each)
    collector.check()
    return found


def _endpoints(
    settings: Settings, account: Account, endpoints: Mapping[str, Endpoints], places: Mapping[str, Place]
) -> None:
    for region, each in endpoints.items():
        shared = region in places and not places[region].needs_endpoints
        SystemsManagerEndpoints(
            f"endpoints-{region}",
            SystemsManagerEndpointsArgs(
                region=region,
                network=each.network,
                services=(*interface_services(settings.session_manager.get(region)), *([EC2] if shared else [])),
                allowed_cidrs=tuple(each.settings.allowed_cidrs),
                s3_gateway=each.settings.s3_gateway,
                account_id=account.id,
                tags=settings.tags,
            ),
        )
