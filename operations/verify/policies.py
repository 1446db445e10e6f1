"""Comparison of policy documents, roles and the instance policy."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from common.problems import shown
from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from operations.inventory.reader import ReadFailure
from operations.verify.findings import Check, owner_finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.iam import PolicyFacts, RoleFacts
    from operations.principals import GrantedPrincipal


_IGNORE_CASE = ("Action", "NotAction")
_PRINCIPALS = ("Principal", "NotPrincipal")
_ROOT = re.compile(r"arn:[^:]+:iam::([0-9]{12}):root")
Normal = dict[str, Any]


def policy_differences(desired: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the differences by statement; empty if both policies have the same meaning."""
    differences = [] if desired.get("Version") == found.get("Version") else [_changed("Version", desired, found)]
    ours, theirs = _statements(desired), _statements(found)
    missing = [each for each in ours if _normal(each) not in [_normal(other) for other in theirs]]
    extra = [each for each in theirs if _normal(each) not in [_normal(other) for other in ours]]
    by_sid = {each.get("Sid"): each for each in extra if each.get("Sid")}
    for statement in missing:
        other = by_sid.pop(statement.get("Sid"), None)
        if other is None:
            differences.append(f"statement {_name(statement)} is missing")
        else:
            extra.remove(other)
            differences += _elements(statement, other)
    return differences + [f"statement {_name(each)} is unexpected" for each in extra]


def policy_finding(
    check: str, deployment: Deployment, desired: Mapping[str, Any], live: Mapping[str, Any] | ReadFailure | None
) -> Finding:
    """Compare the policy of a resource."""
    return Check(check, "the policy matches the settings", deployment.repair).compare(
        live, partial(policy_differences, desired), "no policy"
    )


def _elements(desired: Normal, found: Normal) -> list[str]:
    ours, theirs = _normal(desired), _normal(found)
    names = [name for name in dict.fromkeys([*desired, *found]) if ours.get(name) != theirs.get(name)]
    return [f"{_name(desired)}.{_changed(name, desired, found)}" for name in names]


