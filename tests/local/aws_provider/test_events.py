"""EventBridge rules and targets (Terraform AWS provider: internal/service/events/rule.go, target.go)."""

import json
from typing import Any

import pytest

from local.aws_provider.types import event_rules

rule = "aws:cloudwatch/eventRule:EventRule"
target = "aws:cloudwatch/eventTarget:EventTarget"
pattern = {"source": ["aws.ssm"], "detail-type": ["<any> & all"]}
topic = "arn:aws:sns:eu-west-1:123456789012:alerts"


def given(**change: Any) -> dict[str, Any]:
    return {"name": "sessions", "eventPattern": json.dumps(pattern, indent=2), **change}


def to_topic(**change: Any) -> dict[str, Any]:
    return {"rule": "sessions", "arn": topic, "targetId": "topic", **change}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eventPattern": None}, "one of `eventPattern,scheduleExpression` must be specified"),
        ({"eventPattern": "{"}, "invalid JSON"),
        ({"eventPattern": json.dumps({"source": ["x" * 4096]})}, "length"),
        ({"name": "a b"}, "must hold only"),
        ({"name": "n" * 65}, "length"),
        ({"description": "d" * 513}, "length"),
        ({"state": "ON"}, "DISABLED"),
        ({"state": "ENABLED", "isEnabled": True}, "conflicts with"),
        ({"roleArn": "r"}, "invalid ARN"),
    ],
)
def test_a_rule_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(rule, "r", given(**change))


def test_outputs_of_a_rule(provider: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "b"}))
    assert (made.id, made["eventBusName"], made["state"], made["isEnabled"]) == ("sessions", "default", "ENABLED", True)
    assert made["arn"] == "arn:aws:events:eu-west-1:123456789012:rule/sessions"
    assert made["eventPattern"] == '{"detail-type":["<any> & all"],"source":["aws.ssm"]}'
    assert provider.unchanged(rule, "r", given(tags={"a": "b"}))


def test_a_pattern_and_a_schedule_may_be_given_together(provider: Any) -> None:
    provider.up(rule, "r", given(scheduleExpression="rate(1 hour)"))
    assert provider.unchanged(rule, "r", given(scheduleExpression="rate(1 hour)"))


def test_a_pattern_is_equal_whatever_its_order_and_spaces(provider: Any) -> None:
    provider.up(rule, "r", given())
    turned = json.dumps(dict(reversed(pattern.items())))
    assert not provider.diff(rule, "r", given(eventPattern=turned)).diffs


def test_a_rule_changes_in_place_and_is_enabled_unless_told(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given(state="DISABLED"))
    assert provider.unchanged(rule, "r", given())
    changed = given(description="new", eventPattern='{"source":["aws.ec2"]}', isEnabled=True)
    assert not provider.diff(rule, "r", changed).replaces
    provider.up(rule, "r", changed)
    found = aws("events").describe_rule(Name="sessions")
    assert (found["Description"], found["State"]) == ("new", "ENABLED")
    assert provider.unchanged(rule, "r", changed)


@pytest.mark.parametrize("change", [{"name": "other"}, {"eventBusName": "own"}])
def test_name_and_bus_replace(provider: Any, change: dict[str, Any]) -> None:
    provider.up(rule, "r", given())
    answer = provider.diff(rule, "r", given(**change))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (list(change), True)


def test_a_rule_of_another_bus_has_it_in_its_id(provider: Any, aws: Any) -> None:
    aws("events").create_event_bus(Name="own")
    made = provider.up(rule, "r", given(eventBusName="own"))
    assert made.id == "own/sessions"
    assert made["arn"].endswith(":rule/own/sessions")
    assert provider.unchanged(rule, "r", given(eventBusName="own"))
    assert provider.take_over(rule, "s", "own/sessions").inputs["eventBusName"] == "own"
    joined = provider.up(target, "t", to_topic(eventBusName="own"))
    assert joined.id == "own-sessions-topic"
    assert provider.unchanged(target, "t", to_topic(eventBusName="own"))
    taken = provider.take_over(target, "u", "own/sessions/topic")
    assert (taken.id, taken["eventBusName"]) == ("own-sessions-topic", "own")


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "1", "b": "2"}))
    provider.up(rule, "r", given(tags={"b": "3"}))
    assert aws("events").list_tags_for_resource(ResourceARN=made["arn"])["Tags"] == [{"Key": "b", "Value": "3"}]


