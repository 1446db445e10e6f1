"""Time and memory of an audit by the number of principals: `python -m bench.audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.growth import curve, growth_table
from common.iam.principals import read_account
from operations.audit.assessment import assess
from operations.audit.audit_context import AuditContext
from operations.audit.protected import Protected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.growth import Point

_ACCOUNT = "111122223333"
_ARN = f"arn:aws:iam::{_ACCOUNT}"
_NAMED = 20
"""Number of principals that each trust policy names."""


def account(size: int) -> dict[str, Any]:
    """Return the IAM details of an account with dense role trust, half users and half roles.

    Args:
        size: Number of principals.
    """
    half = size // 2
    users = [_principal("User", f"u{number}", f"{_ARN}:role/r{number % 70}*") for number in range(half)]
    roles = [_principal("Role", f"r{number}", f"{_ARN}:role/r{number % 50}*") for number in range(half)]
    for number, role in enumerate(roles):
        places = ((number * 31 + step * 17) % half for step in range(_NAMED))
        trusted = [f"{_ARN}:{'user/u' if place % 2 else 'role/r'}{place}" for place in places]
        statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        role["AssumeRolePolicyDocument"] = _document(statement)
        if number % 10 == 0:
            command = {"Effect": "Allow", "Action": ["ssm:SendCommand", "iam:PutRolePolicy"], "Resource": "*"}
            role["RolePolicyList"].append({"PolicyName": "operations", "PolicyDocument": _document(command)})
    return {"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": [], "Policies": []}


def _principal(kind: str, name: str, resource_pattern: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": resource_pattern}
    return {
        f"{kind}Name": name,
        f"{kind}Id": f"{'AIDA' if kind == 'User' else 'AROA'}{name.upper()}",
        "Arn": f"{_ARN}:{kind.lower()}/{name}",
        "Path": "/",
        f"{kind}PolicyList": [{"PolicyName": "assume", "PolicyDocument": _document(statement)}],
    }


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def audited(size: int) -> str:
    """Audit an account with this many principals, and return the number of findings."""
    read = read_account(account(size), account_id=_ACCOUNT)
    assessment = assess(AuditContext(account=read, protected=Protected(account_id=_ACCOUNT)))
    return f"{sum(len(each.findings) for each in assessment.audited):,} findings"


def points() -> Iterator[Point]:
    """Measure audits of accounts with up to ten thousand principals."""
    return curve("audit, dense role trust", "principals", audited, (1_000, 2_500, 5_000, 10_000))


if __name__ == "__main__":
    Console().print(growth_table(points()))
