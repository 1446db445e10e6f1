"""`SIGKILL` of the engine between AWS' answer and the checkpoint, at the writes of each section's first run and of its end."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import jmespath
import pytest

from local.processes import descendants, end
from tests.engine.test_interrupted import SECONDS, Interruptible, states_of, take_empty_descriptions_away
from tests.support.api_calls import ApiCall
from tests.support.gate import Gate, running_gate
from tests.support.stack import Stack, dev_sections

pytestmark = pytest.mark.engine

APPROVAL = {
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator"],
    "notificationEmails": ["security@example.com"],
    "guardRails": True,
}
SITE = {
    "vpc": "directory",
    "subnets": ["directory-a", "directory-b"],
    "controllers": [
        {"name": "DC1", "subnet": "directory-a", "volumes": [{"deviceName": "xvdb", "size": 20}]},
        {"name": "DC2", "subnet": "directory-b"},
    ],
}
SECTIONS: dict[str, dict[str, Any]] = {
    "sessionManager": {"sessionManager": {"retainLogs": False, "instanceRoles": ["WorkloadInstance"]}},
    "approval": {"approval": {"mode": "automation", **APPROVAL}},
    "changeManager": {"approval": {"mode": "change-manager", **APPROVAL}},
    "nodes": {
        "sessionManager": {"createCwLogGroup": False, "cwLogGroupName": ""},
        "nodes": {
            "roleCompliance": {"remediation": "automatic"},
            "defaultHostManagement": {},
            "agents": {"schedule": "cron(0 2 ? * SUN *)"},
        },
    },
    "endpoints": {
        "endpoints": {
            "eu-west-1": {"vpc": "workloads", "subnets": ["private-a", "private-b"], "allowedCidrs": ["10.20.0.0/16"]}
        }
    },
    "domainControllers": {
        "domainControllers": {
            "profile": "modern",
            "clients": {"offices": ["10.10.0.0/16"]},
            "terminationProtection": False,
            "administratorRoles": ["DirectoryAdministrator"],
            "monitoring": {"notificationEmails": ["directory@example.com"]},
            "sites": {"eu-west-1": SITE},
        }
    },
}
"""Settings by section; what a section needs of another one is with it."""

_RANDOM = re.compile(rb'(ClientToken|clientToken|Idempotency[A-Za-z]*|CreatorRequestId|NetworkAclId)("?[=:] ?"?)[\w-]+')
"""Values that differ between equal calls.

