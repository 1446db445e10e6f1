"""An account as the audit sees it: who is who, and what is known so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from components.iam.patterns import matches
from components.iam.trust import admits_services
from components.iam.variables import keys_of
from operations.audit.rules.keys import APPROVAL_KEY
from operations.audit.severity import Severity
from operations.audit.trust_index import TrustIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.iam.context import Value
    from components.iam.documents import Policy
    from components.iam.principals import Account, Principal
    from components.iam.truth import Truth
    from operations.audit.protected import Protected

AWS_BROAD = (
    *("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AmazonSSMFullAccess", "AmazonEC2FullAccess"),
    "AmazonSSMAutomationRole",
)
"""AWS managed policies that allow ways around (AWS Managed Policy Reference)."""


@dataclass(kw_only=True)
class AuditContext:
    """What rules ask of the account.

    Attributes:
        account: its IAM.
        protected: what the approval rests on.
        organization: its id, where it is known.
        manages_organization: whether the account is the management account; None: not known.
        now: the time, ISO 8601.
        privileged: principals with ways around of their own, by ARN, as bad as `HIGH` or worse.
        harmful_policies: ARNs of managed policies that allow ways around.
        passable: what was looked up, by service.
        own_tags: Whether principals can give tags of their own a value, as far as it was looked up.
    """

    account: Account
    protected: Protected
    organization: str | None = None
    manages_organization: bool | None = None
    now: str = "2026-01-01T00:00:00Z"
    privileged: Mapping[str, Severity] = field(default_factory=dict[str, Severity])
    harmful_policies: tuple[str, ...] = ()
    passable: dict[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"], init=False)
    own_tags: dict[tuple[Principal, str, Value], Truth] = field(
        default_factory=dict["tuple[Principal, str, Value]", "Truth"], init=False
    )

    @cached_property
    def roles(self) -> tuple[Principal, ...]:
        """Those that anybody but their own service can use."""
        return tuple(each for each in self.account.principals if each.kind == "role" and not each.is_service_linked)

    @cached_property
    def users(self) -> tuple[Principal, ...]:
        """All users."""
        return tuple(each for each in self.account.principals if each.kind == "user")

    @cached_property
    def trust_index(self) -> TrustIndex:
        """Whom the roles could admit."""
        return TrustIndex(self.account.id, (*self.users, *self.roles))

    @cached_property
    def runbook_role(self) -> str:
        """The ARN of the runbook's role, whatever its path."""
        found = (each.arn for each in self.roles if each.name == self.protected.role)
        return next(found, self.protected.iam("role", self.protected.role))

    @cached_property
    def operators(self) -> tuple[Principal, ...]:
        """Who asks: configured, declared, or holding a policy that goes by the approval tag."""
        return tuple(each for each in (*self.users, *self.roles) if self._is_operator(each))

    @cached_property
    def operators_set(self) -> frozenset[Principal]:
        """The same, for membership."""
        return frozenset(self.operators)

    @cached_property
    def approvers(self) -> frozenset[Principal]:
        """Who approves: configured or declared, with the members of approving groups."""
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
        """The roles that a service may take on."""
        found: dict[str, list[Principal]] = {}
        for role in self.roles:
            for service in admits_services(role):
                found.setdefault(service, []).append(role)
        return {service: tuple(roles) for service, roles in found.items()}

    @cached_property
    def resting(self) -> tuple[Principal, ...]:
        """The principals that the approval rests on: the runbook's role, operators, approvers."""
        runbook = (each for each in self.roles if each.arn == self.runbook_role)
        return tuple(dict.fromkeys((*runbook, *self.operators, *self.approvers)))

    def is_privileged(self, principal: Principal, least: Severity = Severity.HIGH) -> bool:
        """Whether it has ways around of its own."""
        return self.privileged.get(principal.arn, Severity.LOW) >= least

    def _is_operator(self, principal: Principal) -> bool:
        configured = self.protected.operator_users if principal.kind == "user" else self.protected.operator_roles
        return (
            principal.name in configured
            or _any(self.protected.operators, principal.arn)
            or any(arn.endswith(f"/{self.protected.policy}") for arn in principal.attached)
            or any(_goes_by_tag(policy) for policy in principal.permissions.identity)
        )


def _any(patterns: tuple[str, ...], arn: str) -> bool:
    return any(matches(each, arn) for each in patterns)


_GOES: WeakKeyDictionary[Policy, bool] = WeakKeyDictionary()


def _goes_by_tag(policy: Policy) -> bool:
    """Whether a policy lets sessions start by the approval tag."""
    if policy not in _GOES:
        _GOES[policy] = any(
            each.allows and APPROVAL_KEY in keys_of(each) for each in policy.covering("ssm:StartSession")
        )
    return _GOES[policy]
