"""The provider of the preferences document, called as the engine calls it, in this process and without its pauses."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, Final, cast
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.config import Config
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config as ProviderConfig

from common.aws.failures import ResourceError
from components.session_manager.document import DESCRIPTION, Preferences
from components.session_manager.document_provider import RunShellDocumentProvider
from tests.support.faults.faults import Call
from tests.support.faults.in_process import REGION, LocalAws

OWNER: Final = "organization/shell-access/prod"
ACCOUNT_ID: Final = "123456789012"
ATTEMPTS: Final = 3
PATIENT_SECONDS: Final = 20.0
IMPATIENT_SECONDS: Final = 0.15

_RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": ATTEMPTS}


class Deployer:
    """One stack with one preferences document, and its state.

    Attributes:
        state: Outputs of the resource as the engine would have saved them; None before the first success.
    """

    def __init__(self, owner: str = OWNER) -> None:
        """Create the stack."""
        self.state: dict[str, Any] | None = None
        self._owner = owner
        self._provider = RunShellDocumentProvider()
        self._provider.configure(ConfigureRequest(ProviderConfig({"aws:region": REGION}, "shell-access")))

    def up(self, preferences: Preferences, *, on_destroy: str = "restore", take_over: bool = False) -> None:
        """Check, diff, then create or update, as `pulumi up` does."""
        news = {
            **preferences,
            "region": REGION,
            "description": DESCRIPTION,
            "owner": self._owner,
            "onDestroy": on_destroy,
            "takeOver": take_over,
            "accountId": ACCOUNT_ID,
        }
        refused = self._provider.check(self.state or {}, news).failures
        if refused:
            raise ResourceError("; ".join(failure.reason for failure in refused))
        if self.state is None:
            self.state = self._provider.create(news).outs
        elif self._provider.diff("id", self.state, news).changes:
            self.state = self._provider.update("id", self.state, news).outs

    def refresh(self) -> None:
        """Refresh the state, as `pulumi refresh` does."""
        if self.state is not None:
            read = self._provider.read("id", self.state)
            self.state = (read.outs or {}) if read.id else None

    def destroy(self) -> None:
        """Delete the document, as `pulumi destroy` does."""
        if self.state is not None:
            self._provider.delete("id", self.state)
            self.state = None


class Road:
    """Route of this process' calls to the local AWS.

    Attributes:
        before: Called once before each call, regardless of attempts. True sends the call through the proxy.
        is_free: Called before each attempt through the proxy; True sends it directly, as after the end of a fault.
        read_seconds: Read timeout of calls through the proxy.
    """

    def __init__(self, aws: LocalAws, detour: str = "") -> None:
        """Create the route.

        Args:
            aws: Local AWS.
            detour: URL of a proxy.
        """
        self.before: Callable[[Call], bool] = lambda _: False
        self.is_free: Callable[[], bool] = lambda: False
        self.read_seconds = PATIENT_SECONDS
        self._aws = aws
        self._detour = detour
        self._made: dict[tuple[Any, ...], Any] = {}

    def client(self, _session: object, service: str, region: str, *_: object) -> Any:
        """Return a client with fewer attempts, instead of `common.aws.session._client`."""
        return self._kept(("straight", service, region), lambda: self._aws.client(service, region, config=_config()))

    def detour(self, client: Any) -> Any:
        """Return the same client through the proxy."""
        service, region = client.meta.service_model.service_name, client.meta.region_name

        def made() -> Any:
            make = cast("Callable[..., Any]", self._aws.session.client)
            config = _config(read_timeout=self.read_seconds)
            client = make(service, region_name=region, endpoint_url=self._detour, config=config)
            client.meta.events.register("before-send", self._straight_where_free)
            return client

        return self._kept(("detour", service, region, self.read_seconds), made)

    def _straight_where_free(self, request: Any, **_: object) -> Any:
        return self._aws.answer(request) if self.is_free() else None

    def _kept(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def _config(**more: Any) -> Config:
    return Config(retries=_RETRIES, **more)


@contextmanager
def hurried(road: Road) -> Generator[None]:
    """Use the route for providers of this process: three attempts per call, without a pause between them.

    Pauses, number of attempts and retry quota of botocore are for deployments; tests do not wait for them.
    """
    call = cast("Any", BaseClient)._make_api_call

    def chosen(client: Any, operation: str, parameters: Any) -> Any:
        detour = road.before(Call(client.meta.service_model.signing_name, operation))
        return call(road.detour(client) if detour else client, operation, parameters)

    def nothing(*_: object) -> None: ...

    def granted(*_: object) -> bool:
        return True

    replacements: tuple[tuple[str, Any], ...] = (
        ("common.aws.session._client", road.client),
        ("common.aws.session.AwsClients._authenticated", nothing),
        ("botocore.endpoint.time", SimpleNamespace(sleep=nothing)),
        ("botocore.retries.quota.RetryQuota.acquire", granted),
        ("botocore.client.BaseClient._make_api_call", chosen),
    )
    with ExitStack() as patches:
        for target, replacement in replacements:
            patches.enter_context(patch(target, replacement))
        yield
