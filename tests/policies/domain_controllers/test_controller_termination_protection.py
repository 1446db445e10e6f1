from typing import Any

import pytest

from policies.domain_controllers.controller_termination_protection import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

every_machine = pytest.mark.parametrize("type_", [INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE])


@every_machine
def test_protected_controller_is_fine(type_: str) -> None:
    assert judge(RULE, type_, {"tags": MARKED, "disableApiTermination": True}) == SILENT


@every_machine
@pytest.mark.parametrize("value", [None, False, "true"])
def test_unprotected_controller_is_refused(type_: str, value: Any) -> None:
    (said,) = violations(RULE, type_, {"tags": MARKED, "disableApiTermination": value})
    assert said.startswith(f'{type_} "subject": disableApiTermination: found ')


def test_protection_that_is_not_known_yet_is_said() -> None:
    assert judge(RULE, INSTANCE, {"tags": MARKED, "disableApiTermination": UNKNOWN}).unseen


def test_other_instances_are_left_alone() -> None:
    assert judge(RULE, INSTANCE, {"tags": {}}) == SILENT
