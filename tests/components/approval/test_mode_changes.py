"""A workflow without approval in its runbook is refused while operators may start the runbook itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from components.adoption import lookup
from components.approval.component import direct_start_problems
from components.approval.iam_policies import requester_policy
from components.approval.names import REQUESTER_POLICY_NAME
from components.approval.settings import ApprovalSettings
from tests.components.approval.workflow import PLACE, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients

WILDCARD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:Start*", "Resource": "*"}]}


def policy_of(mode: str) -> Any:
    return requester_policy(ApprovalSettings.model_validate({**SETTINGS, "mode": mode}), PLACE)


POLICIES: dict[str, tuple[Any, bool]] = {
    "automation": (policy_of("automation"), True),
    "change-manager": (policy_of("change-manager"), False),
    "wildcard": (WILDCARD, True),
    "absent": (None, False),
}


@pytest.mark.parametrize("name", POLICIES)
def test_direct_start_by_operators_is_a_problem(client: Callable[..., Any], clients: AwsClients, name: str) -> None:
    content, is_problem = POLICIES[name]
    if content:
        client("iam").create_policy(PolicyName=REQUESTER_POLICY_NAME, PolicyDocument=json.dumps(content))
    found = direct_start_problems(clients, PLACE)
    assert [each.key for each in found] == ["shell-access:approval.requireChangeRequest"] * is_problem


def test_direct_start_that_is_not_known_is_an_error(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    class Denied:
        def client(self, service: str, region: str) -> Any:
            iam = clients.client(service, region)

            def refuse(**_: Any) -> Any:
                raise iam.exceptions.ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetPolicy")

            monkeypatch.setattr(iam, "get_policy", refuse)
            return iam

    monkeypatch.setattr(lookup, "program_clients", lambda: clients)
    with pytest.raises(pulumi.RunError, match=REQUESTER_POLICY_NAME):
        direct_start_problems(Denied(), PLACE)  # type: ignore[arg-type]
