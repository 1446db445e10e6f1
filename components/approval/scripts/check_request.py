"""Judges a request once it is approved, before anything is granted. Data: see `components.approval.script`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from components.approval.scripts.aws import Json, RefusedError, client, code_of, get_run, listed
from components.approval.scripts.grants import UNDETERMINED, asked_for, granted_by, live_grants
from components.approval.scripts.notices import describe_request
from components.approval.scripts.people import (
    IDENTITY_CENTER,
    OPERATORS_PATH,
    Approval,
    Identities,
    People,
    principal_of,
)
from components.approval.scripts.reason import check_text_of
from components.approval.scripts.trust import TAG_KEY, identity_center_user, lets_tag_sessions, trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_GENERATIONS = 5
COMPARED = ("PrincipalType", "PrincipalName", "InstanceId", "Reason")
TARGETS = ("Targets", "TargetMaps", "TargetLocations", "TargetLocationsURL", "TargetParameterName", "Target")
"""Of a run, or of the runbook of a change request, that works on several targets (rate control)."""


def check_request(events: Json, context: object) -> Json:
    """Judge whether a request may be granted, and describe it for notices. Never fails: what cannot be judged is refused."""
    judged = _judged(events)
    try:
        return {**judged, **describe_request(events, context)}
    except Exception:  # noqa: BLE001 -- a notice with less in it is better than none
        return {**judged, "Requester": "not known", "Instance": events["InstanceId"], "Decision": "not known"}


def _judged(events: Json) -> Json:
    try:
        ssm = client("ssm")
        run = get_run(ssm, events["ExecutionId"])
        check_text_of(run)
        _check_run(run)
        people = People(events["SharedApproverRoles"], events["ChatApproverRoles"], Identities(events))
        approvals = _check_approval(ssm, run, people, events)
        _check_people(approvals, _check_principal(people, events), events)
        region = _check_instance(events)
        return {"Verdict": "accepted", "Reason": "", "Note": _other_grants(ssm, run, events), "Region": region}
    except RefusedError as refused:
        reason = str(refused)
    except Exception as failure:  # noqa: BLE001 -- whatever it is, the answer is no, with the reason
        reason = f"the request could not be checked ({type(failure).__name__}: {failure})"
    return {"Verdict": "refused", "Reason": reason[:1000], "Note": "", "Region": ""}


def _check_run(run: Json) -> None:
    """Step by step, a run could keep the tag for any time; with targets it would grant what approvers did not see."""
    if run.get("Mode", "Auto") != "Auto":
        raise RefusedError(f"this run goes step by step (mode {run['Mode']}), so that its grant might not end in time")
    alarms: Json = run.get("AlarmConfiguration") or {}
    if alarms.get("Alarms"):
        raise RefusedError("this run has an alarm that stops it, so that its grant might not end in time")
    _check_targets(run, "this run")


def _check_targets(given: Json, what: str) -> None:
    found = [name for name in TARGETS if given.get(name)]
    resolved: Json = given.get("ResolvedTargets") or {}
    if resolved.get("ParameterValues"):
        found.append("ResolvedTargets")
    if found:
        raise RefusedError(f"{what} has targets ({', '.join(found)}): one request is for one instance")


def _check_approval(ssm: Any, run: Json, people: People, events: Json) -> list[Approval]:
    """The approvals, by people who are neither the requester nor each other.

    Of a change request they are not always known: what Change Manager keeps there is not documented.
    """
    by_change_request = events["Mode"] == "change-manager"
    approved = _change_request(ssm, run, events) if by_change_request else run
    if not by_change_request:
        _check_own(run)
    steps = [step for step in approved.get("StepExecutions", []) if step["Action"] == "aws:approve"]
    levels = [_decisions(step) for step in steps]
    for decision in (each for level in levels for each in level):
        if not decision["Decision"].startswith("Approve"):
            raise RefusedError(f"{decision['Approver']} is on record with the decision {decision['Decision']}")
    if by_change_request and not any(levels):
        return []
    if not by_change_request and len([each for each in levels if each]) < len(events["Levels"]):
        raise RefusedError("no approval is recorded" + (" for every level" if any(levels) else ""))
    requester = people.requester(approved.get("ExecutedBy", ""))
    approvals = [[people.approval(each["Approver"]) for each in level] for level in levels]
    _check_count(approvals, [int(each) for each in events["Levels"]], may_lack=by_change_request)
    given = [each for level in approvals for each in level]
    for each in given:
        if each.is_by(*requester):
            raise RefusedError(
                f"{each.who} approved the request of {requester[0]}: requesters cannot approve their own request"
            )
        if principal_of(each.who) == (events["PrincipalType"], events["PrincipalName"].lower()):
            raise RefusedError(f"{each.who} approved a grant to itself")
    return given


def _check_own(run: Json) -> None:
    """A run that a person started, and nothing else did on their behalf."""
    parent = run.get("ParentAutomationExecutionId")
    if parent:
        raise RefusedError(f"this run was started by another run, {parent}, and not by a person")
    if run.get("AssociationId") or run.get("AutomationSubtype"):
        raise RefusedError("this run was started by an association or a change request, and not by a person")


def _check_count(approvals: list[list[Approval]], levels: Sequence[int], *, may_lack: bool) -> None:
    """As many people as approvals are required, each in one level only."""
    for position, (level, required) in enumerate(zip(approvals, levels, strict=False), start=1):
        different: list[Approval] = []
        for each in level:
            if not any(each.is_same(other) for other in different):
                different.append(each)
        if len(different) < required and not (may_lack and not level):
            raise RefusedError(f"level {position} takes {required} people, and {len(different)} approved")
        for other in (each for earlier in approvals[: position - 1] for each in earlier):
            for each in level:
                if each.is_same(other):
                    raise RefusedError(f"{other.who} and {each.who} approved two levels, and may be one person")


def _check_people(approvals: list[Approval], operators: list[str], events: Json) -> None:
    for each in approvals:
        if each.is_by(*operators):
            raise RefusedError(
                f"{each.who} approved a grant to {events['PrincipalType']} {events['PrincipalName']}, "
                "which the same person may use"
            )


def _change_request(ssm: Any, run: Json, events: Json) -> Json:
    """The change request that a run comes from, made from the template and for the same; none where none is required."""
    request = run
    for _ in range(MAX_GENERATIONS):
        if (
            request.get("AutomationSubtype") == "ChangeRequest"
            and request.get("DocumentName") == events["ChangeTemplate"]
        ):
            _check_change_request(request, run, events)
            return request
        parent = request.get("ParentAutomationExecutionId")
        if not parent:
            break
        request = get_run(ssm, parent)
        _check_targets(request, f"the run {parent} that this one comes from")
    if events["RequireChangeRequest"]:
        raise RefusedError(f"this run does not come from a change request made from {events['ChangeTemplate']}")
    return {}


def _check_change_request(request: Json, run: Json, events: Json) -> None:
    """Check that this run does what its approvers have seen."""
    runbooks: list[Json] = request.get("Runbooks") or []
    if len(runbooks) != 1 or _document_name(runbooks[0]) != events["Runbook"]:
        raise RefusedError(f"the change request is not for the one runbook {events['Runbook']}")
    _check_targets(runbooks[0], "the runbook of the change request")
    asked: Json = runbooks[0].get("Parameters") or {}
    given: Json = run.get("Parameters") or {}
    for name in COMPARED:
        if name == "Reason" and name not in asked:
            continue
        if name not in asked or list(asked[name]) != list(given.get(name) or []):
            raise RefusedError(
                f"{name} is {_shown(given.get(name))} here, and {_shown(asked.get(name))} in what was approved"
            )
    if str(request.get("AutomationExecutionStatus")) in ("Rejected", "Cancelled", "TimedOut", "Failed"):
        raise RefusedError(f"the change request is {request['AutomationExecutionStatus']}")


def _document_name(runbook: Json) -> str:
    return str(runbook.get("DocumentName", "")).rsplit("/", 1)[-1]


def _shown(values: Any) -> str:
    return ", ".join(map(str, values or [])) or "missing"


def _decisions(step: Json) -> list[Json]:
    """Return the decisions of approvers. `ApproverDecisions` holds JSON: one object a decision, or a list of them."""
    found: list[Json] = []
    for text in step.get("Outputs", {}).get("ApproverDecisions", []):
        found += listed(json.loads(text))
    return [each for each in found if each.get("Decision")]


def _check_principal(people: People, events: Json) -> list[str]:
    """The person that the grant is for, as far as one is known: a role that is accepted as shared has several."""
    kind, name = events["PrincipalType"], events["PrincipalName"]
    if name.startswith(IDENTITY_CENTER):
        raise RefusedError(f"{name} belongs to IAM Identity Center, which alone may tag it")
    operators = events["OperatorRoles" if kind == "role" else "OperatorUsers"]
    if name not in operators and not (kind == "role" and people.identities.operator(name)):
        raise RefusedError(f"{kind} {name} is no operator of this workflow")
    iam = client("iam")
    try:
        if kind == "user":
            iam.get_user(UserName=name)
            return [name]
        role = iam.get_role(RoleName=name)["Role"]
    except ClientError as failure:
        if code_of(failure) != "NoSuchEntity":
            raise
        raise RefusedError(f"{kind} {name} does not exist") from failure
    _check_role(people, role, events)
    return people.known(role)


def _check_role(people: People, role: Json, events: Json) -> None:
    """Check that a role is one person's, or is accepted as shared."""
    name, trust = role["RoleName"], role["AssumeRolePolicyDocument"]
    if role["Path"].startswith(("/aws-reserved/", "/aws-service-role/")):
        raise RefusedError(f"role {name} is kept by AWS ({role['Path']})")
    _check_identity(people, role, events)
    if events["PrincipalName"] in events["SharedOperatorRoles"] or people.entitled(role):
        return
    admitted = trusted(trust)
    if len(admitted) != 1 or "" in admitted:
        raise RefusedError(
            f"role {name} is shared: its trust policy lets in more than one person, and a grant would admit all of them"
        )
    if lets_tag_sessions(trust):
        raise RefusedError(
            f"role {name} permits session tags: a principal that assumes it can set {TAG_KEY} there, without an approval"
        )


