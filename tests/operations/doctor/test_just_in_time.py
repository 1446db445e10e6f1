"""Each reason for which people get no just-in-time access to a node is named with the command that fixes it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from components.just_in_time.decisions import Policies, planned_policies
from components.just_in_time.documents import policy_documents
from components.just_in_time.names import TOKEN_ROLE
from components.just_in_time.settings import JustInTimeSettings
from operations.approval.requests import ApprovalRequest, RequestState
from operations.doctor.evaluation import evaluate
from operations.doctor.facts import AccessFacts
from operations.doctor.findings import Diagnosis, Verdict
from operations.inventory.reader import ReadFailure
from operations.principals import GrantedPrincipal
from tests.components.just_in_time.examples import approval, manual
from tests.operations.doctor.plain_facts import facts, healthy
from tests.operations.doctor.plain_world import ACCOUNT, NODE, REGION

OLIVIA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia"
CAROL = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Nodes_0123456789abcdef/carol"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
REFUSED = ReadFailure(action="ssm:ListDocuments", cause="refused: no", remedy="allow it", refused=True)
AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
AGAIN = f"python -m operations request {NODE} --reason TEXT --wait --mode just-in-time --region {REGION}"
CONNECT = f"python -m operations connect {NODE} --mode just-in-time --region {REGION}"
REQUEST = ApprovalRequest(
    id="oi-0123456789ab",
    grant_id=None,
    requester=OLIVIA,
    requested_at=AT,
    principal=GrantedPrincipal("role", "Operator"),
    instance=NODE,
    state=RequestState.GRANTED,
    until=AT,
    approvers=("level 1: 1 of SSOGroup g",),
)


def policies(*manual_policies: dict[str, Any], automatic: bool = False, **changed: Any) -> Policies:
    section = approval(list(manual_policies), None if automatic else [])["justInTime"]
    return replace(planned_policies(policy_documents(JustInTimeSettings.model_validate(section))), **changed)


ACCESS = AccessFacts(
    setup={f"role {TOKEN_ROLE}": True, "service setting": True},
    tags={"Tier": "database", "Name": "db-1"},
    policies=policies(manual(), manual("Web", targets={"Tier": ["web"]})),
    caller=OLIVIA,
)


def diagnosis(**changed: Any) -> Diagnosis:
    found = evaluate(replace(facts(healthy()), access=replace(ACCESS, **changed)))
    assert all(each.remedy for each in found.findings)
    return found


def test_node_that_one_policy_decides_about_is_ready() -> None:
    assert diagnosis().findings == ()


DEV = {"Environment": "dev"}
TAG = f"aws ec2 create-tags --resources {NODE} --tags Key=Tier,Value=database --region {REGION}"
OF_NODE: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "not-enabled": (
        {"setup": {f"role {TOKEN_ROLE}": False}},
        "problem access-service",
        f"not enabled in {REGION}: there is no role {TOKEN_ROLE}",
        f"docs/just-in-time.md, Prerequisites; then: python -m operations verify --stack dev --region {REGION}",
    ),
    "setup-unread": ({"setup": {"role": REFUSED}}, "cannotTell access-service", "refused", "allow it"),
    "not-tagged": (
        {"tags": {}},
        "problem access-tags",
        "none of the tags that approval policies compare (Tier)",
        f"{TAG}, which chooses its approvers among Databases (Tier=database) and Web (Tier=web)",
    ),
    "no-policy-for-the-value": (
        {"tags": {"Tier": "cache"}},
        "problem access-policy",
        "no approval policy applies to its tags Tier=cache",
        TAG,
    ),
    "no-policy-at-all": ({"policies": Policies()}, "problem access-policy", "no manual approval policy", "pulumi up"),
    "conflict": (
        {"policies": policies(manual(), manual("Named", targets={"Name": ["db-1"]}))},
        "problem access-policy",
        "Databases (Tier=database) and Named (Name=db-1)",
        f"aws ec2 delete-tags --resources {NODE} --tags Key=Name --region {REGION}",
    ),
    "conflict-by-one-tag": (
        {"policies": Policies(manual=policies(manual()).manual * 2)},
        "problem access-policy",
        "AWS fails each request",
        "from the targets of all but one of these policies",
    ),
    "policies-unread": ({"policies": REFUSED}, "cannotTell access-policy", "refused", "allow it"),
    "tags-unread": ({"tags": REFUSED}, "cannotTell access-policy", "refused", "allow it"),
    "policy-unknown": (
        {"policies": policies(manual(), unknown=("Theirs: no targets",))},
        "cannotTell access-policy",
        "Theirs: no targets",
        "python -m operations access nodes --stack dev",
    ),
    "automatic-approval-only": (
        {"policies": policies(manual(), automatic=True), "tags": DEV},
        "warning access-policy",
        "AWS refuses all requests but those of group",
        TAG,
    ),
}


@pytest.mark.parametrize("name", OF_NODE)
def test_reason_of_the_node_is_named_with_its_remedy(name: str) -> None:
    changed, expected, text, remedy = OF_NODE[name]
    found = diagnosis(**changed)
    (one,) = found.findings
    assert (f"{one.status.value} {one.check}", text in one.found, remedy in one.remedy) == (expected, True, True), one
    verdicts = {"problem": Verdict.NOT_READY, "cannotTell": Verdict.UNKNOWN, "warning": Verdict.READY}
    assert found.verdict is verdicts[one.status.value]


@pytest.mark.parametrize(
    ("tags", "status", "text"),
    [
        (DEV, "warning", "AWS refuses then"),
        (DEV | {"Tier": "database"}, "note", "by the policy Databases, people approve then"),
    ],
)
def test_deny_policy_is_named_where_it_may_matter(tags: dict[str, str], status: str, text: str) -> None:
    denying = policies(manual(), automatic=True, has_deny_policy=True)
    (one,) = (each for each in diagnosis(policies=denying, tags=tags).findings if each.check == "access-denied")
    assert (one.status.value, text in one.found) == (status, True)
    assert f"aws ssm get-document --name SSM-JustInTimeAccessDenyAccessOrgPolicy --region {REGION}" in one.remedy
    assert diagnosis(policies=denying, tags={"Tier": "database"}).findings == ()


OF_REQUEST: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "waiting": ({"state": RequestState.WAITING}, "note", "waits for its approvers (level 1", "operations approve oi-"),
    "granted": ({}, "note", "of Operator/olivia is approved until 2026-11-30T08:00+00:00", CONNECT),
    "wrong-role": (
        {"requester": CAROL},
        "note",
        f"AWS gives its access token to this session only, and not to {OLIVIA}",
        "sign in as carol with the permission set of AWSReservedSSO_Nodes_0123456789abcdef",
    ),
    "wrong-session": (
        {"requester": OLIVIA.replace("olivia", "dave")},
        "note",
        "to this session only",
        f"aws sts assume-role --role-arn arn:aws:iam::{ACCOUNT}:role/Operator --role-session-name dave, then: {CONNECT}",
    ),
    "token-expired": (
        {"state": RequestState.ENDED, "ended_at": AT},
        "warning",
        "the access token of access request oi-0123456789ab of Operator/olivia has expired at 2026-11-30T08:00+00:00",
        AGAIN,
    ),
    "undecided": ({"state": RequestState.EXPIRED}, "warning", "no approver decided in time", AGAIN),
    "rejected": ({"state": RequestState.REJECTED}, "warning", "an approver rejected it", AGAIN),
    "revoked": ({"state": RequestState.REVOKED}, "warning", "an approver revoked it", AGAIN),
    "canceled": ({"state": RequestState.CANCELLED}, "warning", "it was canceled", AGAIN),
    "failed": ({"state": RequestState.FAILED}, "warning", "AWS failed it", AGAIN),
    "unknown": (
        {"state": RequestState.UNKNOWN, "detail": "its status is New"},
        "note",
        "its status is New",
        "python -m operations status oi-0123456789ab",
    ),
}


@pytest.mark.parametrize("name", OF_REQUEST)
def test_request_is_named_with_its_remedy(name: str) -> None:
    changed, status, text, remedy = OF_REQUEST[name]
    found = diagnosis(requests=(replace(REQUEST, **changed), replace(REQUEST, **changed, id="oi-older")))
    (one,) = found.findings
    assert (one.status.value, one.check, one.about) == (status, "access-request", REQUEST.id)
    assert (text in one.found, remedy in one.remedy) == (True, True), one
    assert found.verdict is Verdict.READY


def test_every_state_of_a_request_is_named() -> None:
    for state in RequestState:
        assert diagnosis(requests=(replace(REQUEST, state=state),)).findings, state


def test_requests_of_others_are_notes() -> None:
    (one,) = diagnosis(requests=(replace(REQUEST, state=RequestState.REVOKED),), caller=CAROL).findings
    assert one.status == "note"


def test_requests_that_cannot_be_read_are_a_note() -> None:
    (one,) = diagnosis(requests=REFUSED).findings
    assert (one.status.value, one.remedy) == ("note", "allow it")


def test_user_cannot_request_access() -> None:
    (one,) = diagnosis(caller=ALICE).findings
    assert (one.status.value, one.check) == ("warning", "access-role")
    assert "aws sts assume-role" in one.remedy
    assert AGAIN in one.remedy


def test_node_outside_ec2_is_tagged_by_systems_manager() -> None:
    node = replace(facts(healthy()), id="mi-0123456789abcdef0", access=replace(ACCESS, tags={}))
    (one,) = (each for each in evaluate(node).findings if each.check == "access-tags")
    assert (
        "aws ssm add-tags-to-resource --resource-type ManagedInstance --resource-id mi-0123456789abcdef0" in one.remedy
    )
