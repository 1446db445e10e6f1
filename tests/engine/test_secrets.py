"""Settings that are secret in the configuration stay secret in state, outputs and messages, on the real engine."""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from components.secret_texts import SecretTexts
from components.session_manager.document import DOCUMENT_NAME, PREFERENCES
from tests.support.stack import SECRET, Stack, dev_sections

pytestmark = pytest.mark.engine

DYNAMIC = "pulumi-python:dynamic/"
PUBLIC: dict[str, Any] = {"regions": ["eu-west-1"]}
PRIVATE: dict[str, Any] = {
    "tags": {"project": "codename-falcon"},
    "sessionManager": {
        "s3Logging": True,
        "s3BucketName": "org-session-logs",
        "s3KeyPrefix": "hidden-prefix",
        "cwLogGroupName": "hidden-log-group",
        "linuxShellProfile": "export TOKEN=\"hunter2\"\nexport OTHER='ünter3'",
        "idleSessionTimeout": 17,
        "retainLogs": False,
        "instanceRoles": ["WorkloadInstance"],
    },
    "endpoints": {"eu-west-1": {"vpc": "workloads", "subnets": ["private-a"], "allowedCidrs": ["10.20.99.0/24"]}},
    "approval": {
        "operatorRoles": ["Operator"],
        "approvers": [{"type": "IamRole", "name": "Approver"}],
        "notificationEmails": ["hidden-approval@example.com"],
    },
    "nodes": {
        "roleCompliance": {"remediation": "manual", "excludedRoles": ["HiddenBreakglass"]},
        "agents": {"targetTags": {"environment": ["hidden-environment"]}},
        "defaultHostManagement": {},
    },
    "domainControllers": {"administratorRoles": ["HiddenAdministrators"], "managementAccess": "session-manager"},
}
HIDDEN: dict[str, set[str]] = {
    "ssm:SessionPreferences": {*PREFERENCES, "tags"} - {"maxSessionDuration"},
    "ssm:Document": {"content", "settings", "tags"},
    "iam:OperatorGrants": {"roles"},
}
"""By type of dynamic resource, the properties that hold a secret; of claims those whose names and values do."""
COMPUTED = {"arn", "id"}
"""Outputs that names are part of."""


def texts(sections: dict[str, Any] | None = None) -> SecretTexts:
    values = {f"shell-access:{name}": value for name, value in (sections or PRIVATE).items()}
    return SecretTexts.of(values, frozenset(values))


def configure(stack: Stack, sections: dict[str, Any], public: dict[str, Any] = PUBLIC) -> None:
    stack.configure(public)
    pairs = [f"shell-access:{name}={json.dumps(value)}" for name, value in sections.items()]
    flags = [part for pair in pairs for part in ("--secret", pair)]
    stack.run("config", "set-all", "--stack", stack.name, *flags).succeeded()
    stack.configurations[-1] |= {f"shell-access:{name}": value for name, value in sections.items()}


def exposed(properties: dict[str, Any], secrets: SecretTexts | None = None) -> set[str]:
    """The properties that hold a secret in the clear."""
    return {name for name, value in properties.items() if (secrets or texts()).is_in(list(plain(value)))}


