from typing import Any

import pytest

from policies.foundations.trails import TRAIL_ENCRYPTED, TRAIL_MULTI_REGION, TRAIL_VALIDATED
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
    assert judge(TRAIL_MULTI_REGION, TRAIL, GOOD | change) == SILENT


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
    (said,) = violations(TRAIL_MULTI_REGION, TRAIL, GOOD | change)
    assert said.startswith(f'{TRAIL} "subject": {name}: found ')


@pytest.mark.parametrize(
    "name", ["isMultiRegionTrail", "enableLogging", "includeGlobalServiceEvents", "eventSelectors"]
)
def test_what_is_not_known_yet_is_said(name: str) -> None:
    result = judge(TRAIL_MULTI_REGION, TRAIL, GOOD | {name: UNKNOWN})
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_log_files_are_signed() -> None:
    assert judge(TRAIL_VALIDATED, TRAIL, {"enableLogFileValidation": True}) == SILENT
    for value in (None, False):
        (said,) = violations(TRAIL_VALIDATED, TRAIL, {"enableLogFileValidation": value})
        assert said.startswith(f'{TRAIL} "subject": enableLogFileValidation: found ')
    assert judge(TRAIL_VALIDATED, TRAIL, {"enableLogFileValidation": UNKNOWN}).unseen


def test_trail_names_its_key() -> None:
    for key in ("arn:aws:kms:eu-west-1:123456789012:key/1", UNKNOWN):
        assert judge(TRAIL_ENCRYPTED, TRAIL, {"kmsKeyId": key}) == SILENT
    for key in (None, ""):
        (said,) = violations(TRAIL_ENCRYPTED, TRAIL, {"kmsKeyId": key})
        assert said.startswith(f'{TRAIL} "subject": kmsKeyId: found ')
