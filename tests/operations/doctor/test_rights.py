"""What the doctor asks AWS, held to the policies that `python -m operations deployer policy --doctor` prints."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from operations.deployer.names import Role
from operations.deployer.policies import permissions, policies
from operations.deployer.scope import scope_of
from operations.doctor.run import Doctor
from tests.engine.deployer_policies import allows
from tests.operations.arrangement import ACCOUNT, REGION, configuration
from tests.operations.doctor.world import (
    SETTINGS,
    bucket_policy_shut,
    bucket_with_a_strange_key,
    denial_message,
)
from tests.support import recorder

if TYPE_CHECKING:
    from tests.operations.doctor.world import World

STACK = configuration(
    session_manager=SETTINGS,
    endpoints={REGION: {"vpc": "workloads", "subnets": ["private-a"], "allowedCidrs": ["10.20.0.0/16"]}},
)
SCOPE = scope_of([STACK.settings()], ("service", "shell-access"), ACCOUNT)
RIGHTS = Permissions(identity=tuple(parse(each, name="doctor") for each in policies(SCOPE, Role.DOCTOR)))
OF_MEMBERS = {"organizations:DescribePolicy", "organizations:ListParents", "organizations:ListPoliciesForTarget"}
"""Asked where an organization is managed from another account; the local AWS has none."""


@pytest.fixture
def deployment(world: World, endpoint: str) -> list[dict[str, Any]]:
    """Every question to IAM, of one node and of all, with what leads the doctor to ask more."""
    with ExitStack() as broken:
        for route_out in (denial_message, bucket_policy_shut, bucket_with_a_strange_key):
            broken.enter_context(route_out(world))
        recorder.begin(endpoint)
        doctor = Doctor(STACK)
        doctor.diagnose("app-1")
        doctor.survey()
        questions = recorder.recorded(endpoint)
        recorder.end(endpoint)
    return questions


def test_doctor_needs_no_more_and_no_less_than_its_policies_allow(deployment: list[dict[str, Any]]) -> None:
    assert [each for each in deployment if not allows(RIGHTS, each)] == []
    allowed = {action for each in permissions(SCOPE, Role.DOCTOR) for action in each.actions}
    assert allowed - {each["action"] for each in deployment} == OF_MEMBERS
