"""AWS sessions: clients created on demand, and a single method for all calls.

botocore is imported with the first call, so that the plugin starts quickly. Clients are thread-safe; creating a client
is not, hence the lock. Endpoint precedence and the credential chain are those of botocore.
"""

import importlib
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

from local.aws_provider.config import ProviderConfig
from local.aws_provider.failure import AwsError, ConfigurationError, UnsupportedError
from local.aws_provider.wire import Values

Result = TypeVar("Result")

poll_seconds: Final = 0.5


class ProviderSession:
    """Credentials, clients and the account of one provider."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self.cancelled = threading.Event()
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._core: Any = None
        self._region: str | None = config.region
        self._account: str | None = None

    def core(self) -> Any:
        """Return the botocore session with the configured credentials."""
        with self._lock:
            if self._core is None:
                from local.aws_provider import credentials  # noqa: PLC0415 - imports botocore, hence late

                self._core = credentials.open_session(self.config)
            return self._core

    @property
    def region(self) -> str:
        """Region of the provider: its setting, else the Region of the environment or profile."""
        with self._lock:
            if self._region is None:
                self._region = self.core().get_config_variable("region")
            if not self._region:
                raise ConfigurationError("no AWS Region: set aws:region, or AWS_REGION, or a region in the profile")
            return self._region

    @property
    def partition(self) -> str:
        """Partition of the provider's Region."""
        return partition_of(self.region)

    def client(self, service: str, region: str) -> Any:
        """Return the client for a service in a Region, created once."""
        key = (service, region)
        found = self._clients.get(key)
        if found is None:
            with self._lock:
                found = self._clients.get(key)
                if found is None:
                    from local.aws_provider import credentials  # noqa: PLC0415 - imports botocore, hence late

                    found = credentials.make_client(self.core(), self.config, service, region)
                    self._clients[key] = found
        return found

    @property
    def account(self) -> str:
        """Account of the credentials; empty with `skipRequestingAccountId`."""
        if self.config.skip_account:
            return ""
        with self._lock:
            if self._account is None:
                identity = self.request("sts", self.config.raw.get("stsRegion") or self.region, "GetCallerIdentity")
                self._account = str(identity["Account"])
            return self._account

    def verify_credentials(self) -> None:
        """Verify that credentials and a Region are configured, and that AWS accepts them.

        Raises:
            ProviderError: Credentials or Region are missing, or AWS denies the call.
        """
        region = self.region
        if not self.config.skip_account:
            _ = self.account
        elif not self.config.skip_credentials:
            self.request("sts", self.config.raw.get("stsRegion") or region, "GetCallerIdentity")

    def verify_account(self) -> None:
        """Compare the account with the allowed and forbidden accounts, before any other call.

        Raises:
            ConfigurationError: The account is not allowed.
        """
        if self.config.skip_account:
            return
        account = self.account
        allowed, forbidden = self.config.allowed_accounts, self.config.forbidden_accounts
        if (allowed and account not in allowed) or account in forbidden:
            raise ConfigurationError(f"AWS account ID not allowed: {account}")

    def request(self, service: str, region: str, operation: str, **arguments: Any) -> Values:
        """Call AWS.

        Raises:
            AwsError: The call failed; the message is one line.
        """
        from botocore import exceptions, xform_name  # noqa: PLC0415 - late, see above

        name = f"{service}:{operation}"
        try:
            call = getattr(self.client(service, region), xform_name(operation))
            response: Values = call(**arguments)
        except exceptions.ClientError as error:
            details: Mapping[str, Any] = error.response.get("Error", {})
            raise AwsError(name, details.get("Code", "Unknown"), details.get("Message", str(error))) from error
        except exceptions.BotoCoreError as error:
            raise AwsError(name, type(error).__name__, str(error)) from error
        response.pop("ResponseMetadata", None)
        return response


