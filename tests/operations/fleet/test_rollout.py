"""Waves: the order, the tolerance, the pause, and the end by a signal."""

import io
import threading
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from operations.errors import UnusableError
from operations.fleet.result_output import Progress
from operations.fleet.results import AccountResult, AccountState
from operations.fleet.rollout import Journal, RolloutWave, StopRequests, run_waves
from operations.fleet.stack_configuration import FleetStack
from tests.operations.fleet.arrangement import account


class RecordingProgress:
    def __init__(self) -> None:
        self.events: list[str] = []

    def started(self, stack: FleetStack, wave: str) -> None:
        self.events.append(f"{wave} begun {stack.account.name}")

    def updated(self, stack: FleetStack, text: str) -> None:
        pass

    def ended(self, result: AccountResult) -> None:
        self.events.append(f"{result.wave} {result.state.value} {result.name}")

    def pausing(self, wave: str, minutes: int) -> None:
        self.events.append(f"{wave} pausing {minutes}")


def wave_of(wave: str, names: str, **more: Any) -> RolloutWave:
    stacks = tuple(
        FleetStack(
            account=account(name, id=name.rjust(12, "0")),
            name=name,
            layers=(),
            values={},
            preview_values={},
            regions=(),
        )
        for name in names
    )
    return RolloutWave(**{"name": wave, "stacks": stacks, "concurrency": 1, "tolerance": 0} | more)


def outcome(stack: FleetStack, wave: str) -> AccountResult:
    name = stack.account.name
    state = AccountState.FAILED if name.isupper() else AccountState.CHANGED
    return AccountResult(name=name, id=stack.account.id, wave=wave, state=state)


def states(
    *waves: RolloutWave,
    stop: StopRequests | None = None,
    progress: RecordingProgress | None = None,
    work: Any = outcome,
) -> dict[str, str]:
    return {
        each.name: each.state.value
        for each in run_waves(waves, work, stop or StopRequests(), progress or RecordingProgress())
    }


def test_rollout_stops_after_failed_canary() -> None:
    progress = RecordingProgress()
    assert states(wave_of("canary", "P"), wave_of("rest", "ab"), progress=progress) == {
        "P": "failed",
        "a": "notBegun",
        "b": "notBegun",
    }
    assert [each for each in progress.events if "begun" in each.split()[1]] == ["canary begun P"]


def test_rollout_continues_within_tolerance_only() -> None:
    assert states(wave_of("one", "AbcDef", tolerance=1), wave_of("two", "g")) == {
        "A": "failed",
        "b": "changed",
        "c": "changed",
        "D": "failed",
        "e": "notBegun",
        "f": "notBegun",
        "g": "notBegun",
    }
    assert states(wave_of("one", "Ab", tolerance=1), wave_of("two", "c"))["c"] == "changed"


def test_rollout_without_tolerance_processes_all_accounts() -> None:
    assert set(states(wave_of("one", "ABc", tolerance=None)).values()) == {"failed", "changed"}


def test_rollout_error_fails_its_account_only() -> None:
    def work(stack: FleetStack, wave: str) -> AccountResult:
        if stack.account.name == "a":
            raise UnusableError("no credentials")
        return outcome(stack, wave)

    results = run_waves([wave_of("all", "ab", tolerance=1)], work, StopRequests(), RecordingProgress())
    assert [(each.state, each.error) for each in results] == [
        (AccountState.FAILED, "no credentials"),
        (AccountState.CHANGED, None),
    ]


def test_rollout_after_signal_starts_no_account() -> None:
    stop = StopRequests()

    def work(stack: FleetStack, wave: str) -> AccountResult:
        stop.request()
        return outcome(stack, wave)

    assert states(wave_of("one", "ab"), wave_of("two", "c"), stop=stop, work=work) == {
        "a": "changed",
        "b": "notBegun",
        "c": "notBegun",
    }


def test_rollout_runs_accounts_concurrently() -> None:
    together = threading.Barrier(2, timeout=30)

    def work(stack: FleetStack, wave: str) -> AccountResult:
        together.wait()
        return outcome(stack, wave)

    assert states(wave_of("one", "ab", concurrency=2), work=work) == {"a": "changed", "b": "changed"}


class Waiting(StopRequests):
    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


def test_rollout_pauses_between_active_waves_only() -> None:
    stop = Waiting()
    states(wave_of("one", "a", pause_minutes=5), wave_of("two", "b", pause_minutes=7), wave_of("none", ""), stop=stop)
    assert stop.waited == [300]
    quiet = Waiting()

    def done(stack: FleetStack, wave: str) -> AccountResult:
        return AccountResult(name=stack.account.name, id=stack.account.id, wave=wave, state=AccountState.DONE)

    states(wave_of("one", "a", pause_minutes=5), wave_of("two", "b"), stop=quiet, work=done)
    states(wave_of("one", "A", pause_minutes=5), wave_of("two", "b"), stop=quiet)
    assert quiet.waited == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text("abAB", max_size=4), st.integers(0, 2), st.integers(1, 3)), max_size=3))
def test_rollout_never_starts_wave_above_tolerance(plan: list[tuple[str, int, int]]) -> None:
    waves = [
        wave_of(f"w{number}", "".join(dict.fromkeys(names)), tolerance=tolerance, concurrency=concurrency)
        for number, (names, tolerance, concurrency) in enumerate(plan)
    ]
    results = run_waves(waves, outcome, StopRequests(), RecordingProgress())
    assert [(each.wave, each.name) for each in results] == [(t.name, a.account.name) for t in waves for a in t.stacks]
    over = False
    for each in waves:
        of_wave = [result for result in results if result.wave == each.name]
        failed = sum(result.state is AccountState.FAILED for result in of_wave)
        if over:
            assert all(result.state is AccountState.NOT_STARTED for result in of_wave)
        assert each.tolerance is not None
        # Those that run at the same time may fail together.
        assert failed <= each.tolerance + each.concurrency
        over = over or failed > each.tolerance


def test_journal_exists_until_all_accounts_completed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "unfinished.json"
    journal = Journal(path)
    journal.record("1", "x", succeeded=True)
    journal.record("2", "y", succeeded=False)
    journal.close({"1": "x", "2": "y"})
    again = Journal(path)
    assert (again.has("1", "x"), again.has("1", "other"), again.has("2", "y")) == (True, False, False)
    again.record("2", "y", succeeded=True)
    again.close({"1": "x", "2": "y"})
    assert not path.exists()


def test_journal_unreadable_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.json"
    for content in ("{", "[]", '{"done": 5}', "null"):
        path.write_text(content)
        assert not Journal(path).has("1", "x")


def test_journal_failure_removes_completed_account(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "unfinished.json")
    journal.record("1", "x", succeeded=True)
    journal.record("1", "x", succeeded=False)
    assert not Journal(tmp_path / "unfinished.json").has("1", "x")


def test_progress_shows_every_running_account() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with Progress(console, total=3) as progress:
        first, second = wave_of("rest", "ab").stacks
        progress.started(first, "rest")
        progress.started(second, "rest")
        progress.updated(second, "3 changes")
        progress.ended(outcome(first, "rest"))
        progress.pausing("rest", 1)
        shown = Console(file=io.StringIO(), width=80)
        shown.print(progress._table())
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert text.splitlines()[0].rstrip() == "1 of 3 accounts: 1 changed"
    assert "rest  b        00000000000b  3 changes" in text
    assert "000a" not in text
    assert "Wave rest is complete; the next wave starts in 1 minute." in console.file.getvalue()  # type: ignore[attr-defined]
