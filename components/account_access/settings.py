"""Settings of `shell-access:accountAccess`: entitlements of operators, in the account of their application.

A member account cannot create entitlements: no condition key limits `account-access:CreateEntitlement` to roles of one
account, so that this permission would give each account's deployer the roles of all others (Service Authorization
Reference, "Actions, resources, and condition keys for Account access manager").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from common.aws.arns import split_arn
from common.problems import Problem, SettingPath, shown, unexpected
from common.validation import Section, enabled_flag, setting
from components.approval.cross_checks import identity_problems
from components.approval.settings import APPLICATION_ALLOWED, APPLICATION_ARN, IdentityCenterOperator

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCOUNT: Final = r"^[0-9]{12}$"


class EntitledOperators(IdentityCenterOperator):
    """A user or a group of IAM Identity Center, and the accounts in which the people are operators."""

    accounts: list[Annotated[str, Field(pattern=_ACCOUNT)]] = setting(
        "Accounts whose stacks have this user or group in `approval.operators`.",
        "a list of account IDs in quotes, at least one",
        min_length=1,
    )


class AccountAccessSettings(Section):
    """Entitlements of account access manager, one for each person and account."""

    enabled: bool = enabled_flag("Create entitlements for operators")
    application_arn: str = setting(
        "Application of account access manager, of this account or, for a delegated administrator, of the "
        "management account.",
        APPLICATION_ALLOWED,
        default="",
        pattern=APPLICATION_ARN,
    )
    operators: list[EntitledOperators] = setting(
        "Operators of the accounts. Each person is entitled to the role of their own user ID, and to no other.",
        "a list of {identityCenterUser, accounts} or {identityCenterGroup, accounts}",
        default_factory=list[EntitledOperators],
    )

    @property
    def region(self) -> str:
        """Region of the application and of IAM Identity Center."""
        return split_arn(self.application_arn).region


def account_access_problems(settings: AccountAccessSettings, path: SettingPath) -> Iterator[Problem]:
    """Yield problems of settings that are each valid on their own."""
    if not settings.application_arn:
        yield unexpected((*path, "applicationArn"), APPLICATION_ALLOWED, "none", "Set it")
    if not settings.operators:
        yield unexpected((*path, "operators"), "at least one user or group", "none", "Name the operators")
    yield from identity_problems(settings.operators, (*path, "operators"), once=False)
    seen: dict[tuple[str, str, str], int] = {}
    for position, each in enumerate(settings.operators):
        kind = "user" if each.identity_center_user is not None else "group"
        name = (each.identity_center_user or each.identity_center_group or "").lower()
        for account in each.accounts:
            if seen.setdefault((kind, name, account), position) != position or each.accounts.count(account) > 1:
                place, once = (*path, "operators", position, "accounts"), "each account once for a user or group"
                yield unexpected(place, once, f"{shown(account)} twice", "Remove one")
                break
