"""The commands behind `make`: `python -m local up|demo|down|env|check|test|test-all|faults|bench|docs|golden|lock`."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from local.bootstrap import SetUpError, explained
from local.cache import say
from local.checks import CHECK, TEST, TEST_ALL, Tier, run_tier
from local.contract import Part, run_contract
from local.dev import Dev, StepError
from local.emulator.running import EmulatorError
from local.requirements import resolve
from local.toolchain import ToolchainError, command_line
from local.workspace import REPOSITORY, PluginError, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _reporting(action: Callable[[], object]) -> None:
    """Run a command, and report expected errors without a traceback."""
    try:
        action()
    except (StepError, EmulatorError, SetUpError, ToolchainError, PluginError) as problem:
        say(f"\n{problem}")
        raise typer.Exit(1) from None
    except OSError as problem:
        say(f"\n{explained(problem)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say("\nInterrupted; the next run goes on from here.")
        raise typer.Exit(130) from None


@app.command()
def up() -> None:
    """Bring stack dev up on the local AWS, under the policy pack, and verify it."""
    _reporting(Dev(Workspace()).up)


@app.command()
def demo() -> None:
    """Play one granted and one refused request for a session through on the local AWS."""
    _reporting(Dev(Workspace()).demo)


@app.command()
def down() -> None:
    """Destroy stack dev and stop the local AWS."""
    _reporting(Dev(Workspace()).down)


@app.command()
def env() -> None:
    """Print settings for working by hand against the running local AWS."""
    _reporting(lambda: sys.stdout.write(Dev(Workspace()).exports() + "\n"))


@app.command()
def check() -> None:
    """Run lint, format, types and the tests that need nothing but Python."""
    _run_tier(CHECK)


@app.command()
def test() -> None:
    """Run every check that a change needs."""
    _run_tier(TEST)


@app.command()
def test_all() -> None:
    """Run every check, every case of what the tests sample, and AWS' own simulator of runbooks."""
    _run_tier(TEST_ALL)


def _run_tier(tier: Tier) -> None:
    def checks() -> None:
        if not run_tier(tier):
            raise typer.Exit(1)

    _reporting(checks)


@app.command()
def faults() -> None:
    """Put every call for the preferences document under every fault and print what becomes of it."""
    from local.faults.report import print_matrix  # noqa: PLC0415 -- loads the local AWS

    def matrix() -> None:
        if not print_matrix():
            raise typer.Exit(1)

    _reporting(matrix)


@app.command()
def contract(
    part: Annotated[list[Part] | None, typer.Option(help="Compare this alone. Repeatable.")] = None,
    select: Annotated[str, typer.Option(help="Run only tests that match this expression of pytest (-k).")] = "",
) -> None:
    """Compare the stand-in for the AWS plugin with the official one."""

    def comparison() -> None:
        if not run_contract(part or (), select):
            raise typer.Exit(1)

    _reporting(comparison)


@app.command()
def bench() -> None:
    """Measure speed, as ratios side by side."""
    _reporting(lambda: _passing_on([sys.executable, "-m", "bench"]))


@app.command()
def bench_fleet() -> None:
    """Measure a fleet."""
    _reporting(lambda: _passing_on([sys.executable, "-m", "bench.fleet"]))


@app.command()
def docs() -> None:
    """Write the pages of docs/ that are made from the code."""
    from local.docs import write_pages  # noqa: PLC0415 -- loads the whole policy SDK

    _reporting(write_pages)


@app.command()
def golden() -> None:
    """Rewrite the golden files in tests/golden, for the difference to be reviewed."""
    _reporting(_rewrite_golden_files)


def _rewrite_golden_files() -> None:
    command_line()
    tests = ["-m", "pytest", "-q", "-n", "auto", "--dist", "loadgroup", "-m", "golden", "--update-golden"]
    _passing_on([sys.executable, *tests])
    say("The difference to what is committed: git diff tests/golden")


@app.command()
def lock() -> None:
    """Resolve the pinned requirements again."""
    _reporting(resolve)


def _passing_on(command: list[str]) -> None:
    code = subprocess.run(command, check=False, cwd=REPOSITORY).returncode
    if code:
        raise typer.Exit(code)


if __name__ == "__main__":
    # A shell starts background jobs with SIGINT ignored, which children inherit. The engine ends its plugins with
    # SIGINT, and would wait five seconds for each plugin that ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
