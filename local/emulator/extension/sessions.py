"""Sessions of Session Manager. Only these calls of the local AWS, and access requests, evaluate IAM permissions.

No node is connected to a session: the response has the values with which a client would open its channel.

Sources, under https://docs.aws.amazon.com/systems-manager/latest/APIReference/: API_StartSession, API_TerminateSession,
API_ResumeSession, API_DescribeSessions, API_Session; User Guide, "Start a session with a document by specifying the
session documents in IAM policies" and "Additional sample IAM policies for Session Manager".
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from moto.core.responses import ActionResult
from moto.ssm.exceptions import AccessDeniedException, InvalidDocument, InvalidFilterKey, SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from common.iam.context import Value, known
from components.just_in_time.names import TOKEN_ROLE
from local.emulator.extension import nodes
from local.emulator.extension.callers import PARTITION, CallerIdentity, caller_of
from local.emulator.extension.paging import page

DEFAULT_DOCUMENT: Final = "SSM-SessionManagerRunShell"
PAGE: Final = 50
_KEPT: Final = "_local_sessions"
_FILTERS: Final = ("Target", "Owner", "SessionId", "Status", "InvokedAfter", "InvokedBefore", "AccessType")
_CHECK: Final = "ssm:SessionDocumentAccessCheck"


@dataclass
class Session:
    """One session.

    Attributes:
        id: Session ID: the caller's name and a random suffix.
        owner: ARN of the principal that started it.
        user_id: Unique ID of that principal; Session Manager tags the session with it.
        started: Start time.
        ended: End time; None while it is active.
    """

    id: str
    target: str
    owner: str
    user_id: str
    document: str
    reason: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None

    def shown(self) -> dict[str, Any]:
        """API_Session."""
        shown: dict[str, Any] = {
            "SessionId": self.id,
            "Target": self.target,
            "Status": "Terminated" if self.ended else "Connected",
            "StartDate": self.started,
            "Owner": self.owner,
            "DocumentName": self.document,
            "AccessType": "JustInTime" if f":assumed-role/{TOKEN_ROLE}/" in self.owner else "Standard",
        }
        shown |= {"Reason": self.reason} if self.reason else {}
        return {**shown, "EndDate": self.ended} if self.ended else shown


class SessionActions(SimpleSystemManagerResponse):
    """Actions that moto lacks."""

    def start_session(self) -> ActionResult:
        """API_StartSession: needs permission on the node, and on the document if named or if a policy needs it."""
        caller, target, named = self._session_caller(), str(self._get_param("Target")), self._get_param("DocumentName")
        self._check_start(caller, target, named)
        document = str(named or DEFAULT_DOCUMENT).rsplit("document/", 1)[-1]
        if named and document not in vars(self.ssm_backend)["_documents"] and not document.startswith("AWS-"):
            raise InvalidDocument(f"Document with name {document} does not exist.")
        instance = self._node(target)
        if instance is None or not nodes.is_online(instance):
            raise SSMException("TargetNotConnected", f"{target} is not connected.")
        session = Session(
            id=f"{caller.name}-{secrets.token_hex(9)[:17]}",
            target=target,
            owner=caller.arn,
            user_id=caller.user_id,
            document=document,
            reason=str(self._get_param("Reason") or ""),
        )
        self._sessions()[session.id] = session
        return ActionResult(self._channel(session))

    def resume_session(self) -> ActionResult:
        session = self._session("ssm:ResumeSession")
        return ActionResult(self._channel(session))

    def terminate_session(self) -> ActionResult:
        session = self._session("ssm:TerminateSession")
        session.ended = session.ended or datetime.now(UTC)
        return ActionResult({"SessionId": session.id})

    def describe_sessions(self) -> ActionResult:
        """API_DescribeSessions: newest first, in pages; permissions are not evaluated."""
        filters = cast("list[dict[str, str]]", self._get_param("Filters") or [])
        unknown = [each["key"] for each in filters if each["key"] not in _FILTERS]
        if unknown:
            raise InvalidFilterKey(f"The local AWS does not filter sessions by {', '.join(unknown)}.")
        ended = self._get_param("State") == "History"
        shown = [each.shown() for each in reversed(self._sessions().values()) if bool(each.ended) == ended]
        chosen = [each for each in shown if all(_is_chosen(each, one["key"], one["value"]) for one in filters)]
        listed, more = page(chosen, int(self._get_param("MaxResults") or PAGE), self._get_param("NextToken"))
        return ActionResult({"Sessions": listed, **more})

    def _check_start(self, caller: CallerIdentity, target: str, named: str | None) -> None:
        """Check permissions on the node and the document, which are two resources; both must be allowed.

        AWS does not document in full how `ssm:SessionDocumentAccessCheck` is set: here it is true if the caller may use
        the document (the default document if none is named). If no policy has that key, the default document is not
        evaluated.
        """
        document = self._document_arn(named or DEFAULT_DOCUMENT)
        refused = caller.refusal("ssm:StartSession", document, {**self._request(), _CHECK: known("true")})
        if named and refused:
            raise AccessDeniedException(refused)
        instance = self._node(target)
        node = nodes.node_arn(f"{self.region}:{self.current_account}", target)
        checked = {**self._request(), _CHECK: known("false" if refused else "true"), **_tags(instance)}
        denied = caller.refusal("ssm:StartSession", node, checked)
        if denied:
            raise AccessDeniedException(denied)

    def _session(self, action: str) -> Session:
        """Return the session in the request, after checking the caller's permission."""
        caller, session_id = self._session_caller(), str(self._get_param("SessionId"))
        session = self._sessions().get(session_id)
        keys = self._request()
        if session:
            keys |= _tagged(
                {"aws:ssmmessages:session-id": session.user_id, "aws:ssmmessages:target-id": session.target}
            )
        arn = f"arn:{PARTITION}:ssm:{self.region}:{self.current_account}:session/{session_id}"
        refused = caller.refusal(action, arn, keys)
        if refused:
            raise AccessDeniedException(refused)
        if session is None:
            raise SSMException("DoesNotExistException", f"Session {session_id} does not exist.")
        return session

    def _channel(self, session: Session) -> dict[str, str]:
        host = f"ssmmessages.{self.region}.amazonaws.com"
        return {
            "SessionId": session.id,
            "TokenValue": secrets.token_urlsafe(96),
            "StreamUrl": f"wss://{host}/v1/data-channel/{session.id}?role=publish_subscribe",
        }

    def _node(self, target: str) -> Any:
        managed = nodes.managed_instances(self.current_account, self.region)
        return next((instance for instance in managed if instance.id == target), None)

    def _document_arn(self, name: str) -> str:
        """Return the ARN; documents of AWS have no account (Service Authorization Reference, AWS Systems Manager)."""
        if name.startswith("arn:"):
            return name
        account = "" if name.startswith("AWS-") else self.current_account
        return f"arn:{PARTITION}:ssm:{self.region}:{account}:document/{name}"

    def _request(self) -> dict[str, Value]:
        return {"aws:RequestedRegion": known(self.region)}

    def _session_caller(self) -> CallerIdentity:
        return caller_of(self.current_account, self.get_access_key())

    def _sessions(self) -> dict[str, Session]:
        """Return the sessions, which are stored with moto's state, so that a reset deletes them."""
        return vars(self.ssm_backend).setdefault(_KEPT, {})


def _is_chosen(session: dict[str, Any], key: str, value: str) -> bool:
    """API_SessionFilter."""
    if key in ("InvokedAfter", "InvokedBefore"):
        time = datetime.fromisoformat(value)
        return session["StartDate"] > time if key == "InvokedAfter" else session["StartDate"] < time
    return session[key] == value


def _tags(instance: Any) -> dict[str, Value]:
    if instance is None:
        return {}
    return _tagged({tag["key"]: tag["value"] for tag in instance.get_tags()})


def _tagged(tags: dict[str, str]) -> dict[str, Value]:
    """Return the tags of a resource as condition keys."""
    return {
        f"{prefix}/{key}": known(value)
        for key, value in tags.items()
        for prefix in ("aws:ResourceTag", "ssm:resourceTag")
    }
