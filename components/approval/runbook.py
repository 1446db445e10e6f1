"""The runbook `AllowStartSsmSession` and the reaper, which removes expired grants, as plain data.

Sources: AWS Systems Manager User Guide, "Data elements and parameters" (schema 0.3) and "Systems Manager Automation
actions reference"; the AWS post "Apply the principle of separation of duties to shell access to your EC2 instances".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.approval.identity_center import NO_OPERATORS, IdentityCenterOperators
from components.approval.names import CHANGE_TEMPLATE_NAME, ROLE_NAME, RUNBOOK_NAME, TAG_KEY, WorkflowLocation
from components.approval.script import script_step
from components.approval.settings import ApprovalSettings, ApproverType, Mode, required_approvals

if TYPE_CHECKING:
    from collections.abc import Sequence


INSTANCE_PATTERN: Final = "^i-([0-9a-f]{8}|[0-9a-f]{17})$"
PRINCIPAL_PATTERN: Final = r"^[A-Za-z0-9_+=,.@-]{1,64}$"
REASON_PATTERN: Final = (
    r"^[^{}\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0"
    r"\ufff0-\ufffb\ufffe\uffff]{1,300}$"
)
"""Reasons without braces, which Automation reads as a reference, and without invisible characters, as far as Java and
Python interpret the pattern alike; the runbook's first step rejects those beyond U+FFFF, and unassigned ones.
"""
APPROVAL_SECONDS: Final = 86_400
"""Time limit for approvers: a day. The default of `aws:approve` is a week, in which a flood of requests would use up
the account's quota of executions.
"""
API_SECONDS: Final = 25
"""Maximum of `aws:executeAwsApi`."""

Step = dict[str, Any]

_REQUEST: Final = {
    "PrincipalType": "{{ PrincipalType }}",
    "PrincipalName": "{{ PrincipalName }}",
    "InstanceId": "{{ InstanceId }}",
    "ExecutionId": "{{ automation:EXECUTION_ID }}",
    "Runbook": RUNBOOK_NAME,
}
_DESCRIBED: Final = ("Requester", "Instance", "Decision")
_JUDGED: Final = ("Verdict", "Reason", "Note", "Region")
_UNDECIDED: Final[Step] = {"onFailure": "step:DescribeDecision", "onCancel": "step:DescribeDecision"}
"""Next step of those before a decision, if they do not succeed."""


def runbook(
    settings: ApprovalSettings,
    place: WorkflowLocation,
    regions: Sequence[str],
    operators: IdentityCenterOperators = NO_OPERATORS,
) -> dict[str, Any]:
    """Return the runbook: approval (in mode `automation`), checks, tag, wait, removal of the tag.

    Any failure once the tag may be set, and any cancellation, leads to the step that removes it. A cancellation also
    ends open sessions.
    """
    minutes = settings.approval_validity_minutes
    approvals = _approvals(settings, place) if settings.mode is Mode.AUTOMATION else []
    described = _described(regions, operators)
    return {
        "schemaVersion": "0.3",
        "description": f"Allows one principal to start sessions on one instance for {minutes} minutes, once approved.",
        "assumeRole": "{{ AutomationAssumeRole }}",
        "parameters": _parameters(place),
        "mainSteps": [
            *_first(settings, described),
            *approvals,
            *_checks(settings, place, regions, operators),
            *_grant(settings, place),
            *_endings(place, described),
        ],
        "outputs": [
            *(f"CheckRequest.{name}" for name in (*_JUDGED, *_DESCRIBED)),
            "ReleaseGrant.Outcome",
            "EndSessions.Outcome",
        ],
    }


def reaper(
    settings: ApprovalSettings, place: WorkflowLocation, operators: IdentityCenterOperators = NO_OPERATORS
) -> dict[str, Any]:
    """Return the scheduled runbook that removes tags without an approved execution from operators."""
    holders: dict[str, Any] = {"OperatorRoles": settings.operator_roles, "OperatorUsers": settings.operator_users}
    if operators.people:
        # One text, as the size of a document is limited.
        holders["IdentityCenterUsers"] = " ".join(each.user_id for each in operators.people)
    payload = {**holders, "Runbook": RUNBOOK_NAME}
    removed = {"NextStep": "AnnounceRemoval", **_equals("RemoveExpiredGrants.Outcome", "removed")}
    return {
        "schemaVersion": "0.3",
        "description": f"Removes the tag {TAG_KEY} from operators where the run that set it is over.",
        "assumeRole": place.role_arn,
        "mainSteps": [
            script_step("RemoveExpiredGrants", "grants", "remove_expired_grants", payload, ("Outcome", "Removed")),
            _branch("WasAnythingRemoved", removed, isEnd=True),
            _announcement(
                "AnnounceRemoval",
                place,
                "Session grants without a run were removed",
                "Tags that no approved run stood behind: {{ RemoveExpiredGrants.Removed }}.",
                isEnd=True,
            ),
        ],
    }


def _parameters(place: WorkflowLocation) -> dict[str, Any]:
    return {
        "AutomationAssumeRole": {
            "type": "String",
            "description": f"The role that the runbook runs with: {ROLE_NAME}, no other.",
            "default": place.role_arn,
            "allowedValues": [place.role_arn],
        },
        "InstanceId": {
            "type": "String",
            "description": "The instance to start a session on.",
            "allowedPattern": INSTANCE_PATTERN,
        },
        "PrincipalType": {
            "type": "String",
            "description": "Whether the operator's principal is a role or a user.",
            "allowedValues": ["role", "user"],
        },
        "PrincipalName": {
            "type": "String",
            "description": "The name of that role or user, without a path.",
            "allowedPattern": PRINCIPAL_PATTERN,
        },
        "Reason": {
            "type": "String",
            "description": "Why, for the approvers.",
            "default": "not given",
            "allowedPattern": REASON_PATTERN,
        },
    }


def _first(settings: ApprovalSettings, described: dict[str, Any]) -> list[Step]:
    """Return the check of the reason before approvers read it; in a change request they have read it already."""
    if settings.mode is not Mode.AUTOMATION:
        return []
    return [script_step("CheckReason", "reason", "check_reason", described, _DESCRIBED, on=_UNDECIDED)]


def _approvals(settings: ApprovalSettings, place: WorkflowLocation) -> list[Step]:
    """Return one step per level: `aws:approve` with fixed approvers, which the requester cannot change."""
    return [
        {
            "name": f"ApproveLevel{position}",
            "action": "aws:approve",
            "timeoutSeconds": APPROVAL_SECONDS,
            **_UNDECIDED,
            "inputs": {
                "NotificationArn": place.topic_arn,
                "Message": _notice(
                    place,
                    f"A session is requested. After the approval, it can be started for {settings.approval_validity_minutes} minutes.",
                    "CheckReason",
                ),
                "MinRequiredApprovals": required_approvals(level),
                "Approvers": [
                    place.iam(f"{'role' if each.type is ApproverType.IAM_ROLE else 'user'}/{each.name}")
                    for each in level
                ],
            },
        }
        for position, level in enumerate(settings.levels(), start=1)
    ]


def _checks(
    settings: ApprovalSettings, place: WorkflowLocation, regions: Sequence[str], operators: IdentityCenterOperators
) -> list[Step]:
    payload = {
        **_REQUEST,
        "Mode": str(settings.mode),
        "ChangeTemplate": CHANGE_TEMPLATE_NAME,
        "RequireChangeRequest": settings.require_change_request,
        "OperatorRoles": settings.operator_roles,
        "OperatorUsers": settings.operator_users,
        **_store(operators),
        "SharedOperatorRoles": settings.shared_operator_roles,
        "SharedApproverRoles": settings.shared_approver_roles,
        "ChatApproverRoles": settings.chat_approver_roles,
        # AWS' own simulator of runbooks supports lists of strings only.
        "Levels": [str(required_approvals(level)) for level in settings.levels()],
        "Regions": list(regions),
    }
    accepted = _equals("CheckRequest.Verdict", "accepted")
    choices = (
        {"NextStep": step, "And": [accepted, _equals("PrincipalType", kind)]}
        for kind, step in (("role", "TagRole"), ("user", "TagUser"))
    )
    reason = {"Reason": "{{ CheckRequest.Reason }}"}
    return [
        script_step("CheckRequest", "check_request", "check_request", payload, (*_JUDGED, *_DESCRIBED), on=_UNDECIDED),
        _branch("Decide", *choices, default="AnnounceRefusal"),
        _announcement(
            "AnnounceRefusal",
            place,
            "Session request refused",
            _notice(place, "The request is refused: {{ CheckRequest.Reason }}.", "CheckRequest", decided=True),
            nextStep="EndRefused",
        ),
        script_step("EndRefused", "refuse", "refuse", reason, isEnd=True),
    ]


def _store(operators: IdentityCenterOperators) -> dict[str, Any]:
    """Return where the script looks up users, and the application of account access manager, if they use it."""
    if not operators.store:
        return {}
    application = {"AccountAccessApplication": operators.application} if operators.application else {}
    return {"IdentityStore": operators.store, "IdentityStoreRegion": operators.region, **application}


def _grant(settings: ApprovalSettings, place: WorkflowLocation) -> list[Step]:
    """Return the steps from the tag to its removal. All before `ReleaseGrant` lead there on failure or cancellation."""
    minutes = settings.approval_validity_minutes
    back: Step = {"onFailure": "step:ReleaseGrant", "onCancel": "step:ReleaseGrant"}
    tags = [{"Key": TAG_KEY, "Value": "{{ InstanceId }}"}]
    sessions = {
        **_REQUEST,
        "Region": "{{ CheckRequest.Region }}",
        "Released": "{{ ReleaseGrant.Outcome }}",
        "EndSessions": settings.end_sessions_with_grant,
    }
    granted = f"A session may be started for {minutes} minutes. {{{{ CheckRequest.Note }}}}"
    ended = "The grant has ended: {{ ReleaseGrant.Outcome }}; {{ EndSessions.Outcome }}."
    return [
        *(
            {
                "name": f"Tag{kind}",
                "action": "aws:executeAwsApi",
                "timeoutSeconds": API_SECONDS,
                **back,
                "inputs": {"Service": "iam", "Api": f"Tag{kind}", f"{kind}Name": "{{ PrincipalName }}", "Tags": tags},
                "nextStep": "AnnounceGrant",
            }
            for kind in ("Role", "User")
        ),
        _announcement(
            "AnnounceGrant",
            place,
            "Session request granted",
            _notice(place, granted, "CheckRequest", decided=True),
            **back,
            nextStep="WaitForValidity",
        ),
        {
            "name": "WaitForValidity",
            "action": "aws:sleep",
            **back,
            "inputs": {"Duration": f"PT{minutes}M"},
            "nextStep": "ReleaseGrant",
        },
        script_step(
            "ReleaseGrant",
            "grants",
            "release_grant",
            dict(_REQUEST),
            ("Outcome",),
            on={"maxAttempts": 3, "onFailure": "step:AnnounceStuck"},
            nextStep="EndSessions",
        ),
        script_step(
            "EndSessions",
            "sessions",
            "end_sessions",
            sessions,
            ("Outcome",),
            on={"onFailure": "step:AnnounceEnd"},
            nextStep="AnnounceEnd",
        ),
        _announcement(
            "AnnounceEnd",
            place,
            "Session grant ended",
            _notice(place, ended, "CheckRequest", decided=True),
            isEnd=True,
        ),
    ]


def _endings(place: WorkflowLocation, described: dict[str, Any]) -> list[Step]:
    stuck = "The tag could not be removed; the scheduled runbook tries again. Open sessions continue."
    refused = (
        "No session is granted: the request was rejected, canceled, not answered in time, or could not be checked."
    )
    return [
        _announcement(
            "AnnounceStuck",
            place,
            "Session grant could not be removed",
            _notice(place, stuck, "CheckRequest", decided=True),
            isEnd=True,
        ),
        script_step(
            "DescribeDecision",
            "notices",
            "describe_request",
            described,
            _DESCRIBED,
            on={"onFailure": "step:AnnounceNotGranted"},
            nextStep="AnnounceNotGranted",
        ),
        _announcement(
            "AnnounceNotGranted",
            place,
            "Session request not granted",
            _notice(place, refused, "DescribeDecision", decided=True),
            isEnd=True,
        ),
    ]


def _described(regions: Sequence[str], operators: IdentityCenterOperators) -> dict[str, Any]:
    """Return the input of a script that describes a request."""
    return {
        "ExecutionId": _REQUEST["ExecutionId"],
        "InstanceId": _REQUEST["InstanceId"],
        "Regions": list(regions),
        **(_store(operators) if operators.application else {}),
    }


def _notice(place: WorkflowLocation, what: str, step: str, *, decided: bool = False) -> str:
    """Return the text of a notification, one fact per line; the outputs of `step` describe the request."""
    execution = _REQUEST["ExecutionId"]
    return "\n".join(
        (
            what,
            f"Requester: {{{{ {step}.Requester }}}}",
            "Operator: {{ PrincipalType }} {{ PrincipalName }}",
            f"Instance: {{{{ {step}.Instance }}}}",
            "Reason: {{ Reason }}",
            *((f"Decision: {{{{ {step}.Decision }}}}",) if decided else ()),
            f"Run: {execution}",
            f"Console: {place.console_link(execution)}",
        )
    )


def _announcement(name: str, place: WorkflowLocation, subject: str, message: str, **flow: Any) -> Step:
    inputs = {"Service": "sns", "Api": "Publish", "TopicArn": place.topic_arn, "Subject": subject, "Message": message}
    return {
        "name": name,
        "action": "aws:executeAwsApi",
        "timeoutSeconds": API_SECONDS,
        "inputs": inputs,
        **flow,
    }


def _branch(name: str, *choices: Step, default: str = "", **flow: Any) -> Step:
    inputs = {"Choices": list(choices), **({"Default": default} if default else {})}
    return {"name": name, "action": "aws:branch", "inputs": inputs, **flow}


def _equals(variable: str, value: str) -> dict[str, str]:
    return {"Variable": f"{{{{ {variable} }}}}", "StringEquals": value}


_INFORMATION = """\
### What this change does
It allows one operator to start Session Manager sessions on one EC2 instance for {minutes} minutes.

