"""CloudTrail events of a made-up account, in the form that AWS documents.

Sources: CloudTrail User Guide, "CloudTrail record contents"; Systems Manager User Guide, "Logging AWS Systems Manager API
calls with AWS CloudTrail".
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from components.approval.names import CHANGE_TEMPLATE_NAME, ROLE_NAME, RUNBOOK_NAME, TAG_KEY

ACCOUNT = "111122223333"
NODE = "i-0123456789abcdef0"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
OLIVIA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
WORKFLOW = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE_NAME}/Automation"


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@dataclass
class History:
    """Events in the order in which they were added."""

    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _count: int = 0

    def add(self, source: str, name: str, caller: str, at: datetime, **given: Any) -> dict[str, Any]:
        identity: dict[str, Any] = {"type": "AssumedRole", "arn": caller, "accountId": ACCOUNT}
        identity["sessionContext"] = {
            "attributes": {"mfaAuthenticated": "true", "creationDate": "2026-11-01T00:00:00Z"}
        }
        event = {
            "eventVersion": "1.11",
            "userIdentity": identity,
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1" if source == "iam" else "eu-west-1",
            "sourceIPAddress": "192.0.2.10",
            "requestParameters": None,
            "responseElements": None,
            "eventType": "AwsApiCall",
            "recipientAccountId": ACCOUNT,
            **given,
        }
        self.events.append(event)
        return event

    def start(self, at: datetime, who: str = OLIVIA, node: str = NODE, **given: Any) -> str:
        self._count += 1
        session = f"{who.rsplit('/', 1)[-1]}-{self._count:017x}"
        asked = {"target": node, "reason": "Disk is full", **given}
        answer = {"sessionId": session, "tokenValue": "Value hidden due to security reasons.", "streamUrl": "wss://..."}
        self.add("ssm", "StartSession", who, at, requestParameters=asked, responseElements=answer)
        return session

    def refuse(self, at: datetime, who: str = OLIVIA, node: str = NODE) -> None:
        asked = {"target": node}
        self.add("ssm", "StartSession", who, at, requestParameters=asked, errorCode="AccessDenied", errorMessage="no")

    def end(self, session: str, at: datetime, who: str = OLIVIA) -> None:
        self.add("ssm", "TerminateSession", who, at, requestParameters={"sessionId": session})

    def request(
        self, at: datetime, who: str = OLIVIA, node: str = NODE, reason: str = "Ticket 4711", **given: str
    ) -> str:
        self._count += 1
        run = f"{self._count:08x}-0000-4000-8000-000000000000"
        kind, name = given.get("principal", "role/Operator").split("/")
        parameters = {"InstanceId": [node], "PrincipalType": [kind], "PrincipalName": [name], "Reason": [reason]}
        answer = {"automationExecutionId": run}
        if given.get("mode") == "change-manager":
            asked: dict[str, Any] = {
                "documentName": CHANGE_TEMPLATE_NAME,
                "runbooks": [{"documentName": RUNBOOK_NAME, "parameters": parameters}],
            }
            self.add("ssm", "StartChangeRequestExecution", who, at, requestParameters=asked, responseElements=answer)
            return run
        asked = {"documentName": RUNBOOK_NAME, "parameters": parameters}
        self.add("ssm", "StartAutomationExecution", who, at, requestParameters=asked, responseElements=answer)
        return run

    def decide(self, run: str, at: datetime, who: str = ALICE, *, signal: str = "Approve") -> None:
        asked = {"automationExecutionId": run, "signalType": signal}
        self.add("ssm", "SendAutomationSignal", who, at, requestParameters=asked)

    def tag(self, at: datetime, node: str = NODE, who: str = WORKFLOW, principal: str = "role/Operator") -> None:
        kind, name = principal.split("/")
        asked = {f"{kind}Name": name, "tags": [{"key": TAG_KEY, "value": node}]}
        self.add("iam", f"Tag{kind.title()}", who, at, requestParameters=asked)

    def untag(self, at: datetime, who: str = WORKFLOW, principal: str = "role/Operator") -> None:
        kind, name = principal.split("/")
        self.add("iam", f"Untag{kind.title()}", who, at, requestParameters={f"{kind}Name": name, "tagKeys": [TAG_KEY]})

    def grant(self, begin: float = 2, end: float = 12, node: str = NODE) -> str:
        """Add a request at noon that is approved after a minute."""
        run = self.request(after(0), node=node)
        self.decide(run, after(1))
        self.tag(after(begin), node)
        self.untag(after(end))
        return run
