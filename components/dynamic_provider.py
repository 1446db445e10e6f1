"""What all dynamic providers of this program share: AWS clients as the stack's AWS provider would have them."""

from __future__ import annotations

import sys

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from components.aws_session import AwsClients


class AwsResourceProvider(ResourceProvider):
    """Works with the credentials and endpoints of the stack's AWS provider."""

    # Nothing is captured when this is pickled, so the state need not hide it.
    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._configuration: ConfigureRequest | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Keeps the stack's configuration; clients are made when one is needed."""
        self._configuration = req

    def clients(self) -> AwsClients:
        """New ones for each call: the engine calls from several threads."""
        configuration = self._configuration
        return AwsClients(lambda key: configuration.config.get(key) if configuration else None)


def tell(text: str) -> None:
    """Says something to who runs the engine, which passes on what its plugins say."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- the way to the person
