"""Modules of resource types and functions by token. A module is imported with the first use of one of its tokens."""

import difflib
import importlib
import threading
from functools import cache
from typing import Final, TypeVar

from local.aws_provider.failure import UnsupportedError
from local.aws_provider.model import Function, ResourceType

Described = TypeVar("Described", ResourceType, Function)

modules: Final[dict[str, tuple[str, ...]]] = {
    "index": ("account",),
    "accountaccess": ("accountaccess",),
    "kms": ("kms",),
    "athena": ("athena",),
    "glue": ("glue",),
    "cloudtrail": ("cloudtrail",),
    "cloudwatch": ("cloudwatch",),
    "ssm": ("ssm", "maintenance"),
    "cfg": ("cfg",),
    "iam": ("iam",),
    "ebs": ("volumes",),
    "ec2": ("ec2", "security_groups", "network_acls", "instances", "volumes"),
    "vpc": ("security_groups",),
    "scheduler": ("scheduler",),
    "sns": ("sns",),
    "s3": ("s3",),
    "route53": ("route53",),
    "ram": ("ram",),
}
"""Modules under `types/` by the middle part of a token (`aws:<this>/...`)."""

_lock = threading.Lock()


@cache
def _load(module: str) -> tuple[ResourceType | Function, ...]:
    loaded = importlib.import_module(f"local.aws_provider.types.{module}")
    return (*getattr(loaded, "RESOURCES", ()), *getattr(loaded, "FUNCTIONS", ()))


@cache
def _known(area: str | None = None) -> dict[str, ResourceType | Function]:
    """Return the types and functions of one area, or all of them, by token."""
    names = modules.get(area, ()) if area else {each for several in modules.values() for each in several}
    with _lock:
        found = {each.name: each for module in names for each in _load(module)}
    return dict(sorted(found.items()))


def _find(token: str, kind: type[Described]) -> Described:
    found = _known(token.removeprefix("aws:").split("/", 1)[0]).get(token)
    if isinstance(found, kind):
        return found
    close = difflib.get_close_matches(token, [name for name, each in _known().items() if isinstance(each, kind)], n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    what = "resource type" if kind is ResourceType else "function"
    raise UnsupportedError(
        f"{what} {token} is not known to the local stand-in provider{hint} (see local/aws_provider/README.md)"
    )


def resource(token: str) -> ResourceType:
    """Return the description of a resource type.

    Raises:
        UnsupportedError: This stand-in does not support the type.
    """
    return _find(token, ResourceType)


def function(token: str) -> Function:
    """Return the description of a function.

    Raises:
        UnsupportedError: This stand-in does not support the function.
    """
    return _find(token, Function)


def all_resources() -> list[ResourceType]:
    """Return all resource types, sorted by token."""
    return [each for each in _known().values() if isinstance(each, ResourceType)]


def all_functions() -> list[Function]:
    """Return all functions, sorted by token."""
    return [each for each in _known().values() if isinstance(each, Function)]
