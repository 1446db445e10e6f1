"""Name resolution of a site, facts against settings: one thing changed is found, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.settings import DomainControllersSection
from components.domain_controllers.site_plan import SiteNetworks
from components.domain_controllers.traffic_requirements import Direction
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding
from operations.inventory.domain_controllers import ControllerFacts, SitePlacement, SiteSubnet
from operations.inventory.name_resolution import NameResolutionFacts
from operations.inventory.network import SecurityGroup, SecurityGroupRule
from operations.inventory.reader import ReadFailure
from operations.verify.domain_controllers.name_resolution import name_resolution_findings

REGION = "eu-west-1"
SITE = "domain-controllers-eu-west-1-resolver"
REFUSED = ReadFailure(action="route53resolver:ListResolverRules", cause="refused: no", remedy="allow it", refused=True)
SECTION = DomainControllersSection.model_validate(
    {
        "sites": {REGION: {"vpc": "directory", "subnets": ["a", "b", "c"]}},
        "resolverEndpoints": {
            "domains": ["corp.example.com"],
            "shareWith": ["111122223333"],
            "sites": {
                REGION: {
                    "vpcs": ["workloads"],
                    "controllerAddresses": ["10.30.0.11"],
                    "inboundSources": ["10.1.0.53/32"],
                }
            },
        },
    }
)


def rules(direction: Direction, peer: str) -> tuple[SecurityGroupRule, ...]:
    return tuple(
        SecurityGroupRule(id=f"sgr-{each}", direction=direction, protocol=each, from_port=53, to_port=53, peer=peer)
        for each in ("tcp", "udp")
    )


def endpoint(direction: str) -> dict[str, Any]:
    return {
        "Id": f"rslvr-{direction}",
        "Name": f"{SITE}-{direction}",
        "Direction": direction.upper(),
        "Status": "OPERATIONAL",
        "SecurityGroupIds": [f"sg-{direction}"],
        "SubnetIds": ["subnet-a", "subnet-b"],
    }


RULE = {
    "Id": "rslvr-rr-1",
    "Arn": "arn:rule",
    "Name": "shell-access-corp-example-com",
    "DomainName": "corp.example.com.",
    "Status": "COMPLETE",
    "ResolverEndpointId": "rslvr-outbound",
    "TargetIps": [{"Ip": "10.30.0.10", "Port": 53}, {"Ip": "10.30.0.11", "Port": 53}],
    "VPCIds": ["vpc-1"],
}
SHARE = {
    "resourceShareArn": "arn:share",
    "allowExternalPrincipals": False,
    "principals": frozenset(["111122223333"]),
    "resources": frozenset(["arn:rule"]),
}
OUT, IN = endpoint("outbound"), endpoint("inbound")
LIVE = NameResolutionFacts(
    groups=(
        SecurityGroup(id="sg-outbound", name=f"{SITE}-outbound", rules=rules(Direction.EGRESS, "sg-dc")),
        SecurityGroup(id="sg-inbound", name=f"{SITE}-inbound", rules=rules(Direction.INGRESS, "10.1.0.53/32")),
    ),
    endpoints=(OUT, IN),
    rules=(RULE,),
    shares=(SHARE,),
    vpcs={"workloads": ("vpc-1",)},
)
CONTROLLER = ControllerFacts(
    instance={"InstanceId": "i-1", "PrivateIpAddress": "10.30.0.10"}, protected=True, volumes=()
)
# Two subnets in one zone: the first of each zone has an address.
PLACE = SitePlacement(
    vpc_id="vpc-0",
    subnets=tuple(
        SiteSubnet(id=f"subnet-{each}", given=each, zone=zone, cidrs=())
        for each, zone in zip("abc", "aba", strict=True)
    ),
    networks=SiteNetworks(controllers=(), endpoints=()),
)


def findings(live: NameResolutionFacts | ReadFailure | None, controllers: Any = (CONTROLLER,)) -> dict[str, Finding]:
    site = SiteDeployment(deployment=Deployment(stack="dev", account_id="123456789012", region=REGION), section=SECTION)
    found = name_resolution_findings(site, PLACE, live, controllers_group="sg-dc", controllers=controllers)
    return {each.check.removeprefix("directory-resolver-"): each for each in found}


def test_name_resolution_as_planned_is_ok() -> None:
    found = findings(LIVE)
    assert list(found) == ["outbound", "inbound", "rule-corp.example.com", "share"]
    assert {each.status for each in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("change", "check", "text"),
    [
        ({"endpoints": (IN,)}, "outbound", "0 endpoints"),
        ({"endpoints": ({**OUT, "Status": "ACTION_NEEDED"}, IN)}, "outbound", "it is ACTION_NEEDED"),
        ({"endpoints": ({**OUT, "SubnetIds": ["subnet-a"]}, IN)}, "outbound", "it is in subnet-a"),
        ({"endpoints": (OUT, {**IN, "Direction": "OUTBOUND"})}, "inbound", "it is OUTBOUND"),
        ({"endpoints": (OUT, {**IN, "SecurityGroupIds": ["sg-x"]})}, "inbound", "its security groups are sg-x"),
        ({"rules": ()}, "rule-corp.example.com", "0 rules"),
        ({"rules": ({**RULE, "Status": "FAILED"},)}, "rule-corp.example.com", "it is FAILED"),
        ({"rules": ({**RULE, "ResolverEndpointId": "other"},)}, "rule-corp.example.com", "queries leave by other"),
        (
            {"rules": ({**RULE, "TargetIps": [{"Ip": "10.30.0.10"}, {"Ip": "10.9.9.9", "Port": 53}]},)},
            "rule-corp.example.com",
            "missing target: 10.30.0.11:53; unexpected target: 10.9.9.9:53",
        ),
        ({"rules": ({**RULE, "VPCIds": ["vpc-2"]},)}, "rule-corp.example.com", "not associated with vpc-1"),
        ({"shares": ()}, "share", "0 shares"),
        ({"shares": ({**SHARE, "allowExternalPrincipals": True},)}, "share", "outside the organization"),
        ({"shares": ({**SHARE, "principals": frozenset(["444455556666"])},)}, "share", "shared with 444455556666"),
        ({"shares": ({**SHARE, "resources": frozenset()},)}, "share", "not shared: arn:rule"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reports_each_difference(change: dict[str, Any], check: str, text: str) -> None:
    found = {name: each for name, each in findings(replace(LIVE, **change)).items() if each.status != "ok"}
    assert check in found
    assert text in found[check].found
    assert found[check].remedy.endswith("pulumi up --refresh --stack dev")


def test_reports_rules_of_the_groups_beyond_dns() -> None:
    wide = replace(LIVE.groups[0], rules=rules(Direction.EGRESS, "0.0.0.0/0"))
    (text,) = [each.found for each in findings(replace(LIVE, groups=(wide, LIVE.groups[1]))).values() if each.remedy]
    assert "missing: egress tcp 53 sg-dc" in text
    assert "unexpected: egress tcp 53 to 0.0.0.0/0" in text


def test_remedy_removes_what_an_update_leaves_alone() -> None:
    foreign = replace(
        LIVE,
        rules=({**RULE, "VPCIds": ["vpc-1", "vpc-2"]},),
        shares=({**SHARE, "principals": frozenset(["111122223333", "444455556666"])},),
    )
    remedies = [each.remedy for each in findings(foreign).values() if each.remedy]
    assert [each.partition(" && ")[0] for each in remedies] == [
        "aws route53resolver disassociate-resolver-rule --resolver-rule-id rslvr-rr-1 --vpc-id vpc-2 --region eu-west-1",
        "aws ram disassociate-resource-share --resource-share-arn arn:share --principals 444455556666 --region eu-west-1",
    ]


def test_unread_name_resolution_cannot_tell() -> None:
    assert {each.status for each in findings(REFUSED).values()} == {"cannotTell"}
    assert {each.status for each in findings(LIVE, REFUSED).values()} == {"cannotTell"}
    assert findings(None) == {}
