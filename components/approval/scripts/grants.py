"""Operations of the runbooks on grants: end one, and find grants whose run is over. Data: see `components.approval.script`.

A grant is the value of one tag on an operator's principal, the ID of the instance. The tag cannot tell which run set it,
so the runs themselves are asked: of several that granted the same principal the same instance, the one that granted
last removes the tag. Where the runs cannot be determined in time the tag is removed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from components.approval.scripts.aws import LEFT_TO, Json, client, code_of, get_run

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG_KEY = "SecurityAllowSessionInstance"
GRANT_STEPS = ("TagRole", "TagUser")
LIVE = ("InProgress", "Waiting", "Cancelling")
LOOK_SECONDS = 30
"""Seconds to look for other runs: with one more call, and all its retries, within the step's time."""
UNSEEN_SECONDS = 15
"""Pause before a tag counts as removed: IAM may not show one that was set some seconds ago, as before a cancellation (IAM
User Guide, "Changes that I make are not always immediately visible")."""


class UndeterminedError(Exception):
    """The runs that have granted cannot be determined in time."""


UNDETERMINED = (UndeterminedError, ClientError, BotoCoreError)


def release_grant(events: Json, _context: object) -> Json:
    """Removes the tag if it is this run's, or if that cannot be determined in time."""
    iam, ssm = client("iam"), client("ssm")
    kind, name, instance = asked_for(events)
    tag = _tag(iam, kind, name)
    if tag is None or tag[1] != instance:
        time.sleep(UNSEEN_SECONDS)
        tag = _tag(iam, kind, name)
    if tag is None:
        return {"Outcome": f"the tag of {kind} {name} was already removed"}
    key, value = tag
    if value != instance:
        return {
            "Outcome": f"the tag of {kind} {name} was not removed: its value is now {value}, the instance of another run"
        }
    doubt = ""
    try:
        heir = _heir(ssm, events)
        if heir:
            return {"Outcome": f"the tag of {kind} {name} {LEFT_TO} {heir}"}
    except UNDETERMINED:
        doubt = ", although another run may have granted it too: they could not be determined in time"
    _untag(iam, kind, name, key)
    return {"Outcome": f"the tag of {kind} {name} was removed{doubt}"}


def remove_expired_grants(events: Json, _context: object) -> Json:
    """Removes each operator's tag that no running execution has granted, whichever principal set it."""
    iam, ssm = client("iam"), client("ssm")
    operators = [("role", name) for name in events["OperatorRoles"]]
    operators += [("role", f"ShellOperator-{user}") for user in events.get("IdentityCenterUsers", "").split()]
    operators += [("user", name) for name in events["OperatorUsers"]]
    found = [(kind, name, _tag(iam, kind, name)) for kind, name in operators]
    tagged = [(kind, name, *tag) for kind, name, tag in found if tag is not None]
    # The runs are read after the tags: a grant that is set in between is not mistaken for one without a run.
    doubt = ""
    try:
        live = [granted_by(run) for run in live_grants(ssm, events["Runbook"])] if tagged else []
    except UNDETERMINED:
        live, doubt = [], "; which runs had granted could not be determined in time"
    removed = [each for each in tagged if (each[0], each[1], each[3]) not in live]
    for kind, name, key, _value in removed:
        _untag(iam, kind, name, key)
    texts = [f"{kind} {name} ({value})" for kind, name, _key, value in removed]
    return {"Outcome": "removed" if texts else "nothing to remove", "Removed": ", ".join(texts) + doubt}


def _heir(ssm: Any, events: Json) -> str | None:
    """The run that granted the same after this one did, and removes the tag in its place."""
    own = granted_at(get_run(ssm, events["ExecutionId"]))
    for other in live_grants(ssm, events["Runbook"]):
        when, run = granted_at(other), other["AutomationExecutionId"]
        if run == events["ExecutionId"] or granted_by(other) != asked_for(events):
            continue
        if own is None or (when, run) > (own, events["ExecutionId"]):
            return run
    return None


def asked_for(events: Json) -> tuple[str, str, str]:
    """Return principal type, principal name and instance of the request."""
    return events["PrincipalType"], events["PrincipalName"], events["InstanceId"]


def granted_by(run: Json) -> tuple[str, str, str]:
    """Principal type, principal name and instance of a run."""
    given = run.get("Parameters", {})
    kind, name, instance = ((given.get(key) or [""])[0] for key in ("PrincipalType", "PrincipalName", "InstanceId"))
    return kind, name, instance


def granted_at(run: Json) -> Any:
    """When a run set the tag, or None where it did not, or has removed it."""
    when = None
    for step in run.get("StepExecutions", []):
        if step["StepName"] in GRANT_STEPS and step["StepStatus"] in ("Success", "InProgress"):
            when = step["ExecutionStartTime"]
        if step["StepName"] == "ReleaseGrant" and step["StepStatus"] == "Success":
            return None
    return when


def live_grants(ssm: Any, runbook: str) -> Iterator[Json]:
    """The runs that have granted and are not over, the latest first.

    A run that waits to begin, or for approval, has granted nothing. It is not read: a requester can have
    any number of them.

    Raises:
        UndeterminedError: it takes too long.
    """
    end = time.monotonic() + LOOK_SECONDS
    chosen = [{"Key": "DocumentNamePrefix", "Values": [runbook]}, {"Key": "ExecutionStatus", "Values": list(LIVE)}]
    for page in ssm.get_paginator("describe_automation_executions").paginate(Filters=chosen):
        _check_time(end)
        for each in page["AutomationExecutionMetadataList"]:
            if each["DocumentName"] != runbook or each.get("CurrentAction") == "aws:approve":
                continue
            _check_time(end)
            run = get_run(ssm, each["AutomationExecutionId"])
            if granted_at(run) is not None:
                yield run


def _check_time(end: float) -> None:
    if time.monotonic() > end:
        raise UndeterminedError


def _tag(iam: Any, kind: str, name: str) -> tuple[str, str] | None:
    """Key and value of the tag, or None where there is no tag or no such principal. IAM takes the key in any case."""
    listing, parameter = ("list_role_tags", "RoleName") if kind == "role" else ("list_user_tags", "UserName")
    try:
        pages = list(iam.get_paginator(listing).paginate(**{parameter: name}))
    except ClientError as failure:
        if code_of(failure) != "NoSuchEntity":
            raise
        return None
    found = ((tag["Key"], tag["Value"]) for page in pages for tag in page["Tags"])
    return next((tag for tag in found if tag[0].lower() == TAG_KEY.lower()), None)


def _untag(iam: Any, kind: str, name: str, key: str) -> None:
    if kind == "role":
        iam.untag_role(RoleName=name, TagKeys=[key])
    else:
        iam.untag_user(UserName=name, TagKeys=[key])
