"""Names that are taken, against the local AWS: found, made, put back, left, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.adoption.kinds import SERVICES, Kind, holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.adoption.kinds import Holder

TOPIC = "arn:aws:sns:eu-west-1:123456789012:requests"
NAMES = {Kind.ALIAS: "alias/a", Kind.LOG_GROUP: "group", Kind.PARAMETER: "/parameter", Kind.TOPIC: TOPIC}
OWNER = "organization/shell-access/prod"


class Named:
    """One name of a kind, and values that it may have."""

    def __init__(self, client: Callable[..., Any], kind: Kind) -> None:
        keys = [client("kms").create_key()["KeyMetadata"] for _ in range(2)]
        ids = [each["KeyId"] for each in keys]
        values = {
            Kind.ALIAS: ids,
            Kind.LOG_GROUP: [each["Arn"] for each in keys],
            Kind.PARAMETER: ["one", "two"],
            Kind.TOPIC: ids,
        }
        self.kind, self.values = kind, values[kind]
        self.holder: Holder = holder(kind, client(SERVICES[kind]), NAMES[kind])


@pytest.fixture(params=list(Kind))
def named(request: pytest.FixtureRequest, client: Callable[..., Any]) -> Named:
    return Named(client, request.param)


def test_what_is_made_is_found_as_made_here(named: Named) -> None:
    assert named.holder.find() is None
    assert named.holder.make(named.values[0], OWNER)
    found = named.holder.find()
    assert found is not None
    assert found.value == named.values[0]
    # An alias has no tags: its claim goes by the key that it names.
    assert found.made_here == (named.kind is not Kind.ALIAS)


def test_what_is_there_is_not_made_again(named: Named) -> None:
    named.holder.make(named.values[0], OWNER)
    assert not named.holder.make(named.values[1], OWNER)
    found = named.holder.find()
    assert found is not None
    assert found.value == named.values[0]


def test_what_goes_is_gone_and_may_be_gone_already(named: Named) -> None:
    named.holder.make(named.values[0], OWNER)
    for _ in range(2):
        named.holder.remove()
        assert named.holder.find() is None


def test_earlier_value_is_put_back_where_that_loses_nothing(named: Named) -> None:
    named.holder.make(named.values[0], OWNER)
    named.holder.put_back(named.values[1])
    found = named.holder.find()
    assert found is not None
    assert found.value == named.values[0 if named.kind in (Kind.LOG_GROUP, Kind.TOPIC) else 1]


def test_what_is_left_behind_is_marked(named: Named, client: Callable[..., Any]) -> None:
    named.holder.make(named.values[0], OWNER)
    named.holder.leave(OWNER)
    found = named.holder.find()
    assert found is not None
    if named.kind is Kind.ALIAS:
        tags = client("kms").list_resource_tags(KeyId=named.values[0])["Tags"]
        assert tags == [{"TagKey": "shell-access:made-here", "TagValue": OWNER}]
    else:
        assert found.made_here


def test_log_group_of_somebody_else_is_not_ours_even_without_a_key(client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="group")
    client("logs").create_log_group(logGroupName="group-of-others")
    found = holder(Kind.LOG_GROUP, client("logs"), "group").find()
    assert found is not None
    assert (found.value, found.made_here) == ("", False)


def test_alias_whose_earlier_key_is_lost_goes(client: Callable[..., Any]) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    alias = holder(Kind.ALIAS, kms, "alias/a")
    alias.make(key, OWNER)
    alias.put_back("1234abcd-12ab-34cd-56ef-1234567890ab")
    assert alias.find() is None
