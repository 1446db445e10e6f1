"""A resource with a fixed name is adopted or created, and restored."""

import json
import time
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.adoption import adopted_resource, inventory, resource_kinds
from components.adoption.adopted_resource import AdoptedResourceProvider
from components.adoption.resource_kinds import Kind
from tests.components.providers import with_clients

TAGS = ["shell-access:made-here", "shell-access:owner"]


@pytest.fixture
def provider(clients: AwsClients) -> AdoptedResourceProvider:
    return with_clients(AdoptedResourceProvider(), clients)


def inputs(kind: str, name: str, value: str, **changes: Any) -> dict[str, Any]:
    given = {"kind": kind, "region": "eu-west-1", "name": name, "value": value, "owner": "o/p/s", "retain": False}
    return given | changes


def group(client: Callable[..., Any]) -> dict[str, Any] | None:
    return next(iter(client("logs").describe_log_groups()["logGroups"]), None)


def test_created_resource_is_deleted_with_its_adoption(
    provider: AdoptedResourceProvider, client: Callable[..., Any]
) -> None:
    created = provider.create(inputs("logGroup", "g", ""))
    assert group(client) is not None
    provider.delete(created.id, created.outs or {})
    assert group(client) is None


def test_existing_resource_is_retained(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="g")
    created = provider.create(inputs("logGroup", "g", ""))
    provider.delete(created.id, created.outs or {})
    assert group(client) is not None


