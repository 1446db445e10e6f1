"""The index of trust policies leaves out no principal that may assume a role, and most of those that may not."""

from typing import Any

import pytest

from common.iam.principals import read_account
from operations.audit.audit_context import AuditContext
from operations.audit.role_assumption import role_assumption
from tests.operations.audit.accounts import ACCOUNT, ARN, baseline, document, names, role, trusting, user


def allow(on: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": on, **more}


TRUSTS: dict[str, Any] = {
    "by-arn": trusting(AWS=[f"{ARN}:user/plain", f"{ARN}:role/hop"]),
    "by-id": trusting(AWS="AIDAPLAIN"),
    "by-session": trusting(AWS=f"arn:aws:sts::{ACCOUNT}:assumed-role/hop/alice"),
    "by-account": trusting(AWS=ACCOUNT),
    "by-root": trusting(AWS=f"{ARN}:root"),
    "everyone": trusting(AWS="*"),
    "no-map": document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}),
    "all-but": document({"Effect": "Allow", "NotPrincipal": {"AWS": f"{ARN}:user/plain"}, "Action": "sts:AssumeRole"}),
    "service": trusting(Service="ec2.amazonaws.com"),
    "other-account": trusting(AWS="arn:aws:iam::444455556666:root"),
}


def audit() -> AuditContext:
    details = baseline()
    details["RoleDetailList"] += [role(name, trust=trust, path="teams/") for name, trust in TRUSTS.items()]
    details["RoleDetailList"].append(role("hop", allow(f"{ARN}:role/teams/by-*")))
    details["UserDetailList"] += [
        user("plain"),
        user("all", allow("*")),
        user("some", allow(f"{ARN}:role/teams/by-root")),
        user("excluding", {"Effect": "Allow", "Action": "sts:*", "NotResource": f"{ARN}:role/teams/by-root"}),
        user("variable", allow(f"{ARN}:role/teams/by-${{aws:username}}")),
        user("denied", allow("*"), {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}),
    ]
    return AuditContext(account=read_account(details, account_id=ACCOUNT), protected=names())


@pytest.mark.parametrize("name", [*TRUSTS, "hop"])
def test_index_leaves_out_no_principal_that_may_assume(name: str) -> None:
    account = audit()
    (target,) = (each for each in account.roles if each.name == name)
    admitted = {each for each in (*account.users, *account.roles) if role_assumption(each, target, account)}
    assert admitted <= set(account.trust_index.principals_for(target))
    assert all(target in account.trust_index.roles_for(each) for each in admitted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("by-arn", {"plain", "hop"}),
        ("by-id", {"plain"}),
        ("by-session", {"hop"}),
        ("service", set[str]()),
        ("other-account", {"hop", "all", "some", "excluding", "variable", "denied"}),
    ],
)
def test_index_looks_up_by_name(name: str, expected: set[str]) -> None:
    account = audit()
    (target,) = (each for each in account.roles if each.name == name)
    assert {each.name for each in account.trust_index.principals_for(target)} <= expected | {"root-like"}
