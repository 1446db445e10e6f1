"""Every path after a step that sets the approval tag has a step that removes it from the same principal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import Violation
from policies.rule import Rule
from policies.separation_of_duties.runbooks import CARRIERS, is_unseen, runbook_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Findings, Resource
    from policies.separation_of_duties.runbooks import Runbook, Step

RULE = Rule(
    id="runbook-removes-tag",
    title="A runbook that sets the approval tag removes it, also when it fails or is cancelled",
    severity=Severity.HIGH,
    risk="a principal that cancels an execution at the right moment, or makes a step fail, keeps the approval",
    remedy="Set onFailure and onCancel of every step after the tag to step:Name of a step that leads to the removal",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; '
    'Systems Manager User Guide, "Properties shared by all actions"; NIST SP 800-53 r5 AC-2(3), AC-6',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html",
)


@RULE.on(*CARRIERS)
def _takes_it_back(document: Resource) -> Findings:
    if is_unseen(document):
        yield document.unseen("content")
    elif runbook := runbook_in(document):
        found = (each for step in runbook.taggings for each in _follow(document, runbook, step))
        yield from {(each.property, each.found, each.expected): each for each in found}.values()


def _follow(document: Resource, runbook: Runbook, tagging: Step) -> Iterator[Violation]:
    """Follow every path from a step to a step that removes the tag from the same principal."""
    waiting, visited = [tagging], set[str]()
    while waiting:
        step = waiting.pop(0)
        if step.name in visited:
            continue
        visited.add(step.name)
        for transition in runbook.transitions(step):
            following = runbook.step(transition.to) if transition.to else None
            if following is None:
                place = f"content.mainSteps.{step.name}.{transition.property}"
                yield Violation(place, transition.found, "a path to a step that removes the tag", about=document)
            elif not following.may_undo(tagging):
                waiting.append(following)
