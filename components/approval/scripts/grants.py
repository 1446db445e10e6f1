"""What the runbooks do beyond single API calls: judge a request, take a grant back, find grants whose run is over.

This file is data: its text becomes part of the runbooks (`aws:executeScript`, runtime python3.11), where Systems Manager
calls the handlers with the step's `InputPayload`. It may use the standard library and boto3, nothing else.

A grant is the value of one tag on an operator's principal, the ID of the instance. The tag cannot tell which run set it,
so the runs themselves are asked: of several that granted the same principal the same instance, the one that granted
last takes the tag away. Where the runs cannot be told in time the tag goes.
"""

from __future__ import annotations

import json
import re
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG_KEY = "SecurityAllowSessionInstance"
GRANT_STEPS = ("TagRole", "TagUser")
LIVE = ("InProgress", "Waiting", "Cancelling")
MAX_GENERATIONS = 5
LOOK_SECONDS = 30
"""How long to ask for other runs: with one call more, and all its retries, within the step's time."""
PERSON = re.compile(r"arn:[^:]+:(iam::\d{12}:user/.+|sts::\d{12}:assumed-role/AWSReservedSSO_[^/]+/[^/]+)")
"""A user, or a session of IAM Identity Center, which names it itself; whoever assumes another role chooses the name."""
ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")

Json = dict[str, Any]


class RefusedError(Exception):
    """The request is not granted; the text says why."""


class UntoldError(Exception):
    """Which runs have granted cannot be told in time."""


NOT_TOLD = (UntoldError, ClientError, BotoCoreError)


def check_request(events: Json, _context: object) -> Json:
    """Whether a request may be granted, after it was approved. Never fails: what cannot be judged is refused."""
    try:
        ssm = _client("ssm")
        run = _run(ssm, events["ExecutionId"])
        _check_mode(run)
        deciders = _check_approval(ssm, run, events)
        _check_people(deciders, _check_principal(events), events)
        region = _check_instance(events)
        return {"Verdict": "accepted", "Reason": "", "Note": _other_grants(ssm, run, events), "Region": region}
    except RefusedError as refused:
        reason = str(refused)
    except Exception as failure:  # noqa: BLE001 -- whatever it is, the answer is no, with the reason
        reason = f"the request could not be checked ({type(failure).__name__}: {failure})"
    return {"Verdict": "refused", "Reason": reason[:1000], "Note": "", "Region": ""}


def release_grant(events: Json, _context: object) -> Json:
    """Takes the tag away if it is this run's, or nobody can tell in time."""
    iam, ssm = _client("iam"), _client("ssm")
    kind, name, instance = _asked(events)
    tag = _tag(iam, kind, name)
    if tag is None:
        return {"Outcome": f"the tag of {kind} {name} was gone already"}
    key, value = tag
    if value != instance:
        return {"Outcome": f"the tag of {kind} {name} was left: it names {value} now, another run's instance"}
    doubt = ""
    try:
        heir = _heir(ssm, events)
        if heir:
            return {"Outcome": f"the tag of {kind} {name} was left to the run {heir}"}
    except NOT_TOLD:
        doubt = ", although another run may have granted it too: they could not be told in time"
    _untag(iam, kind, name, key)
    return {"Outcome": f"the tag of {kind} {name} was removed{doubt}"}


def remove_expired_grants(events: Json, _context: object) -> Json:
    """Takes away each operator's tag that no run stands behind which granted it, whoever set it."""
    iam, ssm = _client("iam"), _client("ssm")
    operators = [("role", name) for name in events["OperatorRoles"]]
    operators += [("user", name) for name in events["OperatorUsers"]]
    found = [(kind, name, _tag(iam, kind, name)) for kind, name in operators]
    tagged = [(kind, name, *tag) for kind, name, tag in found if tag is not None]
    # The runs are read after the tags: a grant that is set in between is not mistaken for one without a run.
    doubt = ""
    try:
        live = [_grants(run) for run in _live_grants(ssm, events["Runbook"])] if tagged else []
    except NOT_TOLD:
        live, doubt = [], "; which runs had granted could not be told in time"
    removed = [each for each in tagged if (each[0], each[1], each[3]) not in live]
    for kind, name, key, _value in removed:
        _untag(iam, kind, name, key)
    texts = [f"{kind} {name} ({value})" for kind, name, _key, value in removed]
    return {"Outcome": "removed" if texts else "nothing to remove", "Removed": ", ".join(texts) + doubt}


