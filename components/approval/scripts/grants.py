"""What the runbooks do beyond single API calls: judge a request, take a grant back, find grants whose run is over.

This file is data: its text becomes part of the runbooks (`aws:executeScript`, runtime python3.11), where Systems Manager
calls the handlers with the step's `InputPayload`. It may use the standard library and boto3, nothing else.

A grant is the value of one tag on an operator's principal, the ID of the instance. The tag cannot tell which run set it,
so the runs themselves are asked: of several that granted the same principal the same instance, the one that granted
last takes the tag away.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TAG_KEY = "SecurityAllowSessionInstance"
GRANT_STEPS = ("TagRole", "TagUser")
LIVE = ("Pending", "InProgress", "Waiting", "Cancelling")
MAX_GENERATIONS = 5

Json = dict[str, Any]


class RefusedError(Exception):
    """The request is not granted; the text says why."""


def check_request(events: Json, _context: object) -> Json:
    """Whether a request may be granted, after it was approved. Never fails: what cannot be judged is refused."""
    try:
        ssm = _client("ssm")
        run = _run(ssm, events["ExecutionId"])
        _check_approval(ssm, run, events)
        _check_principal(events)
        region = _check_instance(events)
        return {"Verdict": "accepted", "Reason": "", "Note": _other_grants(ssm, run, events), "Region": region}
    except RefusedError as refused:
        reason = str(refused)
    except Exception as failure:  # noqa: BLE001 -- whatever it is, the answer is no, with the reason
        reason = f"the request could not be checked ({type(failure).__name__}: {failure})"
    return {"Verdict": "refused", "Reason": reason[:1000], "Note": "", "Region": ""}


def release_grant(events: Json, _context: object) -> Json:
    """Takes the tag away if it is this run's."""
    iam, ssm = _client("iam"), _client("ssm")
    kind, name, instance = events["PrincipalType"], events["PrincipalName"], events["InstanceId"]
    value = _tag(iam, kind, name)
    if value is None:
        return {"Outcome": f"the tag of {kind} {name} was gone already"}
    if value != instance:
        return {"Outcome": f"the tag of {kind} {name} was left: it names {value} now, another run's instance"}
    own = _granted_at(_run(ssm, events["ExecutionId"]))
    for other in _live_runs(ssm, events["Runbook"]):
        when = _granted_at(other)
        if other["AutomationExecutionId"] == events["ExecutionId"] or when is None or _grants(other) != _asked(events):
            continue
        if own is None or (when, other["AutomationExecutionId"]) > (own, events["ExecutionId"]):
            return {"Outcome": f"the tag of {kind} {name} was left to the run {other['AutomationExecutionId']}"}
    _untag(iam, kind, name)
    return {"Outcome": f"the tag of {kind} {name} was removed"}


def remove_expired_grants(events: Json, _context: object) -> Json:
    """Takes away each operator's tag that no approved run stands behind, whoever set it."""
    iam, ssm = _client("iam"), _client("ssm")
    operators = [("role", name) for name in events["OperatorRoles"]]
    operators += [("user", name) for name in events["OperatorUsers"]]
    tagged = [(kind, name, _tag(iam, kind, name)) for kind, name in operators]
    tagged = [each for each in tagged if each[2] is not None]
    # The runs are read after the tags: a grant that is set in between is not mistaken for one without a run.
    live = [_grants(run) for run in _live_runs(ssm, events["Runbook"]) if _is_approved(run)] if tagged else []
    removed = [each for each in tagged if each not in live]
    for kind, name, _value in removed:
        _untag(iam, kind, name)
    texts = [f"{kind} {name} ({value})" for kind, name, value in removed]
    return {"Outcome": "removed" if texts else "nothing to remove", "Removed": ", ".join(texts)}


def _check_approval(ssm: Any, run: Json, events: Json) -> None:
    if events["Mode"] == "change-manager":
        if events["RequireChangeRequest"] and not _comes_from_change_request(ssm, run, events["ChangeTemplate"]):
            raise RefusedError(f"this run does not come from a change request made from {events['ChangeTemplate']}")
        return
    asked = run.get("ExecutedBy", "")
    if not asked:
        raise RefusedError("it is not known who asked")
    deciders = [name for step in run["StepExecutions"] if step["Action"] == "aws:approve" for name in _deciders(step)]
    if not deciders:
        raise RefusedError("nobody is on record as having approved")
    for decider in deciders:
        if _same_person(asked, decider):
            raise RefusedError(f"{decider} approved what {asked} asked for: nobody approves their own request")
        if _principal(decider) == f"{events['PrincipalType']}/{events['PrincipalName']}".lower():
            raise RefusedError(f"{decider} approved a grant to itself")


