"""Provider configuration: decoding and validation.

Strings arrive as they are; language SDKs send all other settings as JSON-encoded strings. Native values are accepted,
too. Source: Pulumi AWS 7, Terraform AWS provider 6.
"""

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any, Final

from local.aws_provider.failure import RejectedValue
from local.aws_provider.wire import UNKNOWN, Values, holds_unknown, is_list, is_map

_text: Final = "string"
_keys_by_kind: Final = {
    _text: (
        "region profile accessKey secretKey token stsRegion retryMode s3UsEast1RegionalEndpoint customCaBundle httpProxy "
        "httpsProxy noProxy ec2MetadataServiceEndpoint ec2MetadataServiceEndpointMode tagPolicyCompliance"
    ),
    "list": (
        "sharedConfigFiles sharedCredentialsFiles assumeRoles allowedAccountIds forbiddenAccountIds endpoints userAgents"
    ),
    "object": "assumeRoleWithWebIdentity defaultTags ignoreTags",
    "boolean": (
        "insecure s3UsePathStyle skipCredentialsValidation skipMetadataApiCheck skipRegionValidation "
        "skipRequestingAccountId useDualstackEndpoint useFipsEndpoint"
    ),
    "integer": "maxRetries tokenBucketRateLimiterCapacity",
}
keys: Final = {name: kind for kind, names in _keys_by_kind.items() for name in names.split()}
_unsupported: Final = frozenset(
    {"assumeRoleWithWebIdentity", "httpProxy", "httpsProxy", "noProxy", "tokenBucketRateLimiterCapacity"}
)
"""Settings of the real plugin that would have no effect here; setting one is an error."""
_role_keys: Final = frozenset(
    {
        *("roleArn", "sessionName", "externalId", "duration", "policy", "policyArns", "sourceIdentity"),
        *("tags", "transitiveTagKeys"),
    }
)
_choices: Final = {
    "retryMode": ("standard", "adaptive"),
    "s3UsEast1RegionalEndpoint": ("legacy", "regional"),
    "tagPolicyCompliance": ("error", "warning", "disabled"),
}
_region_name: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")
_default_tag_prefix: Final = "TF_AWS_DEFAULT_TAGS_"


@dataclass(frozen=True, kw_only=True)
class ProviderConfig:
    """Decoded settings. `raw` holds the less common ones by their wire name."""

    region: str | None = None
    default_tags: dict[str, str] = field(default_factory=dict[str, str])
    ignored_keys: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()
    endpoints: dict[str, str] = field(default_factory=dict[str, str])
    assume_roles: tuple[Values, ...] = ()
    allowed_accounts: tuple[str, ...] = ()
    forbidden_accounts: tuple[str, ...] = ()
    skip_credentials: bool = False
    skip_account: bool = False
    unknown: bool = False
    """A setting is known only after the update, so that AWS cannot be called yet."""
    tags_unknown: bool = False
    raw: Values = field(default_factory=dict[str, Any])

    def effective_tags(self, tags: Any) -> Any:
        """Return the tags to send to AWS (`tagsAll`), or UNKNOWN if any part of them is unknown.

        These are the default tags, overridden by those of the resource. Source: Terraform AWS provider, transparent tagging.
        """
        if self.tags_unknown or holds_unknown(tags):
            return UNKNOWN
        merged: Values = {**self.default_tags, **(tags or {})}
        return {key: value for key, value in sorted(merged.items()) if not self._ignores(key)}

    def observed_tags(self, aws_tags: dict[str, str], own: Any) -> tuple[Values, Values]:
        """Return `tags` and `tagsAll` for the outputs from all tags that AWS has.

        A tag that equals a default tag counts as the resource's own only if the resource had it before (`own`).
        """
        shown = {
            key: value
            for key, value in sorted(aws_tags.items())
            if not key.startswith("aws:") and not self._ignores(key)
        }
        own_keys: set[str] = set(own) if is_map(own) else set()
        tags = {key: value for key, value in shown.items() if self.default_tags.get(key) != value or key in own_keys}
        return tags, shown

    def _ignores(self, key: str) -> bool:
        return key in self.ignored_keys or key.startswith(self.ignored_prefixes)


def decode(values: Values) -> tuple[Values, list[RejectedValue]]:
    """Decode the JSON-encoded settings, and return all problems with them."""
    decoded: Values = {}
    problems: list[RejectedValue] = []
    for name, value in values.items():
        if name in {"version", "pluginDownloadURL"} or name.startswith("__"):
            continue
        if name == "assumeRole":
            problems.append(RejectedValue(name, "assumeRole is no longer supported; use assumeRoles, a list of roles"))
        elif name not in keys:
            problems.append(RejectedValue(name, f"unknown provider setting {name!r}"))
        elif name in _unsupported and value not in ("", False):
            problems.append(RejectedValue(name, f"{name!r} is not supported by the local stand-in provider"))
        else:
            decoded[name], problem = _decoded(name, value)
            problems += [problem] if problem else []
    return {name: value for name, value in decoded.items() if value is not None}, problems


