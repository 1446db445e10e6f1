"""Comparison of State Manager associations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.problems import shown
from operations.findings import Finding, Status
from operations.inventory.nodes import DEFAULT_VERSION
from operations.inventory.reader import ReadFailure
from operations.terminal import program_name
from operations.verify.findings import Check, unequal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.association import AssociationPlan
    from operations.deployment import Deployment
    from operations.inventory.nodes import AssociationFacts

_FAILED: Final = "Failed"


def association_findings(
    check: str, deployment: Deployment, plan: AssociationPlan, live: AssociationFacts | ReadFailure | None
) -> list[Finding]:
    """Compare an association, and report the result of its last execution."""
    expected = f"{plan.name} runs {plan.document} at {plan.schedule}"
    if live is None or isinstance(live, ReadFailure):
        return [Check(check, expected, deployment.repair).report_missing(live, "no such association")]
    parameters = {key: [value] for key, value in plan.parameters.items()}
    pairs: dict[str, tuple[object, object]] = {
        "document": (plan.document, live.document),
        "schedule": (plan.schedule, live.schedule),
        "maxConcurrency": (plan.max_concurrency, live.max_concurrency),
        "maxErrors": (plan.max_errors, live.max_errors),
        "targets": (_listed(plan.targets), _listed(live.targets)),
        "parameters": (_listed(parameters), _listed(live.parameters)),
        "run when created or changed": (True, not live.only_at_interval),
    }
    more = [f"{name} is {shown(value)}" for name, value in sorted(live.others.items())]
    if live.document_version != DEFAULT_VERSION:
        more.append(f"document version: {DEFAULT_VERSION} expected, {live.document_version} found")
    # An update of the stack leaves alone what the resource does not set.
    delete = f"aws ssm delete-association --association-id {live.id} --region {deployment.region} && " if more else ""
    return [
        Check(check, expected, f"{delete}{deployment.repair}").report([*unequal(pairs), *more]),
        _last_run(check, deployment, plan, live),
    ]


def _last_run(check: str, deployment: Deployment, plan: AssociationPlan, live: AssociationFacts) -> Finding:
    """Report an execution that failed on every node as a difference, and one that failed on some nodes as a warning."""
    results = ", ".join(f"{number} {result}" for result, number in sorted(live.results.items()))
    found = f"{live.status or 'no run yet'}{f': {results}' if results else ''}"
    run = Check(
        f"{check}-run",
        f"the last run of {plan.name} succeeded on all nodes",
        f"{program_name()} nodes --stack {deployment.stack}, doctor for each node that failed; the runs: "
        f"aws ssm list-associations --association-filter-list key=AssociationName,value={plan.name} --region "
        f"{deployment.region}, aws ssm describe-association-executions",
    )
    if live.status != _FAILED and not live.results.get(_FAILED):
        return run.accept(found)
    return run.reject(found, Status.WARNING if live.results.get("Success") else Status.DIFFERENT)


def _listed(values: Mapping[str, Iterable[str]]) -> str:
    return " and ".join(f"{key}={','.join(sorted(each))}" for key, each in sorted(values.items())) or "none"
