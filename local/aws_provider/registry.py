"""Modules of resource types and functions by token. A module is imported with the first use of one of its tokens."""

import difflib
import importlib
import threading
from functools import cache
from typing import Final

from local.aws_provider.failure import UnsupportedError
from local.aws_provider.model import Function, ResourceType

modules: Final[dict[str, tuple[str, ...]]] = {
    "index": ("account",),
    "kms": ("kms",),
    "cloudtrail": ("trails",),
    "cloudwatch": ("logs", "event_rules", "event_targets", "metric_alarms"),
    "ssm": ("ssm_parameters", "ssm_documents", "ssm_associations", "ssm_lookups"),
    "cfg": ("config_rules", "config_remediations"),
    "iam": ("iam_policies", "iam_roles", "iam_attachments", "instance_profiles", "policy_document"),
    "ebs": ("volumes",),
    "ec2": (
        *("security_groups", "vpc_endpoints", "managed_prefix_lists", "network_acls", "network_acl_rules", "flow_logs"),
        *("instances", "volume_attachments", "network_lookups", "group_lookups"),
    ),
    "vpc": ("security_group_rules",),
    "scheduler": ("schedules", "schedule_groups"),
    "sns": ("topics", "topic_subscriptions"),
    "servicequotas": ("service_quotas",),
    "s3": ("buckets", "bucket_settings"),
}
"""Modules under `types/` by the middle part of a token (`aws:<this>/...`)."""

_lock = threading.Lock()


@cache
def _load(module: str) -> tuple[tuple[ResourceType, ...], tuple[Function, ...]]:
    loaded = importlib.import_module(f"local.aws_provider.types.{module}")
    return getattr(loaded, "RESOURCES", ()), getattr(loaded, "FUNCTIONS", ())


def _area_of(token: str) -> str:
    return token.removeprefix("aws:").split("/", 1)[0]


@cache
def _resources_of(area: str) -> dict[str, ResourceType]:
    return {found.name: found for module in modules.get(area, ()) for found in _load(module)[0]}


@cache
def _functions_of(area: str) -> dict[str, Function]:
    return {found.name: found for module in modules.get(area, ()) for found in _load(module)[1]}


def resource(token: str) -> ResourceType:
    """Return the description of a resource type.

    Raises:
        UnsupportedError: This stand-in does not support the type.
    """
    with _lock:
        known = _resources_of(_area_of(token))
    if token not in known:
        raise UnsupportedError(_unknown("resource type", token, [found.name for found in all_resources()]))
    return known[token]


def function(token: str) -> Function:
    """Return the description of a function.

    Raises:
        UnsupportedError: This stand-in does not support the function.
    """
    with _lock:
        known = _functions_of(_area_of(token))
    if token not in known:
        raise UnsupportedError(_unknown("function", token, [found.name for found in all_functions()]))
    return known[token]


def all_resources() -> list[ResourceType]:
    """Return all resource types, sorted by token."""
    with _lock:
        found = [item for names in modules.values() for module in names for item in _load(module)[0]]
    return sorted(found, key=lambda item: item.name)


def all_functions() -> list[Function]:
    """Return all functions, sorted by token."""
    with _lock:
        found = [item for names in modules.values() for module in names for item in _load(module)[1]]
    return sorted(found, key=lambda item: item.name)


def _unknown(what: str, token: str, known: list[str]) -> str:
    close = difflib.get_close_matches(token, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{what} {token} is not known to the local stand-in provider{hint} (see local/aws_provider/README.md)"
