"""A workflow on the local AWS, and people who run commands in it with credentials of their own."""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from common.aws import session as aws_session
from components.approval.iam_policies import operator_policy
from components.approval.names import OPERATOR_POLICY_NAME, TOPIC_NAME
from components.just_in_time.documents import policy_documents
from components.just_in_time.names import TOKEN_ROLE
from components.just_in_time.settings import JustInTimeSettings
from operations.cli import app
from operations.command_line import CommandContext
from operations.connect import command as connect_command
from operations.stack import StackConfiguration
from tests.components.approval.workflow import ACCOUNT, PLACE, REGIONS, Workflow, only
from tests.components.just_in_time.examples import approval, auto, level, manual
from tests.support.emulator import Emulator, reset
from tests.support.identity_center import IdentityCenter

OLIVIA, ANTON = ("Operator", "olivia"), ("Approver", "anton")


class People(Workflow):
    """The workflow, and its commands as people run them."""

    def __init__(self, client: Callable[..., Any], endpoint: str, **changes: Any) -> None:
        super().__init__(client, endpoint, **changes)
        self.keys: dict[tuple[str, str], str] = {}
        self.outputs: dict[str, Any] = {
            "approval": {
                "mode": str(self.settings.mode),
                "runbookName": "AllowStartSsmSession",
                "changeTemplateName": "AllowSsmSessionStartTemplate",
                "topicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:{TOPIC_NAME}",
                "roleArn": PLACE.role_arn,
            },
            "regions": REGIONS,
        }
        self.configuration = StackConfiguration(name="dev", values={})
        self.pause: Callable[[float], None] = self.rest
        self.node = self.instance()
        self.client("ec2").create_tags(Resources=[self.node], Tags=[{"Key": "Name", "Value": "app-1"}])
        document = json.dumps(operator_policy(PLACE, session_data_encryption=True))
        made = self.iam.create_policy(PolicyName=OPERATOR_POLICY_NAME, PolicyDocument=document)["Policy"]["Arn"]
        for role in ("Operator", "Second"):
            self.iam.attach_role_policy(RoleName=role, PolicyArn=made)
        self.iam.attach_user_policy(UserName="alice", PolicyArn=made)

    def configure(self, values: dict[str, str]) -> None:
        self.configuration = StackConfiguration(name="dev", values=values)

    def rest(self, _seconds: float) -> None:
        """Wait until every execution waits for a decision or has ended, so that the number of polls does not vary."""
        time.sleep(0.05)
        deadline = time.monotonic() + 60
        while any(map(_is_at_work, self.ssm.describe_automation_executions()["AutomationExecutionMetadataList"])):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def command(self, *arguments: str, by: tuple[str, str] | str = OLIVIA, answer: str | None = None) -> Result:
        """As on a terminal of 110 columns that shows no colors; `by` is a role and a session, or an access key."""
        context = CommandContext(
            read_stack=lambda _directory, _name: self.configuration,
            read_outputs=lambda _directory, _name: self.outputs,
            pause=self.pause,
        )
        key = by if isinstance(by, str) else self.key_of(*by)
        environment = {"COLUMNS": "110", "TERM": "dumb", "AWS_ACCESS_KEY_ID": key}
        return CliRunner().invoke(app, list(arguments), obj=context, env=environment, input=answer)

    def refusal(self, *arguments: str, code: int = 1, **options: Any) -> str:
        """Run a command that ends with an exit code and prints nothing; return its message."""
        result = self.command(*arguments, **options)
        assert (result.exit_code, result.stdout) == (code, "")
        return result.stderr

    def key_of(self, role: str, session: str) -> str:
        if (role, session) in self.keys:
            return self.keys[role, session]
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
        return self.keys.setdefault((role, session), given["AccessKeyId"])

    def requested(self, instance: str, *more: str, **options: Any) -> str:
        """The run of a request that waits for approval."""
        result = self.command("request", instance, "--reason", "Disk is full", "--json", *more, **options)
        assert result.exit_code == 0, result.output
        run = json.loads(result.stdout)["run"]
        self.until(run, lambda found: found["AutomationExecutionStatus"] in ("Waiting", "PendingApproval"))
        return run

    def status(self, *arguments: str) -> dict[str, Any]:
        return json.loads(self.command("status", "--json", *arguments).stdout)


