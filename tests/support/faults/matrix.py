"""Every call of the document provider with every fault: the promises that must hold.

The calls are not listed: each stage runs once without a fault, and its calls get the faults afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.aws.failures import ResourceError
from components.adoption.document_content import same_content
from tests.support.api_calls import is_write
from tests.support.faults.account import Content, foreign
from tests.support.faults.arena import Arena
from tests.support.faults.deployer import Deployer
from tests.support.faults.faults import Call, Fault, Times
from tests.support.faults.in_process import Snapshot

THEIRS, OURS, NEW = 45, 20, 10
"""Minutes until an idle session ends: of the prior document, of the published one, of the next one."""

VERSION_LIMIT: Final = 4


class Stage(StrEnum):
    """An operation of the engine, on an account as earlier operations have left it."""

    FIRST = "first publication"
    ADOPTION = "adoption"
    UPDATE = "update"
    OVERTAKEN = "update after a foreign edit"
    AT_THE_LIMIT = "update at the version limit"
    REFRESH = "refresh"
    RESTORE = "restore on destroy"
    REMOVAL = "removal on destroy"


USUAL: Final = tuple(stage for stage in Stage if stage is not Stage.OVERTAKEN)
"""Stages that run with every fault every time: the calls of the omitted one are those of an update."""


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix.

    Attributes:
        position: Position of the call in the stage, from 0.
        call: Call with the fault; with `FOR_EVER` that operation has it from there on.
        times: Frequency of the fault.
    """

    stage: Stage
    position: int
    call: Call
    fault: Fault
    times: Times

    def __str__(self) -> str:
        return f"{self.stage}: call {self.position + 1} ({self.call}) {self.fault} {self.times}"


class BrokenPromiseError(AssertionError):
    """A promise does not hold with a fault; the message has the cell and the promise."""


@dataclass
class _Prepared:
    """An account and a stack before a stage.

    Attributes:
        calls: Calls of the stage without a fault.
        requests: Number of requests that the local AWS got meanwhile.
    """

    documents: Snapshot
    state: dict[str, object] | None
    calls: tuple[Call, ...]
    requests: int


