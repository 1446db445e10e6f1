"""From the StackSet of the AWS post to a fleet file: its parameters become settings, its instances accounts.

Names and defaults of the parameters are those of the post and of the sample that it publishes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

import yaml

from components.problems import NAMESPACE, Problem, shown
from components.validation import suggestion
from operations.errors import UnusableError
from operations.fleet.mappings import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_ROLE = "arn:aws:iam::{accountId}:role/ShellAccessDeployer"
_ACCOUNT = re.compile(r"\d{12}")
_HEADING = """\
# Made from the parameters of a StackSet. Read it, set assumeRole, then: python -m operations fleet plan --file THIS
"""


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _minutes(text: str) -> int | None:
    """An empty text is how the parameter says: none."""
    return int(text) if text else None


_PARAMETERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "s3Logging": (_boolean, "false"),
    "s3BucketName": (str, ""),
    "s3KeyPrefix": (str, "sessionmanager"),
    "s3EncryptionEnabled": (_boolean, "true"),
    "createCwLogGroup": (_boolean, "true"),
    "cwLogGroupName": (str, "ssm-sessionmanager-logs"),
    "cwEncryptionEnabled": (_boolean, "true"),
    "cwStreamingEnabled": (_boolean, "false"),
    "sessionDataEncryption": (_boolean, "true"),
    "runAsEnabled": (_boolean, "false"),
    "runAsDefaultUser": (str, ""),
    "idleSessionTimeout": (_minutes, "20"),
    "maxSessionDuration": (_minutes, "60"),
    "winShellProfile": (str, ""),
    "linuxShellProfile": (str, ""),
}
"""By the name of our setting: how a parameter's text is read, and the published template's default."""


def session_manager_of(parameters: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The section `sessionManager` that asks for what the parameters ask for.

    Args:
        parameters: by name, whatever the case (the post and its template spell some differently).

    Returns:
        The section, every setting given, so that a default that differs from ours is kept; and what is wrong.
    """
    section: dict[str, Any] = {}
    ours = {name.lower(): name for name in _PARAMETERS}
    given = {ours[name.lower()]: (name, text) for name, text in parameters.items() if name.lower() in ours}
    known = list(ours.values())
    problems = [
        Problem(path=(name,), message=f"is no parameter of the post{suggestion(name, known)}")
        for name in parameters
        if name.lower() not in ours
    ]
    for name, (read, default) in _PARAMETERS.items():
        spelled, text = given.get(name, (name, default))
        try:
            value = read(text)
        except (KeyError, ValueError):
            allowed = "true or false" if read is _boolean else "whole minutes"
            problems.append(Problem(path=(spelled,), message=f"{shown(text)} given; allowed: {allowed}"))
            continue
        if value is not None:
            section[name] = value
    return section, problems


def fleet_file_of(parameters: Mapping[str, str], instances: Iterable[tuple[str, str]]) -> tuple[str, list[Problem]]:
    """The text of a fleet file.

    Args:
        parameters: of the StackSet.
        instances: account and Region of each stack instance.

    Returns:
        The text, and what is wrong with the parameters.
    """
    section, problems = session_manager_of(parameters)
    by_account: dict[str, list[str]] = {}
    for account, region in sorted(set(instances)):
        by_account.setdefault(account, []).append(region)
    everywhere = max(by_account.values(), key=len, default=list[str]())
    overrides = {
        account: {f"{NAMESPACE}:regions": regions} for account, regions in by_account.items() if regions != everywhere
    }
    content: dict[str, Any] = {
        "accounts": {"list": [{"name": account, "id": account} for account in by_account]},
        "assumeRole": _ROLE,
        "defaults": {f"{NAMESPACE}:regions": everywhere, f"{NAMESPACE}:sessionManager": section},
        **({"overrides": {"accounts": overrides}} if overrides else {}),
        "waves": [
            {"name": "canary", "accounts": [next(iter(by_account), "")], "concurrency": 1},
            {"name": "rest", "concurrency": 4, "failureTolerance": 0},
        ],
    }
    return _HEADING + yaml.dump(content, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=110), problems


def read_parameters(path: Path) -> dict[str, str]:
    """Reads parameters in any of the shapes that CloudFormation's commands take and give.

    Raises:
        UnusableError: the file has none of them.
    """
    content = _json(path)
    document = mapping(content)
    # `describe-stack-set`, then a template configuration file, then a plain mapping.
    listed = mapping(document.get("StackSet")).get("Parameters", content)
    if isinstance(listed, list):
        entries = [mapping(each) for each in cast("list[Any]", listed)]
        if entries and all("ParameterKey" in each for each in entries):
            return {str(each["ParameterKey"]): str(each.get("ParameterValue", "")) for each in entries}
    plain = mapping(document.get("Parameters", content))
    if plain and all(isinstance(value, str) for value in plain.values()):
        return plain
    raise UnusableError(
        f"{path} holds no parameters. Make it with: aws cloudformation describe-stack-set --stack-set-name NAME > {path}"
    )


def read_instances(path: Path) -> list[tuple[str, str]]:
    """Reads the account and Region of every instance.

    Raises:
        UnusableError: the file is not what `list-stack-instances` prints.
    """
    summaries = mapping(_json(path)).get("Summaries")
    entries = [mapping(each) for each in cast("list[Any]", summaries)] if isinstance(summaries, list) else []
    found = [(str(each.get("Account")), str(each.get("Region"))) for each in entries]
    if not found or not all(_ACCOUNT.fullmatch(account) for account, _ in found):
        raise UnusableError(
            f"{path} holds no stack instances. "
            f"Make it with: aws cloudformation list-stack-instances --stack-set-name NAME > {path}"
        )
    return found


class _Quoting(yaml.SafeDumper):
    """Quotes account IDs: by YAML 1.2 one such as 009 is a number, whatever PyYAML thinks of it."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return cast("Any", self).represent_scalar("tag:yaml.org,2002:str", text, style='"' if text.isdigit() else None)


_Quoting.add_representer(str, _Quoting.represent_text)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise UnusableError(f"{path} cannot be read as JSON: {wrong}") from None
