from __future__ import annotations

import pytest

from policies.foundations.detector_enabled import DETECTOR_ENABLED as RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

DETECTOR = "aws:guardduty/detector:Detector"


@pytest.mark.parametrize("enabled", [{}, {"enable": None}, {"enable": True}])
def test_enabled_detector_is_accepted(enabled: dict[str, object]) -> None:
    assert judge(RULE, DETECTOR, enabled) == SILENT


@pytest.mark.parametrize("value", [False, "true", 0])
def test_suspended_detector_is_reported(value: object) -> None:
    (said,) = violations(RULE, DETECTOR, {"enable": value})
    assert said.startswith(f'{DETECTOR} "subject": enable: found ')


def test_unknown_state_of_detector_is_unseen() -> None:
    assert judge(RULE, DETECTOR, {"enable": UNKNOWN}).unseen