def _check_mode(run: Json) -> None:
    """Step by step, a run could keep the tag for as long as somebody likes."""
    if run.get("Mode", "Auto") != "Auto":
        raise RefusedError(f"this run goes step by step (mode {run['Mode']}), so that its grant might not end in time")


def _check_approval(ssm: Any, run: Json, events: Json) -> list[str]:
    """Who approved. Of a change request that is not always known: what Change Manager keeps there is not documented."""
    if events["Mode"] == "change-manager":
        request = _change_request(ssm, run, events["ChangeTemplate"])
        if request is None and events["RequireChangeRequest"]:
            raise RefusedError(f"this run does not come from a change request made from {events['ChangeTemplate']}")
        approved = request or {}
    else:
        approved = run
    asked = approved.get("ExecutedBy", "")
    steps = approved.get("StepExecutions", [])
    deciders = [name for step in steps if step["Action"] == "aws:approve" for name in _deciders(step)]
    if events["Mode"] != "change-manager" and not deciders:
        raise RefusedError("nobody is on record as having approved")
    if not asked and (deciders or events["Mode"] != "change-manager"):
        raise RefusedError("it is not known who asked")
    for decider in deciders:
        if _same_person(asked, decider):
            raise RefusedError(f"{decider} approved what {asked} asked for: nobody approves their own request")
        if _principal(decider) == f"{events['PrincipalType']}/{events['PrincipalName']}".lower():
            raise RefusedError(f"{decider} approved a grant to itself")
    return deciders


def _check_people(deciders: list[str], people: list[str], events: Json) -> None:
    for decider in deciders:
        if any(_same_person(person, decider) for person in people):
            raise RefusedError(
                f"{decider} approved a grant to {events['PrincipalType']} {events['PrincipalName']}, "
                "which the same person may use"
            )


def _change_request(ssm: Any, run: Json, template: str) -> Json | None:
    """The change request, made from the template, that a run comes from."""
    for _ in range(MAX_GENERATIONS):
        if run.get("AutomationSubtype") == "ChangeRequest" and run.get("DocumentName") == template:
            return run
        parent = run.get("ParentAutomationExecutionId")
        if not parent:
            return None
        run = _run(ssm, parent)
    return None


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


def _check_principal(events: Json) -> list[str]:
    """The person that the grant is for, as far as one is known: a role that is accepted as shared has several."""
    kind, name = events["PrincipalType"], events["PrincipalName"]
    if name.startswith("AWSReservedSSO_"):
        raise RefusedError(f"{name} belongs to IAM Identity Center, which alone may tag it")
    if name not in events["OperatorRoles" if kind == "role" else "OperatorUsers"]:
        raise RefusedError(f"{kind} {name} is no operator of this workflow")
    iam = _client("iam")
    try:
        if kind == "user":
            iam.get_user(UserName=name)
            return [name]
        role = iam.get_role(RoleName=name)["Role"]
    except ClientError as failure:
        if _code(failure) != "NoSuchEntity":
            raise
        raise RefusedError(f"{kind} {name} does not exist") from failure
    if role["Path"].startswith(("/aws-reserved/", "/aws-service-role/")):
        raise RefusedError(f"role {name} is kept by AWS ({role['Path']})")
    trust = role["AssumeRolePolicyDocument"]
    people = _trusted(trust)
    if name in events["SharedOperatorRoles"]:
        return sorted(people - {""})
    if len(people) != 1 or "" in people:
        raise RefusedError(
            f"role {name} is shared: its trust policy lets in more than one person, and a grant would admit all of them"
        )
    if _lets_tag_sessions(trust):
        raise RefusedError(
            f"role {name} lets sessions be tagged: whoever assumes it can set {TAG_KEY} there, and needs no approval"
        )
    return sorted(people)


