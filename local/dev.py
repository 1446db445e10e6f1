"""Stack `dev` on the local AWS: deployment, verification and destruction."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import aws
from local.cache import locked, say
from local.emulator.seed import seed
from local.processes import descendants, end
from local.toolchain import command_line
from local.workspace import REPOSITORY, Workspace
from operations.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from local.aws import Emulator

STACK = "dev"
_END_SECONDS = 120
"""Time for an interrupted engine to finish the calls that it has begun."""
PROJECT = "shell-access"
POLICY_PACK = ("--policy-pack", "policies", "--policy-pack-config", "policies/config/dev.json")


class StepError(Exception):
    """Error of a step of a command; the message names the step and the fix."""


@dataclass(frozen=True)
class Dev:
    """Development stack of a clone.

    Attributes:
        emulator: Module that serves the local AWS.
    """

    workspace: Workspace
    emulator: str = aws.EMULATOR

    def start(self) -> None:
        """Start the local AWS, unless it already runs."""
        with self._alone():
            self.workspace.prepare(command_line())
            self._local_aws()

    def unchanged(self, *arguments: str) -> None:
        """Preview the stack, which must be deployed.

        Raises:
            StepError: A resource would change.
        """
        environment = os.environ | self.workspace.environment(self.endpoint_url())
        self._pulumi(environment, "preview", "--expect-no-changes", "--stack", STACK, *arguments)

    def up(self) -> None:
        """Start the local AWS, deploy the stack with the policy pack, and verify the result.

        Raises:
            StepError: A step failed; completed steps are kept, and the next run continues from there.
        """
        with self._alone():
            self.workspace.prepare(command_line())
            emulator = self._local_aws()
            seed(emulator.endpoint_url)
            environment = os.environ | self.workspace.environment(emulator.endpoint_url)
            is_outdated = self._state_is_of_another(emulator.instance_id)
            self._pulumi(environment, "stack", "select", "--create", STACK)
            arguments = ["up", "--yes", "--skip-preview", "--stack", STACK, *POLICY_PACK]
            if is_outdated:
                say(
                    "The state does not match the local AWS (it was restarted, or a run was interrupted); refreshing first."
                )
                arguments.append("--refresh")
            self._applied.unlink(missing_ok=True)
            self._pulumi(environment, *arguments)
            self._applied.write_text(json.dumps({"instanceId": emulator.instance_id}))
            self._run("verification", environment, sys.executable, "-m", "operations", "verify", "--stack", STACK)
            self._show_nodes(environment)
            say(_NEXT.format(endpoint=emulator.endpoint_url))

    def down(self) -> None:
        """Destroy the stack and stop the local AWS.

        Raises:
            StepError: The stack could not be destroyed; the local AWS keeps running.
        """
        with self._alone():
            self._destroy()
            self._applied.unlink(missing_ok=True)
            aws.stop(self.workspace)
            # The resources of all its stacks no longer exist, including those of a fleet.
            shutil.rmtree(self._state_folder, ignore_errors=True)
            say("The local AWS is stopped.")

    def destroy(self) -> None:
        """Destroy the stack; the local AWS keeps running.

        Raises:
            StepError: The stack could not be destroyed.
        """
        with self._alone():
            self._destroy()

    def _destroy(self) -> None:
        emulator = aws.running(self.workspace)
        if emulator and self._has_state and not self._was_killed:
            # Only if needed: a full disk has no space for it.
            self.workspace.prepare(command_line())
            environment = os.environ | self.workspace.environment(emulator.endpoint_url)
            self._pulumi(environment, "destroy", "--yes", "--skip-preview", "--stack", STACK)

    def endpoint_url(self) -> str:
        """Return the endpoint of the running local AWS.

        Raises:
            StepError: It is not running.
        """
        emulator = aws.running(self.workspace)
        if emulator is None:
            raise StepError("The local AWS is not running. Start it with: make up")
        return emulator.endpoint_url

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs.

        Raises:
            StepError: The stack is not deployed.
        """
        command = ["pulumi", "stack", "output", "--json", "--stack", STACK]
        environment = os.environ | self.workspace.environment(self.endpoint_url())
        done = subprocess.run(command, check=False, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise StepError(f"Stack {STACK} is not deployed ({done.stderr.strip()}). Start with: make up")
        return json.loads(done.stdout)

    def exports(self) -> str:
        """Return lines for a shell, so that `pulumi`, AWS clients and boto3 use the running local AWS.

        Raises:
            StepError: The local AWS is not running.
        """
        values = self.workspace.environment(self.endpoint_url())
        return "\n".join(f"export {name}={_quoted(value)}" for name, value in values.items())

    def _local_aws(self) -> Emulator:
        """Return the running local AWS, or a new one if a killed run has left resources that are not in the state.

        A kill may also have truncated the state file, so both are recreated: neither is worth a repair.
        """
        if self._was_killed:
            say(
                "A run was killed, or ran out of disk space, while it was building; starting over with an empty local AWS."
            )
            aws.stop(self.workspace)
            shutil.rmtree(self._state_folder)
        emulator = aws.running(self.workspace)
        if emulator is None:
            say("Starting the local AWS ...")
            emulator = aws.start(self.workspace, self.emulator)
        return emulator

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self.workspace.folder / "lock", "make up or make down in this clone")

    @property
    def _applied(self) -> Path:
        return self.workspace.folder / "applied.json"

    @property
    def _state_folder(self) -> Path:
        return self.workspace.state / ".pulumi"

    @property
    def _state_file(self) -> Path:
        return self._state_folder / "stacks" / PROJECT / f"{STACK}.json"

    @property
    def _has_state(self) -> bool:
        return self._state_file.exists()

    @property
    def _was_killed(self) -> bool:
        """Return whether a lock without a process, or a truncated state, is left of a killed run or a full disk."""
        locks = self._state_folder.glob(f"locks/organization/{PROJECT}/{STACK}/*.json")
        return any(not _is_held(lock) for lock in locks) or not self._is_state_whole

    @property
    def _is_state_whole(self) -> bool:
        if not self._has_state:
            return True
        try:
            return "checkpoint" in json.loads(self._state_file.read_text())
        except ValueError:
            return False

    def _state_is_of_another(self, instance_id: str) -> bool:
        """Return whether the last successful run, if any, used another local AWS."""
        if not self._has_state:
            return False
        try:
            return json.loads(self._applied.read_text())["instanceId"] != instance_id
        except (OSError, ValueError, KeyError):
            return True

    def _pulumi(self, environment: dict[str, str], *arguments: str) -> None:
        """Run `pulumi`, with its command as the access key, so that recordings can identify its AWS calls."""
        made_by = {"AWS_ACCESS_KEY_ID": arguments[0]}
        self._run(f"pulumi {arguments[0]}", environment | made_by, "pulumi", *arguments)

    def _show_nodes(self, environment: dict[str, str]) -> None:
        """Show the seeded nodes; one is not ready, and its reason is shown."""
        command = [sys.executable, "-m", "operations", "nodes", "--stack", STACK]
        done = subprocess.run(command, check=False, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode not in (ExitCode.SUCCESS, ExitCode.FINDINGS):
            raise StepError(f"nodes failed (exit code {done.returncode}); its output is above.")

    def _run(self, what: str, environment: dict[str, str], *command: str) -> None:
        code = run_to_its_end(what, environment, command)
        if code:
            raise StepError(
                f"{what} failed (exit code {code}); its output is above. "
                "After fixing the cause, run the same command again: it continues from here. To start over: make down"
            )


def run_to_its_end(what: str, environment: Mapping[str, str], command: Sequence[str]) -> int:
    """Run a command and return its exit code.

    The terminal sends Ctrl-C to the command too, and the engine then saves its state and releases its lock. If it is
    killed before that, the next run must start over.

    Raises:
        KeyboardInterrupt: The run was interrupted, and the command has ended.
    """
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            try:
                say(f"\nInterrupted; waiting for {what} to end. Ctrl-C again kills it.")
                process.wait(_END_SECONDS)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                for number in (process.pid, *descendants(process.pid)):
                    end(number)
            raise


_NEXT = """
The stack `dev` is up on the local AWS ({endpoint}). Try:

  eval "$(make -s env)"                              settings for this shell, then for instance
  pulumi stack output --stack dev                    outputs of the stack
  pulumi preview --stack dev                         no changes
  python -m operations verify --stack dev            verification, as above
  python -m operations doctor legacy-1 --stack dev   reasons that a session on a node fails
  python -m operations ports --stack dev             open ports of the domain controllers, and their sources
  python -m operations audit --stack dev --approver '*:user/anton'   principals that bypass session approval
  make demo                                          a granted and a rejected session request

  make down                                          destroy it and stop the local AWS"""


def _is_held(lock: Path) -> bool:
    try:
        holder = json.loads(lock.read_text())["pid"]
    except (OSError, ValueError, KeyError):
        return False
    return Path(f"/proc/{holder}").exists()


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
