"""Principals and people, from the ARNs that AWS shows of callers."""

from __future__ import annotations

from dataclasses import dataclass

from common.aws.arns import split_arn
from components.approval.settings import IDENTITY_CENTER_PREFIX


@dataclass(frozen=True)
class GrantedPrincipal:
    """The role or user of a grant.

    Attributes:
        kind: `role` or `user`.
        name: Name without a path.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def is_same(self, other: GrantedPrincipal | None) -> bool:
        """Return whether two principals are the same; IAM names are not case-sensitive."""
        return other is not None and (self.kind, self.name.lower()) == (other.kind, other.name.lower())

    def is_for(self, who: str) -> bool:
        """Return whether a caller is this principal, or by name the same person as this user."""
        return self.is_same(principal_of(who)) or (self.kind == "user" and same_person(self.name, who))


def principal_of(who: str) -> GrantedPrincipal | None:
    """Return the role of a session, or the user; None for a caller without grants: root, federated users, services.

    `who` is an ARN, or the bare name of a user, as Automation shows approvers.
    """
    if not who.startswith("arn:"):
        return GrantedPrincipal("user", who) if who else None
    kind, *path = split_arn(who).resource.split("/")
    if kind == "assumed-role" and path:
        return GrantedPrincipal("role", path[0])
    return GrantedPrincipal("user", path[-1]) if kind == "user" and path else None


def same_person(one: str, other: str) -> bool:
    """Return whether two callers are the same principal, or by name the same person behind two.

    The runbook applies the same check, and also knows which people the trust policies of their roles admit.
    """
    principal, names = principal_of(one), [_name(one), _name(other)]
    if len({"@" in name for name in names}) > 1:
        # One of them signs in with an email address, the other with a name.
        names = [name.split("@")[0] for name in names]
    if names[0] == names[1]:
        return True
    is_reserved = principal is not None and principal.name.lower().startswith(IDENTITY_CENTER_PREFIX.lower())
    return principal is not None and principal.is_same(principal_of(other)) and not is_reserved


def short(who: str) -> str:
    """Return a caller for tables: `Operator/olivia` for a session, `alice` for a user."""
    resource = who.split(":", 5)[-1]
    kind, _, rest = resource.partition("/")
    return rest if kind == "assumed-role" else resource.rsplit("/", 1)[-1]


def _name(who: str) -> str:
    return who.lower().rsplit("/", 1)[-1].rsplit(":", 1)[-1]
