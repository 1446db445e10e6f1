"""Properties of every rule about preferences."""

import json
from typing import Any

import pytest

from policies.rule import Rule
from policies.session_manager import RULES
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, undecided
from tests.policies.session_manager.forms import COMPLIANT, DOCUMENT, FORMS, OWN, content

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
