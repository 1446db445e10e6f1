"""Role assumptions by sets of resources, and by the index of trust policies, are those of each pair of principal and role."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.iam.documents import parse
from common.iam.principals import Principal, read_account
from operations.audit.audit_context import AuditContext
from operations.audit.role_assumption import RoleAssumptions, resources_of, role_assumption
from tests.operations.audit.accounts import (
    ACCOUNT,
    ARN,
    allow,
    baseline,
    bounded,
    document,
    managed,
    names,
    role,
    trusting,
    user,
)

ROLES = ("a", "b", "c", "d")
FENCE = managed("Fence", {"Effect": "Allow", "Action": "sts:*", "Resource": f"{ARN}:role/a"})
TRUSTS: list[Any] = [
    *[trusting(AWS=ACCOUNT)] * 4,
    trusting(AWS=f"{ARN}:root"),
    trusting(AWS=[ACCOUNT, f"{ARN}:user/alice"]),
    trusting(AWS=f"{ARN}:role/a"),
    trusting(AWS="*"),
    trusting(Service="ec2.amazonaws.com"),
    document({"Effect": "Allow", "NotPrincipal": {"AWS": f"{ARN}:user/alice"}, "Action": "sts:AssumeRole"}),
    document(
        [*trusting(AWS=ACCOUNT)["Statement"], {**trusting(AWS=f"{ARN}:role/b")["Statement"][0], "Effect": "Deny"}]
    ),
    document({**trusting(AWS=ACCOUNT)["Statement"][0], "Condition": {"StringEquals": {"aws:username": "bob"}}}),
]
RESOURCES = ["*", f"{ARN}:role/?", *(f"{ARN}:role/{name}" for name in ROLES)]
CONDITIONS = [{"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {"StringEquals": {"aws:username": "bob"}}]
STATEMENTS = st.builds(
    lambda effect, element, resources, condition: {
        "Effect": effect,
        "Action": "sts:AssumeRole",
        element: resources,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
    st.sampled_from(["Resource", "Resource", "NotResource"]),
    st.lists(st.sampled_from([*RESOURCES, f"{ARN}:role/${{aws:username}}"]), min_size=1, max_size=2),
    st.sampled_from([None, None, None, *CONDITIONS]),
)
POLICIES = st.lists(STATEMENTS, min_size=1, max_size=2)
CEILINGS = st.sampled_from(["Allow *", "Allow *, Deny b"])


@st.composite
def accounts(draw: st.DrawFn) -> AuditContext:
    boundary = st.sampled_from([{}, {}, {"PermissionsBoundary": bounded(FENCE)}])
    details = {
        "UserDetailList": [user(name, draw(POLICIES), **draw(boundary)) for name in ("alice", "bob")],
        "RoleDetailList": [
            role(name, draw(POLICIES), trust=draw(st.sampled_from(TRUSTS)), **draw(boundary)) for name in ROLES
        ],
        "GroupDetailList": [],
        "Policies": [FENCE],
    }
    statements: list[Any] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    if draw(CEILINGS) != "Allow *":
        statements.append({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": f"{ARN}:role/b"})
    ceilings = [[parse(document(statements), name="scp", kind="service control")]]
    account = read_account(details, account_id=ACCOUNT, ceilings=ceilings)
    return AuditContext(account=account, protected=names())


def steps(found: RoleAssumptions) -> set[tuple[str, str]]:
    """Return each principal with the roles that it can assume, as the aggregated form lists them."""
    plain = {
        (principal, reached)
        for principal, statements in found.plain.items()
        for _, statement in statements
        for reached in found.by_resources[resources_of(statement)]
        if reached is not principal
    }
    special = {(principal, step.admission.role) for principal, several in found.special.items() for step in several}
    return {(principal.name, reached.name) for principal, reached in plain | special}


def steps_one_by_one(audit: AuditContext, protected: set[Principal]) -> set[tuple[str, str]]:
    """Return the same from the evaluation of each pair, until no further role reaches a protected one."""
    everyone, reaching = (*audit.users, *audit.roles), set(protected)
    while True:
        found = {(one, other) for one in everyone for other in reaching if role_assumption(one, other, audit)}
        more = {one for one, _ in found if one.kind == "role"} - reaching
        if not more:
            return {(one.name, other.name) for one, other in found}
        reaching |= more


@settings(max_examples=100)
@given(accounts(), st.sampled_from(ROLES))
def test_aggregated_steps_are_those_of_each_pair(audit: AuditContext, name: str) -> None:
    protected = {each for each in audit.roles if each.name == name}
    found = RoleAssumptions(audit, (*audit.users, *audit.roles), protected)
    assert steps(found) == steps_one_by_one(audit, protected)


def assuming(on: Any) -> dict[str, Any]:
    return allow("sts:AssumeRole", on=on)


INDEXED: dict[str, Any] = {
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
    details["RoleDetailList"] += [role(name, trust=trust, path="teams/") for name, trust in INDEXED.items()]
    details["RoleDetailList"].append(role("hop", assuming(f"{ARN}:role/teams/by-*")))
    details["UserDetailList"] += [
        user("plain"),
        user("all", assuming("*")),
        user("some", assuming(f"{ARN}:role/teams/by-root")),
        user("excluding", {"Effect": "Allow", "Action": "sts:*", "NotResource": f"{ARN}:role/teams/by-root"}),
        user("variable", assuming(f"{ARN}:role/teams/by-${{aws:username}}")),
        user("denied", assuming("*"), {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}),
    ]
    return AuditContext(account=read_account(details, account_id=ACCOUNT), protected=names())


@pytest.mark.parametrize("name", [*INDEXED, "hop"])
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
