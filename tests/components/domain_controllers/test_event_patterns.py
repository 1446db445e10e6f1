from __future__ import annotations

import json
from typing import Any

import pytest

from components.domain_controllers.event_patterns import ACL_CALLS, ALERTS, GROUP_CALLS, Watched
from tests.components.events import call, matches

OURS = Watched(instances=("i-0a",), interfaces=("eni-0a",), groups=("sg-0a", "sg-0b"), acls=("acl-0a",))
BY_NAME = {each.name: each for each in ALERTS}


def state(instance: str) -> dict[str, Any]:
    return {
        "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification",
        "detail": {"instance-id": instance, "state": "stopping"},
    }


def command(instance: str) -> dict[str, Any]:
    return {
        "source": "aws.ssm",
        "detail-type": "EC2 Command Invocation Status-change Notification",
        "detail": {"instance-id": instance, "document-name": "AWS-RunPowerShellScript", "status": "Success"},
    }


MODIFIED = {"ModifySecurityGroupRulesRequest": {"GroupId": "sg-0b", "PlannedRule": {}}}
REPORTED = [
    ("state", state("i-0a")),
    ("commands", command("i-0a")),
    ("sessions-started", call("ssm", "StartSession", target="i-0a", documentName="AWS-StartPortForwardingSession")),
    ("sessions-ended", call("ssm", "TerminateSession", sessionId="olga-0123")),
    ("sessions-ended", call("ssm", "ResumeSession", sessionId="olga-0123")),
    *(("network", call("ec2", name, groupId="sg-0a", ipPermissions={})) for name in GROUP_CALLS),
    *(("network", call("ec2", name, networkAclId="acl-0a", ruleNumber=1)) for name in ACL_CALLS),
    ("network", call("ec2", "ModifySecurityGroupRules", **MODIFIED)),
    ("network", call("ec2", "ModifyInstanceAttribute", instanceId="i-0a", groupSet={})),
    ("network", call("ec2", "ModifyNetworkInterfaceAttribute", networkInterfaceId="eni-0a", groupSet={})),
]
UNREPORTED = [
    state("i-0b"),
    command("i-0b"),
    call("ssm", "StartSession", target="i-0b"),
    call("ssm", "SendCommand", instanceIds=["i-0a"]),
    call("ec2", "AuthorizeSecurityGroupIngress", groupId="sg-0c"),
    call("ec2", "DescribeSecurityGroups", groupId="sg-0a"),
    call("ec2", "CreateNetworkAclEntry", networkAclId="acl-0b"),
    call("ec2", "ModifyInstanceAttribute", instanceId="i-0b"),
]


def tellers(event: dict[str, Any]) -> list[str]:
    return [name for name, each in BY_NAME.items() if matches(each.pattern(OURS), event)]


@pytest.mark.parametrize(("name", "event"), REPORTED, ids=lambda value: value if isinstance(value, str) else "")
def test_event_of_own_resource_alerts_once(name: str, event: dict[str, Any]) -> None:
    assert tellers(event) == [name]


@pytest.mark.parametrize("event", UNREPORTED, ids=lambda event: event["detail"].get("eventName", event["source"]))
def test_event_of_foreign_resource_does_not_alert(event: dict[str, Any]) -> None:
    assert tellers(event) == []


def test_site_without_instances_watches_its_groups() -> None:
    pattern = BY_NAME["network"].pattern(Watched(groups=("sg-0a",)))
    assert matches(pattern, call("ec2", "AuthorizeSecurityGroupIngress", groupId="sg-0a"))
    assert [] not in _lists(pattern)


def _lists(value: Any) -> list[Any]:
    """An empty list of values matches nothing, and EventBridge refuses it."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in _lists(each)]
    if isinstance(value, list):
        return [value, *(found for each in value for found in _lists(each))]
    return []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_pattern_of_a_large_site_is_within_the_quota(alert: Any) -> None:
    """EventBridge quotas: 2,048 characters an event pattern."""
    ids = [f"{number:017x}" for number in range(8)]
    large = Watched(
        instances=[f"i-{each}" for each in ids],
        interfaces=[f"eni-{each}" for each in ids],
        groups=[f"sg-{each}" for each in ids[:5]],
        acls=[f"acl-{ids[0]}"],
    )
    assert len(json.dumps(alert.pattern(large), separators=(",", ":"))) <= 2048
    assert len(f"shell-access-domain-controllers-{alert.name}") <= 64
