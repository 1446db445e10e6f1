"""The provider of the preferences document, called as the engine calls it, in this process and without its pauses."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.config import Config
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config as ProviderConfig

from components.session_manager.document import DESCRIPTION, Preferences
from components.session_manager.document_provider import RunShellDocumentProvider
from components.session_manager.document_store import DocumentError
from local.faults.faults import Call
from local.faults.in_process import REGION, LocalAws

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

OWNER: Final = "organization/shell-access/prod"
ACCOUNT_ID: Final = "123456789012"
ATTEMPTS: Final = 3
PATIENT_SECONDS: Final = 20.0
IMPATIENT_SECONDS: Final = 0.15

_RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": ATTEMPTS}


class Deployer:
    """One stack with one preferences document, and its state.

    Attributes:
        state: outputs of the resource as the engine would have saved them; None before the first success.
    """

    def __init__(self, owner: str = OWNER) -> None:
        """Makes the stack.

        Args:
            owner: names it.
        """
        self.state: dict[str, Any] | None = None
        self._owner = owner
        self._provider = RunShellDocumentProvider()
        self._provider.configure(ConfigureRequest(ProviderConfig({"aws:region": REGION}, "shell-access")))

    def up(self, wanted: Preferences, *, on_destroy: str = "restore", take_over: bool = False) -> None:
        """`pulumi up`: check, diff, then create or update.

        Raises:
            DocumentError: the run stopped.
        """
        news = {
            **wanted,
            "region": REGION,
            "description": DESCRIPTION,
            "owner": self._owner,
            "onDestroy": on_destroy,
            "takeOver": take_over,
            "accountId": ACCOUNT_ID,
        }
        refused = self._provider.check(self.state or {}, news).failures
        if refused:
            raise DocumentError("; ".join(failure.reason for failure in refused))
        if self.state is None:
            self.state = self._provider.create(news).outs
        elif self._provider.diff("id", self.state, news).changes:
            self.state = self._provider.update("id", self.state, news).outs

    def refresh(self) -> None:
        """`pulumi refresh`.

        Raises:
            DocumentError: the run stopped.
        """
        if self.state is not None:
            read = self._provider.read("id", self.state)
            self.state = (read.outs or {}) if read.id else None

    def destroy(self) -> None:
        """`pulumi destroy`.

        Raises:
            DocumentError: the run stopped.
        """
        if self.state is not None:
            self._provider.delete("id", self.state)
            self.state = None


class Road:
    """How the calls of this process get to the local AWS.

    Attributes:
        before: called with each call before it is made; attempts of the same call count once. True sends the call
            over the detour.
        is_free: asked before each attempt on the detour; True lets it go straight, as where the fault is over.
        read_seconds: for how long an answer is waited for on the detour.
    """

    def __init__(self, aws: LocalAws, detour: str = "") -> None:
        """Makes the road.

        Args:
            aws: where it leads.
            detour: URL of a proxy.
        """
        self.before: Callable[[Call], bool] = lambda _: False
        self.is_free: Callable[[], bool] = lambda: False
        self.read_seconds = PATIENT_SECONDS
        self._aws = aws
        self._detour = detour
        self._made: dict[tuple[Any, ...], Any] = {}

    def client(self, _: object, service: str, region: str, __: str | None) -> Any:
        """In place of `components.aws_session._client`: fewer attempts."""
        return self._kept(("straight", service, region), lambda: self._aws.client(service, region, config=_config()))

    def detour(self, client: Any) -> Any:
        """The same client by way of the proxy."""
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
    """Lets providers of this process take the road: three attempts at a call, without a pause between them.

    How long botocore pauses, how often it tries and how much trying again it allows a process altogether is for a
    deployment to have, and not for a test to wait for.
    """
    call = cast("Any", BaseClient)._make_api_call  # noqa: SLF001 -- the one place that every call passes

    def chosen(client: Any, operation: str, parameters: Any) -> Any:
        detour = road.before(Call(client.meta.service_model.signing_name, operation))
        return call(road.detour(client) if detour else client, operation, parameters)

    def nothing(*_: object) -> None: ...

    def granted(*_: object) -> bool:
        return True

    replacements: tuple[tuple[str, Any], ...] = (
        ("components.aws_session._client", road.client),
        ("components.aws_session.AwsClients._authenticated", nothing),
        ("botocore.endpoint.time", SimpleNamespace(sleep=nothing)),
        ("botocore.retries.quota.RetryQuota.acquire", granted),
        ("botocore.client.BaseClient._make_api_call", chosen),
    )
    with ExitStack() as patches:
        for target, replacement in replacements:
            patches.enter_context(patch(target, replacement))
        yield
