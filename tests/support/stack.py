"""Temporary stack on the real engine: a folder, a state and a `PULUMI_HOME` of its own, one local AWS."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.processes import POLL_SECONDS, command, end, survivors, with_variable
from local.toolchain import command_line
from local.workspace import REPOSITORY, Workspace
from operations.deployer.names import ROLES_BOUNDARY
from tests.support import warm_launcher
from tests.support.recorder import secrets_provider
from tests.support.warm_python import STACKS, warm_python

PROGRAM = ("__main__.py", "common", "components", "policies", "Pulumi.yaml")
"""Files of the repository that a program folder needs; linked, so that stack files stay out of the repository."""

DEPLOYED_TAG = ("deployed-by", "shell-access")
"""Tag on all taggable resources."""

STACK_TYPE = "pulumi:pulumi:Stack"
SECRET = "4dabf18193072939515e22adb298388d"
"""Signature of a secret in a state (sdk/go/common/resource/sig)."""

STACK = "SHELL_ACCESS_STACK"
"""Environment variable with the folder of a stack, inherited by all descendants of its engine."""

STACKS_SECONDS = 1.0
"""Time for processes to write their stacks."""

RUN_SECONDS = 120
"""Timeout: five times the duration of the longest command on a loaded machine."""

_UNCHANGED = {"same", "read", "refresh"}
_LOGGED = {"up", "preview", "refresh", "destroy"}


class EngineError(Exception):
    """Error of an engine that failed or succeeded unexpectedly; the message has its output."""


@dataclass(frozen=True)
class Run:
    """Result of one run of the engine.

    Attributes:
        code: Exit code of `pulumi`.
        text: Complete output.
        steps: Operation on each resource that was not unchanged, by `Type:name`.
        diffs: Names of changed inputs, by `Type:name`.
        violations: Policy messages, by name of the resource.
    """

    code: int
    text: str
    steps: dict[str, str] = field(default_factory=dict[str, str])
    diffs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    violations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def succeeded(self) -> Run:
        """Return the result itself."""
        if self.code:
            raise EngineError(f"expected to succeed, exit code {self.code}:\n{self.text}")
        return self

    def failed(self) -> Run:
        """Return the result itself."""
        if not self.code or "Traceback" in self.text:
            raise EngineError(f"expected to be refused in words, exit code {self.code}:\n{self.text}")
        return self


@dataclass(frozen=True)
class _EmptyStack:
    """Result of `pulumi stack init`.

    Attributes:
        settings: Content of the stack's settings file.
        state: Files of the backend, by path.
    """

    settings: str
    state: Mapping[Path, bytes]


_empty_stacks: dict[tuple[str, Path, str], _EmptyStack] = {}


class Stack:
    """Stack of a program on one local AWS."""

    def __init__(
        self, folder: Path, endpoint: str, name: str = "test", program: Path = REPOSITORY, *, warm: bool = True
    ) -> None:
        """Create the stack.

        Args:
            folder: Folder for all files; its creator deletes it.
            endpoint: URL of the local AWS.
            name: Name of the stack.
            program: Folder of the program; files that it lacks come from the repository.
            warm: Whether Python processes are forked from a warm one, and secrets encrypted with a key instead of a
                passphrase; not for measurements.
        """
        self.name = name
        self.is_foreign = program != REPOSITORY
        self.seconds = RUN_SECONDS
        self.configurations: list[dict[str, Any]] = []
        self.folder = folder / "program"
        environment = warm_python() if warm else Path(sys.prefix)
        python = environment / "bin" / "python"
        self._workspace = Workspace(folder, python)
        self._endpoint = endpoint
        self._workspace.prepare(command_line())
        self.folder.mkdir()
        for part in PROGRAM:
            source = program / part if (program / part).exists() else REPOSITORY / part
            (self.folder / part).symlink_to(source)
        (self.folder / ".venv").symlink_to(environment)
        # No test reads the state while the engine runs, so it is only written at the end.
        self.environment = {
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_DEBUG_COMMANDS": "true",
            "SHELL_ACCESS_PYTHON": str(python),
            STACK: str(folder),
        }
        self._initialize(program, secrets_provider(endpoint) if warm else "default")
        self._encryption: dict[str, str] = yaml.safe_load(self._file.read_text())

    def _initialize(self, program: Path, provider: str) -> None:
        """Run `pulumi stack init`, or copy its result, which is the same for all stacks of the same name."""
        empty = _empty_stacks.get((self.name, program, provider))
        if empty is None:
            self.run("stack", "init", self.name, "--secrets-provider", provider).succeeded()
            states = self._workspace.state
            state = {path.relative_to(states): path.read_bytes() for path in states.rglob("*") if path.is_file()}
            _empty_stacks[self.name, program, provider] = _EmptyStack(settings=self._file.read_text(), state=state)
            return
        self._file.write_text(empty.settings)
        for path, content in empty.state.items():
            (self._workspace.state / path).parent.mkdir(parents=True, exist_ok=True)
            (self._workspace.state / path).write_bytes(content)

    def configure(self, sections: dict[str, Any] | None = None, **aws: Any) -> None:
        """Replace the stack's configuration: sections without their namespace, and keys of the AWS provider.

        It includes the settings that the policies of `python -m operations deployer` depend on.
        """
        given = {"permissionsBoundary": ROLES_BOUNDARY} | (sections or {})
        provider: dict[str, Any] = {"region": "eu-west-1", "defaultTags": {"tags": dict([DEPLOYED_TAG])}} | aws
        configuration = {f"shell-access:{name}": value for name, value in given.items()}
        configuration |= {f"aws:{name}": value for name, value in provider.items()}
        self.configurations.append(configuration)
        self._file.write_text(yaml.safe_dump({"config": configuration, **self._encryption}))

    def preview(self, *arguments: str) -> Run:
        """Run `pulumi preview`."""
        return self._logged("preview", *arguments)

    def up(self, *arguments: str) -> Run:
        """Run `pulumi up` without its preview."""
        return self._logged("up", "--yes", "--skip-preview", *arguments)

    def refresh(self, *arguments: str) -> Run:
        """Run `pulumi refresh`."""
        return self._logged("refresh", "--yes", "--skip-preview", *arguments)

    def destroy(self, *arguments: str) -> Run:
        """Run `pulumi destroy`."""
        return self._logged("destroy", "--yes", "--skip-preview", *arguments)

    def operate(self, *arguments: str, caller: str = "verify") -> subprocess.CompletedProcess[str]:
        """Run `python -m operations` for this stack, as in a shell with the environment of `make -s env`.

        Args:
            arguments: Command and its options.
            caller: Access key of the AWS calls.
        """
        return subprocess.run(
            [
                *(self.environment["SHELL_ACCESS_PYTHON"], "-u", "-m", "operations", *arguments),
                *("--stack", self.name, "--cwd", str(self.folder)),
            ],
            check=False,
            cwd=REPOSITORY,
            env=self.full_environment(caller),
            capture_output=True,
            text=True,
        )

    def left_running(self) -> list[str]:
        """Return the commands of processes that outlive the stack's engines."""
        return [command(process) for process in survivors(STACK, self.environment[STACK])]

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secret ones as `pulumi stack output` shows them."""
        nothing: dict[str, Any] = {}
        found: dict[str, Any] = next(
            (each.get("outputs", nothing) for each in self.state() if each["type"] == STACK_TYPE), nothing
        )
        return {key: "[secret]" if SECRET in json.dumps(value) else value for key, value in found.items()}

    def state(self) -> list[dict[str, Any]]:
        """Return the resources in the stack's state, read from the backend's file to save a `pulumi` command."""
        project = yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"]
        file = self._workspace.state / ".pulumi" / "stacks" / project / f"{self.name}.json"
        latest: dict[str, Any] = json.loads(file.read_text())["checkpoint"].get("latest") or {}
        return latest.get("resources", [])

    def events(self) -> list[dict[str, Any]]:
        """Return the engine's events of the last preview, update, refresh or destroy."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def run(self, *arguments: str) -> Run:
        """Run `pulumi` with any arguments, in the stack's folder and environment."""
        with tempfile.TemporaryDirectory(prefix="stacks-") as stacks:
            process = subprocess.Popen(
                ["pulumi", *arguments],
                cwd=self.folder,
                env=self.full_environment(caller=arguments[0]) | {STACKS: stacks},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if arguments[0] in _LOGGED else subprocess.PIPE,
                text=True,
            )
            try:
                text, problems = process.communicate(timeout=self.seconds)
            except subprocess.TimeoutExpired:
                where = end_stuck(process, self.environment[STACK], Path(stacks))
                text, _ = process.communicate()
                raise EngineError(
                    f"`pulumi {' '.join(arguments)}` did not end in {self.seconds} seconds:\n{text}\n{where}"
                ) from None
        return Run(process.returncode, text + (problems or "" if process.returncode else ""))

    def full_environment(self, caller: str = "local") -> dict[str, str]:
        """Return the environment of the engine and its companion processes.

        Args:
            caller: Access key of the AWS calls.
        """
        made_by = {"AWS_ACCESS_KEY_ID": caller}
        return os.environ | self._workspace.environment(self._endpoint) | self.environment | made_by

    @property
    def _file(self) -> Path:
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def _log(self) -> Path:
        return self.folder / "events.json"

    def _logged(self, command: str, *arguments: str) -> Run:
        self._log.unlink(missing_ok=True)
        done = self.run(command, "--stack", self.name, "--event-log", str(self._log), *arguments)
        run = Run(done.code, done.text)
        for event in self.events():
            _note(run, event)
        return run