def plain(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        if SECRET not in mapping:
            for each in mapping.values():
                yield from plain(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from plain(each)
    elif isinstance(value, str):
        yield value


def marked(properties: dict[str, Any]) -> set[str]:
    return {name for name, value in properties.items() if SECRET in json.dumps(value)}


def check_state(stack: Stack) -> None:
    for resource in stack.state():
        kind, name = resource["type"], resource["urn"].rsplit("::", 1)[1]
        inputs, outputs = resource.get("inputs") or {}, resource.get("outputs") or {}
        if kind.startswith("pulumi:"):
            assert exposed(outputs) == set(), name
        elif kind.startswith(DYNAMIC):
            assert (exposed(inputs), exposed(outputs)) == (set(), set()), name
            hidden = HIDDEN.get(kind.removeprefix(DYNAMIC))
            if hidden:
                assert hidden <= marked(inputs), name
                assert hidden <= marked(outputs), name
        else:
            assert exposed(inputs) == set(), name
            assert exposed(outputs) <= COMPUTED, name


THEIRS: dict[str, Any] = {
    "schemaVersion": "1.0",
    "description": "theirs",
    "sessionType": "Standard_Stream",
    "inputs": {
        **dict.fromkeys(("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser"), ""),
        **dict.fromkeys(("s3EncryptionEnabled", "cloudWatchEncryptionEnabled", "cloudWatchStreamingEnabled"), True),
        "runAsEnabled": False,
        "idleSessionTimeout": "20",
        "shellProfile": {"linux": "theirs"},
    },
}


def test_secret_settings_stay_secret(stack: Stack, aws: Callable[..., Any]) -> None:
    aws("ssm").create_document(
        Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=json.dumps(THEIRS)
    )
    configure(stack, PRIVATE)
    preview = stack.preview("--diff").succeeded()
    assert "shellProfile: [secret] -> [secret]" in preview.text
    # Names of resources are part of their URNs, which cannot be secret.
    shown = "\n".join(line for line in preview.text.splitlines() if "[urn=" not in line)
    assert [each for each in ("hunter2", "falcon", "hidden-", "Hidden", "10.20.99.0") if each in shown] == []
    stack.up().succeeded()
    check_state(stack)
    assert stack.outputs()["preferences"] == "[secret]"
    stack.refresh().succeeded()
    check_state(stack)


@pytest.mark.exhaustive
def test_every_secret_section_of_dev_stays_secret(stack: Stack) -> None:
    stack.seconds = 600
    sections = dev_sections()
    public = {name: sections.pop(name) for name in ("regions", "permissionsBoundary") if name in sections}
    configure(stack, sections, public)
    stack.up().succeeded()
    secrets, found = texts(sections), dict[str, set[str]]()
    for resource in stack.state():
        # The provider's outputs have names, ARNs and descriptions that AWS computes from URNs and IDs.
        allowed = COMPUTED if resource["type"].startswith("aws:") else set[str]()
        properties = exposed(resource.get("inputs") or {}, secrets) | exposed(resource.get("outputs") or {}, secrets)
        found |= {resource["urn"].rsplit("::", 1)[1]: properties - allowed} if properties - allowed else {}
    assert found == {}


def test_settings_made_secret_are_encrypted_from_then_on(stack: Stack) -> None:
    settings = {"sessionDataEncryption": False, "createCwLogGroup": False, "cwLogGroupName": ""}
    sections = {"sessionManager": {**settings, "linuxShellProfile": PRIVATE["sessionManager"]["linuxShellProfile"]}}
    stack.configure({**PUBLIC, **sections})
    stack.up().succeeded()
    (document,) = (each for each in stack.state() if each["type"].endswith(":SessionPreferences"))
    assert exposed(document["outputs"]) == {"shellProfile"}
    configure(stack, sections)
    stack.up().succeeded()
    (document,) = (each for each in stack.state() if each["type"].endswith(":SessionPreferences"))
    assert (exposed(document["inputs"]), exposed(document["outputs"])) == (set(), set())
    stack.preview("--expect-no-changes").succeeded()


def test_refused_secret_settings_are_not_shown(stack: Stack) -> None:
    stack.configure({**PUBLIC, "sessionManager": {"idleSessionTimeout": 98765}})
    secret = ("--path", "--secret", "shell-access:sessionManager.cwLogGroupName", "hidden group!")
    stack.run("config", "set", "--stack", stack.name, *secret).succeeded()
    run = stack.preview().failed()
    assert "shell-access:sessionManager.idleSessionTimeout" in run.text
    assert "98765" not in run.text
    assert "hidden group!" not in run.text
