"""A workflow whose runbooks are run by AWS' simulator, while the local AWS keeps the record of each run.

The scripts ask Systems Manager for runs, which the simulator does not have. So each run is a run of the local AWS too:
of the same runbook, its approvals real, and every other step a sleep that ends when the simulator goes on. As the steps
of the record follow one another by our interpreter, and have to be where the simulator is, the two are compared as well.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME
from components.approval.runbook import change_template, reaper, runbook
from components.approval.settings import Mode
from tests.components.approval.workflow import OVER, PLACE, REGIONS, Workflow
from tests.simulator.simulator import RUN, Simulator, StepFailedError, translated
from tests.support.emulator import change_settings, wake

Json = dict[str, Any]
REFUSAL = "AnnounceRefusal"
WAKE_AGAIN_SECONDS = 5
"""A sleep that had not quite begun is not woken."""


class SimulatedWorkflow(Workflow):
    """The workflow, its runs played through by AWS' simulator."""

    def __init__(self, client: Callable[..., Any], endpoint: str, simulator: Simulator, **changes: Any) -> None:
        self.simulator = simulator
        super().__init__(client, endpoint, **changes)

    @property
    def runbook(self) -> Json:
        return runbook(self.settings, PLACE, REGIONS)

    def publish(self) -> None:
        documents = [(RUNBOOK_NAME, "Automation", record(self.runbook))]
        if self.settings.mode is Mode.CHANGE_MANAGER:
            template = change_template(self.settings, PLACE)
            documents.append((CHANGE_TEMPLATE_NAME, "Automation.ChangeTemplate", template))
        for name, kind, content in documents:
            self.ssm.create_document(Name=name, DocumentType=kind, Content=json.dumps(content))

    def request(
        self,
        instance: str,
        kind: str = "role",
        name: str = "Operator",
        *,
        by: tuple[str, str] = ("Operator", "olivia"),
        approved_by: tuple[str, str] = ("Approver", "anton"),
    ) -> str:
        """A run that has been approved and now begins; in mode `change-manager`, from a change request."""
        if self.settings.mode is Mode.AUTOMATION:
            run = self.ask(instance, kind, name, by=by)
            self.decide(run, by=approved_by)
            return run
        given = {"InstanceId": [instance], "PrincipalType": [kind], "PrincipalName": [name]}
        request = self.as_role(*by).start_change_request_execution(
            DocumentName=CHANGE_TEMPLATE_NAME,
            ChangeRequestName="a session",
            Runbooks=[{"DocumentName": RUNBOOK_NAME, "Parameters": given}],
        )["AutomationExecutionId"]
        self.decide(request, by=approved_by)
        self.until(request, lambda found: found["AutomationExecutionStatus"] == "RunbookInProgress")
        chosen = [{"Key": "ParentExecutionId", "Values": [request]}]
        while True:
            listed = self.ssm.describe_automation_executions(Filters=chosen)["AutomationExecutionMetadataList"]
            if listed:
                return listed[0]["AutomationExecutionId"]

    def play(
        self,
        run: str,
        *,
        fails: tuple[str, str] | None = None,
        asleep: Callable[[], object] = lambda: None,
    ) -> Played:
        """Simulates a run to its end.

        Args:
            run: of the local AWS.
            fails: a step that does, `before` or `after` it has done its work.
            asleep: done while the grant is valid.
        """
        given = {key: value[0] for key, value in self.run(run)["Parameters"].items()}
        document = self.runbook
        change_settings(self.endpoint, {"automationFaults": {fails[0]: "after"} if fails else {}})
        if fails:
            document = {**document, "mainSteps": [_failing(step, *fails) for step in document["mainSteps"]]}
        played = Played(self, run, fails, asleep)
        played.result = self.simulator.run(translated(document), {**given, RUN: run}, played)
        played.close()
        return played

    def reap(self) -> Played:
        played = Played(self)
        played.result = self.simulator.run(translated(reaper(self.settings, PLACE)), {}, played)
        return played


