"""What all dynamic providers of this program share: AWS clients as the stack's AWS provider would have them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from components.aws_session import AwsClients

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "[secret]"
"""What messages show of a secret, as the engine does."""
SECRET_PROPERTIES: Final = "secretProperties"  # noqa: S105 -- names of properties
"""Input that names the other inputs that hold a secret setting; absent where none does."""


class AwsResourceProvider(ResourceProvider):
    """Works with the credentials and endpoints of the stack's AWS provider."""

    # Nothing is captured when this is pickled, so the state need not hide it.
    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._clients: AwsClients | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the stack's configuration. The engine's plugin does so once, before the first call."""
        self._clients = AwsClients(req.config.get)

    def clients(self) -> AwsClients:
        """Clients of the configured stack, for the calls of all threads."""
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
    """Says something to who runs the engine, which passes on what its plugins say."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- the way to the person
