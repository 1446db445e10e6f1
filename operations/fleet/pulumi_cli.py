"""Pulumi CLI processes for the accounts of a fleet, each with a temporary configuration file.

The CLI is used instead of the Automation API: a signal must reach each of several engines at the same time, exactly
once, and each engine must be awaited, which that API does not support. No stack is selected and no file is written in
the program's directory, so that any number of engines can share it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

import yaml

from common.json_values import mapping
from common.problems import NAMESPACE, clipped
from operations.errors import UnusableError
from operations.fleet.events import EventLog
from operations.fleet.results import AccountState
from operations.policy_pack import PolicyPack, pack_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from operations.fleet.rollout import StopRequests

_PARTS = ("__main__.py", "Pulumi.yaml", "requirements.txt", "common", "components")
_KINDS = frozenset({".py", ".toml", ".json", ".yaml", ".txt"})


@dataclass(frozen=True, kw_only=True)
class Program:
    """Program on disk.

    Attributes:
        folder: Directory of Pulumi.yaml.
        project: Name of the project.
        defaults: Defaults in Pulumi.yaml for keys that a stack does not set.
        fingerprint: Hash of the program's files, and of the policy packs with their configuration.
    """

    folder: Path
    project: str
    defaults: dict[str, Any]
    fingerprint: str


def read_program(folder: Path, packs: tuple[PolicyPack, ...] = ()) -> Program:
    """Read the name and the defaults of a program.

    Raises:
        UnusableError: There is no usable Pulumi.yaml.
    """
    file = folder / "Pulumi.yaml"
    try:
        content = yaml.safe_load(file.read_text())
        project, keys = str(content["name"]), cast("dict[str, Any]", content.get("config") or {})
    except (OSError, yaml.YAMLError, TypeError, KeyError):
        raise UnusableError(
            f"There is no usable Pulumi.yaml in {folder}. Name the program's directory with --cwd."
        ) from None
    return Program(
        folder=folder.resolve(),
        project=project,
        defaults={
            key if ":" in key else f"{NAMESPACE}:{key}": value["default"]
            for key, value in keys.items()
            if isinstance(value, dict) and "default" in value
        },
        fingerprint=_fingerprint([folder / part for part in _PARTS], packs),
    )


def _fingerprint(parts: list[Path], packs: tuple[PolicyPack, ...]) -> str:
    digest = hashlib.sha256()
    folders = [*parts, *(each.folder for each in packs), *(each.configuration for each in packs if each.configuration)]
    for file in (each for part in folders for each in _files(part)):
        digest.update(json.dumps([file.name, hashlib.sha256(file.read_bytes()).hexdigest()]).encode())
    return digest.hexdigest()


def _files(part: Path) -> Iterator[Path]:
    if part.is_file():
        yield part
    elif part.is_dir():
        yield from sorted(each for each in part.rglob("*") if each.suffix in _KINDS and each.is_file())


_GLOBAL_OPTIONS = ("--non-interactive", "--color", "never")
_POLL_INTERVAL_SECONDS = 0.2
_MAX_ERROR_LINES = 60
_MAX_LINE_CHARACTERS = 1500


@dataclass(frozen=True, kw_only=True)
class EngineOperation:
    """Operation of an engine.

    Attributes:
        name: Name of the operation, also in the names of logs.
        arguments: Command of `pulumi` with its fixed options.
        changed: State of the result if the engine finds changes.
        remedy: Fleet command that applies or repairs the changes; empty: there is none.
        evaluates_policies: Whether it evaluates policy packs, and can refresh the state before.
        changes_accounts: Whether it changes accounts; other operations use the role for previews.
    """

    name: str
    arguments: tuple[str, ...]
    changed: AccountState
    remedy: str = ""
    evaluates_policies: bool = False
    changes_accounts: bool = False


PREVIEW: Final = EngineOperation(
    name="preview", arguments=("preview",), changed=AccountState.CHANGED, remedy="up", evaluates_policies=True
)
UP: Final = EngineOperation(
    name="up",
    arguments=("up", "--yes", "--skip-preview"),
    changed=AccountState.CHANGED,
    evaluates_policies=True,
    changes_accounts=True,
)
DRIFT: Final = EngineOperation(
    name="drift",
    arguments=("refresh", "--preview-only"),
    changed=AccountState.DIFFERENCES,
    remedy="up --refresh",
)
DESTROY: Final = EngineOperation(
    name="destroy",
    arguments=("destroy", "--yes", "--skip-preview"),
    changed=AccountState.REMOVED,
    changes_accounts=True,
)


class EngineProcess:
    """Running engine.

    Attributes:
        log: Events of the engine so far.
    """

    def __init__(self, process: subprocess.Popen[bytes], events: Path, printed: Path, log: EventLog) -> None:
        self.log = log
        self._process = process
        self._events = events
        self._printed = printed
        self._read_to = 0

    def wait(self, seconds: float) -> bool:
        """Wait up to a number of seconds, and read the engine's new events. Return whether the engine has exited."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._read_events()
            return False
        self._read_events()
        return True

    def interrupt(self) -> None:
        """Ask the engine to stop after its current operations; a second request stops it immediately."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the engine and all its child processes; its stack then stays locked."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def succeeded(self) -> bool:
        """The engine succeeded."""
        return self._process.returncode == 0

    @property
    def error(self) -> str:
        """Reasons for the failure, one per line."""
        errors = "\n".join(each for each in self.log.errors if "update failed" not in each) or self._last_line()
        lines = [clipped(line, _MAX_LINE_CHARACTERS) for line in errors.splitlines()]
        more = len(lines) - _MAX_ERROR_LINES
        return "\n".join([*lines[:_MAX_ERROR_LINES], *([f"... and {more} more lines"] if more > 0 else [])])

    def _last_line(self) -> str:
        lines = [line.strip() for line in self._printed.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return (errors or lines or [f"pulumi ended with exit code {self._process.returncode}"])[-1]

    def _read_events(self) -> None:
        """Read complete lines only, because the engine may be writing a line."""
        if not self._events.exists():
            return
        with self._events.open("rb") as events:
            events.seek(self._read_to)
            content = events.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read_to += len(whole)
        self.log.read(whole.decode(errors="replace").splitlines())


class PulumiCli:
    """Pulumi CLI on the PATH, with the backend and the credentials of the environment.

    Attributes:
        stacks: Names of the project's stacks in the backend.
    """

    def __init__(self, program: Program, folder: Path) -> None:
        """Initialize the CLI with a folder for temporary files, which the caller deletes.

        Raises:
            UnusableError: `pulumi` is not installed, or the backend cannot be read.
        """
        if shutil.which("pulumi") is None:
            raise UnusableError("There is no pulumi on the PATH. See https://www.pulumi.com/docs/install/")
        self.program = program
        self._folder = folder
        # `stack init` writes a stack file next to Pulumi.yaml, so use a copy, not the program's own directory.
        self._workspace = folder / "project"
        self._workspace.mkdir()
        (self._workspace / "Pulumi.yaml").write_text(yaml.safe_dump({"name": program.project, "runtime": "python"}))
        scratch = folder / "scratch"
        scratch.mkdir()
        phrase = secrets.token_urlsafe()
        self._scratch = {"PULUMI_BACKEND_URL": f"file://{quote(str(scratch))}", "PULUMI_CONFIG_PASSPHRASE": phrase}
        self.stacks = frozenset(self._list_stacks())

    def _list_stacks(self) -> list[str]:
        """Return the names of the project's stacks in the backend.

        Raises:
            UnusableError: The backend cannot be read.
        """
        done = self._command("stack", "ls", "--json")
        listed = _document(done, "The stacks in the state backend cannot be listed")
        return [str(each["name"]).rsplit("/", 1)[-1] for each in listed]

    def last_configuration(self, stack: str) -> dict[str, Any] | None:
        """Return the configuration of a stack's last successful update. None: there was no successful update.

        Raises:
            UnusableError: The backend cannot be read.
        """
        page, size = 1, 20
        while True:
            paging = ("--page", str(page), "--page-size", str(size))
            done = self._command("stack", "history", "--json", "--stack", stack, *paging)
            found = _document(done, f"The history of stack {stack} cannot be read")
            updates = cast("list[dict[str, Any]]", found or [])
            for update in updates:
                if update.get("kind") == "update" and update.get("result") == "succeeded":
                    return {key: _value(value) for key, value in mapping(update.get("config")).items()}
            if len(updates) < size:
                return None
            page += 1

    def create_stack(
        self, stack: str, secrets_provider: str | None, stop: StopRequests, *, on_scratch: bool = False
    ) -> None:
        """Create an empty stack.

        Without a provider, the backend encrypts secrets. `on_scratch` uses a temporary state, for the preview of a new stack.

        Raises:
            UnusableError: The stack was not created.
        """
        provider = ("--secrets-provider", secrets_provider) if secrets_provider else ()
        done = self._command(
            "stack", "init", stack, "--no-select", "--non-interactive", *provider, on_scratch=on_scratch, stop=stop
        )
        if done.returncode:
            raise UnusableError(_message(done))

    def remove_stack(self, stack: str) -> str | None:
        """Remove a stack without resources. Return None, or the reason for the failure."""
        done = self._command("stack", "rm", stack, "--yes", "--preserve-config", "--non-interactive")
        return _message(done) if done.returncode else None

    def unlock(self, stack: str) -> None:
        """Remove the lock of an engine that was killed before it could unlock the stack."""
        self._command("cancel", stack, "--yes", "--non-interactive")

    def start(  # noqa: PLR0913 -- the options of an engine
        self,
        operation: EngineOperation,
        stack: str,
        values: Mapping[str, Any],
        log: Path,
        stop: StopRequests,
        *,
        policy_packs: tuple[PolicyPack, ...] = (),
        refresh: bool = False,
        changes_role: bool = False,
        on_scratch: bool = False,
    ) -> EngineProcess:
        """Start an engine.

        `policy_packs` have absolute paths. `changes_role`: the role differs from that of the last update, which the state
        contains. `on_scratch`: the stack is in the temporary state.

        Raises:
            UnusableError: The encryption of the stack's state cannot be read.
        """
        events, configuration = self._folder / f"{stack}.events", self._folder / f"{stack}.yaml"
        events.unlink(missing_ok=True)
        content = {**self._encryption(stack, stop, on_scratch=on_scratch), "config": dict(values)}
        # JSON is YAML with quoted strings: otherwise the engine would read an account ID such as 009 as a number.
        configuration.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        reads_live = refresh or operation is DRIFT
        arguments = [
            *operation.arguments,
            *("--stack", stack),
            *("--config-file", str(configuration)),
            *("--event-log", str(events)),
            *_GLOBAL_OPTIONS,
            *pack_options(policy_packs if operation.evaluates_policies else ()),
            *(["--refresh"] if refresh and operation.evaluates_policies else []),
            # Without it, the engine would refresh with the provider in the state, and so with the other role.
            *(["--run-program"] if changes_role and reads_live else []),
        ]
        with log.open("ab") as printed:
            process = subprocess.Popen(  # noqa: S603 -- by argument list
                ["pulumi", *arguments],  # noqa: S607 -- the one on PATH
                cwd=self.program.folder,
                env=self._environment(on_scratch=on_scratch),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                # The terminal's Ctrl-C must not also reach the engine directly, in addition to the forwarded signal.
                start_new_session=True,
            )
        return EngineProcess(
            process, events, log, EventLog(looks_for_drift=operation is DRIFT, is_preview=operation is PREVIEW)
        )

    def _encryption(self, stack: str, stop: StopRequests, *, on_scratch: bool) -> dict[str, Any]:
        """Return the stack file's encryption settings; without them, the engine would create new ones."""
        stack_file = self._workspace / f"Pulumi.{stack}.yaml"
        if stack_file.exists():
            return mapping(yaml.safe_load(stack_file.read_text()))
        done = self._command("stack", "export", "--stack", stack, on_scratch=on_scratch, stop=stop)
        exported = _document(done, f"The state of stack {stack} cannot be read")
        provider = mapping(mapping(mapping(exported).get("deployment")).get("secrets_providers"))
        state = mapping(provider.get("state"))
        if provider.get("type") == "passphrase" and "salt" in state:
            return {"encryptionsalt": state["salt"]}
        if provider.get("type") == "cloud" and "url" in state:
            return {"secretsprovider": state["url"], "encryptedkey": state.get("encryptedkey", "")}
        return {}

    def _command(
        self, *arguments: str, on_scratch: bool = False, stop: StopRequests | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that is not an engine; a second stop request kills it."""
        with subprocess.Popen(  # noqa: S603 -- by argument list
            ["pulumi", *arguments],  # noqa: S607 -- the one on PATH
            cwd=self._workspace,
            env=self._environment(on_scratch=on_scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        printed, errors = process.communicate(timeout=_POLL_INTERVAL_SECONDS)
                        return subprocess.CompletedProcess(arguments, process.returncode, printed, errors)
                    if stop and stop.is_urgent:
                        process.kill()
                        return subprocess.CompletedProcess(arguments, process.wait(), "", "stopped by a signal")
            except BaseException:
                process.kill()
                raise

    def _environment(self, *, on_scratch: bool) -> dict[str, str]:
        # The CLI only accepts `--event-log` with this variable, which the Automation API sets too.
        environment = os.environ | {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
        if not on_scratch:
            return environment
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        return environment | self._scratch


def _document(done: subprocess.CompletedProcess[str], otherwise: str) -> Any:
    """Return the JSON document that a command printed.

    Raises:
        UnusableError: The command failed, or printed something else.
    """
    if done.returncode:
        raise UnusableError(f"{otherwise}: {_message(done)}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise UnusableError(f"{otherwise}: pulumi printed no JSON document") from None


def _message(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).split()).removeprefix("error: ")


def _value(entry: Mapping[str, Any]) -> Any:
    if entry.get("secret"):
        return "[secret]"
    return entry["objectValue"] if "objectValue" in entry else _scalar(str(entry.get("value", "")))


def _scalar(text: str) -> Any:
    """Return the value of a text, because the history contains numbers and Booleans as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
