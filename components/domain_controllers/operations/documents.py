"""Command documents that run on controllers, from PowerShell scripts beside this module. Pure.

Each runs in Windows PowerShell 5.1 as SYSTEM, which is the forest's highest privilege on a controller: scripts run in strict
mode, end at the first error, take no parameters, and hold no secrets. None of them has been run on Windows by this
project's tests, which parse them.

Source: Systems Manager User Guide, "Schemas, features, and examples" (Command documents, schema 2.2), "Command document
plugin reference" (`aws:configurePackage`, `aws:runPowerShellScript`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.adoption.document_content import PlannedDocument
from components.domain_controllers.names import document_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPTS: Final = Path(__file__).parent / "scripts"
_MINUTES: Final = 60


def script(name: str, values: Mapping[str, str] | None = None) -> str:
    """Return the script in a file, by its name without ending, with values in place of `%NAME%`."""
    text = (_SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
    for key, value in (values or {}).items():
        text = text.replace(f"%{key}%", value)
    return text


def agent_document(configuration: Mapping[str, Any]) -> PlannedDocument:
    """Return the document that installs the CloudWatch agent and configures it."""
    text = json.dumps(configuration, indent=1)
    install = {
        "action": "aws:configurePackage",
        "name": "InstallAgent",
        "inputs": {"name": "AmazonCloudWatchAgent", "action": "Install"},
    }
    configure = powershell("ConfigureAgent", script("configure_agent", {"CONFIGURATION": text}), minutes=10)
    return command_document(
        "Agent", "Installs and configures the CloudWatch agent of a domain controller", install, configure
    )


def powershell(step: str, text: str, *, minutes: int) -> dict[str, Any]:
    """Return a step that runs a script and is ended after some minutes; lines are separate, as consoles show them so."""
    return {
        "action": "aws:runPowerShellScript",
        "name": step,
        "inputs": {"timeoutSeconds": str(minutes * _MINUTES), "runCommand": text.splitlines()},
    }


def command_document(key: str, description: str, *steps: dict[str, Any]) -> PlannedDocument:
    """Return a document (`Agent`) without parameters, which Systems Manager would put into the text of a script."""
    content: dict[str, Any] = {
        "schemaVersion": "2.2",
        "description": description,
        "parameters": {},
        "mainSteps": list(steps),
    }
    return PlannedDocument(key=key.lower(), name=document_name(key), type="Command", content=content)
