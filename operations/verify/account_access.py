"""Comparison of the entitlements of account access manager with the operators of the settings.

The name of an operator's role has the ID of the user, so that an entitlement of anyone else is recognized in every account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.problems import SettingsError
from components.account_access.component import ACTIVE, AccountAccessArgs, plan_entitlements
from components.approval.names import OPERATORS_PATH
from operations.findings import Finding, Status, counted
from operations.inventory.identity_center import (
    EntitlementFacts,
    read_application,
    read_entitlements,
    trusts_account_access,
)
from operations.inventory.reader import Reader, ReadFailure
from operations.verify.findings import Check, report_lookup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.account_access.settings import AccountAccessSettings
    from operations.deployment import Deployment
    from operations.inventory.identity_center import ApplicationFacts
    from operations.inventory.reader import Clients, Identity

_MOST: Final = 10
"""Number of entitlements that a finding names."""
_DELETE: Final = (
    "aws account-access delete-entitlement --application-arn {application} --entitlement-id {id} --region {region}"
)


@dataclass(frozen=True, kw_only=True)
class AccountAccessVerification:
    """A verification of the entitlements of a stack with `shell-access:accountAccess`.

    Attributes:
        deployment: Settings of the first Region, with the command that repairs it.
    """

    clients: Clients
    identity: Identity
    deployment: Deployment
    settings: AccountAccessSettings

    def findings(self) -> list[Finding]:
        """Return all findings."""
        reader = Reader(self.clients, self.settings.region, self.identity.arn)
        found = [self._application(reader), self._trusted_access(reader)]
        planned, problems = self._planned()
        found.append(self._operators(problems))
        live = read_entitlements(reader, self.settings.application_arn)
        expected = {each.role_arn: each.person.user_name for each in planned.entitlements} if planned else None
        return [
            *found,
            *entitlement_findings(
                "account-access", self.settings.application_arn, expected, live, self.deployment.repair
            ),
        ]

    def _planned(self) -> tuple[AccountAccessArgs | None, tuple[str, ...]]:
        try:
            return plan_entitlements(self.settings, self.clients, lambda: self.identity.arn), ()
        except SettingsError as failed:
            return None, tuple(f"{each.key}: {each.message}" for each in failed.problems)

    def _application(self, reader: Reader) -> Finding:
        check = Check(
            "account-access-application",
            "the application exists and is active",
            "enable account access manager in the management account, and correct shell-access:accountAccess.applicationArn",
        )
        live = read_application(reader, self.settings.application_arn)

        def faults(found: ApplicationFacts) -> list[str]:
            return [] if found.status == ACTIVE else [f"its status is {found.status}"]

        return check.compare(live, faults, "it does not exist")

    def _trusted_access(self, reader: Reader) -> Finding:
        remedy = "aws organizations enable-aws-service-access --service-principal account-access.amazonaws.com"
        check = Check("account-access-trusted-access", "AWS Organizations trusts account access manager", remedy)
        return check.compare(trusts_account_access(reader), lambda trusts: [] if trusts else ["it does not"])

    def _operators(self, problems: tuple[str, ...]) -> Finding:
        remedy = f"correct shell-access:accountAccess, and run: {self.deployment.repair}"
        check = Check("account-access-operators", "the users and groups of operators exist", remedy)
        return report_lookup(check, problems)


def entitlement_findings(
    prefix: str,
    application: str,
    expected: Mapping[str, str] | None,
    live: list[EntitlementFacts] | ReadFailure,
    repair: str,
) -> list[Finding]:
    """Return findings about missing entitlements, and about those of others to roles of operators.

    `expected` has user names by the ARNs of their roles; None: not known, and only those of others are reported.
    """
    own = Check(f"{prefix}-entitlements", "each operator is entitled to their own role", repair)
    others = f"{prefix}-entitlements-of-others"
    none = f"no other principal is entitled to a role below {OPERATORS_PATH}"
    if isinstance(live, ReadFailure):
        return [_unread(check, live) for check in (own, Check(others, none))]
    entitled = {each.role_arn for each in live if each.is_own}
    without = [f"not entitled: {name} ({arn})" for arn, name in sorted((expected or {}).items()) if arn not in entitled]
    foreign = [each for each in live if not each.is_own or (expected is not None and each.role_arn not in expected)]
    # No entitlement is deleted here: the stack does not own those that it has not created.
    region = split_arn(application).region
    commands = "; ".join(_DELETE.format(application=application, id=each.id, region=region) for each in foreign[:_MOST])
    return [
        own.report(_most(without)),
        Check(others, none, f"{repair}; then {commands}").report(_most([_described(each) for each in foreign])),
    ]


def _unread(check: Check, live: ReadFailure) -> Finding:
    """Return the finding about entitlements that cannot be read; a member account may not read them."""
    if not live.refused:
        return check.report_unread(live)
    remedy = (
        "verify the stack with shell-access:accountAccess, in the management account or the delegated administrator of account "
        "access manager"
    )
    return replace(check, remedy=remedy).reject(f"the entitlements cannot be read: {live.cause}", Status.WARNING)


def _described(each: EntitlementFacts) -> str:
    whom = f"group {each.group}" if each.group else f"user {each.user}"
    reason = ", who is no operator there" if each.is_own else ""
    return f"{whom} is entitled to {each.role_arn}{reason} ({each.id})"


def _most(texts: list[str]) -> list[str]:
    rest = len(texts) - _MOST
    return [*texts[:_MOST], *([f"and {counted(rest, 'entitlement')} more"] if rest > 0 else [])]
