"""Changes of the mode of approval by a plain update: after no write can an operator start a session without an approval."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from components.just_in_time.names import IDENTITY_PROVIDER_SETTING
from tests.components.just_in_time.examples import approval, manual
from tests.engine.test_interrupted import Interruptible
from tests.engine.test_just_in_time import SESSIONS, WORKFLOW, Watcher, enable_just_in_time
from tests.engine.test_killed_runs import EXHAUSTIVE_SECONDS, Once, killed_once, survive_kills
from tests.support.gate import running_gate
from tests.support.middleware import Upstream, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stack import Stack

pytestmark = [pytest.mark.engine, pytest.mark.exhaustive, pytest.mark.timeout(EXHAUSTIVE_SECONDS)]

OPEN = "change-manager, no change request required"
MODES: dict[str, dict[str, Any]] = {
    "automation": {**WORKFLOW, "mode": "automation"},
    "change-manager": {**WORKFLOW, "requireChangeRequest": True},
    OPEN: WORKFLOW,
    "just-in-time": approval([manual()]),
}
TOUR = (
    *(OPEN, "change-manager", OPEN, "just-in-time", OPEN, "automation", "change-manager", "just-in-time"),
    *("change-manager", "automation", "just-in-time", "automation"),
)
"""Each ordered pair of modes, once, except the one that is refused."""
REFUSED = ("automation", OPEN)


@pytest.fixture
def watcher(aws: Callable[..., Any], aws_endpoint: str) -> Iterator[Watcher]:
    enable_just_in_time(aws("iam"))
    aws("ssm").update_service_setting(SettingId=IDENTITY_PROVIDER_SETTING, SettingValue="SSO")
    watching = Watcher(Upstream(aws_endpoint), aws)
    watching.is_watching, watching.needs_way = True, False
    with serving(watching) as watching.endpoint_url:
        yield watching


def configure(stack: Stack, mode: str) -> None:
    stack.configure({"sessionManager": SESSIONS, "approval": MODES[mode]})


def test_tour_has_each_ordered_pair() -> None:
    pairs = [(one, other) for one in MODES for other in MODES if one != other]
    assert sorted([*pairwise(TOUR), REFUSED]) == sorted(pairs)


def test_change_of_mode_never_permits_unapproved_sessions(new_stack: Callable[..., Stack], watcher: Watcher) -> None:
    stack = new_stack(endpoint=watcher.endpoint_url)
    for before, mode in pairwise(("", *TOUR)):
        configure(stack, mode)
        stack.up().succeeded()
        assert watcher.wrong == [], f"{before} -> {mode}"
        if mode == REFUSED[0]:
            configure(stack, REFUSED[1])
            assert "Set it to true and run pulumi up --refresh" in stack.up().failed().text
    stack.destroy().succeeded()
    assert watcher.wrong == []


@pytest.mark.parametrize("pair", [each for each in pairwise(TOUR) if OPEN not in each], ids="-to-".join)
def test_killed_change_of_mode_permits_no_unapproved_session(
    tmp_path: Path, watcher: Watcher, pair: tuple[str, str]
) -> None:
    with running_gate(watcher.endpoint_url) as gate:
        interrupted = Interruptible(tmp_path / "stack", gate)
        configure(interrupted.stack, pair[0])
        interrupted.stack.up().succeeded()
        configure(interrupted.stack, pair[1])
        assert survive_kills(interrupted, "up")
    assert watcher.wrong == []


def test_killed_return_to_change_manager_is_refused(tmp_path: Path, watcher: Watcher) -> None:
    """AWS has the policy of mode automation, and the state that of change-manager, so that no update would change it."""
    with running_gate(watcher.endpoint_url) as gate:
        interrupted = Interruptible(tmp_path / "stack", gate)
        stack = interrupted.stack
        configure(stack, OPEN)
        stack.up().succeeded()
        configure(stack, "automation")
        assert killed_once(interrupted, "up", Once(frozenset({"CreatePolicyVersion"})))
        configure(stack, OPEN)
        assert "Set it to true and run pulumi up --refresh" in stack.up().failed().text
        configure(stack, "change-manager")
        stack.up("--refresh").succeeded()
        configure(stack, OPEN)
        stack.up().succeeded()
    assert watcher.wrong == []
