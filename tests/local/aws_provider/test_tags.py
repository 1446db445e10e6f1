"""Tags of a resource, of the provider and of AWS (Terraform AWS provider: transparent tagging)."""

from typing import Any

import pytest

from local.aws_provider.aws import ProviderSession
from local.aws_provider.wire import UNKNOWN

group = "aws:cloudwatch/logGroup:LogGroup"
rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@pytest.fixture
def tagging(fresh: Any) -> Any:
    fresh.configure(defaultTags={"tags": {"owner": "us", "env": "dev"}}, ignoreTags={"keyPrefixes": ["sys:"]})
    return fresh


def test_resource_wins_over_the_default(tagging: Any) -> None:
    checked = tagging.check(group, "g", {"tags": {"env": "prod"}})
    assert checked["tags"] == {"env": "prod"}
    assert checked["tagsAll"] == {"env": "prod", "owner": "us"}


def test_all_tags_are_sent_and_only_own_ones_shown_as_own(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"a": "b"}})
    sent = aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"]
    assert sent == made["tagsAll"] == {"a": "b", "env": "dev", "owner": "us"}
    assert made["tags"] == {"a": "b"}
    assert tagging.unchanged(group, "g", {"tags": {"a": "b"}})


def test_default_repeated_on_the_resource_is_its_own(tagging: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"owner": "us"}})
    assert made["tags"] == {"owner": "us"}
    assert tagging.unchanged(group, "g", {"tags": {"owner": "us"}})


def test_ignored_tags_are_neither_shown_nor_removed(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {"tags": {"a": "b"}})
    aws("logs").tag_resource(resourceArn=made["arn"], tags={"sys:x": "1"})
    assert tagging.unchanged(group, "g", {"tags": {"a": "b"}})
    tagging.up(group, "g", {"tags": {"a": "c"}})
    assert aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"]["sys:x"] == "1"


def test_another_default_updates_all_tags_in_place(tagging: Any, aws: Any) -> None:
    made = tagging.up(group, "g", {})
    tagging.configure(defaultTags={"tags": {"owner": "them"}})
    answer = tagging.diff(group, "g", {})
    assert list(answer.diffs) == ["tagsAll"]
    assert not answer.replaces
    tagging.up(group, "g", {})
    assert aws("logs").list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"owner": "them"}


def test_tag_change_calls_no_other_operation(tagging: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tagging.up(group, "g", {"retentionInDays": 1, "tags": {"a": "b"}})
    monkeypatch.setattr(ProviderSession, "request", refusing("PutRetentionPolicy"))
    assert tagging.up(group, "g", {"retentionInDays": 1, "tags": {"a": "c"}})["tags"] == {"a": "c"}


def test_unknown_tag_makes_all_tags_unknown(tagging: Any) -> None:
    assert tagging.check(group, "g", {"tags": {"a": UNKNOWN}})["tagsAll"] is UNKNOWN


def test_framework_types_have_all_tags_in_outputs_only(tagging: Any, aws: Any) -> None:
    security_group = aws("ec2").create_security_group(GroupName="n", Description="d")["GroupId"]
    inputs = {
        "securityGroupId": security_group,
        "ipProtocol": "tcp",
        "fromPort": 1,
        "toPort": 1,
        "cidrIpv4": "10.0.0.0/8",
    }
    assert "tagsAll" not in tagging.check(rule, "r", inputs)
    assert tagging.up(rule, "r", inputs)["tagsAll"] == {"env": "dev", "owner": "us"}
    assert tagging.unchanged(rule, "r", inputs)
