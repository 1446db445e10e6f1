"""Dynamic providers on the local AWS."""

from typing import TypeVar

from common.aws.session import AwsClients
from components.adoption.dynamic_provider import AwsResourceProvider

Provider = TypeVar("Provider", bound=AwsResourceProvider)


def with_clients(provider: Provider, clients: AwsClients) -> Provider:
    """Return a provider that calls AWS with given clients instead of those of the stack's configuration."""
    provider.clients = lambda: clients
    return provider
