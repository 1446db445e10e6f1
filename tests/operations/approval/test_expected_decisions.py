"""Decision that `request` expects before an access request, and records of any content."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.approval.settings import Mode
from components.just_in_time.decisions import ManagedNode, Policies, planned_policies
from components.just_in_time.documents import policy_documents
from components.just_in_time.settings import JustInTimeSettings
from operations.approval import access_requests
from operations.approval.access_requests import expect_decision, find_node
from operations.approval.session import ApprovalSession, CallError, Workflow
from operations.inventory.reader import ReadFailure
from tests.components.just_in_time.examples import ACTION, APPROVERS, ONCALL, approval, auto, cedar, manual
from tests.operations.approval.test_access_requests import DATA, parsed

UNREAD = ReadFailure(action="ssm:ListDocuments", cause="refused", remedy="allow it")
ATTRIBUTE = f'permit(principal, {ACTION}, resource) when {{ principal has division && resource.hasTag("Tier") }};'
BY_APPROVAL = f"by approval, for 1 hour, by the policy Databases: level 1: 1 of SSOGroup {APPROVERS}"


class Session(ApprovalSession):
    """A session whose nodes and policies the tests give."""

    def reader(self, region: str | None = None) -> Any:
        return region or self.workflow.region


SESSION = Session(
    workflow=Workflow(mode=Mode.JUST_IN_TIME, region="eu-west-1", regions=("eu-west-1", "us-east-1")),
    clients=cast("Any", None),
    identity=cast("Any", None),
)


def policies(several: list[Any], automatic: list[Any]) -> Policies:
    section = approval(several, automatic)["justInTime"]
    return planned_policies(policy_documents(JustInTimeSettings.model_validate(section)))


def node(**tags: str) -> ManagedNode:
    return ManagedNode(id="i-0123456789abcdef0", region="eu-west-1", tags={"Name": "db-1", **tags})


BOTH = policies([manual()], [auto(tags={"Tier": ["database"]})])
EXPECTED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "approval": (policies([manual()], []), (BY_APPROVAL,)),
    "both": (BOTH, (f"approved automatically, for an hour: group {ONCALL}", BY_APPROVAL)),
    "denied": (
        replace(BOTH, has_deny_policy=True),
        (
            f"approved automatically, for an hour: group {ONCALL}, unless the organization's deny-access policy forbids it",
            BY_APPROVAL,
        ),
    ),
    "attributes": (
        policies([], [cedar(ATTRIBUTE)]),
        ("approved automatically, for an hour: others by division", "else refused: no manual policy applies"),
    ),
    "automatic or conflict": (
        policies([manual(), manual("Team", targets={"Name": ["db-1"]})], [auto(tags={"Tier": ["database"]})]),
        (f"approved automatically, for an hour: group {ONCALL}", "else refused: Databases, Team all apply"),
    ),
    "another form": (
        Policies(unknown=("Theirs: its targets are not all tags",)),
        ("else refused: no manual policy applies", "not known: Theirs: its targets are not all tags"),
    ),
    "unreadable": (UNREAD, ("not known: ssm:ListDocuments: refused",)),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_expected_decision_is_that_of_the_policies(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    found, expected = EXPECTED[case]
    monkeypatch.setattr(access_requests, "read_policies", lambda _reader: found)
    assert expect_decision(SESSION, node(Tier="database")) == expected


NODES: dict[str, tuple[Any, str]] = {
    "matches 2 nodes: i-0123456789abcdef0 (eu-west-1), i-0123456789abcdef0 (eu-west-1)": ((node(), node()), "db-1"),
    "The agent of db-1 does not respond (ConnectionLost)": ((replace(node(), ping="ConnectionLost"),), "db-1"),
    "There is no managed node web-1 in eu-west-1 or us-east-1": ((node(),), "web-1"),
    "Cannot determine whether db-1 is in eu-west-1: ssm:ListDocuments: refused": (UNREAD, "db-1"),
}


@pytest.mark.parametrize("said", NODES)
def test_node_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    found, named = NODES[said]
    monkeypatch.setattr(access_requests, "read_nodes", lambda region: found if region == "eu-west-1" else ())
    with pytest.raises(CallError) as refused:
        find_node(SESSION, named)
    assert said in str(refused.value)


def test_node_is_found_by_id_while_a_region_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_requests, "read_nodes", lambda region: (node(),) if region == "eu-west-1" else UNREAD)
    assert find_node(SESSION, node().id) == node()
    with pytest.raises(CallError, match=r"Cannot determine whether db-1 is in us-east-1: .*\n.*specify its ID"):
        find_node(SESSION, "db-1")


def test_hybrid_node_is_found_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    hybrid = ManagedNode(id="mi-0123456789abcdef0", region="us-east-1")
    monkeypatch.setattr(access_requests, "read_nodes", lambda region: (hybrid,) if region == "us-east-1" else ())
    assert find_node(SESSION, "mi-0123456789abcdef0") == hybrid


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("i-0123456789abcdef0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DATA, "x"]), inner, max_size=3),
    max_leaves=8,
)


@given(data=ANYTHING, content=ANYTHING, status=st.text(max_size=5) | st.sampled_from(["Approved", "PendingApproval"]))
def test_record_of_any_content_is_never_complete_by_chance(data: Any, content: Any, status: str) -> None:
    found = parsed(data=json.dumps(data), policy={"Content": json.dumps(content)}, item={"Status": status})
    assert found.unknown


@given(text=st.text(max_size=20))
def test_record_that_is_no_json_is_not_known(text: str) -> None:
    assert parsed(data=f"[{text}").unknown
