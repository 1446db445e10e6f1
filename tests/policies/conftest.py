"""The one place that knows how these tests run the real engine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.workspace import REPOSITORY
from tests.support.stack import Run, Stack

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Stack]:
    """Makes a stack of one of the programs here against the AWS at an address."""

    def make(program: str, endpoint: str) -> Stack:
        stack = Stack(tmp_path_factory.mktemp(program), endpoint, program=PROGRAMS / program)
        stack.configure()
        return stack

    return make


@pytest.fixture(scope="session")
def preview(new_stack: Callable[[str, str], Stack], endpoint: str) -> Callable[..., Run]:
    """Previews one of the programs under the pack: `preview("bad", {"log-group-retention": "disabled"})`."""

    def run(program: str, configuration: dict[str, object] | None = None) -> Run:
        stack = new_stack(program, endpoint)
        arguments = ["--policy-pack", str(REPOSITORY / "policies")]
        if configuration is not None:
            file = stack.folder / "policy-config.json"
            file.write_text(json.dumps(configuration))
            arguments += ["--policy-pack-config", str(file)]
        return stack.preview(*arguments)

    return run


@pytest.fixture
def late_stack(new_stack: Callable[[str, str], Stack], empty_aws: str) -> Stack:
    """The program `late`."""
    return new_stack("late", empty_aws)
