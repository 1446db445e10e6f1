"""Execution of a runbook: its steps, their order, and the references `{{ Step.Output }}` and `$.Path` in their inputs.

Source: AWS Systems Manager User Guide, "Data elements and parameters" (`onFailure`, `onCancel`, `isCritical`, `isEnd`,
`nextStep`, `maxAttempts`) and "Systems Manager Automation actions reference"; for
references, also "Using action outputs as inputs".
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

_REFERENCE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.:-]+)\s*\}\}")
_PART: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class UnresolvedReferenceError(Exception):
    """A reference cannot be resolved."""


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return the value with every reference replaced; a reference that is the whole text keeps its type.

    Raises:
        UnresolvedReferenceError: The variable does not exist.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _variable(whole[1], variables)
        return _REFERENCE.sub(lambda found: text_of(_variable(found[1], variables)), value)
    if isinstance(value, list):
        return [filled(item, variables) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in cast("dict[str, Any]", value).items()}
    return value


def references(value: Any) -> set[str]:
    """Return the names of all variables that a value refers to."""
    return set(_REFERENCE.findall(json.dumps(value)))


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise UnresolvedReferenceError(f"{name} has no value")
    return variables[name]


def text_of(value: Any) -> str:
    """Return the value as part of a longer text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def selected(answer: Any, selector: str) -> Any:
    """Return the value of a selector such as `$.Reservations[0].Instances[0].State.Name`.

    Raises:
        UnresolvedReferenceError: The selector matches nothing.
    """
    current = answer
    for name, index in _PART.findall(selector.removeprefix("$.")):
        try:
            current = current[int(index)] if index else current[name]
        except (KeyError, IndexError, TypeError) as missing:
            raise UnresolvedReferenceError(f"{selector} is not in the answer") from missing
    return current


# Execution.


ENDED: Final = (
    "Success",
    "Failed",
    "TimedOut",
    "Cancelled",
    "CompletedWithSuccess",
    "CompletedWithFailure",
    "Rejected",
)
NOT_THERE: Final = "No output available yet because the step is not successfully executed"

Json = dict[str, Any]


class StepFailedError(Exception):
    """A step failed; the message has the reason."""


class StepTimedOutError(StepFailedError):
    """A step exceeded its timeout."""


class StepCancelledError(Exception):
    """The execution was cancelled during the step."""


@dataclass
class StepRecord:
    """One step, as the execution's record shows it."""

    definition: Json
    status: str = "Pending"
    inputs: Json = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    failure: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def name(self) -> str:
        """Return the name of the step."""
        return self.definition["name"]

    @property
    def action(self) -> str:
        """Return the action, such as `aws:sleep`."""
        return self.definition["action"]


@dataclass(frozen=True)
class ApprovalDecision:
    """Decision of an approver on an approval step."""

    who: str
    decision: str
    comment: str
    when: datetime


Action = Callable[["Execution", StepRecord], Any]
"""Executes a step and returns its result; a branch returns the name of the next step, or None."""


@dataclass(frozen=True, kw_only=True)
class ExecutionRequest:
    """Request to execute a document, with its principal."""

    document: str
    version: str
    parameters: Json
    """Parameters as the document types them: strings, lists, numbers."""
    requested_by: str
    """ARN of the principal."""


