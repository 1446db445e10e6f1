"""Text of notices about a request: requester, instance, and approvers. Data: see `components.approval.script`.

A notice is sent whatever can be found out: what cannot is left out, never a failure.
"""

from __future__ import annotations

import json
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from components.approval.scripts.aws import Json, client, get_run, listed

LONGEST = 120
ANCESTORS = 5


def describe_request(events: Json, _context: object) -> Json:
    """Return requester, instance and decision of a run, as texts."""
    try:
        run = approved_run(client("ssm"), get_run(client("ssm"), events["ExecutionId"]))
    except (ClientError, BotoCoreError):
        run = {}
    return {
        "Requester": requester_text(run.get("ExecutedBy", ""), events) or "not known",
        "Instance": named_instance(events["InstanceId"], events["Regions"]),
        "Decision": decision(run),
    }


def requester_text(who: str, events: Json) -> str:
    """Return the requester; of account access manager with the user name, as the requester chooses the session's name."""
    user = who.partition("/ShellOperator-")[2].partition("/")[0]
    if user and "AccountAccessApplication" in events:
        store = client("identitystore", events["IdentityStoreRegion"])
        try:
            found = store.describe_user(IdentityStoreId=events["IdentityStore"], UserId=user)
        except (ClientError, BotoCoreError):
            return plain_text(who)
        return f"{plain_text(found['UserName'])}, {plain_text(who)}"
    return plain_text(who)


def approved_run(ssm: Any, run: Json) -> Json:
    """Return the run that approvers decided on: the run itself, or the change request that it comes from."""
    found = run
    for _ in range(ANCESTORS):
        parent = found.get("ParentAutomationExecutionId")
        if found.get("AutomationSubtype") == "ChangeRequest" or not parent:
            return found
        found = get_run(ssm, parent)
    return found


def decision(run: Json) -> str:
    """Return who decided what, or why there is no decision."""
    steps = [step for step in run.get("StepExecutions", []) if step["Action"] == "aws:approve"]
    texts = [decision_text(each) for step in steps for each in decisions(step)]
    if texts:
        return "; ".join(texts)
    if any(step["StepStatus"] == "TimedOut" for step in steps):
        return "no approver answered in time"
    return "canceled" if run.get("AutomationExecutionStatus") in ("Cancelling", "Cancelled") else "no decision"


def decisions(step: Json) -> list[Json]:
    """Return the decisions on record of an approval step; what is not one is left out."""
    found: list[Json] = []
    for text in step.get("Outputs", {}).get("ApproverDecisions", []):
        try:
            found += [cast("Json", each) for each in listed(json.loads(text)) if isinstance(each, dict)]
        except ValueError:
            continue
    return [each for each in found if str(each.get("Decision", "")).startswith(("Approve", "Reject"))]


def decision_text(given: Json) -> str:
    """Return a decision as `approved by WHO (COMMENT)`."""
    verb = "approved" if str(given["Decision"]).startswith("Approve") else "rejected"
    comment = plain_text(str(given.get("Comment") or ""))
    return f"{verb} by {plain_text(str(given.get('Approver', '')))}" + (f" ({comment})" if comment else "")


def named_instance(instance: str, regions: list[str]) -> str:
    """Return an instance as `app-1 (i-0123456789abcdef0)`, or its ID where it has no name or cannot be read."""
    for region in regions:
        try:
            found = client("ec2", region).describe_instances(InstanceIds=[instance])["Reservations"]
        except (ClientError, BotoCoreError):
            continue
        for tag in (tag for group in found for each in group["Instances"] for tag in each.get("Tags", [])):
            name = plain_text(tag["Value"]) if tag["Key"] == "Name" else ""
            if name:
                return f"{name} ({instance})"
    return instance


def plain_text(text: str) -> str:
    """Return a text without braces, which Automation takes for a reference, and without control characters."""
    return "".join(each for each in text if each not in "{}" and each.isprintable())[:LONGEST]
