"""Quotas: how sizes are counted, how problems read, and that what no setting makes long fits in every partition."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from common import limits
from common.aws.arns import Scope
from common.iam.statements import document
from components.approval.alarms import METRIC_ALARMS
from components.approval.iam_policies import forwarding_policy, forwarding_trust
from components.approval.names import WorkflowLocation
from components.domain_controllers import iam_policies, resource_policies
from components.domain_controllers.event_patterns import ALERTS
from components.nodes.names import host_trust
from components.session_manager.endpoint_services import endpoint_policy
from components.session_manager.key_policies import data_key_policy, logs_key_policy

ACCOUNT = "111122223333"
PARTITIONS = {"aws": "ap-southeast-4", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}


def fixed(partition: str, region: str) -> Iterator[tuple[dict[str, Any], limits.Quota]]:
    scope = Scope(partition=partition, account_id=ACCOUNT, region=region)
    place = WorkflowLocation(partition=partition, account_id=ACCOUNT, region=region)
    where = {"partition": partition, "account_id": ACCOUNT}
    yield iam_policies.agent_policy(), limits.MANAGED_POLICY
    yield iam_policies.port_forwarding_policy(scope, require_mfa=True, shell=True), limits.MANAGED_POLICY
    for trust in (
        iam_policies.trust_policy(partition),
        host_trust(),
        forwarding_trust(place, [region] * 40),
        resource_policies.flow_logs_trust_policy(scope),
    ):
        yield trust, limits.TRUST_POLICY
    yield forwarding_policy(place), limits.ROLE_POLICIES
    yield resource_policies.flow_logs_policy(scope, "l" * 512), limits.ROLE_POLICIES
    yield data_key_policy(**where), limits.KEY_POLICY
    yield logs_key_policy(**where, region=region), limits.KEY_POLICY
    yield resource_policies.monitoring_key_policy(scope, ["l" * 512] * 10, alarms=True), limits.KEY_POLICY
    yield resource_policies.trail_key_policy(scope, "t" * 128), limits.KEY_POLICY
    yield resource_policies.topic_policy(scope, "t" * 256), limits.TOPIC_POLICY
    yield resource_policies.trail_bucket_policy(scope, "t" * 128, "b" * 63), limits.BUCKET_POLICY
    yield endpoint_policy("ssmmessages", ACCOUNT), limits.ENDPOINT_POLICY


@pytest.mark.parametrize(("partition", "region"), PARTITIONS.items())
def test_policies_that_no_setting_makes_long_fit(partition: str, region: str) -> None:
    for policy, quota in fixed(partition, region):
        assert len(json.dumps(policy)) <= quota.maximum


def test_descriptions_fit() -> None:
    assert all(len(alert.description) <= limits.EVENT_DESCRIPTION.maximum for alert in ALERTS)
    assert all(len(alarm.description) <= 1_024 for alarm in METRIC_ALARMS)


def test_problem_names_key_quota_size_and_fix() -> None:
    given = limits.Generated(
        what="the policy P",
        size=6_145,
        quota=limits.MANAGED_POLICY,
        path=("approval", "operatorRoles"),
        given="90 operators",
        fix="Use fewer operators",
    )
    (problem,) = limits.excess_problems([given])
    assert str(problem) == (
        "shell-access:approval.operatorRoles: expected the policy P to take at most 6144 characters, as a managed policy "
        "has no more, got 6145 with 90 operators. Use fewer operators"
    )


def test_size_counts_no_white_space_between_values() -> None:
    assert limits.size({"Statement": [{"Sid": "a b"}]}) == len('{"Statement":[{"Sid":"a b"}]}')


def test_packed_fills_policies_in_order() -> None:
    statements = [{"Sid": f"S{number}", "Resource": "r" * 100} for number in range(10)]
    policies = limits.packed(statements, maximum=500)
    assert all(limits.size(each) <= 500 for each in policies)
    assert [each for policy in policies for each in policy["Statement"]] == statements
    assert limits.packed(statements) == [document(statements)]
    with pytest.raises(limits.StatementTooLongError, match="the statement S0 alone is longer than a policy"):
        limits.packed(statements, maximum=100)
