"""Facts about the approval workflow of an account, and functions that read them. None: the resource does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.approval.alarms import WATCHED_SOURCES
from components.approval.names import RUNBOOK_NAME, TAG_KEY
from operations.approval.lookups import OperatorTag, tags_without_grant
from operations.approval.principals import Principal
from operations.approval.requests import ApprovalRequest, parse_request
from operations.reading import Answer, Unread
from operations.verify.facts import DocumentFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from operations.reading import Reader

_NO_ENTITY: Final = ("NoSuchEntity",)
_HOLDING: Final = ("InProgress", "Waiting", "Cancelling")
"""Status values of an execution that may hold a tag."""


@dataclass(frozen=True, kw_only=True)
class TypedDocumentFacts(DocumentFacts):
    """A document with its type.

    Attributes:
        type: `Automation`, `Automation.ChangeTemplate`, ...
        shared_with: Accounts that it is shared with, or `all`.
    """

    type: str
    shared_with: tuple[str, ...] | Unread = ()


@dataclass(frozen=True, kw_only=True)
class ManagedPolicyFacts:
    """A managed policy.

    Attributes:
        content: Its default version.
        holders: Principals and groups that it is attached to, other than as a boundary.
    """

    content: Mapping[str, Any] | Unread
    holders: frozenset[Principal] | Unread


@dataclass(frozen=True, kw_only=True)
class PrincipalFacts:
    """A role, user or group.

    Attributes:
        path: Its path, `/` or `/team/`.
        is_empty: Whether it is a group without members.
    """

    path: str = "/"
    is_empty: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordingFacts:
    """Trails of CloudTrail that record calls in a Region.

    Attributes:
        recording: Names of trails that record write management events.
        unread: Reason for which other trails cannot be evaluated.
    """

    recording: tuple[str, ...]
    unread: tuple[Unread, ...] = ()


def read_document(reader: Reader, name: str) -> TypedDocumentFacts | Unread | None:
    """Read a document with the content of its default and its latest version."""
    answer = reader.read("ssm", "describe_document", absent=("InvalidDocument",), Name=name)
    if answer is None or isinstance(answer, Unread):
        return answer
    described = answer["Document"]
    default, latest = str(described["DefaultVersion"]), str(described["LatestVersion"])
    text = _text(reader, name, default)
    return TypedDocumentFacts(
        status=described["Status"],
        status_reason=described.get("StatusInformation", ""),
        default_version=default,
        latest_version=latest,
        default_text=text,
        latest_text=text if latest == default else _text(reader, name, latest),
        type=described["DocumentType"],
        shared_with=_shared_with(reader, name),
    )


def _shared_with(reader: Reader, name: str) -> tuple[str, ...] | Unread:
    answer = reader.read("ssm", "describe_document_permission", Name=name, PermissionType="Share")
    return answer if isinstance(answer, Unread) else tuple(sorted((answer or {}).get("AccountIds", ())))


def _text(reader: Reader, name: str, version: str) -> str | Unread:
    answer = reader.read("ssm", "get_document", Name=name, DocumentVersion=version, DocumentFormat="JSON")
    return answer if isinstance(answer, Unread) else str((answer or {}).get("Content", ""))


def read_managed_policy(reader: Reader, arn: str) -> ManagedPolicyFacts | Unread | None:
    """Read the default version of a managed policy, and the principals that it is attached to."""
    answer = reader.read("iam", "get_policy", absent=_NO_ENTITY, PolicyArn=arn)
    if answer is None or isinstance(answer, Unread):
        return answer
    version = str(answer["Policy"]["DefaultVersionId"])
    content = reader.read("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
    return ManagedPolicyFacts(
        content=content if isinstance(content, Unread) else (content or {})["PolicyVersion"]["Document"],
        holders=_holders(reader, arn),
    )


def _holders(reader: Reader, arn: str) -> frozenset[Principal] | Unread:
    """Return the principals with the policy attached; a permissions boundary by itself grants nothing."""
    usage = {"PolicyUsageFilter": "PermissionsPolicy"}
    answer = reader.read("iam", "list_entities_for_policy", absent=_NO_ENTITY, PolicyArn=arn, **usage)
    if isinstance(answer, Unread):
        return answer
    kinds = (
        ("role", "PolicyRoles", "RoleName"),
        ("user", "PolicyUsers", "UserName"),
        ("group", "PolicyGroups", "GroupName"),
    )
    found = answer or {}
    return frozenset(Principal(kind, str(each[name])) for kind, listed, name in kinds for each in found.get(listed, ()))


def read_principal(reader: Reader, principal: Principal) -> PrincipalFacts | Unread | None:
    """Read the path of a role, user or group, and whether a group has members."""
    kind = principal.kind
    answer = reader.read("iam", f"get_{kind}", absent=_NO_ENTITY, **{f"{kind.capitalize()}Name": principal.name})
    if answer is None or isinstance(answer, Unread):
        return answer
    path = str(answer[kind.capitalize()].get("Path", "/"))
    return PrincipalFacts(path=path, is_empty=kind == "group" and not answer.get("Users"))


def read_schedule(reader: Reader, group: str, name: str) -> Answer | Unread | None:
    """Read a schedule in the format of the API."""
    absent = ("ResourceNotFoundException",)
    return reader.read("scheduler", "get_schedule", absent=absent, GroupName=group, Name=name)


def read_metric_alarms(reader: Reader, names: list[str]) -> Mapping[str, Answer] | Unread:
    """Read CloudWatch alarms in the format of the API, by name."""
    answer = reader.read("cloudwatch", "describe_alarms", AlarmNames=names, AlarmTypes=["MetricAlarm"])
    if isinstance(answer, Unread):
        return answer
    return {str(each["AlarmName"]): each for each in (answer or {}).get("MetricAlarms", ())}


def read_recording(reader: Reader) -> RecordingFacts | Unread:
    """Read which trails record management events of the reader's Region."""
    answer = reader.read("cloudtrail", "describe_trails", includeShadowTrails=True)
    if isinstance(answer, Unread):
        return answer
    recording: list[str] = []
    unread: list[Unread] = []
    for trail in (answer or {}).get("trailList", ()):
        if not trail.get("IsMultiRegionTrail") and trail.get("HomeRegion") != reader.region:
            continue
        # By ARN, which also identifies a trail of another Region.
        status = reader.read("cloudtrail", "get_trail_status", Name=trail["TrailARN"])
        selectors = reader.read("cloudtrail", "get_event_selectors", TrailName=trail["TrailARN"])
        if isinstance(status, Unread) or isinstance(selectors, Unread):
            unread += [each for each in (status, selectors) if isinstance(each, Unread)]
        elif (status or {}).get("IsLogging") and records_writes(selectors or {}):
            recording.append(str(trail["Name"]))
    return RecordingFacts(recording=tuple(recording), unread=tuple(unread))