class JustInTime(People):
    """People who request and approve by just-in-time node access, on the node `db-1`; `app-1` has no approval policy."""

    def __init__(self, client: Callable[..., Any], endpoint: str) -> None:
        super().__init__(client, endpoint)
        self.outputs = {"approval": {"mode": "just-in-time"}, "regions": REGIONS}
        self.iam.create_role(RoleName=TOKEN_ROLE, AssumeRolePolicyDocument=only("other"))
        self.iam.attach_role_policy(
            RoleName=TOKEN_ROLE, PolicyArn="arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenPolicy"
        )
        requests = {"Action": ["ssm:StartAccessRequest", "ssm:GetAccessToken"], "Effect": "Allow", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [requests]})
        self.iam.put_role_policy(RoleName="Operator", PolicyName="Request", PolicyDocument=policy)
        center = IdentityCenter(client)
        self.approvers, self.oncall = center.group("approvers"), center.group("oncall")
        for name, group in (("anton", self.approvers), ("olivia", self.approvers), ("carol", self.oncall)):
            center.user(name, group)
        reserved = center.assign("Nodes", self.oncall, Action=requests["Action"], Resource="*")
        path = self.iam.get_role(RoleName=reserved)["Role"]["Arn"].split(":role/")[1]
        self.anton, self.olivia, self.carol = ((path, name) for name in ("anton", "olivia", "carol"))
        self.database = self.instance()
        self.tag_node(self.database, Name="db-1", Tier="database")
        self.publish_policies()

    def tag_node(self, node: str, **tags: str) -> None:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.client("ec2").create_tags(Resources=[node], Tags=given)

    def publish_policies(self, *more: dict[str, Any]) -> None:
        policies = [manual(levels=[level(self.approvers)], accessDurationHours=4), *more]
        section = approval(policies, [auto(groups=[self.oncall])])["justInTime"]
        for each in policy_documents(JustInTimeSettings.model_validate(section)):
            with suppress(self.ssm.exceptions.DocumentAlreadyExists):
                self.ssm.create_document(Name=each.name, DocumentType=each.type, Content=json.dumps(each.content))

    def access_request(self, by: tuple[str, str] = OLIVIA, node: str = "db-1") -> str:
        """The ID of an access request that waits for its approvers."""
        result = self.command("request", node, "--reason", "Disk is full", "--json", by=by)
        assert result.exit_code == 0, result.output
        self.rest(0)
        return json.loads(result.stdout)["run"]

    def approved(self, by: tuple[str, str] = OLIVIA) -> str:
        found = self.access_request(by)
        result = self.command("approve", found, "--yes", by=self.anton)
        assert result.exit_code == 0, result.output
        return found


def _is_at_work(run: dict[str, Any]) -> bool:
    return run["AutomationExecutionStatus"] in ("Pending", "InProgress") and (
        run.get("CurrentStepName") != "WaitForValidity"
    )


@cache
def shared_session() -> boto3.Session:
    return boto3.Session(region_name="eu-west-1")


@cache
def made(service: str, region: str, endpoint: str, key: str) -> Any:
    return shared_session().client(
        service, region, endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key="local"
    )


class OwnSession:
    """Makes clients with the credentials of the environment, from models that are loaded once."""

    @staticmethod
    def get_config_variable(_name: str) -> str:
        return "eu-west-1"

    @staticmethod
    def create_client(service: str, *, region_name: str, **options: Any) -> Any:
        del options
        return made(service, region_name, os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"])


@pytest.fixture
def clients(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes clients of an empty account, which the commands use, too."""
    reset(emulator.endpoint_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    monkeypatch.setattr(aws_session.AwsClients, "_base_session", lambda _: OwnSession())

    def client(service: str, region: str = "eu-west-1", account: str = "local") -> Any:
        return made(service, region, emulator.endpoint_url, account)

    return client


@pytest.fixture
def workflow(clients: Callable[..., Any], emulator: Emulator) -> Callable[..., People]:
    """Makes a workflow: `workflow(mode="change-manager")`."""
    return lambda **changes: People(clients, emulator.endpoint_url, **changes)


@pytest.fixture
def access(clients: Callable[..., Any], emulator: Emulator) -> JustInTime:
    return JustInTime(clients, emulator.endpoint_url)


@pytest.fixture
def people(workflow: Callable[..., People]) -> People:
    return workflow()


@pytest.fixture
def aws_cli(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Command line that `connect` passes to the AWS CLI, and environment variables with credentials."""
    given: dict[str, str] = {}

    def run(arguments: list[str], credentials: Mapping[str, str] | None = None) -> int:
        given.update(credentials or {}, command=" ".join(arguments))
        return 0

    monkeypatch.setattr(connect_command, "run_program", run)
    monkeypatch.setattr(connect_command, "missing_programs", list)
    return given
