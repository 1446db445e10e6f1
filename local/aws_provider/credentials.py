"""botocore sessions and clients. The only module that imports botocore at its top: import it late."""

import os
import re
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials

from local.aws_provider.config import ProviderConfig
from local.aws_provider.failure import AwsError, ConfigurationError
from local.aws_provider.wire import Values

attempts: Final = 4
"""Attempts per call when `maxRetries` is not set. The real plugin has 25: minutes of silence against an emulator."""
_models: Final = botocore.loaders.Loader(include_default_search_paths=True)
"""Service descriptions: large files, loaded once for all sessions."""


def new_session(profile: str | None = None) -> Any:
    """Create a session that shares its service descriptions with all others of this process."""
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", _models)
    return session


def open_session(config: ProviderConfig) -> Any:
    """Create a session with the configured credentials, assumed roles included."""
    raw = config.raw
    session = new_session(raw.get("profile") or None)
    if raw.get("sharedCredentialsFiles"):
        session.set_config_variable("credentials_file", raw["sharedCredentialsFiles"][0])
    if raw.get("sharedConfigFiles"):
        session.set_config_variable("config_file", raw["sharedConfigFiles"][0])
    if raw.get("skipMetadataApiCheck") or os.environ.get("AWS_SKIP_METADATA_API_CHECK") in {"1", "true"}:
        session.get_component("credential_provider").remove("iam-role")
    if raw.get("accessKey") and raw.get("secretKey"):
        session.set_credentials(raw["accessKey"], raw["secretKey"], raw.get("token") or None)
    region = config.region or session.get_config_variable("region")
    for role in config.assume_roles:
        if not region:
            raise ConfigurationError("no AWS Region, needed to assume a role")
        session = _assume(session, config, role, raw.get("stsRegion") or region)
    return session


def _assume(session: Any, config: ProviderConfig, role: Values, region: str) -> Any:
    """Create a session of the role that refreshes its credentials before they expire."""
    client = make_client(session, config, "sts", region)
    request = _assume_request(role)

    def refresh() -> dict[str, str]:
        try:
            answer = client.assume_role(**request)["Credentials"]
        except Exception as error:
            details = getattr(error, "response", {}).get("Error", {})
            code = details.get("Code", type(error).__name__)
            message = f"{role.get('roleArn')}: {details.get('Message', error)}"
            raise AwsError("sts:AssumeRole", code, message) from error
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    assumed = new_session()
    credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "assume-role")
    # botocore has no public way to set refreshable credentials of a session.
    assumed._credentials = credentials  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue]
    return assumed


def _assume_request(role: Values) -> Values:
    policies: list[str] = role.get("policyArns") or []
    tags: dict[str, str] = role.get("tags") or {}
    request: Values = {
        "RoleArn": role.get("roleArn", ""),
        "RoleSessionName": role.get("sessionName") or "pulumi-aws",
        "ExternalId": role.get("externalId"),
        "DurationSeconds": _seconds(role.get("duration")),
        "Policy": role.get("policy"),
        "PolicyArns": [{"arn": arn} for arn in policies],
        "SourceIdentity": role.get("sourceIdentity"),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "TransitiveTagKeys": role.get("transitiveTagKeys"),
    }
    return {name: value for name, value in request.items() if value}


def _seconds(duration: str | None) -> int | None:
    """Return the seconds of a Go duration such as `1h30m`."""
    if not duration:
        return None
    if not re.fullmatch(r"(?:\d+[hms])+", duration):
        raise ConfigurationError(f"assumeRoles: {duration!r} is no duration such as 1h or 30m")
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(amount) * units[unit] for amount, unit in re.findall(r"(\d+)([hms])", duration))


def make_client(session: Any, config: ProviderConfig, service: str, region: str) -> Any:
    """Create a client for the configuration; botocore itself reads `AWS_ENDPOINT_URL` and the profile."""
    raw = config.raw
    options: Values = {
        "retries": {
            "total_max_attempts": raw.get("maxRetries") or attempts,
            "mode": raw.get("retryMode") or "standard",
        },
        "user_agent_extra": " ".join(["shell-access-local-provider", *raw.get("userAgents", [])]),
        # The engine processes resources in parallel; calls would wait for the default of 10 connections.
        "max_pool_connections": 64,
        "use_dualstack_endpoint": raw.get("useDualstackEndpoint"),
        "use_fips_endpoint": raw.get("useFipsEndpoint"),
    }
    if raw.get("s3UsePathStyle"):
        options["s3"] = {"addressing_style": "path"}
    verify: bool | str | None = False if raw.get("insecure") else (raw.get("customCaBundle") or None)

    def client(**more: Any) -> Any:
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=config.endpoints.get(service),
            verify=verify,
            config=Config(**{name: value for name, value in options.items() if value is not None}, **more),
        )

    made = client()
    # S3 Control puts the account in front of the host. In front of an IP address the result does not resolve, so
    # the address itself serves as a proxy for that host.
    if service == "s3control" and _is_address(made.meta.endpoint_url):
        return client(proxies={"http": made.meta.endpoint_url})
    return made


def _is_address(url: str) -> bool:
    try:
        ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True
