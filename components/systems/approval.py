"""Sessions only after somebody else said yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.approval.component import Approval, ApprovalArgs

if TYPE_CHECKING:
    from components.account import Account
    from components.approval.settings import ApprovalSettings
    from components.settings import Settings


def build_approval(settings: Settings, section: ApprovalSettings, account: Account, owner: str) -> Approval:
    """Registers the workflow.

    Args:
        settings: of the stack.
        section: of the settings.
        account: where the stack deploys to.
        owner: names the stack on the documents.
    """
    return Approval(
        "approval",
        ApprovalArgs(
            settings=section,
            regions=settings.regions,
            session_data_encryption=any(each.session_data_encryption for each in settings.session_manager.values()),
            account=account,
            owner=owner,
            tags=settings.tags,
        ),
    )
