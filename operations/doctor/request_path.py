"""Path of a node's requests to a service, as far as policies evaluate it. Pure.

The service's DNS name decides: an interface endpoint with private DNS receives the requests of the whole VPC, whether
or not that endpoint works; otherwise the route table decides (AWS PrivateLink Guide, "Access an AWS service using an
interface VPC endpoint").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from components.session_manager.endpoint_services import service_name
from operations.doctor.facts import NodeInstance
from operations.doctor.internet import internet_route, reaches_other_networks
from operations.doctor.requirements import STORAGE
from operations.inventory.network import VpcFacts
from operations.inventory.session_manager import LogBucketFacts

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts
    from operations.inventory.network import VpcEndpoint

INTERFACE: Final = "Interface"
GATEWAY: Final = "Gateway"
_LIVE: Final = frozenset({"pendingacceptance", "pending", "available", "partial"})


@dataclass(frozen=True, kw_only=True)
class RequestPath:
    """Path to a service.

    Attributes:
        endpoint: VPC endpoint on the path. None: requests use the internet.
        source_addresses: Possible public source addresses of requests over the internet. Empty: not known.
    """

    endpoint: VpcEndpoint | None = None
    source_addresses: tuple[str, ...] = ()


def endpoints_of(node: NodeFacts, network: VpcFacts, service: str, kind: str) -> list[VpcEndpoint]:
    """Return a service's endpoints of one type in a VPC; none if the bucket is in another Region than the endpoints."""
    if service == STORAGE and is_bucket_elsewhere(node):
        return []
    name = service_name(node.deployment.region, service)
    return [
        each for each in network.endpoints if each.service == name and each.state.lower() in _LIVE and each.kind == kind
    ]


def serving_endpoint(node: NodeFacts, instance: NodeInstance, network: VpcFacts, service: str) -> VpcEndpoint | None:
    """Return the endpoint that receives a node's requests to a service. None: no endpoint does."""
    if network.resolves_private_names:
        private = [each for each in endpoints_of(node, network, service, INTERFACE) if each.private_dns]
        if private:
            return private[0]
    table = network.table_of(instance.subnet_id)
    gateways = endpoints_of(node, network, service, GATEWAY)
    return next((each for each in gateways if table is not None and table.id in each.route_table_ids), None)


def is_bucket_elsewhere(node: NodeFacts) -> bool:
    """Return whether the bucket is in another Region, so that S3 endpoints do not lead to it.

    Source: Amazon VPC Guide, "Gateway endpoints for Amazon S3": endpoints only lead to S3 in their own Region.
    """
    bucket = node.destinations.live.bucket
    return isinstance(bucket, LogBucketFacts) and bucket.region != node.deployment.region


def request_path(node: NodeFacts, service: str) -> RequestPath | None:
    """Return the path of a node's requests to a service. None: it cannot be determined."""
    instance, network = node.instance, node.network
    if not isinstance(instance, NodeInstance) or not isinstance(network, VpcFacts):
        return None
    endpoint = serving_endpoint(node, instance, network, service)
    if endpoint is not None:
        return RequestPath(endpoint=endpoint)
    subnet = network.subnets.get(instance.subnet_id)
    is_shared = subnet is not None and subnet.owner_id not in ("", node.deployment.account_id)
    if is_shared or reaches_other_networks(network, instance.subnet_id):
        # Endpoints of another account, or in other networks, may receive the requests.
        return None
    route_out = internet_route(network, instance.subnet_id, has_public_address=instance.has_public_address)
    if route_out.there is not Truth.YES:
        return None
    own = (instance.public_address,) if instance.public_address else ()
    return RequestPath(source_addresses=route_out.nat.public_addresses if route_out.nat else own)