The operator's principal gets the tag `SecurityAllowSessionInstance` with the ID of the instance; the runbook
`AllowStartSsmSession` removes it again. A session that runs at that time goes on; it cannot be resumed.

### What to check before approving
The requester, the principal, and the reason for this instance. Requesters cannot approve their own request.
"""


def change_template(settings: ApprovalSettings, place: WorkflowLocation) -> dict[str, Any]:
    """Return the change template: levels of approval before the runbook, never automatic, not even in an emergency."""
    return {
        "schemaVersion": "0.3",
        "description": "Requests a Session Manager session on one EC2 instance",
        "templateInformation": _INFORMATION.format(minutes=settings.approval_validity_minutes),
        "emergencyChange": False,
        "autoApprovable": False,
        "executableRunBooks": [{"name": RUNBOOK_NAME, "version": "$DEFAULT"}],
        "mainSteps": [
            {
                "name": f"ApproveLevel{position}",
                "action": "aws:approve",
                "timeoutSeconds": APPROVAL_SECONDS,
                "inputs": {
                    "Message": "Please approve this request for a session",
                    "MinRequiredApprovals": required_approvals(level),
                    "EnhancedApprovals": {
                        "NotificationArn": place.topic_arn,
                        "Approvers": [
                            {
                                "approver": each.bare_name,
                                "type": str(each.type),
                                "minRequiredApprovals": each.min_required_approvals,
                            }
                            for each in level
                        ],
                    },
                },
            }
            for position, level in enumerate(settings.levels(), start=1)
        ],
    }
