"""EventBridge rules and targets (Terraform AWS provider: internal/service/events/rule.go, target.go)."""

import json
from typing import Any

import pytest

from local.aws_provider.aws import Aws
from tests.local.aws_provider.conftest import refusals

rule = "aws:cloudwatch/eventRule:EventRule"
target = "aws:cloudwatch/eventTarget:EventTarget"
pattern = {"source": ["aws.ssm"], "detail-type": ["<any> & all"]}
topic = "arn:aws:sns:eu-west-1:123456789012:alerts"


def given(**change: Any) -> dict[str, Any]:
    return {"name": "sessions", "eventPattern": json.dumps(pattern, indent=2), **change}


def to_topic(**change: Any) -> dict[str, Any]:
    return {"rule": "sessions", "arn": topic, "targetId": "topic", **change}


test_rule_refuses = refusals(
    rule,
    given(),
    ({"eventPattern": None}, "one of `eventPattern,scheduleExpression` must be specified"),
    ({"eventPattern": "{"}, "invalid JSON"),
    ({"eventPattern": json.dumps({"source": ["x" * 4096]})}, "length"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "n" * 65}, "length"),
    ({"description": "d" * 513}, "length"),
    ({"state": "ON"}, "DISABLED"),
)


def test_outputs_of_a_rule(provider: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "b"}))
    assert (made.id, made["eventBusName"], made["state"]) == ("sessions", "default", "ENABLED")
    assert made["arn"] == "arn:aws:events:eu-west-1:123456789012:rule/sessions"
    assert made["eventPattern"] == '{"detail-type":["<any> & all"],"source":["aws.ssm"]}'
    assert provider.unchanged(rule, "r", given(tags={"a": "b"}))


def test_rule_accepts_pattern_and_schedule(provider: Any) -> None:
    provider.up(rule, "r", given(scheduleExpression="rate(1 hour)"))
    assert provider.unchanged(rule, "r", given(scheduleExpression="rate(1 hour)"))


def test_pattern_is_equal_whatever_its_order_and_spaces(provider: Any) -> None:
    provider.up(rule, "r", given())
    turned = json.dumps(dict(reversed(pattern.items())))
    assert not provider.diff(rule, "r", given(eventPattern=turned)).diffs


def test_rule_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given(state="DISABLED"))
    assert provider.unchanged(rule, "r", given())
    changed = given(description="new", eventPattern='{"source":["aws.ec2"]}', state="ENABLED")
    assert not provider.diff(rule, "r", changed).replaces
    provider.up(rule, "r", changed)
    found = aws("events").describe_rule(Name="sessions")
    assert (found["Description"], found["State"]) == ("new", "ENABLED")
    assert provider.unchanged(rule, "r", changed)


def test_rule_name_replaces(provider: Any) -> None:
    provider.up(rule, "r", given())
    answer = provider.diff(rule, "r", given(name="other"))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["name"], True)


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "1", "b": "2"}))
    provider.up(rule, "r", given(tags={"b": "3"}))
    assert aws("events").list_tags_for_resource(ResourceARN=made["arn"])["Tags"] == [{"Key": "b", "Value": "3"}]


def test_rule_with_targets_is_not_deleted(provider: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Aws, "retry", lambda _aws, _codes, call, _seconds: call())
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    with pytest.raises(Exception, match="Rule can't be deleted since it has targets"):
        provider.destroy(rule, "r")


def test_rule_deletion_is_read_with_its_targets(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    aws("events").remove_targets(Rule="sessions", Ids=["topic"])
    assert provider.refresh(target, "t") is None
    aws("events").delete_rule(Name="sessions")
    assert provider.refresh(rule, "r") is None
    assert provider.refresh(target, "t") is None
    provider.destroy(target, "t")
    provider.destroy(rule, "r")


test_target_refuses = refusals(
    target,
    to_topic(),
    ({"arn": "alerts"}, "invalid ARN"),
    ({"rule": None}, "rule: missing"),
    ({"targetId": "t" * 65}, "length"),
    ({"ecsTarget": {}}, "ecsTarget: is not supported by the local stand-in"),
)


def test_target_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    role = "arn:aws:iam::123456789012:role/events"
    changed = to_topic(arn=f"{topic}-2", roleArn=role)
    assert not provider.diff(target, "t", changed).replaces
    provider.up(target, "t", changed)
    (found,) = aws("events").list_targets_by_rule(Rule="sessions")["Targets"]
    assert found == {"Id": "topic", "Arn": f"{topic}-2", "RoleArn": role}
    assert provider.unchanged(target, "t", changed)


def test_target_gets_an_id_of_its_own(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "alerts", {"rule": "sessions", "arn": topic})
    assert made["targetId"].startswith("alerts-")
    answer = provider.diff(target, "alerts", to_topic())
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["targetId"], True)


def test_target_is_imported_by_its_parts(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "t", to_topic())
    assert provider.take_over(target, "u", "sessions/topic").id == made.id
    assert not provider.diff(target, "u", to_topic()).diffs
    with pytest.raises(Exception, match="expected RULE/TARGET_ID"):
        provider.take_over(target, "v", made.id)
