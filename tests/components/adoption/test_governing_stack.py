"""The account's record of its governing stack: of several stacks one has it, whatever their order."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.adoption import dynamic_provider, inventory
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.governance import POLICY_NAME, policy_arn
from components.adoption.governing_stack import GoverningStackProvider, ReleaseGuardProvider
from tests.components.providers import with_clients

ARN = policy_arn("aws", "123456789012")
ALPHA, BETA = "organization/shell-access/alpha", "organization/shell-access/beta"


@pytest.fixture
def record(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> GoverningStackProvider:
    monkeypatch.setattr(dynamic_provider, "_PAUSES_SECONDS", (0, 0))
    return with_clients(GoverningStackProvider(), clients)


@pytest.fixture
def guard(clients: AwsClients) -> ReleaseGuardProvider:
    return with_clients(ReleaseGuardProvider(), clients)


def props(owner: str, take_over_from: str = "") -> dict[str, Any]:
    return {"arn": ARN, "owner": owner, "region": "eu-west-1", "takeOverFrom": take_over_from}


def live(client: Callable[..., Any]) -> dict[str, Any] | None:
    iam = client("iam")
    try:
        return iam.get_policy(PolicyArn=ARN)["Policy"]
    except iam.exceptions.NoSuchEntityException:
        return None


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations([ALPHA, BETA])])
def test_second_stack_is_refused_in_either_order(
    record: GoverningStackProvider,
    guard: ReleaseGuardProvider,
    client: Callable[..., Any],
    first: str,
    second: str,
) -> None:
    made = record.create(props(first))
    before = live(client)
    for attempt in (
        lambda: record.create(props(second)),
        lambda: record.create(props(second, take_over_from="organization/shell-access/third")),
        lambda: record.update("", props(second), props(second)),
        lambda: guard.create(props(second)),
        lambda: guard.delete(ARN, props(second)),
    ):
        with pytest.raises(ResourceError, match=first):
            attempt()
    record.delete(ARN, props(second))
    assert live(client) == before
    guard.delete(ARN, props(first))
    record.delete(made.id, made.outs or {})
    assert live(client) is None


def test_create_adopts_the_record_of_a_killed_run(record: GoverningStackProvider, client: Callable[..., Any]) -> None:
    record.create(props(ALPHA))
    before = live(client)
    record.create(props(ALPHA))
    assert live(client) == before


def test_loser_of_a_race_is_refused(
    record: GoverningStackProvider, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find nothing; the other one creates it first."""
    find, answers = inventory.find, iter([None])
    record.create(props(BETA))
    monkeypatch.setattr(inventory, "find", lambda *given: next(answers, find(*given)))
    with pytest.raises(ResourceError, match=f"governed by the stack {BETA}"):
        record.create(props(ALPHA))
    found = live(client)
    assert found is not None
    assert found["Tags"] == [{"Key": OWNER_TAG, "Value": BETA}]


def test_record_that_iam_does_not_show_yet_ends_the_run(
    record: GoverningStackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.create(props(BETA))
    monkeypatch.setattr(inventory, "find", lambda *_given: None)
    with pytest.raises(ResourceError, match="run the same command again"):
        record.create(props(ALPHA))


def test_record_of_another_principal_is_refused(record: GoverningStackProvider, client: Callable[..., Any]) -> None:
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:GetUser", "Resource": "*"}]}
    )
    client("iam").create_policy(PolicyName=POLICY_NAME, PolicyDocument=document)
    with pytest.raises(ResourceError, match="not created by a stack of this program"):
        record.create(props(ALPHA))


def test_take_over_records_the_new_owner_and_stops_the_old_one(
    record: GoverningStackProvider, guard: ReleaseGuardProvider, client: Callable[..., Any]
) -> None:
    record.create(props(ALPHA))
    record.create(props(BETA, take_over_from=ALPHA))
    found = live(client)
    assert found is not None
    assert BETA in found["Description"]
    with pytest.raises(ResourceError, match=f"{BETA} has taken over this account from {ALPHA}"):
        guard.delete(ARN, props(ALPHA))


def test_protected_stack_is_not_destroyed(record: GoverningStackProvider, guard: ReleaseGuardProvider) -> None:
    record.create(props(ALPHA))
    protected = props(ALPHA) | {"protectedBy": "domainControllers.terminationProtection"}
    assert guard.diff(ARN, protected, props(ALPHA)).changes
    assert guard.diff(ARN, props(ALPHA), protected).changes
    assert not guard.diff(ARN, protected, protected).changes
    with pytest.raises(ResourceError, match=r"shell-access:domainControllers\.terminationProtection protects"):
        guard.delete(ARN, protected)


def test_renamed_stack_keeps_its_record(record: GoverningStackProvider, client: Callable[..., Any]) -> None:
    old = record.create(props(ALPHA)).outs or {}
    assert record.diff(ARN, old, props(BETA)).changes
    record.update(ARN, old, props(BETA))
    found = live(client)
    assert found is not None
    assert BETA in found["Description"]


def test_removed_tag_is_drift_and_loses_nothing(record: GoverningStackProvider, client: Callable[..., Any]) -> None:
    made = record.create(props(ALPHA))
    outs = made.outs or {}
    assert not record.diff(ARN, outs, props(ALPHA)).changes
    client("iam").untag_policy(PolicyArn=ARN, TagKeys=[OWNER_TAG])
    read = record.read(ARN, outs)
    assert record.diff(ARN, read.outs or {}, props(ALPHA)).changes
    with pytest.raises(ResourceError, match=ALPHA):
        record.create(props(BETA))
    record.update(ARN, read.outs or {}, props(ALPHA))
    assert not record.diff(ARN, record.read(ARN, outs).outs or {}, props(ALPHA)).changes
    client("iam").delete_policy(PolicyArn=ARN)
    assert record.read(ARN, outs).id == ""
