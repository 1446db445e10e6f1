"""Random sequences of what a stack does, what others do to its document and what goes wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from common.aws.failures import FailureCause, ResourceError
from components.adoption.document_content import same_content
from tests.support.faults.account import Content, foreign
from tests.support.faults.arena import Arena
from tests.support.faults.deployer import Deployer
from tests.support.faults.faults import Fault, Times

MINUTES = st.sampled_from([10, 20, 30])
POSITIONS = st.integers(0, 20)
# What waits for a time-out is in the matrix; here it would only take time.
FAULTS = st.sampled_from([fault for fault in Fault if fault is not Fault.TIME_OUT])


class Preferences(RuleBasedStateMachine):
    """One stack and one document; `prior` is what was there before the stack took hold of it."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self.arena, self.account = arena, arena.account
        self.deployer = Deployer()
        self.editions = itertools.count(1)
        self.prior: Content | None = None
        self.is_ours = False
        self.wanted: set[int] = set()
        self.key_is_lost = False
        arena.aws.forget_documents()
        self.account.kms.enable_key(KeyId=self.account.key_id)

    @initialize(duplicates=st.sampled_from(["any", "latest"]))
    def choose_the_meaning_of_duplicate(self, duplicates: str) -> None:
        self.arena.aws.change_settings(duplicateDocumentContent=duplicates, documentVersionLimit=1000)

    @rule(minutes=MINUTES)
    def up(self, minutes: int) -> None:
        self.wanted.add(minutes)
        with self.holding():
            if self.key_is_lost:
                self.expect_refused_for_its_key(minutes)
            else:
                self.succeed(minutes)

    @rule(minutes=MINUTES, position=POSITIONS, fault=FAULTS, times=st.sampled_from(Times))
    def up_with_a_fault(self, minutes: int, position: int, fault: Fault, times: Times) -> None:
        self.wanted.add(minutes)
        with self.holding(), self.arena.struck(position, fault, times):
            self.attempt(lambda: self.refresh_and_up(minutes))

    @precondition(lambda self: self.deployer.state is not None)
    @rule(position=POSITIONS, fault=FAULTS, times=st.sampled_from(Times))
    def destroy_with_a_fault(self, position: int, fault: Fault, times: Times) -> None:
        with self.holding(), self.arena.struck(position, fault, times):
            self.attempt(self.deployer.destroy)

    @precondition(lambda self: self.deployer.state is not None)
    @rule()
    def destroy(self) -> None:
        before, was_ours = self.account.content(), self.is_ours
        self.deployer.destroy()
        expected = self.prior if was_ours else before
        assert same_content(self.account.content(), expected)
        assert not self.account.marks()
        if was_ours:
            assert same_content(self.account.content("$LATEST"), expected)
        self.is_ours = False

    @rule()
    def lose_the_state(self) -> None:
        self.deployer.state = None

    @rule(minutes=MINUTES, default=st.booleans())
    def edited_in_the_console(self, minutes: int, default: bool) -> None:  # noqa: FBT001 -- drawn
        if self.account.content() is None:
            self.account.make_in_console(minutes, next(self.editions))
        else:
            self.account.edit(minutes, next(self.editions), default=default)

    @precondition(lambda self: self.account.content() is not None)
    @rule()
    def deleted_in_the_console(self) -> None:
        self.account.delete()
        self.is_ours = False

    @rule()
    def key_is_disabled(self) -> None:
        self.account.kms.disable_key(KeyId=self.account.key_id)
        self.key_is_lost = True

    @rule()
    def key_is_enabled(self) -> None:
        self.account.kms.enable_key(KeyId=self.account.key_id)
        self.key_is_lost = False

    @invariant()
    def live_is_configured_or_foreign(self) -> None:
        live = self.account.content()
        if live is None or live["description"].startswith("made in the console"):
            return
        assert any(same_content(live, self.account.ours(minutes)) for minutes in self.wanted)

    @invariant()
    def no_version_is_made_twice(self) -> None:
        versions = self.account.versions()
        assert not any(same_content(one, next_one) for one, next_one in itertools.pairwise(versions))

    def teardown(self) -> None:
        """Whatever has happened, one more run without a fault converges, and destroying it restores."""
        self.account.kms.enable_key(KeyId=self.account.key_id)
        with self.holding():
            self.succeed(20)
        self.destroy()

    def holding(self) -> Holding:
        return Holding(self)

    def refresh_and_up(self, minutes: int) -> None:
        self.deployer.refresh()
        self.deployer.up(self.account.preferences(minutes))

    def succeed(self, minutes: int) -> None:
        self.refresh_and_up(minutes)
        asked = self.account.ours(minutes)
        assert same_content(self.account.content(), asked)
        assert same_content(self.account.content("$LATEST"), asked)
        with self.arena.noting() as calls:
            self.deployer.up(self.account.preferences(minutes))
        assert calls == []

    def expect_refused_for_its_key(self, minutes: int) -> None:
        before = self.account.content()
        refused = self.attempt(lambda: self.refresh_and_up(minutes))
        assert same_content(self.account.content(), before)
        if refused:
            assert refused.cause is FailureCause.ENCRYPTION
        else:
            # Nothing was to be changed.
            assert same_content(before, self.account.ours(minutes))

    def attempt(self, action: Callable[[], object]) -> ResourceError | None:
        try:
            action()
        except ResourceError as stopped:
            return stopped
        return None


class Holding:
    """Notes what was live when our marks first appeared on the document."""

    def __init__(self, machine: Preferences) -> None:
        self.machine = machine

    def __enter__(self) -> None:
        self.before = self.machine.account.content()

    def __exit__(self, *_: object) -> None:
        machine = self.machine
        holds = machine.account.content() is not None and bool(machine.account.marks())
        if holds and not machine.is_ours:
            machine.prior = self.before
        machine.is_ours = holds


def run(arena: Arena, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Preferences(arena), settings=settings(max_examples=examples, stateful_step_count=steps)
    )


def test_prior_document_survives_every_sequence(arena: Arena) -> None:
    run(arena, 10, 12)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_prior_document_survives_many_long_sequences(arena: Arena) -> None:
    run(arena, 500, 40)


def test_foreign_documents_differ_by_edition() -> None:
    assert not same_content(foreign(10, 1), foreign(10, 2))
