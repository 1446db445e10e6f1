"""The remediation's runbook and its role, for any exclusions; the runbook itself is run in `tests/simulator`."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aws.arns import Scope
from common.iam.context import ABSENT, RequestContext, Value, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.nodes.role_compliance import remediation_role_policy, remediation_trust, runbook
from components.nodes.scripts import remediate
from components.nodes.settings import MAX_EXCLUDED_ROLES
from local.emulator.extension import documents as document_rules

PLACE = Scope(partition="aws", account_id="111122223333")
POLICY = PLACE.iam("policy/ShellAccessSessionManagerNode")
NAMES = st.lists(st.from_regex(r"[\w+=,.@-]{1,64}", fullmatch=True), max_size=6, unique=True)
ROLE_CHARACTERS = 10_240
"""IAM User Guide, "IAM and AWS STS quotas": all inline policies of a role, without white space."""


def allowed(excluded: list[str], action: str, resource: str, **keys: Value) -> bool:
    policy = parse(remediation_role_policy(PLACE, [POLICY], excluded), name="remediation")
    values = {name.replace("_", ":", 1): value for name, value in keys.items()}
    decision = decide(
        Permissions(identity=(policy,)), action, resource, RequestContext(values, otherwise=ABSENT)
    ).allowed
    assert decision is not Truth.UNKNOWN
    return decision is Truth.YES


def attaches(excluded: list[str], role: str, policy: str = POLICY) -> bool:
    return allowed(excluded, "iam:AttachRolePolicy", PLACE.iam(f"role/{role}"), iam_policyarn=known(policy))


@given(NAMES, st.sampled_from(["", "team/", "a/b/"]))
def test_role_attaches_the_policy_to_all_but_excluded_roles(excluded: list[str], path: str) -> None:
    for name in excluded:
        assert not attaches(excluded, f"{path}{name}")
        assert attaches(excluded, f"{path}{name}x") is (f"{name}x" not in excluded)
    assert attaches(excluded, f"{path}Some-Role") is ("Some-Role" not in excluded)


@pytest.mark.parametrize(
    "policy",
    [
        "arn:aws:iam::aws:policy/AdministratorAccess",
        f"{POLICY}2",
        PLACE.iam("policy/team/ShellAccessSessionManagerNode"),
        POLICY.replace("111122223333", "444455556666"),
    ],
)
def test_role_attaches_no_other_policy(policy: str) -> None:
    assert not attaches([], "Web", policy)


def test_role_without_a_named_policy_attaches_nothing() -> None:
    assert not allowed([], "iam:AttachRolePolicy", PLACE.iam("role/Web"))


def test_role_attaches_nothing_in_another_account() -> None:
    assert not allowed([], "iam:AttachRolePolicy", "arn:aws:iam::444455556666:role/Web", iam_policyarn=known(POLICY))


@pytest.mark.parametrize(
    "action",
    [
        *("iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:PassRole", "iam:UpdateAssumeRolePolicy", "iam:CreateRole"),
        *("iam:AttachUserPolicy", "iam:CreatePolicyVersion", "iam:AddRoleToInstanceProfile", "sts:AssumeRole"),
        *("iam:DeleteRolePermissionsBoundary", "iam:TagRole", "ssm:StartSession", "ssm:SendCommand"),
    ],
)
def test_role_may_do_nothing_else(action: str) -> None:
    assert not allowed([], action, PLACE.iam("role/Web"), iam_policyarn=known(POLICY))


def test_role_is_taken_on_for_runs_of_this_account_only() -> None:
    statement: Any = remediation_trust(PLACE)
    (statement,) = statement["Statement"]
    assert statement["Principal"] == {"Service": "ssm.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:111122223333:automation-execution/*"},
    }


def test_longest_exclusions_fit_into_the_role() -> None:
    names = [f"{number:03}{'x' * 61}" for number in range(MAX_EXCLUDED_ROLES)]
    policy = remediation_role_policy(Scope(partition="aws-us-gov", account_id="111122223333"), [POLICY], names)
    assert len(json.dumps(policy, separators=(",", ":"))) <= ROLE_CHARACTERS


@given(NAMES)
def test_runbook_accepts_no_other_policy(excluded: list[str]) -> None:
    document = runbook(PLACE, [POLICY], excluded)
    assert document_rules.problems("Automation", document) == []
    assert set(document["parameters"]) == {"AutomationAssumeRole", "RoleId"}
    assert document["parameters"]["AutomationAssumeRole"]["allowedValues"] == [
        PLACE.iam("role/ShellAccessNodeRemediation")
    ]
    (attaching,) = [step for step in document["mainSteps"] if step["action"] == "aws:executeAwsApi"]
    assert (attaching["inputs"]["Api"], attaching["inputs"]["PolicyArn"]) == ("AttachRolePolicy", POLICY)


def test_runbook_attaches_every_policy_one_after_the_other() -> None:
    policies = [POLICY, f"{POLICY}-2", f"{POLICY}-3"]
    document = runbook(PLACE, policies, [])
    assert document_rules.problems("Automation", document) == []
    steps = {step["name"]: step for step in document["mainSteps"]}
    assert [
        steps[name]["inputs"]["PolicyArn"] for name in ("AttachPolicy", "AttachPolicy2", "AttachPolicy3")
    ] == policies
    following = [steps[name]["nextStep"] for name in ("AttachPolicy", "AttachPolicy2", "AttachPolicy3")]
    assert following == ["AttachPolicy2", "AttachPolicy3", "VerifyAttached"]


class Renamed:
    """A role that was deleted and made again under its name, while AWS Config still knows the old one."""

    def list_discovered_resources(self, **_: Any) -> Any:
        return {"resourceIdentifiers": [{"resourceId": "AROAOLDOLDOLDOLD", "resourceName": "Web"}]}

    def get_role(self, **_: Any) -> Any:
        return {"Role": {"RoleId": "AROANEWNEWNEWNEW", "AssumeRolePolicyDocument": {}}}


def test_role_that_was_made_again_under_the_name_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remediate, "_client", lambda _service: Renamed())
    events = {"RoleId": "AROAOLDOLDOLDOLD", "PolicyArns": [POLICY], "ExcludedRoles": []}
    with pytest.raises(remediate.RefusedError, match="another one by now: AROANEWNEWNEWNEW, not AROAOLDOLDOLDOLD"):
        remediate.check_role(events, None)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["ssm.amazonaws.com", "ec2.amazonaws.com.cn"]}}, True),
        ({"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "ec2.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": "*"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}, False),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_role_is_for_instances_where_ec2_may_assume_it(
    statement: Any,
    expected: bool,  # noqa: FBT001
    encoded: bool,  # noqa: FBT001
) -> None:
    trust = {"Version": "2012-10-17", "Statement": statement}
    assert remediate._is_for_instances(quote(json.dumps(trust)) if encoded else trust) is expected