def test_a_rule_with_targets_is_not_deleted(provider: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(event_rules, "delete_seconds", 0)
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    with pytest.raises(Exception, match="Rule can't be deleted since it has targets"):
        provider.destroy(rule, "r")


def test_a_rule_deleted_by_hand_is_gone_with_its_targets(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    aws("events").remove_targets(Rule="sessions", Ids=["topic"])
    assert provider.refresh(target, "t") is None
    aws("events").delete_rule(Name="sessions")
    assert provider.refresh(rule, "r") is None
    assert provider.refresh(target, "t") is None
    provider.destroy(target, "t")
    provider.destroy(rule, "r")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"arn": "alerts"}, "invalid ARN"),
        ({"rule": None}, "rule: missing"),
        ({"input": "{}", "inputPath": "$"}, "conflicts with"),
        ({"input": "not json"}, "invalid JSON"),
        ({"inputPath": "p" * 257}, "length"),
        ({"inputTransformer": {"inputPaths": {}}}, "inputTransformer.inputTemplate: missing"),
        ({"inputTransformer": {"inputTemplate": "x", "inputPaths": {"AwsOne": "$"}}}, "must not start with"),
        ({"retryPolicy": {"maximumRetryAttempts": 186}}, "range"),
        ({"retryPolicy": {"maximumEventAgeInSeconds": 86401}}, "range"),
        ({"runCommandTargets": [{"key": "k", "values": []}] * 6}, "at most 5 items"),
        ({"targetId": "t" * 65}, "length"),
        ({"ecsTarget": {}}, "ecsTarget: is not supported by the local stand-in"),
    ],
)
def test_a_target_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(target, "t", to_topic(**change))


def test_a_target_with_everything(provider: Any) -> None:
    provider.up(rule, "r", given())
    inputs = to_topic(
        inputTransformer={"inputTemplate": '"<who>"', "inputPaths": {"who": "$.detail.user"}},
        retryPolicy={"maximumEventAgeInSeconds": 300, "maximumRetryAttempts": 5},
        deadLetterConfig={"arn": "arn:aws:sqs:eu-west-1:123456789012:dead"},
        roleArn="arn:aws:iam::123456789012:role/events",
    )
    assert provider.up(target, "t", inputs).id == "sessions-topic"
    assert provider.unchanged(target, "t", inputs)


def test_commands_are_chosen_by_tag(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    inputs = to_topic(
        arn="arn:aws:ssm:eu-west-1::document/AWS-RunPowerShellScript",
        input='{"commands": ["Get-Date"]}',
        runCommandTargets=[{"key": "tag:role", "values": ["dc"]}],
    )
    provider.up(target, "t", inputs)
    (found,) = aws("events").list_targets_by_rule(Rule="sessions")["Targets"]
    assert found["RunCommandParameters"] == {"RunCommandTargets": [{"Key": "tag:role", "Values": ["dc"]}]}
    assert provider.unchanged(target, "t", inputs)


def test_a_target_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic(input='{"a": 1}'))
    changed = to_topic(arn=f"{topic}-2", inputPath="$.detail")
    assert not provider.diff(target, "t", changed).replaces
    provider.up(target, "t", changed)
    (found,) = aws("events").list_targets_by_rule(Rule="sessions")["Targets"]
    assert found == {"Id": "topic", "Arn": f"{topic}-2", "InputPath": "$.detail"}
    assert provider.unchanged(target, "t", changed)


def test_input_is_compared_byte_by_byte(provider: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic(input='{"a": 1}'))
    assert list(provider.diff(target, "t", to_topic(input='{"a":1}')).diffs) == ["input"]


def test_a_target_gets_an_id_of_its_own(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "alerts", {"rule": "sessions", "arn": topic})
    assert made["targetId"].startswith("alerts-")
    answer = provider.diff(target, "alerts", to_topic())
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["targetId"], True)


def test_a_target_is_imported_by_its_parts(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "t", to_topic())
    assert provider.take_over(target, "u", "sessions/topic").id == made.id
    assert not provider.diff(target, "u", to_topic()).diffs
    with pytest.raises(Exception, match="expected EVENTBUSNAME/RULENAME/TARGETID or RULENAME/TARGETID"):
        provider.take_over(target, "v", made.id)
