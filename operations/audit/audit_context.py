"""The account under audit: its principals by role in the workflow, and results so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from common.iam.documents import VARIABLES_SINCE
from common.iam.patterns import matches
from common.iam.trust import admits_services
from common.iam.variables import keys_of
from components.approval.names import OPERATOR_ROLE_PREFIX, OPERATORS_PATH
from components.approval.scripts.trust import account_access_application
from operations.audit.catalog import APPROVAL_KEY, Severity
from operations.audit.role_assumption import TrustIndex
from operations.verify.policies import policy_differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.iam.context import Value
    from common.iam.documents import Policy
    from common.iam.principals import AuthorizationDetails, Principal
    from common.iam.truth import Truth
    from components.approval.evidence_plan import PlannedRole
    from operations.audit.protected import Protected

AWS_BROAD = (
    *("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AmazonSSMFullAccess", "AmazonEC2FullAccess"),
    "AmazonSSMAutomationRole",
)
"""AWS managed policies that allow a bypass (AWS Managed Policy Reference)."""


@dataclass(kw_only=True)
class AuditContext:
    """The account that rules are evaluated in.

    Attributes:
        account: Its IAM data.
        protected: Resources and principals that the approval depends on.
        organization: ID of the organization, where it is known.
        manages_organization: Whether the account is the management account; None: not known.
        break_glass: Emergency access role as the settings define it; None: there is none.
        now: Time of the audit, ISO 8601.
        privileged: Severity of the worst finding by ARN, of principals with a finding of `HIGH` or worse.
        harmful_policies: ARNs of managed policies that allow a bypass.
        passable: Results of `targets.passable` by service.
        own_tags: Results of `request_context.own_tag_becomes`.
    """

    account: AuthorizationDetails
    protected: Protected
    organization: str | None = None
    manages_organization: bool | None = None
    break_glass: PlannedRole | None = None
    now: str = "2026-01-01T00:00:00Z"
    privileged: Mapping[str, Severity] = field(default_factory=dict[str, Severity])
    harmful_policies: tuple[str, ...] = ()
    passable: dict[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"], init=False)
    own_tags: dict[tuple[Principal, str, Value], Truth] = field(
        default_factory=dict["tuple[Principal, str, Value]", "Truth"], init=False
    )

    @cached_property
    def roles(self) -> tuple[Principal, ...]:
        """Roles, without service-linked roles."""
        return tuple(each for each in self.account.principals if each.kind == "role" and not each.is_service_linked)

    @cached_property
    def users(self) -> tuple[Principal, ...]:
        """Users."""
        return tuple(each for each in self.account.principals if each.kind == "user")

    @cached_property
    def trust_index(self) -> TrustIndex:
        """Index of the roles' trust policies."""
        return TrustIndex(self.account.id, (*self.users, *self.roles))

    @cached_property
    def runbook_role(self) -> str:
        """ARN of the runbook's role, with its path."""
        found = (each.arn for each in self.roles if each.name == self.protected.role)
        return next(found, self.protected.iam("role", self.protected.role))

    @cached_property
    def emergency_role(self) -> Principal | None:
        """The emergency access role, if its trust policy and its permissions are those of the settings, and no more."""
        planned = self.break_glass
        if planned is None:
            return None
        arn = self.protected.iam("role", planned.name)
        return next((each for each in self.roles if each.arn == arn and _is_as_planned(each, planned)), None)

    @cached_property
    def operators(self) -> tuple[Principal, ...]:
        """Principals that are configured or declared as operators, or have a policy that compares the approval tag."""
        return tuple(each for each in (*self.users, *self.roles) if self._is_operator(each))

    @cached_property
    def operators_set(self) -> frozenset[Principal]:
        """Operators as a set."""
        return frozenset(self.operators)

    @cached_property
    def approvers(self) -> frozenset[Principal]:
        """Principals that are configured or declared as approvers, with the members of their groups."""
        names = set(self.protected.approver_names)
        found = [
            *(each for each in self.users if ("IamUser", each.name) in names),
            *(each for each in self.roles if ("IamRole", each.name) in names),
            *(each for each in self.users if any(("IamGroup", group) in names for group in each.groups)),
            *(each for each in (*self.users, *self.roles) if _any(self.protected.approvers, each.arn)),
        ]
        return frozenset(found)

    @cached_property
    def roles_by_service(self) -> Mapping[str, tuple[Principal, ...]]:
        """Roles by the service that their trust policies admit."""
        found: dict[str, list[Principal]] = {}
        for role in self.roles:
            for service in admits_services(role):
                found.setdefault(service, []).append(role)
        return {service: tuple(roles) for service, roles in found.items()}

    @cached_property
    def resting(self) -> tuple[Principal, ...]:
        """Principals that the approval depends on: the runbook's role, operators, approvers."""
        runbook = (each for each in self.roles if each.arn == self.runbook_role)
        return tuple(dict.fromkeys((*runbook, *self.operators, *self.approvers)))

    def is_privileged(self, principal: Principal) -> bool:
        """Return whether a principal has a finding of severity HIGH or worse."""
        return self.privileged.get(principal.arn, Severity.LOW) >= Severity.HIGH

    def entitled_user(self, role: Principal) -> str:
        """Return the ID of the one user who is entitled to an operator's role; empty: others may be, or assume it.

        Only the stack creates roles below the path of operators, with the ID of the user in their names, and `verify` compares
        their entitlements. The application is that of the settings, if they are known.
        """
        name = f":role{OPERATORS_PATH}{OPERATOR_ROLE_PREFIX}"
        statements = [each.raw for each in role.trust.statements] if role.trust else []
        application = account_access_application({"Statement": statements})
        if not application or self.protected.application not in ("", application):
            return ""
        return role.arn.partition(name)[2]

    def _is_operator(self, principal: Principal) -> bool:
        configured = self.protected.operator_users if principal.kind == "user" else self.protected.operator_roles
        return (
            principal.name in configured
            or _any(self.protected.operators, principal.arn)
            or any(arn.endswith(f"/{self.protected.policy}") for arn in principal.attached)
            or any(_goes_by_tag(policy) for policy in principal.permissions.identity)
        )


def _is_as_planned(role: Principal, planned: PlannedRole) -> bool:
    identity = role.permissions.identity
    return (
        role.trust is not None
        and not role.attached
        and len(identity) == 1
        and not policy_differences(planned.trust, _document(role.trust))
        and not policy_differences(planned.policy, _document(identity[0]))
    )


def _document(policy: Policy) -> dict[str, object]:
    has_variables = all(each.variables for each in policy.statements)
    return {
        "Version": VARIABLES_SINCE if has_variables else "2008-10-17",
        "Statement": [each.raw for each in policy.statements],
    }


def _any(patterns: tuple[str, ...], arn: str) -> bool:
    return any(matches(each, arn) for each in patterns)


_GOES: WeakKeyDictionary[Policy, bool] = WeakKeyDictionary()


def _goes_by_tag(policy: Policy) -> bool:
    """Return whether a policy allows sessions by the approval tag."""
    if policy not in _GOES:
        _GOES[policy] = any(
            each.allows and APPROVAL_KEY in keys_of(each) for each in policy.covering("ssm:StartSession")
        )
    return _GOES[policy]
