"""Session documents, and every form that carries preferences."""

import json
from typing import Any

import pytest
import yaml

from policies.rule import Rule
from policies.session_manager import RULES
from policies.session_manager.session_documents import SESSION_DOCUMENT_READABLE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, undecided, violations
from tests.policies.session_manager.forms import COMPLIANT, DOCUMENT, FORMS, OWN, content

READABLE: dict[str, Any] = {
    "documentType": "Session",
    "documentFormat": "JSON",
    "name": "shell",
    "content": json.dumps(content(COMPLIANT)),
}
IN_YAML = yaml.safe_dump(content(COMPLIANT))
TEXT = (
    'aws:ssm/document:Document "subject": content: found text that cannot be read, expected a mapping in the format '
    "that documentFormat states (JSON where it states none). "
    "Write the content as one JSON object, or as a YAML mapping with documentFormat YAML, and no key twice."
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="JSON"),
        pytest.param({"documentFormat": None}, id="JSON by default"),
        pytest.param({"documentFormat": "YAML", "content": IN_YAML}, id="YAML"),
        pytest.param({"documentFormat": "YAML"}, id="JSON as YAML"),
        pytest.param({"documentFormat": UNKNOWN}, id="format not known yet"),
    ],
)
def test_readable_document_is_fine(change: dict[str, Any]) -> None:
    assert judge(SESSION_DOCUMENT_READABLE, DOCUMENT, READABLE | change) == SILENT


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"content": "{"}, id="broken JSON"),
        pytest.param({"content": '{"inputs": {"a": 1, "a": 2}}'}, id="a key twice in JSON"),
        pytest.param({"documentFormat": "YAML", "content": "a: 1\na: 2"}, id="a key twice in YAML"),
        pytest.param({"documentFormat": "YAML", "content": "a: 1\n[b]: 2"}, id="YAML with a list as a key"),
        pytest.param({"documentType": "Automation", "content": '{"a": 1, "a": 2}'}, id="a runbook"),
        pytest.param({"documentType": "Automation.ChangeTemplate", "content": "{"}, id="a change template"),
        pytest.param({"content": IN_YAML}, id="YAML in a JSON document"),
        pytest.param({"content": IN_YAML, "documentFormat": None}, id="YAML without a format"),
        pytest.param({"documentFormat": "YAML", "content": "a: [1"}, id="broken YAML"),
        pytest.param({"content": "[]"}, id="a list"),
        pytest.param({"documentFormat": "YAML", "content": "text"}, id="a text"),
        pytest.param({"content": ""}, id="empty"),
        pytest.param({"content": None}, id="left out"),
    ],
)
def test_unreadable_document_is_refused(change: dict[str, Any]) -> None:
    assert violations(SESSION_DOCUMENT_READABLE, DOCUMENT, READABLE | change) == [TEXT]


def test_text_is_not_repeated_as_it_may_hold_anything() -> None:
    (message,) = violations(SESSION_DOCUMENT_READABLE, DOCUMENT, READABLE | {"content": "password: hunter2"})
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("change", "unseen"),
    [
        pytest.param({"content": UNKNOWN}, "content", id="content"),
        pytest.param({"documentType": UNKNOWN, "content": "{"}, "documentType", id="type"),
    ],
)
def test_what_is_not_known_yet_is_reported_as_advice(change: dict[str, Any], unseen: str) -> None:
    assert judge(SESSION_DOCUMENT_READABLE, DOCUMENT, READABLE | change) == undecided(DOCUMENT, unseen)


def test_documents_of_other_types_are_left_alone() -> None:
    assert judge(SESSION_DOCUMENT_READABLE, DOCUMENT, READABLE | {"documentType": "Command", "content": "{"}) == SILENT


PREFERENCE_RULES = [rule for rule in RULES if OWN in rule.types]

every_rule = pytest.mark.parametrize("rule", PREFERENCE_RULES, ids=lambda rule: rule.id)


def document(text: str, **properties: Any) -> dict[str, Any]:
    return {"documentType": "Session", "documentFormat": "JSON", "name": "shell", "content": text, **properties}


def test_each_rule_about_preferences_sees_both_resources() -> None:
    assert len(PREFERENCE_RULES) == len(RULES) - 1
    assert all(rule.types == {OWN, DOCUMENT} for rule in PREFERENCE_RULES)


@every_rule
def test_compliant_preferences_are_fine(rule: Rule, form: Form) -> None:
    assert judge(rule, form.type, form.carry(COMPLIANT)) == SILENT


@every_rule
def test_content_that_is_not_known_yet_is_reported_as_advice(rule: Rule) -> None:
    assert judge(rule, DOCUMENT, document(UNKNOWN)) == undecided(DOCUMENT, "content")


@every_rule
@pytest.mark.parametrize("session_type", ["Port", "InteractiveCommands", "NonInteractiveCommands"])
def test_document_that_opens_no_shell_is_left_alone(rule: Rule, session_type: str) -> None:
    assert judge(rule, DOCUMENT, document(json.dumps(content({}, session_type)))) == SILENT


@every_rule
@pytest.mark.parametrize("document_type", ["Command", "Automation"])
def test_document_of_another_type_is_left_alone(rule: Rule, document_type: str) -> None:
    of_another_type = document(UNKNOWN, documentType=document_type, name="SSM-SessionManagerRunShell")
    assert judge(rule, DOCUMENT, of_another_type) == SILENT


@every_rule
@pytest.mark.parametrize("text", ["{", "[]", '"text"', ""], ids=["broken", "a list", "a text", "empty"])
def test_unreadable_document_is_left_to_the_rule_about_that(rule: Rule, text: str) -> None:
    assert judge(rule, DOCUMENT, document(text)) == SILENT


@pytest.mark.parametrize("inputs", [None, [], "text"], ids=["absent", "a list", "a text"])
@pytest.mark.parametrize("rule_id", ["session-preferences-encrypt-data", "session-preferences-log"])
def test_shell_document_without_inputs_is_judged_as_empty(rule_id: str, inputs: object) -> None:
    rule = next(rule for rule in RULES if rule.id == rule_id)
    text = json.dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs})
    assert len(judge(rule, DOCUMENT, document(text)).violations) == 1


@pytest.mark.parametrize("unknown", ["documentType", "documentFormat", "name"])
def test_unknown_beside_the_content_silences_no_rule(unknown: str) -> None:
    rule = next(rule for rule in RULES if rule.id == "session-preferences-encrypt-data")
    text = json.dumps(content(COMPLIANT | {"kmsKeyId": ""}))
    assert len(judge(rule, DOCUMENT, document(text, **{unknown: UNKNOWN})).violations) == 1


def test_every_form_is_different() -> None:
    assert len({json.dumps(form.carry(COMPLIANT)) for form in FORMS.values()}) == len(FORMS)
