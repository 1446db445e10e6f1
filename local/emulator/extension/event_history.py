"""Event history of CloudTrail: calls that start, approve, grant and end sessions.

Sources: CloudTrail User Guide, "Working with CloudTrail event history" and "CloudTrail record contents";
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html.

Events appear at once; AWS delivers them within about 15 minutes. Other calls are not recorded.
"""

import gzip
import json
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from moto.core.exceptions import ServiceException
from moto.core.responses import BaseResponse

from local.emulator.extension.paging import page
from local.emulator.fixtures import TRAIL_BUCKET, TRAIL_PREFIX

Event = dict[str, Any]

_RECORDED: Final = {
    "ssm": {
        *("StartSession", "ResumeSession", "TerminateSession", "StartAutomationExecution", "SendAutomationSignal"),
        *("StartChangeRequestExecution", "StopAutomationExecution", "StartAccessRequest", "GetAccessToken"),
    },
    "iam": {"CreateRole", "CreateUser", "TagRole", "TagUser", "UntagRole", "UntagUser"},
}
_GLOBAL_REGION: Final = "us-east-1"
"""Region of events of IAM (CloudTrail User Guide, "Global service events")."""
_HIDDEN: Final = "Value hidden due to security reasons."
_SECRETS: Final = ("SecretAccessKey", "SessionToken", "TokenValue")
_FAILED: Final = 400

EVENTS: Final[dict[tuple[str, str], list[Event]]] = defaultdict(list)
"""Events by account and Region, the oldest first."""


def record(response: BaseResponse, status: Any, body: Any) -> None:
    """Record a call, if the history has it."""
    service, operation = str(response.service_name), str(cast("Any", response)._get_action())  # noqa: SLF001
    if operation not in _RECORDED.get(service, ()):
        return
    # Loads what the first calls of a test do not need.
    from local.emulator.extension.callers import caller_of  # noqa: PLC0415

    handler: Any = response
    shape = _model(service).operation_model(operation)
    account, region = handler.current_account, _GLOBAL_REGION if service == "iam" else handler.region
    try:
        caller = caller_of(account, handler.get_access_key())
    except ServiceException:
        # A call without a principal is no event of the account.
        return
    given = _given(handler)
    failed = int(status) >= _FAILED
    event: Event = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole" if ":assumed-role/" in caller.arn else "IAMUser",
            "principalId": caller.user_id,
            "arn": caller.arn,
            "accountId": account,
        },
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": _lowered(given, shape.input_shape),
        "responseElements": None if failed or service == "iam" else _answer(body, shape.output_shape),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
    }
    if failed:
        event["errorCode"] = _code(body)
    EVENTS[account, region].append(event)
    _write_log_file(event)


def _write_log_file(event: Event) -> None:
    """Write an event into the bucket of the organization's trail, if it exists, as a log file of its own.

    CloudTrail User Guide, "Finding your CloudTrail log files". AWS delivers several events per file, within minutes.
    """
    # Without S3 there is no bucket, and loading it takes longer than most calls.
    s3: Any = sys.modules.get("moto.s3.models")
    owner = s3.s3_backends.bucket_accounts.get(TRAIL_BUCKET.name) if s3 else None
    if owner is None:
        return
    account, region, time = (event[each] for each in ("recipientAccountId", "awsRegion", "eventTime"))
    name = f"{account}_CloudTrail_{region}_{re.sub('[-:]', '', time)}_{event['eventID'][:8]}.json.gz"
    key = f"{TRAIL_PREFIX}/{account}/CloudTrail/{region}/{time[:10].replace('-', '/')}/{name}"
    content = gzip.compress(json.dumps({"Records": [event]}).encode(), 1)
    partition, holder = owner
    s3.s3_backends[holder][partition].put_object(TRAIL_BUCKET.name, key, content)


def lookup(account: str, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """API_LookupEvents: the newest first, in pages.

    Raises:
        ValueError: The request is not valid; the message begins with the error code.
    """
    attributes: list[Mapping[str, str]] = request.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise ValueError("InvalidLookupAttributesException: You can specify only one lookup attribute.")
    size = int(request.get("MaxResults") or _PAGE)
    if not 1 <= size <= _PAGE:
        raise ValueError(f"InvalidMaxResultsException: expected 1 to {_PAGE}, got {size}.")
    chosen = [each for each in reversed(EVENTS[account, region]) if _is_chosen(each, attributes, request)]
    events, more = page(chosen, size, request.get("NextToken"))
    return {"Events": [_shown(each) for each in events], **more}


_PAGE: Final = 50
_ATTRIBUTES: Final = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}


def _is_chosen(event: Event, attributes: list[Mapping[str, str]], request: Mapping[str, Any]) -> bool:
    time = datetime.fromisoformat(event["eventTime"]).timestamp()
    if not float(request.get("StartTime") or 0) <= time <= float(request.get("EndTime") or time):
        return False
    for each in attributes:
        if each["AttributeKey"] == "Username":
            found = _user_name(event)
        elif each["AttributeKey"] in _ATTRIBUTES:
            found = event[_ATTRIBUTES[each["AttributeKey"]]]
        else:
            raise ValueError(
                f"InvalidLookupAttributesException: the local AWS does not look up {each['AttributeKey']}."
            )
        if found != each["AttributeValue"]:
            return False
    return True


def _user_name(event: Event) -> str:
    return str(event["userIdentity"]["arn"]).rsplit("/", 1)[-1]


def _shown(event: Event) -> dict[str, Any]:
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "false",
        "EventTime": datetime.fromisoformat(event["eventTime"]).timestamp(),
        "EventSource": event["eventSource"],
        "Username": _user_name(event),
        "Resources": [],
        "CloudTrailEvent": json.dumps(event),
    }


def _model(service: str) -> Any:
    from moto.core.utils import get_service_model  # noqa: PLC0415 -- the model is loaded with the first event

    return get_service_model(service)


def _given(handler: Any) -> Any:
    """Return the parameters of a request: those of a JSON body, or as moto has parsed them."""
    body = handler.body if isinstance(handler.body, str) else ""
    return json.loads(body) if body.startswith("{") else dict(handler._get_params())  # noqa: SLF001


def _answer(body: Any, shape: Any) -> Any:
    try:
        decoded = json.loads(body)
    except (TypeError, ValueError):
        return None
    return _lowered(decoded, shape)


def _lowered(value: Any, shape: Any) -> Any:
    """Return a value with the names of its structures as CloudTrail writes them; keys of maps stay."""
    if shape is not None and shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            name[0].lower() + name[1:]: _HIDDEN if name in _SECRETS else _lowered(each, shape.members.get(name))
            for name, each in cast("Mapping[str, Any]", value).items()
        }
    if shape is not None and shape.type_name == "list" and isinstance(value, list):
        return [_lowered(each, shape.member) for each in cast("list[Any]", value)]
    return value


def _code(body: Any) -> str:
    """Return the error code, without the suffix that the JSON protocol adds for a denial."""
    text = body.decode() if isinstance(body, bytes) else str(body)
    try:
        code = str(json.loads(text).get("__type", ""))
    except ValueError:
        code = text.partition("<Code>")[2].partition("</Code>")[0]
    return code.rsplit("#", 1)[-1].replace("AccessDeniedException", "AccessDenied")
