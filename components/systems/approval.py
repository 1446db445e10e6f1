"""Session approval (separation of duties)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.limits import excess_problems
from common.problems import SettingsError
from components.approval.alarms import topic_problems
from components.approval.component import Approval, ApprovalArgs
from components.approval.names import Place
from components.approval.plan import plan_approval
from components.approval.sizes import generated_texts

if TYPE_CHECKING:
    from components.account import Account
    from components.approval.settings import ApprovalSettings
    from components.settings import Settings


def check_approval(settings: Settings, section: ApprovalSettings, account: Account) -> None:
    """Check that the policies fit and the topics can be used, before anything is registered.

    Raises:
        SettingsError: A policy is too large, or a topic cannot be used.
    """
    place = Place(partition=account.partition, account_id=account.id, region=settings.regions[0])
    plan = plan_approval(section, place, settings.regions, session_data_encryption=_encrypts(settings))
    problems = [*excess_problems(generated_texts(section, plan)), *topic_problems(section, place)]
    if problems:
        raise SettingsError(problems)


def build_approval(settings: Settings, section: ApprovalSettings, account: Account, owner: str) -> Approval:
    """Register the workflow.

    Args:
        settings: Settings of the stack.
        section: Section of the settings.
        account: Account of the stack.
        owner: Name of the stack, as recorded on the documents.
    """
    return Approval(
        "approval",
        ApprovalArgs(
            settings=section,
            regions=settings.regions,
            session_data_encryption=_encrypts(settings),
            account=account,
            owner=owner,
            tags=settings.tags,
        ),
    )


def _encrypts(settings: Settings) -> bool:
    return any(each.session_data_encryption for each in settings.session_manager.values())
