"""State Manager associations stop after errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pulumi_policy import Severity

from policies.findings import UNKNOWN
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="association-rate-limited",
    title="State Manager associations have a rate and stop at errors",
    severity=Severity.MEDIUM,
    risk="one bad version of a document, or of the agent that it installs, takes all nodes out of reach at once",
    remedy="Set maxConcurrency and maxErrors below 100%",
    source="AWS Systems Manager User Guide, targets and rate controls in State Manager associations; NIST SP 800-53 r5 "
    "CM-3, SI-2",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-state-manager-targets-and-rate-controls.html",
)


@RULE.on("aws:ssm/association:Association")
def _is_limited(association: Resource) -> Findings:
    if _is_for_many(association.value("targets")):
        for name in ("maxConcurrency", "maxErrors"):
            yield from association.require(name, _is_less_than_all, "a number, or less than 100%")


def _is_for_many(targets: Any) -> bool:
    """Return whether an association may target more nodes than it names."""
    if not isinstance(targets, list):
        return targets is UNKNOWN
    return not all(_names_nodes(each) for each in cast("list[Any]", targets))


def _names_nodes(target: Any) -> bool:
    if not isinstance(target, Mapping):
        return False
    given = cast("Mapping[str, Any]", target)
    values = given.get("values")
    return given.get("key") == "InstanceIds" and isinstance(values, list) and "*" not in values


def _is_less_than_all(value: object) -> bool:
    return isinstance(value, str) and value not in ("", "100%")
