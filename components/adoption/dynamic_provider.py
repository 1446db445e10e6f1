"""Common base of the dynamic providers: AWS clients with the configuration of the stack's AWS provider."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pulumi
from pulumi.dynamic import ConfigureRequest, Resource, ResourceProvider
from tenacity import Retrying, retry_if_result, stop_after_delay

from common.aws.failures import explained
from common.aws.session import AwsClients

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from tenacity.wait import wait_base

_CreatedT = TypeVar("_CreatedT")
_ResultT = TypeVar("_ResultT")

HIDDEN: Final = "[secret]"
"""Placeholder for secrets in messages, as in the engine's."""
SECRET_PROPERTIES: Final = "secretProperties"  # noqa: S105 -- names of properties
"""Input with the names of the inputs that hold a secret setting; absent if none does."""

_PAUSES_SECONDS: Final = (0, 1, 2, 4, 8, 15)
"""Pauses before the attempts to read what was created: AWS APIs are eventually consistent (IAM User Guide, "Changes that I make
are not always immediately visible")."""


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

    @contextmanager
    def calling(self, what: str, service: str, region: str) -> Generator[Any]:
        """Yield a client of a service; errors within are translated to a `ResourceError`."""
        clients = self.clients()
        with explained(what, service, region, lambda: clients.caller_arn(region)):
            yield clients.client(service, region)


class DynamicResource(Resource):
    """Dynamic resource whose annotated attributes are outputs, under their camel-case names in the engine."""

    def __init__(
        self, provider: ResourceProvider, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Register the resource."""
        super().__init__(provider, name, {**props, **dict.fromkeys(type(self).__annotations__)}, opts)

    def translate_output_property(self, prop: str) -> str:
        """Return the attribute's name for a property's name in the engine."""
        return next((name for name in type(self).__annotations__ if _camel_case(name) == prop), prop)

    def translate_input_property(self, prop: str) -> str:
        """Return the property's name in the engine for an attribute's name."""
        return _camel_case(prop) if prop in type(self).__annotations__ else prop


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def attempts() -> Iterator[None]:
    """Yield once for each attempt to read what was just created, with a pause between two of them."""
    for seconds in _PAUSES_SECONDS:
        time.sleep(seconds)
        yield


def read_created(read: Callable[[], _CreatedT | None]) -> _CreatedT | None:
    """Read what was just created until AWS shows it, and return it; None: AWS does not show it yet."""
    return next((found for _ in attempts() if (found := read())), None)


def until_settled(
    call: Callable[[], _ResultT], is_changing: Callable[[_ResultT], bool], *, seconds: float, wait: wait_base
) -> _ResultT:
    """Call until the result is final, or the time limit is over, and return the last result."""
    calls = Retrying(
        retry=retry_if_result(is_changing),
        stop=stop_after_delay(seconds),
        wait=wait,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else call(),
    )
    return calls(call)


def is_secret(props: Mapping[str, Any], name: str) -> bool:
    """Return whether a property holds a secret setting, which no message may show."""
    return name in (props.get(SECRET_PROPERTIES) or ())


def this_stack() -> str:
    """Return the name of the stack as owner of what it governs: `organization/project/stack`."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def log(text: str) -> None:
    """Log a message to the engine, which shows the output of its plugins."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- the engine shows it
