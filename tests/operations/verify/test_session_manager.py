"""The preferences document is compared setting by setting."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.session_manager.document import PREFERENCES, document, serialized
from components.session_manager.settings import SessionManagerSettings, preferences
from operations.deployment import Deployment
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import DocumentFacts, KeyFacts
from operations.verify.session_manager import UNKNOWN_KEY, differences, preferences_findings
from tests.operations.arrangement import document_facts

SETTINGS = SessionManagerSettings(s3_logging=True, s3_bucket_name="logs", linux_shell_profile="umask 077")
DEPLOYMENT = Deployment(stack="dev", account_id="123456789012", region="eu-west-1", session_manager=SETTINGS)
KEY = KeyFacts(key_id="1234", arn="arn:aws:kms:::key/1234", state="Enabled", spec="SYMMETRIC_DEFAULT", rotates=True)
UNREAD = ReadFailure(action="ssm:GetDocument", cause="refused: no", remedy="allow it")

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)
minutes = st.integers(min_value=1, max_value=1440)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser"), texts),
    **dict.fromkeys(("s3EncryptionEnabled", "cloudWatchEncryptionEnabled"), st.booleans()),
    **dict.fromkeys(("cloudWatchStreamingEnabled", "runAsEnabled"), st.booleans()),
    "idleSessionTimeout": minutes,
    "maxSessionDuration": st.none() | minutes,
    "shellProfile": st.dictionaries(st.sampled_from(["linux", "windows"]), texts.filter(bool)),
}
any_preferences = st.fixed_dictionaries(VALUES)


def wanted(key_id: str = "1234", settings: SessionManagerSettings = SETTINGS) -> dict[str, Any]:
    return preferences(settings, account_id="123456789012", region="eu-west-1", kms_key_id=key_id)


def text_of(values: dict[str, Any], **inputs: Any) -> str:
    content = document(values)
    content["inputs"] |= inputs
    content["inputs"] = {name: value for name, value in content["inputs"].items() if value is not ...}
    return json.dumps(content)


def said(text: str, values: dict[str, Any] | None = None) -> list[str]:
    return [str(each) for each in differences(values or wanted(), text)]


def live(default: str | ReadFailure, latest: str | ReadFailure | None = None, **changes: Any) -> DocumentFacts:
    second = {} if latest is None else {"latest_version": "2", "latest_text": latest}
    return document_facts(default, **second, **changes)


def statuses(
    facts: DocumentFacts | ReadFailure | None, data_key: Any = KEY, deployment: Deployment = DEPLOYMENT
) -> dict[str, str]:
    return {each.check: each.status.value for each in preferences_findings(deployment, SETTINGS, facts, data_key)}


@given(any_preferences)
def test_published_document_has_no_differences(values: dict[str, Any]) -> None:
    assert VALUES.keys() == set(PREFERENCES)
    assert differences(values, serialized(document(values))) == []


@given(any_preferences, st.data())
def test_changed_preference_is_one_difference(values: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(PREFERENCES))
    other = data.draw(VALUES[name].filter(lambda value: value != values[name]))
    [found] = differences(values, serialized(document(values | {name: other})))
    assert (found.name, found.expected, found.found) == (name, values[name], other)


@given(any_preferences, any_preferences)
def test_differences_are_those_of_the_preferences(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    found = {each.name for each in differences(ours, serialized(document(theirs)))}
    assert found == {name for name in PREFERENCES if ours[name] != theirs[name]}


@given(any_preferences, st.text() | st.recursive(st.none() | st.booleans() | st.integers(), st.lists).map(json.dumps))
def test_content_that_is_no_document_is_one_difference(values: dict[str, Any], text: str) -> None:
    [found] = differences(values, text)
    assert found.name == "content"


@pytest.mark.parametrize(
    ("inputs", "differs"),
    [
        ({"idleSessionTimeout": "45"}, "idleSessionTimeout: 20 expected, 45 found"),
        ({"idleSessionTimeout": 20}, 'idleSessionTimeout: "20" expected, 20 found'),
        ({"maxSessionDuration": "60"}, "maxSessionDuration: nothing expected, 60 found"),
        ({"maxSessionDuration": ...}, 'maxSessionDuration: "" expected, nothing found'),
        ({"runAsEnabled": "false"}, 'runAsEnabled: false expected, "false" found'),
        ({"kmsKeyId": ""}, 'kmsKeyId: "1234" expected, "" found'),
        ({"shellProfile": ...}, 'shellProfile: {"linux": "umask 077"} expected, {} found'),
        ({"extra": 1}, "inputs.extra: nothing expected, 1 found"),
    ],
    ids=str,
)
def test_difference_reads_as_setting_expected_found(inputs: dict[str, Any], differs: Any) -> None:
    assert said(text_of(wanted(), **inputs)) == [differs]


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"sessionType": "Port"}, 'sessionType: "Standard_Stream" expected, "Port" found'),
        ({"inputs": 3}, 'inputs: "the settings" expected, 3 found'),
    ],
)
def test_other_parts_of_the_content_are_named_too(change: dict[str, Any], differs: Any) -> None:
    assert said(json.dumps(document(wanted()) | change)) == [differs]


def test_order_and_the_spelling_of_the_json_do_not_matter() -> None:
    turned = dict(reversed(document(wanted()).items()))
    assert said(json.dumps(turned, indent=7)) == []


@pytest.mark.parametrize(
    ("key_id", "differs"),
    [
        ("any", []),
        ("", [f'kmsKeyId: {UNKNOWN_KEY} expected, "" found']),
        (..., [f"kmsKeyId: {UNKNOWN_KEY} expected, nothing found"]),
    ],
)
def test_unknown_key_accepts_any_key(key_id: Any, differs: Any) -> None:
    assert said(text_of(wanted(), kmsKeyId=key_id), wanted(UNKNOWN_KEY)) == differs


OK = {"document": "ok", "document-status": "ok", "document-default-version": "ok", "document-content": "ok"}
GOOD, BAD = text_of(wanted()), text_of(wanted(), kmsKeyId="")


@pytest.mark.parametrize(
    ("facts", "changed"),
    [
        (live(GOOD), {}),
        (live(BAD), {"document-content": "different"}),
        (live(UNREAD), {"document-content": "cannotTell"}),
        (live(GOOD, status="Updating"), {"document-status": "different"}),
        (live(GOOD, GOOD), {"document-default-version": "different", "document-latest-content": "ok"}),
        (live(GOOD, BAD), {"document-default-version": "different", "document-latest-content": "different"}),
        (
            live(BAD, UNREAD),
            {
                "document-default-version": "different",
                "document-content": "different",
                "document-latest-content": "cannotTell",
            },
        ),
    ],
    ids=["right", "wrong", "unread", "status", "behind", "latest-wrong", "default-wrong-latest-unread"],
)
def test_default_and_latest_version_are_each_compared(facts: DocumentFacts, changed: dict[str, str]) -> None:
    assert statuses(facts) == OK | changed


def test_missing_or_unread_document_is_one_finding() -> None:
    assert statuses(None) == {"document": "different"}
    assert statuses(UNREAD) == {"document": "cannotTell"}


def test_reason_of_a_status_is_reported() -> None:
    findings = preferences_findings(DEPLOYMENT, SETTINGS, live(GOOD, status="Failed", status_reason="quota"), KEY)
    assert findings[1].found == "Failed: quota"
    assert "aws ssm describe-document --name SSM-SessionManagerRunShell --region eu-west-1" in (
        findings[1].remedy or ""
    )


def test_unknown_key_is_mentioned_without_differences() -> None:
    content = preferences_findings(DEPLOYMENT, SETTINGS, live(GOOD), None)[3]
    assert (content.status, content.found) == (
        "ok",
        f"version 1 has the content that the settings define ({UNKNOWN_KEY} is not known)",
    )


def test_values_of_secret_settings_are_not_shown() -> None:
    deployment = Deployment(stack="dev", account_id="123456789012", region="eu-west-1", hides_values=True)
    text = text_of(wanted(), idleSessionTimeout="45", s3BucketName="theirs")
    assert preferences_findings(deployment, SETTINGS, live(text), KEY)[3].found == "s3BucketName and idleSessionTimeout"
