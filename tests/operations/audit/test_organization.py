from __future__ import annotations

import json
from typing import Any

import pytest

from operations.audit.organization import read_organization
from operations.inventory.reader import Identity
from tests.operations.arrangement import refusal

IDENTITY = Identity(account_id="111122223333", partition="aws", arn="arn:aws:iam::111122223333:user/reader")
PARENTS = {"111122223333": "ou-1", "ou-1": "r-1"}
ATTACHED = {"111122223333": ["p-account"], "ou-1": ["p-full", "p-guard"], "r-1": ["p-full"]}


class Organizations:
    """Answers as AWS Organizations does, for a root, a unit and an account."""

    def __init__(self, manager: str = "999999999999", refuses: str = "", code: str = "AccessDeniedException") -> None:
        self.manager, self.refuses, self.code = manager, refuses, code

    def client(self, service: str, region: str) -> Organizations:
        assert (service, region) == ("organizations", "us-east-1")
        return self

    def _answer(self, name: str, answer: Any) -> Any:
        if name == self.refuses:
            raise refusal(self.code)
        return answer

    def describe_organization(self) -> Any:
        described = {"Organization": {"Id": "o-1", "MasterAccountId": self.manager}}
        return self._answer("describe_organization", described)

    def get_paginator(self, name: str) -> Organizations:
        return self._answer(name, self)

    def paginate(self, *, TargetId: str, Filter: str) -> Any:  # noqa: N803
        assert Filter == "SERVICE_CONTROL_POLICY"
        return [{"Policies": [{"Id": each}]} for each in ATTACHED[TargetId]]

    def list_parents(self, *, ChildId: str) -> Any:  # noqa: N803
        return {"Parents": [{"Id": PARENTS[ChildId]}]}

    def describe_policy(self, *, PolicyId: str) -> Any:  # noqa: N803
        content = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        return {"Policy": {"PolicySummary": {"Name": PolicyId}, "Content": json.dumps(content)}}


def names(found: Any) -> list[list[str]]:
    return [[policy.name for policy in level] for level in found.ceilings]


def test_levels_from_the_root_down() -> None:
    found = read_organization(Organizations(), "us-east-1", IDENTITY)
    assert (found.id, found.is_managed_from_here, found.limits) == ("o-1", False, ())
    assert names(found) == [["p-full"], ["p-full", "p-guard"], ["p-account"]]


def test_management_account_is_not_bound() -> None:
    found = read_organization(Organizations(manager="111122223333"), "us-east-1", IDENTITY)
    assert (found.is_managed_from_here, found.ceilings) == (True, ())


def test_no_organization_is_no_limit() -> None:
    none = Organizations(refuses="describe_organization", code="AWSOrganizationsNotInUseException")
    found = read_organization(none, "us-east-1", IDENTITY)
    assert (found.id, found.is_managed_from_here, found.limits) == (None, False, ())


def test_what_is_refused_is_said() -> None:
    found = read_organization(Organizations(refuses="describe_organization"), "us-east-1", IDENTITY)
    assert found.limits == (
        "service control policies are not taken into account (organizations:DescribeOrganization: refused: not authorized)",
    )
    found = read_organization(Organizations(refuses="list_policies_for_target"), "us-east-1", IDENTITY)
    assert (found.id, found.ceilings, len(found.limits)) == ("o-1", (), 1)


def test_unit_below_itself_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARENTS, "ou-1", "ou-1")
    found = read_organization(Organizations(), "us-east-1", IDENTITY)
    assert (found.ceilings, "ou-1 below itself" in found.limits[0]) == ((), True)
