"""Context of commands that start engines: a temporary folder, the backend's stacks, and the progress."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operations.fleet.engine import Pulumi
from operations.fleet.output import progress_of
from operations.fleet.plan import planned
from operations.fleet.program import read_program
from operations.fleet.work import Engines

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from operations.fleet.configuration import Rendered
    from operations.fleet.fleet import Fleet
    from operations.fleet.program import Program
    from operations.fleet.results import Result
    from operations.fleet.stopping import Stop

_HISTORIES_TOGETHER = 8
"""Maximum number of concurrent reads of stack histories, each with its own process."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of a command.

    Attributes:
        fleet: Fleet with its accounts.
        cwd: Directory of the program.
        policy_packs: Policy packs to evaluate.
        refresh: Whether to refresh the state first.
    """

    fleet: Fleet
    cwd: Path
    policy_packs: tuple[Path, ...] = ()
    refresh: bool = False


def state_folder(fleet: Fleet) -> Path:
    """Return the folder of a fleet's logs and journal, next to its file; not for version control."""
    return fleet.path.resolve().parent / ".fleet" / fleet.path.stem


@contextmanager
def looked_at(
    fleet: Fleet, cwd: Path, policy_packs: tuple[Path, ...] = ()
) -> Generator[tuple[Program, Pulumi, frozenset[str]]]:
    """Provide the program, the Pulumi CLI and the existing stacks, even if the fleet has no accounts.

    Raises:
        UnusableError: One of them cannot be used.
    """
    program = read_program(cwd, tuple(each.resolve() for each in policy_packs))
    with tempfile.TemporaryDirectory(prefix=f"fleet-{fleet.path.stem}-") as folder:
        pulumi = Pulumi(program, Path(folder))
        yield program, pulumi, frozenset(pulumi.stacks())


def plan_of(fleet: Fleet, cwd: Path, chosen: Sequence[Rendered]) -> tuple[list[Result], frozenset[str]]:
    """Return the planned changes of the chosen accounts' stacks, and all stacks in the backend.

    Raises:
        UnusableError: The program or the backend cannot be used.
    """
    with looked_at(fleet, cwd) as (program, pulumi, stacks), ThreadPoolExecutor(_HISTORIES_TOGETHER) as pool:

        def one(each: Rendered) -> Result:
            last = pulumi.last_configuration(each.stack) if each.stack in stacks else None
            return planned(each, fleet.waves[each.account.id], last, program.defaults)

        return list(pool.map(one, chosen)), stacks


@contextmanager
def engines_of(command: Command, stop: Stop, accounts: int) -> Generator[Engines]:
    """Provide everything that the engines of one command share.

    Args:
        command: Options of the command.
        stop: Stop requests by signals.
        accounts: Number of accounts to process.
    """
    packs = tuple(each.resolve() for each in command.policy_packs)
    with (
        looked_at(command.fleet, command.cwd, packs) as (program, pulumi, stacks),
        progress_of(accounts) as progress,
    ):
        yield Engines(
            fleet=command.fleet,
            pulumi=pulumi,
            stacks=stacks,
            logs=state_folder(command.fleet) / "logs",
            stop=stop,
            listener=progress,
            program=program.fingerprint,
            policy_packs=packs,
            refresh=command.refresh,
        )