def _decoded(name: str, value: Any) -> tuple[Any, RejectedValue | None]:
    kind = keys[name]
    if value is UNKNOWN or (kind == _text and isinstance(value, str)):
        return value, None
    if isinstance(value, str):
        if not value:
            return None, None
        try:
            value = json.loads(value)
        except ValueError:
            return None, RejectedValue(name, f"expected {kind} in JSON, got {value!r}")
    types: dict[str, Any] = {"list": list, "object": dict, "boolean": bool, "integer": int, _text: str}
    if not isinstance(value, types[kind]):
        return None, RejectedValue(name, f"expected {kind}, got {value!r}")
    return value, None


def with_environment(inputs: Values) -> Values:
    """Add the Region of the environment if none is set, as the SDK and the bridge do."""
    found = inputs.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return {**inputs, "region": found} if found else inputs


def validate(decoded: Values) -> list[RejectedValue]:
    """Return the problems of the decoded settings as a whole."""
    problems: list[RejectedValue] = []
    if decoded.get("allowedAccountIds") and decoded.get("forbiddenAccountIds"):
        problems.append(RejectedValue("allowedAccountIds", "conflicts with forbiddenAccountIds"))
    for name, allowed in _choices.items():
        if decoded.get(name, allowed[0]) not in (*allowed, "", UNKNOWN):
            problems.append(RejectedValue(name, f"expected one of {list(allowed)}, got {decoded[name]!r}"))
    for index, role in enumerate(_list(decoded.get("assumeRoles"))):
        unknown = sorted(set(role) - _role_keys) if is_map(role) else []
        problems += [RejectedValue(f"assumeRoles[{index}].{name}", "unknown setting of a role") for name in unknown]
    region = decoded.get("region")
    checked = isinstance(region, str) and region and not decoded.get("skipRegionValidation", True)
    if checked and not _region_name.fullmatch(str(region)):
        problems.append(RejectedValue("region", f"invalid AWS Region: {region}"))
    return problems


def build(decoded: Values) -> ProviderConfig:
    """Build the configuration from decoded settings."""
    ignore = _map(decoded.get("ignoreTags"))
    default_tags = decoded.get("defaultTags")
    return ProviderConfig(
        region=_known_text(decoded.get("region")),
        default_tags={**_environment_tags(), **_tag_map(_map(default_tags).get("tags"))},
        ignored_keys=frozenset(_list(ignore.get("keys"))),
        ignored_prefixes=tuple(_list(ignore.get("keyPrefixes"))),
        endpoints=_endpoints(_list(decoded.get("endpoints"))),
        assume_roles=tuple(role for role in _list(decoded.get("assumeRoles")) if is_map(role)),
        allowed_accounts=tuple(_list(decoded.get("allowedAccountIds"))),
        forbidden_accounts=tuple(_list(decoded.get("forbiddenAccountIds"))),
        skip_credentials=bool(decoded.get("skipCredentialsValidation"))
        or _environment_flag("AWS_SKIP_CREDENTIALS_VALIDATION"),
        skip_account=bool(decoded.get("skipRequestingAccountId")),
        unknown=holds_unknown(decoded),
        tags_unknown=holds_unknown(default_tags) or holds_unknown(decoded.get("ignoreTags")),
        raw=decoded,
    )


def _endpoints(entries: list[Any]) -> dict[str, str]:
    """Map service keys to endpoint URLs; the first of several entries for a service wins."""
    result: dict[str, str] = {}
    for entry in entries:
        for service, address in _map(entry).items():
            if address and not service.startswith("__"):
                result.setdefault(_endpoint_aliases.get(service, service), address)
    return result


_endpoint_aliases: Final = {
    "s3api": "s3",
    "eventbridge": "events",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "configservice": "config",
}


def _environment_tags() -> dict[str, str]:
    return {
        name.removeprefix(_default_tag_prefix): value
        for name, value in os.environ.items()
        if name.startswith(_default_tag_prefix)
    }


def _environment_flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true"}


def _tag_map(value: Any) -> dict[str, str]:
    return {key: item for key, item in _map(value).items() if isinstance(item, str) and key[:2] != "__"}


def _known_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _list(value: Any) -> list[Any]:
    return value if is_list(value) else []


def _map(value: Any) -> Values:
    return value if is_map(value) else {}
