"""Comparison of policies, roles, the schedule and principals of the approval workflow."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from common.problems import shown
from components.adoption.document_content import same_content
from components.approval.plan import INLINE_POLICY_NAME
from components.approval.settings import IDENTITY_CENTER_PREFIX, ApproverType
from operations.findings import Finding, counted, listed
from operations.inventory.reader import Answer, ReadFailure
from operations.principals import GrantedPrincipal
from operations.verify.findings import Check, unequal
from operations.verify.policies import DesiredRole, policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.approval.evidence_plan import PlannedPolicy, PlannedRole, PlannedSchedule
    from components.approval.settings import ApprovalSettings
    from operations.approval.lookups import OperatorTag
    from operations.deployment import Deployment
    from operations.inventory.iam import PolicyFacts, PrincipalFacts


_PRINCIPAL_KINDS: Final = {
    ApproverType.IAM_ROLE: "role",
    ApproverType.IAM_USER: "user",
    ApproverType.IAM_GROUP: "group",
}


def policy_findings(
    deployment: Deployment, planned: PlannedPolicy, live: PolicyFacts | ReadFailure | None, tolerated: TolerateHolder
) -> list[Finding]:
    """Compare a managed policy: its default version, and the exact set of principals that it is attached to.

    `tolerated` decides which other principals may have it.
    """
    check = Check(f"approval-{planned.key}-policy", f"managed policy {planned.name} exists", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such policy")]
    text = f"the default version of {planned.name} matches the settings"
    content = Check(f"{check.id}-content", text, deployment.repair)
    return [
        check.accept(),
        content.compare(live.content, partial(policy_differences, planned.content)),
        _attachments(f"{check.id}-attachments", deployment, planned, live, tolerated),
    ]


def _attachments(
    id_: str, deployment: Deployment, planned: PlannedPolicy, live: PolicyFacts, tolerated: TolerateHolder
) -> Finding:
    desired = [
        *(GrantedPrincipal("role", name) for name in planned.roles),
        *(GrantedPrincipal("user", name) for name in planned.users),
    ]
    check = Check(id_, f"attached to {listed([str(each) for each in desired]) or 'no principal'}")
    if isinstance(live.holders, ReadFailure):
        return check.report_unread(live.holders)
    without = [each for each in desired if not any(each.is_same(holder) for holder in live.holders)]
    extra = sorted(
        (each for each in live.holders if not any(each.is_same(holder) for holder in desired) and not tolerated(each)),
        key=str,
    )
    found = [f"not attached to {listed([str(each) for each in without])}"] if without else []
    found += [f"attached to {each}, too" for each in extra]
    commands = [deployment.repair] if without else []
    commands += [_detach(each, planned.arn) for each in extra]
    return replace(check, remedy=" && ".join(commands)).report(found)


def _detach(holder: GrantedPrincipal, arn: str) -> str:
    return f"aws iam detach-{holder.kind}-policy --{holder.kind}-name {holder.name} --policy-arn {arn}"


class TolerateHolder:
    """Predicate for principals that may have a managed policy although the stack does not attach it to them."""

    def __init__(self, settings: ApprovalSettings | None = None) -> None:
        """Create the predicate from the settings, for the policy of approvers; None: no other principal may have it."""
        approvers = settings.approvers if settings else []
        self._named = [
            GrantedPrincipal(_PRINCIPAL_KINDS[each.type], each.bare_name)
            for each in approvers
            if each.type in _PRINCIPAL_KINDS
        ]
        self._identity_center = any(each.type in (ApproverType.SSO_GROUP, ApproverType.SSO_USER) for each in approvers)

    def __call__(self, holder: GrantedPrincipal) -> bool:
        """Return whether the settings name the principal, or IAM Identity Center may have attached the policy to it."""
        if any(holder.is_same(each) for each in self._named):
            return True
        return self._identity_center and holder.kind == "role" and holder.name.startswith(IDENTITY_CENTER_PREFIX)


def workflow_role(planned: PlannedRole, boundary: str) -> DesiredRole:
    """Return a role of the workflow for comparison with the account."""
    return DesiredRole(
        check="approval-runbook-role" if planned.key == "role" else f"approval-{planned.key}-role",
        name=planned.name,
        trust=planned.trust,
        inline={INLINE_POLICY_NAME: planned.policy} if planned.policy else {},
        boundary=boundary,
    )


def schedule_finding(deployment: Deployment, planned: PlannedSchedule, live: Answer | ReadFailure | None) -> Finding:
    """Compare the reaper's schedule: enabled, without an end date, with the target that the settings define."""
    expected = f"schedule {planned.group}/{planned.name} is enabled, {planned.expression}"

    def differences(found: Answer) -> list[str]:
        target: Mapping[str, Any] = found.get("Target", {})
        given = {
            "state": ("ENABLED", found.get("State")),
            "expression": (planned.expression, found.get("ScheduleExpression")),
            "flexible time window": ("OFF", found.get("FlexibleTimeWindow", {}).get("Mode")),
            "start": (None, found.get("StartDate")),
            "end": (None, found.get("EndDate")),
            "target": (planned.target_arn, target.get("Arn")),
            "role": (planned.role_arn, target.get("RoleArn")),
        }
        same = _same_json(planned.input, str(target.get("Input", "")))
        text = f"input: {planned.input} expected, {shown(target.get('Input'))} found"
        return [*unequal(given), *([] if same else [text])]

    check = Check(f"approval-{planned.key}", expected, deployment.repair)
    return check.compare(live, differences, "no such schedule")


