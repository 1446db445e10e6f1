"""Comparison of documents, policies, roles, the schedule and principals of the approval workflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from common.problems import shown
from components.adoption.document_content import same_content
from components.approval.plan import INLINE_POLICY_NAME
from components.approval.settings import IDENTITY_CENTER_PREFIX, ApproverType
from operations.findings import Finding, compared, counted, from_differences, listed, missing, unequal, unknown_finding
from operations.inventory.reader import Answer, ReadFailure
from operations.principals import GrantedPrincipal
from operations.verify.policies import DesiredRole, policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.adoption.document_content import PlannedDocument
    from components.approval.evidence_plan import PlannedPolicy, PlannedRole, PlannedSchedule
    from components.approval.settings import ApprovalSettings
    from operations.approval.lookups import OperatorTag
    from operations.deployment import Deployment
    from operations.inventory.iam import PolicyFacts, PrincipalFacts
    from operations.inventory.session_manager import DocumentFacts


_ACTIVE: Final = "Active"
_PRINCIPAL_KINDS: Final = {
    ApproverType.IAM_ROLE: "role",
    ApproverType.IAM_USER: "user",
    ApproverType.IAM_GROUP: "group",
}


def document_findings(
    check: str, deployment: Deployment, planned: PlannedDocument, live: DocumentFacts | ReadFailure | None
) -> list[Finding]:
    """Compare a document: type, status, sharing, default version, and the content of its default and latest version."""
    expected = _document_exists(planned)
    if live is None or isinstance(live, ReadFailure):
        return [missing(check, live, expected=expected, found="no such document", remedy=deployment.repair)]
    settled = live.default_version == live.latest_version
    findings = [
        _existence(check, deployment, planned, live),
        compared(
            f"{check}-default-version",
            same=settled,
            expected="the default version is the latest",
            found=f"default {live.default_version}, latest {live.latest_version}",
            remedy=deployment.repair,
        ),
        _content(f"{check}-content", deployment, planned, live.default_version, live.default_text),
    ]
    if not settled:
        findings.append(_content(f"{check}-latest-content", deployment, planned, live.latest_version, live.latest_text))
    return findings


def _existence(check: str, deployment: Deployment, planned: PlannedDocument, live: DocumentFacts) -> Finding:
    """Report faults of a document other than its content; no update ends sharing, as the stack does not manage it."""
    expected = _document_exists(planned)
    if isinstance(live.shared_with, ReadFailure):
        return unknown_finding(check, live.shared_with, expected=expected)
    wrong = [] if live.type == planned.type else [f"its type is {live.type}, not {planned.type}"]
    wrong += [] if live.status == _ACTIVE else [f"its status is {live.status} {live.status_reason}".rstrip()]
    commands = [deployment.repair] if wrong else []
    if live.shared_with:
        wrong.append(f"it is shared with accounts: {', '.join(live.shared_with)}")
        unshare = f"aws ssm modify-document-permission --name {planned.name} --region {deployment.region}"
        commands.append(f"{unshare} --permission-type Share --account-ids-to-remove {' '.join(live.shared_with)}")
    return from_differences(check, wrong, expected=expected, remedy=" && ".join(commands))


def _document_exists(planned: PlannedDocument) -> str:
    return f"document {planned.name} exists, is active and not shared"


def _content(
    check: str, deployment: Deployment, planned: PlannedDocument, version: str, text: str | ReadFailure
) -> Finding:
    expected = f"version {version} of {planned.name} matches the settings"
    if isinstance(text, ReadFailure):
        return unknown_finding(check, text, expected=expected)
    differences = document_differences(planned.content, text)
    return from_differences(check, differences, expected=expected, remedy=deployment.repair)


def document_differences(desired: Mapping[str, Any], text: str) -> list[str]:
    """Return the differences in the content of a runbook or change template, step by step; empty if there are none."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return ["it is not JSON"]
    if not isinstance(found, dict):
        return ["it is not a JSON object"]
    live = cast("dict[str, Any]", found)
    if same_content(desired, live):
        return []
    names = [name for name in dict.fromkeys([*desired, *live]) if name != "mainSteps"]
    differences = [f"{name} differs" for name in names if not same_content(desired.get(name), live.get(name))]
    return differences + (_step_differences(desired.get("mainSteps"), live.get("mainSteps")) or [])


def _step_differences(desired: Any, live: Any) -> list[str]:
    if same_content(desired, live):
        return []
    if not _are_steps(live):
        return ["mainSteps is not a list of steps"]
    ours = {str(each.get("name")): each for each in cast("list[dict[str, Any]]", desired)}
    theirs = {str(each.get("name")): each for each in cast("list[dict[str, Any]]", live)}
    differences = [f"step {name} is missing" for name in ours if name not in theirs]
    differences += [f"step {name} is unexpected" for name in theirs if name not in ours]
    differences += [
        f"step {name} differs" for name in ours if name in theirs and not same_content(ours[name], theirs[name])
    ]
    return differences or ["the order of the steps differs"]


def _are_steps(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in cast("list[Any]", value))