def _changed(name: str, desired: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    def value(of: Mapping[str, Any]) -> str:
        return shown(of[name]) if name in of else "nothing"

    return f"{name}: {value(desired)} expected, {value(found)} found"


def _name(statement: Normal) -> str:
    return str(statement.get("Sid") or shown(statement))


def _statements(policy: Mapping[str, Any]) -> list[Normal]:
    return [cast("Normal", each) for each in _list(policy.get("Statement", [])) if isinstance(each, dict)]


def _normal(statement: Normal) -> Normal:
    return {name: _element(name, value) for name, value in statement.items() if name != "Sid"}


def _element(name: str, value: Any) -> Any:
    if name == "Condition" and isinstance(value, dict):
        condition = cast("dict[str, dict[str, Any]]", value)
        # A set: an operator or key that is repeated in another case must not replace the first one.
        return frozenset(
            (operator.lower(), key.lower(), _values(values))
            for operator, keys in condition.items()
            for key, values in keys.items()
        )
    if name in _PRINCIPALS:
        return _principals(value)
    values = _values(value)
    return frozenset(each.lower() for each in values) if name in _IGNORE_CASE else values


def _principals(value: Any) -> frozenset[tuple[str, str]]:
    """Return the types and names of principals, each account by its ID."""
    named = cast("dict[str, Any]", value) if isinstance(value, dict) else {"AWS": value}
    return frozenset(
        (kind, _ROOT.sub(r"\1", str(each)) if kind == "AWS" else str(each))
        for kind, names in named.items()
        for each in _list(names)
    )


def _values(value: Any) -> frozenset[str]:
    """Return the values as strings: `true` and `"true"` are the same in a condition."""
    return frozenset(str(each).lower() if isinstance(each, bool) else str(each) for each in _list(value))


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


SESSION_SECONDS: Final = 3600
"""Maximum duration of sessions of every role of a stack, which is the default of IAM."""


@dataclass(frozen=True, kw_only=True)
class DesiredRole:
    """A role as the settings define it.

    Attributes:
        check: ID of the finding about it.
        attached: ARNs of its managed policies.
        inline: Its inline policies by name.
        boundary: ARN of the permissions boundary; "": none.
    """

    check: str
    name: str
    trust: Mapping[str, Any]
    attached: frozenset[str] = frozenset()
    inline: Mapping[str, Mapping[str, Any]]
    boundary: str = ""
    path: str = "/"


def boundary_arn(boundary: str, policies: str) -> str:
    """Return the ARN of the permissions boundary that `shell-access:permissionsBoundary` names; "" if it names none."""
    return boundary if boundary.startswith("arn:") or not boundary else f"{policies}{boundary}"


def role_finding(deployment: Deployment, desired: DesiredRole, live: RoleFacts | ReadFailure | None) -> Finding:
    """Compare a role: its trust policy, its exact set of policies, and its permissions boundary."""
    expected = f"role {desired.name} has the trust policy and permissions that the settings define"
    check = Check(desired.check, expected, deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return check.report_missing(live, "no such role")
    if isinstance(live.attached, ReadFailure):
        return check.report_unread(live.attached)
    if isinstance(live.inline, ReadFailure):
        return check.report_unread(live.inline)
    repaired = [
        *(f"trust policy: {each}" for each in policy_differences(desired.trust, live.trust)),
        *(f"{arn} is not attached" for arn in sorted(desired.attached - live.attached)),
        *_inline_differences(desired.inline, live.inline),
    ]
    if live.path != desired.path:
        repaired.append(f"path {desired.path} expected, {live.path} found")
    if live.boundary != desired.boundary:
        repaired.append(f"permissions boundary: {desired.boundary or 'none'} expected, {live.boundary or 'none'} found")
    if live.max_session_seconds != SESSION_SECONDS:
        repaired.append(f"sessions of {SESSION_SECONDS} s at most expected, {live.max_session_seconds} s found")
    more, policies = sorted(set(live.inline) - set(desired.inline)), sorted(live.attached - desired.attached)
    extra = [f"inline policy {name} is unexpected" for name in more]
    extra += [f"{arn} is attached" for arn in policies]
    # `pulumi up` does not remove policies that are not resources of the stack.
    named = f"--role-name {desired.name}"
    commands = [deployment.repair] if repaired else []
    commands += [f"aws iam delete-role-policy {named} --policy-name {name}" for name in more]
    commands += [f"aws iam detach-role-policy {named} --policy-arn {arn}" for arn in policies]
    return replace(check, remedy=" && ".join(commands)).report([*repaired, *extra])


def _inline_differences(
    desired: Mapping[str, Mapping[str, Any]], live: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for name, policy in sorted(desired.items()):
        if name not in live:
            yield f"inline policy {name} is missing"
        else:
            yield from (f"inline policy {name}: {each}" for each in policy_differences(policy, live[name]))


def instance_policy_findings(
    deployment: Deployment,
    name: str,
    desired: dict[str, Any],
    roles: tuple[str, ...],
    live: PolicyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare the policy."""
    check = Check("instance-policy", f"managed policy {name} exists", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such policy")]
    text = f"{live.version} allows just what the enabled features need"
    content = Check("instance-policy-content", text, deployment.repair)
    findings = [check.accept(), content.compare(live.content, partial(policy_differences, desired))]
    if live.tags is not None:
        findings.append(owner_finding("instance-policy-owner", deployment, live.tags))
    if roles:
        attached = Check("instance-policy-roles", f"attached to {', '.join(roles)}", deployment.repair)
        findings.append(attached.compare(live.holders, partial(_unattached, roles)))
    return findings


def governing_stack_finding(deployment: Deployment, tags: Mapping[str, str] | ReadFailure | None) -> Finding:
    """Compare the account's record of its stack; without it, the creation of a second stack may not be denied.

    `deployment` is of the Region where the stack keeps resources that exist once per account.
    """
    check = Check("governing-stack", f"policy {GOVERNING_STACK} names the stack", deployment.repair)
    if tags is None or isinstance(tags, ReadFailure):
        return check.report_missing(tags, "no such policy")
    return owner_finding(check.id, deployment, tags)


def _unattached(roles: tuple[str, ...], holders: Iterable[GrantedPrincipal]) -> list[str]:
    attached = {holder.name for holder in holders if holder.kind == "role"}
    without = [role for role in roles if role not in attached]
    return [f"not attached to {', '.join(without)}"] if without else []
