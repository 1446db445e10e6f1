"""Approval steps have enough approvers, which are fixed, and cannot be skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy import Severity

from policies.findings import Violation, described
from policies.rule import Parameter, Rule
from policies.separation_of_duties.runbooks import CARRIERS, approvers_in, is_unseen, runbook_in

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.separation_of_duties.runbooks import Runbook, Step

_FEWEST = Parameter(
    name="minimumApprovals",
    description="How many approvals one level of a request takes at least; further levels may take fewer.",
    default=1,
    schema={"type": "integer", "minimum": 1, "maximum": 10},
)

RULE = Rule(
    id="approvals-required",
    title="Session requests require enough approvers, and are never approved automatically",
    severity=Severity.CRITICAL,
    risk="a request is granted without a review, or by an approver whom the requester chose",
    remedy="Set autoApprovable and emergencyChange to false, and give aws:approve steps fixed approvers and "
    "MinRequiredApprovals",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; '
    'Systems Manager User Guide, "Creating change templates using command line tools"; NIST SP 800-53 r5 AC-3(2), AC-5, '
    "CM-3",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(_FEWEST,),
)


@RULE.on(*CARRIERS)
def _asks_enough_people(document: Resource) -> Findings:
    if is_unseen(document):
        yield document.unseen("content")
    elif runbook := runbook_in(document):
        if runbook.is_template:
            yield from _by_people_only(document, runbook)
        if runbook.is_template or (runbook.taggings and runbook.approvals):
            yield from _enough(document, runbook)


def _by_people_only(template: Resource, runbook: Runbook) -> Findings:
    for name, may_be_left_out in (("autoApprovable", False), ("emergencyChange", True)):
        value = runbook.content.get(name)
        if not (value is False or value == "false" or (value is None and may_be_left_out)):
            yield Violation(f"content.{name}", described(value), "false", about=template)


def _enough(document: Resource, runbook: Runbook) -> Findings:
    fewest = int(document.settings[_FEWEST.name])
    counts = [_count(step.inputs.get("MinRequiredApprovals", 1)) for step in runbook.approvals]
    if max(counts, default=0) < fewest:
        found = " and ".join(map(str, counts)) if counts else "no step aws:approve"
        wanted = f"a step that takes at least {fewest}, as a number"
        yield Violation("content.mainSteps: MinRequiredApprovals", found, wanted, about=document)
    for step in runbook.approvals:
        yield from _fixed_approvers(document, step)


def _fixed_approvers(document: Resource, step: Step) -> Findings:
    place = f"content.mainSteps.{step.name}"
    approvers = list(approvers_in(step))
    if not approvers:
        yield Violation(f"{place}.inputs", "no approvers", "at least one", about=document)
    for approver, where in approvers:
        if "{{" in approver:
            yield Violation(f"{place}.{where}", described(approver), "an approver that is fixed here", about=document)


def _count(value: Any) -> int:
    """Return a number; 0 for anything else, such as a parameter of the requester."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and not isinstance(value, bool) else 0
