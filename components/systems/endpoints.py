"""VPC endpoints of `shell-access:endpoints`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from common.problems import Collector, Problem, SettingsError
from components.adoption.lookup import program_clients
from components.domain_controllers.names import EC2
from components.network import explained_at, find_network
from components.session_manager.endpoint_services import ALL_INTERFACES, interface_services, service_name
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

S3: Final = "s3"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Endpoints of one Region.

    Attributes:
        network: Network of the endpoints.
        settings: Settings as configured.
    """

    network: Network
    settings: EndpointSettings


def find_endpoints(settings: Settings) -> dict[str, Endpoints]:
    """Return the networks that the settings name, by Region.

    Raises:
        SettingsError: They do not exist, cannot resolve private names, or EC2 does not offer a service there.
    """
    collector = Collector()
    found: dict[str, Endpoints] = {}
    for region, each in settings.endpoints.items():
        path = ("endpoints", region)
        with collector:
            network = find_network(region=region, vpc=each.vpc, subnets=each.subnets, path=path)
            check_private_names(network, path)
            found[region] = Endpoints(network=network, settings=each)
        with collector:
            services = interface_services(settings.session_manager.get(region))
            check_services(region, (*services, *([S3] if each.s3_gateway else [])), path)
    collector.check()
    return found


def check_services(region: str, services: tuple[str, ...], path: tuple[str, ...]) -> None:
    """Check that EC2 offers an endpoint for each service, by this program's name for it.

    Args:
        region: Region of the endpoints.
        services: Short names of the services.
        path: Setting of the endpoints.

    Raises:
        SettingsError: EC2 does not offer a service, or cannot be called.
    """
    with explained_at(path, f"VPC endpoint services in {region}", "ec2", region):
        offered = _offered_services(region)
    missing = [name for each in services if (name := service_name(region, each)) not in offered]
    if missing:
        message = (
            f"EC2 offers no VPC endpoint for {', '.join(missing)} in {region}; allowed: a Region that has them all"
        )
        raise SettingsError([Problem(path=path, message=message)])


@cache
def _offered_services(region: str) -> frozenset[str]:
    """Return this program's services for which EC2 offers endpoints in a Region, read once per run."""
    names = [service_name(region, each) for each in (*ALL_INTERFACES, EC2, S3)]
    answer = (
        program_clients()
        .client("ec2", region)
        .describe_vpc_endpoint_services(Filters=[{"Name": "service-name", "Values": names}])
    )
    return frozenset(answer["ServiceNames"])


def build_endpoints(
    settings: Settings, account: Account, endpoints: Mapping[str, Endpoints], shared: Collection[str]
) -> None:
    """Register the endpoints.

    Args:
        settings: Settings of the stack.
        account: Account of the stack.
        endpoints: Endpoints by Region, as looked up.
        shared: Regions in which domain controllers use them, too.
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
