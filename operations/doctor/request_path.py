"""The path that a node's requests to a service take, as far as policies see it. Pure.

Which path it is, is decided by the service's name: an interface endpoint with private DNS answers to it for the whole VPC,
whether or not that endpoint works; else the route table decides (AWS PrivateLink Guide, "Access an AWS service using an
interface VPC endpoint").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.iam.truth import Truth
from components.session_manager.endpoint_services import service_name
from operations.doctor.facts import Instance, Network
from operations.doctor.internet import reaches_other_networks, way_out
from operations.doctor.needs import STORAGE
from operations.verify.facts import BucketFacts

if TYPE_CHECKING:
    from operations.doctor.facts import Endpoint, NodeFacts

INTERFACE: Final = "Interface"
GATEWAY: Final = "Gateway"
_LIVE: Final = frozenset({"pendingacceptance", "pending", "available", "partial"})


@dataclass(frozen=True, kw_only=True)
class RequestPath:
    """A path to a service.

    Attributes:
        endpoint: the VPC endpoint that requests go through; None: they go over the internet.
        source_addresses: public addresses that requests over the internet may come from; empty: not known.
    """

    endpoint: Endpoint | None = None
    source_addresses: tuple[str, ...] = ()


def endpoints_of(node: NodeFacts, network: Network, service: str, kind: str) -> list[Endpoint]:
    """The endpoints of a service in a VPC, of one kind; none where they would lead to another Region than the bucket's.

    Args:
        node: whose requests they take.
        network: its VPC.
        service: short name.
        kind: `INTERFACE` or `GATEWAY`.
    """
    if service == STORAGE and is_bucket_elsewhere(node):
        return []
    name = service_name(node.asked.region, service)
    return [
        each for each in network.endpoints if each.service == name and each.state.lower() in _LIVE and each.kind == kind
    ]


def serving_endpoint(node: NodeFacts, instance: Instance, network: Network, service: str) -> Endpoint | None:
    """The endpoint that takes a node's requests to a service; None: no endpoint does."""
    if network.resolves_private_names:
        private = [each for each in endpoints_of(node, network, service, INTERFACE) if each.private_dns]
        if private:
            return private[0]
    table = network.table_of(instance.subnet_id)
    gateways = endpoints_of(node, network, service, GATEWAY)
    return next((each for each in gateways if table is not None and table.id in each.route_table_ids), None)


def is_bucket_elsewhere(node: NodeFacts) -> bool:
    """Endpoints lead to S3 of their own Region only (Amazon VPC Guide, "Gateway endpoints for Amazon S3")."""
    bucket = node.destinations.live.bucket
    return isinstance(bucket, BucketFacts) and bucket.region != node.asked.region


def request_path(node: NodeFacts, service: str) -> RequestPath | None:
    """The path of a node's requests to a service; None: it cannot be told.

    Args:
        node: that makes them.
        service: short name.
    """
    instance, network = node.instance, node.network
    if not isinstance(instance, Instance) or not isinstance(network, Network):
        return None
    endpoint = serving_endpoint(node, instance, network, service)
    if endpoint is not None:
        return RequestPath(endpoint=endpoint)
    subnet = network.subnets.get(instance.subnet_id)
    is_shared = subnet is not None and subnet.owner_id not in ("", node.asked.account_id)
    if is_shared or reaches_other_networks(network, instance.subnet_id):
        # Endpoints of another account, or in other networks, may take the requests.
        return None
    way = way_out(network, instance.subnet_id, has_public_address=instance.has_public_address)
    if way.there is not Truth.YES:
        return None
    own = (instance.public_address,) if instance.public_address else ()
    return RequestPath(source_addresses=way.nat.public_addresses if way.nat else own)