def _comes_from_change_request(ssm: Any, run: Json, template: str) -> bool:
    for _ in range(MAX_GENERATIONS):
        if run.get("AutomationSubtype") == "ChangeRequest" and run.get("DocumentName") == template:
            return True
        parent = run.get("ParentAutomationExecutionId")
        if not parent:
            return False
        run = _run(ssm, parent)
    return False


def _deciders(step: Json) -> list[str]:
    """Who approved a step. `ApproverDecisions` holds JSON: one object a decision, or a list of them."""
    found: list[str] = []
    for text in step.get("Outputs", {}).get("ApproverDecisions", []):
        decoded: Any = json.loads(text)
        found += [each["Approver"] for each in _listed(decoded) if each.get("Decision", "").startswith("Approve")]
    return found


def _principal(who: str) -> str:
    """`role/Operator` or `user/alice` of an ARN, session or bare user name; case means nothing in IAM names."""
    resource = who.split(":", 5)[5] if who.startswith("arn:") else f"user/{who}"
    parts = resource.lower().split("/")
    if parts[0] == "assumed-role":
        return f"role/{parts[1]}"
    return f"{parts[0]}/{parts[-1]}"


def _same_person(one: str, other: str) -> bool:
    """The same principal, or the same person behind two: a console switches roles under the user's own name."""
    names = [who.lower().rsplit("/", 1)[-1].rsplit(":", 1)[-1] for who in (one, other)]
    return _principal(one) == _principal(other) or names[0] == names[1]


def _check_principal(events: Json) -> None:
    kind, name = events["PrincipalType"], events["PrincipalName"]
    if name.startswith("AWSReservedSSO_"):
        raise RefusedError(f"{name} belongs to IAM Identity Center, which alone may tag it")
    if name not in events["OperatorRoles" if kind == "role" else "OperatorUsers"]:
        raise RefusedError(f"{kind} {name} is no operator of this workflow")
    iam = _client("iam")
    try:
        if kind == "user":
            iam.get_user(UserName=name)
            return
        role = iam.get_role(RoleName=name)["Role"]
    except ClientError as failure:
        if _code(failure) != "NoSuchEntity":
            raise
        raise RefusedError(f"{kind} {name} does not exist") from failure
    if role["Path"].startswith(("/aws-reserved/", "/aws-service-role/")):
        raise RefusedError(f"role {name} is kept by AWS ({role['Path']})")
    if name not in events["SharedOperatorRoles"] and not _is_personal(role["AssumeRolePolicyDocument"]):
        raise RefusedError(
            f"role {name} is shared: its trust policy lets in more than one person, and a grant would admit all of them"
        )


def _is_personal(trust: Json) -> bool:
    """Whether just one person may assume a role with this trust policy."""
    statements = _listed(trust.get("Statement", []))
    admitting = [each for each in statements if each.get("Effect") == "Allow" and _lets_assume(each)]
    people = {person for each in admitting for person in _people(each)}
    return len(people) == 1 and "" not in people


def _lets_assume(statement: Json) -> bool:
    actions = [str(action).lower() for action in _listed(statement.get("Action", ["*"]))]
    return any(action in ("*", "sts:*") or action.startswith("sts:assume") for action in actions)


