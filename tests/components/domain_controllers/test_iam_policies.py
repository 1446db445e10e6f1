"""IAM policies of controllers and for access to them, evaluated as IAM does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from common.aws.arns import Scope
from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.limits import MANAGED_POLICY, size
from components.domain_controllers.iam_policies import (
    ACCOUNT_ACTIONS,
    AUTOMATION_ACTIONS,
    INSTANCE_ACTIONS,
    NETWORK_ACTIONS,
    RESOLVER_ACTIONS,
    SESSION_ACTIONS,
    VOLUME_ACTIONS,
    access_restriction_policy,
    agent_policy,
    deployers,
    port_forwarding_policy,
    role_arns,
    trust_policy,
)
from operations.audit.rules import ACTIONS

ACCOUNT = "111122223333"
SCOPE = Scope(partition="aws", account_id=ACCOUNT)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
INSTANCE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
FORWARDING = "arn:aws:ssm:eu-west-1::document/AWS-StartPortForwardingSession"
SHELL = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/SSM-SessionManagerRunShell"
CONTROLLER = {"ssm:resourceTag/Role": "DomainController"}
MFA = {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60"}
TEAM = f"arn:aws:iam::{ACCOUNT}:role/DirectoryAdministrator"
STRANGER = f"arn:aws:iam::{ACCOUNT}:role/PowerUser"


EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def is_allowed(action: str, resource: str, context: dict[str, str], *policies: Any) -> bool:
    keys = {key.lower(): known(value) for key, value in context.items()}
    permissions = Permissions(identity=tuple(map(parse, policies)))
    return decide(permissions, action, resource, RequestContext(keys, otherwise=ABSENT)).allowed


def forwarding(action: str, resource: str, context: dict[str, str], **options: bool) -> bool:
    given = {"require_mfa": False, **options}
    policy = port_forwarding_policy(SCOPE, **given)
    return is_allowed(action, resource, context, policy)


def test_ports_of_controllers_are_forwarded_and_no_others() -> None:
    assert forwarding("ssm:StartSession", INSTANCE, CONTROLLER)
    assert forwarding("ssm:StartSession", FORWARDING, {})
    assert not forwarding("ssm:StartSession", INSTANCE, {"ssm:resourceTag/Role": "Web"})
    assert not forwarding("ssm:StartSession", INSTANCE, {})
    assert not forwarding("ssm:StartSession", INSTANCE.replace(ACCOUNT, "444455556666"), CONTROLLER)


def test_no_shell_unless_asked_for() -> None:
    assert not forwarding("ssm:StartSession", SHELL, {})
    assert forwarding("ssm:StartSession", SHELL, {}, shell=True)
    assert not forwarding("ssm:StartSession", FORWARDING.replace("PortForwarding", "SSH"), {}, shell=True)


def test_a_request_that_names_no_document_is_not_let_through() -> None:
    unchecked = {**CONTROLLER, "ssm:SessionDocumentAccessCheck": "false"}
    assert not forwarding("ssm:StartSession", INSTANCE, unchecked)
    assert forwarding("ssm:StartSession", INSTANCE, {**unchecked, "ssm:SessionDocumentAccessCheck": "true"})


@pytest.mark.parametrize("resource", [INSTANCE, FORWARDING])
def test_mfa_is_asked_for_on_both_ends_of_the_call(resource: str) -> None:
    context = CONTROLLER
    assert forwarding("ssm:StartSession", resource, {**context, **MFA}, require_mfa=True)
    assert not forwarding("ssm:StartSession", resource, context, require_mfa=True)
    old = {**context, **MFA, "aws:MultiFactorAuthAge": "3600"}
    assert not forwarding("ssm:StartSession", resource, old, require_mfa=True)


def test_federated_users_end_their_own_sessions_too() -> None:
    text = json.dumps(port_forwarding_policy(Scope(partition="aws-cn", account_id=ACCOUNT), require_mfa=True))
    assert "${aws:username}" not in text
    assert text.count("${aws:userid}") == 2
    assert "arn:aws:" not in text
    assert "ssm:SendCommand" not in text


def restricted(action: str, resource: str, caller: str | None, *, dedicated: bool = False, **tags: str) -> bool:
    policy = access_restriction_policy(
        SCOPE,
        team_roles=["DirectoryAdministrator", "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Directory_*"],
        deployer_arns=[f"arn:aws:iam::{ACCOUNT}:role/Deployer"],
        dedicated_account=dedicated,
    )
    context = {key.replace("__", ":").replace("_of_", "/"): value for key, value in tags.items()}
    context |= {"aws:PrincipalArn": caller} if caller else {}
    return not is_allowed(action, resource, context, EVERYTHING, policy)


@pytest.mark.parametrize(
    "action",
    [*INSTANCE_ACTIONS, *VOLUME_ACTIONS, *NETWORK_ACTIONS, *RESOLVER_ACTIONS, "ec2:DeleteTags", "ec2:CreateTags"],
)
def test_only_the_team_touches_what_is_a_controllers(action: str) -> None:
    tag = {"aws__ResourceTag_of_Role": "DomainController"}
    assert restricted(action, INSTANCE, STRANGER, **tag)
    assert restricted(action, INSTANCE, None, **tag)
    assert not restricted(action, INSTANCE, TEAM, **tag)
    assert not restricted(action, INSTANCE, f"arn:aws:iam::{ACCOUNT}:role/Deployer", **tag)
    assert not restricted(action, INSTANCE, STRANGER, aws__ResourceTag_of_Role="Web")


@pytest.mark.parametrize("action", SESSION_ACTIONS)
def test_only_the_team_has_sessions_and_commands_on_controllers(action: str) -> None:
    assert restricted(action, INSTANCE, STRANGER, ssm__resourceTag_of_Role="DomainController")
    assert not restricted(action, INSTANCE, TEAM, ssm__resourceTag_of_Role="DomainController")
    assert not restricted(action, INSTANCE, STRANGER)


@pytest.mark.parametrize("action", [*ACCOUNT_ACTIONS, *AUTOMATION_ACTIONS])
def test_dedicated_account_keeps_what_nodes_run_to_the_team(action: str) -> None:
    anything = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/Other"
    assert restricted(action, anything, STRANGER, dedicated=True)
    assert not restricted(action, anything, TEAM, dedicated=True)
    assert not restricted(action, anything, STRANGER)


@pytest.mark.parametrize("resource", ["automation-definition/AllowStartSsmSession:1", "document/AllowStartSsmSession"])
def test_dedicated_account_leaves_requests_for_sessions(resource: str) -> None:
    approval = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:{resource}"
    assert not restricted("ssm:StartAutomationExecution", approval, STRANGER, dedicated=True)
    assert restricted("ssm:StartAutomationExecution", f"{approval}2", STRANGER, dedicated=True) or ":1" in resource


RUNS_ON_NODES = {*SESSION_ACTIONS, *AUTOMATION_ACTIONS, *ACCOUNT_ACTIONS, "ec2:ModifyInstanceAttribute"}
ELSEWHERE_IN_THE_AUDIT = {
    "ssm:RegisterTargetWithMaintenanceWindow": "harmless_actions.json: the tasks of the window are audited",
    "ssm:UpdateMaintenanceWindow": "harmless_actions.json: as above",
    "ssm:UpdateMaintenanceWindowTarget": "harmless_actions.json: as above",
}


def test_each_right_that_runs_something_is_audited() -> None:
    assert {each for each in RUNS_ON_NODES if each not in ACTIONS} == set(ELSEWHERE_IN_THE_AUDIT)


def test_only_the_team_tags_resources_as_controllers() -> None:
    assert restricted("ec2:CreateTags", INSTANCE, STRANGER, aws__RequestTag_of_Role="DomainController")
    assert not restricted("ec2:CreateTags", INSTANCE, STRANGER, aws__RequestTag_of_Role="Web")
    assert not restricted("ec2:CreateTags", INSTANCE, TEAM, aws__RequestTag_of_Role="DomainController")


def test_roles_of_identity_center_are_the_team_by_their_path() -> None:
    path = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Directory_0123456789abcdef"
    tag = {"aws__ResourceTag_of_Role": "DomainController"}
    assert not restricted("ec2:StopInstances", INSTANCE, f"arn:aws:iam::{ACCOUNT}:role/{path}", **tag)
    assert restricted("ec2:StopInstances", INSTANCE, f"arn:aws:iam::444455556666:role/{path}", **tag)


def test_a_restriction_without_a_team_is_refused() -> None:
    with pytest.raises(ValueError, match="a role that the restriction does not apply to"):
        access_restriction_policy(SCOPE, team_roles=[])


def test_policies_fit_a_managed_policy() -> None:
    scope = Scope(partition="aws-us-gov", account_id=ACCOUNT)
    policies = [
        port_forwarding_policy(scope, require_mfa=True, shell=True),
        access_restriction_policy(scope, team_roles=["DirectoryAdministrator"] * 3),
    ]
    assert all(size(each) < MANAGED_POLICY.maximum for each in policies)


def test_agent_has_managed_policy_actions_without_parameters() -> None:
    managed = json.loads(aws_managed_policies_data)["AmazonSSMManagedInstanceCore"]["Document"]["Statement"]
    actions = {action for statement in managed for action in statement["Action"]}
    (own,) = agent_policy()["Statement"]
    assert set(own["Action"]) == actions - {"ssm:GetParameter", "ssm:GetParameters"}


@pytest.mark.parametrize(("partition", "service"), [("aws", "ec2.amazonaws.com"), ("aws-cn", "ec2.amazonaws.com.cn")])
def test_only_ec2_takes_the_role(partition: str, service: str) -> None:
    (statement,) = trust_policy(partition)["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": service}, "sts:AssumeRole")


def test_role_matches_at_its_path_or_without_one_under_any() -> None:
    assert role_arns(["Admin"], SCOPE) == [f"{ROLE}Admin", f"{ROLE}*/Admin"]
    assert role_arns(["team/Admin"], SCOPE) == [f"{ROLE}team/Admin"]


@pytest.mark.parametrize(
    ("roles", "caller", "expected"),
    [
        ([], "arn:aws:sts::111122223333:assumed-role/CI/build-7", [f"{ROLE}CI", f"{ROLE}*/CI"]),
        ([], "arn:aws:iam::111122223333:user/olga", ["arn:aws:iam::111122223333:user/olga"]),
        (["CI"], "arn:aws:iam::111122223333:user/olga", [f"{ROLE}CI", f"{ROLE}*/CI"]),
    ],
    ids=["session of a role", "user", "named in the settings"],
)
def test_principal_that_runs_the_program_is_permitted(roles: list[str], caller: str, expected: list[str]) -> None:
    assert deployers(roles, caller, SCOPE) == expected
