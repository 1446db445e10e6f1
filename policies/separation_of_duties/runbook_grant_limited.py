"""A runbook keeps the approval tag no longer than the approval is valid."""

from __future__ import annotations

import re
from math import inf, isinf
from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from components.approval.names import DEFAULT_VALIDITY_MINUTES
from policies.parameters import Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties.runbooks import APPROVE, CARRIERS, LOOP, Runbook, Step, is_unseen, runbook_in

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

_MINUTES = Parameter(
    name="maximumMinutes",
    description="How long a runbook may wait with the tag set.",
    default=DEFAULT_VALIDITY_MINUTES,
    schema={"type": "number", "exclusiveMinimum": 0},
)

RUNBOOK_GRANT_LIMITED = Rule(
    id="runbook-grant-limited",
    title="A runbook removes the approval tag when the approval is no longer valid",
    severity=Severity.HIGH,
    risk="an approval for minutes opens sessions for hours or days",
    remedy="Wait in one aws:sleep step with a fixed Duration within maximumMinutes (here: "
    "shell-access:approval.approvalValidityMinutes), or raise maximumMinutes to the validity that is meant",
    source=f'{DUTIES_POST}; Systems Manager User Guide, "aws:sleep"; NIST SP 800-53 r5 AC-2(5), AC-3, AC-6',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-sleep.html",
    parameters=(_MINUTES,),
)

_DURATION: Final = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE
)
_MINUTES_IN: Final = (1440, 60, 1, 1 / 60)
_MOST_ITERATIONS: Final = 100
_LONGEST_SECONDS: Final = {
    APPROVE: 604_800,
    "aws:changeInstanceState": 3_600,
    "aws:executeAutomation": inf,
    "aws:runCommand": 3_600,
    "aws:waitForAwsResourceProperty": 3_600,
}
"""Default timeout of steps by action; another runbook may wait without limit."""


@RUNBOOK_GRANT_LIMITED.on(*CARRIERS)
def _is_limited(document: Resource) -> Findings:
    if is_unseen(document):
        yield document.unseen("content")
    elif runbook := runbook_in(document):
        most = float(document.settings[_MINUTES.name])
        for step in runbook.taggings:
            waited = _Ways(runbook, step).longest()
            if waited > most:
                found = "a wait without a fixed end" if isinf(waited) else f"waits of {waited:g} minutes after it"
                yield document.violation(f"content.mainSteps.{step.name}", f"at most {most:g}", found=found)


class _Ways:
    """Paths from a step that sets the tag, by outermost steps including the steps inside them."""

    def __init__(self, runbook: Runbook, tagging: Step) -> None:
        self._runbook, self._tagging = runbook, tagging
        self._found: dict[str, float] = {}
        self._passed: list[str] = []

    def longest(self) -> float:
        """Return the minutes that an execution may wait until the tag is removed; infinite in a cycle."""
        return self._from(_top(self._runbook, self._tagging))

    def _from(self, step: Step) -> float:
        if step.name in self._passed:
            round_ = self._passed[self._passed.index(step.name) :]
            return (
                inf if any(_waits(self._runbook, each) for each in filter(None, map(self._runbook.step, round_))) else 0
            )
        if step.name not in self._found:
            self._passed.append(step.name)
            self._found[step.name] = self._at(step)
            self._passed.pop()
        return self._found[step.name]

    def _at(self, step: Step) -> float:
        members = _members(self._runbook, step)
        undone = any(each.may_undo(self._tagging) for each in members)
        if undone and self._tagging not in members:
            return 0
        if undone:
            return sum(_waits(self._runbook, each) for each in members if each.action != LOOP)
        following = (
            self._runbook.step(transition.to)
            for each in members
            for transition in self._runbook.transitions(each)
            if transition.to
        )
        onward = {_top(self._runbook, each).name: each for each in following if each and each not in members}
        longest = max((self._from(_top(self._runbook, each)) for each in onward.values()), default=0)
        return _waits(self._runbook, step) + longest


def _top(runbook: Runbook, step: Step) -> Step:
    """Return the outermost loop that a step is in, or the step."""
    while step.loop and (around := runbook.step(step.loop)):
        step = around
    return step


def _members(runbook: Runbook, step: Step) -> tuple[Step, ...]:
    """Return a step with all that is inside it."""
    return (step, *(one for each in runbook.inside(step) for one in _members(runbook, each)))


def _waits(runbook: Runbook, step: Step) -> float:
    """Return the minutes that a step waits at most."""
    if step.action == LOOP:
        rounds = _number(step.inputs.get("MaxIterations"), _MOST_ITERATIONS)
        return rounds * sum(_waits(runbook, each) for each in runbook.inside(step))
    if step.action == "aws:sleep":
        return _minutes(step.inputs.get("Duration"))
    if step.action in _LONGEST_SECONDS:
        return _number(step.raw.get("timeoutSeconds"), _LONGEST_SECONDS[step.action]) / 60
    return inf if step.action == "aws:pause" else 0


def _minutes(duration: Any) -> float:
    """Return the minutes of an ISO 8601 duration; infinite for a point in time or a parameter."""
    match = _DURATION.fullmatch(str(duration).strip())
    if match is None or not any(match.groups()):
        return inf
    return sum(float(each) * unit for each, unit in zip(match.groups(), _MINUTES_IN, strict=True) if each)


def _number(value: Any, otherwise: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return otherwise
