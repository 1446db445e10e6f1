from typing import Any

import pytest

from policies.foundations.log_groups import LOG_GROUP_ENCRYPTED as ENCRYPT
from policies.foundations.log_groups import LOG_GROUP_RETENTION as RETENTION
from policies.foundations.log_groups import LOG_RESOURCE_POLICY_CLOSED as CLOSED_LOGS
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, UNKNOWN, judge, remediated, undecided, violations

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEPT = {"name": "sessions", "retentionInDays": 90, "kmsKeyId": UNKNOWN}


def retention_text(found: str, days: int = 90) -> str:
    return (
        f'{LOG_GROUP} "subject": retentionInDays: found {found}, '
        f"expected at least {days} days (0 and no value keep logs forever). {RETENTION.remedy}."
    )


@pytest.mark.parametrize("days", [90, 365, 3653])
def test_log_group_that_keeps_logs_long_enough_is_fine(days: int) -> None:
    assert judge(RETENTION, LOG_GROUP, KEPT | {"retentionInDays": days}) == SILENT


@pytest.mark.parametrize(
    ("days", "found"),
    [
        pytest.param(None, "no value", id="left out"),
        pytest.param(0, "0", id="forever"),
        pytest.param(60, "60", id="too short"),
    ],
)
def test_log_group_without_a_sufficient_end_is_refused(days: int | None, found: str) -> None:
    assert violations(RETENTION, LOG_GROUP, KEPT | {"retentionInDays": days}) == [retention_text(found)]


def test_shortest_retention_is_configurable() -> None:
    assert violations(RETENTION, LOG_GROUP, KEPT, minimumDays=365) == [retention_text("90", days=365)]
    assert judge(RETENTION, LOG_GROUP, KEPT | {"retentionInDays": 30}, minimumDays=30) == SILENT


def test_retention_is_configurable_by_name() -> None:
    short: dict[str, Any] = {"name": "build-output", "retentionInDays": 7}
    assert judge(RETENTION, LOG_GROUP, short, names=["sessions*"]) == SILENT
    assert violations(RETENTION, LOG_GROUP, short, names=["build-*"]) == [retention_text("7")]


def test_delivery_class_with_fixed_retention_is_left_alone() -> None:
    assert judge(RETENTION, LOG_GROUP, {"name": "delivery", "logGroupClass": "DELIVERY"}) == SILENT


def test_class_that_is_not_known_yet_does_not_silence_the_rule() -> None:
    assert violations(RETENTION, LOG_GROUP, KEPT | {"logGroupClass": UNKNOWN, "retentionInDays": 7}) == [
        retention_text("7")
    ]


def test_retention_that_is_not_known_yet_is_reported_as_advice() -> None:
    assert judge(RETENTION, LOG_GROUP, KEPT | {"retentionInDays": UNKNOWN}) == undecided(LOG_GROUP, "retentionInDays")


@pytest.mark.parametrize(("shortest", "set_to"), [(90, 90), (91, 120), (3653, 3653)])
@pytest.mark.parametrize("days", [None, 0, 7])
def test_remediation_sets_the_shortest_sufficient_retention(days: int | None, shortest: int, set_to: int) -> None:
    short = KEPT | {"retentionInDays": days}
    assert remediated(RETENTION, LOG_GROUP, short, minimumDays=shortest) == KEPT | {"retentionInDays": set_to}


ENCRYPTED = {"name": "sessions", "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"}


def encrypted_text(found: str) -> str:
    return f'{LOG_GROUP} "subject": kmsKeyId: found {found}, expected the ARN of a KMS key. {ENCRYPT.remedy}.'


def test_encrypted_log_group_is_fine() -> None:
    assert judge(ENCRYPT, LOG_GROUP, ENCRYPTED) == SILENT


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param(None, "no value", id="left out"),
        pytest.param("", '""', id="empty"),
        pytest.param(" ", '" "', id="blank"),
    ],
)
def test_log_group_without_a_key_is_refused(key: str | None, found: str) -> None:
    assert violations(ENCRYPT, LOG_GROUP, ENCRYPTED | {"kmsKeyId": key}) == [encrypted_text(found)]


def test_key_of_the_same_stack_counts_before_it_is_made() -> None:
    assert judge(ENCRYPT, LOG_GROUP, ENCRYPTED | {"kmsKeyId": UNKNOWN}) == SILENT


@pytest.mark.parametrize("name", [UNKNOWN, None], ids=["not known yet", "left out"])
def test_log_group_with_a_hidden_name_is_held_to_the_rule(name: str | None) -> None:
    assert violations(ENCRYPT, LOG_GROUP, {"name": name}, names=["sessions-*"]) == [encrypted_text("no value")]


def test_encryption_is_configurable_by_name() -> None:
    assert judge(ENCRYPT, LOG_GROUP, {"name": "build-output"}, names=["sessions", "audit-*"]) == SILENT
    assert violations(ENCRYPT, LOG_GROUP, {"name": "audit-1"}, names=["sessions", "audit-*"]) == [
        encrypted_text("no value")
    ]


POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"


def test_service_may_write_and_every_principal_may_not() -> None:
    service = {"Principal": {"Service": "delivery.logs.amazonaws.com"}}
    assert judge(CLOSED_LOGS, POLICY, {"policyDocument": text(statement(**service))}) == SILENT
    (said,) = violations(CLOSED_LOGS, POLICY, {"policyDocument": text(statement(Principal="*"))})
    assert said.startswith(f'{POLICY} "subject": policyDocument.Statement[0].Principal: found every principal')
