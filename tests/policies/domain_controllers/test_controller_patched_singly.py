from typing import Any

import pytest

from policies.domain_controllers.controller_patched_singly import CONTROLLER_PATCHED_SINGLY as RULE
from policies.domain_controllers.controller_patched_singly import TASK
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def task(**change: Any) -> Made:
    return Made(type=TASK, name="patches", properties={"maxConcurrency": "1", "maxErrors": "0", **change})


def test_task_for_one_controller_at_a_time_is_fine() -> None:
    assert judge_stack(RULE, instance(), task()) == SILENT
    assert judge_stack(RULE, instance(tags={}), task(maxConcurrency="50%")) == SILENT
    assert judge_stack(RULE, instance(), task(maxConcurrency="50%", region="us-east-1")) == SILENT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maxConcurrency": "2"}, 'maxConcurrency: found 2, expected "1"'),
        ({"maxConcurrency": None}, "maxConcurrency: found None"),
        ({"maxErrors": "100%"}, 'maxErrors: found 100%, expected "0"'),
    ],
)
def test_task_for_several_or_after_errors_is_reported(change: dict[str, Any], said: str) -> None:
    (text,) = judge_stack(RULE, instance(), task(**change)).violations
    assert said in text


def test_unknown_limit_is_unseen() -> None:
    assert judge_stack(RULE, instance(), task(maxErrors=UNKNOWN)).unseen
