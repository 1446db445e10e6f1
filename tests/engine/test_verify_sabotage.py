"""`verify` and `preview --refresh` on `dev`: each attribute of each resource is changed in turn, and one of them notices."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import yaml

from components.settings import _MAX_TAGS
from operations.findings import Finding
from operations.inventory import reader
from operations.stack import StackConfiguration
from operations.verify.findings import Verification
from operations.verify.run import verify_stack
from tests.engine.sabotages import DELETIONS, LAST, SABOTAGES
from tests.engine.sabotages.fixed import FIXED
from tests.engine.sabotages.network import PEERS
from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo
from tests.engine.test_killed_runs import (
    LOST_STATE_SECONDS,
    Account,
    differences,
    losing_logs,
    lost_state_is_recovered,
)
from tests.support.stack import Stack, dev_sections

pytestmark = pytest.mark.engine

Checks = dict[tuple[str, str], "Finding"]
"""Findings that are not OK, by Region and check."""


@dataclass(frozen=True)
class Attempt:
    """A sabotage of one resource."""

    sabotage: Sabotage
    resource: Resource

    @property
    def expected(self) -> str:
        return self.sabotage.expected(self.resource)

    @property
    def is_listed(self) -> bool:
        """Return whether the finding lists each difference by the ID of the resource."""
        return self.sabotage.attribute in ("fromPort", "toPort")

    @property
    def touched(self) -> Iterator[object]:
        """Resource that no other sabotage may change at the same time."""
        inputs = self.resource.inputs
        yield self.resource.id or self.resource.name
        yield from (str(inputs[key]).rsplit("/", 1)[-1] for key in ("kmsKeyId", "kmsMasterKeyId") if inputs.get(key))
        if self.expected:
            yield (self.resource.region, self.expected, self.resource.id if self.is_listed else "")
        # A refresh shows each rule as a resource of its own.
        if "securityGroupId" in inputs and self.expected:
            yield (inputs["securityGroupId"], self.resource.id if self.is_listed else "")

    def __str__(self) -> str:
        return f"{self.sabotage.attribute} of {self.resource.type}:{self.resource.name}"


def resources_of(state: Iterable[Mapping[str, Any]]) -> list[Resource]:
    found = [
        Resource(
            each["type"].rsplit(":", 1)[-1],
            each["urn"].rsplit("::", 1)[-1],
            each.get("id", ""),
            each["inputs"],
            each.get("outputs", {}).get("arn", ""),
        )
        for each in state
        if each["type"].startswith(("aws:", "pulumi-python:"))
    ]
    # The engine registers them in no certain order.
    return sorted(found, key=lambda each: (each.type, each.name))


def attempts_of(
    resources: list[Resource], sabotages: Iterable[Sabotage], *, all_of_them: bool = False
) -> list[Attempt]:
    """Return every sabotage of every resource, or each sabotage of one resource, of another one each time."""
    found: list[Attempt] = []
    turns: Counter[str] = Counter()
    for sabotage in sabotages:
        fitting = [each for each in resources if sabotage.concerns(each) and can_be_tried(sabotage, each)]
        assert fitting, sabotage
        if all_of_them and sabotage.attribute in ("ipProtocol", *PEERS):
            # The rules of a group are alike, and would become one rule.
            fitting = list({each.inputs["securityGroupId"]: each for each in fitting}.values())
        chosen = fitting if all_of_them else [fitting[turns[sabotage.type] % len(fitting)]]
        turns[sabotage.type] += 1
        found += [Attempt(sabotage, each) for each in chosen]
    return found


def can_be_tried(sabotage: Sabotage, resource: Resource) -> bool:
    """Return whether a resource has the attribute: a gateway has no policy, ESP no ports."""
    optional = (
        *("policy", "privateDnsEnabled", "subnetIds", "securityGroupIds", "permissionsBoundary", "fromPort", "toPort"),
        *PEERS,
    )
    return sabotage.attribute not in optional or sabotage.attribute in resource.inputs


def batches(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Return the attempts in groups in which no two concern one resource, one key or one finding."""
    groups: list[tuple[set[object], list[Attempt]]] = []
    for each in attempts:
        keys = set(each.touched)
        fitting = next((held for held in groups if not held[0] & keys), None)
        if fitting is None:
            groups.append((keys, [each]))
        else:
            fitting[0].update(keys)
            fitting[1].append(each)
    return [group for _, group in groups]


@dataclass(frozen=True)
class CachedClients:
    """Clients that are made once: making them takes longer than all calls of a verification."""

    client: Callable[[str, str], Any]


def verifier(endpoint: str) -> Callable[..., Any]:
    """Return clients whose calls are held to the permissions of `verify`."""

    return partial(_client, endpoint)


@cache
def _client(endpoint: str, service: str, region: str) -> Any:
    keys = {"aws_access_key_id": "verify", "aws_secret_access_key": "local"}
    return boto3.client(service, region_name=region, endpoint_url=endpoint, **keys)


def verified(stack: Stack, live: Live) -> Checks:
    given = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())["config"]
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    with patch.object(reader, "AwsClients", lambda _: CachedClients(verifier(live.endpoint))):
        return not_ok(verify_stack(StackConfiguration(name=stack.name, values=values)))