A network ACL whose entries are incomplete is created again, so every run writes the same entries under another ID.
"""

_RESOURCE = re.compile(rb"\b([a-z]{1,4})-[0-9a-f]{8,17}\b")
"""Type of a resource of EC2 in its ID: one operation tags groups, endpoints and volumes."""

MOST_OF_A_KIND = 3
"""Writes of one operation to the same types of resources at which a run is killed; the others are alike, such as rules."""


@pytest.fixture
def gate(aws_endpoint: str) -> Iterator[Gate]:
    with running_gate(aws_endpoint) as running:
        yield running


@dataclass
class Once:
    """A write that was not held back before.

    Attributes:
        only: Operations to hold back, each of them once; empty for `MOST_OF_A_KIND` writes of each kind.
        held: Writes that were held back, by operation.
    """

    only: frozenset[str] = frozenset()
    held: Counter[str] = field(default_factory=Counter[str])
    _seen: set[tuple[str, bytes]] = field(default_factory=set[tuple[str, bytes]])
    _kinds: Counter[tuple[str, frozenset[bytes]]] = field(default_factory=Counter[tuple[str, frozenset[bytes]]])

    def __call__(self, call: ApiCall, content: bytes) -> bool:
        """Return whether to hold the write back, and remember that it was."""
        said = (call.operation, b"" if self.only else _RANDOM.sub(b"", content))
        kind = (str(call), frozenset(_RESOURCE.findall(content)))
        if said in self._seen or (self.only and call.operation not in self.only) or self._kinds[kind] == MOST_OF_A_KIND:
            return False
        self._seen.add(said)
        self._kinds[kind] += 1
        self.held[str(call)] += 1
        return True


LISTINGS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("ec2", "describe_security_groups", {}, "SecurityGroups[].GroupId"),
    ("ec2", "describe_security_group_rules", {}, "SecurityGroupRules[].SecurityGroupRuleId"),
    ("ec2", "describe_network_acls", {}, "NetworkAcls[].NetworkAclId"),
    ("ec2", "describe_managed_prefix_lists", {}, "PrefixLists[].PrefixListId"),
    ("ec2", "describe_vpc_endpoints", {}, "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    ("ec2", "describe_flow_logs", {}, "FlowLogs[].FlowLogId"),
    ("ec2", "describe_instances", {}, "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
    ("ec2", "describe_volumes", {}, "Volumes[].VolumeId"),
    ("kms", "list_aliases", {}, "Aliases[].AliasName"),
    ("logs", "describe_log_groups", {}, "logGroups[].logGroupName"),
    ("sns", "list_topics", {}, "Topics[].TopicArn"),
    ("sns", "list_subscriptions", {}, "Subscriptions[].Endpoint"),
    ("events", "list_rules", {}, "Rules[].Name"),
    ("cloudwatch", "describe_alarms", {}, "MetricAlarms[].AlarmName"),
    ("scheduler", "list_schedule_groups", {}, "ScheduleGroups[].Name"),
    ("scheduler", "list_schedules", {}, "Schedules[].Name"),
    ("ssm", "list_documents", {"Filters": [{"Key": "Owner", "Values": ["Self"]}]}, "DocumentIdentifiers[].Name"),
    ("ssm", "describe_parameters", {}, "Parameters[?!starts_with(Name, '/aws/')].Name"),
    ("ssm", "list_associations", {}, "Associations[].AssociationName"),
    ("config", "describe_config_rules", {}, "ConfigRules[].ConfigRuleName"),
    ("cloudtrail", "describe_trails", {}, "trailList[].Name"),
    ("s3", "list_buckets", {}, "Buckets[].Name"),
    ("ssm", "describe_maintenance_windows", {}, "WindowIdentities[].WindowId"),
    ("ssm", "describe_patch_baselines", {"Filters": [{"Key": "OWNER", "Values": ["Self"]}]}, "*[].BaselineId"),
    ("route53resolver", "list_resolver_endpoints", {}, "ResolverEndpoints[].Id"),
    ("route53resolver", "list_resolver_rules", {}, "ResolverRules[].Id"),
    ("ram", "get_resource_shares", {"resourceOwner": "SELF"}, "resourceShares[?status=='ACTIVE'].resourceShareArn"),
    ("iam", "list_roles", {}, "Roles[].RoleName"),
    ("iam", "list_policies", {"Scope": "Local"}, "Policies[].PolicyName"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles[].InstanceProfileName"),
)
"""Calls that list the resources of a stack: service, operation, arguments, and the path of the identifiers."""


@cache
def client(endpoint: str, service: str, region: str) -> Any:
    """Return a client; to make one takes longer than all that is done with it."""
    return session().client(service, region_name=region, endpoint_url=endpoint)


@cache
def session() -> Any:
    return boto3.Session("local", "local")


class Account:
    """The account of a local AWS, seen from outside the stack."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        return client(self._endpoint, service, region)

    def contents(self) -> dict[str, list[str]]:
        """Return the identifiers of everything that a stack may make, by Region and operation."""
        found: dict[str, list[str]] = {}
        for region in ("eu-west-1", "us-east-1"):
            for service, operation, arguments, path in LISTINGS:
                answer = getattr(self.client(service, region), operation)(**arguments)
                found[f"{region} {operation}"] = sorted(jmespath.search(path, answer) or [])
            found[f"{region} keys"] = self.enabled_keys(region)
        return found

    def enabled_keys(self, region: str = "eu-west-1") -> list[str]:
        """Return the customer managed keys that are not on their way out."""
        kms = self.client("kms", region)
        keys = [each["KeyId"] for page in kms.get_paginator("list_keys").paginate() for each in page["Keys"]]
        described = [kms.describe_key(KeyId=each)["KeyMetadata"] for each in keys]
        return sorted(
            each["KeyId"] for each in described if each["KeyState"] == "Enabled" and each["KeyManager"] == "CUSTOMER"
        )

    def keys_without_alias(self, region: str = "eu-west-1") -> list[str]:
        """Return the enabled keys that no alias names."""
        named = {each.get("TargetKeyId") for each in self.client("kms", region).list_aliases()["Aliases"]}
        return [each for each in self.enabled_keys(region) if each not in named]


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(set(found) ^ set(before[name])) for name, found in after.items() if found != before[name]}


def killed_once(interrupted: Interruptible, command: str, once: Once) -> bool:
    """Run the engine until it has made a write that was not held before, and kill it then.

    Returns:
        False where it ended before.
    """
    gate = interrupted.gate
    gate.hold(once, after=True)
    engine = interrupted.begin(command)
    started: list[int] = []
    try:
        while not gate.is_holding.wait(0.2):
            if engine.poll() is not None:
                return False
        started = descendants(engine.pid)
        os.kill(engine.pid, signal.SIGKILL)
    finally:
        for process in (engine.pid, *started):
            end(process)
        engine.wait(SECONDS)
        gate.open()
    take_empty_descriptions_away(states_of(interrupted.stack))
    interrupted.stack.run("cancel", "--yes", "--stack", interrupted.stack.name)
    return True


def survive_kills(interrupted: Interruptible, command: str, *only: str) -> Counter[str]:
    """Kill a run at a write, let the next one go on to another write and kill it there, until one run ends.

    So a write of each kind is the last one of a run, and every run finds what all the runs before it have left.

    Args:
        interrupted: Stack to run.
        command: `up` or `destroy`.
        only: Operations at the first of which a run is killed; none for writes of every kind.

    Returns:
        The writes at which runs were killed, by service and operation.
    """
    once = Once(frozenset(only))
    while killed_once(interrupted, command, once):
        assert sum(once.held.values()) < MOST_KILLS, f"no end: {once.held}"
    # The last run that was started has ended; this one shows that it has succeeded.
    interrupted.gate.count()
    done = interrupted.stack.destroy() if command == "destroy" else interrupted.stack.up()
    done.succeeded()
    return once.held


