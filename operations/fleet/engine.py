"""Runs `pulumi` for the accounts of a fleet, each with a configuration that exists only while it runs.

The command itself is run, not the Automation API: a signal has to reach each of several engines at once, exactly once,
and each has to be waited for, which that API keeps to itself. Nothing is selected and nothing is written in the
program's folder, so that any number of engines may use it at the same time.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import yaml

from operations.errors import UnusableError
from operations.fleet.events import Log
from operations.fleet.mappings import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from operations.fleet.program import Program

_SETTLED = ("--non-interactive", "--color", "never")
_SHOWN_CHARACTERS = 600


class Operation(StrEnum):
    """What an engine is asked to do."""

    PREVIEW = "preview"
    UP = "up"
    DRIFT = "refresh"
    DESTROY = "destroy"


_ARGUMENTS = {
    Operation.PREVIEW: ("preview",),
    Operation.UP: ("up", "--yes", "--skip-preview"),
    Operation.DRIFT: ("refresh", "--preview-only"),
    Operation.DESTROY: ("destroy", "--yes", "--skip-preview"),
}
_JUDGED = frozenset({Operation.PREVIEW, Operation.UP})
"""Those that policy packs have a say in."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One run of the engine.

    Attributes:
        operation: what to do.
        stack: its name.
        values: its configuration.
        policy_packs: that judge it, relative to the program.
        refresh: whether to look first at what is live.
        enters_anew: the account is entered by another role than the one that the state has from the last update.
        log: the file for everything that the engine prints.
    """

    operation: Operation
    stack: str
    values: Mapping[str, Any]
    log: Path
    policy_packs: tuple[Path, ...] = ()
    refresh: bool = False
    enters_anew: bool = False


class Run:
    """An engine at work.

    Attributes:
        log: what it has told so far.
    """

    def __init__(self, process: subprocess.Popen[bytes], events: Path, printed: Path, log: Log) -> None:
        self.log = log
        self._process = process
        self._events = events
        self._printed = printed
        self._read_to = 0

    def wait(self, seconds: float) -> bool:
        """Waits so long at most, and takes in what the engine has told meanwhile. Tells whether it is over."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._catch_up()
            return False
        self._catch_up()
        return True

    def interrupt(self) -> None:
        """Asks the engine to stop when what it has begun is done; asked again, it stops at once."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends the engine and all that it started; its stack then stays locked."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self._process.returncode == 0

    @property
    def error(self) -> str:
        """Why it has not, in one line."""
        said = " | ".join(each for each in self.log.errors if "update failed" not in each) or self._last_words()
        return said if len(said) <= _SHOWN_CHARACTERS else f"{said[:_SHOWN_CHARACTERS]}..."

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._printed.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return (errors or lines or [f"pulumi ended with exit code {self._process.returncode}"])[-1]

    def _catch_up(self) -> None:
        """Takes whole lines only; the engine may be in the middle of one."""
        if not self._events.exists():
            return
        with self._events.open("rb") as events:
            events.seek(self._read_to)
            content = events.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read_to += len(whole)
        self.log.read(whole.decode(errors="replace").splitlines())


class Pulumi:
    """The command on PATH, with the backend and the credentials of the environment."""

    def __init__(self, program: Program, folder: Path) -> None:
        """Prepares to run it.

        Args:
            program: that the stacks run.
            folder: for what exists only while the command runs; emptied by whoever made it.

        Raises:
            UnusableError: there is no `pulumi`.
        """
        if shutil.which("pulumi") is None:
            raise UnusableError("There is no pulumi on the PATH. See https://www.pulumi.com/docs/install/")
        self._program = program
        self._folder = folder
        # `stack init` writes a stack file beside Pulumi.yaml, where it finds one: here, and not beside the program.
        self._seat = folder / "project"
        self._seat.mkdir()
        (self._seat / "Pulumi.yaml").write_text(yaml.safe_dump({"name": program.project, "runtime": "python"}))
        scratch = folder / "scratch"
        scratch.mkdir()
        phrase = secrets.token_urlsafe()
        self._scratch = {"PULUMI_BACKEND_URL": f"file://{quote(str(scratch))}", "PULUMI_CONFIG_PASSPHRASE": phrase}

    def stacks(self) -> list[str]:
        """The names of the project's stacks in the backend.

        Raises:
            UnusableError: the backend cannot be asked.
        """
        done = self._command("stack", "ls", "--json")
        if done.returncode:
            raise UnusableError(f"The state backend cannot be asked for stacks: {_said(done)}")
        return [str(each["name"]).rsplit("/", 1)[-1] for each in json.loads(done.stdout)]

    def last_configuration(self, stack: str) -> dict[str, Any] | None:
        """The configuration of a stack's last successful update; None where there has been none.

        Raises:
            UnusableError: the backend cannot be asked.
        """
        page, size = 1, 20
        while True:
            paging = ("--page", str(page), "--page-size", str(size))
            done = self._command("stack", "history", "--json", "--stack", stack, *paging)
            if done.returncode:
                raise UnusableError(f"The state backend cannot be asked for stack {stack}: {_said(done)}")
            updates = cast("list[dict[str, Any]]", json.loads(done.stdout or "[]") or [])
            for update in updates:
                if update.get("kind") == "update" and update.get("result") == "succeeded":
                    return {key: _value(value) for key, value in mapping(update.get("config")).items()}
            if len(updates) < size:
                return None
            page += 1

    def make(self, stack: str, secrets_provider: str | None) -> str | None:
        """Makes an empty stack. Gives None, or why that was not possible."""
        provider = ("--secrets-provider", secrets_provider) if secrets_provider else ()
        done = self._command("stack", "init", stack, "--no-select", "--non-interactive", *provider)
        return _said(done) if done.returncode else None

    def forget(self, stack: str) -> str | None:
        """Removes a stack that has nothing left. Gives None, or why that was not possible."""
        done = self._command("stack", "rm", stack, "--yes", "--preserve-config", "--non-interactive")
        return _said(done) if done.returncode else None

    def unlock(self, stack: str) -> None:
        """Takes away the lock of an engine that was ended before it could do so itself."""
        self._command("cancel", stack, "--yes", "--non-interactive")

    def start(self, task: Task, *, on_scratch: bool = False) -> Run:
        """Starts an engine.

        Args:
            task: what to do.
            on_scratch: with a state that is thrown away, for the preview of a stack that there is not yet.
        """
        events = self._folder / f"{task.stack}.events"
        events.unlink(missing_ok=True)
        packs = task.policy_packs if task.operation in _JUDGED else ()
        looks_at_live = task.refresh or task.operation is Operation.DRIFT
        arguments = [
            *_ARGUMENTS[task.operation],
            *("--stack", task.stack),
            *("--config-file", str(self._configuration(task, on_scratch=on_scratch))),
            *("--event-log", str(events)),
            *_SETTLED,
            *(part for pack in packs for part in ("--policy-pack", str(pack))),
            *(["--refresh"] if task.refresh and task.operation in _JUDGED else []),
            # The engine would look with the provider that the state has, and so by the other role.
            *(["--run-program"] if task.enters_anew and looks_at_live else []),
        ]
        with task.log.open("ab") as printed:
            process = subprocess.Popen(  # noqa: S603 -- by argument list
                ["pulumi", *arguments],  # noqa: S607 -- the one on PATH
                cwd=self._program.folder,
                env=self._environment(on_scratch=on_scratch),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C must not reach it a second time, past us.
                start_new_session=True,
            )
        return Run(process, events, task.log, Log(looks_for_drift=task.operation is Operation.DRIFT))

    def make_on_scratch(self, stack: str) -> str | None:
        """Makes a stack whose state is thrown away. Gives None, or why that was not possible."""
        done = self._command("stack", "init", stack, "--no-select", "--non-interactive", on_scratch=True)
        return _said(done) if done.returncode else None

    def _configuration(self, task: Task, *, on_scratch: bool) -> Path:
        file = self._folder / f"{task.stack}.yaml"
        content = {**self._encryption(task.stack, on_scratch=on_scratch), "config": dict(task.values)}
        # JSON is YAML in which every text is quoted: an account ID such as 009 would otherwise be a number to the engine.
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return file

    def _encryption(self, stack: str, *, on_scratch: bool) -> dict[str, Any]:
        """How the stack's state is encrypted, as a stack file says it; the engine would choose anew otherwise."""
        made = self._seat / f"Pulumi.{stack}.yaml"
        if made.exists():
            return mapping(yaml.safe_load(made.read_text()))
        done = self._command("stack", "export", "--stack", stack, on_scratch=on_scratch)
        if done.returncode:
            return {}
        provider = mapping(mapping(json.loads(done.stdout).get("deployment")).get("secrets_providers"))
        state = mapping(provider.get("state"))
        if provider.get("type") == "passphrase" and "salt" in state:
            return {"encryptionsalt": state["salt"]}
        if provider.get("type") == "cloud" and "url" in state:
            return {"secretsprovider": state["url"], "encryptedkey": state.get("encryptedkey", "")}
        return {}

    def _command(self, *arguments: str, on_scratch: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 -- by argument list
            ["pulumi", *arguments],  # noqa: S607 -- the one on PATH
            check=False,
            cwd=self._seat,
            env=self._environment(on_scratch=on_scratch),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
        )

    def _environment(self, *, on_scratch: bool) -> dict[str, str]:
        # The event log is an option of the command only with this; the Automation API does the same.
        environment = os.environ | {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
        if not on_scratch:
            return environment
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        return environment | self._scratch


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).split()).removeprefix("error: ")


def _value(entry: Mapping[str, Any]) -> Any:
    if entry.get("secret"):
        return "[secret]"
    return entry["objectValue"] if "objectValue" in entry else _scalar(str(entry.get("value", "")))


def _scalar(text: str) -> Any:
    """The history has numbers and booleans as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
