"""Golden files of `python -m operations doctor` and `nodes`."""

import pytest
from click.testing import Result
from typer.testing import CliRunner

from operations.cli import app
from operations.command_line import CommandContext
from operations.errors import UnusableError
from operations.stack import StackConfiguration
from tests.operations.doctor.world import STACK, World, launch, no_core
from tests.support.golden_files import Golden

pytestmark = pytest.mark.local_aws


def run(*arguments: str, stack: StackConfiguration | Exception = STACK) -> Result:
    def read_stack(*_: object) -> StackConfiguration:
        if isinstance(stack, Exception):
            raise stack
        return stack

    return CliRunner().invoke(app, [*arguments, "--json"], obj=CommandContext(read_stack=read_stack))


def test_commands_are_golden(request: pytest.FixtureRequest, golden: Golden) -> None:
    commands = {"doctor": ("doctor", "app-1"), "nodes": ("nodes",)}
    results = {name: {"AWS does not answer": run(*arguments)} for name, arguments in commands.items()}
    world: World = request.getfixturevalue("world")
    for name, arguments in commands.items():
        results[name]["ready"] = run(*arguments)
        results[name]["unusable configuration"] = run(*arguments, stack=UnusableError("There is no stack."))
    results["doctor"]["no such node"] = run("doctor", "app-9")
    unnamed = launch(world, "bare", "b", profile=False)
    try:
        with no_core(world):
            for name, arguments in commands.items():
                results[name]["not ready"] = run(*arguments)
    finally:
        world.ec2.terminate_instances(InstanceIds=[unnamed])
    for name, by_situation in results.items():
        golden.command(name, by_situation)
