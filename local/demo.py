"""Demonstration of one granted and one refused request on the local AWS, with a check of each step.

It uses the functions behind `python -m operations request|approve|status`, and sessions of the seeded roles. Only
`StartSession` and the other session actions evaluate IAM permissions here; the rest of the local AWS allows everything.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.text import Text

from components.approval.names import EVIDENCE_DATABASE, TAG_KEY, TRAIL_TABLE
from components.approval.settings import Mode, Trail
from local.aws import wake
from local.dev import STACK, Dev, StepError
from local.emulator.fixtures import NODES, PERSON_ROLES, TRAIL_BUCKET, TRAIL_PREFIX
from operations.approval import executions
from operations.approval.lookups import read_tags
from operations.approval.output import print_request, requests_table, start_command
from operations.approval.requests import ApprovalRequest, RequestState
from operations.approval.session import ApprovalSession, CallError, session_of, workflow_of
from operations.errors import UnusableError
from operations.evidence.findings import Context
from operations.evidence.live import People, RecordedAccount, node_names, read_account
from operations.evidence.output import tables
from operations.evidence.queries import read_trail_bucket
from operations.evidence.report import report
from operations.inventory.reader import ReadFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from operations.approval.session import Workflow
    from operations.evidence.records import Records

_TIMEOUT_SECONDS: Final = 60
_POLL_INTERVAL_SECONDS: Final = 0.1
_DENIED: Final = "AccessDeniedException"
_REQUESTED, _GRANTED = "Automation approval request", "Session request granted"
_ENDED, _NOT_GRANTED = "Session grant ended", "Session request not granted"

_INTRODUCTION: Final = """\
The demonstration runs on the local AWS, which evaluates IAM policies for session actions only, in the same way as
`python -m operations audit`."""


class DemoError(StepError):
    """Error of a step with an unexpected result, which the message describes."""


_CREATING: Final = Lock()
"""Lock for creating clients of one session, which is not thread-safe; using them is."""


@cache
def _session() -> Any:
    """Return the shared session, which caches the service models; credentials are passed to each client."""
    return boto3.Session()


@dataclass(frozen=True)
class PrincipalClients:
    """Clients of the local AWS with the credentials of one principal: API_Credentials of STS."""

    credentials: Mapping[str, Any]
    endpoint: str
    _created: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    def client(self, service: str, region: str) -> Any:
        """Return a client of a service in a Region."""
        with _CREATING:
            if (service, region) not in self._created:
                self._created[service, region] = _session().client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=self.credentials["AccessKeyId"],
                    aws_secret_access_key=self.credentials["SecretAccessKey"],
                    aws_session_token=self.credentials["SessionToken"],
                )
            return self._created[service, region]


def demo(dev: Dev) -> None:
    """Play both requests on the deployed stack.

    Raises:
        StepError: The stack is not deployed, or a step has an unexpected result.
    """
    endpoint = dev.endpoint_url()
    try:
        workflow = workflow_of(dev.outputs(), STACK)
    except UnusableError as problem:
        raise StepError(str(problem)) from None
    play(endpoint, workflow, Console(highlight=False))


def play(endpoint: str, workflow: Workflow, console: Console) -> None:
    """Play both requests; the stack is unchanged afterwards.

    Raises:
        DemoError: A step has an unexpected result.
    """
    with ExitStack() as afterwards:
        try:
            _Demo(endpoint, workflow, console, afterwards).run()
        except (CallError, ClientError) as failed:
            raise DemoError(f"A call failed: {failed}") from failed


class _Demo:
    """Steps of the two requests."""

    def __init__(self, endpoint: str, workflow: Workflow, console: Console, afterwards: ExitStack) -> None:
        self._endpoint, self._workflow, self._console, self._afterwards = endpoint, workflow, console, afterwards
        self._steps = 0
        # Events have whole seconds.
        self._begun, self._sessions = datetime.now(UTC).replace(microsecond=0), list[str]()
        local = {"AccessKeyId": "local", "SecretAccessKey": "local", "SessionToken": None}
        self._all = PrincipalClients(local, endpoint)
        self._operator, self._approver = self._session_of("Operator"), self._session_of("Approver")
        self._principal = executions.requested_principal(self._operator.identity.arn)
        self._instance, self._other = self._instances()

    def run(self) -> None:
        self._check_no_open_request()
        self._console.print(Text(_INTRODUCTION))
        messages = self._subscribe()
        self._before_approval()
        granted = self._granted_request()
        self._start_session(granted)
        self._end_grant(granted)
        self._refused_request()
        self._check_messages(messages)
        self._check_evidence()
        self._console.print(Text("\nAll checks passed. The stack is unchanged.", style="bold"))

    def _check_no_open_request(self) -> None:
        known = executions.list_requests(self._operator, ended=0)
        mine = [each for each in known if each.state.is_open and each.principal == self._principal]
        if mine:
            raise DemoError(
                f"{self._principal} has an open request ({mine[0].id}, {mine[0].state}): wait for its end, or end it with "
                f"aws ssm stop-automation-execution --automation-execution-id {mine[0].id} --type Cancel"
            )

    def _before_approval(self) -> None:
        self._step("Before the approval")
        self._check_tag(None)
        self._check_denied(self._instance, "no session for the operator")

    def _granted_request(self) -> ApprovalRequest:
        self._step("The operator requests a session, the approver approves it")
        request = self._request("Disk is full")
        self._show_command(self._approver, f"python -m operations approve {request.id} --comment 'Go ahead'")
        print_request(self._console, executions.find_request(self._approver, request.id), _now())
        executions.decide(self._approver, request, approve=True, comment="Go ahead")
        granted = self._follow(request, executions.is_settled)
        self._check(granted.state is RequestState.GRANTED, "the request is granted")
        self._check_tag(self._instance)
        self._show_command(self._operator, "python -m operations status")
        self._console.print(
            requests_table(
                executions.list_requests(self._operator, ended=0), _now(), f"Requests in {self._operator.scope}"
            )
        )
        return granted

    def _start_session(self, granted: ApprovalRequest) -> None:
        self._step("A session, on that instance and on no other")
        self._show_command(self._operator, start_command(granted))
        session, refusal = self._start(self._instance)
        self._check(session is not None, f"the session starts: {session}", refusal)
        self._sessions.append(str(session))
        self._check_denied(self._other, "not on another instance")
        self._check_denied(self._instance, "not with another document", document="AWS-StartPortForwardingSession")
        ssm = self._operator.clients.client("ssm", self._workflow.region)
        self._check_refused(lambda: ssm.resume_session(SessionId=session), "no session is ever resumed")
        ended = ssm.terminate_session(SessionId=session)["SessionId"]
        self._check(ended == session, "the operator ends the session")

    def _end_grant(self, granted: ApprovalRequest) -> None:
        self._step("The grant expires (the local AWS skips the wait)")
        run = granted.grant_id or granted.id
        over = self._follow(granted, lambda each: not each.state.is_open, lambda: wake(self._endpoint, run))
        self._check(over.state is RequestState.ENDED, "the grant has ended")
        self._check_tag(None)
        self._check_denied(self._instance, "no further session")

    def _refused_request(self) -> None:
        self._step("A second request: not approved by its requester, and then rejected")
        request = self._request("Just looking")
        self._show_command(self._operator, f"python -m operations approve {request.id}")
        try:
            executions.decide(self._operator, request, approve=True)
        except executions.OwnRequestError as refused:
            self._check(True, str(refused))
        else:
            raise DemoError("Not as expected: the operator was able to approve their own request.")
        ssm = self._operator.clients.client("ssm", self._workflow.region)
        self._check_refused(
            lambda: ssm.send_automation_signal(AutomationExecutionId=request.id, SignalType="Approve"),
            "AWS refuses the operator as well",
            code="InvalidAutomationSignalException",
        )
        self._show_command(
            self._approver, f"python -m operations approve {request.id} --reject --comment 'Looking is no reason'"
        )
        executions.decide(self._approver, request, approve=False, comment="Looking is no reason")
        rejected = self._follow(request, lambda each: not each.state.is_open and each.ended_at is not None)
        self._check(
            rejected.state is RequestState.REJECTED and "Looking is no reason" in rejected.detail,
            f"the request is {rejected.state}, {rejected.detail}",
        )
        self._check_tag(None)
        self._check_denied(self._instance, "no session")

    def _check_messages(self, messages: Callable[[], list[tuple[str, str]]]) -> None:
        self._step("Notifications of the topic")
        published = messages()
        for subject, text in published:
            self._console.print(Text.assemble((f"   {subject}: ", "bold"), text), soft_wrap=True)
        # A rejected change request ends before the runbook could send a message.
        last = [_NOT_GRANTED] if self._workflow.mode is Mode.AUTOMATION else []
        expected = [_REQUESTED, _GRANTED, _ENDED, _REQUESTED, *last]
        found = [subject for subject, _ in published]
        self._check(found == expected, "each request, grant, refusal and end was published", f"published: {found}")

    def _check_evidence(self) -> None:
        self._step("Evidence: the session with its approval, and the attempts that AWS refused")
        self._console.print(Text("   auditor $ python -m operations evidence --stack dev --from 1h", style="cyan"))
        now = datetime.now(UTC)
        account = RecordedAccount(
            clients=self._all,
            identity=self._operator.identity,
            regions=(self._workflow.region,),
            workflow_region=self._workflow.region,
            preferences={},
            since=self._begun,
            until=now + timedelta(seconds=1),
            now=now,
            pause=lambda _seconds: None,
            progress=lambda _line: None,
        )
        records = read_account(account)
        facts = Context(now=now, since=account.since, until=account.until)
        facts = replace(facts, person_of=People(account).person_of, node_names=node_names(account, records)[0])
        made = report(records, facts)
        for table in tables(made):
            self._console.print(table)
        approver = self._approver.identity.arn
        rows = [row for row in made.sessions if row.start and row.start.id in self._sessions]
        found = [(row.person, row.grant.approvers if row.grant else (), row.findings) for row in rows]
        expected = [(PERSON_ROLES["Operator"], (approver,), ())]
        self._check(found == expected, "the session has a person, an approver and no finding", f"found: {found}")
        refused = [row for row in made.rows if row.start and row.start.error]
        self._check(bool(refused), f"{len(refused)} refused attempts are in the report", "none is")
        known = all(row.grant and row.grant.approvers for row in made.sessions)
        self._check(known, "no session is in the report that no approver knows of")
        self._check_trail(account, records)

    def _check_trail(self, account: RecordedAccount, known: Records) -> None:
        """Read the same events from the trail of the organization, where the stack has a table of its log files."""
        table = account.reader(account.workflow_region).read(
            "glue", "get_table", absent=("EntityNotFoundException",), DatabaseName=EVIDENCE_DATABASE, Name=TRAIL_TABLE
        )
        if table is None:
            return
        self._console.print(
            Text("   auditor $ python -m operations evidence --stack dev --athena --from 1h", style="cyan")
        )
        trail = Trail(bucket=TRAIL_BUCKET.name, prefix=TRAIL_PREFIX)
        found = read_trail_bucket(account, trail, [account.identity.account_id])
        self._console.print(Text(f"     {found.sources[0].name}: {found.sources[0].note}", style="dim"), soft_wrap=True)
        expected = sorted((each.id, each.at) for each in known.starts if each.in_trail)
        self._check(
            sorted((each.id, each.at) for each in found.starts) == expected,
            f"the organization's trail, queried with Athena, has the same {len(expected)} sessions and attempts",
            f"problems: {[each.problem for each in found.sources]}",
        )

    def _request(self, reason: str) -> ApprovalRequest:
        self._show_command(self._operator, f"python -m operations request {self._instance} --reason '{reason}'")
        run = executions.submit_request(
            self._operator, executions.NewRequest(principal=self._principal, instance=self._instance, reason=reason)
        )
        self._afterwards.callback(self._stop, run)
        request = self._follow(executions.find_request(self._operator, run), lambda _: self._is_waiting(run))
        self._check(True, f"the request waits for approval: {run}")
        return request

    def _start(self, instance: str, document: str = "") -> tuple[str | None, str]:
        """Return the session, or the reason that there is none."""
        more = {"DocumentName": document} if document else {}
        ssm = self._operator.clients.client("ssm", self._workflow.region)
        try:
            session = str(ssm.start_session(Target=instance, **more)["SessionId"])
        except ClientError as refused:
            error = refused.response.get("Error", {})
            return None, f"{error.get('Code')}: {error.get('Message')}"
        self._afterwards.callback(self._all.client("ssm", self._workflow.region).terminate_session, SessionId=session)
        return session, ""

    def _check_denied(self, instance: str, what: str, document: str = "") -> None:
        session, refusal = self._start(instance, document)
        self._check(refusal.startswith(_DENIED), what, refusal or f"the session {session} was started")
        self._console.print(Text(f"     {refusal}", style="dim"), soft_wrap=True)

    def _check_refused(self, call: Callable[[], Any], what: str, code: str = _DENIED) -> None:
        try:
            call()
        except ClientError as refused:
            found = refused.response.get("Error", {}).get("Code")
            self._check(found == code, what, f"{found}, not {code}")
        else:
            raise DemoError(f"Not as expected: {what}. It was allowed.")

    def _check_tag(self, instance: str | None) -> None:
        tags = read_tags(ApprovalSession(workflow=self._workflow, clients=self._all, identity=self._operator.identity))
        if isinstance(tags, ReadFailure):
            raise DemoError(f"Cannot read the tags: {tags.cause}")
        found = next((tag.value for tag in tags if tag.principal == self._principal), None)
        state = f"names {instance}" if instance else "is not set"
        self._check(found == instance, f"the tag {TAG_KEY} of {self._principal} {state}", f"found: {found}")

    def _check(self, so: bool, what: str, otherwise: str = "") -> None:  # noqa: FBT001 -- an assertion
        if not so:
            raise DemoError(f"Not as expected: {what}. {otherwise}".rstrip())
        self._console.print(Text.assemble(("   ✓ ", "bold green"), what), soft_wrap=True)

    def _step(self, title: str) -> None:
        self._steps += 1
        self._console.print(Text(f"\n{self._steps}. {title}", style="bold"))

    def _show_command(self, session: ApprovalSession, command: str) -> None:
        who = session.identity.arn.split("/", 1)[-1]
        self._console.print(Text.assemble(("   ", ""), (f"{who} $ ", "cyan"), command), soft_wrap=True)

    def _follow(
        self,
        request: ApprovalRequest,
        until: Callable[[ApprovalRequest], bool],
        meanwhile: Callable[[], object] = lambda: None,
    ) -> ApprovalRequest:
        """Follow a request like `request --wait`; call `meanwhile` repeatedly."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS

        def pause(_seconds: float) -> None:
            if time.monotonic() > deadline:
                raise DemoError(f"Request {request.id} made no progress in {_TIMEOUT_SECONDS} seconds.")
            meanwhile()
            time.sleep(_POLL_INTERVAL_SECONDS)

        return executions.poll_request(lambda: executions.find_request(self._operator, request.id), pause, until)

    def _is_waiting(self, run: str) -> bool:
        """Return whether the first step waits for an answer, which takes a moment after the start."""
        return executions.get_execution(self._operator, run)["AutomationExecutionStatus"] in (
            "Waiting",
            "PendingApproval",
        )

    def _stop(self, run: str) -> None:
        """Stop an execution that is still open, and so end its grant."""
        request = executions.find_request(self._operator, run)
        if request.state.is_open:
            ssm = self._all.client("ssm", self._workflow.region)
            ssm.stop_automation_execution(AutomationExecutionId=request.grant_id or run, Type="Cancel")

    def _session_of(self, role: str) -> ApprovalSession:
        """Return the context of the only user that may assume a role."""
        sts = self._all.client("sts", self._workflow.region)
        arn = f"arn:aws:iam::{sts.get_caller_identity()['Account']}:role/{role}"
        given = sts.assume_role(RoleArn=arn, RoleSessionName=PERSON_ROLES[role])["Credentials"]
        return session_of(self._workflow, PrincipalClients(given, self._endpoint))

    def _instances(self) -> tuple[str, str]:
        """Return two of the seeded instances."""
        ec2 = self._all.client("ec2", self._workflow.region)
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        pages = ec2.get_paginator("describe_instances").paginate(Filters=running)
        found = {
            tag["Value"]: each["InstanceId"]
            for page in pages
            for reserved in page["Reservations"]
            for each in reserved["Instances"]
            for tag in each.get("Tags", [])
            if tag["Key"] == "Name"
        }
        own, other = (each.name for each in NODES[:2])
        if not {own, other} <= found.keys():
            raise DemoError(f"{own} and {other} are not in {self._workflow.region}. Start with: make up")
        return found[own], found[other]

    def _subscribe(self) -> Callable[[], list[tuple[str, str]]]:
        """Subscribe to the topic, and return a function that returns subjects and texts so far."""
        sns, sqs = (self._all.client(name, self._workflow.region) for name in ("sns", "sqs"))
        queue = sqs.create_queue(QueueName="shell-access-demo")["QueueUrl"]
        self._afterwards.callback(sqs.delete_queue, QueueUrl=queue)
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self._operator.place.topic_arn
        subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
        self._afterwards.callback(sns.unsubscribe, SubscriptionArn=subscription)

        def messages() -> list[tuple[str, str]]:
            bodies: list[dict[str, str]] = []
            while True:
                received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
                for message in received:
                    bodies.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                if not received:
                    return [(each["Subject"], each["Message"]) for each in sorted(bodies, key=_time)]

        return messages


def _time(message: dict[str, str]) -> str:
    return message["Timestamp"]


def _now() -> datetime:
    return datetime.now().astimezone()
