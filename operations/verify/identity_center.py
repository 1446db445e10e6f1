"""Comparison of the roles of operators of IAM Identity Center with its users, groups and assignments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from common.problems import SettingsError
from components.approval.identity_center import NO_OPERATORS, IdentityCenterOperators
from components.approval.identity_store import find_operators
from components.approval.names import OPERATORS_PATH
from operations.findings import Finding, Status, listed
from operations.inventory.identity_center import OperatorRole, read_operator_roles
from operations.inventory.reader import Reader, ReadFailure
from operations.verify.findings import Check, report_lookup
from operations.verify.policies import DesiredRole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.aws.session import Clients
    from components.approval.evidence_plan import PlannedPolicy, PlannedRole
    from components.approval.settings import ApprovalSettings
    from operations.deployment import Deployment
    from operations.inventory.reader import Identity


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """Operators of IAM Identity Center, as looked up.

    Attributes:
        operators: The people. Where they cannot be looked up, those of the account's roles, so that all other
            resources can be compared.
        problems: Reasons why the people of the settings are not known.
    """

    operators: IdentityCenterOperators = NO_OPERATORS
    problems: tuple[str, ...] = field(default=())


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
