"""An audit: reads the IAM data and the runbooks of an account, and evaluates them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import MalformedAnswerError
from common.iam.documents import DocumentError
from common.iam.patterns import matches
from common.iam.principals import missing_parts, read_account
from components.approval.identity_center import NO_OPERATORS
from components.approval.names import WorkflowLocation
from components.approval.plan import plan_approval
from components.session_manager.settings import log_locations
from operations.audit.assessment import assess
from operations.audit.audit_context import AuditContext
from operations.audit.catalog import Severity
from operations.audit.exceptions import apply_exceptions
from operations.audit.findings import AcceptedException, Audit, Audited, BypassFinding, worst_first
from operations.audit.organization import Organization, read_organization
from operations.audit.protected import DeclaredPrincipals, protected
from operations.audit.rules.approval import FOREIGN_RUNBOOK
from operations.errors import UnusableError
from operations.findings import listed
from operations.inventory.reader import Reader, ReadFailure, aws_clients, identify, read_failure
from operations.inventory.session_manager import read_document
from operations.verify.documents import document_differences
from operations.verify.identity_center import LookedUp, look_up

if TYPE_CHECKING:
    from common.aws.session import Clients
    from common.iam.principals import AuthorizationDetails
    from components.approval.plan import ApprovalPlan
    from operations.inventory.reader import Identity
    from operations.stack import StackConfiguration

Progress = Callable[[str, int, int | None], None]
"""Receives the step, the number done, and the number of all."""

_DETAILS = "GetAccountAuthorizationDetails"
_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_MOST_MISSING = 5
_FALLBACK_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """Options of an audit.

    Attributes:
        least: Minimum severity to report.
    """

    declared: DeclaredPrincipals
    least: Severity = Severity.LOW
    exceptions: tuple[AcceptedException, ...] = ()


def audit_stack(
    stack: StackConfiguration, options: AuditOptions, progress: Progress = lambda _what, _done, _of: None
) -> Audit:
    """Audit the account of a stack."""
    region = stack.value("aws:region") or _FALLBACK_REGION
    clients = aws_clients(stack)
    identity = identify(clients, stack.sts_region(region))
    if isinstance(identity, ReadFailure):
        return Audit(stack=stack.name, time=_now(), unread=(identity,))
    details = read_details(clients, region, identity, progress)
    if isinstance(details, ReadFailure):
        return Audit(
            stack=stack.name, account_id=identity.account_id, caller=identity.arn, time=_now(), unread=(details,)
        )
    organization = read_organization(clients, region, identity)
    try:
        context = audit_context(stack, options, identity, details, organization)
    except DocumentError as wrong:
        raise UnusableError(f"A policy of the account cannot be read: {wrong}") from None
    found = assess(context, lambda done, of: progress("Evaluating principals", done, of))
    remaining = apply_exceptions(found, options.exceptions, date.fromisoformat(context.now[:10]))
    foreign = foreign_runbooks(stack, clients, identity)
    missing = why_incomplete(details, region, identity)
    return replace(
        remaining,
        stack=stack.name,
        account_id=identity.account_id,
        caller=identity.arn,
        audited=(
            *(each for each in foreign if isinstance(each, Audited)),
            *_at_least(worst_first(remaining.audited), options.least),
        ),
        services=_at_least(remaining.services, options.least),
        unread=(*([missing] if missing else []), *(each for each in foreign if isinstance(each, ReadFailure))),
        limits=organization.limits,
    )


def read_details(clients: Clients, region: str, identity: Identity, progress: Progress) -> dict[str, Any] | ReadFailure:
    """Read the IAM data of an account, page by page."""
    details: dict[str, Any] = {name: [] for name in _LISTS}
    try:
        paginator = clients.client("iam", region).get_paginator("get_account_authorization_details")
        for page in paginator.paginate():
            for name in _LISTS:
                details[name] += page.get(name, [])
            progress("Reading IAM", len(details["UserDetailList"]) + len(details["RoleDetailList"]), None)
    except (ClientError, BotoCoreError, ValueError) as failed:
        return read_failure(f"iam:{_DETAILS}", failed, region, identity.arn)
    return details


def why_incomplete(details: dict[str, Any], region: str, identity: Identity) -> ReadFailure | None:
    """Return why IAM data does not show what principals may do; None: it is complete."""
    missing = listed([*missing_parts(details, identity.account_id)], _MOST_MISSING)
    if not missing:
        return None
    malformed = MalformedAnswerError(operation=_DETAILS, found=missing)
    return read_failure(f"iam:{_DETAILS}", malformed, region, identity.arn)


def audit_context(
    stack: StackConfiguration,
    options: AuditOptions,
    identity: Identity,
    details: dict[str, Any],
    organization: Organization,
) -> AuditContext:
    """Return the account of a stack, for the evaluation of its principals.

    Raises:
        DocumentError: A policy cannot be read.
    """
    account = read_account(
        details,
        account_id=identity.account_id,
        partition=identity.partition,
        ceilings=organization.ceilings,
    )
    check_administrators(account, options.declared.administrators)
    names = protected(stack, options.declared, account_id=identity.account_id, partition=identity.partition)
    plan = planned_workflow(stack, identity)
    return AuditContext(
        account=account,
        protected=names,
        organization=organization.id,
        manages_organization=organization.is_managed_from_here,
        break_glass=plan.break_glass_role if plan else None,
        now=_now(),
    )


def check_administrators(account: AuthorizationDetails, patterns: tuple[str, ...]) -> None:
    """Check that the declared administrators exist; a misspelled ARN would go unnoticed.

    Raises:
        UnusableError: Some do not exist; with all of them.
    """
    arns = [each.arn for each in account.principals]
    problems = [
        f"--declare-admin: expected the ARN of a user or role of account {account.id} (* and ? match any characters), "
        f"got {pattern!r}. Correct the ARN or omit the option."
        for pattern in patterns
        if not any(matches(pattern, arn) for arn in arns)
    ]
    if problems:
        raise UnusableError("\n".join(problems))


def planned_workflow(
    stack: StackConfiguration, identity: Identity, people: LookedUp | None = None
) -> ApprovalPlan | None:
    """Return the approval workflow as the settings define it; None where there is none.

    Without `people`, operators of IAM Identity Center are left out.
    """
    if "shell-access:approval" not in stack.values:
        return None
    settings = stack.settings()
    if settings.approval is None:
        return None
    place = WorkflowLocation(partition=identity.partition, account_id=identity.account_id, region=settings.regions[0])
    encryption = any(each.session_data_encryption for each in settings.session_manager.values())
    return plan_approval(
        settings.approval,
        place,
        settings.regions,
        session_data_encryption=encryption,
        operators=people.operators if people else NO_OPERATORS,
        logs=log_locations(settings.session_manager, identity.account_id),
    )


def foreign_runbooks(stack: StackConfiguration, clients: Clients, identity: Identity) -> list[Audited | ReadFailure]:
    """Return the documents whose default version differs from the settings, and those that cannot be read.

    A document that does not exist grants nothing and is not reported; `verify` does.
    """
    if "shell-access:approval" not in stack.values:
        return []
    settings = stack.settings()
    if settings.approval is None:
        return []
    people = look_up(settings.approval, clients, identity, settings.regions[0])
    plan = planned_workflow(stack, identity, people)
    if plan is None:
        return []
    place = plan.place
    reader = Reader(clients, place.region, identity.arn)
    found: list[Audited | ReadFailure] = [
        ReadFailure(action="identitystore:GetUserId", cause=each, remedy="run verify, which reports this in detail")
        for each in people.problems
    ]
    for planned in plan.documents:
        live = read_document(reader, planned.name)
        if isinstance(live, ReadFailure):
            found.append(live)
        elif live is not None and isinstance(live.default_text, ReadFailure):
            found.append(live.default_text)
        elif live is not None and (differences := document_differences(planned.content, str(live.default_text))):
            finding = BypassFinding(
                rule=FOREIGN_RUNBOOK.id, severity=Severity.CRITICAL, matched_statements=(), note="; ".join(differences)
            )
            found.append(Audited(arn=place.ssm(f"document/{planned.name}"), kind="document", findings=(finding,)))
    return found


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at_least(several: tuple[Audited, ...], least: Severity) -> tuple[Audited, ...]:
    cut = (replace(each, findings=tuple(one for one in each.findings if one.severity >= least)) for each in several)
    return tuple(each for each in cut if each.findings)
