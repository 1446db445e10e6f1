"""AWS' simulator, spoken to in lines of JSON on standard input and output.

Runs in the environment of `tools.simulator`, so it imports nothing of this project. A line asks for a document to be
printed or simulated; while it is simulated, each line out (a step begins, calls, sleeps, is done) is answered by one in.
"""

import itertools
import json
import os
import sys
import traceback
from typing import Any

import cdklabs.cdk_ssm_documents as aws
import jsii
from aws_cdk import Stack

Json = dict[str, Any]

OPERATIONS = {
    "".join(word.capitalize() for word in operation.value.split("_")): operation for operation in aws.Operation
}
TYPES = {"".join(word.capitalize() for word in kind.value.split("_")): kind for kind in aws.DataTypeEnum}

# What the simulator prints by the way goes to standard error.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
NUMBERS = itertools.count()
STACK = Stack()


def send(message: Json) -> None:
    ANSWERS.write(json.dumps(message) + "\n")
    ANSWERS.flush()


def request_answer(message: Json) -> Any:
    """Return the answer of the other side, which may request another run first."""
    send(message)
    while True:
        answer = json.loads(sys.stdin.readline())
        if "answer" in answer:
            return answer["answer"]
        if "failure" in answer:
            raise RuntimeError(answer["failure"])
        do(answer)


@jsii.implements(aws.IObserver)
class Observer:
    def __init__(self, kind: str, step: str) -> None:
        self.kind, self.step = kind, step

    def accept(self, value: Any) -> None:
        request_answer({self.kind: self.step, "values": dict(value)})


@jsii.implements(aws.IAwsInvoker)
class Invoker:
    def invoke(self, *, aws_api: str, aws_params: Any, service: Any) -> Any:
        return request_answer({"call": aws_api, "service": service.namespace, "parameters": aws_params})


@jsii.implements(aws.ISleepHook)
class Sleeper:
    def sleep(self, time_millis: float) -> None:
        request_answer({"sleep": time_millis / 1000})


def simulate(document: Json, parameters: Json) -> Json:
    simulation = aws.Simulation.of_automation(built(document), aws_invoker=Invoker(), sleep_hook=Sleeper())
    result = simulation.simulate(parameters)
    return {"code": result.response_code.value, "why": result.stack_trace or "", "steps": list(result.executed_steps)}


def built(document: Json, outputs: list[str] | None = None) -> Any:
    made = aws.AutomationDocument(
        Stack(STACK, f"stack{next(NUMBERS)}"),
        "document",
        description=document["description"],
        assume_role=text(document["assumeRole"]),
        doc_inputs=[parameter(name, about) for name, about in document.get("parameters", {}).items()],
        doc_outputs=[aws.DocumentOutput(name=name, output_type=TYPES["String"]) for name in outputs or []],
    )
    for definition in document["mainSteps"]:
        made.add_step(step(made, definition))
    return made


def parameter(name: str, about: Json) -> Any:
    kind = TYPES[about["type"]]
    return aws.Input.of_specified_type(
        kind,
        name,
        name=name,
        input_type=kind,
        description=about.get("description"),
        default_value=about.get("default"),
        allowed_values=about.get("allowedValues"),
        allowed_pattern=about.get("allowedPattern"),
    )


def step(scope: Any, definition: Json) -> Any:
    name, inputs = definition["name"], dict(definition["inputs"])
    common: Json = {
        "input_observer": Observer("begin", name),
        "output_observer": Observer("done", name),
        "is_end": definition.get("isEnd"),
        "max_attempts": definition.get("maxAttempts"),
        "timeout_seconds": definition.get("timeoutSeconds"),
    }
    if "nextStep" in definition:
        common["explicit_next_step"] = aws.StepRef.from_name(definition["nextStep"])
    for key, argument, kind in (("onFailure", "on_failure", aws.OnFailure), ("onCancel", "on_cancel", aws.OnCancel)):
        if key in definition:
            common[argument] = kind.invoke_step_by_name(definition[key].removeprefix("step:"))
    outputs = [
        aws.Output(name=each["Name"], selector=each["Selector"], output_type=TYPES[each["Type"]])
        for each in definition.get("outputs", [])
    ]
    match definition["action"]:
        case "aws:executeAwsApi":
            service, api = inputs.pop("Service"), inputs.pop("Api")
            return aws.AwsApiStep(
                scope,
                name,
                service=aws.AwsService(service, service.upper()),
                pascal_case_api=api,
                java_script_api=api,
                api_params=inputs,
                outputs=outputs,
                **common,
            )
        case "aws:executeScript":
            return aws.ExecuteScriptStep(
                scope,
                name,
                language=aws.ScriptLanguage.from_runtime(inputs["Runtime"], inputs["Handler"]),
                code=aws.ScriptCode.inline(inputs["Script"]),
                input_payload={key: variable(value) for key, value in inputs["InputPayload"].items()},
                outputs=outputs,
                **common,
            )
        case "aws:branch":
            choices = [choice(each) for each in inputs["Choices"]]
            return aws.BranchStep(scope, name, choices=choices, default_step_name=inputs.get("Default"), **common)
        case "aws:sleep":
            minutes = int(inputs["Duration"].removeprefix("PT").removesuffix("M"))
            return aws.SleepStep(scope, name, sleep_seconds=60 * minutes, **common)
        case other:
            raise ValueError(f"{other} is not known here")


def choice(definition: Json) -> Any:
    operation, constant = next(item for item in definition.items() if item[0] in OPERATIONS)
    return aws.Choice(
        variable=text(definition["Variable"]),
        operation=OPERATIONS[operation],
        constant=constant,
        jump_to_step_name=definition["NextStep"],
    )


def variable(value: Any) -> Any:
    if isinstance(value, bool):
        return aws.HardCodedBoolean(value)
    return aws.HardCodedStringList(value) if isinstance(value, list) else text(value)


def text(value: str) -> Any:
    if not value.startswith("{{"):
        return aws.HardCodedString(value)
    return aws.StringVariable(value.removeprefix("{{").removesuffix("}}").strip())


def do(request: Json) -> None:
    try:
        if "print" in request:
            document = request["print"]
            send({"result": json.loads(built(document, document.get("outputs")).print())})
        else:
            send({"result": simulate(request["simulate"], request["parameters"])})
    except Exception as problem:  # noqa: BLE001 -- sent to the other side
        traceback.print_exc()
        send({"problem": str(problem)})


def main() -> None:
    send({"ready": True})
    while line := sys.stdin.readline():
        do(json.loads(line))


if __name__ == "__main__":
    main()
