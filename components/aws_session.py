"""AWS clients with the credentials, roles and endpoints of the stack's AWS provider, for what that provider lacks.

Reads the same configuration (`aws:...`) as the provider, in the same order of precedence; what is not configured comes
from the environment and the shared files, which botocore reads as the provider does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import boto3

ConfigurationReader = Callable[[str], Any]
"""Gives the value of a full key such as `aws:region`, or None."""

CONNECT_SECONDS = 10
"""Within which an endpoint has to accept a connection, each time it is tried."""

RETRIES = {"mode": "standard", "total_max_attempts": 8}
"""As the provider: throttling and passing faults are tried again with growing pauses."""

_CLIENT_ALIASES = {
    "ssm": ("ssm",),
    "sts": ("sts",),
    "kms": ("kms",),
    "logs": ("logs", "cloudwatchlogs"),
    "s3": ("s3", "s3api"),
}


class UnsupportedConfigurationError(Exception):
    """The stack's AWS configuration asks for something that would make us act as somebody else than the provider."""


class AwsClients:
    """Makes clients as the stack's AWS provider would.

    Raises:
        UnsupportedConfigurationError: when made, for settings that only the provider can follow.
    """

    def __init__(self, read: ConfigurationReader) -> None:
        self._read = read
        self._session: boto3.Session | None = None
        if self._decoded("assumeRoleWithWebIdentity"):
            raise UnsupportedConfigurationError(
                "aws:assumeRoleWithWebIdentity is not supported for the preferences document; give the web identity "
                "through AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, and further roles through aws:assumeRoles"
            )

    def client(self, service: str, region: str) -> Any:
        """A client of `service` (`ssm`, `kms`, ...) in a Region."""
        return _client(self._authenticated(), service, region, self._endpoint(service))

    def caller_arn(self, region: str) -> str:
        """Whom the clients act as, for what is said about a missing permission; anybody may ask that."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as below

        try:
            return str(self.client("sts", region).get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError):
            return "the credentials in use"

    def _text(self, name: str) -> str | None:
        value = self._read(f"aws:{name}")
        return str(value) if value not in (None, "") else None

    def _decoded(self, name: str) -> Any:
        value = self._read(f"aws:{name}")
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value

    def _endpoint(self, service: str) -> str | None:
        endpoints = cast("list[dict[str, str]]", self._decoded("endpoints") or [])
        for name in _CLIENT_ALIASES.get(service, (service,)):
            for endpoint in endpoints:
                if endpoint.get(name):
                    return endpoint[name]
        return None

    def _authenticated(self) -> boto3.Session:
        if self._session is None:
            session = self._base_session()
            for role in cast("list[dict[str, Any]]", self._decoded("assumeRoles") or []):
                session = self._assume(session, role)
            self._session = session
        return self._session

    def _base_session(self) -> boto3.Session:
        import boto3  # noqa: PLC0415 -- half a second that an unchanged run need not spend

        return boto3.Session(
            aws_access_key_id=self._text("accessKey"),
            aws_secret_access_key=self._text("secretKey"),
            aws_session_token=self._text("token"),
            profile_name=self._text("profile"),
            region_name=self._text("region"),
        )

    def _assume(self, session: boto3.Session, role: dict[str, Any]) -> boto3.Session:
        """Each role of the list is assumed with the credentials of the one before."""
        import boto3  # noqa: PLC0415

        region = self._text("stsRegion") or self._text("region") or session.region_name
        sts = _client(session, "sts", region, self._endpoint("sts"))
        credentials = sts.assume_role(**_assume_role_arguments(role))["Credentials"]
        return boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=session.region_name,
        )


def _client(session: boto3.Session, service: str, region: str | None, endpoint: str | None) -> Any:
    from botocore.config import Config  # noqa: PLC0415

    make = cast("Callable[..., Any]", session.client)
    config = Config(retries=cast("Any", RETRIES), connect_timeout=CONNECT_SECONDS)
    return make(service, region_name=region, endpoint_url=endpoint, config=config)


def _assume_role_arguments(role: dict[str, Any]) -> dict[str, Any]:
    """One entry of `aws:assumeRoles` as STS wants it.

    Raises:
        UnsupportedConfigurationError: the entry has a setting that we would not pass on.
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
    """`1h30m`, `45m`, `900s` as the provider writes durations."""
    units = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([hms])", duration)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != duration:
        raise UnsupportedConfigurationError(
            f"aws:assumeRoles has a duration that is none: {duration}; allowed: 1h30m, 45m, 900s"
        )
    return sum(int(number) * units[unit] for number, unit in parts)
