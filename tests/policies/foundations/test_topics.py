import json
from typing import Any

import pytest

from policies.foundations.topics import TOPIC_POLICY_CLOSED
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, judge, violations

TOPIC = "aws:sns/topic:Topic"


EVENTS = {"Service": "events.amazonaws.com"}
GUARDS: list[Any] = [
    {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-west-1:123456789012:rule/*"}},
    {"StringEquals": {"aws:SourceOrgID": "o-abcdef1234"}},
]
NO_GUARDS: list[Any] = [
    {},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}},
    {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
    {"StringLike": {"aws:SourceAccount": "*"}},
]

both_types = pytest.mark.parametrize("type_", sorted(TOPIC_POLICY_CLOSED.types))


@both_types
@pytest.mark.parametrize("condition", GUARDS, ids=map(json.dumps, GUARDS))
def test_service_that_says_for_whom_it_acts_is_fine(type_: str, condition: Any) -> None:
    assert (
        judge(TOPIC_POLICY_CLOSED, type_, {"policy": text(statement(Principal=EVENTS, Condition=condition))}) == SILENT
    )


@both_types
@pytest.mark.parametrize("condition", NO_GUARDS, ids=map(json.dumps, NO_GUARDS))
def test_another_service_is_refused(type_: str, condition: Any) -> None:
    given = statement(Principal=EVENTS, **({"Condition": condition} if condition else {}))
    (said,) = violations(TOPIC_POLICY_CLOSED, type_, {"policy": text(given)})
    assert "policy.Statement[0].Principal: found events.amazonaws.com" in said
    assert "expected a condition on a fixed aws:SourceAccount or aws:SourceArn." in said
