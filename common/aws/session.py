"""AWS clients with the credentials, roles and endpoints of the stack's AWS provider, for what that provider lacks.

They read the same configuration (`aws:...`) as the provider, in the same order of precedence; the rest comes from the
environment and the shared files, which botocore reads as the provider does.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from common.aws import CONNECT_SECONDS, RETRIES
from common.json_values import decoded

if TYPE_CHECKING:
    import botocore.session
    from botocore.loaders import Loader

    from common.aws.answers import ThrottlingBreak

ConfigurationReader = Callable[[str], Any]
"""Function that returns the value of a full key such as `aws:region`, or None."""

_CLIENT_ALIASES = {
    "ssm": ("ssm",),
    "sts": ("sts",),
    "kms": ("kms",),
    "logs": ("logs", "cloudwatchlogs"),
    "config": ("configservice", "config"),
    "s3": ("s3", "s3api"),
    "account-access": ("accountaccess",),
    "service-quotas": ("servicequotas",),
    "sso-admin": ("ssoadmin",),
}


class UnsupportedConfigurationError(Exception):
    """With the stack's AWS configuration, the clients would be another principal than the provider."""


class Clients(Protocol):
    """Factory of clients, as `AwsClients`; tests use others."""

    def client(self, service: str, region: str) -> Any:
        """Return a client of `service` (`ssm`, `kms`, ...) in a Region."""


class AwsClients:
    """Clients of the stack's AWS provider, each created once; thread-safe.

    Raises:
        UnsupportedConfigurationError: On creation, for settings that only the provider supports.
    """

    def __init__(self, read: ConfigurationReader) -> None:
        self._read = read
        # Creating clients of one session is not thread-safe; using them is.
        self._lock = threading.RLock()
        self._session: botocore.session.Session | None = None
        self._made: dict[tuple[str, str], Any] = {}
        self._breaks: list[ThrottlingBreak] = []
        if self._decoded("assumeRoleWithWebIdentity"):
            raise UnsupportedConfigurationError(
                "aws:assumeRoleWithWebIdentity is not supported for the preferences document; give the web identity "
                "through AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, and further roles through aws:assumeRoles"
            )

    def client(self, service: str, region: str) -> Any:
        """Return a client of `service` (`ssm`, `kms`, ...) in a Region."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = _client(
                    self._authenticated(), service, region, self._endpoint(service), self._breaks
                )
            return self._made[service, region]

    def caller_arn(self, region: str) -> str:
        """Return the clients' principal, for messages about missing permissions; the call needs no permission."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as below

        try:
            return str(self.client("sts", region).get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError):
            return "the credentials in use"

    def _text(self, name: str) -> str | None:
        value = self._read(f"aws:{name}")
        return str(value) if value not in (None, "") else None

    def _decoded(self, name: str) -> Any:
        return decoded(self._read(f"aws:{name}"))

    def _endpoint(self, service: str) -> str | None:
        endpoints = cast("list[dict[str, str]]", self._decoded("endpoints") or [])
        for name in _CLIENT_ALIASES.get(service, (service,)):
            for endpoint in endpoints:
                if endpoint.get(name):
                    return endpoint[name]
        return None

    def _authenticated(self) -> botocore.session.Session:
        if self._session is None:
            session = self._base_session()
            for role in cast("list[dict[str, Any]]", self._decoded("assumeRoles") or []):
                session = self._assume(session, role)
            self._session = session
        return self._session

    def _base_session(self) -> botocore.session.Session:
        session = new_session(self._text("profile"))
        session.set_config_variable("region", self._text("region") or session.get_config_variable("region"))
        if access_key := self._text("accessKey"):
            session.set_credentials(access_key, self._text("secretKey") or "", self._text("token"))
        return session

    def _assume(self, session: botocore.session.Session, role: dict[str, Any]) -> botocore.session.Session:
        """Assume a role of the list with the credentials of the previous one."""
        from botocore.credentials import (  # noqa: PLC0415 -- as below
            CredentialProvider,
            CredentialResolver,
            DeferredRefreshableCredentials,
        )

        region = session.get_config_variable("region")
        sts = _client(session, "sts", self._text("stsRegion") or region, self._endpoint("sts"))
        arguments = _assume_role_arguments(role)

        def assume() -> dict[str, str]:
            credentials = sts.assume_role(**arguments)["Credentials"]
            return {
                "access_key": credentials["AccessKeyId"],
                "secret_key": credentials["SecretAccessKey"],
                "token": credentials["SessionToken"],
                "expiry_time": credentials["Expiration"].isoformat(),
            }

        class Assumed(CredentialProvider):
            def load(self) -> DeferredRefreshableCredentials:
                # The first call assumes the role, so that its failure is that of a call, not of the client.
                return DeferredRefreshableCredentials(assume, "assume-role")

        assumed = new_session()
        assumed.set_config_variable("region", region)
        assumed.register_component("credential_provider", CredentialResolver([Assumed()]))
        return assumed


