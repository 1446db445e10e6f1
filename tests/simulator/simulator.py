"""AWS' simulator as tests use it, and what has to be said differently for it to understand a runbook."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tools.simulator import simulator, variables

Json = dict[str, Any]
RUN = "Run"
"""The parameter that stands for `automation:EXECUTION_ID`, which the simulator makes up."""


class StepFailedError(Exception):
    """A call of a step failed."""


class World(Protocol):
    """State that a simulated run acts upon. A `StepFailedError` fails the step, everything else the test."""

    def begin(self, step: str) -> None: ...

    def done(self, outputs: Json) -> None: ...

    def call(self, service: str, api: str, parameters: Json) -> Json: ...

    def sleep(self, seconds: float) -> None: ...


class RefusedError(Exception):
    """The simulator does not take a document or its parameters."""


class Simulator:
    """The running simulator."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log
        self._read()

    def printed(self, document: Json) -> Json:
        """A document as the simulator would publish it: what it has understood of it."""
        return self._asked({"print": document})

    def run(self, document: Json, parameters: Json, world: World) -> Json:
        """Its verdict on a run: `code`, `why`, `steps`.

        Raises:
            RefusedError: it does not begin, or does not get to an end.
        """
        return self._asked({"simulate": document, "parameters": parameters}, world)

    def _asked(self, request: Json, world: World | None = None) -> Json:
        unexpected: list[Exception] = []
        self._write(request)
        while True:
            message = self._read()
            if "result" in message or "problem" in message:
                break
            assert world
            try:
                answer = {"failure": "the test has failed"} if unexpected else {"answer": _answer(message, world)}
            except StepFailedError as failure:
                answer = {"failure": str(failure)}
            except Exception as failure:  # noqa: BLE001 -- the simulator waits for an answer; raised below
                unexpected.append(failure)
                answer = {"failure": "the test has failed"}
            self._write(answer)
        if unexpected:
            raise unexpected[0]
        if "problem" in message:
            raise RefusedError(message["problem"])
        return message["result"]

    def _write(self, message: Json) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message, default=str) + "\n")
        self._process.stdin.flush()

    def _read(self) -> Json:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"the simulator has ended: {self._log.read_text()[-3000:]}"
        return json.loads(line)


def _answer(message: Json, world: World) -> Any:
    if "begin" in message:
        return world.begin(message["begin"])
    if "done" in message:
        return world.done(message["values"])
    if "sleep" in message:
        return world.sleep(message["sleep"])
    return world.call(message["service"], message["call"], message["parameters"])


@contextmanager
def running_simulator(endpoint: str, folder: Path) -> Iterator[Simulator]:
    """The simulator; its scripts run with this Python and boto3, against the local AWS at the endpoint."""
    environment = simulator()
    log = folder / "simulator.log"
    temporary = folder / "scripts"
    temporary.mkdir()
    settings = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "TMPDIR": str(temporary),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    with (
        log.open("w") as said,
        subprocess.Popen(
            [str(environment / "bin" / "python"), str(Path(__file__).with_name("process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, **variables(environment), **settings},
        ) as process,
    ):
        yield Simulator(process, log)


def translated(document: Json) -> Json:
    """The document in words that the simulator knows; what the steps do and where they lead is unchanged.

    - Approval steps are left out: it has no approvers.
    - `automation:EXECUTION_ID` is a parameter, as it makes the id up and a made-up run is on no record.
    - A choice with `And` becomes branches behind one another.
    - A branch with `isEnd` and no `Default` leads to a step that ends the run. For the simulator such a branch ends the
      run always; the User Guide says that it does where no choice holds.
    - Scripts do not pause: they wait for IAM's eventual consistency, which the local AWS does not have.
    """
    original = re.sub(r"time\.sleep\(\w+\)", "None", json.dumps(document))
    text = original.replace("{{ automation:EXECUTION_ID }}", f"{{{{ {RUN} }}}}")
    said: Json = json.loads(text)
    if text != original:
        said["parameters"] |= {RUN: {"type": "String", "description": "The run."}}
    steps = [step for step in said["mainSteps"] if step["action"] != "aws:approve"]
    said["mainSteps"] = [each for step in steps for each in _branches(step)]
    for step in list(said["mainSteps"]):
        if step["action"] == "aws:branch" and step.pop("isEnd", False):
            end = step["inputs"]["Default"] = f"{step['name']}End"
            said["mainSteps"].append(
                {"name": end, "action": "aws:sleep", "inputs": {"Duration": "PT0M"}, "isEnd": True}
            )
    return said


def _branches(step: Json) -> list[Json]:
    """A branch without `And`: each condition a branch of its own, leading to the next one or to the next choice."""
    if step["action"] != "aws:branch" or not any("And" in choice for choice in step["inputs"]["Choices"]):
        return [step]
    choices, otherwise = step["inputs"]["Choices"], step["inputs"]["Default"]
    names = [step["name"], *(f"{step['name']}{position}" for position in range(2, len(choices) + 1))]
    found: list[Json] = []
    for name, choice, following in zip(names, choices, [*names[1:], otherwise], strict=True):
        ways = [name, *(f"{name}And{position}" for position in range(2, len(choice["And"]) + 1))]
        for way, condition, onward in zip(ways, choice["And"], [*ways[1:], choice["NextStep"]], strict=True):
            inputs = {"Choices": [{"NextStep": onward, **condition}], "Default": following}
            found.append({"name": way, "action": "aws:branch", "inputs": inputs})
    return found
