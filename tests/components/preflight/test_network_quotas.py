"""Quotas of Amazon VPC in the settings are compared with those of the account before the first resource."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from common.aws.session import AwsClients
from common.problems import SettingsError
from components.preflight import network_quotas
from components.settings import Settings

SITE = {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}
REGIONS = ["eu-west-1", "us-east-1"]


def load(**quotas: int) -> Settings:
    section = {"profile": "modern", "networkAcl": False, "sites": dict.fromkeys(REGIONS, SITE), "quotas": quotas}
    return Settings.load({"shell-access:regions": REGIONS, "shell-access:domainControllers": section})


@pytest.fixture(autouse=True)
def lookups(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_quotas, "program_clients", lambda: clients)


def found(settings: Settings) -> list[tuple[str, str]]:
    try:
        network_quotas.check_network_quotas(settings)
    except SettingsError as refused:
        return [(problem.key.rpartition(".")[2], problem.message) for problem in refused.problems]
    return []


def test_quota_above_that_of_the_account_is_refused() -> None:
    problems = found(load(rulesPerNetworkAcl=40, rulesPerSecurityGroup=100))
    assert sorted(key for key, _ in problems) == ["rulesPerNetworkAcl"] * 2 + ["rulesPerSecurityGroup"] * 2
    acl = [message for key, message in problems if key == "rulesPerNetworkAcl"]
    for region, message in zip(REGIONS, acl, strict=True):
        assert message.startswith(f"expected at most 20, the account's quota in {region}, got 40. Lower it, or request")
        assert f"--quota-code L-2AEEBF1A --desired-value 40 --region {region}" in message


def test_quota_is_compared_in_each_region(client: Callable[..., Any]) -> None:
    raised = {"ServiceCode": "vpc", "QuotaCode": "L-2AEEBF1A", "DesiredValue": 40}
    client("service-quotas", "eu-west-1").request_service_quota_increase(**raised)
    ((key, message),) = found(load(rulesPerNetworkAcl=40))
    assert key == "rulesPerNetworkAcl"
    assert "us-east-1" in message
    client("service-quotas", "us-east-1").request_service_quota_increase(**raised)
    assert found(load(rulesPerNetworkAcl=40)) == []


def test_default_quotas_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_quotas, "program_clients", lambda: pytest.fail("looked up"))
    assert found(load(rulesPerSecurityGroup=60)) == []
    assert found(load(rulesPerSecurityGroup=30)) == []


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
    problems = found(load(securityGroupsPerInterface=6))
    assert [key for key, _ in problems] == ["securityGroupsPerInterface"] * 2
    assert all(said in message for _, message in problems)
