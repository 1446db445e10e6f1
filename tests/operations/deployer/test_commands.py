"""Output and errors of `python -m operations deployer`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.limits import MANAGED_POLICY, size
from operations.stack import StackConfiguration
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


def test_policy_is_limited_to_the_stack(command: Command) -> None:
    policies = printed(command, "policy", "--account", "111122223333")
    assert list(policies) == [f"ShellAccessDeployer{number}" for number in range(1, len(policies) + 1)]
    text = everything(policies)
    assert "arn:aws:iam::111122223333:role/WebServer" in text
    assert '"aws:RequestedRegion": ["eu-west-1", "us-east-1"]' in text
    assert '"aws:ResourceTag/service": "shell-access"' in text
    assert "ec2:" not in text


def test_read_only_policy_has_its_own_name(command: Command) -> None:
    assert list(printed(command, "policy", "--read-only")) == ["ShellAccessPreview1"]


def test_doctor_policy_has_its_own_name(command: Command) -> None:
    assert list(printed(command, "policy", "--doctor")) == ["ShellAccessDoctor1"]


def test_fleet_file_covers_all_stacks(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    text = everything(printed(command, "policy", "--file", str(file)))
    for name in ("role/WebServer", "role/Payments", "ap-south-1", "eu-west-1"):
        assert name in text


def test_regions_cover_any_settings(command: Command) -> None:
    text = everything(printed(command, "policy", "--region", "eu-west-1", "--tag", "service=shell-access"))
    assert "arn:aws:iam::*:role/*" in text
    assert "ec2:RunInstances" in text


def test_boundaries_fit_one_policy(command: Command) -> None:
    for arguments in (["boundary"], ["boundary", "--of-roles"]):
        found = printed(command, *arguments, "--region", "eu-west-1", "--tag", "service=shell-access")
        assert size(found) <= MANAGED_POLICY.maximum


def test_trust_names_roles_and_organization(command: Command) -> None:
    role = "arn:aws:iam::999988887777:role/fleet"
    (statement,) = printed(command, "trust", role, "--organization", "o-a1b2c3d4e5")["Statement"]
    assert statement["Principal"] == {"AWS": [role]}
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["policy", "--account", "123"], "--account: expected 12 digits, got 123"),
        (["policy", "--region", "europe", "--tag", "a=b"], "SDK for Python knows, got europe"),
        (["policy", "--region", "eu-west-1"], "--tag service=shell-access"),
        (["policy", "--region", "eu-west-1", "--tag", "service"], "--tag: expected KEY=VALUE, got service"),
        (["policy", "--tag", "service=other"], "(service=shell-access, owner=security), got service=other"),
        (["policy", "--stack", "prod", "--region", "eu-west-1"], "are alternatives"),
        (["policy", "--read-only", "--doctor"], "are alternatives"),
        (["trust", "fleet"], "ROLE: expected the ARN of a role, got fleet"),
        (
            ["trust", "arn:aws:iam::999988887777:role/fleet", "--organization", "acme"],
            "--organization: expected o- with 10 to 32 lowercase letters and digits, got acme",
        ),
    ],
)
def test_invalid_option_is_refused(command: Command, arguments: list[str], message: str) -> None:
    assert message in " ".join(refused(command, *arguments).split())


def test_stack_without_tags_is_refused(command: Command) -> None:
    assert "set one in shell-access:tags" in refused(command, "policy", stack=with_values(tags=None))


def test_stack_without_roles_boundary_is_warned(command: Command) -> None:
    approval = json.dumps({"approvers": [{"type": "IamRole", "name": "Approver"}], "operatorRoles": ["Operator"]})
    unbounded = command("deployer", "policy", stack=with_values(approval=approval))
    assert "shell-access:permissionsBoundary: expected ShellAccessRoleBoundary" in unbounded.stderr
    bounded = with_values(approval=approval, permissionsBoundary="ShellAccessRoleBoundary")
    assert command("deployer", "policy", stack=bounded).stderr == ""
    assert command("deployer", "policy", stack=STACK).stderr == ""


def test_too_many_names_are_refused(command: Command) -> None:
    roles = [f"Role{number:060}" for number in range(60)]
    too_many = with_values(sessionManager=json.dumps({"instanceRoles": roles}))
    assert "too many roles" in refused(command, "policy", stack=too_many)