def _trusted(trust: Json) -> set[str]:
    """Who may assume a role with this trust policy; an empty text stands for those who are not certainly one person."""
    statements = _listed(trust.get("Statement", []))
    admitting = [each for each in statements if each.get("Effect") == "Allow" and _covers(each, *ASSUMING)]
    return {person for each in admitting for person in _people(each)}


def _covers(statement: Json, *actions: str) -> bool:
    """Whether a statement is about one of these actions; one that names what it is not about counts as well."""
    patterns = [str(pattern).lower() for pattern in _listed(statement.get("Action", "*"))]
    return any(fnmatchcase(action.lower(), pattern) for action in actions for pattern in patterns)


def _people(statement: Json) -> list[str]:
    """Who a statement lets in."""
    principal = statement.get("Principal", "*")
    known: Json = cast("Json", principal) if isinstance(principal, dict) else {}
    named = [str(arn) for arn in _listed(known["AWS"])] if list(known) == ["AWS"] else ["*"]
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            listed = [str(value) for value in _listed(values)]
            exact = operator in ("StringEquals", "ArnEquals") and not any(re.search(r"[*?$]", text) for text in listed)
            if exact and all(_names_person(key.lower(), text, named) for text in listed):
                return listed
    return [arn if PERSON.fullmatch(arn) else "" for arn in named]


def _names_person(key: str, value: str, named: list[str]) -> bool:
    """Whether a condition key has this value for one person alone.

    Not so: the ID of a role's session, which ends as whoever assumes the role likes, and the subject of a token, which
    may be a pipeline. A user name is one person's in one account.
    """
    if key == "aws:userid":
        return value.startswith("AIDA")
    if key == "aws:username":
        return len(named) == 1 and named != ["*"]
    return key == "aws:principalarn" and bool(PERSON.fullmatch(value)) and ":user/" in value


def _lets_tag_sessions(trust: Json) -> bool:
    """Whether those who may assume a role can set the tag on their session: it counts as the role's own."""
    tagging = [each for each in _listed(trust.get("Statement", [])) if _covers(each, "sts:TagSession")]
    if any(each.get("Effect") == "Deny" and "Action" in each and _denies_tag(each) for each in tagging):
        return False
    return any(each.get("Effect") == "Allow" and not _spares_tag(each) for each in tagging)


def _denies_tag(statement: Json) -> bool:
    """Whether a statement that denies holds for everybody, with no condition but that the tag is there."""
    if statement.get("Principal") not in ("*", {"AWS": "*"}):
        return False
    conditions = _conditions(statement)
    return not conditions or (
        len(conditions) == 1
        and any(
            (operator, key, values) == ("null", f"aws:requesttag/{TAG_KEY}".lower(), ["false"])
            or ((operator, key) == ("foranyvalue:stringequalsignorecase", "aws:tagkeys") and TAG_KEY.lower() in values)
            for operator, key, values in conditions
        )
    )


def _spares_tag(statement: Json) -> bool:
    """Whether a statement that allows does so without the tag only. Case means nothing in keys of tags."""
    for operator, key, values in _conditions(statement):
        if (operator, key, values) == ("null", f"aws:requesttag/{TAG_KEY}".lower(), ["true"]):
            return True
        listed = operator in ("forallvalues:stringequals", "forallvalues:stringequalsignorecase")
        if listed and key == "aws:tagkeys" and TAG_KEY.lower() not in values and "$" not in "".join(values):
            return True
        if operator == "forallvalues:stringnotequalsignorecase" and key == "aws:tagkeys" and TAG_KEY.lower() in values:
            return True
    return False


