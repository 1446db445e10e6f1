"""Commands of the local AWS behind `make`: `python -m local up|demo|down|env`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import typer

from local.aws import EmulatorError
from local.bootstrap import SetUpError, explained
from local.cache import say
from local.dev import Dev, StepError
from local.toolchain import ToolchainError
from local.workspace import PluginError, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def reporting(action: Callable[[], object]) -> None:
    """Run a command, and report expected errors without a traceback; False is a failure that it has reported itself."""
    try:
        succeeded = action()
    except (StepError, EmulatorError, SetUpError, ToolchainError, PluginError) as problem:
        say(f"\n{problem}")
        raise typer.Exit(1) from None
    except OSError as problem:
        say(f"\n{explained(problem)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say("\nInterrupted; the next run goes on from here.")
        raise typer.Exit(130) from None
    if succeeded is False:
        raise typer.Exit(1)


@app.command()
def up() -> None:
    """Bring stack dev up on the local AWS, under the policy pack, and verify it."""
    reporting(Dev(Workspace()).up)


@app.command()
def demo() -> None:
    """Play one granted and one refused request for a session through on the local AWS."""
    from local.demo import demo as play  # noqa: PLC0415 -- loads what only this command needs

    reporting(lambda: play(Dev(Workspace())))


@app.command()
def down() -> None:
    """Destroy stack dev and stop the local AWS."""
    reporting(Dev(Workspace()).down)


@app.command()
def env() -> None:
    """Print settings for working by hand against the running local AWS."""
    reporting(lambda: sys.stdout.write(Dev(Workspace()).exports() + "\n"))


if __name__ == "__main__":
    # A shell starts background jobs with SIGINT ignored, which children inherit. The engine ends its plugins with
    # SIGINT, and would wait five seconds for each plugin that ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()
