"""The VPC endpoints that `shell-access:endpoints` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.directory.names import EC2
from components.network import find_network
from components.problems import Collector
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import (
    SystemsManagerEndpoints,
    SystemsManagerEndpointsArgs,
    check_private_names,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from components.account import Account
    from components.network import Network
    from components.session_manager.settings import EndpointSettings
    from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The endpoints of one Region.

    Attributes:
        network: where they are.
        settings: as given.
    """

    network: Network
    settings: EndpointSettings


def find_endpoints(settings: Settings) -> dict[str, Endpoints]:
    """The networks that the settings name, by Region.

    Raises:
        SettingsError: they are not there, or have endpoints with the services' private names already.
    """
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


def build_endpoints(
    settings: Settings, account: Account, endpoints: Mapping[str, Endpoints], shared: Collection[str]
) -> None:
    """Registers them.

    Args:
        settings: of the stack.
        account: where the stack deploys to.
        endpoints: as they were found.
        shared: Regions in which domain controllers use them too.
    """
    for region, each in endpoints.items():
        SystemsManagerEndpoints(
            f"endpoints-{region}",
            SystemsManagerEndpointsArgs(
                region=region,
                network=each.network,
                services=(
                    *interface_services(settings.session_manager.get(region)),
                    *([EC2] if region in shared else []),
                ),
                allowed_cidrs=tuple(each.settings.allowed_cidrs),
                s3_gateway=each.settings.s3_gateway,
                account_id=account.id,
                tags=settings.tags,
            ),
        )
