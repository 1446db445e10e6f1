"""The VPC endpoints that `shell-access:endpoints` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.adoption.lookup import program_clients
from components.directory.names import EC2
from components.documents.errors import DocumentError, explained
from components.network import find_network
from components.problems import Collector, Problem, SettingsError
from components.session_manager.endpoint_services import interface_services, service_name
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
    """The endpoints of one Region.

    Attributes:
        network: where they are.
        settings: as given.
    """

    network: Network
    settings: EndpointSettings


def find_endpoints(settings: Settings) -> dict[str, Endpoints]:
    """Return the networks that the settings name, by Region.

    Raises:
        SettingsError: They are not there, cannot resolve private names, or EC2 does not offer a service there.
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
    """Check that EC2 offers an endpoint for each service, by the name that this program gives it.

    Args:
        region: Region of the endpoints.
        services: Short names of the services.
        path: Setting that asks for the endpoints.

    Raises:
        SettingsError: EC2 does not offer a service, or cannot be called.
    """
    names = [service_name(region, each) for each in services]
    clients = program_clients()
    try:
        with explained(f"VPC endpoint services in {region}", "ec2", region, lambda: clients.caller_arn(region)):
            answer = clients.client("ec2", region).describe_vpc_endpoint_services(
                Filters=[{"Name": "service-name", "Values": names}]
            )
    except DocumentError as unknown:
        raise SettingsError([Problem(path=path, message=str(unknown))]) from None
    missing = [name for name in names if name not in answer["ServiceNames"]]
    if missing:
        message = (
            f"EC2 offers no VPC endpoint for {', '.join(missing)} in {region}; allowed: a Region that has them all"
        )
        raise SettingsError([Problem(path=path, message=message)])


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