def _note(run: Run, event: dict[str, Any]) -> None:
    if "resourcePreEvent" in event:
        step = event["resourcePreEvent"]["metadata"]
        name = f"{step['type'].rsplit(':', 1)[1]}:{step['urn'].rsplit('::', 1)[1]}"
        if step["op"] not in _UNCHANGED and not step["type"].startswith(("pulumi:", "shell-access:")):
            run.steps[name] = step["op"]
            run.diffs[name] = _changed(step.get("old"), step.get("new"))
    elif "policyEvent" in event:
        policy = event["policyEvent"]
        run.violations.setdefault(policy.get("resourceUrn", "").rsplit("::", 1)[-1], []).append(policy["message"])


def _changed(old: dict[str, Any] | None, new: dict[str, Any] | None) -> set[str]:
    if not old or not new:
        return set()
    before, after = old["inputs"], new["inputs"]
    return {name for name in {*before, *after} - {"__defaults", "__provider"} if before.get(name) != after.get(name)}


def dev_sections(*, has_second_site: bool = True) -> dict[str, Any]:
    """Return the sections of the stack `dev`.

    Args:
        has_second_site: Whether domain controllers have a site outside the provider's Region, a third of the
            resources.
    """
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    sections = {key.partition(":")[2]: value for key, value in config.items() if key.startswith("shell-access:")}
    if not has_second_site:
        del sections["domainControllers"]["sites"]["us-east-1"]
    return sections


def end_stuck(process: subprocess.Popen[str], stack: str, stacks: Path) -> str:
    """Kill an engine that did not end in time, and all its descendants.

    Args:
        process: Engine.
        stack: Value of the environment variable `SHELL_ACCESS_STACK` in all descendants.
        stacks: Folder for the stacks of its Python processes, in their environment variable `SHELL_ACCESS_STACKS`.

    Returns:
        The command lines of the descendants, and the stack of each Python process.
    """
    started = with_variable(STACK, stack)
    commands = [f"{number}: {command(number)}" for number in started]
    for number in started:
        if Path(warm_launcher.__file__).stem in command(number):  # passes the signal on
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGUSR1)
    time.sleep(STACKS_SECONDS)
    while left := with_variable(STACK, stack):
        for number in left:
            end(number)
        process.poll()
        time.sleep(POLL_SECONDS)
    traces = [f"Stacks of {file.name}:\n{file.read_text()}" for file in stacks.iterdir() if file.stat().st_size]
    return "\n".join(["Its processes:", *commands, *traces])
