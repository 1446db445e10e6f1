from typing import Any

import pytest

from policies.session_manager.session_preferences_log import RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.session_manager.forms import COMPLIANT, OWN

REMEDY = (
    "Name a bucket or a log group (here: shell-access:sessionManager.s3Logging with s3BucketName, or cwLogGroupName) "
    "in the preferences themselves."
)


def named(bucket: Any, log_group: Any) -> dict[str, Any]:
    return COMPLIANT | {"s3BucketName": bucket, "cloudWatchLogGroupName": log_group}


@pytest.mark.parametrize(
    ("bucket", "log_group", "found"),
    [
        pytest.param("", "", '"" and ""', id="both empty"),
        pytest.param(None, None, "no value and no value", id="both left out"),
        pytest.param("", "{{ group }}", '"" and "{{ group }}"', id="chosen by the caller"),
    ],
)
def test_preferences_that_log_nowhere_are_refused(form: Form, bucket: Any, log_group: Any, found: str) -> None:
    assert violations(RULE, form.type, form.carry(named(bucket, log_group))) == [
        (
            f'{form.type} "subject": {form.path}s3BucketName and {form.path}cloudWatchLogGroupName: found {found}, '
            f"expected one of them to name where sessions are logged. {REMEDY}"
        )
    ]


@pytest.mark.parametrize(("bucket", "log_group"), [("session-logs", ""), ("", "session-logs")])
def test_one_place_is_enough(form: Form, bucket: str, log_group: str) -> None:
    assert judge(RULE, form.type, form.carry(named(bucket, log_group))) == SILENT


@pytest.mark.parametrize(("bucket", "log_group"), [(UNKNOWN, ""), ("", UNKNOWN)])
def test_place_of_the_same_stack_counts_before_it_is_made(bucket: str, log_group: str) -> None:
    assert judge(RULE, OWN, named(bucket, log_group)) == SILENT