class Matrix:
    """Runner of cells, one after the other, against one local AWS."""

    def __init__(self, arena: Arena, *, swapped: bool = False) -> None:
        """Create the matrix without running it.

        Args:
            arena: Arena to run in.
            swapped: Whether every stage gets the other meaning of `DuplicateDocumentContent`.
        """
        self._arena, self._aws, self._account = arena, arena.aws, arena.account
        self._swapped = swapped
        self._prepared: dict[Stage, _Prepared] = {}

    def calls(self, stage: Stage) -> tuple[Call, ...]:
        """Return the calls of a stage without a fault."""
        return self._ready(stage).calls

    def requests(self, stage: Stage) -> int:
        """Return the number of requests that the local AWS gets without a fault: as many as there are calls."""
        return self._ready(stage).requests

    def cells(self, stage: Stage, fault: Fault, times: Times, *, exhaustive: bool = False) -> Iterator[Cell]:
        """Yield the cells of a stage and a fault.

        Args:
            stage: Stage of the cells.
            fault: Kind of fault.
            times: Frequency of the fault.
            exhaustive: Whether to include every call; else the first call of each operation, and every write.
        """
        seen: set[Call] = set()
        for position, call in enumerate(self.calls(stage)):
            if exhaustive or call not in seen or is_write(call.operation):
                yield Cell(stage, position, call, fault, times)
            seen.add(call)

    def run(self, cell: Cell) -> str:
        """Run a cell, and then the operations that repair what it interrupted.

        Returns:
            `converged`, or the cause for which the operation stopped.
        """
        stage = self._ready(cell.stage)
        deployer = self._arranged(stage)
        before = self._account.content()
        stopped = self._run_with_fault(cell, deployer)
        outcome = self._evaluate(cell, stopped, before, deployer)
        self._act(cell.stage, deployer)
        self._expect_success(cell, deployer)
        self._expect_restored(cell, deployer)
        return outcome

    def _ready(self, stage: Stage) -> _Prepared:
        if stage not in self._prepared:
            self._aws.forget_documents()
            self._set_up(stage)
            deployer = self._arrange(stage)
            documents, state = self._aws.snapshot(), deployer.state
            self._aws.reset_calls()
            with self._arena.noting() as calls:
                self._act(stage, deployer)
            self._prepared[stage] = _Prepared(documents, state, tuple(calls), sum(self._aws.calls().values()))
        self._set_up(stage)
        return self._prepared[stage]

    def _set_up(self, stage: Stage) -> None:
        """Use both meanings of `DuplicateDocumentContent`, by stage: AWS does not document which is right."""
        latest_only = (stage in (Stage.UPDATE, Stage.REMOVAL)) is not self._swapped
        self._aws.change_settings(
            duplicateDocumentContent="latest" if latest_only else "any",
            documentVersionLimit=VERSION_LIMIT if stage is Stage.AT_THE_LIMIT else 1000,
        )

    def _arranged(self, prepared: _Prepared) -> Deployer:
        self._aws.restore(prepared.documents)
        deployer = Deployer()
        deployer.state = dict(prepared.state) if prepared.state is not None else None
        return deployer

    def _arrange(self, stage: Stage) -> Deployer:
        deployer = Deployer()
        if stage not in (Stage.FIRST, Stage.REMOVAL):
            self._account.make_in_console(THEIRS)
        if stage not in (Stage.FIRST, Stage.ADOPTION):
            deployer.up(self._account.preferences(OURS))
        if stage is Stage.OVERTAKEN:
            self._account.edit(THEIRS + 1, default=True)
        if stage is Stage.AT_THE_LIMIT:
            for minutes in range(OURS + 1, OURS + VERSION_LIMIT - 1):
                deployer.up(self._account.preferences(minutes))
        return deployer

    def _act(self, stage: Stage, deployer: Deployer) -> None:
        match stage:
            case Stage.FIRST | Stage.ADOPTION:
                deployer.up(self._account.preferences(OURS))
            case Stage.UPDATE | Stage.OVERTAKEN | Stage.AT_THE_LIMIT:
                deployer.up(self._account.preferences(NEW))
            case Stage.REFRESH:
                deployer.refresh()
            case Stage.RESTORE | Stage.REMOVAL:
                deployer.destroy()

    def _run_with_fault(self, cell: Cell, deployer: Deployer) -> ResourceError | None:
        fired = self._arena.proxy.fired()
        with self._arena.struck(cell.position, cell.fault, cell.times) as strike:
            try:
                self._act(cell.stage, deployer)
                stopped = None
            except ResourceError as error:
                stopped = error
            except Exception as unexpected:
                raise BrokenPromiseError(f"{cell}: not reported as an error message: {unexpected!r}") from unexpected
        if strike.call != cell.call or self._arena.proxy.fired() == fired:
            raise BrokenPromiseError(f"{cell}: the fault did not happen")
        return stopped

    def _evaluate(self, cell: Cell, stopped: ResourceError | None, before: Content | None, deployer: Deployer) -> str:
        live = self._account.content()
        if not any(same_content(live, allowed) for allowed in (before, self._target(cell.stage))):
            raise BrokenPromiseError(f"{cell}: live is neither the prior nor the configured content: {live}")
        if stopped is None:
            self._expect_success(cell, deployer)
            return "converged"
        if cell.times is Times.ONCE and cell.fault.passes:
            raise BrokenPromiseError(f"{cell}: was not retried: {stopped}")
        if stopped.cause is not cell.fault.cause or str(stopped.cause) not in str(stopped):
            raise BrokenPromiseError(f"{cell}: stopped for {stopped.cause}, not {cell.fault.cause}: {stopped}")
        if cell.fault is Fault.DENIED:
            self._expect_principal_and_action(cell, str(stopped))
        return str(stopped.cause)

    def _expect_principal_and_action(self, cell: Cell, message: str) -> None:
        if "arn:aws:iam::123456789012:user/deployer" not in message or f"allow {cell.call.service}:" not in message:
            raise BrokenPromiseError(f"{cell}: does not name the principal and the action to allow: {message}")

    def _target(self, stage: Stage) -> Content | None:
        """Return the content in effect after a stage; None where there is no document."""
        if stage is Stage.REMOVAL:
            return None
        if stage is Stage.RESTORE:
            return foreign(THEIRS)
        return self._account.ours(OURS if stage in (Stage.FIRST, Stage.ADOPTION, Stage.REFRESH) else NEW)

    def _expect_success(self, cell: Cell, deployer: Deployer) -> None:
        target = self._target(cell.stage)
        found = [self._account.content(), self._account.content("$LATEST")]
        if not all(same_content(each, target) for each in found):
            raise BrokenPromiseError(f"{cell}: default and latest are not as configured: {found}")
        versions, expected = self._account.versions(), self._versions(cell.stage)
        if len(versions) != len(expected) or not all(map(same_content, versions, expected)):
            raise BrokenPromiseError(f"{cell}: {len(versions)} versions, not {len(expected)}: {versions}")
        if target is not None and cell.stage is Stage.RESTORE and self._account.marks():
            raise BrokenPromiseError(f"{cell}: the tags of this project are still on the document")
        if cell.stage is Stage.REFRESH and deployer.state != self._prepared[cell.stage].state:
            raise BrokenPromiseError(f"{cell}: the refreshed state differs: {deployer.state}")

    def _versions(self, stage: Stage) -> list[Content]:
        """Return all versions after a stage: no foreign version is lost, and no version exists twice."""
        ours = self._account.ours
        theirs, published, new = foreign(THEIRS), ours(OURS), ours(NEW)
        return {
            Stage.FIRST: [published],
            Stage.ADOPTION: [theirs, published],
            Stage.REFRESH: [theirs, published],
            Stage.UPDATE: [theirs, published, new],
            Stage.OVERTAKEN: [theirs, published, foreign(THEIRS + 1), new],
            Stage.AT_THE_LIMIT: [theirs, *(ours(OURS + 1 + each) for each in range(VERSION_LIMIT - 2)), new],
            Stage.RESTORE: [theirs, published, theirs],
            Stage.REMOVAL: [],
        }[stage]

    def _expect_restored(self, cell: Cell, deployer: Deployer) -> None:
        deployer.destroy()
        prior = None if cell.stage in (Stage.FIRST, Stage.REMOVAL) else foreign(THEIRS)
        found = [self._account.content(), self._account.content("$LATEST")]
        if not all(same_content(each, prior) for each in found):
            raise BrokenPromiseError(f"{cell}: the restored content is not the prior one: {found}")
