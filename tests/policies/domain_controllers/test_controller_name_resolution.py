from typing import Any

import pytest

from policies.domain_controllers.controller_name_resolution import CONTROLLER_NAME_RESOLUTION as RULE
from policies.domain_controllers.controller_name_resolution import ENDPOINT, RESOLVER_RULE, SHARE
from tests.policies.domain_controllers.stacks import MARKED
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

TWO = {"tags": MARKED, "ipAddresses": [{"subnetId": "subnet-a"}, {"subnetId": "subnet-b"}]}


def forwarding(*addresses: Any, **change: Any) -> dict[str, Any]:
    return {"tags": MARKED, "ruleType": "FORWARD", "targetIps": [{"ip": each} for each in addresses], **change}


def test_accepts_endpoint_in_two_subnets() -> None:
    assert judge(RULE, ENDPOINT, TWO) == SILENT


@pytest.mark.parametrize("subnets", [[], ["subnet-a"], ["subnet-a", "subnet-a"]])
def test_rejects_endpoint_in_one_subnet(subnets: list[str]) -> None:
    assert len(violations(RULE, ENDPOINT, TWO | {"ipAddresses": [{"subnetId": each} for each in subnets]})) == 1


def test_reports_subnets_that_are_not_known() -> None:
    unknown = [{"subnetId": UNKNOWN}, {"subnetId": "subnet-b"}]
    assert judge(RULE, ENDPOINT, TWO | {"ipAddresses": unknown}).unseen


@pytest.mark.parametrize("address", ["8.8.8.8", "169.254.169.253", "2600::1", "x"])
def test_rejects_target_that_is_not_private(address: str) -> None:
    assert len(violations(RULE, RESOLVER_RULE, forwarding("10.30.0.10", address))) == 1


def test_accepts_private_targets_and_other_kinds_of_rules() -> None:
    assert judge(RULE, RESOLVER_RULE, forwarding("10.30.0.10", "10.30.1.10")) == SILENT
    assert judge(RULE, RESOLVER_RULE, forwarding("8.8.8.8", ruleType="SYSTEM")) == SILENT
    assert judge(RULE, RESOLVER_RULE, forwarding(UNKNOWN)).unseen


@pytest.mark.parametrize(("external", "count"), [(False, 0), (True, 1), (None, 1)])
def test_share_stays_in_the_organization(external: object, count: int) -> None:
    assert len(violations(RULE, SHARE, {"tags": MARKED, "allowExternalPrincipals": external})) == count


def test_ignores_resources_without_the_tag() -> None:
    assert judge(RULE, SHARE, {"tags": {}, "allowExternalPrincipals": True}) == SILENT
