"""A workflow on the local AWS without the engine: the runbooks as documents, people, instances, and the topic's ears."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from components.approval.iam_policies import runbook_role_policy
from components.approval.names import (
    CHANGE_TEMPLATE_NAME,
    REAPER_NAME,
    ROLE_NAME,
    RUNBOOK_NAME,
    TAG_KEY,
    TOPIC_NAME,
    WorkflowLocation,
)
from components.approval.runbook import change_template, reaper, runbook
from components.approval.settings import ApprovalSettings, Mode
from local.emulator.fixtures import LINUX_IMAGE
from tests.support.emulator import wake

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "123456789012"
REGIONS = ["eu-west-1", "us-east-1"]
PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
OVER = ("Success", "Failed", "TimedOut", "Cancelled", "CompletedWithSuccess", "CompletedWithFailure", "Rejected")
SETTINGS: dict[str, Any] = {
    "mode": "automation",
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator", "Second", "Shared", "Gone"],
    "operatorUsers": ["alice"],
}


def only(person: str) -> str:
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{person}"}
    return trust(principal)


def trust(principal: Any, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Workflow:
    """A deployed workflow: requests, decisions, and their effects."""

    def __init__(self, client: Callable[..., Any], endpoint: str, **changes: Any) -> None:
        self.client, self.endpoint = client, endpoint
        self.iam, self.ssm, self.sqs = client("iam"), client("ssm"), client("sqs")
        self.settings = ApprovalSettings.model_validate({**SETTINGS, **changes})
        for user in ("alice", "olivia", "anton"):
            self.iam.create_user(UserName=user)
        self.role("Operator", only("olivia"))
        self.role("Second", only("olivia"))
        self.role("Shared", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
        self.role("Approver", only("anton"))
        self.role("Outsider", only("olivia"))
        self.role(ROLE_NAME, trust({"Service": "ssm.amazonaws.com"}))
        policy = json.dumps(runbook_role_policy(self.settings, PLACE))
        self.iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="Work", PolicyDocument=policy)
        self.iam.create_instance_profile(InstanceProfileName="Node")
        self.iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Outsider")
        self._topic()
        self.publish()

    def role(self, name: str, trust_policy: str, **options: Any) -> None:
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy, **options)

    def _topic(self) -> None:
        sns = self.client("sns")
        topic = sns.create_topic(Name=TOPIC_NAME)["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="ears")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def publish(self) -> None:
        documents: list[tuple[str, str, dict[str, Any]]] = [
            (RUNBOOK_NAME, "Automation", runbook(self.settings, PLACE, REGIONS)),
            (REAPER_NAME, "Automation", reaper(self.settings, PLACE)),
        ]
        if self.settings.mode is Mode.CHANGE_MANAGER:
            template = change_template(self.settings, PLACE)
            documents.append((CHANGE_TEMPLATE_NAME, "Automation.ChangeTemplate", template))
        for name, kind, content in documents:
            self.ssm.create_document(Name=name, DocumentType=kind, Content=json.dumps(content))

    def instance(self, region: str = "eu-west-1", *, managed: bool = True) -> str:
        profile: dict[str, Any] = {"IamInstanceProfile": {"Name": "Node"}} if managed else {}
        made = self.client("ec2", region).run_instances(ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, **profile)
        return made["Instances"][0]["InstanceId"]

    def as_role(self, role: str, session: str) -> Any:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        key = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]["AccessKeyId"]
        return self.client("ssm", account=key)

    def ask(self, instance: str, kind: str = "role", name: str = "Operator", *, by: tuple[str, str] = ("", "")) -> str:
        """Starts the runbook; returns the run."""
        role, session = by if by[0] else ("Operator", "olivia")
        given = {"InstanceId": [instance], "PrincipalType": [kind], "PrincipalName": [name]}
        started = self.as_role(role, session).start_automation_execution(DocumentName=RUNBOOK_NAME, Parameters=given)
        return started["AutomationExecutionId"]

    def decide(self, run: str, signal: str = "Approve", *, by: tuple[str, str] = ("Approver", "anton")) -> None:
        self.until(run, lambda found: found["AutomationExecutionStatus"] in ("Waiting", "PendingApproval"))
        self.as_role(*by).send_automation_signal(AutomationExecutionId=run, SignalType=signal)

    def granted(self, instance: str, kind: str = "role", name: str = "Operator") -> str:
        """A run that has granted and waits."""
        run = self.ask(instance, kind, name)
        self.decide(run)
        self.until_asleep(run)
        return run

    def until_asleep(self, run: str) -> None:
        self.until(run, lambda found: found.get("CurrentStepName") == "WaitForValidity")

    def run(self, run: str) -> dict[str, Any]:
        return self.ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]

    def until(self, run: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            found = self.run(run)
            if condition(found):
                return found
            over = found["AutomationExecutionStatus"] in OVER
            assert not over, (found["AutomationExecutionStatus"], found.get("FailureMessage"), found["Outputs"])
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def end(self, run: str) -> dict[str, Any]:
        """Waits for the end of a run; a sleep on the way ends at once."""
        deadline = time.monotonic() + 60
        while self.run(run)["AutomationExecutionStatus"] not in OVER:
            assert time.monotonic() < deadline, self.run(run)
            if self.run(run).get("CurrentStepName") == "WaitForValidity":
                wake(self.endpoint, run)
            time.sleep(0.02)
        return self.run(run)

    def tag(self, name: str = "Operator", kind: str = "role") -> str | None:
        if kind == "role":
            tags = self.iam.list_role_tags(RoleName=name)["Tags"]
        else:
            tags = self.iam.list_user_tags(UserName=name)["Tags"]
        return {each["Key"]: each["Value"] for each in tags}.get(TAG_KEY)

    def heard(self) -> list[str]:
        """Subjects of the topic's messages so far, in order; the texts are in `said`."""
        self.said: list[str] = getattr(self, "said", [])
        subjects: list[tuple[str, str]] = getattr(self, "_subjects", [])
        while True:
            messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in messages:
                body = json.loads(message["Body"])
                subjects.append((body["Timestamp"], body["Subject"]))
                self.said.append(body["Message"])
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if not messages:
                self._subjects = subjects
                return [subject for _, subject in sorted(subjects)]

    def steps(self, run: str) -> dict[str, str]:
        return {each["StepName"]: each["StepStatus"] for each in self.run(run)["StepExecutions"]}

    def output(self, run: str, name: str) -> str:
        return self.run(run)["Outputs"][name][0]
