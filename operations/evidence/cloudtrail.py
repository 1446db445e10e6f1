"""CloudTrail events as records of evidence. Pure.

Sources: CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element"; Systems Manager User
Guide, "Logging AWS Systems Manager API calls with AWS CloudTrail".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME, TAG_KEY
from components.just_in_time.names import TOKEN_ROLE
from operations.evidence.records import (
    Caller,
    RecordedDecision,
    Records,
    Request,
    SessionEnd,
    SessionKind,
    SessionStart,
    TagChange,
)
from operations.principals import GrantedPrincipal, principal_of

Event = Mapping[str, Any]

_FORWARDING: Final = ("AWS-StartPortForwardingSession", "AWS-StartSSHSession")
_COMMANDS: Final = ("AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand")
_TOKEN_ROLE: Final = GrantedPrincipal("role", TOKEN_ROLE)
REFUSED: Final = ("AccessDenied", "UnauthorizedOperation", "Client.UnauthorizedOperation")
"""Error codes of refused calls begin with one of these."""


ACCESS_EVENTS: Final = ("StartAccessRequest",)
"""Events of mode `just-in-time` only."""


def add_event(event: Event, records: Records) -> bool:
    """Add an event, in the form of log files and `CloudTrailEvent`, to the records, and return whether it is of interest."""
    read = _READERS.get((event.get("eventSource", ""), event.get("eventName", "")))
    return bool(read and read(event, records))


def event_names(source: str) -> list[str]:
    """Return the names of the events that are read of a service in every mode, such as `ssm.amazonaws.com`."""
    return [name for service, name in _READERS if service == source and name not in ACCESS_EVENTS]


def all_events() -> list[tuple[str, str]]:
    """Return the service and the name of all events that are read."""
    return list(_READERS)


def all_event_names() -> list[str]:
    """Return the names of all events that are read."""
    return [name for _, name in _READERS]


def kind_of(document: str) -> SessionKind:
    """Return the kind of a session by its document; `<name>-<suffix>` for a forwarding to a remote host."""
    name = document_name(document)
    if name.startswith(_FORWARDING):
        return SessionKind.FORWARDING
    return SessionKind.COMMAND if name in _COMMANDS else SessionKind.SHELL


def is_of_access_token(arn: str) -> bool:
    """Return whether a principal has the credentials of an access request: a session of the token role."""
    return _TOKEN_ROLE.is_same(principal_of(arn))


def document_name(document: str) -> str:
    """Return the name of a document that is named by name or by ARN."""
    return document.rsplit("document/", 1)[-1]


def _started(event: Event, records: Records) -> bool:
    asked, error = _given(event), str(event.get("errorCode") or "")
    if error and not error.startswith(REFUSED):
        return False
    document = document_name(str(asked.get("documentName") or ""))
    # CloudTrail may omit a response; the session counts all the same.
    session = _texts(event.get("responseElements")).get("sessionId") or event.get("eventID", "unknown")
    records.starts.append(
        SessionStart(
            **_place(event),
            id="" if error else str(session),
            node=str(asked.get("target") or ""),
            document=document,
            reason=str(asked.get("reason") or ""),
            kind=kind_of(document),
            error=error,
            is_just_in_time=is_of_access_token(_caller(event).arn),
        )
    )
    return True


def _connected(event: Event, records: Records) -> bool:
    asked, error = _given(event), str(event.get("errorCode") or "")
    if error and not error.startswith(REFUSED):
        return False
    answer = _texts(event.get("responseElements"))
    identifier = str(answer.get("connectionArn") or answer.get("connectionToken") or event.get("eventID") or "")
    node = str(asked.get("instanceId") or asked.get("InstanceId") or "")
    records.starts.append(
        SessionStart(
            **_place(event),
            id="" if error else identifier,
            node=node,
            kind=SessionKind.RDP,
            error=error,
            is_just_in_time=is_of_access_token(_caller(event).arn),
        )
    )
    return True


def _terminated(event: Event, records: Records) -> bool:
    session = _given(event).get("sessionId")
    if not session or event.get("errorCode"):
        return False
    records.ends.append(SessionEnd(id=str(session), at=_time(event), source="TerminateSession"))
    return True


def _requested(event: Event, records: Records) -> bool:
    asked = _given(event)
    if document_name(str(asked.get("documentName") or "")) != RUNBOOK_NAME:
        return False
    return _add_request(event, records, _texts(asked.get("parameters")), "automation")


def _access_requested(event: Event, records: Records) -> bool:
    request = str(_texts(event.get("responseElements")).get("accessRequestId") or "")
    if not request or event.get("errorCode"):
        return False
    asked, place = _given(event), _place(event)
    targets = [_lower(each) for each in cast("list[Event]", asked.get("targets") or [])]
    nodes = [str(value) for each in targets for value in cast("list[Any]", each.get("values") or [])]
    principal = principal_of(place["caller"].arn)
    records.requests.append(
        Request(
            id=request,
            account=place["account"],
            caller=place["caller"],
            at=place["at"],
            principal=f"{principal.kind}/{principal.name}" if principal else place["caller"].arn,
            node=nodes[0] if len(nodes) == 1 else "",
            reason=str(asked.get("reason") or ""),
            mode="just-in-time",
        )
    )
    return True


def _change_requested(event: Event, records: Records) -> bool:
    asked = _given(event)
    if document_name(str(asked.get("documentName") or "")) != CHANGE_TEMPLATE_NAME:
        return False
    runbooks = cast("list[Event]", asked.get("runbooks") or [])
    own = [each for each in runbooks if document_name(str(each.get("documentName") or "")) == RUNBOOK_NAME]
    return bool(own) and _add_request(event, records, _texts(own[0].get("parameters")), "change-manager")


def _add_request(event: Event, records: Records, parameters: Event, mode: str) -> bool:
    run = _texts(event.get("responseElements")).get("automationExecutionId")
    if not run or event.get("errorCode"):
        return False
    given = {name: str(next(iter(cast("list[Any]", values)), "")) for name, values in parameters.items()}
    place = _place(event)
    records.requests.append(
        Request(
            id=str(run),
            account=place["account"],
            caller=place["caller"],
            at=place["at"],
            principal=f"{given.get('PrincipalType', '')}/{given.get('PrincipalName', '')}",
            node=given.get("InstanceId", ""),
            reason=given.get("Reason", ""),
            mode=mode,
        )
    )
    return True


def _signaled(event: Event, records: Records) -> bool:
    asked = _given(event)
    signal = asked.get("signalType")
    if signal not in ("Approve", "Reject", "Revoke") or event.get("errorCode"):
        return False
    records.decisions.append(
        RecordedDecision(
            request=str(asked.get("automationExecutionId") or ""),
            caller=_caller(event),
            at=_time(event),
            approved=signal == "Approve",
            is_revocation=signal == "Revoke",
        )
    )
    return True


def _tagged(event: Event, records: Records) -> bool:
    tags = cast("list[Event]", _given(event).get("tags") or [])
    values = [str(_lower(each).get("value") or "") for each in tags if _is_grant(_lower(each).get("key"))]
    return bool(values) and _add_tag(event, records, values[0])


def _assumed(event: Event, records: Records) -> bool:
    """Add a session tag, which has the same effect as a tag of the role."""
    asked, place = _given(event), _place(event)
    tags = [_lower(each) for each in cast("list[Event]", asked.get("tags") or [])]
    values = [str(each.get("value") or "") for each in tags if _is_grant(each.get("key"))]
    if not values or event.get("errorCode"):
        return False
    principal = "role/" + str(asked.get("roleArn") or "").rsplit("/", 1)[-1]
    records.tags.append(
        TagChange(account=place["account"], principal=principal, node=values[0], caller=place["caller"], at=place["at"])
    )
    return True


def _untagged(event: Event, records: Records) -> bool:
    keys = cast("list[Any]", _given(event).get("tagKeys") or [])
    return any(map(_is_grant, keys)) and _add_tag(event, records, "")


def _add_tag(event: Event, records: Records, node: str) -> bool:
    if event.get("errorCode"):
        return False
    asked, place = _given(event), _place(event)
    kind = "role" if "roleName" in asked else "user"
    principal = f"{kind}/{asked.get(f'{kind}Name', '')}"
    records.tags.append(
        TagChange(account=place["account"], principal=principal, node=node, caller=place["caller"], at=place["at"])
    )
    return True


def _is_grant(key: object) -> bool:
    """Return whether a tag key grants sessions; IAM does not distinguish its case."""
    return str(key).lower() == TAG_KEY.lower()


def _place(event: Event) -> dict[str, Any]:
    return {
        "account": str(event.get("recipientAccountId") or _texts(event.get("userIdentity")).get("accountId") or ""),
        "region": str(event.get("awsRegion") or ""),
        "caller": _caller(event),
        "at": _time(event),
    }


def _caller(event: Event) -> Caller:
    identity = _texts(event.get("userIdentity"))
    context = _texts(identity.get("sessionContext"))
    mfa = _texts(context.get("attributes")).get("mfaAuthenticated")
    return Caller(
        arn=str(identity.get("arn") or identity.get("invokedBy") or identity.get("principalId") or ""),
        source_ip=str(event.get("sourceIPAddress") or ""),
        mfa=None if mfa is None else str(mfa).lower() == "true",
        issuer=str(_texts(context.get("sessionIssuer")).get("arn") or ""),
    )


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(str(event["eventTime"])).astimezone(UTC)


def _given(event: Event) -> Event:
    return _texts(event.get("requestParameters"))


def _lower(tag: Event) -> dict[str, Any]:
    """Return a tag with its names in lower case: IAM's events have `key`, those of other services `Key`."""
    return {name.lower(): value for name, value in tag.items()}


def _texts(value: object) -> Event:
    """Return an object of an event; empty for null, or a text as CloudTrail writes where it omits a value."""
    return cast("Event", value) if isinstance(value, Mapping) else {}


_SSM: Final = "ssm.amazonaws.com"
_IAM: Final = "iam.amazonaws.com"
_READERS: Final[dict[tuple[str, str], Callable[[Event, Records], bool]]] = {
    (_SSM, "StartSession"): _started,
    (_SSM, "TerminateSession"): _terminated,
    (_SSM, "StartAccessRequest"): _access_requested,
    (_SSM, "StartAutomationExecution"): _requested,
    (_SSM, "StartChangeRequestExecution"): _change_requested,
    (_SSM, "SendAutomationSignal"): _signaled,
    ("ssm-guiconnect.amazonaws.com", "StartConnection"): _connected,
    ("sts.amazonaws.com", "AssumeRole"): _assumed,
    (_IAM, "CreateRole"): _tagged,
    (_IAM, "CreateUser"): _tagged,
    (_IAM, "TagRole"): _tagged,
    (_IAM, "TagUser"): _tagged,
    (_IAM, "UntagRole"): _untagged,
    (_IAM, "UntagUser"): _untagged,
}
