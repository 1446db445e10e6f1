"""What commands that run engines need around them: a folder for the while, the backend's stacks, somebody to tell."""

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
"""How many stacks' histories are read at the same time, each by a process of its own."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a command was asked to do.

    Attributes:
        fleet: with which accounts.
        cwd: where the program is.
        policy_packs: that judge it.
        refresh: whether to look first at what is live.
    """

    fleet: Fleet
    cwd: Path
    policy_packs: tuple[Path, ...] = ()
    refresh: bool = False


def state_folder(fleet: Fleet) -> Path:
    """Where logs and the journal of a fleet are, beside its file; not for version control."""
    return fleet.path.resolve().parent / ".fleet" / fleet.path.stem


@contextmanager
def looked_at(
    fleet: Fleet, cwd: Path, policy_packs: tuple[Path, ...] = ()
) -> Generator[tuple[Program, Pulumi, frozenset[str]]]:
    """The program, `pulumi`, and the stacks that there are, if the fleet has any accounts or not.

    Raises:
        UnusableError: one of them cannot be used.
    """
    program = read_program(cwd, tuple(each.resolve() for each in policy_packs))
    with tempfile.TemporaryDirectory(prefix=f"fleet-{fleet.path.stem}-") as folder:
        pulumi = Pulumi(program, Path(folder))
        yield program, pulumi, frozenset(pulumi.stacks())


def plan_of(fleet: Fleet, cwd: Path, chosen: Sequence[Rendered]) -> tuple[list[Result], frozenset[str]]:
    """What becomes of the stacks of some accounts, and all stacks that the backend has.

    Raises:
        UnusableError: the program or the backend cannot be used.
    """
    with looked_at(fleet, cwd) as (program, pulumi, stacks), ThreadPoolExecutor(_HISTORIES_TOGETHER) as pool:

        def one(each: Rendered) -> Result:
            last = pulumi.last_configuration(each.stack) if each.stack in stacks else None
            return planned(each, fleet.waves[each.account.id], last, program.defaults)

        return list(pool.map(one, chosen)), stacks


@contextmanager
def engines_of(command: Command, stop: Stop, accounts: int) -> Generator[Engines]:
    """Everything that the engines of one command have in common.

    Args:
        command: that is run.
        stop: asked for by a signal.
        accounts: how many there are to do.
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
