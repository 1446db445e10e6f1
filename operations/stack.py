"""The configuration of a stack, as the engine has it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any, TypeVar

from components.problems import SettingsError
from components.secret_texts import SecretTexts
from components.settings import Settings
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pulumi.automation import LocalWorkspace

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class StackConfiguration:
    """A stack's name and configuration.

    Attributes:
        name: of the stack.
        values: by full key (`aws:region`), as text: JSON for lists and objects.
        secret_keys: those of the values that hold a secret, if only somewhere inside.
    """

    name: str
    values: Mapping[str, str] = field(repr=False)
    secret_keys: frozenset[str] = frozenset()

    def value(self, key: str) -> str | None:
        """One value; the Region comes from the environment where it is not configured, as for the provider."""
        found = self.values.get(key)
        if found is None and key == "aws:region":
            return next((os.environ[name] for name in _REGION_VARIABLES if os.environ.get(name)), None)
        return found

    def settings(self) -> Settings:
        """The settings that the values make.

        Raises:
            UnusableError: they make none; values of secret sections are not in the text.
        """
        try:
            return Settings.load({**self.values, "aws:region": self.value("aws:region")})
        except SettingsError as wrong:
            raise UnusableError(str(self._secrets.without_values(wrong))) from None

    def is_secret(self, section: str) -> bool:
        """Whether a section (`sessionManager`) holds a secret."""
        return section in self._secrets.sections

    def without_secrets(self, text: str) -> str:
        """The text with every secret in it replaced."""
        return self._secrets.without(text)

    @cached_property
    def _secrets(self) -> SecretTexts:
        return SecretTexts.of(self.values, self.secret_keys)


def read_stack(directory: Path, name: str | None) -> StackConfiguration:
    """Asks `pulumi` for the configuration of a stack; nothing is selected or changed.

    Args:
        directory: of the program, where Pulumi.yaml is.
        name: of the stack; None means the selected one.

    Raises:
        UnusableError: there is no `pulumi`, no project, no such stack, or its secrets cannot be read.
    """
    stack, values = _asked(directory, name, "configuration", lambda workspace, stack: workspace.get_all_config(stack))
    return StackConfiguration(
        name=stack,
        values={key: value.value for key, value in values.items()},
        secret_keys=frozenset(key for key, value in values.items() if value.secret),
    )


def read_outputs(directory: Path, name: str | None) -> Mapping[str, Any]:
    """Asks `pulumi` for the outputs of a stack; nothing is selected or changed.

    Args:
        directory: of the program, where Pulumi.yaml is.
        name: of the stack; None means the selected one.

    Raises:
        UnusableError: as `read_stack`.
    """
    _, outputs = _asked(directory, name, "outputs", lambda workspace, stack: workspace.stack_outputs(stack))
    return {key: each.value for key, each in outputs.items()}


def _asked(
    directory: Path, name: str | None, what: str, ask: Callable[[LocalWorkspace, str], Answer]
) -> tuple[str, Answer]:
    """The stack's name, and what `pulumi` says of it."""
    from pulumi import automation  # noqa: PLC0415 -- a third of a second that `--help` need not spend

    if not (directory / "Pulumi.yaml").is_file():
        raise UnusableError(f"There is no Pulumi.yaml in {directory}. Name the program's directory with --cwd.")
    try:
        workspace = automation.LocalWorkspace(work_dir=str(directory))
        if name is None:
            selected = workspace.stack()
            if selected is None:
                raise UnusableError("No stack is selected. Name one with --stack, or run: pulumi stack select")
            name = selected.name
        return name, ask(workspace, name)
    except FileNotFoundError:
        raise UnusableError("There is no pulumi on the PATH. See https://www.pulumi.com/docs/install/") from None
    except (automation.CommandError, automation.InvalidVersionError, CalledProcessError) as failed:
        raise UnusableError(f"The {what} of {_called(name)} cannot be read: {_said(failed)}") from None


def _called(name: str | None) -> str:
    return f"stack {name}" if name else "the selected stack"


def _said(failed: Exception) -> str:
    """What the command wrote to standard error, and not its output, which may hold secrets."""
    _, marked, error = str(failed).rpartition("\n stderr: ")
    return " ".join((error if marked else str(failed)).split()).removeprefix("error: ")
