"""Requests among the executions that Systems Manager keeps, for 30 days after their end."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from operations.approval.calls import CallError, called
from operations.approval.requests import LIVE, Request, Run, understand
from operations.errors import UnusableError
from operations.inventory.reader import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.approval.desk import Desk

_WHOLE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORTEST: Final = 4
"""Minimum of characters to select an execution by its ID."""
_RUNS: Final = "AutomationExecutionMetadataList"
_AT_ONCE: Final = 8
"""Executions that are read at the same time; Systems Manager throttles sooner than most services."""


def recent(desk: Desk, last: int, incomplete: list[str] | None = None) -> list[Request]:
    """Return all requests that have not ended, and the latest of those that have; the newest first.

    Args:
        desk: Context of the command.
        last: Number of ended requests.
        incomplete: Receives why a listing ended early; its first pages then count. None: that is an error.

    Raises:
        CallError: A call to AWS failed.
    """
    documents = (desk.workflow.change_template, desk.workflow.runbook)
    listed = [run for document in documents for run in _listed(desk, document, incomplete)]
    if not listed and not incomplete:
        check_workflow(desk)
    ids = {each["AutomationExecutionId"] for each in listed}
    children = {each["ParentAutomationExecutionId"]: each for each in listed if each.get("ParentAutomationExecutionId")}
    own = [each for each in listed if each.get("ParentAutomationExecutionId") not in ids]
    own.sort(key=lambda each: each["ExecutionStartTime"], reverse=True)
    live = [each for each in own if _is_live(each) or _is_live(children.get(each["AutomationExecutionId"], {}))]
    over = [each for each in own if each not in live][:last]
    chosen = [each for each in own if each in live or each in over]

    def read(each: Run) -> Request:
        return _read(desk, each, children)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(read, chosen))


def check_workflow(desk: Desk) -> None:
    """Check that the workflow exists, as a Region without it has no requests either.

    Raises:
        UnusableError: The workflow does not exist.
        CallError: A call to AWS failed.
    """
    ssm, name = desk.clients.client("ssm", desk.workflow.region), desk.workflow.runbook
    try:
        called("ssm:DescribeDocument", ssm.describe_document, Name=name)
    except CallError as failed:
        cause: Any = failed.__cause__
        if getattr(cause, "response", None) and code_of(cause) == "InvalidDocument":
            raise UnusableError(
                f"There is no approval workflow in {desk.workflow.region} of account {desk.identity.account_id}: the "
                f"document {name} does not exist. Name the stack's first Region, or select the stack with --stack."
            ) from None
        raise


def find(desk: Desk, named: str) -> Request:
    """Return one request, by the ID of its execution or the beginning of it.

    Raises:
        UnusableError: No request matches, several match, or the beginning is too short.
        CallError: A call to AWS failed.
    """
    if _WHOLE_ID.fullmatch(named):
        return _find_whole(desk, named)
    if len(named.strip()) < _SHORTEST:
        # With an empty shell variable, the only existing request would match.
        raise UnusableError(f"expected the ID of a run, or its first {_SHORTEST} characters or more, got {named!r}.")
    found = [each for each in recent(desk, last=1_000) if each.id.startswith(named.strip().lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnusableError(
            f"No request has an ID that begins with {named!r}. List requests: python -m operations status{desk.options}"
        )
    listed = ", ".join(each.id for each in found)
    raise UnusableError(f"{len(found)} requests have an ID that begins with {named!r}: {listed}.")


def get_run(desk: Desk, run: str) -> Run:
    """Return an execution as Systems Manager describes it.

    Raises:
        UnusableError: The execution does not exist.
        CallError: A call to AWS failed.
    """
    ssm = desk.clients.client("ssm", desk.workflow.region)
    try:
        answer = called("ssm:GetAutomationExecution", ssm.get_automation_execution, AutomationExecutionId=run)
    except CallError as failed:
        cause: Any = failed.__cause__
        if getattr(cause, "response", None) and code_of(cause) == "AutomationExecutionNotFoundException":
            raise UnusableError(f"There is no run {run} in {desk.workflow.region}.") from None
        raise
    return answer["AutomationExecution"]


def _find_whole(desk: Desk, named: str) -> Request:
    run = get_run(desk, named)
    parent = run.get("ParentAutomationExecutionId")
    if parent and _document(run) == desk.workflow.runbook:
        return understand(get_run(desk, parent), run)
    if _document(run) not in (desk.workflow.runbook, desk.workflow.change_template):
        raise UnusableError(f"{named} is a run of {_document(run)}, not a request for a session.")
    if _document(run) == desk.workflow.runbook:
        return understand(run)
    chosen = [{"Key": "ParentExecutionId", "Values": [named]}]
    children = [each for each in _pages(desk, chosen) if _document(each) == desk.workflow.runbook]
    return understand(run, get_run(desk, children[0]["AutomationExecutionId"]) if children else None)


def _read(desk: Desk, listed: Run, children: dict[str, Run]) -> Request:
    child = children.get(listed["AutomationExecutionId"])
    run = get_run(desk, listed["AutomationExecutionId"])
    return understand(run, get_run(desk, child["AutomationExecutionId"]) if child else None)


def _listed(desk: Desk, document: str, incomplete: list[str] | None) -> list[Run]:
    """Return the executions of a document; the filter of the API matches the beginning of a name."""
    chosen = [{"Key": "DocumentNamePrefix", "Values": [document]}]
    try:
        found = _pages(desk, chosen)
    except CallError as failed:
        if incomplete is None or failed.read_so_far is None:
            raise
        incomplete.append(str(failed))
        found = failed.read_so_far.get(_RUNS, [])
    return [each for each in found if _document(each) == document]


def _pages(desk: Desk, chosen: list[dict[str, Any]]) -> Iterable[Run]:
    paginator = desk.clients.client("ssm", desk.workflow.region).get_paginator("describe_automation_executions")
    answer = called("ssm:DescribeAutomationExecutions", lambda: paginator.paginate(Filters=chosen).build_full_result())
    return answer[_RUNS]


def _document(run: Run) -> str:
    """Return the name of an execution's document, which may have been started by ARN."""
    return str(run.get("DocumentName", "")).rsplit("/", 1)[-1].split(":")[0]


def _is_live(run: Run) -> bool:
    return run.get("AutomationExecutionStatus") in LIVE
