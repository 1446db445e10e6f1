"""Automation of the local AWS; API_… pages and the User Guide are named where they apply."""

import copy
import json
import time
from typing import Any

import pytest

from local.emulator.fixtures import LINUX_IMAGE
from tests.support.emulator import EmulatorError, change_settings, reset, wake

SLEEP: dict[str, Any] = {"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1H"}}
CALL: dict[str, Any] = {
    "name": "Call",
    "action": "aws:executeAwsApi",
    "inputs": {"Service": "sts", "Api": "GetCallerIdentity"},
    "outputs": [{"Name": "Account", "Selector": "$.Account", "Type": "String"}],
}
SCRIPT = (
    "import boto3\ndef handler(events, context):\n    return {'Answer': events['Question'] + 1, 'Own': boto3.__name__}"
)


def runbook(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": "0.3", "mainSteps": list(steps), **more}


def start(ssm: Any, document: dict[str, Any], **parameters: list[str]) -> str:
    ssm.create_document(Name="Runbook", DocumentType="Automation", Content=json.dumps(document))
    return ssm.start_automation_execution(DocumentName="Runbook", Parameters=parameters)["AutomationExecutionId"]


def ended(ssm: Any, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        found = ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
        if found["AutomationExecutionStatus"] in ("Success", "Failed", "Cancelled", "TimedOut"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {step["StepName"]: step["StepStatus"] for step in found["StepExecutions"]}


def test_outputs_of_a_step_are_inputs_of_the_next(ssm: Any) -> None:
    """User Guide, Using action outputs as inputs."""
    script = {
        "name": "Script",
        "action": "aws:executeScript",
        "inputs": {
            "Runtime": "python3.11",
            "Handler": "handler",
            "Script": SCRIPT,
            "InputPayload": {"Question": "{{ Number }}", "Account": "{{ Call.Account }}"},
        },
        "outputs": [{"Name": "Answer", "Selector": "$.Payload.Answer", "Type": "Integer"}],
    }
    parameters = {"Number": {"type": "Integer", "default": 41}}
    run = start(ssm, runbook(CALL, script, parameters=parameters, outputs=["Call.Account", "Script.Answer"]))
    found = ended(ssm, run)
    assert found["AutomationExecutionStatus"] == "Success", found
    assert found["Outputs"] == {"Call.Account": ["123456789012"], "Script.Answer": ["42"]}


def test_sleep_ends_when_woken(ssm: Any, emulator: Any) -> None:
    run = start(ssm, runbook(SLEEP))
    wake_when_asleep(ssm, emulator, run)
    assert ended(ssm, run)["AutomationExecutionStatus"] == "Success"


def wake_when_asleep(ssm: Any, emulator: Any, run: str) -> None:
    while (
        ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"].get("CurrentStepName") != "Wait"
    ):
        time.sleep(0.02)
    wake(emulator.endpoint_url, run)


def test_waking_what_is_not_there_is_an_error(emulator: Any) -> None:
    with pytest.raises(EmulatorError, match="no such run"):
        wake(emulator.endpoint_url, "x")


@pytest.mark.parametrize(
    ("flow", "status", "last"),
    [
        ({}, "Failed", "Pending"),
        ({"onFailure": "Continue"}, "Failed", "Success"),
        ({"onFailure": "step:Last", "isCritical": False}, "Success", "Success"),
        ({"onFailure": "step:Last"}, "Failed", "Success"),
        ({"maxAttempts": 2}, "Failed", "Pending"),
    ],
    ids=json.dumps,
)
def test_failure_leads_where_the_step_says(
    ssm: Any, emulator: Any, flow: dict[str, Any], status: str, last: str
) -> None:
    """User Guide, Data elements and parameters: onFailure, isCritical, maxAttempts."""
    change_settings(emulator.endpoint_url, {"automationFaults": {"Call": "before"}})
    found = ended(ssm, start(ssm, runbook({**CALL, **flow}, {**CALL, "name": "Last"})))
    assert (found["AutomationExecutionStatus"], statuses(found)["Last"]) == (status, last)


@pytest.mark.parametrize(("flow", "last"), [({}, "Pending"), ({"onCancel": "step:Last"}, "Success")], ids=json.dumps)
def test_cancelling_leads_where_the_step_says(ssm: Any, flow: dict[str, Any], last: str) -> None:
    """API_StopAutomationExecution; User Guide, onCancel."""
    run = start(ssm, runbook({**SLEEP, **flow, "isEnd": True}, {**CALL, "name": "Last"}))
    ssm.stop_automation_execution(AutomationExecutionId=run)
    found = ended(ssm, run)
    assert found["AutomationExecutionStatus"] == "Cancelled"
    assert statuses(found)["Last"] in (last, "Pending")


def test_branch_takes_the_first_choice_that_holds_and_else_the_default(ssm: Any) -> None:
    """User Guide, aws:branch."""
    choice = {
        "name": "Choose",
        "action": "aws:branch",
        "inputs": {
            "Choices": [
                {"NextStep": "Never", "Not": {"Variable": "{{ Kind }}", "StringEquals": "role"}},
                {
                    "NextStep": "Right",
                    "And": [
                        {"Variable": "{{ Kind }}", "StartsWith": "ro"},
                        {
                            "Or": [
                                {"Variable": "{{ Kind }}", "EndsWith": "x"},
                                {"Variable": "{{ Kind }}", "Contains": "ol"},
                            ]
                        },
                    ],
                },
            ],
            "Default": "Never",
        },
    }
    steps = [choice, {**CALL, "name": "Never", "isEnd": True}, {**CALL, "name": "Right", "isEnd": True}]
    run = start(ssm, runbook(*steps, parameters={"Kind": {"type": "String"}}), Kind=["role"])
    assert statuses(ended(ssm, run)) == {"Choose": "Success", "Never": "Pending", "Right": "Success"}


def test_assertion_fails_on_another_value(ssm: Any) -> None:
    """User Guide, aws:assertAwsResourceProperty."""
    inputs = {**CALL["inputs"], "PropertySelector": "$.Account", "DesiredValues": ["111122223333"]}
    step = {"name": "Assert", "action": "aws:assertAwsResourceProperty", "inputs": inputs}
    found = ended(ssm, start(ssm, runbook(step)))
    assert "$.Account is 123456789012" in found["FailureMessage"]


def test_runs_are_listed_newest_first_in_pages_and_filtered(ssm: Any) -> None:
    """API_DescribeAutomationExecutions."""
    first = start(ssm, runbook(CALL))
    ended(ssm, first)
    second = ssm.start_automation_execution(DocumentName="Runbook")["AutomationExecutionId"]
    ended(ssm, second)
    pages = ssm.get_paginator("describe_automation_executions").paginate(PaginationConfig={"PageSize": 1})
    listed = [each["AutomationExecutionId"] for page in pages for each in page["AutomationExecutionMetadataList"]]
    assert listed == [second, first]
    chosen = [{"Key": "ExecutionStatus", "Values": ["InProgress"]}, {"Key": "DocumentNamePrefix", "Values": ["Run"]}]
    assert ssm.describe_automation_executions(Filters=chosen)["AutomationExecutionMetadataList"] == []
    steps = ssm.describe_automation_step_executions(AutomationExecutionId=first)["StepExecutions"]
    assert [step["StepName"] for step in steps] == ["Call"]


def test_what_is_not_there_is_named(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.AutomationDefinitionNotFoundException):
        ssm.start_automation_execution(DocumentName="Nothing")
    with pytest.raises(ssm.exceptions.AutomationExecutionNotFoundException):
        ssm.get_automation_execution(AutomationExecutionId="0" * 36)


def test_signal_without_a_step_that_waits_is_refused(ssm: Any) -> None:
    """API_SendAutomationSignal."""
    run = start(ssm, runbook(CALL))
    ended(ssm, run)
    with pytest.raises(ssm.exceptions.InvalidAutomationSignalException):
        ssm.send_automation_signal(AutomationExecutionId=run, SignalType="Approve")
    with pytest.raises(ssm.exceptions.InvalidAutomationStatusUpdateException):
        ssm.stop_automation_execution(AutomationExecutionId=run)


def test_reset_forgets_runs(ssm: Any, emulator: Any) -> None:
    start(ssm, runbook(SLEEP))
    reset(emulator.endpoint_url)
    assert ssm.describe_automation_executions()["AutomationExecutionMetadataList"] == []


VALID = runbook(
    {**CALL, "onFailure": "step:Wait"},
    {**SLEEP, "inputs": {"Duration": "{{ Long }}"}, "nextStep": "Call"},
    parameters={"Long": {"type": "String"}},
    outputs=["Call.Account"],
)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["schemaVersion"], "2.2", "'0.3' was expected"),
        (["mainSteps"], [], "non-empty"),
        (["mainSteps", 0, "action"], "aws:executeAwsAPI", "is not one of"),
        (["mainSteps", 0, "inputs"], {"Service": "sts"}, "'Api' is a required property"),
        (["mainSteps", 0, "timeoutSeconds"], 26, "maximum of 25"),
        (["mainSteps", 0, "onFailure"], "step:Nowhere", "Nowhere, which is no step"),
        (["mainSteps", 0, "onFailure"], "Stop", "does not match"),
        (["mainSteps", 0, "onCancel"], "step:Wait", "must not lead to aws:sleep"),
        (["mainSteps", 0, "nextstep"], "Wait", "Additional properties"),
        (["mainSteps", 0, "name"], "Wait", "same name"),
        (["mainSteps", 1, "nextStep"], "Nowhere", "Nowhere, which is no step"),
        (["mainSteps", 1, "inputs"], {"Duration": "10 minutes"}, "does not match"),
        (["mainSteps", 1, "inputs"], {"Duration": "{{ Short }}"}, "refers to Short, which does not exist"),
        (["parameters", "Long", "type"], "Text", "is not one of"),
        (["outputs"], ["Call.Arn"], "Call.Arn does not exist"),
    ],
)
def test_runbook_is_checked(ssm: Any, path: list[Any], value: Any, said: str) -> None:
    """User Guide, Data elements and parameters, and the actions' reference."""
    document = copy.deepcopy(VALID)
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(ssm.exceptions.InvalidDocumentContent, match=said):
        ssm.create_document(Name="Runbook", DocumentType="Automation", Content=json.dumps(document))


def test_valid_runbook_is_taken(ssm: Any) -> None:
    ssm.create_document(Name="Runbook", DocumentType="Automation", Content=json.dumps(VALID))


def test_instance_with_a_role_is_managed(ssm: Any, iam: Any, ec2: Any) -> None:
    """API_DescribeInstanceInformation."""
    iam.create_instance_profile(InstanceProfileName="Node")
    made = [
        ec2.run_instances(ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, **profile)["Instances"][0]["InstanceId"]
        for profile in ({"IamInstanceProfile": {"Name": "Node"}}, {})
    ]
    listed = ssm.describe_instance_information()["InstanceInformationList"]
    assert [(each["InstanceId"], each["PingStatus"]) for each in listed] == [(made[0], "Online")]
    chosen = [{"Key": "InstanceIds", "Values": [made[1]]}]
    assert ssm.describe_instance_information(Filters=chosen)["InstanceInformationList"] == []
