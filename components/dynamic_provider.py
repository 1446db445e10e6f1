"""Common base of the dynamic providers: AWS clients with the configuration of the stack's AWS provider."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from common.aws.session import AwsClients

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "[secret]"
"""Placeholder for secrets in messages, as in the engine's."""
SECRET_PROPERTIES: Final = "secretProperties"  # noqa: S105 -- names of properties
"""Input with the names of the inputs that hold a secret setting; absent if none does."""


class AwsResourceProvider(ResourceProvider):
    """Dynamic provider with the credentials and endpoints of the stack's AWS provider."""

    # Pickling captures no values, so the state need not encrypt it.
    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._clients: AwsClients | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Configure the provider; the engine's plugin calls this once, before any other call."""
        self._clients = AwsClients(req.config.get)

    def clients(self) -> AwsClients:
        """Return the clients of the configured stack; thread-safe."""
        if self._clients is None:
            self._clients = AwsClients(lambda _key: None)
        return self._clients


def is_secret(props: Mapping[str, Any], name: str) -> bool:
    """Return whether a property holds a secret setting, which no message may show.

    Args:
        props: Inputs or outputs of the resource.
        name: Name of the property.
    """
    return name in (props.get(SECRET_PROPERTIES) or ())


def tell(text: str) -> None:
    """Log a message to the engine, which shows the output of its plugins."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- the engine shows it
