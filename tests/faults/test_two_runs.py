"""Two runs at once against one account, call by call in many orders."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from common.aws.failures import ResourceError
from components.adoption.document_content import same_content
from tests.support.faults.account import foreign
from tests.support.faults.arena import Arena
from tests.support.faults.deployer import OWNER, Deployer
from tests.support.faults.faults import Call

OTHER = "organization/shell-access/other"
TURN_SECONDS = 60
CALLS = 40
"""More than a run makes."""


class Turns:
    """Order of the calls of two threads; a thread continues freely once the other has ended."""

    def __init__(self, order: Iterator[int]) -> None:
        self.order = order
        self.condition = threading.Condition()
        self.running = {0, 1}
        self.turn = next(order)
        self.begun: set[int] = set()
        self.numbers: dict[int, int] = {}

    def take(self, _: Call) -> bool:
        """Before each call: what the thread did until here was its turn."""
        number = self.numbers[threading.get_ident()]
        with self.condition:
            if number in self.begun:
                self.pass_on()
            self.begun.add(number)
            assert self.condition.wait_for(lambda: self.turn == number, TURN_SECONDS)
        return False

    def pass_on(self) -> None:
        following = next(self.order)
        self.turn = following if following in self.running else next(iter(self.running), following)
        self.condition.notify_all()

    def run(self, actions: list[Callable[[], None]]) -> list[ResourceError | None]:
        ends: list[ResourceError | None] = [None, None]
        threads = [threading.Thread(target=self.follow, args=(number, actions, ends)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TURN_SECONDS)
            assert not thread.is_alive()
        return ends

    def follow(self, number: int, actions: list[Callable[[], None]], ends: list[ResourceError | None]) -> None:
        self.numbers[threading.get_ident()] = number
        try:
            actions[number]()
        except ResourceError as stopped:
            ends[number] = stopped
        finally:
            with self.condition:
                self.running.discard(number)
                self.pass_on()


def orders(*, exhaustive: bool) -> list[list[int]]:
    """Each run as a whole before the other, alternating, the second breaking in after calls of the first, and random."""
    whole = [[0] * CALLS + [1] * CALLS, [1] * CALLS + [0] * CALLS, [0, 1] * CALLS]
    breaking_in = [[0] * calls + [1] * CALLS for calls in range(1, 20, 1 if exhaustive else 4)]
    dice = random.Random(7)
    return [
        *whole,
        *breaking_in,
        *([dice.randint(0, 1) for _ in range(2 * CALLS)] for _ in range(60 if exhaustive else 2)),
    ]


def at_once(arena: Arena, order: list[int], actions: list[Callable[[], None]]) -> list[ResourceError | None]:
    turns = Turns(itertools.chain(order, itertools.cycle([0, 1])))
    arena.road.before = turns.take
    try:
        return turns.run(actions)
    finally:
        arena.road.before = lambda _: False


def assert_settled(arena: Arena, allowed: list[int]) -> None:
    live, latest = arena.account.content(), arena.account.content("$LATEST")
    assert same_content(live, latest)
    assert any(same_content(live, arena.account.ours(minutes)) for minutes in allowed)


def start(arena: Arena, meaning_of_duplicate: str, *, there_before: bool) -> None:
    arena.aws.change_settings(duplicateDocumentContent=meaning_of_duplicate, documentVersionLimit=1000)
    arena.aws.forget_documents()
    if there_before:
        arena.account.make_in_console(45)


def two_runs_of_one_stack(arena: Arena, order: list[int], minutes: tuple[int, int], *, there_before: bool) -> None:
    both = [Deployer(), Deployer()]
    wanted = [arena.account.preferences(each) for each in minutes]
    ends = at_once(arena, order, [partial(each.up, asked) for each, asked in zip(both, wanted, strict=True)])
    assert None in ends
    # The same command again, as the message says.
    both[1].refresh()
    both[1].up(wanted[1])
    assert_settled(arena, [minutes[1]])
    both[1].destroy()
    assert same_content(arena.account.content(), foreign(45) if there_before else None)


def two_stacks(arena: Arena, order: list[int], *, there_before: bool) -> None:
    both = [Deployer(OWNER), Deployer(OTHER)]
    wanted = [arena.account.preferences(20), arena.account.preferences(10)]
    at_once(arena, order, [partial(each.up, asked) for each, asked in zip(both, wanted, strict=True)])
    holder = arena.account.holder()
    assert holder is not None
    winner = [OWNER, OTHER].index(holder)
    # The next run reads the owner again, regardless of the result of the first one.
    both[winner].refresh()
    both[winner].up(wanted[winner])
    assert_settled(arena, [(20, 10)[winner]])
    both[1 - winner].refresh()
    with pytest.raises(ResourceError, match=f"is owned by the stack {holder}"):
        both[1 - winner].up(wanted[1 - winner])
    both[1 - winner].destroy()
    assert_settled(arena, [(20, 10)[winner]])
    both[winner].destroy()
    assert same_content(arena.account.content(), foreign(45) if there_before else None)


@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize("minutes", [(20, 20), (20, 10)], ids=["same", "different"])
def test_two_runs_of_one_stack_lose_nothing(
    arena: Arena, subtests: pytest.Subtests, minutes: tuple[int, int], *, there_before: bool
) -> None:
    for order in orders(exhaustive=False):
        with subtests.test("".join(map(str, order[:CALLS]))):
            start(arena, "any", there_before=there_before)
            two_runs_of_one_stack(arena, order, minutes, there_before=there_before)


@pytest.mark.parametrize("there_before", [False, True])
def test_second_of_two_stacks_is_refused_with_the_owner(
    arena: Arena, subtests: pytest.Subtests, *, there_before: bool
) -> None:
    for order in orders(exhaustive=False):
        with subtests.test("".join(map(str, order[:CALLS]))):
            start(arena, "any", there_before=there_before)
            two_stacks(arena, order, there_before=there_before)


@pytest.mark.exhaustive
@pytest.mark.parametrize("meaning_of_duplicate", ["any", "latest"])
@pytest.mark.parametrize("there_before", [False, True])
def test_two_runs_lose_nothing_in_any_of_many_orders(
    arena: Arena, subtests: pytest.Subtests, meaning_of_duplicate: str, *, there_before: bool
) -> None:
    for order in orders(exhaustive=True):
        with subtests.test("".join(map(str, order[:CALLS]))):
            for minutes in ((20, 20), (20, 10)):
                start(arena, meaning_of_duplicate, there_before=there_before)
                two_runs_of_one_stack(arena, order, minutes, there_before=there_before)
            start(arena, meaning_of_duplicate, there_before=there_before)
            two_stacks(arena, order, there_before=there_before)
