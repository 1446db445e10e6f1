"""Reading the engine's event log."""

import json
from typing import Any

import pytest

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
    assert (found, planned) == (["update LogGroup logs: minutes: 20 -> 55"],) * 2


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
    assert read(error, error, info, policy, advice).errors == ["no\nsuch role", "policy p: not like this"]


def test_event_log_ignores_other_lines() -> None:
    log = EventLog()
    log.read(['{"resourcePreEvent": {"metadata"', "[]", "", "null"])
    assert dict(log.changes) == {}


def sides(before: Any, after: Any) -> dict[str, Any]:
    return {side: {"inputs": {"value": value}} for side, value in (("old", before), ("new", after))}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (1, 2, "value: 1 -> 2"),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}, "d": 4}, "value.b.c: 2 -> 3, value.d: not set -> 4"),
        ('{"Statement": {"Action": "a"}}', '{"Statement": {"Action": "b"}}', 'value.Statement.Action: "a" -> "b"'),
        ("[secret]", "b", "value"),
        ("x" * 200, "y", "value"),
        ("a", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", 'value: "a" -> known after the update'),
    ],
    ids=["number", "mapping", "JSON", "secret", "long", "unknown"],
)
def test_event_log_shows_old_and_new_values(before: Any, after: Any, said: str) -> None:
    log = read({"resourcePreEvent": step("update", diffs=["value.b.c"], **sides(before, after))})
    assert log.by_region[""] == [f"update LogGroup logs: {said}"]


def test_preview_predicts_import_of_fixed_names() -> None:
    log = EventLog(is_preview=True)
    adopted = step("create", kind="pulumi-python:dynamic/shellaccess:AdoptedResource")
    log.read(json.dumps({"resourcePreEvent": each}) for each in (adopted, step("create")))
    assert dict(log.changes) == {"create": 1, "import": 1}


def test_event_log_notes_what_will_be_taken_over() -> None:
    lines = (
        (
            "SSM-SessionManagerRunShell in eu-west-1 exists already and will be taken over; the live content remains as version 1 "
            "and is restored on destroy unless configured otherwise:"
        ),
        "    idleSessionTimeout: 45 -> 20",
        '    kmsKeyId: "" -> known after the update',
        "another line",
        "    of something else",
    )
    log = read(*({"diagnosticEvent": {"severity": "info#err", "message": f"{line}\n"}} for line in lines))
    assert log.by_region == {
        "eu-west-1": [
            'take over SSM-SessionManagerRunShell: idleSessionTimeout: 45 -> 20, kmsKeyId: "" -> known after the update'
        ]
    }
