"""Check, diff, refresh and import as they work for every type (Pulumi's Terraform bridge)."""

import random
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from local.aws_provider import aws as aws_module
from local.aws_provider import diff, registry, wire
from local.aws_provider.aws import Aws, ProviderSession
from local.aws_provider.config import ProviderConfig
from local.aws_provider.failure import UnsupportedError
from local.aws_provider.model import Property, records, text, text_map, texts
from local.aws_provider.wire import UNKNOWN, Secret

group = "aws:cloudwatch/logGroup:LogGroup"
key = "aws:kms/key:Key"
parameter = "aws:ssm/parameter:Parameter"
kinds = provider_pb2.PropertyDiff

scalars = st.one_of(st.booleans(), st.integers(0, 9), st.text(max_size=4))
nested = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


@given(nested)
def test_equal_values_have_no_difference(value: Any) -> None:
    assert diff.differences(Property(), value, value, "p") == {}


@given(st.lists(st.text(max_size=3), max_size=5), st.randoms(use_true_random=False))
def test_set_order_is_no_difference(items: list[str], rng: random.Random) -> None:
    other = list(items)
    rng.shuffle(other)
    assert diff.differences(texts(), items, other, "p") == {}


@given(st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=5))
def test_member_more_is_a_difference_of_that_member(items: list[str]) -> None:
    *fewer, last = items
    found = diff.differences(texts(), fewer, items, "p")
    assert found == ({f"p[{len(fewer)}]": diff.ChangeKind.ADD} if fewer or last else found)


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=3), max_size=4), st.text(min_size=1, max_size=3)
)
def test_tag_with_an_empty_value_is_a_tag(tags: dict[str, str], name: str) -> None:
    fewer = {key: value for key, value in tags.items() if key != name}
    more = {**fewer, name: ""}
    assert (diff.differences(text_map(), fewer, more, "tags") == {}) == (not more)


def test_objects_in_a_set_are_matched_by_meaning() -> None:
    prop = records({"a": text(), "b": text()}, unordered=True)
    old = [{"a": "1", "b": ""}, {"a": "2"}]
    assert diff.differences(prop, old, [{"a": "2"}, {"a": "1"}], "p") == {}
    assert diff.differences(prop, old, [{"a": "2"}, {"a": "3"}], "p") == {
        "p[0]": diff.ChangeKind.DELETE,
        "p[1]": diff.ChangeKind.ADD,
    }


@pytest.mark.parametrize("zero", [None, "", False, 0, [], {}])
def test_nothing_and_the_zero_of_a_kind_are_equal(zero: Any) -> None:
    assert diff.differences(Property(), zero, None, "p") == {}
    assert diff.differences(Property(), None, zero, "p") == {}


def test_unknown_value_is_a_change() -> None:
    assert diff.differences(Property(), "x", UNKNOWN, "p") == {"p": diff.ChangeKind.UPDATE}
    assert diff.differences(texts(), ["x"], [UNKNOWN], "p") == {"p[0]": diff.ChangeKind.UPDATE}


def test_unknown_type_is_an_error(provider: Any) -> None:
    with pytest.raises(grpc.RpcError, match=r"aws:kms/key:Kay is not known .* did you mean aws:kms/key:Key"):
        provider.check("aws:kms/key:Kay", "k", {})


def test_unknown_function_is_an_error(provider: Any) -> None:
    with pytest.raises(grpc.RpcError, match="aws:ec2/getVpz:getVpz is not known"):
        provider.invoke("aws:ec2/getVpz:getVpz")


def test_unknown_input_is_an_error_with_a_suggestion(provider: Any) -> None:
    with pytest.raises(
        Exception, match="retentionDays: unknown property 'retentionDays'; did you mean 'retentionInDays'"
    ):
        provider.check(group, "g", {"retentionDays": 1})


def test_unknown_input_of_a_nested_object_is_an_error(provider: Any) -> None:
    with pytest.raises(Exception, match=r"scope\.nope: unknown property"):
        provider.check("aws:cfg/rule:Rule", "r", {"source": {"owner": "AWS"}, "scope": {"nope": "x"}})


def test_output_cannot_be_set(provider: Any) -> None:
    with pytest.raises(Exception, match="arn: 'arn' is decided by AWS"):
        provider.check(group, "g", {"arn": "x"})


