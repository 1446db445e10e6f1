"""Quotas of the account are compared with what the settings need before the first resource."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from common.aws.session import AwsClients
from common.problems import SettingsError
from components.account import Account
from components.approval.names import APPROVER_POLICY_NAME, OPERATOR_POLICY_NAME, REQUESTER_POLICY_NAME
from components.preflight import quotas
from components.session_manager.names import INSTANCE_POLICY_NAME
from components.settings import Settings

HERE = "123456789012"
ACCOUNT = Account(id=HERE, partition="aws")
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SECTIONS: dict[str, Any] = {
    "sessionManager": {"instanceRoles": ["Node"]},
    "approval": {
        "operatorRoles": ["Operator"],
        "operatorUsers": ["oscar"],
        "approvers": [{"type": "IamRole", "name": "team/Approver"}],
    },
}


def load(**sections: Any) -> Settings:
    return Settings.load(
        {"aws:region": "eu-west-1", **{f"shell-access:{name}": value for name, value in (SECTIONS | sections).items()}}
    )


@pytest.fixture(autouse=True)
def lookups(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "program_clients", lambda: clients)


@pytest.fixture
def iam(client: Callable[..., Any]) -> Any:
    iam = client("iam")
    for role, path in (("Node", "/"), ("Operator", "/"), ("Approver", "/team/")):
        iam.create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=TRUST)
    iam.create_user(UserName="oscar")
    return iam


def fill(iam: Any, count: int, *, role: str = "", user: str = "") -> None:
    for number in range(count):
        made = iam.create_policy(PolicyName=f"{role}{user}{number}", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
        if role:
            iam.attach_role_policy(RoleName=role, PolicyArn=made)
        else:
            iam.attach_user_policy(UserName=user, PolicyArn=made)


def found(settings: Settings) -> dict[str, str]:
    try:
        quotas.check_attachments(settings, ACCOUNT)
    except SettingsError as refused:
        return {problem.key.removeprefix("shell-access:"): problem.message for problem in refused.problems}
    return {}


def test_wanted_attachments_are_those_of_every_section() -> None:
    wanted = quotas.desired_attachments(load(), ACCOUNT)
    names = {each.name: {arn.rpartition("/")[2] for arn in more.arns} for each, more in wanted.items()}
    operators = {OPERATOR_POLICY_NAME, REQUESTER_POLICY_NAME}
    assert names == {
        "Node": {INSTANCE_POLICY_NAME},
        "Operator": operators,
        "oscar": operators,
        "Approver": {APPROVER_POLICY_NAME},
    }


def test_principals_without_room_are_all_named(iam: Any) -> None:
    fill(iam, 10, role="Node")
    fill(iam, 9, role="Operator")
    fill(iam, 9, user="oscar")
    fill(iam, 9, role="Approver")
    problems = found(load())
    assert set(problems) == {
        "sessionManager.instanceRoles[0]",
        "approval.operatorRoles[0]",
        "approval.operatorUsers[0]",
    }
    assert problems["approval.operatorRoles[0]"] == (
        "expected room for 2 more managed policies on the role Operator, got 9 attached of 10 that it may have. Detach "
        "others, or raise the IAM quota Managed policies attached to an IAM role"
    )


def test_policies_that_are_attached_already_need_no_room(iam: Any) -> None:
    fill(iam, 9, role="Node")
    ours = iam.create_policy(PolicyName=INSTANCE_POLICY_NAME, PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Node", PolicyArn=ours)
    assert found(load()) == {}


def test_quota_of_the_account_counts_where_it_was_raised(iam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(iam, 10, role="Node")
    monkeypatch.setattr(quotas, "_quota", lambda _iam, kind: {"role": 15}[kind])
    assert found(load()) == {}


def test_quota_is_read_from_the_account_summary(iam: Any) -> None:
    assert quotas._quota(iam, "role") == 10
    assert quotas._quota(iam, "user") == 10


def test_missing_principal_is_for_the_other_lookup_to_name(iam: Any) -> None:
    iam.delete_role(RoleName="Node")
    assert found(load()) == {}


def test_principal_that_cannot_be_read_is_refused(iam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_iam: Any, _principal: object) -> frozenset[str]:
        raise iam.exceptions.ClientError(
            {"Error": {"Code": "AccessDenied", "Message": "no identity-based policy allows it"}},
            "ListAttachedRolePolicies",
        )

    monkeypatch.setattr(quotas, "_attached_policies", denied)
    problems = found(load())
    assert len(problems) == 4
    message = problems["sessionManager.instanceRoles[0]"]
    assert "got no answer: permission: refused" in message
    assert "allow iam:ListAttachedRolePolicies to arn:aws:" in message


SITE = {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}
REGIONS = ["eu-west-1", "us-east-1"]


def load_site(**quotas: int) -> Settings:
    section = {"profile": "modern", "networkAcl": False, "sites": dict.fromkeys(REGIONS, SITE), "quotas": quotas}
    return Settings.load({"shell-access:regions": REGIONS, "shell-access:domainControllers": section})


def network_problems(settings: Settings) -> list[tuple[str, str]]:
    try:
        quotas.check_network_quotas(settings)
    except SettingsError as refused:
        return [(problem.key.rpartition(".")[2], problem.message) for problem in refused.problems]
    return []


def test_quota_above_that_of_the_account_is_refused() -> None:
    problems = network_problems(load_site(rulesPerNetworkAcl=40, rulesPerSecurityGroup=100))
    assert sorted(key for key, _ in problems) == ["rulesPerNetworkAcl"] * 2 + ["rulesPerSecurityGroup"] * 2
    acl = [message for key, message in problems if key == "rulesPerNetworkAcl"]
    for region, message in zip(REGIONS, acl, strict=True):
        assert message.startswith(f"expected at most 20, the account's quota in {region}, got 40. Lower it, or request")
        assert f"--quota-code L-2AEEBF1A --desired-value 40 --region {region}" in message


def test_quota_is_compared_in_each_region(client: Callable[..., Any]) -> None:
    raised = {"ServiceCode": "vpc", "QuotaCode": "L-2AEEBF1A", "DesiredValue": 40}
    client("service-quotas", "eu-west-1").request_service_quota_increase(**raised)
    ((key, message),) = network_problems(load_site(rulesPerNetworkAcl=40))
    assert key == "rulesPerNetworkAcl"
    assert "us-east-1" in message
    client("service-quotas", "us-east-1").request_service_quota_increase(**raised)
    assert network_problems(load_site(rulesPerNetworkAcl=40)) == []


def test_default_quotas_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "program_clients", lambda: pytest.fail("looked up"))
    assert network_problems(load_site(rulesPerSecurityGroup=60)) == []
    assert network_problems(load_site(rulesPerSecurityGroup=30)) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NoSuchResourceException", "expected at most 5, the account's quota in"),
        ("AccessDeniedException", "servicequotas:GetServiceQuota"),
        ("TooManyRequestsException", "got no answer"),
    ],
)
def test_unread_quota_is_never_taken_for_sufficient(clients: AwsClients, code: str, said: str) -> None:
    for region in REGIONS:
        stubber = Stubber(clients.client("service-quotas", region))
        stubber.add_client_error("get_service_quota", code, "User: arn:aws:iam::1:user/a is not authorized")
        stubber.activate()
    problems = network_problems(load_site(securityGroupsPerInterface=6))
    assert [key for key, _ in problems] == ["securityGroupsPerInterface"] * 2
    assert all(said in message for _, message in problems)
