"""Validation of Session documents, runbooks and change templates by AWS' documentation.

The schema files name the sources, and state which rules are inferred. That of Session documents is
https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, ValidationError

from local.automation.templates import references

FOLDER: Final = Path(__file__).resolve().parents[1]
SCHEMAS: Final = {
    "Automation": FOLDER / "automation_document.schema.json",
    "Automation.ChangeTemplate": FOLDER / "change_template.schema.json",
    "Session": FOLDER / "session_document.schema.json",
}
SESSION_SCHEMA_VERSION: Final = "1.0"
_CANNOT_FOLLOW_CANCEL: Final = ("aws:sleep", "aws:approve")
_GIVEN: Final = ("automation:", "global:")


def problems(kind: str, content: Any) -> list[str]:
    """Return the problems in the content of a document of this type, each with its path, in the order of the paths."""
    errors: list[ValidationError] = list(_validator(kind).iter_errors(content))
    if errors:
        return [f"{error.json_path}: {error.message}" for error in sorted(errors, key=lambda error: error.json_path)]
    return _wrong_flow(content) if kind == "Automation" else []


def supports_schema_version(content: Any) -> bool:
    """Return whether Session documents support the schema version. `problems` reports a missing one."""
    if not isinstance(content, dict):
        return True
    return cast("dict[str, Any]", content).get("schemaVersion", SESSION_SCHEMA_VERSION) == SESSION_SCHEMA_VERSION


def _wrong_flow(content: dict[str, Any]) -> list[str]:
    """Return problems of the flow: targets that are not steps, and references to values that do not exist."""
    steps = cast("list[dict[str, Any]]", content["mainSteps"])
    by_name = {step["name"]: step for step in steps}
    found = ["two steps have the same name"] if len(by_name) != len(steps) else []
    known = {f"{step['name']}.{output['Name']}" for step in steps for output in step.get("outputs", [])}
    known |= set(content.get("parameters", {}))
    for step in steps:
        found += [
            f"{step['name']} leads to {target}, which is no step" for target in _targets(step) if target not in by_name
        ]
        cancel = by_name.get(step.get("onCancel", "").removeprefix("step:"))
        if cancel is not None and cancel["action"] in _CANNOT_FOLLOW_CANCEL:
            found.append(f"{step['name']}: onCancel must not lead to {cancel['action']}")
        found += [
            f"{step['name']} refers to {name}, which does not exist"
            for name in sorted(references({key: value for key, value in step["inputs"].items() if key != "Script"}))
            if name not in known and not name.startswith(_GIVEN)
        ]
    return found + [f"outputs: {name} does not exist" for name in content.get("outputs", []) if name not in known]


def _targets(step: dict[str, Any]) -> list[str]:
    jumps = [step.get(name, "") for name in ("onFailure", "onCancel")]
    targets = [jump.removeprefix("step:") for jump in jumps if jump.startswith("step:")]
    targets += [step["nextStep"]] if "nextStep" in step else []
    if step["action"] == "aws:branch":
        targets += [choice["NextStep"] for choice in step["inputs"]["Choices"]]
        targets += [step["inputs"]["Default"]] if "Default" in step["inputs"] else []
    return targets


@cache
def _validator(kind: str) -> Any:
    return Draft202012Validator(json.loads(SCHEMAS[kind].read_text(encoding="utf-8")))