def _conditions(statement: Json) -> list[tuple[str, str, list[str]]]:
    """Operator, key and values of each condition, in small letters."""
    return [
        (operator.lower(), key.lower(), [str(value).lower() for value in _listed(values)])
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]


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
    try:
        for other in _live_grants(ssm, events["Runbook"]):
            kind, name, instance = _grants(other)
            if other["AutomationExecutionId"] == run["AutomationExecutionId"] or (kind, name) != _asked(events)[:2]:
                continue
            asked = other.get("ExecutedBy", "somebody")
            whose = "of the same requester" if asked == run.get("ExecutedBy") else f"asked for by {asked}"
            notes.append(f"it comes over a live grant {whose}, for {instance} (run {other['AutomationExecutionId']})")
    except NOT_TOLD:
        notes.append("whether it comes over another live grant could not be told in time")
    return "; ".join(notes)


def _heir(ssm: Any, events: Json) -> str | None:
    """The run that granted the same after this one did, and takes the tag away in its place."""
    own = _granted_at(_run(ssm, events["ExecutionId"]))
    for other in _live_grants(ssm, events["Runbook"]):
        when, run = _granted_at(other), other["AutomationExecutionId"]
        if run == events["ExecutionId"] or _grants(other) != _asked(events):
            continue
        if own is None or (when, run) > (own, events["ExecutionId"]):
            return run
    return None


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


def _run(ssm: Any, execution: str) -> Json:
    return ssm.get_automation_execution(AutomationExecutionId=execution)["AutomationExecution"]


def _live_grants(ssm: Any, runbook: str) -> Iterator[Json]:
    """The runs that have granted and are not over, the latest first.

    A run that waits to begin, or for approval, has granted nothing. It is not read: whoever may ask can have as many
    of them as they like.

    Raises:
        UntoldError: it takes too long.
    """
    end = time.monotonic() + LOOK_SECONDS
    chosen = [{"Key": "DocumentNamePrefix", "Values": [runbook]}, {"Key": "ExecutionStatus", "Values": list(LIVE)}]
    for page in ssm.get_paginator("describe_automation_executions").paginate(Filters=chosen):
        _check_time(end)
        for each in page["AutomationExecutionMetadataList"]:
            if each["DocumentName"] != runbook or each.get("CurrentAction") == "aws:approve":
                continue
            _check_time(end)
            run = _run(ssm, each["AutomationExecutionId"])
            if _granted_at(run) is not None:
                yield run


def _check_time(end: float) -> None:
    if time.monotonic() > end:
        raise UntoldError


def _tag(iam: Any, kind: str, name: str) -> tuple[str, str] | None:
    """Key and value of the tag, or None where there is no tag or no such principal. IAM takes the key in any case."""
    listing, parameter = ("list_role_tags", "RoleName") if kind == "role" else ("list_user_tags", "UserName")
    try:
        pages = list(iam.get_paginator(listing).paginate(**{parameter: name}))
    except ClientError as failure:
        if _code(failure) != "NoSuchEntity":
            raise
        return None
    found = ((tag["Key"], tag["Value"]) for page in pages for tag in page["Tags"])
    return next((tag for tag in found if tag[0].lower() == TAG_KEY.lower()), None)


def _untag(iam: Any, kind: str, name: str, key: str) -> None:
    if kind == "role":
        iam.untag_role(RoleName=name, TagKeys=[key])
    else:
        iam.untag_user(UserName=name, TagKeys=[key])


def _client(service: str, region: str | None = None) -> Any:
    make: Any = getattr(boto3, "client")  # noqa: B009 -- its overloads name every service there is
    patience = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "max_attempts": 5})
    return make(service, region_name=region, config=patience)


def _code(failure: ClientError) -> str:
    return failure.response.get("Error", {}).get("Code", "")
