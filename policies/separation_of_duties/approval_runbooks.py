"""Runbooks that set the approval tag: approvers, removal of the tag, trust policy of their role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import Policy, Statement
from components.approval.names import ROLE_NAME
from policies.findings import UNKNOWN, Findings, Resource, Violation, described
from policies.foundations.resource_policies import policy_in
from policies.parameters import TEXTS, Parameter
from policies.rule import DUTIES_POST, Rule
from policies.separation_of_duties.identity_policies import ROLE
from policies.separation_of_duties.requests import is_admitted
from policies.separation_of_duties.runbooks import CARRIERS, Runbook, Step, approvers_in, is_unseen, runbook_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

_TEMPLATES = Parameter(
    name="runbooksOfOtherTemplates",
    description="Names of runbooks that a change template outside the stack starts.",
    default=[],
    schema=TEXTS,
)

RUNBOOK_REQUIRES_APPROVAL = Rule(
    id="runbook-requires-approval",
    title="A runbook that sets the approval tag does so after an approval",
    severity=Severity.CRITICAL,
    risk="any principal that starts the runbook gets the tag without an approval",
    remedy="Put an aws:approve step on every path to the tag, or start the runbook by a change template of the same stack",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3(2), AC-5",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(_TEMPLATES,),
)


@RUNBOOK_REQUIRES_APPROVAL.on_stack
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
                yield document.violation(
                    place, "an aws:approve step before it", found="a path to it without an approval"
                )
    for document in unseen:
        yield document.unseen("content")


def _started_by(template: Runbook) -> set[str]:
    given = template.content.get("executableRunBooks")
    several = cast("list[Any]", given) if isinstance(given, list) else []
    return {str(cast("dict[str, Any]", each).get("name")) for each in several if isinstance(each, dict)}


_FEWEST = Parameter(
    name="minimumApprovals",
    description="How many approvals one level of a request takes at least; further levels may take fewer.",
    default=1,
    schema={"type": "integer", "minimum": 1, "maximum": 10},
)

APPROVALS_REQUIRED = Rule(
    id="approvals-required",
    title="Session requests require enough approvers, and are never approved automatically",
    severity=Severity.CRITICAL,
    risk="a request is granted without a review, or by an approver whom the requester chose",
    remedy="Set autoApprovable and emergencyChange to false, and give aws:approve steps fixed approvers and "
    "MinRequiredApprovals",
    source=f'{DUTIES_POST}; Systems Manager User Guide, "Creating change templates using command line tools"; '
    "NIST SP 800-53 r5 AC-3(2), AC-5, CM-3",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html",
    parameters=(_FEWEST,),
)


@APPROVALS_REQUIRED.on(*CARRIERS)
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
            yield template.violation(f"content.{name}", "false", found=described(value))


def _enough(document: Resource, runbook: Runbook) -> Findings:
    fewest = int(document.settings[_FEWEST.name])
    counts = [_count(step.inputs.get("MinRequiredApprovals", 1)) for step in runbook.approvals]
    if max(counts, default=0) < fewest:
        found = " and ".join(map(str, counts)) if counts else "no step aws:approve"
        wanted = f"a step that takes at least {fewest}, as a number"
        yield document.violation("content.mainSteps: MinRequiredApprovals", wanted, found=found)
    for step in runbook.approvals:
        yield from _fixed_approvers(document, step)


def _fixed_approvers(document: Resource, step: Step) -> Findings:
    place = f"content.mainSteps.{step.name}"
    approvers = list(approvers_in(step))
    if not approvers:
        yield document.violation(f"{place}.inputs", "at least one", found="no approvers")
    for approver, where in approvers:
        if "{{" in approver:
            yield document.violation(f"{place}.{where}", "an approver that is fixed here", found=described(approver))


def _count(value: Any) -> int:
    """Return a number; 0 for anything else, such as a parameter of the requester."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and not isinstance(value, bool) else 0


RUNBOOK_REMOVES_TAG = Rule(
    id="runbook-removes-tag",
    title="A runbook that sets the approval tag removes it, also when it fails or is cancelled",
    severity=Severity.HIGH,
    risk="a principal that cancels an execution at the right moment, or makes a step fail, keeps the approval",
    remedy="Set onFailure and onCancel of every step after the tag to step:Name of a step that leads to the removal",
    source=f'{DUTIES_POST}; Systems Manager User Guide, "Properties shared by all actions"; '
    "NIST SP 800-53 r5 AC-2(3), AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html",
)


@RUNBOOK_REMOVES_TAG.on(*CARRIERS)
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
                yield document.violation(place, "a path to a step that removes the tag", found=transition.found)
            elif not following.may_undo(tagging):
                waiting.append(following)


_ROLES = Parameter(
    name="runbookRoles",
    description="The roles of runbooks that set the approval tag: role/Name (* and ? match any characters).",
    default=[f"role/{ROLE_NAME}"],
    schema={"type": "array", "items": {"type": "string", "pattern": "^role/."}, "minItems": 1},
)

RUNBOOK_ROLE_TRUSTS_AUTOMATION_ONLY = Rule(
    id="runbook-role-trusts-automation-only",
    title="Only Systems Manager Automation may assume the runbook's role",
    severity=Severity.CRITICAL,
    risk="a principal that assumes the role sets the approval tag as the runbook does, without an approval",
    remedy="Name ssm.amazonaws.com as the only principal of the trust policy, or give the role another name",
    source=f"{DUTIES_POST}; NIST SP 800-53 r5 AC-3, AC-5, AC-6",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-iam.html",
    parameters=(_ROLES,),
)
"""The other rules allow the runbook's role, by its name, to set the approval tag."""

_AUTOMATION: Final = frozenset({"ssm.amazonaws.com", "ssm.amazonaws.com.cn"})


@RUNBOOK_ROLE_TRUSTS_AUTOMATION_ONLY.on(ROLE)
def _trusts_automation(role: Resource) -> Findings:
    name = role.value("name")
    if name is not UNKNOWN and not is_admitted(f"role/{name}", role.settings[_ROLES.name]):
        return
    if role.value("assumeRolePolicy") is None:
        return  # the provider refuses it
    trust = policy_in(role, "assumeRolePolicy")
    if trust is None:
        yield role.unseen("assumeRolePolicy")
    elif isinstance(trust, Policy):
        for statement in trust.statements:
            if statement.allows and not _names_automation(statement):
                place = f"assumeRolePolicy.Statement[{statement.index}].Principal"
                wrong = role.violation(place, "Service: ssm.amazonaws.com alone", found="other principals")
                yield role.unseen("name") if name is UNKNOWN else wrong


def _names_automation(statement: Statement) -> bool:
    named = statement.principals
    return (
        named is not None and not (named.aws or named.federated or named.negated) and set(named.services) <= _AUTOMATION
    )
