"""Calls of the doctor, against the policies that `python -m operations deployer policy --doctor` prints."""

from contextlib import ExitStack
from typing import Any

import pytest

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from operations.deployer.names import Role
from operations.deployer.policies import permissions, policies
from operations.deployer.scope import scope_of
from operations.doctor.run import Doctor
from tests.engine.deployer_policies import allows
from tests.operations.arrangement import ACCOUNT, REGION, configuration
from tests.operations.doctor.world import SETTINGS, World, bucket_policy_shut, bucket_with_a_strange_key, denied
from tests.support import recorder

STACK = configuration(
    session_manager=SETTINGS,
    endpoints={REGION: {"vpc": "workloads", "subnets": ["private-a"], "allowedCidrs": ["10.20.0.0/16"]}},
)
SCOPE = scope_of([STACK.settings()], ("service", "shell-access"), ACCOUNT)
RIGHTS = Permissions(identity=tuple(parse(each, name="doctor") for each in policies(SCOPE, Role.DOCTOR)))
OF_MEMBERS = {"organizations:DescribePolicy", "organizations:ListParents", "organizations:ListPoliciesForTarget"}
"""Asked where an organization is managed from another account; the local AWS has none."""


@pytest.fixture
def calls(world: World, endpoint: str) -> list[dict[str, Any]]:
    """Every question to IAM, of one node and of all, with what leads the doctor to ask more."""
    with ExitStack() as broken:
        for fault in (denied, bucket_policy_shut, bucket_with_a_strange_key):
            broken.enter_context(fault(world))
        recorder.begin(endpoint)
        doctor = Doctor(STACK)
        doctor.diagnose("app-1")
        doctor.survey()
        questions = recorder.recorded(endpoint)
        recorder.end(endpoint)
    return questions


def test_doctor_needs_exactly_its_policies(calls: list[dict[str, Any]]) -> None:
    assert [each for each in calls if not allows(RIGHTS, each)] == []
    allowed = {action for each in permissions(SCOPE, Role.DOCTOR) for action in each.actions}
    assert allowed - {each["action"] for each in calls} == OF_MEMBERS
