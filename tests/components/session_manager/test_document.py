import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.session_manager import document as documents
from components.session_manager.document import document, parse, reset_preferences, same_content, serialized
from components.session_manager.settings import SessionManagerSettings, preferences
from local.workspace import REPOSITORY
from tests.components.session_manager import strategies

SCHEMA = json.loads((REPOSITORY / "local/emulator/session_document.schema.json").read_text())


def built(settings: SessionManagerSettings, kms_key_id: str = "key") -> dict[str, Any]:
    values = preferences(settings, account_id="111122223333", region="eu-west-1", kms_key_id=kms_key_id)
    return document(values)


def test_defaults_give_the_document_of_the_post() -> None:
    assert built(SessionManagerSettings(max_session_duration=60)) == {
        "schemaVersion": "1.0",
        "description": documents.DESCRIPTION,
        "sessionType": "Standard_Stream",
        "inputs": {
            "s3BucketName": "",
            "s3KeyPrefix": "",
            "s3EncryptionEnabled": False,
            "cloudWatchLogGroupName": "ssm-sessionmanager-logs",
            "cloudWatchEncryptionEnabled": True,
            "cloudWatchStreamingEnabled": False,
            "kmsKeyId": "key",
            "runAsEnabled": False,
            "runAsDefaultUser": "",
            "idleSessionTimeout": "20",
            "maxSessionDuration": "60",
        },
    }


def test_s3_logging_sets_bucket_and_prefix_of_account_and_region() -> None:
    inputs = built(SessionManagerSettings(s3_logging=True, s3_bucket_name="logs"))["inputs"]
    assert (inputs["s3BucketName"], inputs["s3EncryptionEnabled"]) == ("logs", True)
    assert inputs["s3KeyPrefix"] == "sessionmanager/111122223333/eu-west-1"


@pytest.mark.parametrize(
    ("windows", "linux", "expected"),
    [
        ("", "", None),
        ("dir", "", {"windows": "dir"}),
        ("", "ls", {"linux": "ls"}),
        ("a", "b", {"windows": "a", "linux": "b"}),
    ],
)
def test_shell_profile_holds_only_what_is_not_empty(windows: str, linux: str, expected: dict[str, str] | None) -> None:
    settings = SessionManagerSettings(win_shell_profile=windows, linux_shell_profile=linux)
    assert built(settings)["inputs"].get("shellProfile") == expected


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({}, "maxSessionDuration", ""),
        ({"session_data_encryption": False}, "kmsKeyId", ""),
        ({"run_as_default_user": "ops"}, "runAsDefaultUser", ""),
        (
            {"s3_logging": True, "s3_bucket_name": "logs", "s3_key_prefix": ""},
            "s3KeyPrefix",
            "111122223333/eu-west-1",
        ),
    ],
)
def test_document_omits_what_the_settings_lack(settings: dict[str, Any], name: str, value: str) -> None:
    assert built(SessionManagerSettings(**settings))["inputs"][name] == value


def test_reset_is_what_the_solution_of_the_post_leaves_behind() -> None:
    inputs = document(reset_preferences())["inputs"]
    assert inputs.pop("idleSessionTimeout") == "20"
    assert set(inputs.values()) == {"", False}
    assert "shellProfile" not in inputs


@given(strategies.settings)
def test_every_document_follows_the_schema_of_session_documents(settings: SessionManagerSettings) -> None:
    jsonschema.validate(built(settings), SCHEMA)


@given(strategies.settings)
def test_parsing_gives_back_what_was_built(settings: SessionManagerSettings) -> None:
    values = preferences(settings, account_id="111122223333", region="eu-west-1", kms_key_id="key")
    assert parse(serialized(document(values))) == (values, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=6), children, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"inputs": st.dictionaries(st.sampled_from(documents.PREFERENCES), json_values, max_size=4)},
        optional={"schemaVersion": json_values, "description": json_values, "more": json_values},
    )
)
def test_content_beyond_the_preferences_is_foreign(content: dict[str, Any]) -> None:
    values, foreign = parse(json.dumps(content))
    assert same_content(document(values), content) == (foreign == {})


@given(st.text(max_size=30))
def test_text_that_is_no_document_is_foreign(text: str) -> None:
    _, foreign = parse(text)
    assert foreign


def test_foreign_input_is_named() -> None:
    content = built(SessionManagerSettings())
    content["inputs"]["idleSessionTimeOut"] = "5"
    assert parse(json.dumps(content))[1] == {"inputs.idleSessionTimeOut": "5"}


@pytest.mark.parametrize(
    ("name", "value"), [("runAsEnabled", 0), ("s3EncryptionEnabled", "false"), ("idleSessionTimeout", "9" * 5000)]
)
def test_value_of_the_wrong_type_or_size_is_foreign(name: str, value: object) -> None:
    content = built(SessionManagerSettings())
    content["inputs"][name] = value
    assert set(parse(json.dumps(content))[1]) == {f"inputs.{name}"}


def test_same_content_has_the_same_text() -> None:
    content = built(SessionManagerSettings())
    turned = dict(reversed(content.items()))
    assert serialized(turned) == serialized(content)
