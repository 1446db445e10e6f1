"""Runbooks under the workflow's names that are not the stack's are reported as critical."""

import json
from typing import Any

import pytest

from components.approval.names import RUNBOOK_NAME, WorkflowLocation
from components.approval.plan import plan_approval
from operations.stack import StackConfiguration
from tests.operations.arrangement import TRUST, Account, Command, configuration

APPROVAL = {"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]}
PLACE = WorkflowLocation(partition="aws", account_id="123456789012", region="eu-west-1")


@pytest.fixture
def stack() -> StackConfiguration:
    return configuration(**{"shell-access__approval": json.dumps(APPROVAL)})


@pytest.fixture
def content(stack: StackConfiguration) -> dict[str, Any]:
    settings = stack.settings().approval
    assert settings
    return plan_approval(settings, PLACE, ["eu-west-1"], session_data_encryption=False).runbook.content


def critical(command: Command, stack: StackConfiguration) -> list[dict[str, Any]]:
    audit = json.loads(command("audit", "--json", "--severity", "critical", stack=stack).stdout)
    assert audit["cannotTell"] == []
    return audit["findings"]


@pytest.fixture(autouse=True)
def role(account: Account) -> None:
    """An account has principals, without which an audit is incomplete."""
    account.client("iam").create_role(RoleName="App", AssumeRolePolicyDocument=TRUST)


def publish(account: Account, content: dict[str, Any]) -> None:
    ssm = account.client("ssm")
    ssm.create_document(Name=RUNBOOK_NAME, DocumentType="Automation", Content=json.dumps(content))


def test_audit_reports_foreign_runbook_as_critical(
    account: Account, command: Command, stack: StackConfiguration, content: dict[str, Any]
) -> None:
    publish(
        account, {**content, "mainSteps": [step for step in content["mainSteps"] if step["name"] != "ApproveLevel1"]}
    )
    (found,) = critical(command, stack)
    assert found["principal"] == f"arn:aws:ssm:eu-west-1:123456789012:document/{RUNBOOK_NAME}"
    (finding,) = found["findings"]
    assert (finding["rule"], finding["severity"], finding["note"]) == (
        "runbook-not-of-stack",
        "critical",
        "step ApproveLevel1 is missing",
    )
    assert "document/AllowStartSsmSession" in command("audit", stack=stack).stdout


def test_audit_accepts_own_runbook_and_none(
    account: Account, command: Command, stack: StackConfiguration, content: dict[str, Any]
) -> None:
    assert critical(command, stack) == []
    publish(account, content)
    assert critical(command, stack) == []
    # Only the default version runs; what is published beside it is for verify to report.
    account.client("ssm").update_document(
        Name=RUNBOOK_NAME, DocumentVersion="$LATEST", Content=json.dumps({**content, "description": "x"})
    )
    assert critical(command, stack) == []
