"""Developer commands behind `make`: `python -m tools check|test|test-all|faults|contract|bench|docs|golden|lock`."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Annotated

import typer

from local.__main__ import reporting
from local.cache import say
from local.toolchain import command_line
from local.workspace import REPOSITORY
from tools.checks import CHECK, TEST, TEST_ALL, Tier, run_tier
from tools.contract import Part, run_contract
from tools.requirements import resolve

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


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

    reporting(checks)


@app.command()
def faults() -> None:
    """Put every call for the preferences document under every fault and print what becomes of it."""
    reporting(lambda: _run([sys.executable, "-m", "tests.support.faults.report"]))


@app.command()
def contract(
    part: Annotated[list[Part] | None, typer.Option(help="Compare this alone. Repeatable.")] = None,
    select: Annotated[str, typer.Option(help="Run only tests that match this expression of pytest (-k).")] = "",
) -> None:
    """Compare the stand-in for the AWS plugin with the official one."""

    def comparison() -> None:
        if not run_contract(part or (), select):
            raise typer.Exit(1)

    reporting(comparison)


@app.command()
def bench() -> None:
    """Measure speed, as ratios side by side."""
    reporting(lambda: _run([sys.executable, "-m", "bench"]))


@app.command()
def bench_fleet() -> None:
    """Measure a fleet."""
    reporting(lambda: _run([sys.executable, "-m", "bench.fleet"]))


@app.command()
def docs() -> None:
    """Write the pages of docs/ that are made from the code."""
    from tools.docs import write_pages  # noqa: PLC0415 -- loads the whole policy SDK

    reporting(write_pages)


@app.command()
def golden() -> None:
    """Rewrite the golden files in tests/golden, for the difference to be reviewed."""
    reporting(_rewrite_golden_files)


def _rewrite_golden_files() -> None:
    command_line()
    tests = ["-m", "pytest", "-q", "-n", "auto", "--dist", "loadgroup", "-m", "golden", "--update-golden"]
    _run([sys.executable, *tests])
    say("The difference to what is committed: git diff tests/golden")


@app.command()
def lock() -> None:
    """Resolve the pinned requirements again."""
    reporting(resolve)


def _run(command: list[str]) -> None:
    code = subprocess.run(command, check=False, cwd=REPOSITORY).returncode
    if code:
        raise typer.Exit(code)


if __name__ == "__main__":
    # A shell starts background jobs with SIGINT ignored, which children inherit. The engine ends its plugins with
    # SIGINT, and would wait five seconds for each plugin that ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
