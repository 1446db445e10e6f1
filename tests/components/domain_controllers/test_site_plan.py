from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from common.network import Family
from common.problems import SettingsError
from components.domain_controllers.settings import DomainControllersSection
from components.domain_controllers.site_plan import SiteNetworks, plan_sites
from components.domain_controllers.traffic_requirements import prefix_list_peer

if TYPE_CHECKING:
    from components.domain_controllers.site_plan import SitePlan

OWN = {"eu-west-1": ("10.30.0.0/24", "10.30.1.0/24"), "us-east-1": ("10.31.0.0/24", "10.31.1.0/24")}
S3 = prefix_list_peer("pl-0123456789abcdef0", Family.IPV4, 1)


def networks(region: str, *, s3: bool = False) -> SiteNetworks:
    own = tuple(ip_network(each) for each in OWN[region])
    return SiteNetworks(controllers=own, endpoints=own, lists={S3: (ip_network("52.218.0.0/17"),)} if s3 else {})


def plans(*, s3: bool = False, **settings: Any) -> dict[str, SitePlan]:
    section = DomainControllersSection.model_validate({"profile": "modern", **settings})
    return plan_sites(section, {region: networks(region, s3=s3) for region in OWN})


def peers(plan: SitePlan, direction: str) -> set[str]:
    lists = {each.name: [entry.cidr for entry in each.entries] for each in plan.groups.prefix_lists}
    found = [rule.peer.value for group in plan.groups.groups for rule in group.rules if rule.direction == direction]
    return {each for peer in found for each in lists.get(peer, [peer])}


def test_sites_admit_each_other_and_not_themselves_by_network() -> None:
    found = plans()
    assert peers(found["eu-west-1"], "ingress") == {"itself", "10.31.0.0/24", "10.31.1.0/24"}
    assert peers(found["us-east-1"], "ingress") == {"itself", "10.30.0.0/24", "10.30.1.0/24"}


def test_site_more_is_the_rules_that_name_it_and_no_others() -> None:
    settings = {"profile": "modern", "networkAcl": False, "quotas": {"rulesPerSecurityGroup": 100}}
    section = DomainControllersSection.model_validate(
        {**settings, "clients": {"a": ["10.10.0.0/16"]}, "onPremisesDomainControllers": ["10.1.0.10/32"]}
    )
    alone = plan_sites(section, {"eu-west-1": networks("eu-west-1")})["eu-west-1"]
    both = plan_sites(section, {region: networks(region) for region in OWN})["eu-west-1"]
    before, after = (
        {(group.name, rule.name) for group in plan.groups.groups for rule in group.rules} for plan in (alone, both)
    )
    assert before < after
    assert all("-10.31." in name for _, name in after - before)


def test_controllers_reach_their_endpoints() -> None:
    found = plans(s3=True)["eu-west-1"]
    assert {"10.30.0.0/24", "10.30.1.0/24", S3.value} <= peers(found, "egress")
    assert S3.value not in peers(found, "ingress")


def test_list_of_a_gateway_counts_in_the_network_acl() -> None:
    acl = plans(s3=True, quotas={"rulesPerNetworkAcl": 40})["eu-west-1"].acl
    assert acl
    assert any(ip_network("52.218.0.0/17").subnet_of(rule.network) for rule in acl.rules)  # type: ignore[arg-type]


def test_headroom_counts_the_default_denial() -> None:
    found = plans()["eu-west-1"]
    assert found.acl
    assert 0 <= found.headroom["networkAclRules"] <= 19


def test_no_acl_where_the_settings_do_without() -> None:
    found = plans(networkAcl=False)["eu-west-1"]
    assert found.acl is None
    assert "networkAclRules" not in found.headroom


def test_problem_of_two_sites_is_reported_once() -> None:
    with pytest.raises(SettingsError, match="cannot fit") as refused:
        plans(quotas={"rulesPerSecurityGroup": 5}, networkAcl=False)
    assert [each.key for each in refused.value.problems] == ["shell-access:domainControllers.quotas"]


def test_problems_of_groups_and_acl_are_reported_together() -> None:
    clients = {f"office-{number}": [f"{number}.1.0.0/16"] for number in range(1, 200, 4)}
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        plans(quotas={"rulesPerSecurityGroup": 5}, clients=clients)
    assert {"cannot fit" in each.message for each in refused.value.problems} == {True, False}
