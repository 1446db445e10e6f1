"""Comparison of operators of IAM Identity Center: their roles, and the assignments or entitlements that lead to them.

The name of an operator's role has the ID of the user, so that an entitlement of anyone else is recognized in every account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.problems import SettingsError
from components.account_access.component import ACTIVE, AccountAccessArgs, plan_entitlements
from components.approval.identity_center import NO_OPERATORS, IdentityCenterOperators
from components.approval.identity_store import find_operators
from components.approval.names import OPERATORS_PATH
from operations.findings import Finding, Status, counted, listed
from operations.inventory.identity_center import (
    EntitlementFacts,
    OperatorRole,
    read_application,
    read_entitlements,
    read_operator_roles,
    trusts_account_access,
)
from operations.inventory.reader import Reader, ReadFailure
from operations.verify.findings import Check, report_lookup
from operations.verify.policies import DesiredRole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.aws.session import Clients
    from components.account_access.settings import AccountAccessSettings
    from components.approval.evidence_plan import PlannedPolicy, PlannedRole
    from components.approval.settings import ApprovalSettings
    from operations.deployment import Deployment
    from operations.inventory.reader import Identity

_MOST: Final = 10
"""Number of entitlements that a finding names."""
_DELETE: Final = (
    "aws account-access delete-entitlement --application-arn {application} --entitlement-id {id} --region {region}"
)


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """Operators of IAM Identity Center, as looked up.

    Attributes:
        operators: The people. Where they cannot be looked up, those of the account's roles, so that all other
            resources can be compared.
        problems: Reasons why the people of the settings are not known.
    """

    operators: IdentityCenterOperators = NO_OPERATORS
    problems: tuple[str, ...] = ()


def look_up(settings: ApprovalSettings, clients: Clients, identity: Identity, region: str) -> LookedUp:
    """Look up the operators of the settings."""
    if not settings.operators:
        return LookedUp()
    try:
        return LookedUp(operators=find_operators(settings, clients, region, lambda: identity.arn))
    except SettingsError as failed:
        problems = tuple(f"{each.key}: {each.message}" for each in failed.problems)
    roles = read_operator_roles(Reader(clients, region, identity.arn))
    found = [] if isinstance(roles, ReadFailure) else roles
    return LookedUp(
        operators=IdentityCenterOperators(
            people=tuple(sorted(each.person for each in found)),
            reserved_path=next((each.reserved_path for each in found if each.reserved_path), ""),
            application=settings.identity_center.application_arn,
            store=settings.identity_center.identity_store_id,
            region=settings.identity_center.home(region),
        ),
        problems=problems,
    )


def lookup_finding(deployment: Deployment, people: LookedUp) -> Finding:
    """Report users, groups and permission sets that do not exist, or cannot be looked up."""
    expected = "the users and groups of operators, and the permission set that they use, exist"
    remedy = f"correct shell-access:approval.operators and identityCenter, and run: {deployment.repair}"
    return report_lookup(Check("approval-identity-center", expected, remedy), people.problems)


def person_role(planned: PlannedRole, policies: Sequence[PlannedPolicy], boundary: str) -> DesiredRole:
    """Return the role of a person for comparison with the account."""
    return DesiredRole(
        check="approval-operator-role",
        name=planned.name,
        trust=planned.trust,
        attached=frozenset(each.arn for each in policies if planned.name in each.roles),
        inline={},
        boundary=boundary or planned.boundary,
        path=planned.path,
    )


def leftover_finding(deployment: Deployment, people: LookedUp, live: list[OperatorRole] | ReadFailure) -> Finding:
    """Report roles below the path of operators that are of no operator.

    A person who left the group keeps the role until the next update. A user name that was given to another user would
    admit that user to the role of the former one.
    """
    check = Check("approval-operator-role-leftovers", f"no roles of others below {OPERATORS_PATH}", deployment.repair)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    named = {each.user_name: each for each in people.operators.people}
    found: list[str] = []
    for role in live:
        if role.name in people.operators.roles:
            continue
        other = named.get(role.user_name)
        if role.application:
            admitted = f"user {role.person.user_id} through account access manager"
            found.append(f"{role.name} admits {admitted}, who is no operator")
        elif other:
            found.append(f"{role.name} admits {role.user_name}, which is the user name of user {other.user_id} now")
        else:
            found.append(f"{role.name} admits {role.user_name or 'others than one person'}, who is no operator")
    return check.report(found)


def assignment_finding(people: LookedUp, permission_set: str, live: dict[str, str] | ReadFailure) -> Finding:
    """Report users who have the operators' permission set and are no operators, and operators without it.

    These do not reach a role of another person, as its trust policy names one person: a warning. Member accounts cannot
    read assignments (IAM Identity Center User Guide, "Manage access to AWS accounts"). `live` has the users to whom it is
    assigned, by ID, with the text that names them.
    """
    check = Check(
        "approval-identity-center-assignments",
        f"the permission set {permission_set} is assigned to the operators and to no others",
        "change the assignments in IAM Identity Center, or shell-access:approval.operators",
    )
    if isinstance(live, ReadFailure):
        remedy = (
            f"verify in the management account or the delegated administrator of IAM Identity Center: {live.remedy}"
        )
        status = Status.WARNING if live.refused else Status.UNKNOWN
        return replace(check, remedy=remedy).reject(f"the assignments cannot be read: {live.cause}", status)
    operators: Mapping[str, str] = {each.user_id: each.user_name for each in people.operators.people}
    others = [text for user, text in sorted(live.items()) if user not in operators]
    without = [name for user, name in sorted(operators.items()) if user not in live]
    found = [f"also assigned to {listed(others)}"] if others else []
    found += [f"not assigned to {listed(without)}"] if without else []
    return check.reject("; ".join(found), Status.WARNING) if found else check.accept()


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
        return check.compare(
            read_application(reader, self.settings.application_arn),
            lambda found: [] if found["status"] == ACTIVE else [f"its status is {found['status']}"],
            "it does not exist",
        )

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