def _check_identity(people: People, role: Json, events: Json) -> None:
    """Check that an operator's role of IAM Identity Center is still that of the user whose ID it has in its name."""
    name, identities = role["RoleName"], people.identities
    user = identities.operator(name)
    if not user:
        return
    if name != events["PrincipalName"]:
        # IAM finds it in any case, and runs are compared by the name that they were started with.
        raise RefusedError(f"role {events['PrincipalName']} has the name {name}: expected the same letters")
    if role["Path"] != OPERATORS_PATH:
        raise RefusedError(f"role {name} has the path {role['Path']}, not {OPERATORS_PATH}, and is no operator")
    person, trust = identities.user_name(user), role["AssumeRolePolicyDocument"]
    if identities.application:
        if not people.entitled(role):
            raise RefusedError(
                f"the trust policy of role {name} does not admit account access manager alone, for {person}"
            )
    elif identity_center_user(trust) != person:
        raise RefusedError(f"the trust policy of role {name} does not admit {person} alone, whose role it is")


def _check_instance(events: Json) -> str:
    """The Region that it is in."""
    instance, regions = events["InstanceId"], events["Regions"]
    for region in regions:
        try:
            found = client("ec2", region).describe_instances(InstanceIds=[instance])["Reservations"]
        except ClientError as failure:
            if not code_of(failure).startswith("InvalidInstanceID"):
                raise
            continue
        if found:
            _check_state(found[0]["Instances"][0]["State"]["Name"], instance, region)
            return region
    raise RefusedError(f"{instance} does not exist in {', '.join(regions)}")


