"""Waves: the order, the tolerance, the pause, and the end by a signal."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from operations.errors import UnusableError
from operations.fleet.progress import Progress
from operations.fleet.results import AccountResult, AccountState
from operations.fleet.rollout import Journal, RolloutWave, StopRequests, run_waves
from operations.fleet.stack_configuration import FleetStack
from tests.operations.fleet.arrangement import account

if TYPE_CHECKING:
    from pathlib import Path


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def started(self, stack: FleetStack, wave: str) -> None:
        self.heard.append(f"{wave} begun {stack.account.name}")

    def updated(self, stack: FleetStack, text: str) -> None:
        pass

    def ended(self, result: AccountResult) -> None:
        self.heard.append(f"{result.wave} {result.state.value} {result.name}")

    def pausing(self, wave: str, minutes: int) -> None:
        self.heard.append(f"{wave} pausing {minutes}")


def turn(wave: str, names: str, **more: Any) -> RolloutWave:
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
    *turns: RolloutWave, stop: StopRequests | None = None, ear: Ear | None = None, work: Any = outcome
) -> dict[str, str]:
    return {each.name: each.state.value for each in run_waves(turns, work, stop or StopRequests(), ear or Ear())}


def test_a_failing_canary_leaves_the_rest_untouched() -> None:
    ear = Ear()
    assert states(turn("canary", "P"), turn("rest", "ab"), ear=ear) == {
        "P": "failed",
        "a": "notBegun",
        "b": "notBegun",
    }
    assert [each for each in ear.heard if "begun" in each.split()[1]] == ["canary begun P"]


def test_a_wave_goes_on_within_its_tolerance_and_ends_above_it() -> None:
    assert states(turn("one", "AbcDef", tolerance=1), turn("two", "g")) == {
        "A": "failed",
        "b": "changed",
        "c": "changed",
        "D": "failed",
        "e": "notBegun",
        "f": "notBegun",
        "g": "notBegun",
    }
    assert states(turn("one", "Ab", tolerance=1), turn("two", "c"))["c"] == "changed"


def test_without_a_tolerance_everything_is_done() -> None:
    assert set(states(turn("one", "ABc", tolerance=None)).values()) == {"failed", "changed"}


def test_what_cannot_be_used_in_one_account_fails_that_account_only() -> None:
    def work(stack: FleetStack, wave: str) -> AccountResult:
        if stack.account.name == "a":
            raise UnusableError("no credentials")
        return outcome(stack, wave)

    results = run_waves([turn("all", "ab", tolerance=1)], work, StopRequests(), Ear())
    assert [(each.state, each.error) for each in results] == [
        (AccountState.FAILED, "no credentials"),
        (AccountState.CHANGED, None),
    ]


def test_after_a_signal_nothing_further_begins() -> None:
    stop = StopRequests()

    def work(stack: FleetStack, wave: str) -> AccountResult:
        stop.request()
        return outcome(stack, wave)

    assert states(turn("one", "ab"), turn("two", "c"), stop=stop, work=work) == {
        "a": "changed",
        "b": "notBegun",
        "c": "notBegun",
    }


def test_accounts_of_a_wave_run_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=30)

    def work(stack: FleetStack, wave: str) -> AccountResult:
        together.wait()
        return outcome(stack, wave)

    assert states(turn("one", "ab", concurrency=2), work=work) == {"a": "changed", "b": "changed"}


class Waiting(StopRequests):
    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


def test_a_pause_is_made_only_between_waves_that_do_something() -> None:
    stop = Waiting()
    states(turn("one", "a", pause_minutes=5), turn("two", "b", pause_minutes=7), turn("none", ""), stop=stop)
    assert stop.waited == [300]
    quiet = Waiting()

    def done(stack: FleetStack, wave: str) -> AccountResult:
        return AccountResult(name=stack.account.name, id=stack.account.id, wave=wave, state=AccountState.DONE)

    states(turn("one", "a", pause_minutes=5), turn("two", "b"), stop=quiet, work=done)
    states(turn("one", "A", pause_minutes=5), turn("two", "b"), stop=quiet)
    assert quiet.waited == []


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.text("abAB", max_size=4), st.integers(0, 2), st.integers(1, 3)), max_size=3),
)
def test_no_wave_begins_after_more_failures_than_it_tolerates(plan: list[tuple[str, int, int]]) -> None:
    turns = [
        turn(f"w{number}", "".join(dict.fromkeys(names)), tolerance=tolerance, concurrency=concurrency)
        for number, (names, tolerance, concurrency) in enumerate(plan)
    ]
    results = run_waves(turns, outcome, StopRequests(), Ear())
    assert [(each.wave, each.name) for each in results] == [(t.name, a.account.name) for t in turns for a in t.stacks]
    over = False
    for each in turns:
        of_wave = [result for result in results if result.wave == each.name]
        failed = sum(result.state is AccountState.FAILED for result in of_wave)
        if over:
            assert all(result.state is AccountState.NOT_STARTED for result in of_wave)
        assert each.tolerance is not None
        # Those that run at the same time may fail together.
        assert failed <= each.tolerance + each.concurrency
        over = over or failed > each.tolerance


def test_the_journal_outlives_the_run_until_everything_is_done(tmp_path: Path) -> None:
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


def test_a_journal_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.json"
    for content in ("{", "[]", '{"done": 5}', "null"):
        path.write_text(content)
        assert not Journal(path).has("1", "x")


def test_what_failed_after_it_was_done_is_to_be_done_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "unfinished.json")
    journal.record("1", "x", succeeded=True)
    journal.record("1", "x", succeeded=False)
    assert not Journal(tmp_path / "unfinished.json").has("1", "x")


def test_a_terminal_sees_how_far_every_account_is() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with Progress(console, total=3) as progress:
        first, second = turn("rest", "ab").stacks
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
