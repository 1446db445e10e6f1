"""Domain controllers, facts against plan: a planned site has no differences, and one change is one finding."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.aws.arns import Scope
from components.domain_controllers import names, resource_policies
from components.domain_controllers.event_patterns import ALERTS
from components.domain_controllers.security_group_rules import PlannedRule
from components.domain_controllers.settings import DomainControllersSection
from components.domain_controllers.site_plan import SiteNetworks, SitePlan, plan_sites
from components.domain_controllers.traffic_requirements import Direction, PeerKind
from components.session_manager.endpoint_services import endpoint_policy
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding
from operations.inventory import domain_controllers
from operations.inventory import monitoring as inventory
from operations.inventory.iam import RoleFacts
from operations.inventory.name_resolution import NameResolutionFacts
from operations.inventory.network import (
    EndpointNetwork,
    NetworkAcl,
    SecurityGroup,
    SecurityGroupRule,
    VpcEndpoint,
    security_group_rule,
)
from operations.inventory.reader import ReadFailure, known
from operations.inventory.session_manager import KeyFacts, LogGroupFacts
from operations.verify.domain_controllers.identities import deployers_of
from operations.verify.domain_controllers.monitoring import desired_bucket, trail_findings, watched_of
from operations.verify.domain_controllers.verification import compare_site
from operations.verify.storage import own_bucket_findings

EMAIL = "directory@example.com"
REGION, ACCOUNT, REPAIR = "eu-west-1", "123456789012", "pulumi up --refresh --stack dev"
SECTION: dict[str, Any] = {
    "profile": "modern",
    "clients": {"offices": ["10.10.0.0/16"], "six": ["2001:db8:20::/48"]},
    "onPremisesDomainControllers": ["10.1.0.10/32"],
    "monitoring": {"notificationEmails": [EMAIL]},
    "sites": {
        REGION: {
            "vpc": "directory",
            "subnets": ["a", "b"],
            "controllers": [{"name": "DC1", "subnet": "a"}, {"name": "DC2", "subnet": "b"}],
        }
    },
}
MANY_CLIENTS = SECTION | {"clients": {f"c{number}": [f"10.{number}.0.0/16"] for number in range(40, 60, 2)}}
WITH_RESOLVER = SECTION | {
    "resolverEndpoints": {"domains": ["corp.example.com"], "sites": {REGION: {"vpcs": ["apps"]}}}
}
REFUSED = ReadFailure(action="ec2:Describe", cause="refused: no", remedy="allow it", refused=True)
SCOPE = Scope(partition="aws", account_id=ACCOUNT, region=REGION)
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:user/deployer"
MONITORING_POLICY = resource_policies.monitoring_key_policy(SCOPE, [names.FLOW_LOGS])
CONTROLLERS_POLICY = resource_policies.controllers_key_policy(SCOPE, [DEPLOYER])
ROLE = {"Key": "Role", "Value": "DomainController"}
IMDS = {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1}
KEY = KeyFacts(key_id="k", arn="arn:aws:kms:eu-west-1:1:key/k", state="Enabled", spec="SYMMETRIC_DEFAULT", rotates=True)


@dataclass(frozen=True)
class Case:
    """A site as it should be: what is asked, where, the plan, and facts that are just so."""

    wanted: SiteDeployment
    place: domain_controllers.SitePlacement
    plan: SitePlan
    live: domain_controllers.SiteFacts

    def findings(self, **changes: Any) -> dict[str, Finding]:
        found = compare_site(self.wanted, self.place, self.plan, replace(self.live, **changes))
        assert len({each.check for each in found}) == len(found)
        return {each.check: each for each in found if each.status != "ok"}


def case(section: dict[str, Any] | None = None) -> Case:
    return _case(repr(section or SECTION))


@cache
def _case(given: str) -> Case:
    section = DomainControllersSection.model_validate(eval(given))  # a key for the cache
    deployment = Deployment(stack="dev", account_id=ACCOUNT, region=REGION)
    wanted = SiteDeployment(deployment=deployment, section=section)
    subnets = tuple(
        domain_controllers.SiteSubnet(id=f"subnet-{each}", given=each, zone=each, cidrs=(f"10.30.{number}.0/24",))
        for number, each in enumerate("ab")
    )
    own = tuple(ip_network(each.cidrs[0]) for each in subnets)
    place = domain_controllers.SitePlacement(
        vpc_id="vpc-1",
        subnets=subnets,
        networks=SiteNetworks(controllers=own, endpoints=own),
        endpoint_subnets={each.id: each.given for each in subnets},
    )
    plan = plan_sites(section, {REGION: place.networks})[REGION]
    return Case(wanted=wanted, place=place, plan=plan, live=facts(wanted, plan))


def facts(wanted: SiteDeployment, plan: SitePlan) -> domain_controllers.SiteFacts:
    site = names.site_name(REGION)
    lists = {each.name: f"pl-{each.name}" for each in plan.groups.prefix_lists}
    groups = tuple(
        SecurityGroup(
            id=f"sg-{number}",
            name=names.group_name(site, each.name),
            rules=tuple(planned_rule(rule, f"sgr-{number}-{place}", lists) for place, rule in enumerate(each.rules)),
        )
        for number, each in enumerate(plan.groups.groups)
    )
    live = domain_controllers.SiteFacts(
        groups=groups,
        lists={
            names.group_name(site, each.name): {"PrefixListId": lists[each.name], "MaxEntries": each.max_entries}
            for each in plan.groups.prefix_lists
        },
        entries={
            lists[each.name]: {entry.cidr: entry.description for entry in each.entries}
            for each in plan.groups.prefix_lists
        },
        acls=acls(plan),
        controllers=tuple(controller(name, subnet, groups) for name, subnet in (("DC1", "a"), ("DC2", "b"))),
        key=replace(KEY, policy=CONTROLLERS_POLICY),
        monitoring_key=replace(KEY, policy=MONITORING_POLICY),
        flow_logs=[
            {
                "FlowLogId": f"fl-{each}",
                "DeliverLogsPermissionArn": f"arn:aws:iam::{ACCOUNT}:role/ShellAccessFlowLogs-{REGION}",
                "ResourceId": f"subnet-{each}",
                "FlowLogStatus": "ACTIVE",
                "TrafficType": "ALL",
                "LogDestination": wanted.deployment.arn("logs", f"log-group:{names.FLOW_LOGS}:*"),
            }
            for each in "ab"
        ],
        log_group=LogGroupFacts(retention_days=90, kms_key_arn=KEY.arn),
        flow_logs_role=RoleFacts(
            trust=resource_policies.flow_logs_trust_policy(SCOPE),
            attached=frozenset(),
            inline={"WriteFlowLogs": resource_policies.flow_logs_policy(SCOPE, names.FLOW_LOGS)},
        ),
        topic=TOPIC,
        rules={},
        failures={},
        endpoints=endpoints(),
    )
    watched = watched_of(live, frozenset(each.id for each in groups), frozenset(["acl-1"] if plan.acl else []))
    assert watched
    target = {"Id": "topic", "Arn": wanted.deployment.arn("sns", names.ALERTS_TOPIC)}
    rules = {
        names.alert_rule_name(each.name): inventory.EventRule(
            state="ENABLED", pattern=json.dumps(each.pattern(watched)), targets=(target,)
        )
        for each in ALERTS
    }
    return replace(live, rules=rules)


CONFIRMED = inventory.SubscriptionFacts(arn="arn:s", protocol="email", endpoint=EMAIL, is_authenticated=True)
TOPIC = inventory.TopicFacts(
    key=KEY.arn, policy=resource_policies.topic_policy(SCOPE, names.ALERTS_TOPIC), subscriptions=(CONFIRMED,)
)


def endpoints() -> EndpointNetwork:
    https = [
        rule(f"sgr-{number}", Direction.INGRESS, "tcp", (443, 443), CidrIpv4=f"10.30.{number}.0/24")
        for number in range(2)
    ]
    interfaces = tuple(
        VpcEndpoint(
            id=f"vpce-{service}",
            service=f"com.amazonaws.{REGION}.{service}",
            kind="Interface",
            state="available",
            private_dns=True,
            subnet_ids=("subnet-a", "subnet-b"),
            group_ids=("sg-endpoints",),
            policy_text=json.dumps(endpoint_policy(service, ACCOUNT)),
        )
        for service in ("ec2", "ec2messages", "ssm", "ssmmessages")
    )
    group = SecurityGroup(id="sg-endpoints", name=f"{names.site_name(REGION)}-endpoints", rules=tuple(https))
    return EndpointNetwork(vpc_ids=("vpc-1",), endpoints=interfaces, groups=(group,))


def acls(plan: SitePlan) -> tuple[NetworkAcl, ...]:
    subnets = frozenset(["subnet-a", "subnet-b"])
    return (
        NetworkAcl(id="acl-0", name="", subnet_ids=frozenset(), rules=()),
        *(
            [
                NetworkAcl(
                    id="acl-1",
                    name=names.acl_name(names.site_name(REGION), plan.acl),
                    subnet_ids=subnets,
                    rules=plan.acl.rules,
                )
            ]
            if plan.acl
            else []
        ),
    )


def test_network_acl_without_subnets_is_not_compared() -> None:
    site = case()
    default, own = known(site.live.acls)
    orphan = replace(own, id="acl-2", subnet_ids=frozenset(), rules=own.rules[1:])
    assert site.findings(acls=(orphan, default, own)) == {}
    alone = site.findings(acls=(orphan, default))
    assert alone["directory-acl"].found == "a is associated with none, b is associated with none"


def test_resolver_that_cannot_be_read_is_unknown() -> None:
    site = case(WITH_RESOLVER)
    resolver = SecurityGroup(id="sg-resolver", name=f"{names.site_name(REGION)}-resolver-outbound", rules=())
    read = site.findings(name_resolution=NameResolutionFacts(groups=(resolver,)))
    assert not {"directory-group-controllers", "directory-traffic"} & set(read)
    found = site.findings(name_resolution=REFUSED)
    assert {check: each.status.value for check, each in found.items()} == dict.fromkeys(
        ("directory-group-controllers", "directory-traffic", "directory-resolver-outbound"), "cannotTell"
    )


def planned_rule(planned: PlannedRule, id_: str, lists: dict[str, str]) -> SecurityGroupRule:
    peer = {"itself": "sg-0", "resolver-endpoints": "sg-resolver", **lists}.get(planned.peer.value, planned.peer.value)
    key = "CidrIpv4" if planned.peer.family == "IPv4" else "CidrIpv6"
    key = "PrefixListId" if planned.peer.kind is PeerKind.PLANNED_LIST else key
    ends: dict[str, Any] = {"ReferencedGroupInfo": {"GroupId": peer}} if peer.startswith("sg-") else {key: peer}
    made = rule(id_, planned.direction, planned.protocol, (planned.from_port, planned.to_port), **ends)
    return replace(made, name=planned.name, description=planned.description)


def rule(id_: str, direction: Direction, protocol: str, ports: tuple[int, int], **ends: Any) -> SecurityGroupRule:
    answer = {
        "SecurityGroupRuleId": id_,
        "IsEgress": direction is Direction.EGRESS,
        "IpProtocol": str(protocol),
        "FromPort": ports[0],
        "ToPort": ports[1],
        **ends,
    }
    return security_group_rule(answer)


def controller(name: str, subnet: str, groups: tuple[SecurityGroup, ...]) -> domain_controllers.ControllerFacts:
    instance = {
        "InstanceId": f"i-{name}",
        "State": {"Name": "running"},
        "MetadataOptions": IMDS,
        "InstanceType": "m6i.large",
        "SecurityGroups": [{"GroupId": each.id} for each in groups],
        "SubnetId": f"subnet-{subnet}",
        "NetworkInterfaces": [{"NetworkInterfaceId": f"eni-{name}"}],
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/ShellAccessDomainController"},
        "Tags": [{"Key": "Name", "Value": name}, ROLE],
    }
    root = volume(VolumeId=f"vol-{name}", Attachments=[{"InstanceId": f"i-{name}", "Device": "/dev/sda1"}])
    return domain_controllers.ControllerFacts(instance=instance, protected=True, volumes=(root,))


def changed_controllers(site: Case | None = None, **change: Any) -> tuple[domain_controllers.ControllerFacts, ...]:
    """The controllers, of which the first one differs: facts, or attributes of the instance."""
    first, *others = known((site or case()).live.controllers)
    facts = {key: value for key, value in change.items() if key in ("public", "protected", "volumes")}
    instance = {**first.instance, **{key: value for key, value in change.items() if key not in facts}}
    return (replace(first, instance=instance, **facts), *others)


def volume(**change: Any) -> dict[str, Any]:
    """A volume of DC1."""
    attachment = {"InstanceId": "i-DC1", "Device": change.pop("Device", "/dev/sda1")}
    given = {"VolumeId": "vol-DC1", "Encrypted": True, "KmsKeyId": KEY.arn, "VolumeType": "gp3", "Tags": [ROLE]}
    return {**given, "Attachments": [attachment], **change}


@pytest.mark.parametrize(
    "section",
    [SECTION, MANY_CLIENTS, SECTION | {"networkAcl": False}, SECTION | {"icmpEcho": True, "profile": "post"}],
    ids=["direct", "lists", "no ACL", "post with ping"],
)
def test_site_as_planned_has_no_differences(section: dict[str, Any]) -> None:
    assert case(section).findings() == {}


def first_group(site: Case) -> SecurityGroup:
    return known(site.live.groups)[0]


def with_rules(site: Case, rules: list[SecurityGroupRule]) -> tuple[SecurityGroup, ...]:
    return (replace(first_group(site), rules=tuple(rules)), *known(site.live.groups)[1:])


OPEN = rule("sgr-x", Direction.INGRESS, "tcp", (3389, 3389), CidrIpv4="0.0.0.0/0")
OPEN_OUT = rule("sgr-y", Direction.EGRESS, "-1", (-1, -1), CidrIpv6="::/0")


def test_unexpected_rule_remedy_revokes_it() -> None:
    site = case()
    found = site.findings(groups=with_rules(site, [*first_group(site).rules, OPEN, OPEN_OUT]))
    assert set(found) == {"directory-group-controllers", "directory-traffic"}
    finding = found["directory-group-controllers"]
    assert finding.found == (
        "unexpected: ingress tcp 3389 from 0.0.0.0/0 (sgr-x); unexpected: egress everything to ::/0 (sgr-y)"
    )
    assert finding.remedy == " && ".join(
        f"aws ec2 revoke-security-group-{way} --group-id sg-0 --security-group-rule-ids {id_} --region eu-west-1"
        for way, id_ in (("ingress", "sgr-x"), ("egress", "sgr-y"))
    )
    assert "TCP 3389 from 8.8.8.8 passes" in found["directory-traffic"].found


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_group_rule_change_is_reported_by_kind(data: st.DataObject) -> None:
    site = case()
    rules = list(first_group(site).rules)
    place = data.draw(st.integers(0, len(rules) - 1))
    first = rules[place]
    how = data.draw(st.sampled_from(["missing", "unexpected", "changed ports", "changed peer", "changed words"]))
    moved = replace(first, from_port=first.from_port + 1, to_port=first.to_port + 1)
    others = {
        "missing": [],
        "unexpected": [first, replace(moved, name="")],
        "changed ports": [moved],
        "changed peer": [replace(first, peer="192.0.2.0/24")],
        "changed words": [replace(first, description="mine")],
    }[how]
    rules[place : place + 1] = others
    found = site.findings(groups=with_rules(site, rules))["directory-group-controllers"]
    assert found.found.startswith(how.split()[0])
    assert ";" not in found.found.replace(first.description, "")
    assert found.remedy
    assert (REPAIR in found.remedy) == (how != "unexpected")
    assert ("revoke-security-group-" in found.remedy) == (how == "unexpected")


def test_planned_rule_without_name_is_ok() -> None:
    site = case()
    rules = [replace(each, id=f"new-{each.id}", name="") for each in first_group(site).rules]
    assert site.findings(groups=with_rules(site, rules)) == {}


def test_missing_and_unplanned_groups_are_reported() -> None:
    site = case(MANY_CLIENTS)
    *kept, _last = known(site.live.groups)
    stray = SecurityGroup(id="sg-9", name="")
    found = site.findings(groups=(*kept, stray))
    missing = site.plan.groups.groups[-1].name
    assert found["directory-groups"].found == f"missing: {missing}; not of the plan: sg-9"
    assert f"{REPAIR}; aws ec2 delete-security-group --group-id sg-9" in (found["directory-groups"].remedy or "")
    assert "is dropped by the groups" in found["directory-traffic"].found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: {**held, "192.0.2.0/24": ""}, "unexpected: 192.0.2.0/24"),
        (lambda held: dict(list(held.items())[1:]), "missing: 10.40.0.0/16"),
        (lambda held: dict.fromkeys(held, "other"), 'is described as "other"'),
    ],
    ids=["foreign", "missing", "words"],
)
def test_entries_of_prefix_lists_are_compared(change: Callable[[dict[str, str]], dict[str, str]], said: str) -> None:
    site = case(MANY_CLIENTS)
    (name,) = [each.name for each in site.plan.groups.prefix_lists if each.name.startswith("clients")]
    entries = {
        id_: change(dict(held)) if id_ == f"pl-{name}" else held for id_, held in known(site.live.entries).items()
    }
    found = site.findings(entries=entries)
    assert said in found[f"directory-prefix-list-{name}"].found
    assert set(found) - {"directory-traffic"} == {f"directory-prefix-list-{name}"}
    gone = site.findings(lists={})
    assert gone[f"directory-prefix-list-{name}"].found == "no such list"


def test_network_acl_compares_rules_and_subnets() -> None:
    site = case()
    default, own = known(site.live.acls)
    first, *rest = own.rules
    moved = site.findings(
        acls=(replace(default, subnet_ids=frozenset(["subnet-b"])), replace(own, subnet_ids=frozenset(["subnet-a"])))
    )
    assert moved["directory-acl"].found == "a is associated with acl-1, b is associated with acl-0"
    assert "or its answer, is dropped by the network ACL" in moved["directory-traffic"].found
    lacking = site.findings(acls=(default, replace(own, rules=tuple(rest))))
    assert lacking["directory-acl-rules"].found.startswith(f"missing: rule {first.number}: ")
    widened = replace(first, protocol=-1, from_port=-1, to_port=-1, network=ip_network("0.0.0.0/0"))
    found = site.findings(acls=(default, replace(own, rules=(widened, *rest))))["directory-acl-rules"]
    assert found.found.startswith(f"changed: rule {first.number}: ")
    assert "where the plan has rule" in found.found
    denial = replace(widened, number=1, allows=False)
    found = site.findings(acls=(default, replace(own, rules=(denial, *own.rules))))
    assert found["directory-acl-rules"].found.startswith("unexpected: rule 1: ")
    assert "denies everything" in found["directory-acl-rules"].found
    assert "is dropped by the network ACL" in found["directory-traffic"].found
    assert site.findings(acls=(default,))["directory-acl"].found.startswith("no such ACL; ")


TAG = "aws ec2 create-tags --resources vol-DC1 --tags Key=Role,Value=DomainController --region eu-west-1"
REPLACE = "replace what cannot be changed: docs/domain-controllers.md, Replacing a controller"


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        ({"MetadataOptions": {**IMDS, "HttpTokens": "optional"}}, "IMDSv1 is allowed", REPAIR),
        (
            {"MetadataOptions": {**IMDS, "HttpEndpoint": "disabled"}},
            "instance metadata is off, which SSM Agent needs",
            REPAIR,
        ),
        (
            {"MetadataOptions": {**IMDS, "HttpPutResponseHopLimit": 2}},
            "instance metadata responses travel 2 hops",
            REPAIR,
        ),
        ({"InstanceType": "t3.small"}, "instance type t3.small", REPAIR),
        ({"SourceDestCheck": False}, "the source/destination check is off", REPAIR),
        ({"public": {"198.51.100.7": ""}}, "public address 198.51.100.7", REPLACE),
        ({"protected": False}, "termination protection off", REPAIR),
        ({"SecurityGroups": [{"GroupId": "sg-9"}]}, "security groups: lacks sg-0 and has sg-9 besides", REPAIR),
        ({"SubnetId": "subnet-b"}, "in subnet-b", REPLACE),
        ({"IamInstanceProfile": {}}, "instance profile none", REPAIR),
        ({"Tags": [{"Key": "Name", "Value": "DC1"}], "protected": None}, "lacks the tag Role", REPAIR),
        ({"volumes": (volume(Encrypted=False),)}, "vol-DC1 is not encrypted", REPLACE),
        ({"volumes": (volume(KmsKeyId="arn:other"),)}, "vol-DC1 is encrypted with arn:other", REPLACE),
        ({"volumes": (volume(Tags=[]),)}, "vol-DC1 lacks the tag Role", TAG),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else None,
)
def test_controller_fault_is_reported_with_remedy(change: dict[str, Any], said: str, remedy: str) -> None:
    found = case().findings(controllers=changed_controllers(**change))
    assert {check: each.found for check, each in found.items()} == {"directory-controller-DC1": f"i-DC1: {said}"}
    assert found["directory-controller-DC1"].remedy == remedy


def test_missing_duplicate_and_stopped_controllers_are_reported() -> None:
    site = case()
    first, second = known(site.live.controllers)
    watching = {"directory-alert-state", "directory-alert-commands", "directory-alert-sessions-started"}
    watching |= {"directory-alert-network"}
    gone = site.findings(controllers=(second,))
    assert gone["directory-controller-DC1"].found == "no such instance"
    assert set(gone) == {"directory-controller-DC1", *watching}
    twice = site.findings(controllers=(*changed_controllers(InstanceId="i-x"), first))
    assert twice["directory-controller-DC1"].found == "2 instances: i-x, i-DC1"
    stopped = site.findings(controllers=changed_controllers(State={"Name": "stopped"}))
    assert {check: each.status for check, each in stopped.items()} == {"directory-controller-DC1-state": "warning"}


def changed_flow_log(**change: Any) -> dict[str, Any]:
    first, *others = known(case().live.flow_logs)
    return {"flow_logs": [{**first, **change}, *others]}


def without_first_endpoint() -> dict[str, Any]:
    live = endpoints()
    assert not isinstance(live.endpoints, ReadFailure)
    return {"endpoints": replace(live, endpoints=live.endpoints[1:])}


MONITORING: list[tuple[dict[str, Any], str, str]] = [
    ({"flow_logs": ()}, "directory-flow-logs", "none of a; none of b"),
    (changed_flow_log(TrafficType="REJECT"), "directory-flow-logs", "none of a"),
    (changed_flow_log(DeliverLogsPermissionArn="arn:other"), "directory-flow-logs", "none of a"),
    (
        changed_flow_log(DeliverLogsErrorMessage="Access error"),
        "directory-flow-logs",
        "fl-a of a does not deliver: Access error",
    ),
    ({"flow_logs_role": None}, "directory-flow-logs-role", "no such role"),
    ({"log_group": None}, "directory-flow-log-group", "no such log group"),
    ({"log_group": LogGroupFacts(retention_days=None, kms_key_arn=None)}, "directory-flow-log-group", "kept forever; "),
    ({"topic": None}, "directory-topic", "no such topic"),
    ({"topic": replace(TOPIC, key="alias/aws/sns")}, "directory-topic", "encrypted with alias/aws/sns"),
    ({"topic": replace(TOPIC, policy={})}, "directory-topic-policy", "Version: "),
    ({"topic": replace(TOPIC, subscriptions=())}, "directory-subscriptions", f"not subscribed: {EMAIL}"),
    (
        {"topic": replace(TOPIC, subscriptions=(replace(CONFIRMED, arn=""),))},
        "directory-subscriptions",
        f"not confirmed: {EMAIL}",
    ),
    ({"key": None}, "directory-key", "no such alias"),
    ({"key": replace(KEY, rotates=False, policy=CONTROLLERS_POLICY)}, "directory-key-rotation", "rotation is off"),
    ({"key": replace(KEY, policy={})}, "directory-key-policy", "Version: "),
    (
        {"monitoring_key": replace(KEY, state="Disabled", rotates=None, policy=MONITORING_POLICY)},
        "directory-monitoring-key",
        "k, Disabled",
    ),
    ({"monitoring_key": replace(KEY, policy={})}, "directory-monitoring-key-policy", "Version: "),
    (
        {"failures": {inventory.rule_sender("r"): 3}},
        "directory-alert-delivery",
        "rule r failed to deliver 3 in 24 hours",
    ),
    (without_first_endpoint(), "directory-endpoint-ec2", "no such endpoint"),
]


@pytest.mark.parametrize(("change", "check", "said"), MONITORING)
def test_key_and_monitoring_faults_are_reported(change: dict[str, Any], check: str, said: str) -> None:
    found = case().findings(**change)
    assert set(found) == {check}
    assert found[check].found.startswith(said)
    assert found[check].remedy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "no such rule"),
        ({"state": "DISABLED"}, "it is disabled"),
        ({"pattern": "{}"}, "its pattern differs"),
        ({"targets": ()}, "it does not send to "),
    ],
)
def test_alert_fault_is_reported(change: dict[str, Any] | None, said: str) -> None:
    site = case()
    name = names.alert_rule_name("network")
    rules = dict(known(site.live.rules))
    before = rules.pop(name)
    found = site.findings(rules=rules if change is None else rules | {name: replace(before, **change)})
    assert set(found) == {"directory-alert-network"}
    assert found["directory-alert-network"].found.startswith(said)


def test_pattern_in_another_order_is_ok() -> None:
    site = case()
    name = names.alert_rule_name("state")
    before = known(site.live.rules)[name]
    pattern = json.loads(before.pattern)
    turned = {**pattern, "detail": {"instance-id": list(reversed(pattern["detail"]["instance-id"]))}}
    rules = {**known(site.live.rules), name: replace(before, pattern=json.dumps(turned))}
    assert site.findings(rules=rules) == {}


def principals(*arns: str) -> dict[str, Any]:
    return {"Statement": [{"Condition": {"ArnLike": {"aws:PrincipalArn": list(arns)}}}]}


ROLE_STEM = f"arn:aws:iam::{ACCOUNT}:role/"


@pytest.mark.parametrize(
    ("policy", "taken"),
    [
        (principals(DEPLOYER), [DEPLOYER]),
        (
            principals(f"{ROLE_STEM}Deployer", f"{ROLE_STEM}*/Deployer"),
            [f"{ROLE_STEM}*/Deployer", f"{ROLE_STEM}Deployer"],
        ),
        (principals(DEPLOYER, f"{ROLE_STEM}Other"), []),
        (principals(f"{ROLE_STEM}*"), []),
        (principals(f"{ROLE_STEM}*/Deployer"), []),
        (principals(), []),
    ],
)
def test_deployer_is_the_one_principal_besides_the_team(policy: dict[str, Any], taken: list[str]) -> None:
    assert deployers_of(case().wanted, policy) == taken


BUCKET_NAME = f"shell-access-trail-{ACCOUNT}-{REGION}"
CONFIGURATION = {
    "IsMultiRegionTrail": True,
    "S3BucketName": BUCKET_NAME,
    "IncludeGlobalServiceEvents": True,
    "LogFileValidationEnabled": True,
    "KmsKeyId": KEY.arn,
}
OWN_TRAIL = inventory.TrailFacts(logging=True, configuration=CONFIGURATION, errors={}, records_writes=True)
FOREIGN_TRAIL = replace(OWN_TRAIL, configuration={"IsMultiRegionTrail": False})


@pytest.mark.parametrize(
    ("live", "existing", "said", "remedy"),
    [
        (OWN_TRAIL, "", "", ""),
        (FOREIGN_TRAIL, "org", "", ""),
        (
            replace(OWN_TRAIL, configuration={**CONFIGURATION, "IsMultiRegionTrail": False}),
            "",
            "of one Region only",
            REPAIR,
        ),
        (replace(OWN_TRAIL, logging=False), "", "it does not record", "start-logging --name shell-access"),
        (
            replace(FOREIGN_TRAIL, records_writes=False),
            "org",
            "its event selectors exclude management events",
            "put-event-selectors --trail-name org",
        ),
        (
            replace(OWN_TRAIL, configuration={**CONFIGURATION, "LogFileValidationEnabled": False}),
            "",
            "LogFileValidationEnabled: True expected, False found",
            REPAIR,
        ),
        (None, "", "no such trail", REPAIR),
        (None, "org", "no such trail", "correct shell-access:domainControllers.monitoring.existingTrail"),
    ],
)
def test_trail_has_to_record(live: inventory.TrailFacts | None, existing: str, said: str, remedy: str) -> None:
    wanted = case(SECTION | {"monitoring": {"existingTrail": existing}}).wanted
    finding, *delivery = trail_findings(wanted, live, KEY)
    assert finding.status == ("different" if said else "ok")
    assert not said or finding.found == said
    assert remedy in (finding.remedy or "")
    assert [each.status for each in delivery] == (["ok"] if live else [])


@pytest.mark.parametrize("existing", ["", "org"])
@pytest.mark.parametrize(
    "error",
    [
        *("LatestDeliveryError", "LatestDigestDeliveryError", "LatestNotificationError"),
        "LatestCloudWatchLogsDeliveryError",
    ],
)
def test_trail_that_does_not_deliver_is_different(error: str, existing: str) -> None:
    wanted = case(SECTION | {"monitoring": {"existingTrail": existing}}).wanted
    _, delivery = trail_findings(wanted, replace(OWN_TRAIL, errors={error: "AccessDenied"}), KEY)
    assert delivery.status == "different"
    assert delivery.found.endswith(": AccessDenied")


BUCKET = inventory.OwnBucketFacts(
    policy=resource_policies.trail_bucket_policy(SCOPE, "shell-access", BUCKET_NAME),
    encryption=("aws:kms", KEY.arn),
    open_to_public=(),
    versioning="Enabled",
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"policy": None}, {"directory-trail-bucket-policy": "different"}),
        ({"policy": REFUSED}, {"directory-trail-bucket-policy": "cannotTell"}),
        ({"encryption": ("AES256", "")}, {"directory-trail-bucket-encryption": "different"}),
        ({"encryption": ("aws:kms", "arn:other")}, {"directory-trail-bucket-encryption": "different"}),
        ({"encryption": REFUSED}, {"directory-trail-bucket-encryption": "cannotTell"}),
        ({"open_to_public": ("BlockPublicAcls",)}, {"directory-trail-bucket-public-access": "different"}),
        ({"open_to_public": REFUSED}, {"directory-trail-bucket-public-access": "cannotTell"}),
        ({"versioning": "Suspended"}, {"directory-trail-bucket-versioning": "different"}),
        ({"versioning": ""}, {"directory-trail-bucket-versioning": "different"}),
        ({"versioning": REFUSED}, {"directory-trail-bucket-versioning": "cannotTell"}),
    ],
)
def test_trail_bucket_reports_each_difference(change: dict[str, Any], expected: dict[str, str]) -> None:
    site = case().wanted
    found = own_bucket_findings(site.deployment, desired_bucket(site), replace(BUCKET, **change), KEY)
    assert {each.check: each.status.value for each in found if each.status != "ok"} == expected


READ = (
    *("groups", "lists", "entries", "acls", "controllers", "key", "monitoring_key", "flow_logs", "flow_logs_role"),
    *("log_group", "topic", "rules", "failures"),
)


@pytest.mark.parametrize("name", READ)
def test_unread_resource_is_neither_ok_nor_different(name: str) -> None:
    found = case(MANY_CLIENTS).findings(**{name: REFUSED})
    assert found
    assert {each.status.value for each in found.values()} == {"cannotTell"}
    assert {(each.found, each.remedy) for each in found.values()} == {("ec2:Describe: refused: no", "allow it")}


def test_partly_unread_resource_reports_that_part() -> None:
    site = case()
    first, second = known(site.live.controllers)
    found = site.findings(controllers=(replace(first, volumes=REFUSED), replace(second, protected=REFUSED)))
    assert {check: each.status.value for check, each in found.items()} == {
        "directory-controller-DC1": "cannotTell",
        "directory-controller-DC2": "cannotTell",
    }
    name = names.alert_rule_name("state")
    rules = {**known(site.live.rules), name: replace(known(site.live.rules)[name], targets=REFUSED)}
    found = site.findings(rules=rules)
    assert {check: each.status.value for check, each in found.items()} == {"directory-alert-state": "cannotTell"}


WITH_VOLUME = {"name": "DC1", "subnet": "a", "volumes": [{"deviceName": "xvdb", "size": 20}]}
DATA = {"VolumeId": "vol-data", "Device": "xvdb", "Size": 20}


@pytest.mark.parametrize(
    ("volumes", "said", "remedy"),
    [
        ([volume(**DATA)], "", ""),
        ([], "no volume is attached as xvdb", REPAIR),
        ([volume(**DATA, VolumeType="gp2")], "vol-data is of type gp2", REPAIR),
        ([volume(**DATA | {"Size": 10})], "vol-data has 10 GiB, not 20", REPAIR),
        (
            [volume(**DATA | {"Size": 30})],
            "vol-data has 30 GiB, not 20",
            "set size: 30 for xvdb in shell-access:domainControllers.sites",
        ),
        ([volume(**DATA), volume(VolumeId="vol-own", Device="xvdc", Size=500)], "", ""),
    ],
)
def test_volume_reports_each_difference(volumes: list[dict[str, Any]], said: str, remedy: str) -> None:
    second = {"name": "DC2", "subnet": "b"}
    sites = {REGION: {"vpc": "directory", "subnets": ["a", "b"], "controllers": [WITH_VOLUME, second]}}
    site = case(SECTION | {"sites": sites})
    found = site.findings(controllers=changed_controllers(site, volumes=(volume(), *volumes)))
    expected = {"directory-controller-DC1": f"i-DC1: {said}"} if said else {}
    assert {check: each.found for check, each in found.items()} == expected
    assert [each.remedy for each in found.values()] == ([remedy] if remedy else [])
