"""Demonstration without the engine: it succeeds, and fails on any unexpected result."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from rich.console import Console

from components.approval import names
from components.approval.iam_policies import operator_policy
from components.approval.runbook import change_template, runbook
from components.approval.settings import ApprovalSettings, Mode
from local.demo import DemoError, play
from local.emulator.fixtures import NODES
from local.emulator.seed import seed
from operations.approval.session import Workflow
from tests.support.emulator import change_settings

ACCOUNT, REGION = "123456789012", "eu-west-1"
PLACE = names.WorkflowLocation(partition="aws", account_id=ACCOUNT, region=REGION)
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture(scope="module")
def client(emptied_once: str) -> Callable[[str], Any]:
    """The seeded account with the workflow in it, but for its documents."""
    endpoint = emptied_once
    seed(endpoint)
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
    clients = {name: session.client(name, endpoint_url=endpoint) for name in ("ec2", "iam", "sns", "sqs", "ssm")}
    clients["iam"].create_role(RoleName=names.ROLE_NAME, AssumeRolePolicyDocument=TRUST)
    clients["sns"].create_topic(Name=names.TOPIC_NAME)
    return clients.__getitem__


@pytest.fixture
def account(client: Callable[[str], Any], endpoint: str) -> Iterator[Callable[[str], Any]]:
    publish(client, Mode.AUTOMATION)
    iam, ssm = client("iam"), client("ssm")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{names.OPERATOR_POLICY_NAME}"
    document = json.dumps(operator_policy(PLACE, session_data_encryption=True))
    iam.create_policy(PolicyName=names.OPERATOR_POLICY_NAME, PolicyDocument=document)
    iam.attach_role_policy(RoleName="Operator", PolicyArn=arn)
    yield client
    change_settings(endpoint, {"automationFaults": {}})
    for each in ssm.describe_automation_executions()["AutomationExecutionMetadataList"]:
        if each["AutomationExecutionStatus"] in ("InProgress", "Waiting"):
            ssm.stop_automation_execution(AutomationExecutionId=each["AutomationExecutionId"])
    iam.untag_role(RoleName="Operator", TagKeys=[names.TAG_KEY])
    for name in iam.list_role_policies(RoleName="Operator")["PolicyNames"]:
        iam.delete_role_policy(RoleName="Operator", PolicyName=name)
    iam.detach_role_policy(RoleName="Operator", PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def publish(client: Callable[[str], Any], mode: Mode) -> None:
    ssm = client("ssm")
    settings = ApprovalSettings.model_validate(
        {"mode": mode, "approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]}
    )
    documents = {
        names.RUNBOOK_NAME: ("Automation", runbook(settings, PLACE, [REGION])),
        names.CHANGE_TEMPLATE_NAME: ("Automation.ChangeTemplate", change_template(settings, PLACE)),
    }
    for name, (kind, content) in documents.items():
        with contextlib.suppress(ssm.exceptions.InvalidDocument):
            ssm.delete_document(Name=name)
        ssm.create_document(Name=name, DocumentType=kind, Content=json.dumps(content))


def played(endpoint: str, mode: Mode = Mode.AUTOMATION) -> str:
    # Events have a resolution of a second: those of an earlier play would be in the period of this one's report.
    time.sleep(1)
    console = Console(file=io.StringIO(), width=120, highlight=False)
    try:
        play(endpoint, Workflow(mode=mode, region=REGION), console)
    finally:
        text = console.file.getvalue()
    return text


def another_instance(account: Callable[[str], Any]) -> str:
    named = [{"Name": "tag:Name", "Values": [NODES[1].name]}]
    return account("ec2").describe_instances(Filters=named)["Reservations"][0]["Instances"][0]["InstanceId"]


def allow(client: Callable[[str], Any], action: str, resource: str = "*") -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName="Operator", PolicyName="leak", PolicyDocument=document)


@pytest.mark.parametrize("mode", [Mode.AUTOMATION, Mode.CHANGE_MANAGER])
def test_demo_in_either_mode_succeeds_and_cleans_up(account: Callable[[str], Any], endpoint: str, mode: Mode) -> None:
    publish(account, mode)
    said = played(endpoint, mode)
    for part in (
        "because no identity-based policy allows the ssm:StartSession action",
        "the request is granted",
        "the session starts: olivia-",
        "not on another instance",
        "the grant has ended",
        "requesters cannot approve their own requests",
        "rejected, by Approver/anton: Looking is no reason",
        "Session grant ended",
    ):
        assert part in said
    assert account("iam").list_role_tags(RoleName="Operator")["Tags"] == []
    assert account("sns").list_subscriptions()["Subscriptions"] == []
    assert account("sqs").list_queues().get("QueueUrls", []) == []
    assert account("ssm").describe_sessions(State="Active")["Sessions"] == []
    played(endpoint, mode)


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("ssm:StartSession", "*", "Not as expected: no session for the operator"),
        ("ssm:StartSession", "arn:aws:ec2:*:{account}:instance/{other}", "not on another instance"),
        ("ssm:StartSession", "arn:aws:ssm:*::document/*", "not with another document"),
    ],
)
def test_demo_operator_with_broader_permission_fails(
    account: Callable[[str], Any], endpoint: str, action: str, resource: str, said: str
) -> None:
    allow(account, action, resource.format(account=ACCOUNT, other=another_instance(account)))
    with pytest.raises(DemoError, match=said):
        played(endpoint)
    assert account("sns").list_subscriptions()["Subscriptions"] == []


def test_demo_operator_without_granted_permission_fails(account: Callable[[str], Any], endpoint: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{names.OPERATOR_POLICY_NAME}"
    document = operator_policy(PLACE, session_data_encryption=True)
    document["Statement"] = document["Statement"][1:]
    account("iam").create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    with pytest.raises(DemoError, match="Not as expected: the session starts"):
        played(endpoint)


def test_demo_tag_that_remains_fails(account: Callable[[str], Any], endpoint: str) -> None:
    change_settings(endpoint, {"automationFaults": {"ReleaseGrant": "before"}})
    with pytest.raises(DemoError, match="Not as expected: the grant has ended"):
        played(endpoint)
    assert account("iam").list_role_tags(RoleName="Operator")["Tags"][0]["Key"] == names.TAG_KEY


def test_demo_failure_ends_the_open_grant(account: Callable[[str], Any], endpoint: str) -> None:
    allow(account, "ssm:StartSession", f"arn:aws:ec2:*:{ACCOUNT}:instance/{another_instance(account)}")
    with pytest.raises(DemoError):
        played(endpoint)
    latest, *_ = account("ssm").describe_automation_executions()["AutomationExecutionMetadataList"]
    assert latest["AutomationExecutionStatus"] in ("Cancelled", "Cancelling")


def test_demo_operator_with_open_request_is_refused(account: Callable[[str], Any], endpoint: str) -> None:
    given = {"InstanceId": ["i-0123456789abcdef0"], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    account("ssm").start_automation_execution(DocumentName=names.RUNBOOK_NAME, Parameters=given)
    with pytest.raises(DemoError, match="role Operator has an open request"):
        played(endpoint)
