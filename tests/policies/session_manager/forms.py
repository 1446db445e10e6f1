"""Preferences in every form that carries them; a test of a rule starts from `COMPLIANT` and changes one thing."""

import json
from typing import Any

import yaml

from tests.policies.judging import Form

OWN = "pulumi-python:dynamic/ssm:SessionPreferences"
DOCUMENT = "aws:ssm/document:Document"

COMPLIANT: dict[str, Any] = {
    "s3BucketName": "session-logs",
    "s3KeyPrefix": "sessionmanager",
    "s3EncryptionEnabled": True,
    "cloudWatchLogGroupName": "ssm-sessionmanager-logs",
    "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": False,
    "kmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "runAsEnabled": False,
    "runAsDefaultUser": "",
    "idleSessionTimeout": 20,
    "maxSessionDuration": 60,
}


def content(preferences: dict[str, Any], session_type: str = "Standard_Stream") -> dict[str, Any]:
    """A Session document; minutes are texts in it."""
    inputs = {
        name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in preferences.items()
        if value is not None
    }
    return {"schemaVersion": "1.0", "description": "", "sessionType": session_type, "inputs": inputs}


def _own(preferences: dict[str, Any]) -> dict[str, Any]:
    return {"region": "eu-west-1", "owner": "organization/shell-access/dev", **preferences}


def _json(preferences: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(content(preferences))
    return {"documentType": "Session", "documentFormat": "JSON", "name": "SSM-SessionManagerRunShell", "content": text}


def _json_without_format(preferences: dict[str, Any]) -> dict[str, Any]:
    return {"documentType": "Session", "content": json.dumps(content(preferences))}


def _json_without_session_type(preferences: dict[str, Any]) -> dict[str, Any]:
    nameless = {name: value for name, value in content(preferences).items() if name != "sessionType"}
    return _json(preferences) | {"content": json.dumps(nameless)}


def _yaml(preferences: dict[str, Any]) -> dict[str, Any]:
    text = yaml.safe_dump(content(preferences))
    return {"documentType": "Session", "documentFormat": "YAML", "name": "another-shell", "content": text}


FORMS = {
    "our own resource": Form(OWN, "", _own),
    "a JSON document": Form(DOCUMENT, "content.inputs.", _json),
    "a JSON document without a format": Form(DOCUMENT, "content.inputs.", _json_without_format),
    "the default document without a session type": Form(DOCUMENT, "content.inputs.", _json_without_session_type),
    "a YAML document of another name": Form(DOCUMENT, "content.inputs.", _yaml),
}