class Played:
    """One simulated run, and what was seen of it."""

    def __init__(
        self,
        flow: SimulatedWorkflow,
        run: str = "",
        fails: tuple[str, str] | None = None,
        asleep: Callable[[], object] = lambda: None,
    ) -> None:
        self.flow, self.run, self.fails, self.asleep = flow, run, fails, asleep
        self.steps: list[str] = []
        self.outputs: dict[str, str] = {}
        self.slept: list[float] = []
        self.result: Json = {}
        self._recorded = {each["name"] for each in record(flow.runbook)["mainSteps"] if each["action"] == "aws:sleep"}
        self._step = ""

    def begin(self, step: str) -> None:
        self.steps.append(step)
        if self.run and step in self._recorded:
            self._follow(step)

    def done(self, outputs: Json) -> None:
        self.outputs |= outputs

    def call(self, service: str, api: str, parameters: Json) -> Json:
        client = self.flow.client(service)
        names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        with self._faulty():
            answer = getattr(client, names[api])(**parameters)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def sleep(self, seconds: float) -> None:
        with self._faulty():
            if seconds:
                self.slept.append(seconds)
                self.asleep()

    @contextmanager
    def _faulty(self) -> Iterator[None]:
        """Run the current step, which fails where a fault is requested."""
        if self.fails == (self.steps[-1], "before"):
            raise StepFailedError("made to fail")
        yield
        if self.fails == (self.steps[-1], "after"):
            raise StepFailedError("made to fail")

    def close(self) -> None:
        """Ends the record as the run has ended."""
        if self._step:
            self._leave(lambda found: found["AutomationExecutionStatus"] in OVER)

    def _follow(self, step: str) -> None:
        """Brings the record to a step that begins; by our interpreter it has to lead there too."""
        if not self._step:
            self.flow.until(self.run, lambda found: found.get("CurrentStepName") == step)
        elif step == REFUSAL:
            self.flow.ssm.stop_automation_execution(AutomationExecutionId=self.run)
            self._recorded = set()
            step = ""
        else:
            between = (self._step, "Decide", None)
            found = self._leave(lambda found: found.get("CurrentStepName") not in between)
            assert found["CurrentStepName"] == step, (found["CurrentStepName"], step)
        self._step = step

    def _leave(self, left: Callable[[Json], bool]) -> Json:
        """Ends the step that the record is at; it fails where the simulated one does."""
        while True:
            wake(self.flow.endpoint, self.run)
            found = self.flow.until(self.run, _or_for_a_while(left))
            if left(found):
                return found


def _or_for_a_while(condition: Callable[[Json], bool]) -> Callable[[Json], bool]:
    end = time.monotonic() + WAKE_AGAIN_SECONDS
    return lambda found: condition(found) or time.monotonic() > end


def record(document: Json) -> Json:
    """Record what the local AWS runs meanwhile: the approvals, the paths between steps, and nothing else."""
    steps: list[Json] = []
    for step in document["mainSteps"]:
        if step["name"] == "CheckReason":
            # Before the approvals, which the record has to reach before the simulation begins.
            continue
        if step["action"] == "aws:approve":
            named = json.loads(re.sub(r"\{\{ CheckReason\.(\w+) \}\}", r"\1", json.dumps(step)))
            steps.append({key: value for key, value in named.items() if key != "onCancel"})
        elif step["action"] == "aws:branch":
            choices = [{"NextStep": choice["NextStep"], **choice["And"][1]} for choice in step["inputs"]["Choices"]]
            steps.append({**step, "inputs": {**step["inputs"], "Choices": choices}})
        else:
            flow = {key: step[key] for key in ("onFailure", "nextStep", "isEnd") if key in step}
            steps.append({"name": step["name"], "action": "aws:sleep", "inputs": {"Duration": "PT24H"}, **flow})
    return {**{key: value for key, value in document.items() if key != "outputs"}, "mainSteps": steps}


def _failing(step: Json, name: str, when: str) -> Json:
    """A script that fails; other steps fail by what they call."""
    if step["name"] != name or step["action"] != "aws:executeScript":
        return step
    handler = step["inputs"]["Handler"]
    work = "_work(events, context)" if when == "after" else "pass"
    fault = (
        f"\n\n_work = {handler}\n\n\ndef {handler}(events, context):\n    {work}\n    raise OSError('made to fail')\n"
    )
    return {**step, "inputs": {**step["inputs"], "Script": step["inputs"]["Script"] + fault}}