def _check_state(state: str, instance: str, region: str) -> None:
    if state != "running":
        raise RefusedError(f"{instance} in {region} is {state}, not running")
    chosen = [{"Key": "InstanceIds", "Values": [instance]}]
    nodes = client("ssm", region).describe_instance_information(Filters=chosen)["InstanceInformationList"]
    if not nodes:
        raise RefusedError(f"{instance} in {region} is not managed by Systems Manager")
    if nodes[0]["PingStatus"] != "Online":
        raise RefusedError(f"{instance} in {region} does not answer Systems Manager ({nodes[0]['PingStatus']})")


def _other_grants(ssm: Any, run: Json, events: Json) -> str:
    """Return what this grant replaces: a principal has one tag, and so one grant at a time."""
    notes: list[str] = []
    try:
        for other in live_grants(ssm, events["Runbook"]):
            kind, name, instance = granted_by(other)
            if other["AutomationExecutionId"] == run["AutomationExecutionId"] or (kind, name) != asked_for(events)[:2]:
                continue
            asked = other.get("ExecutedBy", "an unknown principal")
            whose = "of the same requester" if asked == run.get("ExecutedBy") else f"requested by {asked}"
            notes.append(f"it replaces an active grant {whose}, for {instance} (run {other['AutomationExecutionId']})")
    except UNDETERMINED:
        notes.append("whether it replaces another active grant could not be determined in time")
    return "; ".join(notes)