def not_ok(verification: Verification) -> Checks:
    return {
        (region, each.check): each
        for region, findings in verification.regions.items()
        for each in findings
        if each.status != "ok"
    }


def problems(group: list[Attempt], found: Checks) -> list[str]:
    """Return what was not noticed, and what was accused without a reason."""
    checks = {check for _, check in found}
    said = [f"{each}: {each.expected} does not report it" for each in group if each.expected not in checks]
    texts = " ".join(each.found for each in found.values())
    said += [f"{each}: not listed" for each in group if each.is_listed and each.resource.id not in texts]
    reasons = {each.expected for each in group} | {also for each in group for also in each.sabotage.also}
    accused = [key for key in found if not any(fnmatch(key[1], reason) for reason in reasons)]
    said += [f"{check} is accused: {found[region, check].found}" for region, check in accused]
    return said + [f"{check} has no remedy" for (_, check), each in found.items() if not each.remedy]


def change(group: list[Attempt], live: Live) -> list[Undo]:
    """Make all changes of a group, and return what undoes them."""
    undoing = [each.sabotage.change(live, each.resource) for each in group]
    return [each for each in reversed(undoing) if each]


def check_findings(attempts: list[Attempt], live: Live, stack: Stack) -> None:
    """Let verify see the attempts, several at a time, and each of them undone."""
    said: list[str] = []
    for group in batches(each for each in attempts if each.expected != REFRESH):
        undoing = change(group, live)
        said += problems(group, verified(stack, live))
        for undo in undoing:
            undo()
    assert said == []
    assert verified(stack, live) == {}


def unnoticed_by_refresh(attempts: list[Attempt], live: Live, stack: Stack) -> list[str]:
    """Return what a preview with a refresh does not show of the attempts, which are undone."""
    undoing = change(attempts, live)
    steps = stack.preview("--refresh").succeeded().steps
    for undo in undoing:
        undo()
    return [str(each) for each in attempts if f"{each.resource.type}:{each.resource.name}" not in steps]


TAGS_OF_A_RESOURCE = 50


def most_own_tags(resources: Iterable[Resource]) -> int:
    """Return the largest number of tags of one resource besides those of the settings."""
    given = dev_sections()["tags"].keys()
    return max(len((each.inputs.get("tagsAll") or each.inputs.get("tags") or {}).keys() - given) for each in resources)


@pytest.mark.timeout(LOST_STATE_SECONDS)
def test_changes_are_reported_and_lost_state_is_recovered(
    new_stack: Callable[..., Stack], aws: Callable[..., Any], aws_endpoint: str
) -> None:
    """On the configuration of `dev` with one site of domain controllers: all sections, in the Regions that each has."""
    account, live = Account(aws_endpoint), Live(aws, aws_endpoint)
    before = account.contents()
    stack, without_state = new_stack(), new_stack()
    for each in (stack, without_state):
        each.configure(losing_logs(dev_sections(has_second_site=False)))
    stack.up().succeeded()
    resources = resources_of(stack.state())
    assert inputs_without_a_sabotage(resources) == []
    assert most_own_tags(resources) == TAGS_OF_A_RESOURCE - _MAX_TAGS
    assert verified(stack, live) == {}
    built = account.contents()
    check_findings(attempts_of(resources, SABOTAGES)[::3], live, stack)
    refreshed = [each for each in attempts_of(resources, SABOTAGES) if each.expected == REFRESH]
    assert unnoticed_by_refresh(first_of_each_resource(refreshed), live, stack) == []
    # Wrong keys, buckets and others, which no stack made.
    foreign = differences(built, account.contents())
    before = {name: found + foreign.get(name, []) for name, found in before.items()}
    lost_state_is_recovered(account, before, without_state)


def first_of_each_resource(attempts: list[Attempt]) -> list[Attempt]:
    return list({(each.resource.type, each.resource.name): each for each in reversed(attempts)}.values())


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_every_change_of_every_resource_is_reported(stack: Stack, aws: Callable[..., Any], aws_endpoint: str) -> None:
    stack.configure(dev_sections())
    stack.up().succeeded()
    resources = resources_of(stack.state())
    live = Live(aws, aws_endpoint)
    attempts = attempts_of(resources, SABOTAGES, all_of_them=True)
    check_findings(attempts, live, stack)
    for group in batches(each for each in attempts if each.expected == REFRESH):
        assert unnoticed_by_refresh(group, live, stack) == []
    deletions = attempts_of(resources, DELETIONS)
    change(deletions, live)
    assert problems(deletions, verified(stack, live)) == []
    stack.up("--refresh").succeeded()
    assert verified(stack, live) == {}
    lost = attempts_of(resources_of(stack.state()), LAST)
    change(lost, live)
    assert problems(lost, verified(stack, live)) == []


def inputs_without_a_sabotage(resources: Iterable[Resource]) -> list[str]:
    tried = {(each.type, each.attribute) for each in (*SABOTAGES, *LAST)}
    fixed = tried | set(FIXED)
    return sorted(
        {
            f"{each.type}.{name}"
            for each in resources
            for name in each.inputs
            if name != "__defaults" and not {(each.type, name), ("*", name), (each.type, "*")} & fixed
        }
    )
