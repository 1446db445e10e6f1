"""`python -m operations deployer`: what it prints, and what it refuses in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from common.limits import MANAGED_POLICY, size
from operations.stack import StackConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.operations.arrangement import Command

VALUES = {
    "aws:region": "eu-west-1",
    "shell-access:regions": '["eu-west-1", "us-east-1"]',
    "shell-access:tags": '{"service": "shell-access", "owner": "security"}',
    "shell-access:sessionManager": '{"instanceRoles": ["WebServer"]}',
}
STACK = StackConfiguration(name="prod", values=VALUES)
FLEET = {
    "accounts": {"list": [{"name": "payments", "id": "111111111111"}]},
    "assumeRole": "arn:aws:iam::{accountId}:role/ShellAccessDeployer",
    "defaults": {
        "shell-access:regions": ["eu-west-1"],
        "shell-access:tags": {"service": "shell-access"},
        "shell-access:sessionManager": {"instanceRoles": ["WebServer"]},
    },
    "overrides": {
        "organizationalUnits": {"ou-ab12-c3d4e5f6": {"shell-access:regions": ["eu-west-1", "ap-south-1"]}},
        "accounts": {"payments": {"shell-access:sessionManager": {"instanceRoles": ["Payments"]}}},
    },
}


def with_values(**more: str | None) -> StackConfiguration:
    values = VALUES | {f"shell-access:{key}": value for key, value in more.items()}
    return StackConfiguration(name="prod", values={key: value for key, value in values.items() if value is not None})


def printed(command: Command, *arguments: str, stack: StackConfiguration = STACK) -> Any:
    result = command("deployer", *arguments, stack=stack)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(command: Command, *arguments: str, stack: StackConfiguration = STACK) -> str:
    result = command("deployer", *arguments, stack=stack)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def everything(document: Any) -> str:
    return json.dumps(document)


def test_policy_is_cut_to_the_stack(command: Command) -> None:
    policies = printed(command, "policy", "--account", "111122223333")
    assert list(policies) == [f"ShellAccessDeployer{number}" for number in range(1, len(policies) + 1)]
    text = everything(policies)
    assert "arn:aws:iam::111122223333:role/WebServer" in text
    assert '"aws:RequestedRegion": ["eu-west-1", "us-east-1"]' in text
    assert '"aws:ResourceTag/service": "shell-access"' in text
    assert "ec2:" not in text


def test_read_only_policy_has_a_name_of_its_own(command: Command) -> None:
    assert list(printed(command, "policy", "--read-only")) == ["ShellAccessPreview1"]


def test_doctor_has_policies_of_its_own(command: Command) -> None:
    assert list(printed(command, "policy", "--doctor")) == ["ShellAccessDoctor1"]


def test_fleet_file_gives_what_all_its_stacks_need(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    text = everything(printed(command, "policy", "--file", str(file)))
    for name in ("role/WebServer", "role/Payments", "ap-south-1", "eu-west-1"):
        assert name in text


def test_regions_alone_give_what_stacks_of_any_settings_need(command: Command) -> None:
    text = everything(printed(command, "policy", "--region", "eu-west-1", "--tag", "service=shell-access"))
    assert "arn:aws:iam::*:role/*" in text
    assert "ec2:RunInstances" in text


def test_boundaries_are_one_policy_each(command: Command) -> None:
    for arguments in (["boundary"], ["boundary", "--of-roles"]):
        found = printed(command, *arguments, "--region", "eu-west-1", "--tag", "service=shell-access")
        assert size(found) <= MANAGED_POLICY.maximum


def test_trust_is_of_the_named_roles_within_the_organization(command: Command) -> None:
    role = "arn:aws:iam::999988887777:role/fleet"
    (statement,) = printed(command, "trust", role, "--organization", "o-a1b2c3d4e5")["Statement"]
    assert statement["Principal"] == {"AWS": [role]}
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["policy", "--account", "123"], "--account 123: an account ID has 12 digits"),
        (["policy", "--region", "europe", "--tag", "a=b"], "--region europe"),
        (["policy", "--region", "eu-west-1"], "--tag service=shell-access"),
        (["policy", "--region", "eu-west-1", "--tag", "service"], "--tag service: a key and its value"),
        (["policy", "--tag", "service=other"], "there are: service=shell-access, owner=security"),
        (["policy", "--stack", "prod", "--region", "eu-west-1"], "are alternatives"),
        (["policy", "--read-only", "--doctor"], "are alternatives"),
        (["trust", "fleet"], "fleet is not the ARN of a role"),
        (["trust", "arn:aws:iam::999988887777:role/fleet", "--organization", "acme"], "--organization acme"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_printed(command: Command, arguments: list[str], said: str) -> None:
    assert said in " ".join(refused(command, *arguments).split())


def test_stack_without_tags_is_refused_with_what_to_do(command: Command) -> None:
    assert "set one in shell-access:tags" in refused(command, "policy", stack=with_values(tags=None))


def test_stack_whose_roles_have_no_boundary_is_told(command: Command) -> None:
    approval = json.dumps({"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]})
    unbounded = command("deployer", "policy", stack=with_values(approval=approval))
    assert "shell-access:permissionsBoundary is not ShellAccessRoleBoundary" in unbounded.stderr
    bounded = with_values(approval=approval, permissionsBoundary="ShellAccessRoleBoundary")
    assert command("deployer", "policy", stack=bounded).stderr == ""
    assert command("deployer", "policy", stack=STACK).stderr == ""


def test_more_names_than_a_role_can_have_are_refused_in_words(command: Command) -> None:
    roles = [f"Role{number:060}" for number in range(60)]
    too_many = with_values(sessionManager=json.dumps({"instanceRoles": roles}))
    assert "too many roles" in refused(command, "policy", stack=too_many)
