"""Reports runbooks under the names of the approval workflow that are not the stack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.approval.identity_center import NO_OPERATORS
from components.approval.names import WorkflowLocation
from components.approval.plan import plan_approval
from components.session_manager.settings import log_locations
from operations.audit.catalog import Severity
from operations.audit.findings import Audited, BypassFinding
from operations.audit.rules.approval import FOREIGN_RUNBOOK
from operations.inventory.reader import Reader, ReadFailure
from operations.inventory.session_manager import read_document
from operations.verify.approval_checks import document_differences
from operations.verify.identity_center import LookedUp, look_up

if TYPE_CHECKING:
    from common.aws.session import Clients
    from components.approval.plan import ApprovalPlan
    from operations.inventory.reader import Identity
    from operations.stack import StackConfiguration


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