@pytest.mark.parametrize("reads", [3, 100])
def test_new_resource_is_imported_once_aws_shows_it(
    provider: AdoptedResourceProvider, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    """The resource that imports it fails otherwise. `reads` is the number of reads that do not show it."""
    find, pauses, hidden = resource_kinds._LogGroup.find, list[float](), iter(range(reads))
    monkeypatch.setattr(
        resource_kinds._LogGroup, "find", lambda named: find(named) if next(hidden, None) is None else None
    )
    monkeypatch.setattr(time, "sleep", pauses.append)
    if reads == 3:
        created = provider.create(inputs("logGroup", "g", ""))
        assert ("prior" in (created.outs or {}), pauses) == (False, [0, 1, 2])
    else:
        with pytest.raises(ResourceError, match="AWS does not show it yet"):
            provider.create(inputs("logGroup", "g", ""))
    assert group(client) is not None


@pytest.mark.parametrize("hidden", ["owner", "value"])
def test_resource_that_one_call_does_not_return_is_left_alone(
    provider: AdoptedResourceProvider, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    """A destroy would delete what seems to be of this stack."""
    client("logs").create_log_group(logGroupName="g")
    if hidden == "owner":
        monkeypatch.setattr(adopted_resource.inventory, "find", lambda *_: None)
    else:
        monkeypatch.setattr(resource_kinds._LogGroup, "find", lambda _: None)
    with pytest.raises(ResourceError, match="AWS returns it in one of two calls only"):
        provider.create(inputs("logGroup", "g", ""))
    assert group(client) is not None


def test_tags_of_what_one_call_does_not_return_are_not_planned(
    clients: AwsClients, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would say that the stack created it."""
    client("logs").create_log_group(logGroupName="g")
    existing = inventory.find(Kind.LOG_GROUP, client("logs"), "eu-west-1", "g")
    for name, value in (("_in_state", dict), ("program_clients", lambda: clients), ("this_stack", lambda: "o/p/s")):
        monkeypatch.setattr(adopted_resource, name, value)
    monkeypatch.setattr(adopted_resource, "find_existing", lambda *_: existing)
    assert adopted_resource.with_prior_tags(Kind.LOG_GROUP, "eu-west-1", "g", {}) == {
        adopted_resource.PRIOR_TAG: "none"
    }
    monkeypatch.setattr(resource_kinds._LogGroup, "find", lambda _: None)
    with pytest.raises(pulumi.RunError, match="the log group g in eu-west-1: AWS returns it in one of two calls only"):
        adopted_resource.with_prior_tags(Kind.LOG_GROUP, "eu-west-1", "g", {})


def test_resource_of_a_killed_run_belongs_to_the_stack(
    provider: AdoptedResourceProvider, client: Callable[..., Any]
) -> None:
    """The first run made it, and died before the engine could note it."""
    provider.create(inputs("logGroup", "g", ""))
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    provider.create(inputs("alias", "alias/a", key))
    for again in (
        provider.create(inputs("logGroup", "g", "")),
        provider.create(inputs("alias", "alias/a", key)),
    ):
        provider.delete(again.id, again.outs or {})
    assert group(client) is None
    assert "alias/a" not in {each["AliasName"] for each in client("kms").list_aliases()["Aliases"]}


def test_prior_value_of_parameter_is_restored(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    ssm = client("ssm")
    ssm.put_parameter(Name="/p", Value="theirs", Type="String")
    created = provider.create(inputs("parameter", "/p", "ours"))
    ssm.put_parameter(Name="/p", Value="ours", Type="String", Overwrite=True)
    provider.delete(created.id, created.outs or {})
    assert ssm.get_parameter(Name="/p")["Parameter"]["Value"] == "theirs"


def test_prior_tags_of_topic_are_restored(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    sns, team = client("sns"), {"Key": "team", "Value": "theirs"}
    arn = sns.create_topic(Name="t", Tags=[team])["TopicArn"]
    created = provider.create(inputs("topic", arn, "")).outs or {}
    sns.untag_resource(ResourceArn=arn, TagKeys=["team"])
    ours = ("shell-access:owner", "shell-access:resource", "owner")
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": "o/p/s"} for key in ours])
    kept = provider.update("", created, inputs("topic", arn, "", retain=True)).outs or {}
    provider.delete("", provider.read("", kept).outs or {})
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [team]


def test_tags_of_a_lost_state_are_not_prior_ones(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    tags = {"shell-access:owner": "o/p/s", "team": "the stack's"}
    client("logs").create_log_group(logGroupName="g", tags=tags)
    assert "priorTags" not in (provider.create(inputs("logGroup", "g", "")).outs or {})


def test_retained_resource_is_deleted_by_the_next_stack(
    provider: AdoptedResourceProvider, client: Callable[..., Any]
) -> None:
    first = provider.create(inputs("logGroup", "g", "", retain=True))
    client("logs").untag_resource(resourceArn=group(client)["logGroupArn"], tagKeys=TAGS)
    provider.delete(first.id, first.outs or {})
    second = provider.create(inputs("logGroup", "g", ""))
    provider.delete(second.id, second.outs or {})
    assert group(client) is None


def test_diff_follows_the_value_without_a_call(provider: AdoptedResourceProvider) -> None:
    old = inputs("alias", "alias/a", "one")
    assert not provider.diff("", old, inputs("alias", "alias/a", "one", takeOverFrom="o/p/other")).changes
    assert provider.diff("", old, inputs("alias", "alias/a", "one", owner="o/p/renamed")).changes
    assert provider.diff("", old, inputs("alias", "alias/a", "two")).changes
    # What others have now is the business of the resource that imports them.
    assert not provider.diff("", inputs("parameter", "/p", "one"), inputs("parameter", "/p", "two")).changes
    assert (provider.update("", old, inputs("alias", "alias/a", "two")).outs or {})["value"] == "two"
    assert provider.diff("", inputs("policy", "a", ""), inputs("policy", "a", "", region="us-east-1")).replaces == []
    retained = provider.diff("", old, inputs("alias", "alias/a", "one", retain=True))
    assert retained.changes
    assert not retained.replaces
    assert provider.diff("", old, inputs("alias", "alias/b", "one")).replaces == ["name"]


def test_refresh_detects_a_deleted_resource(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    created = provider.create(inputs("logGroup", "g", ""))
    assert provider.read(created.id, created.outs or {}).id == created.id
    client("logs").delete_log_group(logGroupName="g")
    assert provider.read(created.id, created.outs or {}).id == ""


@pytest.mark.parametrize(
    ("kept", "wanted", "taken"), [(None, 90, False), (365, 90, False), (90, 90, True), (30, 90, True)]
)
def test_longer_retention_is_not_shortened(
    provider: AdoptedResourceProvider,
    client: Callable[..., Any],
    kept: int | None,
    wanted: int,
    taken: bool,  # noqa: FBT001
) -> None:
    client("logs").create_log_group(logGroupName="g")
    if kept:
        client("logs").put_retention_policy(logGroupName="g", retentionInDays=kept)
    asked = inputs("logGroup", "g", "", retentionDays=wanted)
    failures = provider.check({}, asked).failures
    assert (failures == []) == taken
    assert all("shell-access:sessionManager.shortenLogRetention" in each.reason for each in failures)
    # Not asked again of what is governed already, nor where it is accepted.
    assert provider.check(asked, asked).failures == []
    assert provider.check({}, inputs("logGroup", "g", "")).failures == []


def test_existing_log_group_keeps_a_retained_key(provider: AdoptedResourceProvider, client: Callable[..., Any]) -> None:
    logs, key = client("logs"), client("kms").create_key()["KeyMetadata"]["Arn"]
    logs.create_log_group(logGroupName="g")
    created = provider.create(inputs("logGroup", "g", key, retain=True))
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key)
    provider.delete(created.id, created.outs or {})
    assert group(client)["kmsKeyId"] == key
    provider.delete(created.id, (created.outs or {}) | {"retain": False})
    assert "kmsKeyId" not in group(client)


def test_policy_of_another_principal_is_not_adopted(
    provider: AdoptedResourceProvider, client: Callable[..., Any]
) -> None:
    allow = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    client("iam").create_policy(PolicyName="Node", PolicyDocument=document)
    asked = inputs("policy", "arn:aws:iam::123456789012:policy/Node", "{}")
    (failure,) = provider.check({}, asked).failures
    assert "exists and was not created by a stack of this program" in failure.reason


def remove_tags(client: Callable[..., Any]) -> None:
    """Remove every tag, as a tool does that sets its own."""
    for each in client("logs").describe_log_groups()["logGroups"]:
        client("logs").untag_resource(resourceArn=each["logGroupArn"], tagKeys=TAGS)
    for each in client("ssm").describe_parameters()["Parameters"]:
        arguments = {"ResourceType": "Parameter", "ResourceId": each["Name"]}
        client("ssm").remove_tags_from_resource(**arguments, TagKeys=TAGS)
    for each in client("sns").list_topics()["Topics"]:
        client("sns").untag_resource(ResourceArn=each["TopicArn"], TagKeys=TAGS)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:t"


def live_key(client: Callable[..., Any], kind: str) -> str | None:
    """The key of what has the name; None where nothing has it."""
    if kind == "logGroup":
        found = group(client)
        return found.get("kmsKeyId", "") if found else None
    if kind == "topic":
        topics = client("sns").list_topics()["Topics"]
        return (
            client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"].get("KmsMasterKeyId", "")
            if topics
            else None
        )
    if kind == "alias":
        aliases = {each["AliasName"]: each["TargetKeyId"] for each in client("kms").list_aliases()["Aliases"]}
        return aliases.get("alias/a")
    found = client("ssm").describe_parameters()["Parameters"]
    return client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] if found else None


NAMES = {"logGroup": "g", "topic": TOPIC, "alias": "alias/a", "parameter": "/p"}


def key_for(client: Callable[..., Any], kind: str) -> str:
    made = client("kms").create_key()["KeyMetadata"]
    return made["Arn"] if kind in ("logGroup", "topic") else made["KeyId"]


@pytest.mark.parametrize("kind", NAMES)
def test_created_resource_is_deleted_without_its_tags(
    provider: AdoptedResourceProvider, client: Callable[..., Any], kind: str
) -> None:
    value = key_for(client, kind)
    created = provider.create(inputs(kind, NAMES[kind], value))
    remove_tags(client)
    read = provider.read(created.id, created.outs or {})
    remove_tags(client)
    provider.delete(read.id or "", read.outs or {})
    assert live_key(client, kind) is None


@pytest.mark.parametrize("kind", NAMES)
def test_own_value_is_never_restored_after_a_killed_run(
    provider: AdoptedResourceProvider, client: Callable[..., Any], kind: str
) -> None:
    """The first run made it and was killed, then its tags were removed: what is left names no key of this stack."""
    value = key_for(client, kind)
    provider.create(inputs(kind, NAMES[kind], value))
    remove_tags(client)
    again = provider.create(inputs(kind, NAMES[kind], value))
    provider.delete(again.id, again.outs or {})
    assert live_key(client, kind) in (None, "")


@pytest.mark.parametrize("kind", NAMES)
def test_value_of_another_solution_is_restored(
    provider: AdoptedResourceProvider, client: Callable[..., Any], kind: str
) -> None:
    theirs, ours = key_for(client, kind), key_for(client, kind)
    provider.create(inputs(kind, NAMES[kind], theirs))
    remove_tags(client)
    created = provider.create(inputs(kind, NAMES[kind], ours))
    remove_tags(client)
    provider.delete(created.id, created.outs or {})
    assert live_key(client, kind) == theirs
