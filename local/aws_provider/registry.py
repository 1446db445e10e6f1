"""Resource types and functions by token, and the table of them in README.md.

A module is imported with the first use of one of its tokens; what it defines is registered.
"""

import difflib
import importlib
import threading
from functools import cache
from typing import Final, TypeVar

from local.aws_provider.failure import UnsupportedError
from local.aws_provider.model import Function, ResourceType, steps

Described = TypeVar("Described", ResourceType, Function)

modules: Final[dict[str, tuple[str, ...]]] = {
    "index": ("iam",),
    "accountaccess": ("iam",),
    "kms": ("kms",),
    "athena": ("athena",),
    "glue": ("athena",),
    "cloudtrail": ("cloudtrail",),
    "cloudwatch": ("cloudwatch",),
    "ssm": ("ssm",),
    "cfg": ("cfg",),
    "iam": ("iam",),
    "ebs": ("volumes",),
    "ec2": ("ec2", "security_groups", "network_acls", "instances", "volumes"),
    "vpc": ("security_groups",),
    "scheduler": ("cloudwatch",),
    "sns": ("sns",),
    "s3": ("s3",),
    "route53": ("route53",),
    "ram": ("route53",),
}
"""Modules under `types/` by the middle part of a token (`aws:<this>/...`)."""

_lock = threading.Lock()


@cache
def _load(module: str) -> tuple[ResourceType | Function, ...]:
    loaded = importlib.import_module(f"local.aws_provider.types.{module}")
    return tuple(each for each in vars(loaded).values() if isinstance(each, ResourceType | Function))


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


# Table in README.md.


table_start: Final = "<!-- table: rendered by python -m local.aws_provider --table -->"
table_end: Final = "<!-- end of table -->"


def render_table(*, within_readme: bool = False) -> str:
    """Render two Markdown tables: resource types with their calls, and functions with theirs."""
    lines = [
        "| resource type | properties | replaced when these change | create | read | update | delete |",
        "|---|---|---|---|---|---|---|",
        *(_row(resource) for resource in all_resources()),
        "",
        "| function | inputs | calls |",
        "|---|---|---|",
    ]
    for function in all_functions():
        inputs = ", ".join(f"`{name}`" for name in sorted(function.inputs))
        lines.append(f"| `{function.name}` | {inputs} | {_calls(function.service, function.calls)} |")
    table = "\n".join(lines) + "\n"
    return f"{table_start}\n\n{table}\n{table_end}\n" if within_readme else table


def _row(resource: ResourceType) -> str:
    properties = resource.all_properties
    given = sum(prop.is_input for prop in properties.values())
    counts = f"{given} in, {len(properties) - given} out"
    replacing = ", ".join(f"`{name}`" for name, prop in properties.items() if prop.replaces)
    calls = " | ".join(_calls(resource.service, resource.calls.get(step, ())) for step in steps)
    return f"| `{resource.name}` | {counts} | {replacing or 'none'} | {calls} |"


def _calls(service: str, calls: tuple[str, ...]) -> str:
    return f"{service}: {', '.join(dict.fromkeys(calls))}" if calls else "none"
