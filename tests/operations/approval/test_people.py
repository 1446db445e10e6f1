from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.approval.scripts import grants
from operations.approval.people import Principal, principal_of, same_person, short

names = st.sampled_from(["alice", "Alice", "bob", "Operator", "operator"])
callers = st.one_of(
    names,
    st.builds("arn:aws:iam::123456789012:user/{}".format, names),
    st.builds("arn:aws:iam::123456789012:user/team/{}".format, names),
    st.builds("arn:aws:sts::123456789012:assumed-role/{}/{}".format, names, names),
)


@given(callers, callers)
def test_same_person_is_judged_as_by_the_runbook(one: str, other: str) -> None:
    assert same_person(one, other) is grants._same_person(one, other)


@given(callers)
def test_principal_is_the_one_that_the_runbook_compares(who: str) -> None:
    principal = principal_of(who)
    assert principal is not None
    assert f"{principal.kind}/{principal.name}".lower() == grants._principal(who)


@pytest.mark.parametrize(
    ("who", "principal", "shown"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Operator/olivia", Principal("role", "Operator"), "Operator/olivia"),
        ("arn:aws:iam::123456789012:user/team/alice", Principal("user", "alice"), "alice"),
        ("alice", Principal("user", "alice"), "alice"),
        ("arn:aws:iam::123456789012:root", None, "root"),
        ("arn:aws:sts::123456789012:federated-user/alice", None, "alice"),
        ("", None, ""),
    ],
)
def test_principal_of_a_caller(who: str, principal: Principal | None, shown: str) -> None:
    assert principal_of(who) == principal
    assert short(who) == shown
