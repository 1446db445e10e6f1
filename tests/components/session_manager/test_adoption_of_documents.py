"""Session documents of every shape that Systems Manager accepts are adopted, and restored in meaning byte for byte."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.aws.session import AwsClients
from components.adoption.document_content import same_content
from components.session_manager.document import (
    DESCRIPTION,
    DOCUMENT_NAME,
    PREFERENCES,
    document,
    parse,
    reset_preferences,
)
from components.session_manager.document_provider import RunShellDocumentProvider
from local.emulator.extension.documents import problems
from tests.components.providers import with_clients

SWITCHES = ("s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled", "runAsEnabled")

texts = st.text(max_size=12)
switches = st.booleans() | st.sampled_from(["true", "false", "True", "False", ""])
profiles = st.fixed_dictionaries(
    {},
    optional={
        "windows": texts,
        "linux": texts | st.just("echo hello\n" * 2_000),
    },
)


def minutes(most: int) -> st.SearchStrategy[Any]:
    numbers = st.integers(1, most)
    return st.just("") | numbers | numbers.map(str)


inputs = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser"), texts
        ),
        **dict.fromkeys(SWITCHES, switches),
        "idleSessionTimeout": minutes(60),
        "maxSessionDuration": minutes(1440),
        "shellProfile": profiles,
    },
)
documents = st.fixed_dictionaries(
    {"schemaVersion": st.just("1.0"), "sessionType": st.just("Standard_Stream"), "inputs": inputs},
    optional={"description": texts},
)

OURS = {
    **reset_preferences(),
    "idleSessionTimeout": 7,
    "region": "eu-west-1",
    "description": DESCRIPTION,
    "owner": "organization/shell-access/prod",
    "onDestroy": "restore",
    "takeOver": False,
    "accountId": "123456789012",
}


@given(documents)
def test_accepted_documents_are_accepted(content: dict[str, Any]) -> None:
    assert problems("Session", content) == []


@given(documents)
def test_parse_reads_the_meaning_of_every_type(content: dict[str, Any]) -> None:
    values, foreign = parse(json.dumps(content))
    given_inputs = content["inputs"]
    for name in SWITCHES:
        assert values[name] == (str(given_inputs.get(name, False)).lower() == "true")
    for name in ("idleSessionTimeout", "maxSessionDuration"):
        found = given_inputs.get(name, "")
        assert values[name] == (None if found == "" else int(found))
    assert same_content(document(values), content) == (foreign == {})


@pytest.fixture
def ssm(client: Callable[..., Any]) -> Any:
    return client("ssm")


@pytest.fixture
def provider(clients: AwsClients) -> RunShellDocumentProvider:
    return with_clients(RunShellDocumentProvider(), clients)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=documents)
def test_documents_are_adopted_and_restored(
    provider: RunShellDocumentProvider, ssm: Any, content: dict[str, Any]
) -> None:
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", Content=json.dumps(content))
    try:
        assert provider.check({}, OURS).failures == []
        state = provider.create(OURS).outs or {}
        assert json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])["inputs"]["idleSessionTimeout"] == "7"
        assert not provider.diff("id", state, OURS).changes
        provider.delete("id", state)
        restored = json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])
        assert same_content(restored, content)
        assert same_content(
            json.loads(ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST")["Content"]), content
        )
    finally:
        ssm.delete_document(Name=DOCUMENT_NAME)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"idleSessionTimeout": 45}, "idleSessionTimeout: 45 -> 7"),
        ({"idleSessionTimeout": "45"}, "idleSessionTimeout: 45 -> 7"),
        ({"idleSessionTimeout": 7}, None),
        ({"s3EncryptionEnabled": "true"}, 's3EncryptionEnabled: "true" -> false'),
        ({"s3EncryptionEnabled": True}, "s3EncryptionEnabled: true -> false"),
        ({"s3EncryptionEnabled": "false"}, None),
        ({"runAsEnabled": None}, None),
        ({"maxSessionDuration": 90}, "maxSessionDuration: 90 -> null"),
        ({"shellProfile": {"linux": "ls", "windows": ""}}, 'shellProfile: {"linux": "ls", "windows": ""} -> {}'),
    ],
)
def test_preview_shows_the_true_old_values(
    provider: RunShellDocumentProvider,
    ssm: Any,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    shown: str | None,
) -> None:
    content = document(reset_preferences() | {"idleSessionTimeout": 7})
    content["inputs"] = {name: value for name, value in (content["inputs"] | changes).items() if value is not None}
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", Content=json.dumps(content))
    provider.check({}, OURS)
    said = capsys.readouterr().err
    lines = [line.strip() for line in said.splitlines() if line.strip().split(":")[0] in PREFERENCES]
    assert lines == ([shown] if shown else [])


def test_document_in_yaml_is_adopted_and_restored(provider: RunShellDocumentProvider, ssm: Any) -> None:
    text = "schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs:\n  runAsEnabled: false\n  idleSessionTimeout: '45'\n"
    ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="YAML", Content=text)
    state = provider.create(OURS).outs or {}
    provider.delete("id", state)
    restored = json.loads(ssm.get_document(Name=DOCUMENT_NAME, DocumentFormat="JSON")["Content"])
    assert restored["inputs"] == {"runAsEnabled": False, "idleSessionTimeout": "45"}