def policy_findings(
    deployment: Deployment,
    planned: PlannedPolicy,
    live: PolicyFacts | ReadFailure | None,
    tolerated: TolerateHolder,
) -> list[Finding]:
    """Compare a managed policy: its default version, and the exact set of principals that it is attached to.

    Args:
        deployment: Settings of the Region of the workflow, with the command that repairs it.
        planned: The policy as the settings define it.
        live: The policy of the account.
        tolerated: Predicate for other principals that may have it.
    """
    check, expected = f"approval-{planned.key}-policy", f"managed policy {planned.name} exists"
    if live is None or isinstance(live, ReadFailure):
        return [missing(check, live, expected=expected, found="no such policy", remedy=deployment.repair)]
    findings = [compared(check, same=True, expected=expected, found=expected, remedy=deployment.repair)]
    text = f"the default version of {planned.name} matches the settings"
    if isinstance(live.content, ReadFailure):
        findings.append(unknown_finding(f"{check}-content", live.content, expected=text))
    else:
        differences = policy_differences(planned.content, live.content)
        findings.append(from_differences(f"{check}-content", differences, expected=text, remedy=deployment.repair))
    return [*findings, *_attachments(f"{check}-attachments", deployment, planned, live, tolerated)]


def _attachments(
    check: str, deployment: Deployment, planned: PlannedPolicy, live: PolicyFacts, tolerated: TolerateHolder
) -> Iterator[Finding]:
    desired = [
        *(GrantedPrincipal("role", name) for name in planned.roles),
        *(GrantedPrincipal("user", name) for name in planned.users),
    ]
    expected = f"attached to {listed([str(each) for each in desired]) or 'no principal'}"
    if isinstance(live.holders, ReadFailure):
        yield unknown_finding(check, live.holders, expected=expected)
        return
    without = [each for each in desired if not any(each.is_same(holder) for holder in live.holders)]
    extra = sorted(
        (each for each in live.holders if not any(each.is_same(holder) for holder in desired) and not tolerated(each)),
        key=str,
    )
    found = [f"not attached to {listed([str(each) for each in without])}"] if without else []
    found += [f"attached to {each}, too" for each in extra]
    commands = [deployment.repair] if without else []
    commands += [_detach(each, planned.arn) for each in extra]
    yield from_differences(check, found, expected=expected, remedy=" && ".join(commands))


def _detach(holder: GrantedPrincipal, arn: str) -> str:
    return f"aws iam detach-{holder.kind}-policy --{holder.kind}-name {holder.name} --policy-arn {arn}"


class TolerateHolder:
    """Predicate for principals that may have a managed policy although the stack does not attach it to them."""

    def __init__(self, settings: ApprovalSettings | None = None) -> None:
        """Create the predicate.

        Args:
            settings: Settings of the workflow, for the policy of approvers; None: no other principal may have it.
        """
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


def schedule_findings(
    deployment: Deployment, planned: PlannedSchedule, live: Answer | ReadFailure | None
) -> list[Finding]:
    """Compare the reaper's schedule: enabled, without an end date, with the target that the settings define."""
    check, expected = (
        f"approval-{planned.key}",
        f"schedule {planned.group}/{planned.name} is enabled, {planned.expression}",
    )
    if live is None or isinstance(live, ReadFailure):
        return [missing(check, live, expected=expected, found="no such schedule", remedy=deployment.repair)]
    target: Mapping[str, Any] = live.get("Target", {})
    given = {
        "state": ("ENABLED", live.get("State")),
        "expression": (planned.expression, live.get("ScheduleExpression")),
        "flexible time window": ("OFF", live.get("FlexibleTimeWindow", {}).get("Mode")),
        "start": (None, live.get("StartDate")),
        "end": (None, live.get("EndDate")),
        "target": (planned.target_arn, target.get("Arn")),
        "role": (planned.role_arn, target.get("RoleArn")),
    }
    differences = unequal(given)
    if not _same_json(planned.input, str(target.get("Input", ""))):
        differences.append(f"input: {planned.input} expected, {shown(target.get('Input'))} found")
    return [from_differences(check, differences, expected=expected, remedy=deployment.repair)]


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

    A group without members approves nothing.

    Args:
        deployment: Settings of the Region of the workflow, with the command that repairs it.
        settings: Settings of the workflow.
        live: Facts by principal; None: the principal does not exist.
    """
    desired = named_principals(settings)
    findings: list[Finding] = []
    for check, key in (("approval-operators", "operatorRoles and operatorUsers"), ("approval-approvers", "approvers")):
        chosen = [(principal, name) for each, principal, name in desired if each == check]
        expected = (
            f"{listed([str(principal) for principal, _ in chosen]) or 'all of them'} exist{'s' * (len(chosen) == 1)}"
        )
        unread = next(
            (each for each in (live[principal] for principal, _ in chosen) if isinstance(each, ReadFailure)), None
        )
        if unread:
            findings.append(unknown_finding(check, unread, expected=expected))
            continue
        wrong = [text for principal, name in chosen for text in _principal_faults(principal, name, live[principal])]
        remedy = f"create {'it' if len(wrong) == 1 else 'them'}, or correct shell-access:approval.{key} and run: pulumi up --stack {deployment.stack}"
        findings.append(from_differences(check, wrong, expected=expected, remedy=remedy))
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


def tag_findings(
    expected_none: Sequence[GrantedPrincipal], live: tuple[OperatorTag, ...] | ReadFailure
) -> list[Finding]:
    """Report approval tags without an active grant."""
    check, expected = (
        "approval-tags",
        f"each tag of {counted(len(expected_none), 'operator')} belongs to an active grant",
    )
    if isinstance(live, ReadFailure):
        return [unknown_finding(check, live, expected=expected)]
    found = [f"{each.principal} has the tag for {each.value} without a grant" for each in live]
    commands = [
        f"aws iam untag-{each.principal.kind} --{each.principal.kind}-name {each.principal.name} --tag-keys {each.key}"
        for each in live
    ]
    return [from_differences(check, found, expected=expected, remedy=" && ".join(commands))]
