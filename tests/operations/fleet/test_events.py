"""Reading the engine's event log."""

from __future__ import annotations

import json
from typing import Any

from operations.fleet.events import EventLog


def step(op: str, kind: str = "aws:cloudwatch/logGroup:LogGroup", **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:s::shell-access::{kind}::logs"
    inputs = {"region": "us-east-1"} if kind.startswith("aws:cloudwatch") else {}
    return {"metadata": {"op": op, "type": kind, "urn": urn, "new": {"inputs": inputs}} | more}


def read(*events: dict[str, Any], drift: bool = False) -> EventLog:
    log = EventLog(looks_for_drift=drift)
    log.read([json.dumps(each) for each in events])
    return log


def test_event_log_counts_steps_by_region() -> None:
    log = read(
        {"resourcePreEvent": step("create")},
        {"resourcePreEvent": step("update", diffs=["retentionInDays", "tags"])},
        {"resourcePreEvent": step("create", kind="aws:iam/policy:Policy")},
        {"resourcePreEvent": step("same")},
        {"resourcePreEvent": step("create", kind="pulumi:pulumi:Stack")},
        {"resourcePreEvent": step("create", kind="shell-access:sessionManager:SessionManager")},
        {"summaryEvent": {}},
    )
    assert dict(log.changes) == {"create": 2, "update": 1}
    assert log.by_region == {
        "us-east-1": ["create LogGroup logs", "update LogGroup logs: retentionInDays, tags"],
        "": ["create Policy logs"],
    }
    assert log.is_over


def test_event_log_counts_replacement_once() -> None:
    steps = ("create-replacement", "replace", "delete-replaced")
    assert dict(read(*({"resourcePreEvent": step(op)} for op in steps)).changes) == {"replace": 1}


def test_event_log_reads_drift_from_outputs() -> None:
    sides = {"old": {"inputs": {"region": "eu-west-1"}, "outputs": {"retentionInDays": 90, "text": "[secret]"}}}
    sides["new"] = {"inputs": {"region": "eu-west-1"}, "outputs": {"retentionInDays": 1, "text": "other"}}
    log = read(
        {"resourcePreEvent": step("refresh")},
        {"resOutputsEvent": step("same")},
        {"resOutputsEvent": step("update", diffs=["retentionInDays", "text"], **sides)},
        {"resOutputsEvent": step("delete")},
        drift=True,
    )
    assert log.by_region == {
        "eu-west-1": ["update LogGroup logs: retentionInDays: 90 -> 1, text"],
        "us-east-1": ["delete LogGroup logs"],
    }
    assert dict(log.changes) == {"update": 1, "delete": 1}


def test_event_log_compares_inputs_of_dynamic_resources() -> None:
    old, new = {"__provider": "a", "minutes": 20, "same": 1}, {"__provider": "b", "minutes": 55, "same": 1}
    sides = {side: {"inputs": values, "outputs": values} for side, values in (("old", old), ("new", new))}
    found = read({"resOutputsEvent": step("update", **sides)}, drift=True).by_region[""]
    planned = read({"resourcePreEvent": step("update", **sides)}).by_region[""]
    assert (found, planned) == (["update LogGroup logs: minutes: 20 -> 55"], ["update LogGroup logs: minutes"])


def test_event_log_prefers_input_drift_over_output_drift() -> None:
    old = {"inputs": {"minutes": 20}, "outputs": {"minutes": 20, "version": 1}}
    new = {"inputs": {"minutes": 55}, "outputs": {"minutes": 55, "version": 2}}
    log = read({"resOutputsEvent": step("update", old=old, new=new, diffs=["version"])}, drift=True)
    assert log.by_region == {"": ["update LogGroup logs: minutes: 20 -> 55"]}


def test_event_log_lists_distinct_errors_without_markup() -> None:
    error = {"diagnosticEvent": {"severity": "error", "message": "<{%reset%}>no\n such role<{%reset%}>\n"}}
    policy = {"policyEvent": {"enforcementLevel": "mandatory", "policyName": "p", "message": "not\nlike this"}}
    advice = {"policyEvent": {"enforcementLevel": "advisory", "policyName": "q", "message": "perhaps"}}
    info = {"diagnosticEvent": {"severity": "info", "message": "hello"}}
    assert read(error, error, info, policy, advice).errors == ["no such role", "policy p: not like this"]


def test_event_log_ignores_other_lines() -> None:
    log = EventLog()
    log.read(['{"resourcePreEvent": {"metadata"', "[]", "", "null"])
    assert dict(log.changes) == {}
