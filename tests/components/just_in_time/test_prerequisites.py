"""Notes of a preview about existing nodes, and about requests that a move would end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from components.just_in_time.documents import policy_documents
from components.just_in_time.prerequisites import check_prerequisites, open_requests_problems
from components.just_in_time.settings import JustInTimeSettings
from tests.components.just_in_time.examples import approval, manual

if TYPE_CHECKING:
    from collections.abc import Iterable

REGION = "eu-west-1"
OWNER = "organization/shell-access/dev"
RUNBOOK = {"region": REGION, "name": "AllowStartSsmSession"}
WORKFLOW = ("AllowStartSsmSession", "AllowSsmSessionStartTemplate")


def settings(*policies: Any, **more: Any) -> JustInTimeSettings:
    return JustInTimeSettings.model_validate(approval(list(policies), **more)["justInTime"])


class Page:
    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def paginate(self, **_: Any) -> Page:
        return self

    def __iter__(self) -> Any:
        return iter([self._answer])

    def build_full_result(self) -> dict[str, Any]:
        return self._answer


class FakeAws:
    """All services of a Region in which just-in-time node access is enabled."""

    def __init__(
        self,
        nodes: dict[str, dict[str, str]] | None = None,
        others: JustInTimeSettings | None = None,
        runs: Iterable[tuple[str, str]] = (),
        denied: str = "",
    ) -> None:
        self._denied = denied
        found = {each.name: each for each in policy_documents(others)} if others else {}
        self._contents = {name: json.dumps(each.content) for name, each in found.items()}
        instances = {name: tags for name, tags in (nodes or {}).items() if name.startswith("i-")}
        self._hybrid = nodes or {}
        self._lists: dict[str, dict[str, Any]] = {
            "list_documents": {
                "DocumentIdentifiers": [{"Name": name} for name, each in found.items() if "Manual" in each.type]
            },
            "describe_instance_information": {
                "InstanceInformationList": [
                    {"InstanceId": name, "ResourceType": "EC2Instance" if name in instances else "ManagedInstance"}
                    for name in (nodes or {})
                ]
            },
            "describe_instances": {
                "Reservations": [
                    {"Instances": [{"InstanceId": name, "State": {"Name": "running"}, "Tags": pairs(tags)}]}
                    for name, tags in instances.items()
                ]
            },
            "describe_automation_executions": {
                "AutomationExecutionMetadataList": [
                    {"AutomationExecutionId": name, "AutomationExecutionStatus": status} for name, status in runs
                ]
            },
        }

    def client(self, _service: str, _region: str) -> FakeAws:
        return self

    def caller_arn(self, _region: str) -> str:
        return "arn:aws:iam::111122223333:user/deployer"

    def can_paginate(self, operation: str) -> bool:
        return operation in self._lists

    def get_paginator(self, operation: str) -> Page:
        if operation == self._denied:
            raise refusal("AccessDeniedException", operation)
        return Page(self._lists[operation])

    def get_role(self, **_: Any) -> Any:
        return {}

    def get_service_setting(self, **_: Any) -> Any:
        return {"ServiceSetting": {"SettingValue": "SSO"}}

    def describe_document(self, **_: Any) -> Any:
        raise refusal("InvalidDocument", "DescribeDocument")

    def get_document(self, **given: Any) -> Any:
        return {"Content": self._contents[given["Name"]]}

    def list_tags_for_resource(self, **given: Any) -> Any:
        return {"TagList": pairs(self._hybrid[given["ResourceId"]])}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def notes(aws: Any, *policies: Any, **more: Any) -> str:
    found = check_prerequisites(settings(*policies, **more), aws, (REGION,), OWNER)
    assert found.problems == ()
    return "\n".join(found.notes)


BOTH = {"Name": "app", "Tier": "database", "Team": "a"}


@pytest.mark.parametrize(
    ("node", "policies", "others"),
    [
        ("i-0123456789abcdef0", [manual(), manual("Team", targets={"Team": ["a"]})], None),
        ("mi-0123456789abcdef0", [manual(), manual("Team", targets={"Team": ["a"]})], None),
        ("i-0123456789abcdef0", [manual()], settings(manual("Team", targets={"Team": ["a"]}))),
    ],
    ids=["instance", "hybrid node", "policy of another principal"],
)
def test_preview_notes_nodes_of_several_policies(node: str, policies: list[Any], others: Any) -> None:
    text = notes(FakeAws({node: BOTH}, others), *policies)
    assert f"In {REGION}: app ({node}) of Databases and Team. Change their tags" in text


def test_check_refuses_tag_of_a_policy_of_another_principal() -> None:
    aws: Any = FakeAws(others=settings(manual("Foreign")))
    ours = settings(manual("Team", targets={"Team": ["a"]}), manual())
    (problem,) = check_prerequisites(ours, aws, (REGION,), OWNER).problems
    assert problem.key == "shell-access:approval.justInTime.manualPolicies[1].targets.Tier"
    assert "got Tier=database, which the policy Foreign in eu-west-1 targets too. Delete that policy" in problem.message


def test_preview_notes_nodes_without_a_policy() -> None:
    nodes = {f"i-{number:017x}": {"Name": f"web-{number}"} for number in range(7)}
    text = notes(FakeAws({**nodes, "i-0123456789abcdef0": BOTH}), manual())
    assert "Access to a node without a policy cannot be requested. In eu-west-1: web-0 (i-" in text
    assert "web-4 (i-00000000000000004) and 2 more. Tag them" in text
    assert "app" not in text


def test_preview_notes_no_node_that_one_policy_decides() -> None:
    nodes = {"i-0123456789abcdef0": {"Tier": "database"}, "i-0123456789abcdef1": {"Environment": "dev"}}
    assert notes(FakeAws(nodes), manual()) == ""


def test_preview_notes_nodes_that_cannot_be_read() -> None:
    text = notes(FakeAws({"i-0123456789abcdef0": BOTH}, denied="describe_instances"), manual())
    assert f"Cannot determine which nodes of {REGION} have no policy, or several" in text


def test_removal_of_a_workflow_with_open_requests_is_refused() -> None:
    aws: Any = FakeAws(runs=[("run-1", "Waiting"), ("run-2", "Success"), ("run-3", "InProgress")])
    (problem,) = open_requests_problems(aws, [RUNBOOK, {"region": REGION, "name": "Databases"}], WORKFLOW)
    assert problem.key == "shell-access:approval.mode"
    assert "got 2 of AllowStartSsmSession in eu-west-1: run-1, run-3." in problem.message
    assert open_requests_problems(aws, [{"name": "Databases"}], WORKFLOW) == []
    ended: Any = FakeAws(runs=[("run-2", "Success"), ("run-4", "TimedOut")])
    assert open_requests_problems(ended, [RUNBOOK], WORKFLOW) == []


def test_removal_is_refused_if_requests_cannot_be_read() -> None:
    aws: Any = FakeAws(denied="describe_automation_executions")
    assert "got no answer" in open_requests_problems(aws, [RUNBOOK], WORKFLOW)[0].message
