"""Entitlements of account access manager, as a component resource.

Creating an entitlement that exists gives the existing one (Account Access Manager API Reference, CreateEntitlement), so that
an update after a lost state makes none twice. Entitlements carry no tags, and belong to the stack that governs the account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi_aws.accountaccess import Entitlement

from common.problems import Problem, SettingsError
from components.approval.identity_store import IdentityLookup
from components.approval.names import OPERATORS_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from components.account_access.settings import AccountAccessSettings
    from components.approval.identity_center import OperatorPerson
    from components.approval.identity_store import Clients

_PATH: Final = ("accountAccess",)
ACTIVE: Final = "ACTIVE"


@dataclass(frozen=True, kw_only=True, order=True)
class PlannedEntitlement:
    """The entitlement of one person to their role in one account."""

    account: str
    person: OperatorPerson

    @property
    def role_arn(self) -> str:
        """ARN of the role, which the stack of the account creates."""
        return f"arn:aws:iam::{self.account}:role{OPERATORS_PATH}{self.person.role_name}"


@dataclass(frozen=True, kw_only=True)
class AccountAccessArgs:
    """Arguments of `AccountAccess`.

    Attributes:
        settings: The section.
        entitlements: Entitlements, as `plan_entitlements` has looked them up.
        store: ID of the identity store of the application.
    """

    settings: AccountAccessSettings
    entitlements: tuple[PlannedEntitlement, ...] = field(default=())
    store: str = ""


def plan_entitlements(
    settings: AccountAccessSettings, clients: Clients, caller: Callable[[], str]
) -> AccountAccessArgs:
    """Return the entitlements of the settings: one for each person and account.

    Raises:
        SettingsError: The application is not active, users or groups do not exist, or one of them cannot be looked up;
            lists all problems.
    """
    lookup = IdentityLookup(clients, settings.region, caller)
    key = (*_PATH, "applicationArn")
    store = lookup.look(
        key,
        "an application of account access manager that this account administers",
        "account-access",
        lambda: _store(settings, clients, lookup.problems),
    )
    people = lookup.people(settings.operators, store or "", (*_PATH, "operators"))
    if lookup.problems:
        raise SettingsError(lookup.problems)
    found = {
        PlannedEntitlement(account=account, person=person)
        for item, several in zip(settings.operators, people, strict=True)
        for account in item.accounts
        for person in several
    }
    return AccountAccessArgs(settings=settings, entitlements=tuple(sorted(found)), store=store)


def _store(settings: AccountAccessSettings, clients: Clients, problems: list[Problem]) -> str | None:
    """Return the identity store of the application, which has to be active."""
    found = clients.client("account-access", settings.region).get_application(applicationArn=settings.application_arn)
    instance = found["identitySource"]["identityCenter"]["instanceArn"]
    pages = clients.client("sso-admin", settings.region).get_paginator("list_instances").paginate()
    stores = {each["InstanceArn"]: str(each["IdentityStoreId"]) for page in pages for each in page["Instances"]}
    message = ""
    if found["status"] != ACTIVE:
        message = f"expected an active application, got {found['status']}. Enable account access manager"
    elif instance not in stores:
        message = (
            f"expected an application of the organization's instance of IAM Identity Center, got one of {instance}, which "
            "this account does not see. Deploy to the management account or the delegated administrator"
        )
    if message:
        problems.append(Problem(path=(*_PATH, "applicationArn"), message=message))
    return stores.get(instance)


class AccountAccess(pulumi.ComponentResource):
    """Entitlements of operators.

    Attributes:
        outputs: `applicationArn`, `entitledRoleArns` by account.
    """

    def __init__(
        self,
        name: str,
        args: AccountAccessArgs,
        roles: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the component; `roles` contain the roles of operators in this account."""
        super().__init__("shell-access:accountaccess:AccountAccess", name, None, opts)
        application = args.settings.application_arn
        arns: dict[str, list[str]] = {}
        for each in args.entitlements:
            Entitlement(
                f"{name}-{each.account}-{each.person.user_id}",
                application_arn=application,
                entitlement={
                    "principal_role": {
                        "principal": {"identity_center": {"user_id": each.person.user_id}},
                        "role_arn": each.role_arn,
                    }
                },
                region=args.settings.region,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(roles)),
            )
            arns.setdefault(each.account, []).append(each.role_arn)
        self.outputs: dict[str, Any] = {"applicationArn": application, "entitledRoleArns": arns}
        self.register_outputs(self.outputs)
