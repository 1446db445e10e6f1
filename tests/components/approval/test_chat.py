"""Notices for chat: what Amazon Q Developer in chat applications accepts, and nothing that a requester wrote."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.approval.alarms import topic_problems
from components.approval.chat import INPUT_PATHS, LONGEST_NEXT_STEP, LONGEST_TITLE, chat_rules
from components.approval.names import WorkflowLocation
from components.approval.runbook import runbook
from components.approval.settings import ApprovalSettings

PLACE = WorkflowLocation(partition="aws", account_id="111122223333", region="eu-west-1")
TOPIC = "arn:aws:sns:eu-west-1:111122223333:chat"
RUN = "333ba70b-2333-48db-b17e-a5e69c6f4d1c"
VALUES = {"run": RUN, "time": "2030-01-02T03:04:05Z"}


def settings(**more: Any) -> ApprovalSettings:
    approvers = [{"type": "IamRole", "name": "Approver"}]
    return ApprovalSettings.model_validate(
        {"approvers": approvers, "operatorRoles": ["Operator"], "chatTopicArn": TOPIC} | more
    )


def message(template: str) -> dict[str, Any]:
    """The message as EventBridge makes it: each name in angle brackets becomes its value."""
    names = set(re.findall(r"<(\w+)>", template))
    assert names <= INPUT_PATHS.keys()
    for name in names:
        template = template.replace(f"<{name}>", VALUES[name])
    return json.loads(template)


def test_without_a_topic_there_are_no_rules() -> None:
    assert chat_rules(settings(chatTopicArn=""), PLACE) == ()


@pytest.mark.parametrize("rule", chat_rules(settings(), PLACE), ids=lambda each: each.alarm.name.rpartition("chat-")[2])
def test_message_has_the_schema_of_custom_notifications(rule: Any) -> None:
    found = message(rule.template)
    assert (found["version"], found["source"]) == ("1.0", "custom")
    content, metadata = found["content"], found["metadata"]
    assert content.keys() <= {"textType", "title", "description", "nextSteps", "keywords"}
    assert (content["textType"], len(content["title"]) <= LONGEST_TITLE) == ("client-markdown", True)
    assert 0 < len(content["description"]) <= 8000
    assert all(len(each) <= LONGEST_NEXT_STEP for each in content.get("nextSteps", ()))
    assert all(len(each) <= 75 for each in content["keywords"])
    assert PLACE.console_link(RUN) in content["description"]
    assert metadata["threadId"] == RUN
    assert metadata["enableCustomActions"] is False
    assert len(rule.template) <= 8192


def test_each_step_of_a_pattern_is_in_the_runbook() -> None:
    steps = {each["name"] for each in runbook(settings(), PLACE, ["eu-west-1"])["mainSteps"]}
    watched = [name for rule in chat_rules(settings(), PLACE) for name in rule.alarm.pattern["detail"]["StepName"]]
    assert len(watched) == len(set(watched)) == 6
    assert set(watched) <= steps


def test_request_notice_names_the_command_that_approves() -> None:
    requested = chat_rules(settings(), PLACE)[0]
    assert message(requested.template)["content"]["nextSteps"] == [
        f"Approve or reject it, as another person than the requester: `shell-access approve {RUN}`"
    ]


@pytest.mark.parametrize(
    "topic",
    [PLACE.topic_arn, "arn:aws:sns:us-east-1:111122223333:chat", "arn:aws:sns:eu-west-1:444455556666:chat"],
    ids=["the workflow's", "another Region", "another account"],
)
def test_topic_that_cannot_be_used_is_a_problem(topic: str) -> None:
    (problem,) = topic_problems(settings(chatTopicArn=topic), PLACE)
    assert problem.key == "shell-access:approval.chatTopicArn"


def test_topic_of_alarms_is_a_problem() -> None:
    (problem,) = topic_problems(settings(alarmTopicArns=[TOPIC]), PLACE)
    assert "expected a topic of its own in account 111122223333 and eu-west-1" in str(problem)