class Aws:
    """Access of a resource type to AWS: its Region, and the calls that it declares."""

    def __init__(self, session: ProviderSession, service: str, region: str, allowed: Collection[str]) -> None:
        self.session = session
        self.service = service
        self.region = region
        self._allowed = allowed

    @property
    def account(self) -> str:
        """Account that owns the created resources."""
        return self.session.account

    @property
    def partition(self) -> str:
        """Partition of the Region."""
        return partition_of(self.region)

    def call(self, operation: str, **arguments: Any) -> Values:
        """Call `Operation` or `service:Operation`, without the arguments that are None.

        Raises:
            UnsupportedError: The type does not declare the call.
        """
        if operation not in self._allowed:
            raise UnsupportedError(f"{operation} is not among the calls that this type declares")
        service, _, name = operation.rpartition(":")
        given = {key: value for key, value in arguments.items() if value is not None}
        return self.session.request(service or self.service, self.region, name, **given)

    def attempt(self, codes: Collection[str], operation: str, **arguments: Any) -> Values | None:
        """Call an operation; return None where AWS answers with one of these error codes."""
        try:
            return self.call(operation, **arguments)
        except AwsError as failure:
            if failure.code not in codes:
                raise
            return None

    def shape(self, operation: str) -> Any:
        """Return botocore's model of the arguments of an operation."""
        service, _, name = operation.rpartition(":")
        client = self.session.client(service or self.service, self.region)
        return client.meta.service_model.operation_model(name).input_shape

    def pages(self, operation: str, items: str, **arguments: Any) -> list[Any]:
        """Return all items of a paginated call."""
        argument = next(each for each in _tokens if each in self.shape(operation).members)
        result: list[Any] = []
        more: dict[str, str] = {}
        while True:
            answer = self.call(operation, **arguments, **more)
            result += answer.get(items, [])
            token = next((answer[each] for each in _tokens if answer.get(each)), None)
            if token is None:
                return result
            more = {argument: token}

    def arn(self, resource: str, owner: str | None = None) -> str:
        """Return an ARN of this service in the Region, in the owner's account."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{owner or self.account}:{resource}"

    def wait_until(self, done: Callable[[], bool], what: str, seconds: float = 600) -> None:
        """Poll until a condition is met."""
        deadline = time.monotonic() + seconds
        while not done():
            self._pause(deadline, AwsError("wait", "Timeout", f"{what} did not happen within {seconds:g} s"))

    def wait_until_gone(
        self, find: Callable[[], object], codes: Collection[str], what: str, seconds: float = 600
    ) -> None:
        """Poll until a call finds nothing, or fails with one of these error codes."""

        def is_gone() -> bool:
            try:
                return not find()
            except AwsError as failure:
                if failure.code not in codes:
                    raise
                return True

        self.wait_until(is_gone, f"deletion of {what}", seconds)

    def retry(
        self, codes: Collection[str], call: Callable[[], Result], seconds: float = 120, message: str = ""
    ) -> Result:
        """Repeat a call while AWS returns one of these error codes, with a text in the message."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return call()
            except AwsError as failure:
                if failure.code not in codes or message not in failure.message:
                    raise
                self._pause(deadline, failure)

    def _pause(self, deadline: float, failure: AwsError) -> None:
        if time.monotonic() >= deadline or self.session.cancelled.wait(poll_seconds):
            raise failure


_tokens: Final = ("NextToken", "nextToken", "Marker", "NextMarker")
"""Names of pagination tokens in requests and answers."""
_partitions: Final = (
    (re.compile(r"cn-"), "aws-cn"),
    (re.compile(r"us-gov-"), "aws-us-gov"),
    (re.compile(r"us-iso-"), "aws-iso"),
    (re.compile(r"us-isob-"), "aws-iso-b"),
    (re.compile(r"eusc-"), "aws-eusc"),
)


def partition_of(region: str) -> str:
    """Return the partition of a Region, derived from its name."""
    return next((name for pattern, name in _partitions if pattern.match(region)), "aws")


def warm_up() -> None:
    """Import what the first call needs. In parallel with the handshake, it does not delay the engine."""
    importlib.import_module("local.aws_provider.credentials")
