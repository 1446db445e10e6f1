from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.nodes.names import HOST_ROLE_NAME, RULE_NAME
from components.nodes.names_in_use import role_problems, rule_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.aws_session import AwsClients

OWNER = "organization/shell-access/prod"


@pytest.fixture
def config(client: Callable[..., Any]) -> Any:
    made = client("config")
    recorder = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"}
    made.put_configuration_recorder(ConfigurationRecorder=recorder)
    return made


def put(config: Any, **tags: str) -> None:
    rule = {"ConfigRuleName": RULE_NAME, "Source": {"Owner": "AWS", "SourceIdentifier": "IAM_PASSWORD_POLICY"}}
    config.put_config_rule(ConfigRule=rule, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def problems(clients: AwsClients) -> list[str]:
    return [str(problem) for problem in rule_problems(clients, "eu-west-1", OWNER)]


def test_free_name_is_no_problem(config: Any, clients: AwsClients) -> None:
    assert config.describe_config_rules()["ConfigRules"] == []
    assert problems(clients) == []


def test_rule_of_this_stack_is_no_problem(config: Any, clients: AwsClients) -> None:
    put(config, **{"shell-access:owner": OWNER})
    assert problems(clients) == []


SOMEBODY_ELSE = [
    ({}, "not of a stack of this program"),
    ({"shell-access:owner": "organization/shell-access/test"}, "of the stack organization/shell-access/test"),
]


@pytest.mark.parametrize(("tags", "whose"), SOMEBODY_ELSE)
def test_rule_of_somebody_else_is_not_replaced(
    config: Any, clients: AwsClients, tags: dict[str, str], whose: str
) -> None:
    put(config, **tags)
    (problem,) = problems(clients)
    assert problem.startswith("shell-access:nodes.roleCompliance: the rule shell-access-node-roles exists in eu-west-1")
    assert whose in problem


def roles(clients: AwsClients) -> list[str]:
    found = role_problems(clients, "eu-west-1", HOST_ROLE_NAME, "defaultHostManagement", OWNER)
    return [str(problem) for problem in found]


def make(client: Callable[..., Any], tags: dict[str, str]) -> None:
    client("iam").create_role(
        RoleName=HOST_ROLE_NAME,
        AssumeRolePolicyDocument="{}",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def test_role_of_this_stack_or_none_is_no_problem(client: Callable[..., Any], clients: AwsClients) -> None:
    assert roles(clients) == []
    make(client, {"shell-access:owner": OWNER})
    assert roles(clients) == []


@pytest.mark.parametrize(("tags", "whose"), SOMEBODY_ELSE)
def test_role_of_somebody_else_is_not_taken_over(
    client: Callable[..., Any], clients: AwsClients, tags: dict[str, str], whose: str
) -> None:
    make(client, tags)
    (problem,) = roles(clients)
    assert problem.startswith(f"shell-access:nodes.defaultHostManagement: the role {HOST_ROLE_NAME} exists and is")
    assert whose in problem
