"""No principal is both operator and approver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import Violation
from policies.rule import Rule
from policies.separation_of_duties.identity_policies import holds
from policies.separation_of_duties.operators import OPERATORS, operators_in
from policies.separation_of_duties.requests import is_admitted
from policies.separation_of_duties.runbooks import CARRIERS, approvers_in, is_unseen, runbook_in

if TYPE_CHECKING:
    from policies.findings import Findings
    from policies.stack import Stack

RULE = Rule(
    id="approvers-not-operators",
    title="Approvers and operators are different principals",
    severity=Severity.CRITICAL,
    risk="a requester approves its own request",
    remedy="Remove the operator from the approvers, or the approver from the operators",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-5, AC-3(2)",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(OPERATORS,),
)


@RULE.on_stack
def _are_different(stack: Stack) -> Findings:
    named = stack.settings[OPERATORS.name]
    operators = [each.name for each in operators_in(stack)]
    for document in stack.of(*CARRIERS):
        if is_unseen(document):
            yield document.unseen("content")
            continue
        runbook = runbook_in(document)
        for step in runbook.approvals if runbook else ():
            for approver, where in approvers_in(step):
                if is_admitted(approver, named) or any(holds(approver, each) for each in operators):
                    place = f"content.mainSteps.{step.name}.{where}"
                    yield Violation(place, approver, "a principal that is not an operator", about=document)
