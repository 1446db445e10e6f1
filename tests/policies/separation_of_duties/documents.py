"""Runbooks and change templates, in the forms that carry them; a test changes one thing of a right one."""

import json
from typing import Any

import pytest
import yaml

from components.approval.names import WorkflowLocation
from components.approval.runbook import change_template, reaper, runbook
from components.approval.settings import ApprovalSettings
from tests.policies.judging import Made

DOCUMENT = "aws:ssm/document:Document"
OWN = "pulumi-python:dynamic/ssm:Document"
PLACE = WorkflowLocation(partition="aws", account_id="111122223333", region="eu-west-1")
KEY = "SecurityAllowSessionInstance"
APPROVER = "arn:aws:iam::111122223333:role/Approver"


def step(name: str, action: str = "aws:sleep", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": action, **more}


def iam(name: str, api: str, **more: Any) -> dict[str, Any]:
    keys: dict[str, Any] = {"TagKeys": [KEY]} if api.startswith("Untag") else {"Tags": [{"Key": KEY, "Value": "i-1"}]}
    return step(name, "aws:executeAwsApi", inputs={"Service": "iam", "Api": api, **keys}, **more)


def approve(name: str = "Ask", count: Any = 1, approvers: Any = (APPROVER,), **more: Any) -> dict[str, Any]:
    inputs = {"MinRequiredApprovals": count, "Approvers": list(approvers) if approvers is not None else None}
    return step(name, "aws:approve", inputs={key: value for key, value in inputs.items() if value is not None}, **more)


BACK = {"onFailure": "step:Untag", "onCancel": "step:Untag"}


def content(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": "0.3", "mainSteps": list(steps)}


def good() -> dict[str, Any]:
    """Ask, tag, wait, untag."""
    return content(
        approve(), iam("Tag", "TagRole", **BACK), step("Wait", **BACK), iam("Untag", "UntagRole", isEnd=True)
    )


def template(**more: Any) -> dict[str, Any]:
    levels = [{"approver": "Approver", "type": "IamRole", "minRequiredApprovals": 1}]
    asking = {"MinRequiredApprovals": 1, "EnhancedApprovals": {"Approvers": levels}}
    return {
        "schemaVersion": "0.3",
        "emergencyChange": False,
        "autoApprovable": False,
        "executableRunBooks": [{"name": "Grant", "version": "$DEFAULT"}],
        "mainSteps": [step("Level1", "aws:approve", inputs=asking)],
        **more,
    }


def as_document(written: Any, kind: str = "Automation", name: str = "Grant") -> dict[str, Any]:
    return {"name": name, "documentType": kind, "content": written if isinstance(written, str) else json.dumps(written)}


def as_yaml(written: Any, kind: str = "Automation", name: str = "Grant") -> dict[str, Any]:
    return as_document(yaml.safe_dump(written), kind, name) | {"documentFormat": "YAML"}


def as_template(written: Any, name: str = "Ask") -> dict[str, Any]:
    return as_document(written, "Automation.ChangeTemplate", name)


def settings(**more: Any) -> ApprovalSettings:
    given = {"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"], **more}
    return ApprovalSettings.model_validate(given)


def shipped(mode: str) -> list[Made]:
    """Return the documents that the component publishes in a mode."""
    made = settings(mode=mode)
    documents = [
        Made(OWN, "runbook", as_document(runbook(made, PLACE, ["eu-west-1"]), name="AllowStartSsmSession")),
        Made(OWN, "reaper", as_document(reaper(made, PLACE), name="RemoveExpiredSsmSessionGrants")),
    ]
    if mode == "change-manager":
        documents.append(Made(OWN, "template", as_template(change_template(made, PLACE))))
    return documents


in_every_form = pytest.mark.parametrize(
    ("type_", "carry"),
    [
        pytest.param(DOCUMENT, as_document, id="JSON"),
        pytest.param(DOCUMENT, as_yaml, id="YAML"),
        pytest.param(OWN, as_document, id="our own resource"),
    ],
)
