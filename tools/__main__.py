"""Developer commands behind `make`: `python -m tools check|test|test-all|faults|contract|bench|docs|golden|lock`."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from local.__main__ import reporting
from local.cache import cached, say
from local.toolchain import command_line
from local.workspace import REPOSITORY
from tools.checks import CHECK, TEST, TEST_ALL, run_tier
from tools.contract import Part, run_contract

if TYPE_CHECKING:
    from pathlib import Path

UV = "uv==0.13.9"
LOCKS = ("requirements", "requirements-dev", "tools/simulator/requirements")

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def check() -> None:
    """Run lint, format, type and unit checks, which need only Python."""
    reporting(lambda: run_tier(CHECK))


@app.command()
def test() -> None:
    """Run every check that a change requires."""
    reporting(lambda: run_tier(TEST))


@app.command()
def test_all() -> None:
    """Run every check, the exhaustive tests, and AWS' simulator of runbooks."""
    reporting(lambda: run_tier(TEST_ALL))


@app.command()
def faults() -> None:
    """Inject every fault into every call for the preferences document, and print the results."""
    _run("tests.support.faults.report")


@app.command()
def contract(
    part: Annotated[list[Part] | None, typer.Option(help="Limit to this part. Repeatable.")] = None,
    select: Annotated[str, typer.Option(help="Run only tests that match this pytest expression (-k).")] = "",
) -> None:
    """Compare the stand-in with the official AWS plugin."""
    reporting(lambda: run_contract(part or (), select))


@app.command()
def bench() -> None:
    """Measure run time, as ratios."""
    _run("bench")


@app.command()
def bench_fleet() -> None:
    """Measure a fleet of stacks."""
    _run("bench.fleet")


@app.command()
def docs() -> None:
    """Generate the reference pages of docs/."""
    from tools.docs import write_pages  # noqa: PLC0415 -- loads the whole policy SDK

    reporting(write_pages)


@app.command()
def golden() -> None:
    """Rewrite the golden files in tests/golden."""
    reporting(command_line)
    _run("pytest", "-q", "-n", "auto", "--dist", "loadfile", "-m", "golden", "--update-golden")
    say("Review the changes: git diff tests/golden")


@app.command()
def lock() -> None:
    """Resolve the pinned requirements."""
    reporting(_resolve)


def _resolve() -> None:
    """Write all lock files for all platforms and Python 3.11 and newer; versions that are still compatible stay."""
    folder = cached(UV.replace("==", "-"), _install_uv)
    for name in LOCKS:
        say(f"Resolving {name}.in ...")
        subprocess.run(
            [
                *(str(folder / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
                *("--generate-hashes", "--no-header", "--output-file", f"{name}.txt", f"{name}.in"),
            ],
            check=True,
            cwd=REPOSITORY,
        )


def _install_uv(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", UV], check=True)


def _run(*module: str) -> None:
    """Run a Python module with arguments, and exit with its code if that is not 0."""

    def run() -> None:
        code = subprocess.run([sys.executable, "-m", *module], check=False, cwd=REPOSITORY).returncode
        if code:
            raise typer.Exit(code)

    reporting(run)


if __name__ == "__main__":
    # A shell starts background jobs with SIGINT ignored, which children inherit. The engine ends its plugins with
    # SIGINT, and would wait five seconds for each plugin that ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
