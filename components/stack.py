"""Builds everything that a stack's settings ask for, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.account import Account
from components.network import find_network
from components.session_manager.component import SessionManager, SessionManagerArgs
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import (
    SystemsManagerEndpoints,
    SystemsManagerEndpointsArgs,
    check_private_names,
)

if TYPE_CHECKING:
    from components.settings import Settings


def build(settings: Settings, owner: str) -> dict[str, Any]:
    """Registers the components.

    Args:
        settings: of the stack.
        owner: names the stack on what it governs: `organization/project/stack`.

    Returns:
        The stack's outputs; a system that is not asked for gives None.

    Raises:
        SettingsError: a network that the settings name is not as they say.
    """
    account = Account.of_provider()
    session_manager = (
        SessionManager("session-manager", SessionManagerArgs(settings=settings, account=account, owner=owner))
        if settings.session_manager
        else None
    )
    _endpoints(settings, account)
    return {
        "accountId": account.id,
        "regions": list(settings.regions),
        "preferences": session_manager.preferences if session_manager else None,
        "instancePolicyArn": session_manager.instance_policy_arn if session_manager else None,
        "operatorPolicyArn": None,
        "approval": None,
        "domainControllers": None,
    }


def _endpoints(settings: Settings, account: Account) -> None:
    for region, each in settings.endpoints.items():
        path = ("endpoints", region)
        network = find_network(region=region, vpc=each.vpc, subnets=each.subnets, path=path)
        check_private_names(network, path)
        SystemsManagerEndpoints(
            f"endpoints-{region}",
            SystemsManagerEndpointsArgs(
                region=region,
                network=network,
                services=interface_services(settings.session_manager.get(region)),
                allowed_cidrs=tuple(each.allowed_cidrs),
                s3_gateway=each.s3_gateway,
                account_id=account.id,
                tags=settings.tags,
            ),
        )