class Execution:
    """One execution. `run` blocks until its end; the other methods are for other threads."""

    def __init__(self, document: Json, request: ExecutionRequest, actions: dict[str, Action]) -> None:
        self.id = str(uuid.uuid4())
        self.document, self.request = document, request
        self.status = "Pending"
        self.failure = ""
        self.started = datetime.now(UTC)
        self.ended: datetime | None = None
        self.steps = [StepRecord(definition) for definition in document["mainSteps"]]
        self.extra: Json = {}
        self.decisions: list[ApprovalDecision] = []
        self.changed = threading.Condition()
        self.finished = threading.Event()
        self.cancelled = False
        self._cancelling = False
        self._awake = False
        self._actions = actions

    def set_actions(self, actions: dict[str, Action]) -> None:
        """Set the actions for the steps; call before `run`."""
        self._actions = actions

    def run(self) -> None:
        """Execute the steps from the first to the last."""
        self.status = "InProgress"
        failed_critically = False
        following: StepRecord | None = self.steps[0]
        while following is not None:
            step = following
            self._do(step)
            if step.status in ("Failed", "TimedOut"):
                failed_critically |= step.definition.get("isCritical", True)
                self.failure = self.failure or f"Step {step.name} failed: {step.failure}"
            following = self._after(step)
        self.ended = datetime.now(UTC)
        if self._cancelling:
            self.status = "Cancelled"
        else:
            self.status = "Failed" if failed_critically else "Success"
        self.finished.set()

    def cancel(self) -> None:
        """Cancel the current step; its `onCancel` determines the next one."""
        with self.changed:
            self.cancelled = True
            self.status = "Cancelling"
            self.changed.notify_all()

    def wake(self) -> None:
        """End a sleep early."""
        with self.changed:
            self._awake = True
            self.changed.notify_all()

    def decide(self, decision: ApprovalDecision) -> None:
        """Pass a decision to the current approval step."""
        with self.changed:
            self.decisions.append(decision)
            self.changed.notify_all()

    def wait(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Block until a condition is true, the time is over (returns false), or the execution is cancelled.

        Raises:
            StepCancelledError: The execution is cancelled.
        """
        with self.changed:
            so = self.changed.wait_for(lambda: self._is_newly_cancelled() or until(), timeout=seconds)
            if self._is_newly_cancelled():
                raise StepCancelledError
            return so

    def sleep(self, seconds: float) -> None:
        """Wait for this time, or until `wake`."""
        self._awake = False
        self.wait(seconds, lambda: self._awake)

    @property
    def variables(self) -> Json:
        """Return the variables that references can name at this moment."""
        known: Json = {"automation:EXECUTION_ID": self.id, **self.extra.get("variables", {}), **self.request.parameters}
        for step in self.steps:
            if step.status == "Success":
                known |= {f"{step.name}.{name}": value for name, value in step.outputs.items()}
        return known

    @property
    def current(self) -> StepRecord | None:
        """Return the current step."""
        return next((step for step in self.steps if step.status in ("InProgress", "Waiting")), None)

    def outputs(self) -> dict[str, list[str]]:
        """Return the outputs that the document names."""
        known = self.variables
        return {name: [text_of(known.get(name, NOT_THERE))] for name in self.document.get("outputs", [])}

    def _is_newly_cancelled(self) -> bool:
        """Return whether to cancel the current step; steps that follow a cancellation are not cancelled by it."""
        return self.cancelled and not self._cancelling

    def _do(self, step: StepRecord) -> None:
        step.started = datetime.now(UTC)
        attempts = int(step.definition.get("maxAttempts", 1))
        for attempt in range(1, attempts + 1):
            step.status, step.failure = "InProgress", ""
            status = "Success"
            try:
                self._attempt(step)
            except StepCancelledError:
                status = "Cancelled"
            except StepFailedError as failed:
                status = "TimedOut" if isinstance(failed, StepTimedOutError) else "Failed"
                step.failure = str(failed)
                if attempt < attempts:
                    continue
            # A step whose status is final has an end for everyone who reads it.
            step.ended = datetime.now(UTC)
            step.status = status
            break

    def _attempt(self, step: StepRecord) -> None:
        if self._is_newly_cancelled():
            raise StepCancelledError
        # Branches resolve their inputs during evaluation: a variable without a value makes a choice false.
        branch = step.action == "aws:branch"
        try:
            step.inputs = step.definition["inputs"] if branch else filled(step.definition["inputs"], self.variables)
            step.outputs = self._actions[step.action](self, step) or {}
        except UnresolvedReferenceError as missing:
            raise StepFailedError(str(missing)) from missing

    def _after(self, step: StepRecord) -> StepRecord | None:
        if step.status == "Cancelled":
            self._cancelling = True
            return self._named(step.definition.get("onCancel", "Abort"))
        if step.status in ("Failed", "TimedOut"):
            on_failure = step.definition.get("onFailure", "Abort")
            if on_failure != "Continue":
                return self._named(on_failure)
        chosen = step.outputs.pop("NextStep", None) if step.action == "aws:branch" else None
        if chosen:
            return self._named(f"step:{chosen}")
        if step.definition.get("isEnd"):
            return None
        if "nextStep" in step.definition:
            return self._named(f"step:{step.definition['nextStep']}")
        position = self.steps.index(step) + 1
        return self.steps[position] if position < len(self.steps) else None

    def _named(self, target: str) -> StepRecord | None:
        kind, _, name = target.partition(":")
        if kind != "step":
            return None
        return next(step for step in self.steps if step.name == name)
