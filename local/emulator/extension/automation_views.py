"""Runs and steps as Systems Manager shows them (API_AutomationExecution, API_StepExecution)."""

from typing import Any, Final, cast

from local.automation.execution import Execution, Step
from local.automation.templates import text_of

AS_STARTED: Final = ("Mode", "Targets", "TargetMaps", "TargetParameterName", "TargetLocations", "TargetLocationsURL")
"""Shown as they were given. The local AWS runs such an automation once; AWS makes a run per target, or goes step by step."""


def summary(run: Execution) -> dict[str, Any]:
    """API_AutomationExecutionMetadata."""
    current = run.current
    shown: dict[str, Any] = {
        "AutomationExecutionId": run.id,
        "DocumentName": run.request.document,
        "DocumentVersion": run.request.version,
        "AutomationExecutionStatus": status(run),
        "ExecutionStartTime": run.started,
        "ExecutedBy": run.request.asked_by,
        "Outputs": run.outputs(),
        "Mode": "Auto",
    }
    if run.ended:
        shown["ExecutionEndTime"] = run.ended
    if run.failure:
        shown["FailureMessage"] = run.failure
    if current:
        shown |= {"CurrentStepName": current.name, "CurrentAction": current.action}
    if run.extra.get("parent"):
        shown["ParentAutomationExecutionId"] = run.extra["parent"]
    for name in ("AutomationSubtype", "ChangeRequestName", "Runbooks", *AS_STARTED):
        if run.extra.get(name):
            shown[name] = run.extra[name]
    return shown


def whole(run: Execution) -> dict[str, Any]:
    """API_AutomationExecution: with parameters and steps."""
    parameters = {
        name: cast("list[str]", value) if isinstance(value, list) else [text_of(value)]
        for name, value in run.request.parameters.items()
    }
    return {
        **summary(run),
        "Parameters": parameters,
        "StepExecutions": [step(each) for each in run.steps],
        "StepExecutionsTruncated": False,
    }


def step(done: Step) -> dict[str, Any]:
    """API_StepExecution."""
    shown: dict[str, Any] = {
        "StepName": done.name,
        "Action": done.action,
        "StepStatus": done.status,
        "StepExecutionId": f"{id(done):036x}",
        "Inputs": {name: text_of(value) for name, value in done.inputs.items() if name != "Script"},
        "Outputs": {
            name: cast("list[str]", value) if isinstance(value, list) else [text_of(value)]
            for name, value in done.outputs.items()
        },
        "OnFailure": done.definition.get("onFailure", "Abort"),
        "IsEnd": bool(done.definition.get("isEnd")),
        "IsCritical": bool(done.definition.get("isCritical", True)),
    }
    if done.started:
        shown["ExecutionStartTime"] = done.started
    if done.ended:
        shown["ExecutionEndTime"] = done.ended
    if done.failure:
        shown["FailureMessage"] = done.failure
    return shown


def status(run: Execution) -> str:
    """A run whose step waits for an approval waits itself; a change request has words of its own."""
    current = run.current
    waiting = run.status == "InProgress" and current is not None and current.status == "Waiting"
    if not waiting:
        return run.status
    return "PendingApproval" if run.extra.get("AutomationSubtype") else "Waiting"


def matches(run: Execution, filters: list[dict[str, Any]]) -> bool:
    """Whether a run passes all filters (API_AutomationExecutionFilter); one that is not known passes nothing."""
    current = run.current
    found = {
        "ExecutionStatus": status(run),
        "ExecutionId": run.id,
        "ParentExecutionId": run.extra.get("parent"),
        "CurrentAction": current.action if current else None,
        "AutomationSubtype": run.extra.get("AutomationSubtype"),
    }
    for each in filters:
        values = cast("list[str]", each["Values"])
        if each["Key"] == "DocumentNamePrefix":
            passes = run.request.document.startswith(tuple(values))
        else:
            passes = found.get(each["Key"]) in values
        if not passes:
            return False
    return True
