"""Resource-based policies (keys, topics, logs) and trust policies: their principals."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.documents import Condition, DocumentError, Policy, Statement, parse
from policies.findings import Findings, Resource, Violation, is_partly_unknown
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUES: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "kms:calleraccount",
    }
)
_PATHS: Final = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths"})
_ARNS: Final = frozenset({"aws:principalarn", "aws:sourcearn"})
"""Condition keys that restrict a statement to known principals (Security Hub KMS.5 and SNS.4; S3 User Guide, "The meaning of public")."""

_OF_SERVICES: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
"""Condition keys for service principals (IAM User Guide, "The confused deputy problem")."""

_OPERATORS: Final = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"})
_ACCOUNT: Final = re.compile(r"\d{12}")
_ARN_PARTS: Final = 6


def policy_in(resource: Resource, name: str) -> Policy | Violation | None:
    """Parse the policy of a property, of which the value is known and not empty.

    Returns:
        A violation where it is not a policy document; None where parts of it are not known yet.
    """
    value = resource.value(name)
    if is_partly_unknown(value):
        return None
    try:
        return _parsed(value) if isinstance(value, str) else parse(value)
    except DocumentError:
        return resource.violation(name, "a policy document", found="text that cannot be read")


def require_closed(resource: Resource, name: str) -> Findings:
    """Check that no statement allows every principal without a restricting condition."""
    for statement, place in _allowing(resource, name):
        if isinstance(place, Violation):
            yield place
        elif statement is None:
            yield resource.unseen(name)
        elif names_every_principal(statement) and not any(
            each.key in _VALUES | _PATHS | _ARNS and _is_fixed(each) for each in statement.conditions
        ):
            found = f"every principal{_conditions(statement)}"
            yield resource.violation(place, "named principals, or a condition on fixed accounts", found=found)


def require_guarded_services(resource: Resource, name: str) -> Findings:
    """Check that statements for service principals have a source condition; unreadable policies are checked by `require_closed`."""
    for statement, place in _allowing(resource, name):
        if isinstance(place, Violation) or statement is None:
            continue
        services = statement.principals.services if statement.principals else ()
        if services and not any(_says_for_whom(each) for each in statement.conditions):
            found = f"{', '.join(services)}{_conditions(statement)}"
            yield resource.violation(place, "a condition on a fixed aws:SourceAccount or aws:SourceArn", found=found)


def names_every_principal(statement: Statement) -> bool:
    """Return whether a statement names every principal, or all but some."""
    named = statement.principals
    if named is None:
        return False
    return named.negated or any("*" in each for each in (*named.aws, *named.services, *named.federated))


def _allowing(resource: Resource, name: str) -> Iterator[tuple[Statement | None, str | Violation]]:
    if resource.value(name) in (None, ""):
        return
    policy = policy_in(resource, name)
    if not isinstance(policy, Policy):
        yield None, policy or ""
        return
    for statement in policy.statements:
        if statement.allows:
            yield statement, f"{name}.Statement[{statement.index}].Principal"


def _says_for_whom(condition: Condition) -> bool:
    fixed = condition.key in _OF_SERVICES and _is_fixed(condition)
    # A bucket ARN has no account (IAM User Guide, "The confused deputy problem").
    return fixed and (condition.key not in _ARNS or all(map(_has_account, condition.values)))


def _is_fixed(condition: Condition) -> bool:
    usual = condition.operator in _OPERATORS and condition.over != "forallvalues" and not condition.if_exists
    return usual and bool(condition.values) and all(_is_fixed_value(condition.key, each) for each in condition.values)


def _is_fixed_value(key: str, value: str) -> bool:
    if "${" in value:
        return False
    if key in _ARNS and _has_account(value):
        return True
    start = value.partition("/")[0] if key in _PATHS else value
    return bool(start) and "*" not in start and "?" not in start


def _has_account(arn: str) -> bool:
    parts = arn.split(":", _ARN_PARTS - 1)
    return len(parts) == _ARN_PARTS and _ACCOUNT.fullmatch(parts[4]) is not None


def _conditions(statement: Statement) -> str:
    return f" under {json.dumps(statement.raw['Condition'])}" if statement.conditions else ""


@lru_cache(maxsize=256)
def _parsed(text: str) -> Policy:
    """Parse a policy, once for all rules."""
    return parse(text)


ROLE_TRUST_CLOSED = Rule(
    id="role-trust-closed",
    title="Trust policies of roles name no wildcard principal",
    severity=Severity.CRITICAL,
    risk="any AWS principal assumes the role with all its permissions",
    remedy="Name services, roles or accounts in assumeRolePolicy, or add a condition on fixed accounts",
    source="checkov CKV_AWS_60; CIS AWS Foundations Benchmark 7.0, 2.21; NIST SP 800-53 r5 AC-3, AC-6; "
    "Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
)


@ROLE_TRUST_CLOSED.on("aws:iam/role:Role")
def _is_closed(role: Resource) -> Findings:
    yield from require_closed(role, "assumeRolePolicy")
