import json
from typing import Any

import pytest
import yaml

from policies.session_manager.session_documents import SESSION_DOCUMENT_READABLE
from tests.policies.judging import SILENT, UNKNOWN, judge, undecided, violations
from tests.policies.session_manager.forms import COMPLIANT, DOCUMENT, content

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
