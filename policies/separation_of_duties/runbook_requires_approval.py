"""A runbook that sets the approval tag requires an approval first, by a step of its own or by its change template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pulumi_policy import Severity

from policies.findings import Violation
from policies.rule import Parameter, Rule
from policies.separation_of_duties.runbooks import CARRIERS, is_unseen, runbook_in

if TYPE_CHECKING:
    from policies.findings import Findings
    from policies.separation_of_duties.runbooks import Runbook
    from policies.stack import Stack

_TEMPLATES = Parameter(
    name="runbooksOfOtherTemplates",
    description="Names of runbooks that a change template outside the stack starts.",
    default=[],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}},
)

RULE = Rule(
    id="runbook-requires-approval",
    title="A runbook that sets the approval tag does so after an approval",
    severity=Severity.CRITICAL,
    risk="any principal that starts the runbook gets the tag without an approval",
    remedy="Put an aws:approve step on every path to the tag, or start the runbook by a change template of the same stack",
    source='AWS Security Blog "Apply the principle of separation of duties to shell access to your EC2 instances"; NIST '
    "SP 800-53 r5 AC-3(2), AC-5",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(_TEMPLATES,),
)


@RULE.on_stack
def _asks_first(stack: Stack) -> Findings:
    documents = stack.of(*CARRIERS)
    read = [(document, runbook) for document in documents if (runbook := runbook_in(document))]
    unseen = [document for document in documents if is_unseen(document)]
    started = {name for _, runbook in read if runbook.is_template for name in _started_by(runbook)}
    started.update(stack.settings[_TEMPLATES.name])
    for document, runbook in read:
        if runbook.name in started:
            continue
        unasked = runbook.reachable_unapproved()
        for step in runbook.taggings:
            if step.name not in unasked:
                continue
            place = f"content.mainSteps.{step.name}"
            if not runbook.approvals and unseen:  # one of them may be the template
                yield document.unseen(f"what starts {place}")
            else:
                yield Violation(
                    place, "a path to it without an approval", "an aws:approve step before it", about=document
                )
    for document in unseen:
        yield document.unseen("content")


def _started_by(template: Runbook) -> set[str]:
    given = template.content.get("executableRunBooks")
    several = cast("list[Any]", given) if isinstance(given, list) else []
    return {str(cast("dict[str, Any]", each).get("name")) for each in several if isinstance(each, dict)}
