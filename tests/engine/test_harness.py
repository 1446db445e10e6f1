"""The harness of these tests: a stuck engine is found, and no process outlives an engine that fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.stack import EngineError, Stack

pytestmark = pytest.mark.engine


def test_stack_stuck_engine_is_ended_with_its_stacks(new_stack: Callable[..., Stack], tmp_path: Path) -> None:
    program = tmp_path / "stuck"
    program.mkdir()
    (program / "__main__.py").write_text("import time\n\n\ndef wait() -> None:\n    time.sleep(600)\n\n\nwait()\n")
    stack = new_stack(program=program)
    stack.configure()
    stack.seconds = 15
    with pytest.raises(EngineError, match="did not end in 15 seconds") as stuck:
        stack.preview()
    assert "local/language_host.py" in str(stuck.value)
    assert '__main__.py", line 5 in wait' in str(stuck.value)


@pytest.mark.parametrize("warm", [True, pytest.param(False, marks=pytest.mark.exhaustive)], ids=["forked", "new"])
def test_stack_failing_configuration_leaves_no_process(
    new_stack: Callable[..., Stack], tmp_path: Path, *, warm: bool
) -> None:
    stack = new_stack(warm=warm)
    stack.configure({"sessionManager": {"idleSessionTimeout": 90}})
    assert "idleSessionTimeout" in stack.preview().failed().text
    stack.configure({"regions": "not a list"})
    assert "regions" in stack.preview().failed().text
    bad = tmp_path / "pack.json"
    bad.write_text('{"no-such-rule": "advisory"}')
    stack.configure()
    assert "no-such-rule" in stack.preview("--policy-pack", "policies", "--policy-pack-config", str(bad)).failed().text
    # The fixture asserts that nothing is left running.


def test_pulumi_install_needs_the_virtual_environment(new_stack: Callable[..., Stack], tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "__main__.py").touch()
    manifest = program / "Pulumi.yaml"
    manifest.write_text("name: program\nruntime: python\n")
    stack = new_stack(program=program)
    assert "are installed" in stack.run("install").succeeded().text
    manifest.write_text("name: program\nruntime: {name: python, options: {virtualenv: absent}}\n")
    assert "Run: make up" in stack.run("install").failed().text
