"""Tags: those of the program, those of the provider, and what AWS shows of them.

`tags` are the resource's own, `tagsAll` what is sent to AWS: default tags overlaid by the resource's. Source: Terraform AWS
provider, transparent tagging.
"""

from typing import Any

from local.aws_provider.config import ProviderConfig
from local.aws_provider.wire import UNKNOWN, Values, holds_unknown, is_map


def effective(tags: Any, config: ProviderConfig) -> Any:
    """What is sent to AWS, or UNKNOWN when any part of it is unknown."""
    if config.tags_unknown or holds_unknown(tags):
        return UNKNOWN
    merged: Values = {**config.default_tags, **(tags or {})}
    return {key: value for key, value in sorted(merged.items()) if not is_ignored(key, config)}


def complete(inputs: Values, config: ProviderConfig, *, tagged: bool) -> Values:
    """Inputs with `tagsAll`, which some types' checked inputs do not hold."""
    if not tagged or "tagsAll" in inputs:
        return inputs
    return {**inputs, "tagsAll": effective(inputs.get("tags"), config)}


def is_ignored(key: str, config: ProviderConfig) -> bool:
    """Whether the provider leaves a tag of AWS alone."""
    return key in config.ignored_keys or key.startswith(config.ignored_prefixes)


def observed(aws_tags: dict[str, str], known: Values, config: ProviderConfig) -> tuple[Values, Values]:
    """`tags` and `tagsAll` for the outputs, given all tags that AWS has.

    A tag equal to a default one counts as the resource's own only if the resource had it before.
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


def pairs(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as most services take them; `key` and `value` are what a service calls the two."""
    return [{key: name, value: content} for name, content in tags.items()]


def from_pairs(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """The reverse of `pairs`."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}
