"""The settings: each wrong value gets its one clear error."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import count, islice
from typing import Any

import pytest

from common.network import Family
from common.problems import SettingsError
from components.domain_controllers import settings
from components.domain_controllers.cross_checks import read_domain_controllers, warnings
from components.domain_controllers.planner import Quotas
from components.domain_controllers.port_tables import Options, Profile, load_tables
from components.domain_controllers.settings import DomainControllersSection, known_addresses, sources
from components.domain_controllers.traffic_requirements import (
    Direction,
    PeerGroup,
    Sources,
    TrafficRequirement,
    prefix_list_peer,
    traffic_requirements,
)
from components.settings import Settings
from tests.support.work import work_of

REGIONS = ("eu-west-1", "us-east-1")
DESIGN: dict[str, Any] = {
    "profile": "post",
    "ldaps": True,
    "dns": True,
    "replicationPort": None,
    "clients": {"offices": ["10.10.0.0/16"], "aws": ["10.20.0.0/16"]},
    "onPremisesDomainControllers": ["10.1.0.10/32"],
    "managementAccess": "session-manager",
    "bastionSecurityGroupIds": [],
    "sites": {"eu-west-1": {"vpc": "directory", "subnets": ["directory-a", "directory-b"], "controllers": []}},
}
CONTROLLER = {"name": "DC1", "subnet": "directory-a"}
DC2 = {"name": "DC2", "subnet": "directory-b"}
OWN_IMAGES: list[dict[str, Any]] = [
    CONTROLLER | {"imageId": "ami-01234567", "imageParameter": "/aws/service/ami-windows-latest/other"},
    DC2 | {"imageId": "ami-01234567"},
]


def read(**changes: Any) -> DomainControllersSection:
    section, problems = read_domain_controllers({**DESIGN, **changes}, REGIONS)
    assert problems == []
    assert section
    return section


def problems(**changes: Any) -> dict[str, str]:
    _, found = read_domain_controllers({**DESIGN, **changes}, REGIONS)
    prefix = "shell-access:domainControllers."
    return {each.key.removeprefix(prefix): each.message for each in found}


def test_wrong_site_hides_no_problem_and_causes_no_other() -> None:
    bucket = {
        "bucketName": "backups",
        "bucketOwner": "999988887777",
        "kmsKeyArn": "arn:aws:kms:eu-west-1:999988887777:key/k",
    }
    secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:directory/a-a1B2c3"
    of_the_site = {"administratorArn": secret, "restoreModeArn": f"{secret[:-1]}Z", "kmsKeyArn": bucket["kmsKeyArn"]}
    promotion = {"domain": "corp.example.com", "partners": ["10.1.0.10"], "secrets": {"eu-west-1": of_the_site}}
    changes: dict[str, Any] = {
        "backups": {"buckets": {"eu-west-1": bucket}},
        "promotion": promotion,
        "resolverEndpoints": {"domains": ["corp.example.com"], "sites": {"eu-west-1": {"vpcs": ["workloads"]}}},
        "clients": {"offices": ["10.10.0.0/16", "10.10.1.0/24"]},
    }
    assert list(problems(**changes, sites={"eu-west-1": {"vpc": 5, "subnets": ["a"]}})) == [
        "sites.eu-west-1.vpc",
        "clients.offices",
    ]
    without_sites = problems(**changes, sites={})
    assert (
        "expected a site that creates controllers (none), got eu-west-1" in without_sites["backups.buckets.eu-west-1"]
    )
    assert {"resolverEndpoints.sites.eu-west-1", "promotion.secrets.eu-west-1"} <= without_sites.keys()


def test_section_of_the_design_is_read() -> None:
    section = read()
    assert section.options == Options(profile=Profile.POST)
    assert section.group_quotas == Quotas()
    assert sources(section, "eu-west-1", site_networks={}) == Sources(
        on_premises=(ip_network("10.1.0.10/32"),),
        clients={"offices": (ip_network("10.10.0.0/16"),), "aws": (ip_network("10.20.0.0/16"),)},
    )


def test_empty_section_has_defaults() -> None:
    section, found = read_domain_controllers({}, REGIONS)
    assert found == []
    assert section == DomainControllersSection()


def test_every_field_says_what_it_means_and_what_is_allowed() -> None:
    kinds = [each for each in vars(settings).values() if isinstance(each, type) and issubclass(each, settings.Section)]
    for kind in kinds:
        for name, field in kind.model_fields.items():
            assert field.description, name
            assert field.json_schema_extra, name


SITE = DESIGN["sites"]["eu-west-1"]
NETWORKS = "of addresses that single hosts may have, got"
LEFT_OUT = "leave it out for the dynamic range, got"
OVERLAP = "expected networks that do not overlap, got"
ZONES = "in subnets of at least two Availability Zones, got"


def at_site(**more: Any) -> dict[str, Any]:
    return {"sites": {"eu-west-1": SITE | more}}


def clients(**networks: list[str]) -> dict[str, Any]:
    return {"clients": networks}


def prefix_list(**more: Any) -> dict[str, Any]:
    return {"clientPrefixLists": {"partners": {"id": "pl-0123abcd", "maxEntries": 7} | more}}


BASTION = {"managementAccess": "bastion", "bastionNetworks": ["10.9.0.0/24"]}
GROUPS = {"bastionSecurityGroupIds": ["sg-0123abcd"]}
NO_GROUPS = "expected at least one ID, as managementAccess is bastion, got []."
NOT_EMPTY = 'expected an empty list, as managementAccess is session-manager, got ["sg-0123abcd"].'
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "host bits": (clients(offices=["10.10.3.4/16"]), "clients.offices[0]", f'{NETWORKS} "10.10.3.4/16".'),
    "not canonical": (clients(offices=["2001:DB8::/48"]), "clients.offices[0]", f'{NETWORKS} "2001:DB8::/48".'),
    "the internet": (clients(all=["0.0.0.0/0"]), "clients.all[0]", f'{NETWORKS} "0.0.0.0/0".'),
    "half the internet": (
        {"onPremisesDomainControllers": ["128.0.0.0/1"]},
        "onPremisesDomainControllers[0]",
        "of /8 or longer",
    ),
    "all of IPv6": (clients(all=["::/0"]), "clients.all[0]", f'{NETWORKS} "::/0".'),
    "overlap": (
        clients(offices=["10.10.0.0/16"], aws=["10.10.1.0/24"]),
        "clients.aws",
        f'{OVERLAP} "10.10.1.0/24", which is within 10.10.0.0/16 of offices.',
    ),
    "twice": (
        clients(offices=["10.10.0.0/16"], aws=["10.10.0.0/16"]),
        "clients.offices",
        f'{OVERLAP} "10.10.0.0/16", which repeats 10.10.0.0/16 of aws.',
    ),
    "overlap of IPv6": (
        clients(six=["2001:db8::/32", "2001:db8:1::/48"]),
        "clients.six",
        f'{OVERLAP} "2001:db8:1::/48", which is within 2001:db8::/32 of six.',
    ),
    "overlap on premises": (
        {"onPremisesDomainControllers": ["10.1.0.0/24", "10.1.0.10/32"]},
        "onPremisesDomainControllers",
        f'{OVERLAP} "10.1.0.10/32", which is within 10.1.0.0/24.',
    ),
    "bastion without groups": (BASTION, "bastionSecurityGroupIds", NO_GROUPS),
    "site of bastions without groups": (
        BASTION | {"sites": {"eu-west-1": SITE | GROUPS, "us-east-1": SITE}},
        "sites.us-east-1.bastionSecurityGroupIds",
        NO_GROUPS,
    ),
    "groups of a site without bastion": (at_site(**GROUPS), "sites.eu-west-1.bastionSecurityGroupIds", NOT_EMPTY),
    "prefix list of a site for no clients": (
        at_site(clientPrefixListIds={"x": "pl-0123abcd"}),
        "sites.eu-west-1.clientPrefixListIds.x",
        'expected a name of clientPrefixLists, got "x".',
    ),
    "bastion without networks": (
        {"managementAccess": "bastion"} | GROUPS,
        "bastionNetworks",
        "expected the bastion hosts' subnets, as there is a network ACL, got [].",
    ),
    "groups without bastion": (GROUPS, "bastionSecurityGroupIds", NOT_EMPTY),
    "prefix list of unknown networks": (
        prefix_list(),
        "clientPrefixLists.partners.networks",
        "expected the networks of the prefix list, as there is a network ACL, got [].",
    ),
    "more networks than entries": (
        prefix_list(maxEntries=1, networks=["10.50.0.0/16", "10.52.0.0/16"]),
        "clientPrefixLists.partners.networks",
        "expected at most 1 networks, its maxEntries, got 2.",
    ),
    "network of another family": (
        prefix_list(networks=["2001:db8::/48"]),
        "clientPrefixLists.partners.networks[0]",
        'expected networks of IPv4, its addressFamily, got "2001:db8::/48".',
    ),
    "prefix list of two names": (
        {
            "clientPrefixLists": {
                name: {"id": "pl-0123abcd", "maxEntries": 7, "networks": ["10.50.0.0/16"]} for name in "ab"
            }
        },
        "clientPrefixLists.b.id",
        'expected another prefix list than that of a, got "pl-0123abcd".',
    ),
    "no prefix list": (
        prefix_list(id="partners", networks=["10.50.0.0/16"]),
        "clientPrefixLists.partners.id",
        'expected an id such as pl-0123456789abcdef0, got "partners".',
    ),
    "no group": (
        {"bastionSecurityGroupIds": ["bastion"]},
        "bastionSecurityGroupIds[0]",
        'expected a list of ids such as sg-0123456789abcdef0, got "bastion".',
    ),
    "profile": (
        {"profile": "old"},
        "profile",
        'expected one of post, modern, netbios, windows-server-2025, got "old".',
    ),
    "port of another row": (
        {"replicationPort": 3268},
        "replicationPort",
        "expected a port that no row has, got 3268, which is for LDAP Global Catalog (GC).",
    ),
    "port too low": ({"replicationPort": 389}, "replicationPort", f"{LEFT_OUT} 389."),
    "port as text": ({"replicationPort": "50000"}, "replicationPort", f'{LEFT_OUT} "50000".'),
    "Netlogon alone": (
        {"netlogonPort": 50001},
        "netlogonPort",
        "expected a port only together with replicationPort, got 50001.",
    ),
    "Netlogon the same": (
        {"replicationPort": 50000, "netlogonPort": 50000},
        "netlogonPort",
        "expected a port other than that of replicationPort, got 50000.",
    ),
    "DFSR alone": ({"dfsrPort": 50002}, "dfsrPort", "expected a port only together with replicationPort, got 50002."),
    "DFSR as Netlogon": (
        {"replicationPort": 50000, "netlogonPort": 50001, "dfsrPort": 50001},
        "dfsrPort",
        "expected a port other than that of netlogonPort, got 50001.",
    ),
    "DFSR on a port of another row": (
        {"replicationPort": 50000, "dfsrPort": 9389},
        "dfsrPort",
        "expected a port that no row has, got 9389, which is for SOAP.",
    ),
    "quotas beyond the maximum": (
        {"quotas": {"rulesPerSecurityGroup": 250}},
        "quotas",
        "expected rules times groups of at most 1000, which is the most that AWS grants, got 250 x 5 = 1250.",
    ),
    "ACL quota": (
        {"quotas": {"rulesPerNetworkAcl": 41}},
        "quotas.rulesPerNetworkAcl",
        "expected a whole number from 20 to 40, got 41.",
    ),
    "foreign Region": (
        {"sites": {"ap-south-1": {"vpc": "d", "subnets": ["a"]}}},
        "sites.ap-south-1",
        "is not one of the stack's Regions (eu-west-1, us-east-1)",
    ),
    "one controller": (
        at_site(controllers=[CONTROLLER]),
        "sites.eu-west-1.controllers",
        f"{ZONES} 1 in directory-a. Add a controller",
    ),
    "one subnet": (
        at_site(controllers=[CONTROLLER, CONTROLLER | {"name": "DC2"}]),
        "sites.eu-west-1.controllers",
        f"{ZONES} 2 in directory-a. ",
    ),
    "same name": (
        at_site(controllers=[CONTROLLER, DC2 | {"name": "dc1"}]),
        "sites.eu-west-1.controllers[1].name",
        'expected a name that no other controller has, got "dc1".',
    ),
    "subnet of no site": (
        at_site(controllers=[CONTROLLER, {"name": "DC2", "subnet": "elsewhere"}]),
        "sites.eu-west-1.controllers[1].subnet",
        'expected one of directory-a, directory-b, got "elsewhere".',
    ),
    "unknown instance type": (
        at_site(controllers=[CONTROLLER, DC2 | {"instanceType": "m6i.enormous"}]),
        "sites.eu-west-1.controllers[1].instanceType",
        'the installed AWS SDK for Python knows, got "m6i.enormous". If the type is new, upgrade boto3',
    ),
    "device given twice": (
        at_site(controllers=[CONTROLLER, DC2 | {"volumes": [{"deviceName": "xvdb", "size": 20}] * 2}]),
        "sites.eu-west-1.controllers[1].volumes",
        'expected each deviceName once, got ["xvdb", "xvdb"].',
    ),
    "unknown key": ({"client": {}}, "client", "unknown key; did you mean clients?"),
}


@pytest.mark.parametrize(("changes", "key", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_gets_its_one_clear_error(changes: dict[str, Any], key: str, said: str) -> None:
    found = problems(**changes)
    assert list(found) == [key]
    assert said in found[key]


def test_everything_wrong_is_said_at_once() -> None:
    found = problems(profile="old", clients={"a": ["10.0.0.1/8"]}, netlogonPort=50001)
    assert set(found) == {"profile", "clients.a[0]", "netlogonPort"}


def test_a_site_admits_the_others_and_not_itself() -> None:
    networks = {"eu-west-1": [ip_network("10.20.1.0/24")], "us-east-1": [ip_network("10.30.1.0/24")]}
    assert dict(sources(read(), "eu-west-1", site_networks=networks).sites) == {"us-east-1": networks["us-east-1"]}


def test_client_prefix_lists_count_maximum_and_fill_the_acl() -> None:
    partners = {"id": "pl-0123abcd", "maxEntries": 7, "networks": ["10.50.0.0/16"]}
    section = read(clientPrefixLists={"partners": partners})
    assert sources(section, "eu-west-1", site_networks={}).client_prefix_lists == {
        "partners": prefix_list_peer("pl-0123abcd", Family.IPV4, 7)
    }
    assert known_addresses(section, [ip_network("10.20.1.0/24")]) == {
        "itself": (ip_network("10.20.1.0/24"),),
        "resolver-endpoints": (ip_network("10.20.1.0/24"),),
        "pl-0123abcd": (ip_network("10.50.0.0/16"),),
    }


def test_site_has_its_own_groups_and_prefix_lists() -> None:
    own = {"bastionSecurityGroupIds": ["sg-0fedcba9"], "clientPrefixListIds": {"partners": "pl-0fedcba9"}}
    section = read(
        managementAccess="bastion",
        bastionSecurityGroupIds=["sg-0123abcd"],
        bastionNetworks=["10.9.0.0/24"],
        clientPrefixLists={"partners": {"id": "pl-0123abcd", "maxEntries": 7, "networks": ["10.50.0.0/16"]}},
        sites={"eu-west-1": SITE, "us-east-1": SITE | own},
    )
    for region, end in (("eu-west-1", "0123abcd"), ("us-east-1", "0fedcba9")):
        found = sources(section, region, site_networks={})
        assert found.bastions == (f"sg-{end}",)
        assert found.client_prefix_lists == {"partners": prefix_list_peer(f"pl-{end}", Family.IPV4, 7)}
        addresses = known_addresses(section, ())
        assert addresses[f"sg-{end}"] == (ip_network("10.9.0.0/24"),)
        assert addresses[f"pl-{end}"] == (ip_network("10.50.0.0/16"),)


def test_reading_of_networks_grows_in_proportion_to_them() -> None:
    # Others each time, as a network is validated once.
    networks = (str(ip_network((0x0A000000 + (each << 9), 24))) for each in count())

    def read_networks(number: int) -> None:
        clients = {"branches": list(islice(networks, number))}
        assert len(read(clients=clients).clients["branches"]) == number

    read_networks(100)
    fewer = work_of(lambda: read_networks(1_000))
    assert work_of(lambda: read_networks(4_000)) < 5 * fewer


AUTHORITY = {"reason": "Certificates of controllers", "networks": ["10.1.0.20/32"], "ports": ["rpc", "tcp/443"]}


def test_additional_peers_are_read_with_their_ports() -> None:
    monitoring = {"reason": "Monitoring", "networks": ["10.9.0.0/24"], "ports": ["udp/161", "icmp", "esp"]}
    section = read(additionalDestinations={"authority": AUTHORITY}, additionalSources={"monitoring": monitoring})
    found = sources(section, "eu-west-1", site_networks={})
    (destination,), (source,) = found.additional_destinations, found.additional_sources
    assert [(each.protocol, each.first, each.last) for each in destination.ports] == [
        *(("tcp", 135, 135), ("tcp", 49152, 65535), ("tcp", 443, 443))
    ]
    assert [(each.protocol, each.first) for each in source.ports] == [("udp", 161), ("icmp", 8), ("50", -1)]
    assert destination.ports[0].origin == "additionalDestinations.authority: TCP 135"
    assert destination.ports[0].description == "Certificates of controllers"


@pytest.mark.parametrize(
    ("ports", "key"),
    [
        (["tcp/3389"], "ports[0]"),
        (["tcp/443", "tcp/5900-5990"], "ports[1]"),
        (["tcp/22"], "ports[0]"),
    ],
)
def test_additional_source_cannot_administer_controllers(ports: list[str], key: str) -> None:
    found = problems(additionalSources={"jump": AUTHORITY | {"ports": ports}})
    assert list(found) == [f"additionalSources.jump.{key}"]
    assert "managementAccess" in found[f"additionalSources.jump.{key}"]
    assert problems(additionalDestinations={"jump": AUTHORITY | {"ports": ports}}) == {}


@pytest.mark.parametrize(
    "port", ["443", "tcp/0", "tcp/70000", "tcp/90-80", "tcp/80-80", "tcp/1-65535", "sctp/80", "tcp/080", "all", 443]
)
def test_wrong_additional_port_is_named(port: object) -> None:
    found = problems(additionalDestinations={"authority": AUTHORITY | {"ports": [port]}})
    assert list(found) == ["additionalDestinations.authority.ports[0]"]
    assert "tcp/5000-5010" in next(iter(found.values()))


def test_wrong_additional_peers_are_all_named() -> None:
    wrong = {"reason": "", "networks": ["10.0.0.0/24", "10.0.0.0/25"], "ports": []}
    found = problems(additionalDestinations={"a": wrong, "b": AUTHORITY | {"networks": ["0.0.0.0/0"]}})
    assert {"additionalDestinations.a.reason", "additionalDestinations.a.ports"} <= set(found)
    assert "additionalDestinations.b.networks[0]" in found


def test_wins_needs_a_profile_with_netbios() -> None:
    assert "netbios or modern" in problems(profile="windows-server-2025", wins=True)["wins"]
    assert problems(profile="modern", wins=True) == {}


def test_read_only_controllers_are_admitted_and_not_called() -> None:
    found = required(read(readOnlyDomainControllers=["10.5.0.10/32"]))
    of_theirs = [each for each in found if each.peer_group is PeerGroup.READ_ONLY]
    assert [each.direction for each in of_theirs] == [Direction.INGRESS]
    assert [each.peer.value for each in of_theirs[0].sources] == ["10.5.0.10/32"]


def required(section: DomainControllersSection) -> tuple[TrafficRequirement, ...]:
    return traffic_requirements(load_tables(), section.options, sources(section, "eu-west-1", site_networks={}))


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, []),
        ({"profile": "modern", "icmpEcho": True}, []),
        ({"profile": "modern"}, ["icmpEcho"]),
        ({"replicationPort": 50000}, ["netlogonPort"]),
        ({"replicationPort": 50000, "netlogonPort": 50001}, []),
        ({"profile": "windows-server-2025", "ldaps": False}, ["icmpEcho", "ldaps"]),
        ({"sites": {}}, ["sites"]),
        ({"dedicatedAccount": True}, ["dedicatedAccount"]),
        ({"dedicatedAccount": True, "administratorRoles": ["Directory"]}, []),
        ({"health": {}, "patching": {}, "eventLogs": {"enabled": False}}, ["health", "patching"]),
        ({"networkAcl": False, "quotas": {"rulesPerNetworkAcl": 40}}, ["rulesPerNetworkAcl"]),
        (
            {
                "networkAcl": False,
                "managementAccess": "bastion",
                "bastionSecurityGroupIds": ["sg-01234567"],
                "bastionNetworks": ["10.9.0.0/24"],
                "requireMfa": True,
            },
            ["bastionNetworks", "requireMfa"],
        ),
        (at_site(controllers=OWN_IMAGES), ["imageParameter"]),
    ],
    ids=str,
)
def test_warnings_name_settings_that_are_usually_mistakes(changes: dict[str, Any], warned: list[str]) -> None:
    assert [each.key.rpartition(".")[2] for each in warnings(read(**changes))] == warned


RESOLVER: dict[str, Any] = {
    "domains": ["corp.example.com"],
    "shareWith": ["111122223333", "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-abcd-12345678"],
    "sites": {"eu-west-1": {"vpcs": ["workloads"], "controllerAddresses": ["10.30.0.10"]}},
}


def test_resolver_endpoints_are_peers_of_controllers() -> None:
    inbound = RESOLVER | {"sites": {"eu-west-1": RESOLVER["sites"]["eu-west-1"] | {"inboundSources": ["10.1.0.53/32"]}}}
    section = read(resolverEndpoints=inbound)
    found = sources(section, "eu-west-1", site_networks={})
    assert found.has_resolver
    assert [str(each) for each in found.resolver_clients] == ["10.1.0.53/32"]
    assert not sources(section, "us-east-1", site_networks={}).has_resolver
    of_resolver = [each for each in required(section) if each.peer_group is PeerGroup.RESOLVER_ENDPOINTS]
    assert {(port.protocol, port.first) for each in of_resolver for port in each.ports} == {("tcp", 53), ("udp", 53)}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"domains": []}, "domains"),
        ({"domains": ["Corp.example.com"]}, "domains[0]"),
        ({"domains": ["eu-west-1.amazonaws.com"]}, "domains[0]"),
        ({"domains": ["corp.example.com."]}, "domains[0]"),
        ({"shareWith": ["*"]}, "shareWith[0]"),
        ({"shareWith": ["arn:aws:iam::111122223333:role/x"]}, "shareWith[0]"),
        ({"sites": {}}, "sites"),
        ({"sites": {"us-east-1": {"controllerAddresses": ["10.30.0.10"]}}}, "sites.us-east-1"),
        ({"sites": {"eu-west-1": {}}}, "sites.eu-west-1.controllerAddresses"),
        ({"sites": {"eu-west-1": {"controllerAddresses": ["8.8.8.8"]}}}, "sites.eu-west-1.controllerAddresses[0]"),
        ({"sites": {"eu-west-1": {"controllerAddresses": ["10.0.0.1"] * 2}}}, "sites.eu-west-1.controllerAddresses"),
        (
            {"sites": {"eu-west-1": {"controllerAddresses": ["10.0.0.1"], "inboundSources": ["2001:db8::/48"]}}},
            "sites.eu-west-1.inboundSources[0]",
        ),
    ],
    ids=str,
)
def test_wrong_resolver_endpoints_are_named(change: dict[str, Any], key: str) -> None:
    assert list(problems(resolverEndpoints=RESOLVER | change)) == [f"resolverEndpoints.{key}"]


def test_inbound_sources_fit_into_a_security_group() -> None:
    def found(number: int, quota: int = 60) -> dict[str, str]:
        site = RESOLVER["sites"]["eu-west-1"] | {"inboundSources": [f"10.{each}.0.0/24" for each in range(number)]}
        quotas = {"rulesPerSecurityGroup": quota}
        return problems(resolverEndpoints=RESOLVER | {"sites": {"eu-west-1": site}}, quotas=quotas)

    assert found(30) == found(31, 62) == {}
    assert found(31).keys() == {"resolverEndpoints.sites.eu-west-1.inboundSources"}


def test_resolver_endpoints_need_dns_servers() -> None:
    assert "dns: false" in problems(dns=False, resolverEndpoints=RESOLVER)["resolverEndpoints"]


def test_image_id_counts_before_the_parameter() -> None:
    def image(**given: str) -> str:
        own = [CONTROLLER | given, DC2]
        section = read(**at_site(controllers=own))
        return section.sites["eu-west-1"].controllers[0].image

    hardened, parameter = "ami-0123456789abcdef0", "/images/hardened"
    assert image(imageId=hardened) == image(imageId=hardened, imageParameter=parameter) == hardened
    assert image(imageParameter=parameter) == parameter


WRONG_PARTS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"monitoring": {"notificationEmails": ["no-address"]}},
        "monitoring.notificationEmails[0]",
        "a list of e-mail addresses",
    ),
    (
        {"monitoring": {"flowLogRetentionDays": 91}},
        "monitoring.flowLogRetentionDays",
        "a number of days that CloudWatch Logs",
    ),
    ({"monitoring": {"existingTrail": "x"}}, "monitoring.existingTrail", "the name or the ARN of a trail"),
    ({"monitoring": {"trail": "x"}}, "monitoring.trail", "unknown key"),
    ({"eventLogs": {"retentionDays": 2}}, "eventLogs.retentionDays", "a number of days that CloudWatch Logs accepts"),
    ({"eventLogs": {"silenceMinutes": 7}}, "eventLogs.silenceMinutes", "a multiple of 5 from 5 to 1440"),
    ({"eventLogs": {"silenceMinutes": 0}}, "eventLogs.silenceMinutes", "a multiple of 5"),
    ({"eventLogs": {"lockoutThreshold": 0}}, "eventLogs.lockoutThreshold", "1 to 10000"),
    ({"eventLogs": {"additionalEvents": {"System": []}}}, "eventLogs.additionalEvents.System", "lists of event IDs"),
    (
        {"eventLogs": {"additionalEvents": {"System": [70000]}}},
        "eventLogs.additionalEvents.System[0]",
        "lists of event IDs",
    ),
    ({"eventLogs": {"additionalEvents": {"a'@b": [1]}}}, 'eventLogs.additionalEvents["a\'@b"]', "a channel name"),
    ({"eventLogs": {"additionalEvents": {"System ": [1]}}}, 'eventLogs.additionalEvents["System "]', "a channel name"),
    ({"eventLogs": {"additionalEvents": {"A": [1], "a": [2]}}}, "eventLogs.additionalEvents", "each once in any case"),
    ({"eventLogs": {"retention": 90}}, "eventLogs.retention", "retentionDays"),
    (
        {"patching": {"hoursBetweenZones": 3, "windowHours": 4}},
        "patching.hoursBetweenZones",
        "at least 4, its windowHours",
    ),
    ({"patching": {"day": "sunday"}}, "patching.day", "SUN"),
    ({"patching": {"day": "SUNDAY"}}, "patching.day", "SUN"),
    ({"patching": {"startHour": 24}}, "patching.startHour", "0 to 23"),
    ({"patching": {"approveAfterDays": -1}}, "patching.approveAfterDays", "0 to 90"),
]


@pytest.mark.parametrize(
    ("part", "key", "allowed"), WRONG_PARTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_wrong_part_names_key_and_what_is_allowed(part: dict[str, Any], key: str, allowed: str) -> None:
    assert allowed in problems(**part)[key]


def test_part_without_a_value_is_absent() -> None:
    assert read(eventLogs=None).event_logs is None
    assert read(eventLogs={"enabled": False}).event_logs is None


def test_absent_or_disabled_section_creates_nothing() -> None:
    regions = {"shell-access:regions": [*REGIONS]}
    assert Settings.load(regions).domain_controllers is None
    disabled = {"shell-access:domainControllers": DESIGN | {"enabled": False}}
    assert Settings.load(regions | disabled).domain_controllers is None


def test_controllers_are_protected_from_termination_by_default() -> None:
    assert read().termination_protection
    assert read().monitoring.flow_log_retention_days == 90


def test_problems_of_all_sections_are_named_at_once() -> None:
    given = {
        "regions": ["eu-west-1"],
        "sessionManager": {"idleSessionTimeout": 90},
        "domainControllers": {"sites": {"us-east-1": SITE}, "replicationPort": 80},
    }
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        Settings.load({f"shell-access:{name}": value for name, value in given.items()})
    assert {each.key for each in refused.value.problems} == {
        "shell-access:sessionManager.idleSessionTimeout",
        "shell-access:domainControllers.replicationPort",
        "shell-access:domainControllers.sites.us-east-1",
    }


@pytest.mark.parametrize("trail", ["organization", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization"])
def test_trail_that_exists_is_named_or_given_by_arn(trail: str) -> None:
    assert read(monitoring={"existingTrail": trail}).monitoring.existing_trail == trail