def test_all_failures_are_reported_at_once(provider: Any) -> None:
    with pytest.raises(Exception, match=r"(?s)logGroupClass: is not supported.*nope.*retentionInDays"):
        provider.check(group, "g", {"retentionInDays": 2, "logGroupClass": "X", "nope": 1})


def test_missing_required_input_is_a_failure(provider: Any) -> None:
    with pytest.raises(Exception, match="targetKeyId: missing required property"):
        provider.check("aws:kms/alias:Alias", "a", {})


def test_value_of_another_kind_is_a_failure(provider: Any) -> None:
    with pytest.raises(Exception, match="retentionInDays: expected a integer, got 'many'"):
        provider.check(group, "g", {"retentionInDays": "many"})


def test_scalars_are_converted_as_terraform_does(provider: Any) -> None:
    checked = provider.check(group, "g", {"retentionInDays": "30", "skipDestroy": "false", "tags": {"n": 1, "b": True}})
    assert (checked["retentionInDays"], checked["skipDestroy"]) == (30, False)
    assert checked["tags"] == {"n": "1", "b": "true"}


def test_unknown_values_skip_the_checks(provider: Any) -> None:
    checked = provider.check(group, "g", {"retentionInDays": UNKNOWN, "name": UNKNOWN})
    assert checked["retentionInDays"] is UNKNOWN


def test_defaults_are_filled_in_and_listed(provider: Any) -> None:
    checked = provider.check(group, "g", {})
    assert (checked["retentionInDays"], checked["skipDestroy"]) == (0, False)
    assert checked["__defaults"] == ["name", "retentionInDays", "skipDestroy"]


def test_secrets_stay_secret_in_checked_inputs_and_outputs(provider: Any) -> None:
    checked = provider.check(group, "g", {"name": Secret("hidden"), "tags": {"a": Secret("x"), "b": "y"}})
    assert checked["name"] == Secret("hidden")
    assert checked["tags"] == checked["tagsAll"] == {"a": Secret("x"), "b": "y"}
    made = provider.up(group, "g", {"name": Secret("hidden")})
    assert made.outputs["name"] == Secret("hidden")
    refreshed = provider.refresh(group, "g")
    assert refreshed is not None
    assert refreshed.outputs["name"] == refreshed.inputs["name"] == Secret("hidden")


def test_creation_preview_has_unknown_outputs(provider: Any) -> None:
    planned = provider.preview(group, "g", {"name": "n", "retentionInDays": 1})
    assert (planned["name"], planned["retentionInDays"]) == ("n", 1)
    assert planned["arn"] is UNKNOWN
    assert planned["logGroupClass"] is UNKNOWN


def test_diff_names_each_property_and_whether_it_replaces(provider: Any) -> None:
    provider.up(group, "g", {"name": "a", "retentionInDays": 1, "tags": {"x": "1", "y": "2"}})
    answer = provider.diff(group, "g", {"name": "b", "retentionInDays": 3, "tags": {"x": "2", "z.z": "3"}})
    detailed = {path: entry.kind for path, entry in answer.detailedDiff.items()}
    assert detailed["name"] == kinds.UPDATE_REPLACE
    assert detailed["retentionInDays"] == kinds.UPDATE
    assert detailed["tags.x"] == kinds.UPDATE
    assert detailed["tags.y"] == kinds.DELETE
    assert detailed['tags["z.z"]'] == kinds.ADD
    assert list(answer.replaces) == ["name"]
    assert answer.hasDetailedDiff


def test_ignored_change_is_no_change(provider: Any) -> None:
    provider.up(group, "g", {"retentionInDays": 1, "tags": {"x": "1"}})
    news = {"retentionInDays": 3, "tags": {"x": "2"}}
    assert not provider.diff(group, "g", news, ignore=["retentionInDays", "tags", "tagsAll"]).diffs


def test_explicit_name_is_deleted_before_its_replacement(provider: Any) -> None:
    policy = "aws:iam/policy:Policy"
    given = {
        "policy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}',
        "description": "old",
    }
    provider.up(policy, "named", {"name": "a", **given})
    changed = {**given, "description": "new"}
    assert provider.diff(policy, "named", {"name": "a", **changed}).deleteBeforeReplace
    provider.up(policy, "unnamed", given)
    answer = provider.diff(policy, "unnamed", changed)
    assert list(answer.replaces) == ["description"]
    assert not answer.deleteBeforeReplace


