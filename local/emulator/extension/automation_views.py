"""Executions and steps in API responses (API_AutomationExecution, API_StepExecution)."""

from typing import Any, Final, cast

from local.automation.execution import Execution, StepRecord
from local.automation.templates import text_of

AS_STARTED: Final = ("Mode", "Targets", "TargetMaps", "TargetParameterName", "TargetLocations", "TargetLocationsURL")
"""Properties returned as given. The local AWS executes such an automation once; AWS does so per target or in steps."""


def summary(run: Execution) -> dict[str, Any]:
    """API_AutomationExecutionMetadata."""
    current = run.current
    shown: dict[str, Any] = {
        "AutomationExecutionId": run.id,
        "DocumentName": run.request.document,
        "DocumentVersion": run.request.version,
        "AutomationExecutionStatus": status(run),
        "ExecutionStartTime": run.started,
        "ExecutedBy": run.request.requested_by,
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
    for name in ("AutomationSubtype", "ChangeRequestName", "OpsItemId", "Runbooks", *AS_STARTED):
        if run.extra.get(name):
            shown[name] = run.extra[name]
    return shown


def whole(run: Execution) -> dict[str, Any]:
    """API_AutomationExecution, with parameters and steps."""
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


def step(done: StepRecord) -> dict[str, Any]:
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
    """Return the status: waiting while a step waits for an approval; change requests have statuses of their own."""
    current = run.current
    waiting = run.status == "InProgress" and current is not None and current.status == "Waiting"
    if not waiting:
        return run.status
    return "PendingApproval" if run.extra.get("AutomationSubtype") else "Waiting"


def matches(run: Execution, filters: list[dict[str, Any]]) -> bool:
    """Return whether an execution matches all filters (API_AutomationExecutionFilter); unknown ones match nothing."""
    current = run.current
    found = {
        "ExecutionStatus": status(run),
        "ExecutionId": run.id,
        "ParentExecutionId": run.extra.get("parent"),
        "CurrentAction": current.action if current else None,
        "AutomationSubtype": run.extra.get("AutomationSubtype"),
        "OpsItemId": run.extra.get("OpsItemId"),
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
