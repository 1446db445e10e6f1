"""Table of resource types and their AWS calls, generated from the descriptions."""

from typing import Final

from local.aws_provider import registry
from local.aws_provider.model import ResourceType, steps

start: Final = "<!-- table: rendered by python -m local.aws_provider --table -->"
end: Final = "<!-- end of table -->"


def render(*, within_readme: bool = False) -> str:
    """Render two Markdown tables: resource types with their calls, and functions with theirs."""
    lines = [
        "| resource type | properties | replaced when these change | create | read | update | delete |",
        "|---|---|---|---|---|---|---|",
        *(_row(resource) for resource in registry.all_resources()),
        "",
        "| function | inputs | calls |",
        "|---|---|---|",
    ]
    for function in registry.all_functions():
        inputs = ", ".join(f"`{name}`" for name in sorted(function.inputs))
        lines.append(f"| `{function.name}` | {inputs} | {_calls(function.service, function.calls)} |")
    table = "\n".join(lines) + "\n"
    return f"{start}\n\n{table}\n{end}\n" if within_readme else table


def _row(resource: ResourceType) -> str:
    properties = resource.all_properties
    given = sum(prop.is_input for prop in properties.values())
    counts = f"{given} in, {len(properties) - given} out"
    replacing = ", ".join(f"`{name}`" for name, prop in properties.items() if prop.replaces)
    calls = " | ".join(_calls(resource.service, resource.calls.get(step, ())) for step in steps)
    return f"| `{resource.name}` | {counts} | {replacing or 'none'} | {calls} |"


def _calls(service: str, calls: tuple[str, ...]) -> str:
    return f"{service}: {', '.join(dict.fromkeys(calls))}" if calls else "none"