LOST_STATE_SECONDS = 900
"""Five runs of the engine over the largest stack."""
EXHAUSTIVE_SECONDS = 3_600
"""About a hundred runs of the engine."""
MOST_KILLS = 150
LEAST_KILLS = 2

SAMPLED_UP = {
    "approval": {"CreateKey", "CreateRole", "POST schedules"},
    "domainControllers": {"CreateRole", "AuthorizeSecurityGroupIngress", "CreateFlowLogs"},
}
"""Operations after which the next run used to fail, or to make a second resource."""


@pytest.mark.parametrize("section", [pytest.param("approval", marks=pytest.mark.exhaustive), "domainControllers"])
def test_killed_run_of_section_is_completed(tmp_path: Path, gate: Gate, aws_endpoint: str, section: str) -> None:
    account = Account(aws_endpoint)
    before = account.contents()
    interrupted = Interruptible(tmp_path / "stack", gate)
    interrupted.stack.configure(SECTIONS[section])
    held = survive_kills(interrupted, "up", *SAMPLED_UP[section])
    # Several resources are made at a time, so a run may have made the last of a kind when it is killed at another.
    assert len(held) >= LEAST_KILLS, held
    assert account.keys_without_alias() == []
    interrupted.stack.preview("--refresh", "--expect-no-changes").succeeded()
    interrupted.stack.destroy().succeeded()
    assert differences(before, account.contents()) == {}


@pytest.mark.exhaustive
@pytest.mark.timeout(EXHAUSTIVE_SECONDS)
@pytest.mark.parametrize("section", [each for each in SECTIONS if each != "approval"])  # changeManager has all of it
def test_run_killed_at_every_write_is_completed(tmp_path: Path, gate: Gate, aws_endpoint: str, section: str) -> None:
    account = Account(aws_endpoint)
    before = account.contents()
    interrupted = Interruptible(tmp_path / "stack", gate)
    interrupted.stack.configure(SECTIONS[section])
    assert survive_kills(interrupted, "up")
    assert account.keys_without_alias() == []
    interrupted.stack.preview("--refresh", "--expect-no-changes").succeeded()
    assert survive_kills(interrupted, "destroy")
    assert differences(before, account.contents()) == {}


@pytest.mark.exhaustive
@pytest.mark.timeout(LOST_STATE_SECONDS)
def test_lost_state_of_every_site_is_recovered(tmp_path: Path, aws_endpoint: str) -> None:
    """`test_verify_sabotage` does it with one site of domain controllers."""
    account = Account(aws_endpoint)
    before = account.contents()
    stacks: list[Stack] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        stacks.append(Stack(tmp_path / name, aws_endpoint))
        stacks[-1].configure(losing_logs(dev_sections()))
    stacks[0].up().succeeded()
    # The provider imports a network ACL in its own Region only.
    lost_state_is_recovered(account, before, stacks[1], made_again="us-east-1 describe_network_acls")


def losing_logs(sections: dict[str, Any]) -> dict[str, Any]:
    """Return the sections with logs that go with the stack."""
    return sections | {"sessionManager": sections["sessionManager"] | {"retainLogs": False}}


def lost_state_is_recovered(account: Account, before: dict[str, list[str]], stack: Stack, made_again: str = "") -> None:
    """Let a stack without a state find the resources of another one, and destroy all of them.

    Args:
        account: Account with the resources.
        before: Content of the account before they were created.
        stack: Stack with the settings of the other one.
        made_again: Region and operation that list the one resource that the stack makes again.
    """
    complete = account.contents()
    stack.up().succeeded()
    orphans = [each["arn"].rpartition("/")[2] for each in orphans_of(stack)]
    assert len(orphans) == bool(made_again)
    assert differences(complete, account.contents()).keys() == ({made_again} if made_again else set())
    assert set(orphans) <= set(complete.get(made_again, []))
    assert not_ok(stack) == ({"orphans"} if made_again else set())
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
    left = differences(before, account.contents())
    # The records of sessions are locked: their bucket stays, with its key.
    retained = {f"eu-west-1 {each}" for each in ("keys", "list_aliases", "list_buckets")} | {"us-east-1 list_buckets"}
    assert left.keys() <= {made_again} | retained
    assert [len(left[each]) for each in sorted(retained)] == [1, 1, 1, 1]


def orphans_of(stack: Stack) -> list[dict[str, str]]:
    found = json.loads(stack.operate("orphans", "--json").stdout)
    assert found["cannotTell"] == []
    return found["orphans"]


def not_ok(stack: Stack) -> set[str]:
    """Return the checks of `verify` that are not OK."""
    regions = json.loads(stack.operate("verify", "--json").stdout)["regions"]
    return {each["check"] for found in regions.values() for each in found if each["status"] != "ok"}