def _people(statement: Json) -> list[str]:
    """Who a statement lets in; an empty text where that is not certainly one person each.

    Session names are no proof: whoever assumes a role chooses the name.
    """
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            listed = [str(value) for value in _listed(values)]
            exact = operator in ("StringEquals", "ArnEquals") and not any(re.search(r"[*?$]", text) for text in listed)
            personal = key.lower() in ("aws:username", "aws:userid") or key.lower().endswith(":sub")
            if exact and (personal or (key.lower() == "aws:principalarn" and ":user/" in listed[0])):
                return listed
    principal = statement.get("Principal", "*")
    if not isinstance(principal, dict) or "AWS" not in principal or len(cast("Json", principal)) != 1:
        return [""]
    named = [str(arn) for arn in _listed(principal["AWS"])]
    return [arn if ":user/" in arn or ":assumed-role/" in arn else "" for arn in named]


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _check_instance(events: Json) -> str:
    """The Region that it is in."""
    instance, regions = events["InstanceId"], events["Regions"]
    for region in regions:
        try:
            found = _client("ec2", region).describe_instances(InstanceIds=[instance])["Reservations"]
        except ClientError as failure:
            if not _code(failure).startswith("InvalidInstanceID"):
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
    nodes = _client("ssm", region).describe_instance_information(Filters=chosen)["InstanceInformationList"]
    if not nodes:
        raise RefusedError(f"{instance} in {region} is not managed by Systems Manager")
    if nodes[0]["PingStatus"] != "Online":
        raise RefusedError(f"{instance} in {region} does not answer Systems Manager ({nodes[0]['PingStatus']})")


def _other_grants(ssm: Any, run: Json, events: Json) -> str:
    """What this grant replaces: a principal has one tag, and so one grant at a time."""
    notes: list[str] = []
    for other in _live_runs(ssm, events["Runbook"]):
        if other["AutomationExecutionId"] == run["AutomationExecutionId"] or _granted_at(other) is None:
            continue
        kind, name, instance = _grants(other)
        if (kind, name) == _asked(events)[:2]:
            asked = other.get("ExecutedBy", "somebody")
            whose = "of the same requester" if asked == run.get("ExecutedBy") else f"asked for by {asked}"
            notes.append(f"it comes over a live grant {whose}, for {instance} (run {other['AutomationExecutionId']})")
    return "; ".join(notes)


def _asked(events: Json) -> tuple[str, str, str]:
    return events["PrincipalType"], events["PrincipalName"], events["InstanceId"]


def _grants(run: Json) -> tuple[str, str, str]:
    """Principal type, principal name and instance of a run."""
    given = run.get("Parameters", {})
    kind, name, instance = ((given.get(key) or [""])[0] for key in ("PrincipalType", "PrincipalName", "InstanceId"))
    return kind, name, instance


def _granted_at(run: Json) -> Any:
    """When a run set the tag, or None where it did not."""
    for step in run.get("StepExecutions", []):
        if step["StepName"] in GRANT_STEPS and step["StepStatus"] in ("Success", "InProgress"):
            return step["ExecutionStartTime"]
    return None


def _is_approved(run: Json) -> bool:
    return all(step["StepStatus"] == "Success" for step in run["StepExecutions"] if step["Action"] == "aws:approve")


def _run(ssm: Any, execution: str) -> Json:
    return ssm.get_automation_execution(AutomationExecutionId=execution)["AutomationExecution"]


def _live_runs(ssm: Any, runbook: str) -> list[Json]:
    chosen = [{"Key": "DocumentNamePrefix", "Values": [runbook]}, {"Key": "ExecutionStatus", "Values": list(LIVE)}]
    pages = ssm.get_paginator("describe_automation_executions").paginate(Filters=chosen)
    listed = [each for page in pages for each in page["AutomationExecutionMetadataList"]]
    return [_run(ssm, each["AutomationExecutionId"]) for each in listed if each["DocumentName"] == runbook]


def _tag(iam: Any, kind: str, name: str) -> str | None:
    """The value of the tag, or None where there is no tag or no such principal."""
    listing, key = ("list_role_tags", "RoleName") if kind == "role" else ("list_user_tags", "UserName")
    try:
        pages = list(iam.get_paginator(listing).paginate(**{key: name}))
    except ClientError as failure:
        if _code(failure) != "NoSuchEntity":
            raise
        return None
    return next((tag["Value"] for page in pages for tag in page["Tags"] if tag["Key"] == TAG_KEY), None)


def _untag(iam: Any, kind: str, name: str) -> None:
    if kind == "role":
        iam.untag_role(RoleName=name, TagKeys=[TAG_KEY])
    else:
        iam.untag_user(UserName=name, TagKeys=[TAG_KEY])


def _client(service: str, region: str | None = None) -> Any:
    make: Any = getattr(boto3, "client")  # noqa: B009 -- its overloads name every service there is
    return make(service, region_name=region, config=Config(retries={"mode": "standard", "max_attempts": 8}))


def _code(failure: ClientError) -> str:
    return failure.response.get("Error", {}).get("Code", "")