@cache
def _service_descriptions() -> Loader:
    """Return the loader of service descriptions, large files that all sessions share."""
    from botocore.loaders import Loader  # noqa: PLC0415 -- as below

    return Loader(include_default_search_paths=True)


def new_session(profile: str | None = None) -> botocore.session.Session:
    """Return a session that shares its service descriptions with all others of this process."""
    import botocore.session  # noqa: PLC0415 -- takes half a second, which an unchanged run saves

    from common.aws.answers import CheckedParsers  # noqa: PLC0415

    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", _service_descriptions())
    session.register_component("response_parser_factory", CheckedParsers())
    return session


def _client(
    session: botocore.session.Session,
    service: str,
    region: str | None,
    endpoint: str | None,
    breaks: list[ThrottlingBreak] | None = None,
) -> Any:
    from botocore.config import Config  # noqa: PLC0415

    from common.aws.answers import bound  # noqa: PLC0415

    make = cast("Callable[..., Any]", session.create_client)
    config = Config(retries=cast("Any", RETRIES), connect_timeout=CONNECT_SECONDS)
    client = make(service, region_name=region, endpoint_url=endpoint, config=config)
    # botocore creates the exception classes of a client on first access. Two concurrent threads would get two of each,
    # and what one raises would not be what the other catches.
    _ = client.exceptions
    bound(client, breaks)
    return client


def _assume_role_arguments(role: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of STS for an entry of `aws:assumeRoles`.

    Raises:
        UnsupportedConfigurationError: The entry has a setting that would not be passed to STS.
    """
    names = {
        "roleArn": "RoleArn",
        "sessionName": "RoleSessionName",
        "externalId": "ExternalId",
        "policy": "Policy",
        "sourceIdentity": "SourceIdentity",
        "transitiveTagKeys": "TransitiveTagKeys",
    }
    arguments: dict[str, Any] = {"RoleSessionName": "shell-access"}
    for key, value in role.items():
        if key in names:
            arguments[names[key]] = value
        elif key == "policyArns":
            arguments["PolicyArns"] = [{"arn": arn} for arn in value]
        elif key == "tags":
            arguments["Tags"] = [{"Key": name, "Value": text} for name, text in value.items()]
        elif key == "duration":
            arguments["DurationSeconds"] = _seconds(str(value))
        else:
            raise UnsupportedConfigurationError(f"aws:assumeRoles has a setting that is not known here: {key}")
    return arguments


def _seconds(duration: str) -> int:
    """Return the seconds of a duration in the provider's format: `1h30m`, `45m`, `900s`."""
    units = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"([0-9]+)([hms])", duration)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != duration:
        raise UnsupportedConfigurationError(
            f"aws:assumeRoles: expected a duration such as 1h30m, 45m or 900s, got {duration}."
        )
    return sum(int(number) * units[unit] for number, unit in parts)
