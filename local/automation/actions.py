"""Automation actions, one function per action.

Source: AWS Systems Manager User Guide, "Systems Manager Automation actions reference".
"""

import builtins
import json
import re
import time
import types
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from local.automation import execution

Connect = Callable[..., Any]
"""Creates a client with the execution's role: `connect("iam")`, `connect("ec2", region_name="us-east-1")`."""

_DURATION: Final = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_DEFAULT_APPROVAL_SECONDS: Final = 604_800
_LONGEST_PAUSE_SECONDS: Final = 0.05
"""Maximum of a pause in a script: scripts wait for IAM's eventual consistency, which the emulator does not have."""


def all_actions(connect: Connect) -> dict[str, execution.Action]:
    """Return the actions by name, which call AWS through these clients."""
    return {
        "aws:approve": lambda run, step: approve(run, step, connect),
        "aws:assertAwsResourceProperty": lambda _run, step: assert_property(step, connect),
        "aws:branch": branch,
        "aws:executeAwsApi": lambda _run, step: execute_api(step, connect),
        "aws:executeScript": lambda _run, step: execute_script(step, connect),
        "aws:sleep": sleep,
    }


def execute_api(step: execution.StepRecord, connect: Connect) -> dict[str, Any]:
    """Make one call."""
    return _outputs(step, _called(step, connect))


def assert_property(step: execution.StepRecord, connect: Connect) -> dict[str, Any]:
    """Make one call, whose response must have a value.

    Raises:
        StepFailedError: The response has another value.
    """
    found = str(execution.selected(_called(step, connect), step.inputs["PropertySelector"]))
    if found not in step.inputs["DesiredValues"]:
        raise execution.StepFailedError(
            f"{step.inputs['PropertySelector']} is {found}, not one of {step.inputs['DesiredValues']}"
        )
    return {}


def execute_script(step: execution.StepRecord, connect: Connect) -> dict[str, Any]:
    """Run the handler of a Python script, whose boto3 creates clients of this execution."""
    handler = _loaded(step.inputs["Script"], connect)[step.inputs["Handler"]]
    # Systems Manager passes the payload and the result as JSON.
    payload = json.loads(json.dumps(step.inputs.get("InputPayload", {})))
    try:
        answer = json.loads(json.dumps(handler(payload, {})))
    except Exception as failure:
        raise execution.StepFailedError(f"{type(failure).__name__}: {failure}") from failure
    return _outputs(step, {"Payload": answer})


def sleep(run: execution.Execution, step: execution.StepRecord) -> dict[str, Any]:
    """Wait for `Duration` (ISO 8601)."""
    found = _DURATION.fullmatch(step.inputs["Duration"])
    if not found or not any(found.groups()):
        raise execution.StepFailedError(f"{step.inputs['Duration']} is no duration")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    run.sleep(3600 * hours + 60 * minutes + seconds)
    return {}


def branch(run: execution.Execution, step: execution.StepRecord) -> dict[str, Any]:
    """Return the step of the first choice that holds, else the default step."""
    for choice in step.definition["inputs"]["Choices"]:
        if _holds(choice, run.variables):
            return {"NextStep": choice["NextStep"]}
    return {"NextStep": step.definition["inputs"].get("Default")}


def approve(run: execution.Execution, step: execution.StepRecord, connect: Connect) -> dict[str, Any]:
    """Notify the topic, and wait until enough approvers approve, or one rejects.

    Raises:
        StepFailedError: An approver rejected the request.
        StepTimedOutError: The approvers did not decide in time.
    """
    inputs = step.inputs
    topic = inputs.get("NotificationArn") or inputs.get("EnhancedApprovals", {}).get("NotificationArn")
    run.decisions.clear()
    step.status = "Waiting"
    if topic:
        message = f"{inputs.get('Message', '')} Approve or reject in Systems Manager: {run.id}"
        connect("sns").publish(TopicArn=topic, Subject="Automation approval request", Message=message)
    needed = int(inputs.get("MinRequiredApprovals", 1))

    def approvals() -> list[execution.ApprovalDecision]:
        return list({each.who: each for each in run.decisions if each.decision == "Approve"}.values())

    def is_decided() -> bool:
        return any(each.decision == "Reject" for each in run.decisions) or len(approvals()) >= needed

    if not run.wait(float(step.definition.get("timeoutSeconds", _DEFAULT_APPROVAL_SECONDS)), is_decided):
        raise execution.StepTimedOutError("no decision was made in time")
    status = "Rejected" if any(each.decision == "Reject" for each in run.decisions) else "Approved"
    step.outputs = {
        "ApprovalStatus": status,
        "ApproverDecisions": [json.dumps(_shown(each)) for each in run.decisions],
    }
    if status == "Rejected":
        raise execution.StepFailedError("the request was rejected")
    return step.outputs


def _shown(decision: execution.ApprovalDecision) -> dict[str, str]:
    return {
        "Approver": decision.who,
        "Decision": decision.decision,
        "ApprovalDecisionTime": decision.when.isoformat(),
        "Comment": decision.comment,
    }


def _called(step: execution.StepRecord, connect: Connect) -> Any:
    arguments = {
        name: value
        for name, value in step.inputs.items()
        if name not in ("Service", "Api", "PropertySelector", "DesiredValues")
    }
    try:
        return getattr(connect(step.inputs["Service"]), xform_name(step.inputs["Api"]))(**arguments)
    except (ClientError, BotoCoreError) as failure:
        raise execution.StepFailedError(str(failure)) from failure


def _outputs(step: execution.StepRecord, answer: Any) -> dict[str, Any]:
    try:
        return {
            each["Name"]: execution.selected(answer, each["Selector"]) for each in step.definition.get("outputs", [])
        }
    except execution.UnresolvedReferenceError as missing:
        raise execution.StepFailedError(str(missing)) from missing


def _loaded(source: str, connect: Connect) -> dict[str, Any]:
    modules = {"boto3": types.ModuleType("boto3"), "time": types.ModuleType("time")}
    vars(modules["boto3"]).update({**vars(boto3), "client": connect})
    vars(modules["time"]).update({**vars(time), "sleep": _pause})

    def importing(name: str, *arguments: Any, **options: Any) -> Any:
        return modules.get(name) or builtins.__import__(name, *arguments, **options)

    namespace: dict[str, Any] = {
        "__name__": "script",
        "__builtins__": {**vars(builtins), "__import__": importing},
    }
    exec(compile(source, "script.py", "exec"), namespace)  # noqa: S102 -- the purpose of the step
    return namespace


def _pause(seconds: float) -> None:
    time.sleep(min(seconds, _LONGEST_PAUSE_SECONDS))


def _holds(choice: Mapping[str, Any], variables: Mapping[str, Any]) -> bool:
    for operator, combine in (("And", all), ("Or", any)):
        if operator in choice:
            return combine(_holds(each, variables) for each in cast("list[dict[str, Any]]", choice[operator]))
    if "Not" in choice:
        return not _holds(choice["Not"], variables)
    try:
        value = execution.filled(choice["Variable"], variables)
    except execution.UnresolvedReferenceError:
        return False
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "StringEquals": lambda one, other: one == other,
        "EqualsIgnoreCase": lambda one, other: str(one).lower() == str(other).lower(),
        "StartsWith": lambda one, other: str(one).startswith(other),
        "EndsWith": lambda one, other: str(one).endswith(other),
        "Contains": lambda one, other: other in str(one),
        "NumericEquals": lambda one, other: one == other,
        "BooleanEquals": lambda one, other: one == other,
    }
    (operator,) = (name for name in choice if name in tests)
    return tests[operator](value, choice[operator])
