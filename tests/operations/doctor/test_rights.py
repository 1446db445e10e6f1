"""Calls of the doctor, against the policies that `python -m operations deployer policy --doctor` prints."""

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from components.just_in_time.documents import policy_documents
from components.just_in_time.names import TOKEN_ROLE
from components.just_in_time.settings import JustInTimeSettings
from operations.deployer.names import Role
from operations.deployer.policies import permissions, policies
from operations.deployer.scope import scope_of
from operations.doctor.run import Doctor
from operations.stack import StackConfiguration
from tests.components.just_in_time.examples import approval, manual
from tests.engine.deployer_policies import allows
from tests.operations.arrangement import ACCOUNT, REGION, configuration
from tests.operations.doctor.world import SETTINGS, World, bucket_policy_shut, bucket_with_a_strange_key, denied
from tests.support import recorder

STACK = configuration(
    session_manager=SETTINGS,
    endpoints={REGION: {"vpc": "workloads", "subnets": ["private-a"], "allowedCidrs": ["10.20.0.0/16"]}},
)
APPROVAL = {"shell-access:approval": json.dumps(approval())}
ACCESS = replace(STACK, values={**STACK.values, **APPROVAL})
OF_MEMBERS = {"organizations:DescribePolicy", "organizations:ListParents", "organizations:ListPoliciesForTarget"}
"""Asked where an organization is managed from another account; the local AWS has none."""


OF_HYBRID_NODES = {"ssm:ListTagsForResource"}
"""Asked of nodes outside EC2; the local AWS has none."""


def make_request(world: World) -> None:
    """An access request for the node that people decide about."""
    iam, ssm = world.iam, world.client("ssm")
    section = JustInTimeSettings.model_validate(approval([manual(targets={"Name": ["app-1"]})])["justInTime"])
    for each in policy_documents(section):
        ssm.create_document(Name=each.name, DocumentType=each.type, Content=json.dumps(each.content))
    people = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [people]})
    for role in (TOKEN_ROLE, "Operator"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    allowed = {"Effect": "Allow", "Action": "ssm:StartAccessRequest", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="Operator", PolicyName="Request", PolicyDocument=policy)
    role = f"arn:aws:iam::{ACCOUNT}:role/Operator"
    key = world.client("sts").assume_role(RoleArn=role, RoleSessionName="olivia")["Credentials"]["AccessKeyId"]
    operator = cast("Any", boto3).client(
        "ssm", REGION, endpoint_url=ssm.meta.endpoint_url, aws_access_key_id=key, aws_secret_access_key="local"
    )
    operator.start_access_request(Reason="test", Targets=[{"Key": "InstanceIds", "Values": [world.node]}])


def calls_of(stack: StackConfiguration, world: World, endpoint: str) -> list[dict[str, Any]]:
    """Every question to IAM, of one node and of all, with what leads the doctor to ask more."""
    with ExitStack() as broken:
        for fault in (denied, bucket_policy_shut, bucket_with_a_strange_key):
            broken.enter_context(fault(world))
        recorder.begin(endpoint)
        doctor = Doctor(stack)
        doctor.diagnose("app-1")
        doctor.survey()
        questions = recorder.recorded(endpoint)
        recorder.end(endpoint)
    return questions


@pytest.mark.parametrize("stack", [STACK, ACCESS], ids=["workflow", "just-in-time"])
def test_doctor_needs_exactly_its_policies(world: World, endpoint: str, stack: StackConfiguration) -> None:
    if stack is ACCESS:
        make_request(world)
    calls = calls_of(stack, world, endpoint)
    scope = scope_of([stack.settings()], ("service", "shell-access"), ACCOUNT)
    rights = Permissions(identity=tuple(parse(each, name="doctor") for each in policies(scope, Role.DOCTOR)))
    assert [each for each in calls if not allows(rights, each)] == []
    allowed = {action for each in permissions(scope, Role.DOCTOR) for action in each.actions}
    unused = OF_MEMBERS | OF_HYBRID_NODES if stack is ACCESS else OF_MEMBERS
    assert allowed - {each["action"] for each in calls} == unused
