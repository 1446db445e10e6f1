"""New, changed and orphaned stacks."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations.fleet.fleet import changed_settings, fingerprint, orphaned_stacks, plan_stack
from operations.fleet.results import AccountState
from operations.fleet.stack_configuration import configure_stacks
from tests.operations.fleet.arrangement import IDS, account, settings

DEFAULTS = {"shell-access:tags": {}, "shell-access:approval": {"enabled": False}}


def rendered() -> Any:
    (only,), _ = configure_stacks(settings(), [account()])
    return only


def test_plan_stack_without_update_is_added() -> None:
    assert plan_stack(rendered(), "canary", None, DEFAULTS).state is AccountState.ADDED


def test_plan_stack_with_same_settings_is_unchanged() -> None:
    last = DEFAULTS | rendered().values
    assert plan_stack(rendered(), "canary", last, DEFAULTS).state is AccountState.UNCHANGED


def test_plan_stack_names_changed_settings() -> None:
    last = rendered().values | {"shell-access:sessionManager": {"idleSessionTimeout": 20, "s3Logging": True}}
    result = plan_stack(rendered(), "canary", last, DEFAULTS)
    (cell,) = result.cells.values()
    assert (result.state, result.error, cell.differences) == (
        AccountState.CHANGED,
        None,
        (
            "shell-access:sessionManager.idleSessionTimeout: 20 -> 10",
            "shell-access:sessionManager.s3Logging: true -> not set",
        ),
    )


def test_orphaned_stacks_match_prefix_and_account_id() -> None:
    stacks = ["dev", "prod", "1234", IDS["web"], "9" * 12, f"blue-{'8' * 12}"]
    left = {"9" * 12: "suspended"}
    found = orphaned_stacks(settings(), stacks, [IDS["web"]], left)
    assert [(each.account_id, each.stack, each.reason) for each in found] == [("9" * 12, "9" * 12, "suspended")]
    of_blue = orphaned_stacks(settings(stackPrefix="blue-"), stacks, [], {})
    assert [(each.account_id, each.stack, each.reason) for each in of_blue] == [
        ("8" * 12, f"blue-{'8' * 12}", "not in the fleet file")
    ]


configurations = st.dictionaries(
    st.sampled_from(["a", "b"]), st.one_of(st.integers(0, 2), st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)))
)


@given(configurations, configurations)
def test_changed_settings_exist_if_configurations_differ(before: Any, after: Any) -> None:
    assert (changed_settings(before, after) == []) == (before == after)
    assert changed_settings(before, after) == changed_settings(after, before)


@given(configurations, configurations)
def test_fingerprint_differs_with_values_and_program(before: Any, after: Any) -> None:
    assert (fingerprint(before, "p") == fingerprint(after, "p")) == (before == after)
    assert fingerprint(before, "p") != fingerprint(before, "q")
