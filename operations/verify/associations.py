"""State Manager associations, compared with the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.problems import shown
from operations.findings import Finding, Status
from operations.inventory.reader import Answer, Reader, ReadFailure, returns_failure
from operations.terminal import program_name
from operations.verify.findings import Check, unequal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.association import AssociationPlan
    from operations.deployment import Deployment

_FAILED: Final = "Failed"
_DEFAULT_VERSION: Final = "$DEFAULT"
_OTHERS: Final = (
    *("AlarmConfiguration", "AutomationTargetParameterName", "CalendarNames", "OutputLocation", "ScheduleOffset"),
    *("TargetLocations", "TargetMaps"),
)
"""Settings that change what runs, where, or who gets the output (Systems Manager API Reference, AssociationDescription).

None of the stack's associations has one.
"""


@returns_failure
def read_association(reader: Reader, name: str) -> Answer | None:
    """Read an association by its name, in the format of DescribeAssociation."""
    named = [{"key": "AssociationName", "value": name}]
    listed = reader.items("ssm", "list_associations", "Associations", AssociationFilterList=named)
    found = [each for each in listed if each.get("AssociationName") == name]
    if not found:
        return None
    answer = reader.get("ssm", "describe_association", AssociationId=found[0]["AssociationId"])
    return answer["AssociationDescription"]


def association_findings(
    check: str, deployment: Deployment, plan: AssociationPlan, live: Answer | ReadFailure | None
) -> list[Finding]:
    """Compare an association, and report the result of its last execution."""
    expected = f"{plan.name} runs {plan.document} at {plan.schedule}"
    if live is None or isinstance(live, ReadFailure):
        return [Check(check, expected, deployment.repair).report_missing(live, "no such association")]
    parameters = {key: [value] for key, value in plan.parameters.items()}
    targets = {each["Key"]: each["Values"] for each in live.get("Targets", ())}
    pairs: dict[str, tuple[object, object]] = {
        "document": (plan.document, live["Name"]),
        "schedule": (plan.schedule, live.get("ScheduleExpression", "")),
        "maxConcurrency": (plan.max_concurrency, live.get("MaxConcurrency", "")),
        "maxErrors": (plan.max_errors, live.get("MaxErrors", "")),
        "targets": (_listed(plan.targets), _listed(targets)),
        "parameters": (_listed(parameters), _listed(live.get("Parameters", {}))),
        "run when created or changed": (True, not live.get("ApplyOnlyAtCronInterval")),
    }
    more = [f"{name} is {shown(live[name])}" for name in _OTHERS if live.get(name)]
    version = live.get("DocumentVersion") or _DEFAULT_VERSION
    if version != _DEFAULT_VERSION:
        more.append(f"document version: {_DEFAULT_VERSION} expected, {version} found")
    # An update of the stack leaves alone what the resource does not set.
    delete = f"aws ssm delete-association --association-id {live['AssociationId']} --region {deployment.region} && "
    return [
        Check(check, expected, f"{delete if more else ''}{deployment.repair}").report([*unequal(pairs), *more]),
        _last_run(check, deployment, plan, live.get("Overview", {})),
    ]


def _last_run(check: str, deployment: Deployment, plan: AssociationPlan, overview: Mapping[str, Any]) -> Finding:
    """Report an execution that failed on every node as a difference, and one that failed on some nodes as a warning."""
    status, by_result = overview.get("Status"), overview.get("AssociationStatusAggregatedCount", {})
    results = ", ".join(f"{number} {result}" for result, number in sorted(by_result.items()))
    found = f"{status or 'no run yet'}{f': {results}' if results else ''}"
    run = Check(
        f"{check}-run",
        f"the last run of {plan.name} succeeded on all nodes",
        f"{program_name()} nodes --stack {deployment.stack}, doctor for each node that failed; the runs: "
        f"aws ssm list-associations --association-filter-list key=AssociationName,value={plan.name} --region "
        f"{deployment.region}, aws ssm describe-association-executions",
    )
    if status != _FAILED and not by_result.get(_FAILED):
        return run.accept(found)
    return run.reject(found, Status.WARNING if by_result.get("Success") else Status.DIFFERENT)


def _listed(values: Mapping[str, Iterable[str]]) -> str:
    return " and ".join(f"{key}={','.join(sorted(each))}" for key, each in sorted(values.items())) or "none"
