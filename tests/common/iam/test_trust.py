"""Principals that a trust policy admits (IAM User Guide, "Principal" and "Policy evaluation logic")."""

from dataclasses import replace
from typing import Any

import pytest

from common.iam.choices import Choice, any_value
from common.iam.context import UNKNOWN, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions
from common.iam.principals import Principal
from common.iam.trust import admission, admits_services, only_services, outsiders

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}"
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
NOTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


class Knowledge:
    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        if key == "aws:principalarn":
            return (Choice(known(f"{ARN}:user/al")),)
        return any_value(mentioned) if key.startswith("sts:") else (Choice(UNKNOWN),)


def policy(*statements: Any, kind: str = "inline") -> Any:
    return parse({"Version": "2012-10-17", "Statement": list(statements)}, name="p", kind=kind)


def person(*statements: Any, kind: str = "user", boundary: Any = None, scp: Any = None) -> Principal:
    permissions = Permissions(
        identity=(policy(*statements),),
        boundary=policy(boundary) if boundary else None,
        ceilings=((policy(scp),),) if scp else (),
    )
    name = "al" if kind == "user" else "work"
    return Principal(kind=kind, name=name, arn=f"{ARN}:{kind}/{name}", unique_id="AXDA1", permissions=permissions)


def role(principal: Any, *more: Any, element: str = "Principal", **conditions: Any) -> Principal:
    statement = {"Effect": "Allow", element: principal, "Action": "sts:AssumeRole", **conditions}
    return Principal(kind="role", name="r", arn=f"{ARN}:role/r", trust=policy(statement, *more, kind="trust"))


def doubts(caller: Principal, taken: Principal) -> tuple[str, ...] | None:
    found = admission(caller, taken, lambda _: Knowledge())
    return found.doubts if found else None


@pytest.mark.parametrize("named", [ACCOUNT, f"{ARN}:root", [f"{ARN}:user/x", f"{ARN}:root"]])
def test_account_leaves_it_to_the_callers_policies(named: Any) -> None:
    taken = role({"AWS": named})
    assert doubts(person(ASSUME), taken) == ()
    assert doubts(person(NOTHING), taken) is None
    assert doubts(person(ASSUME, {**ASSUME, "Effect": "Deny"}), taken) is None
    assert doubts(person(ASSUME, boundary=NOTHING), taken) is None
    assert doubts(person(ASSUME, scp=NOTHING), taken) is None


@pytest.mark.parametrize("named", ["*", {"AWS": "*"}, {"AWS": f"{ARN}:user/al"}, {"AWS": "AXDA1"}])
def test_named_user_is_admitted_without_policy_past_its_boundary(named: Any) -> None:
    taken = role(named)
    assert doubts(person(NOTHING), taken) == ()
    assert doubts(person(NOTHING, boundary=NOTHING), taken) == ()
    assert doubts(person({**ASSUME, "Effect": "Deny"}), taken) is None
    assert doubts(person(NOTHING, scp=NOTHING), taken) is None
    assert doubts(person(NOTHING, boundary={**ASSUME, "Effect": "Deny"}), taken) is not None


def test_boundary_cuts_a_role_that_is_named() -> None:
    taken = role({"AWS": f"{ARN}:role/work"})
    assert doubts(person(NOTHING, kind="role"), taken) == ()
    assert doubts(person(NOTHING, kind="role", boundary=NOTHING), taken) is None


def test_sessions_of_a_role_may_be_named() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/work/al"
    assert doubts(person(NOTHING, kind="role"), role({"AWS": session})) == ()
    assert doubts(person(NOTHING, kind="role"), role({"AWS": session.replace("work", "other")})) is None


@pytest.mark.parametrize(
    "named", [{"Service": "ec2.amazonaws.com"}, {"AWS": "999999999999"}, {"AWS": f"{ARN}:user/x"}, {"Federated": "x"}]
)
def test_others_are_not_let_in(named: Any) -> None:
    assert doubts(person(ASSUME), role(named)) is None


def test_all_but_one_principal_are_admitted() -> None:
    assert doubts(person(NOTHING), role({"AWS": f"{ARN}:user/x"}, element="NotPrincipal")) == ()
    assert doubts(person(NOTHING), role({"AWS": f"{ARN}:user/al"}, element="NotPrincipal")) is None


def test_conditions_of_trust() -> None:
    named = {"AWS": f"{ARN}:root"}
    caller = person(ASSUME)
    assert doubts(caller, role(named, Condition={"StringEquals": {"sts:ExternalId": "x"}})) == ()
    assert doubts(caller, role(named, Condition={"ArnLike": {"aws:PrincipalArn": f"{ARN}:user/b*"}})) is None
    assert doubts(caller, role(named, Condition={"StringEquals": {"aws:SourceVpc": "v"}})) == (
        'trust StringEquals aws:SourceVpc "v"',
    )
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
    assert doubts(caller, role(named, denied)) is None
    denied["Condition"] = {"StringEquals": {"aws:SourceVpc": "v"}}  # type: ignore[assignment]
    assert doubts(caller, role(named, denied)) == ('trust Deny StringEquals aws:SourceVpc "v"',)


def test_no_role_takes_itself_on_and_none_without_trust() -> None:
    taken = role({"AWS": "*"})
    assert admission(taken, taken, lambda _: Knowledge()) is None
    assert doubts(person(ASSUME), replace(taken, trust=None)) is None


def test_services_and_outsiders() -> None:
    service = role({"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]})
    assert admits_services(service) == {"ec2.amazonaws.com", "ssm.amazonaws.com"}
    assert only_services(service)
    assert not only_services(role({"Service": "ec2.amazonaws.com", "AWS": ACCOUNT}))
    assert not only_services(person(ASSUME))
    several = role({"AWS": [ACCOUNT, "999999999999", f"{ARN}:user/x", "arn:aws:iam::999999999999:root", "AIDADELETED"]})
    assert [name for name, _ in outsiders(several, ACCOUNT)] == ["999999999999", "arn:aws:iam::999999999999:root"]
