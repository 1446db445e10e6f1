from typing import Any

import pytest

from policies.foundations.trail_multi_region import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

TRAIL = "aws:cloudtrail/trail:Trail"
GOOD = {"isMultiRegionTrail": True}


def detailed(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"advancedEventSelectors": [{"fieldSelectors": list(fields)}]}


MANAGEMENT = {"field": "eventCategory", "equals": ["Management"]}
DATA = {"field": "eventCategory", "equals": ["Data"]}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"enableLogging": True, "includeGlobalServiceEvents": True},
        {"eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True}]},
        {"eventSelectors": [{"readWriteType": "WriteOnly"}, {}]},
        detailed(MANAGEMENT),
    ],
)
def test_trail_of_everything_is_fine(change: dict[str, Any]) -> None:
    assert judge(RULE, TRAIL, GOOD | change) == SILENT


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"isMultiRegionTrail": False}, "isMultiRegionTrail"),
        ({"isMultiRegionTrail": None}, "isMultiRegionTrail"),
        ({"enableLogging": False}, "enableLogging"),
        ({"includeGlobalServiceEvents": False}, "includeGlobalServiceEvents"),
        ({"eventSelectors": [{"readWriteType": "WriteOnly"}]}, "eventSelectors"),
        ({"eventSelectors": [{"includeManagementEvents": False}]}, "eventSelectors"),
        (detailed(DATA), "advancedEventSelectors"),
        (detailed(MANAGEMENT, {"field": "readOnly", "equals": ["false"]}), "advancedEventSelectors"),
    ],
)
def test_trail_of_less_is_refused(change: dict[str, Any], name: str) -> None:
    (said,) = violations(RULE, TRAIL, GOOD | change)
    assert said.startswith(f'{TRAIL} "subject": {name}: found ')


@pytest.mark.parametrize(
    "name", ["isMultiRegionTrail", "enableLogging", "includeGlobalServiceEvents", "eventSelectors"]
)
def test_what_is_not_known_yet_is_said(name: str) -> None:
    result = judge(RULE, TRAIL, GOOD | {name: UNKNOWN})
    assert (result.violations, len(result.unseen)) == ([], 1)
