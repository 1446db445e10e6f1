"""An audit: reads the IAM data of an account and evaluates it."""

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
from operations.audit.assessment import Assessment, assess
from operations.audit.audit_context import AuditContext
from operations.audit.catalog import Severity
from operations.audit.documents import foreign_runbooks, planned_workflow
from operations.audit.exceptions import apply_exceptions
from operations.audit.findings import AcceptedException, Audit, Audited, worst_first
from operations.audit.organization import Organization, read_organization
from operations.audit.protected import DeclaredPrincipals, protected
from operations.errors import UnusableError
from operations.findings import listed
from operations.inventory.reader import ReadFailure, aws_clients, identify, read_failure

if TYPE_CHECKING:
    from common.aws.session import Clients
    from common.iam.principals import AuthorizationDetails
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
            stack=stack.name,
            account_id=identity.account_id,
            caller=identity.arn,
            time=_now(),
            unread=(details,),
        )
    organization = read_organization(clients, region, identity)
    try:
        context = audit_context(stack, options, identity, details, organization)
    except DocumentError as wrong:
        raise UnusableError(f"A policy of the account cannot be read: {wrong}") from None
    found = assess(context, lambda done, of: progress("Evaluating principals", done, of))
    audit = _audit(stack, options, identity, found, context, organization)
    foreign = foreign_runbooks(stack, clients, identity)
    missing = why_incomplete(details, region, identity)
    return replace(
        audit,
        audited=(*(each for each in foreign if isinstance(each, Audited)), *audit.audited),
        unread=(*([missing] if missing else []), *(each for each in foreign if isinstance(each, ReadFailure))),
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


def _audit(  # noqa: PLR0913, PLR0917 -- what an audit is made of
    stack: StackConfiguration,
    options: AuditOptions,
    identity: Identity,
    found: Assessment,
    context: AuditContext,
    organization: Organization,
) -> Audit:
    remaining = apply_exceptions(found.audited, options.exceptions, date.fromisoformat(context.now[:10]))
    return Audit(
        stack=stack.name,
        account_id=identity.account_id,
        caller=identity.arn,
        time=context.now,
        principals=found.evaluated,
        audited=_at_least(worst_first(list(remaining.audited)), options.least),
        services=_at_least(found.services, options.least),
        administrators=found.administrators,
        service_linked=found.service_linked,
        accepted=remaining.accepted,
        unused=remaining.unused,
        by_design=found.by_design,
        limits=organization.limits,
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at_least(several: tuple[Audited, ...], least: Severity) -> tuple[Audited, ...]:
    cut = (
        Audited(arn=each.arn, kind=each.kind, findings=tuple(one for one in each.findings if one.severity >= least))
        for each in several
    )
    return tuple(each for each in cut if each.findings)
