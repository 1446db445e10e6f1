from typing import Any

import pytest

from policies.foundations.kms_keys import KMS_KEY_DELETION_WINDOW as DELETION
from policies.foundations.kms_keys import KMS_KEY_NO_LOCKOUT_BYPASS as NO_BYPASS
from policies.foundations.kms_keys import KMS_KEY_ROTATION as ROTATION
from tests.policies.judging import SILENT, UNKNOWN, judge, remediated, undecided, violations

KEY = "aws:kms/key:Key"
ROTATING = {"enableKeyRotation": True, "policy": UNKNOWN, "customerMasterKeySpec": "SYMMETRIC_DEFAULT"}


def text(found: str, expected: str = "true", name: str = "enableKeyRotation") -> str:
    return f'aws:kms/key:Key "subject": {name}: found {found}, expected {expected}. {ROTATION.remedy}.'


def test_rotating_key_is_fine() -> None:
    assert judge(ROTATION, KEY, ROTATING) == SILENT


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"enableKeyRotation": False}, [text("false")], id="off"),
        pytest.param({"enableKeyRotation": None}, [text("no value")], id="left out"),
        pytest.param({"enableKeyRotation": "true"}, [text('"true"')], id="a text"),
        pytest.param(
            {"rotationPeriodInDays": 2560},
            [text("2560", "at most 365 days", "rotationPeriodInDays")],
            id="a longer period",
        ),
        pytest.param({"keyUsage": "ENCRYPT_DECRYPT", "enableKeyRotation": False}, [text("false")], id="usage stated"),
    ],
)
def test_key_that_does_not_rotate_is_refused(change: dict[str, Any], expected: list[str]) -> None:
    assert violations(ROTATION, KEY, ROTATING | change) == expected


@pytest.mark.parametrize("days", [90, 365])
def test_period_up_to_a_year_is_fine(days: int) -> None:
    assert judge(ROTATION, KEY, ROTATING | {"rotationPeriodInDays": days}) == SILENT


def test_longest_period_is_configurable() -> None:
    longer = ROTATING | {"rotationPeriodInDays": 400}
    assert judge(ROTATION, KEY, longer, maximumRotationPeriodInDays=730) == SILENT
    assert violations(ROTATION, KEY, longer, maximumRotationPeriodInDays=180) == [
        text("400", "at most 180 days", "rotationPeriodInDays")
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({"customerMasterKeySpec": "RSA_4096"}, id="asymmetric"),
        pytest.param({"customerMasterKeySpec": "HMAC_256", "keyUsage": "GENERATE_VERIFY_MAC"}, id="HMAC"),
        pytest.param({"keyUsage": "SIGN_VERIFY"}, id="for signing"),
        pytest.param({"customKeyStoreId": "cks-1234567890abcdef0"}, id="custom key store"),
        pytest.param(
            {"customerMasterKeySpec": "RSA_4096", "enableKeyRotation": UNKNOWN}, id="asymmetric, rest unknown"
        ),
    ],
)
def test_key_that_kms_cannot_rotate_is_left_alone(kind: dict[str, Any]) -> None:
    assert judge(ROTATION, KEY, ROTATING | {"enableKeyRotation": False} | kind) == SILENT


def test_rotation_that_is_not_known_yet_is_reported_as_advice() -> None:
    assert judge(ROTATION, KEY, ROTATING | {"enableKeyRotation": UNKNOWN}) == undecided(
        "aws:kms/key:Key", "enableKeyRotation"
    )


def test_unknown_period_does_not_hide_that_rotation_is_off() -> None:
    result = judge(ROTATION, KEY, ROTATING | {"enableKeyRotation": False, "rotationPeriodInDays": UNKNOWN})
    assert result.violations == [text("false")]
    assert result.unseen == [
        'aws:kms/key:Key "subject": rotationPeriodInDays is not known yet; the rule is applied in the update.'
    ]


@pytest.mark.parametrize("name", ["customerMasterKeySpec", "keyUsage", "customKeyStoreId"])
def test_unknown_kind_of_a_key_without_rotation_is_undecided(name: str) -> None:
    assert judge(ROTATION, KEY, ROTATING | {"enableKeyRotation": False, name: UNKNOWN}) == undecided(
        "aws:kms/key:Key", name
    )


def test_unknown_kind_of_a_rotating_key_is_fine() -> None:
    assert judge(ROTATION, KEY, ROTATING | {"customKeyStoreId": UNKNOWN}) == SILENT


def test_remediation_makes_a_key_rotate() -> None:
    still = ROTATING | {"enableKeyRotation": False}
    assert remediated(ROTATION, KEY, still) == ROTATING
    slow = ROTATING | {"rotationPeriodInDays": 2560}
    assert remediated(ROTATION, KEY, slow) == ROTATING | {"rotationPeriodInDays": 365}
    assert remediated(ROTATION, KEY, still | {"rotationPeriodInDays": 100}) == ROTATING | {"rotationPeriodInDays": 100}


def test_remediation_skips_a_key_that_may_not_rotate() -> None:
    still = ROTATING | {"enableKeyRotation": False}
    for kind in ({"keyUsage": "SIGN_VERIFY"}, {"keyUsage": UNKNOWN}):
        assert remediated(ROTATION, KEY, still | kind) is None


def test_time_is_configurable() -> None:
    assert judge(DELETION, "aws:kms/key:Key", {"deletionWindowInDays": 14}, minimumDays=14) == SILENT


def test_every_resource_with_a_key_policy_is_looked_at() -> None:
    assert {each.rpartition(":")[2] for each in NO_BYPASS.types} == {
        "ExternalKey",
        "Key",
        "KeyPolicy",
        "ReplicaExternalKey",
        "ReplicaKey",
    }
