"""Statements of policies, and policies within the size limit of IAM."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from common import limits
from common.limits import ATTACHED_POLICIES, MANAGED_POLICY, StatementTooLongError, size
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from operations.deployer.scope import DeploymentScope

Policy = dict[str, Any]
Conditions = dict[str, dict[str, "str | list[str]"]]


class TooMuchError(UnusableError):
    """The settings have more names than fit into the policies of a role."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The settings name too many roles, users and log groups for one role: {problem}. Use --region and --tag "
            "for policies that allow any names."
        )


def actions_of(*services: str) -> tuple[str, ...]:
    """Return the actions of a table: each text is a service with the names of its actions, such as `iam: GetRole GetUser`."""
    return tuple(
        f"{service}:{name}"
        for service, _, names in (each.partition(":") for each in services)
        for name in names.split()
    )


@dataclass(frozen=True)
class AllowedActions:
    """Actions that are allowed on resources.

    Attributes:
        actions: Actions without wildcards.
        resources: ARNs or patterns.
        conditions: Values by operator and key.
        everywhere: Whether no condition limits the Regions, as the service is global.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    conditions: Mapping[str, Mapping[str, str | list[str]]] = field(
        default_factory=dict[str, "Mapping[str, str | list[str]]"]
    )
    everywhere: bool = False

    def rendered(self, scope: DeploymentScope) -> Policy:
        """Return the statement."""
        conditions: Conditions = {operator: dict(keys) for operator, keys in self.conditions.items()}
        if not self.everywhere:
            conditions.setdefault("StringEquals", {})["aws:RequestedRegion"] = list(scope.regions)
        return statement(self.sid, sorted(self.actions), list(self.resources), conditions)


def statement(
    sid: str,
    actions: Iterable[str],
    resources: str | list[str] = "*",
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    effect: str = "Allow",
) -> Policy:
    """Return a statement on resources, and with no `Condition` where there is none."""
    rendered = {"Sid": sid, "Effect": effect, "Action": list(actions), "Resource": resources}
    return {**rendered, "Condition": conditions} if conditions else rendered


def fitting(policy: Policy, what: str) -> Policy:
    """Return a policy that is within the size limit of IAM.

    Raises:
        TooMuchError: The policy is too long.
    """
    if size(policy) > MANAGED_POLICY.maximum:
        message = f"{what} takes {size(policy)} characters, and a policy can have at most {MANAGED_POLICY.maximum}"
        raise TooMuchError(message)
    return policy


def _merged(statements: Iterable[Policy]) -> list[Policy]:
    """Merge statements on the same resources under the same conditions: reading and managing a document, for example.

    Managing any resource keeps a statement of its own, so that it stands out.
    """
    merged: dict[str, Policy] = {}
    for each in statements:
        is_managing = each["Sid"].startswith("Manage")
        alone = each["Sid"] if is_managing and each["Resource"] == ["*"] else ""
        bounds = [each["Resource"], each.get("Condition"), alone]
        other = merged.setdefault(json.dumps(bounds, sort_keys=True), each)
        if other is not each:
            other["Action"] = sorted({*other["Action"], *each["Action"]})
            other["Sid"] = each["Sid"] if is_managing else other["Sid"]
    return list(merged.values())


def packed(permissions: Iterable[AllowedActions], scope: DeploymentScope) -> list[Policy]:
    """Return the statements in few policies, each in the first that has room for it.

    Raises:
        TooMuchError: A statement alone is too long, or a role cannot have so many policies.
    """
    try:
        # The longest first, which takes the fewest policies.
        statements = sorted(_merged(each.rendered(scope) for each in permissions), key=size, reverse=True)
        policies = limits.packed(statements)
    except StatementTooLongError as too_long:
        raise TooMuchError(str(too_long)) from None
    if len(policies) > ATTACHED_POLICIES.maximum:
        most = ATTACHED_POLICIES.maximum
        raise TooMuchError(f"they take {len(policies)} policies, and a role can have at most {most}")
    return policies