def records_writes(selectors: Answer) -> bool:
    """Return whether event selectors record write management events.

    Args:
        selectors: Basic or advanced event selectors (API_GetEventSelectors).
    """
    plain = any(
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly"
        for each in selectors.get("EventSelectors", ())
    )
    return plain or any(_covers_writes(each) for each in selectors.get("AdvancedEventSelectors", ()))


def _covers_writes(selector: Answer) -> bool:
    """Return whether a selector records the calls that alarms depend on; further fields may exclude some of them."""
    fields = {str(each["Field"]): each for each in selector.get("FieldSelectors", ())}
    management = "Management" in fields.get("eventCategory", {}).get("Equals", ())
    writes = "true" not in fields.get("readOnly", {}).get("Equals", ())
    narrowed = set(fields) - {"eventCategory", "readOnly"}
    if narrowed == {"eventSource"}:
        # Trails often exclude AWS KMS and the RDS Data API, which have the most calls.
        source = dict(fields["eventSource"])
        left_out = source.pop("NotEquals", ())
        narrowed = source.keys() - {"Field"} if not WATCHED_SOURCES.intersection(left_out) else narrowed
    return management and writes and not narrowed


def read_stray_tags(reader: Reader, principals: Iterable[Principal]) -> tuple[OperatorTag, ...] | Unread:
    """Read the approval tags without an active grant.

    Args:
        reader: Reader of the workflow's Region.
        principals: Principals that may carry the tag.
    """
    several = tuple(principals)
    before = _tags(reader, several)
    if isinstance(before, Unread) or not before:
        return before
    requests = _live_requests(reader)
    if isinstance(requests, Unread):
        return requests
    stray = tags_without_grant(before, requests)
    # An execution may have ended in between, which removes its tag.
    after = _tags(reader, tuple(each.principal for each in stray))
    return after if isinstance(after, Unread) else tuple(each for each in stray if each in after)


def _tags(reader: Reader, principals: tuple[Principal, ...]) -> tuple[OperatorTag, ...] | Unread:
    found: list[OperatorTag] = []
    for principal in principals:
        kind = principal.kind
        answer = reader.read(
            "iam", f"list_{kind}_tags", absent=_NO_ENTITY, **{f"{kind.capitalize()}Name": principal.name}
        )
        if isinstance(answer, Unread):
            return answer
        tags = (answer or {}).get("Tags", ())
        # IAM treats keys that differ only in case as the same key.
        found += [
            OperatorTag(principal=principal, value=each["Value"], key=each["Key"])
            for each in tags
            if each["Key"].lower() == TAG_KEY.lower()
        ]
    return tuple(found)


def _live_requests(reader: Reader) -> list[ApprovalRequest] | Unread:
    chosen = [
        {"Key": "DocumentNamePrefix", "Values": [RUNBOOK_NAME]},
        {"Key": "ExecutionStatus", "Values": list(_HOLDING)},
    ]
    listed = reader.read("ssm", "describe_automation_executions", Filters=chosen)
    if isinstance(listed, Unread):
        return listed
    found: list[ApprovalRequest] = []
    for each in (listed or {}).get("AutomationExecutionMetadataList", ()):
        if each.get("DocumentName") != RUNBOOK_NAME:
            continue
        run = reader.read("ssm", "get_automation_execution", AutomationExecutionId=each["AutomationExecutionId"])
        if isinstance(run, Unread):
            return run
        found.append(parse_request((run or {})["AutomationExecution"]))
    return found