def _same_json(desired: str, found: str) -> bool:
    try:
        return same_content(json.loads(desired), json.loads(found))
    except ValueError:
        return False


def named_principals(settings: ApprovalSettings) -> list[tuple[str, GrantedPrincipal, str]]:
    """Return the principals that settings name: the check, the principal, and the path in its ARN.

    Groups and users of Identity Center are left out, as they are not in IAM.
    """
    operators = [
        *(GrantedPrincipal("role", name) for name in settings.operator_roles),
        *(GrantedPrincipal("user", name) for name in settings.operator_users),
    ]
    approvers = {
        (GrantedPrincipal(_PRINCIPAL_KINDS[each.type], each.bare_name), each.name)
        for each in settings.approvers
        if each.type in _PRINCIPAL_KINDS
    }
    return [
        *(("approval-operators", each, "") for each in operators),
        *(("approval-approvers", each, name) for each, name in sorted(approvers, key=str)),
    ]


def principal_findings(
    deployment: Deployment,
    settings: ApprovalSettings,
    live: Mapping[GrantedPrincipal, PrincipalFacts | ReadFailure | None],
) -> list[Finding]:
    """Compare operators and approvers: all that the settings name exist, approvers under the path that they name.

    A group without members approves nothing. `live` has the facts by principal; None: the principal does not exist.
    """
    desired = named_principals(settings)
    findings: list[Finding] = []
    for id_, key in (("approval-operators", "operatorRoles and operatorUsers"), ("approval-approvers", "approvers")):
        chosen = [(principal, name) for each, principal, name in desired if each == id_]
        check = Check(
            id_,
            f"{listed([str(principal) for principal, _ in chosen]) or 'all of them'} exist{'s' * (len(chosen) == 1)}",
            f"create {'it' if len(chosen) == 1 else 'them'}, or correct shell-access:approval.{key} and run: pulumi up --stack {deployment.stack}",
        )
        facts = [(principal, name, live[principal]) for principal, name in chosen]
        unread = next((each for _, _, each in facts if isinstance(each, ReadFailure)), None)
        findings.append(
            check.report_unread(unread)
            if unread
            else check.report([text for each in facts for text in _principal_faults(*each)])
        )
    return findings


def _principal_faults(
    principal: GrantedPrincipal, name: str, live: PrincipalFacts | ReadFailure | None
) -> Iterator[str]:
    """Yield the faults of a principal.

    Systems Manager identifies an approver by ARN, which includes the path; groups have no path in the settings.
    """
    if live is None or isinstance(live, ReadFailure):
        yield f"{principal} does not exist"
    elif live.is_empty:
        yield f"{principal} has no members"
    elif name and principal.kind != "group" and f"{live.path}{principal.name}".lstrip("/") != name:
        yield f"{principal} has the path {live.path}, and the settings name {name}"


def tag_finding(expected_none: Sequence[GrantedPrincipal], live: tuple[OperatorTag, ...] | ReadFailure) -> Finding:
    """Report approval tags without an active grant."""
    check = Check("approval-tags", f"each tag of {counted(len(expected_none), 'operator')} belongs to an active grant")
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    commands = [
        f"aws iam untag-{each.principal.kind} --{each.principal.kind}-name {each.principal.name} --tag-keys {each.key}"
        for each in live
    ]
    found = [f"{each.principal} has the tag for {each.value}, and no run granted it" for each in live]
    return replace(check, remedy=" && ".join(commands)).report(found)