def test_no_change_calls_only_get_caller_identity(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.configure()
    inputs = {"description": "d"}
    fresh.up(key, "k", inputs)
    calls = []
    request = ProviderSession.request

    def counted(self: ProviderSession, service: Any, region: Any, operation: Any, **arguments: Any) -> Any:
        calls.append(operation)
        return request(self, service, region, operation, **arguments)

    monkeypatch.setattr(ProviderSession, "request", counted)
    fresh.configure(maxRetries="3")
    for _ in range(3):
        assert not fresh.diff(key, "k", inputs).diffs
    assert calls == ["GetCallerIdentity"]


@pytest.mark.parametrize(
    ("call", "tokens"),
    [
        (("kms", "ListAliases", "Aliases"), ("Marker", "NextMarker")),
        (("logs", "DescribeLogGroups", "logGroups"), ("nextToken", "nextToken")),
        (("ec2", "DescribeNetworkAcls", "NetworkAcls"), ("NextToken", "NextToken")),
    ],
)
def test_every_page_is_read(
    monkeypatch: pytest.MonkeyPatch, call: tuple[str, str, str], tokens: tuple[str, str]
) -> None:
    (service, operation, items), (sent, answered) = call, tokens

    def request(_self: Any, _service: Any, _region: Any, _operation: Any, **arguments: Any) -> Any:
        page = int(arguments.get(sent, 0))
        return {items: [page], **({answered: str(page + 1)} if page < 2 else {})}

    monkeypatch.setattr(ProviderSession, "request", request)
    aws = Aws(ProviderSession(ProviderConfig(region="eu-west-1")), service, "eu-west-1", {operation})
    assert aws.pages(operation, items) == [0, 1, 2]


def test_deletion_waits_until_it_is_not_found(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_module, "poll_seconds", 0)
    schedules = "aws:scheduler/scheduleGroup:ScheduleGroup"
    provider.up(schedules, "g", {"name": "g"})
    request, left, calls = ProviderSession.request, ["DELETING", "DELETING"], list[str]()

    def late(self: ProviderSession, service: Any, region: Any, operation: Any, **arguments: Any) -> Any:
        calls.append(operation)
        if operation == "GetScheduleGroup" and left:
            return {"Name": "g", "State": left.pop()}
        return request(self, service, region, operation, **arguments)

    monkeypatch.setattr(ProviderSession, "request", late)
    provider.destroy(schedules, "g")
    assert calls == ["DeleteScheduleGroup", *["GetScheduleGroup"] * 3]


def test_refresh_updates_only_inputs_that_were_there(provider: Any, aws: Any) -> None:
    made = provider.up(key, "k", {"enableKeyRotation": False})
    aws("kms").enable_key_rotation(KeyId=made.id)
    aws("kms").update_key_description(KeyId=made.id, Description="by hand")
    refreshed = provider.refresh(key, "k")
    assert refreshed["description"] == "by hand"
    assert refreshed.inputs["enableKeyRotation"] is True
    assert "description" not in refreshed.inputs
    assert list(provider.diff(key, "k", {"enableKeyRotation": False}).diffs) == ["enableKeyRotation"]


def test_default_that_drifted_is_put_back(provider: Any, aws: Any) -> None:
    made = provider.up(key, "k", {})
    aws("kms").enable_key_rotation(KeyId=made.id)
    refreshed = provider.refresh(key, "k")
    assert "enableKeyRotation" not in refreshed.inputs["__defaults"]
    assert list(provider.diff(key, "k", {}).diffs) == ["enableKeyRotation"]


def test_import_derives_inputs_that_say_something(provider: Any, aws: Any) -> None:
    aws("logs").create_log_group(logGroupName="found", tags={"a": "b"})
    aws("logs").put_retention_policy(logGroupName="found", retentionInDays=7)
    taken = provider.take_over(group, "g", "found")
    assert taken.id == "found"
    assert taken.inputs == {
        "__defaults": [],
        "name": "found",
        "region": "eu-west-1",
        "retentionInDays": 7,
        "tags": {"a": "b"},
        "tagsAll": {"a": "b"},
    }
    assert not provider.diff(group, "g", {"name": "found", "retentionInDays": 7, "tags": {"a": "b"}}).diffs


def test_import_of_what_is_not_there_finds_nothing(provider: Any) -> None:
    assert provider.take_over(group, "g", "none") is None


def test_import_id_can_name_the_region(provider: Any, aws: Any) -> None:
    aws("logs", "us-east-1").create_log_group(logGroupName="there")
    taken = provider.take_over(group, "g", "there@us-east-1")
    assert (taken.id, taken["region"]) == ("there", "us-east-1")
    assert provider.take_over(group, "h", "there") is None


def test_denied_call_is_an_error_of_one_line(provider: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        provider.up("aws:kms/alias:Alias", "a", {"targetKeyId": "none"})
    details = caught.value.details()
    assert details.startswith("creating aws:kms/alias:Alias a: kms:CreateAlias failed with ")
    assert "Traceback" not in details
    assert "\n" not in details


def test_what_exists_after_a_failed_creation_is_recorded(
    provider: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = provider.check(group, "g", {"name": "half", "retentionInDays": 1})
    request = provider_pb2.CreateRequest(urn=provider.urn(group, "g"), properties=wire.write(checked))
    monkeypatch.setattr(ProviderSession, "request", refusing("PutRetentionPolicy"))
    with pytest.raises(grpc.RpcError, match="logs:PutRetentionPolicy failed with Refused") as caught:
        provider.stub.Create(request)
    metadata = dict(caught.value.trailing_metadata())
    assert b"ErrorResourceInitFailed" in metadata["grpc-status-details-bin"]
    assert b"half" in metadata["grpc-status-details-bin"]


@pytest.mark.usefixtures("aws")
def test_call_that_a_type_does_not_declare_is_refused() -> None:
    door = Aws(ProviderSession(ProviderConfig(region="eu-west-1")), "kms", "eu-west-1", {"ListKeys"})
    assert door.call("ListKeys")["Keys"] == []
    with pytest.raises(UnsupportedError, match="CreateKey is not among the calls"):
        door.call("CreateKey")


def test_region_is_copied_from_the_provider_and_can_be_chosen(provider: Any, aws: Any) -> None:
    assert provider.check(group, "g", {})["region"] == "eu-west-1"
    made = provider.up(group, "g", {"region": "us-east-1"})
    assert made["region"] == "us-east-1"
    assert made["arn"].startswith("arn:aws:logs:us-east-1:")
    assert aws("logs", "us-east-1").describe_log_groups()["logGroups"]
    assert list(provider.diff(group, "g", {}).replaces) == ["region"]


def test_region_of_another_partition_is_refused(provider: Any) -> None:
    with pytest.raises(Exception, match="region: cn-north-1 is not in the provider's partition aws"):
        provider.check(group, "g", {"region": "cn-north-1"})


def test_state_without_region_means_the_provider_region(provider: Any) -> None:
    provider.up(group, "g", {})
    del provider.state[group, "g"].outputs["region"]
    assert not provider.diff(group, "g", {}).diffs
    assert list(provider.diff(group, "g", {"region": "us-east-1"}).replaces) == ["region"]


def test_global_types_have_no_region(provider: Any) -> None:
    with pytest.raises(Exception, match="region: unknown property"):
        provider.check("aws:iam/role:Role", "r", {"assumeRolePolicy": "{}", "region": "eu-west-1"})


def test_default_of_an_earlier_release_stays(provider: Any) -> None:
    provider.up(group, "g", {"name": "g"})
    old = provider.state[group, "g"].inputs
    old["retentionInDays"] = 5
    assert provider.check(group, "g", {"name": "g"})["retentionInDays"] == 5
    old["__defaults"].remove("retentionInDays")
    assert provider.check(group, "g", {"name": "g"})["retentionInDays"] == 0
    del old["__defaults"]
    assert provider.check(group, "g", {"name": "g"})["retentionInDays"] == 5


def test_rejected_secret_is_redacted(provider: Any) -> None:
    with pytest.raises(Exception, match=r"state: expected one of .*, got .\[secret\]") as caught:
        provider.check("aws:cloudwatch/eventRule:EventRule", "r", {"eventPattern": "{}", "state": Secret("hush")})
    assert "hush" not in str(caught.value)


def test_update_that_nothing_applies_is_an_error(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.up(key, "k", {"description": "old"})
    monkeypatch.setitem(vars(registry.resource(key)), "update", ())
    with pytest.raises(grpc.RpcError, match="description: cannot be changed by the local stand-in provider"):
        provider.up(key, "k", {"description": "new"})
