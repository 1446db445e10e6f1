"""Tags of the program, of the provider, and of AWS.

`tags` are those of the resource, `tagsAll` those sent to AWS: default tags, overridden by those of the resource.
Source: Terraform AWS provider, transparent tagging.
"""

from collections.abc import Mapping
from typing import Any

from local.aws_provider.config import ProviderConfig
from local.aws_provider.wire import UNKNOWN, Values, holds_unknown, is_map


def effective(tags: Any, config: ProviderConfig) -> Any:
    """Return the tags to send to AWS, or UNKNOWN if any part of them is unknown."""
    if config.tags_unknown or holds_unknown(tags):
        return UNKNOWN
    merged: Values = {**config.default_tags, **(tags or {})}
    return {key: value for key, value in sorted(merged.items()) if not is_ignored(key, config)}


def complete(inputs: Values, config: ProviderConfig, *, tagged: bool) -> Values:
    """Add `tagsAll`, which the checked inputs of some types do not have."""
    if not tagged or "tagsAll" in inputs:
        return inputs
    return {**inputs, "tagsAll": effective(inputs.get("tags"), config)}


def is_ignored(key: str, config: ProviderConfig) -> bool:
    """Return whether the provider ignores a tag."""
    return key in config.ignored_keys or key.startswith(config.ignored_prefixes)


def observed(aws_tags: dict[str, str], known: Values, config: ProviderConfig) -> tuple[Values, Values]:
    """Return `tags` and `tagsAll` for the outputs from all tags that AWS has.

    A tag that equals a default tag counts as the resource's own only if the resource had it before.
    """
    shown = {
        key: value
        for key, value in sorted(aws_tags.items())
        if not key.startswith("aws:") and not is_ignored(key, config)
    }
    own = known.get("tags")
    own_keys: set[str] = set(own) if is_map(own) else set()
    tags = {key: value for key, value in shown.items() if config.default_tags.get(key) != value or key in own_keys}
    return tags, shown


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services expect them."""
    return [{"Key": name, "Value": content} for name, content in tags.items()]
