"""The configuration of a stack, as the engine stores it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any, cast

import yaml

from common.aws.arns import split_arn
from common.problems import SettingsError
from components.secret_texts import SecretTexts
from components.session_manager.document import DOCUMENT_NAME
from components.settings import Settings
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SELECTED_PROFILE = "SHELL_ACCESS_PROFILE"
"""Variable with the value of `--profile`, which takes precedence over the stack's."""
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_WITH_SECRETS = ("--show-secrets", "--json")
_DOCUMENTS = ("pulumi-python:dynamic/ssm:Document", "pulumi-python:dynamic/ssm:SessionPreferences")


def chosen_regions(regions: Sequence[str], chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Return the Regions of a stack to which the option `--region` limits a command (none: all), in the stack's order.

    Raises:
        UnusableError: A chosen Region is not one of the stack's.
    """
    unknown = sorted({*(chosen or ())} - {*regions})
    if unknown:
        raise UnusableError(
            f"--region: expected a Region of the stack ({', '.join(regions)}), got {', '.join(unknown)}."
        )
    return tuple(each for each in regions if not chosen or each in chosen)


@dataclass(frozen=True, kw_only=True)
class StackConfiguration:
    """A stack's name and configuration.

    Attributes:
        values: Values by full key (`aws:region`), as text: JSON for lists and objects.
        secret_keys: Keys of values that contain a secret at any depth.
    """

    name: str
    values: Mapping[str, str] = field(repr=False)
    secret_keys: frozenset[str] = frozenset()

    def value(self, key: str) -> str | None:
        """Return one value; a Region that is not configured comes from the environment, as for the provider."""
        if key == "aws:profile" and (selected := os.environ.get(SELECTED_PROFILE)):
            return selected
        found = self.values.get(key)
        if found is None and key == "aws:region":
            return next((os.environ[name] for name in _REGION_VARIABLES if os.environ.get(name)), None)
        return found

    def sts_region(self, fallback: str) -> str:
        """Return the Region in which to call AWS STS: the provider's, or `fallback` if none is configured."""
        return self.value("aws:stsRegion") or self.value("aws:region") or fallback

    @property
    def account_id(self) -> str:
        """ID of the account that the provider's settings select; empty: that of the credentials."""
        allowed = self._list("aws:allowedAccountIds")
        if len(allowed) == 1:
            return str(allowed[0])
        role = (self._list("aws:assumeRoles") or [None])[-1]
        return split_arn(str(cast("dict[str, Any]", role).get("roleArn"))).account_id if isinstance(role, dict) else ""

    def _list(self, key: str) -> list[Any]:
        """Return a list of the provider's settings; empty if it is not valid, which the provider reports."""
        try:
            value = json.loads(self.values.get(key) or "[]")
        except ValueError:
            return []
        return cast("list[Any]", value) if isinstance(value, list) else []

    def settings(self) -> Settings:
        """Return the settings.

        Raises:
            UnusableError: The values are not valid; the message excludes values of secret sections.
        """
        try:
            return Settings.load({**self.values, "aws:region": self.value("aws:region")})
        except SettingsError as wrong:
            raise UnusableError(str(self._secrets.without_values(wrong))) from None

    def is_secret(self, section: str) -> bool:
        """Return whether a section (`sessionManager`) contains a secret."""
        return section in self._secrets.sections

    def without_secrets(self, text: str) -> str:
        """Return the text with every secret in it replaced."""
        return self._secrets.without(text)

    @cached_property
    def _secrets(self) -> SecretTexts:
        return SecretTexts.of(self.values, self.secret_keys)


@dataclass(frozen=True, kw_only=True)
class StackState:
    """State of a stack.

    Attributes:
        stack: Name of project and stack: `project/stack`.
        resources: Resources, as `pulumi stack export` writes them.
    """

    stack: str
    resources: tuple[Mapping[str, Any], ...] = field(repr=False)

    def arns(self, partition: str, account_id: str) -> frozenset[str]:
        """Return the ARNs of the resources."""
        found: set[str] = set()
        for each in self.resources:
            outputs = cast("Mapping[str, Any]", each.get("outputs") or {})
            if isinstance(outputs.get("arn"), str):
                found.add(outputs["arn"].removesuffix(":*"))
            if str(each.get("type")).startswith(_DOCUMENTS):
                name = outputs.get("name", DOCUMENT_NAME)
                found.add(f"arn:{partition}:ssm:{outputs.get('region')}:{account_id}:document/{name}")
        return frozenset(found)

    def regions(self, configured: Sequence[str]) -> tuple[str, ...]:
        """Return the Regions in which the stack has, or may have, resources; those in the settings come first."""
        outputs = (cast("Mapping[str, Any]", each.get("outputs") or {}) for each in self.resources)
        known = {str(each["region"]) for each in outputs if each.get("region")}
        return (*configured, *sorted(known - set(configured)))


def read_stack(directory: Path, name: str | None) -> StackConfiguration:
    """Read the configuration of a stack with `pulumi`; nothing is selected or changed.

    Raises:
        UnusableError: `pulumi`, the project or the stack does not exist, or secrets cannot be read.
    """
    stack, values = _read(directory, name, "configuration", "config", *_WITH_SECRETS)
    return StackConfiguration(
        name=stack,
        # An empty secret has no `value`.
        values={key: str(each.get("value", "")) for key, each in values.items()},
        secret_keys=frozenset(key for key, each in values.items() if each["secret"]),
    )


def read_outputs(directory: Path, name: str | None) -> Mapping[str, Any]:
    """Read the outputs of a stack with `pulumi`; nothing is selected or changed.

    Raises:
        UnusableError: As `read_stack`.
    """
    _, outputs = _read(directory, name, "outputs", "stack", "output", *_WITH_SECRETS)
    return outputs


def read_state(directory: Path, name: str | None) -> StackState:
    """Read the state of a stack with `pulumi`; secrets in it stay encrypted.

    Raises:
        UnusableError: As `read_stack`.
    """
    stack, exported = _read(directory, name, "state", "stack", "export")
    deployment: dict[str, Any] = exported.get("deployment") or {}
    project = yaml.safe_load((directory / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    return StackState(stack=f"{project}/{stack.rpartition('/')[2]}", resources=tuple(deployment.get("resources") or ()))


def _read(directory: Path, name: str | None, subject: str, *command: str) -> tuple[str, dict[str, Any]]:
    """Return the stack's name, and the object that a command of `pulumi` prints about it.

    Pulumi's Automation API would run more commands for the same, and its import takes longer than they do.
    """
    if not (directory / "Pulumi.yaml").is_file():
        raise UnusableError(f"There is no Pulumi.yaml in {directory}. Name the program's directory with --cwd.")
    try:
        stack = name or _selected_stack(directory)
        return stack, _output_of(directory, *command, "--stack", stack)
    except FileNotFoundError:
        raise UnusableError("There is no pulumi on the PATH. See https://www.pulumi.com/docs/install/") from None
    except CalledProcessError as failed:
        raise UnusableError(f"The {subject} of {_stack_text(name)} cannot be read: {_error_message(failed)}") from None
    except (ValueError, TypeError, KeyError):
        problem = (
            f"expected JSON from pulumi {' '.join(command)}, got other output. Check the version with pulumi version"
        )
        raise UnusableError(f"The {subject} of {_stack_text(name)} cannot be read: {problem}") from None


def _selected_stack(directory: Path) -> str:
    stacks: Any = _output_of(directory, "stack", "ls", "--json")
    for each in stacks:
        if each["current"]:
            return str(each["name"])
    raise UnusableError("No stack is selected. Name one with --stack, or run: pulumi stack select")


def _output_of(directory: Path, *command: str) -> Any:
    """Return the decoded output of a `pulumi` command."""
    ran = subprocess.run(  # noqa: S603 -- no shell; pulumi validates names
        ["pulumi", "--non-interactive", *command],  # noqa: S607 -- found on the PATH, as for the operator
        cwd=directory,
        env=os.environ | {"PULUMI_AUTOMATION_API": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def _stack_text(name: str | None) -> str:
    return f"stack {name}" if name else "the selected stack"


def _error_message(failed: CalledProcessError) -> str:
    """Return what the command wrote to standard error, without its standard output, which may hold secrets."""
    return " ".join(str(failed.stderr).split()).removeprefix("error: ")
