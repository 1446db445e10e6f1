"""Reader of `shell-access:domainControllers`, with checks across values that are valid individually."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import split_arn
from common.network import contains, family_of, int_key
from common.problems import Problem, SettingPath, named, shown, unexpected
from common.validation import ineffective, instance_types, read_section
from components.domain_controllers.names import DNS_PROTOCOLS
from components.domain_controllers.operations.settings import BACKUP_DEVICE
from components.domain_controllers.planner import RULES_PER_INTERFACE
from components.domain_controllers.port_tables import (
    Options,
    Port,
    Profile,
    Protocol,
    additional_ports,
    load_tables,
    ports,
)
from components.domain_controllers.settings import (
    TARGETS_PER_RULE,
    DomainControllersSection,
    ManagementAccess,
    SiteSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from common.validation import KeyPaths
    from components.domain_controllers.operations.settings import PromotionSettings
    from components.domain_controllers.settings import ControllerSettings

_ROOT: Final = ("domainControllers",)
_KEYS_BY_SITE: Final = (("resolverEndpoints", "sites"), ("backups", "buckets"), ("promotion", "secrets"))
"""Mappings whose keys are Regions of sites."""

ADMINISTRATION: Final = {
    (Protocol.TCP, 22): "SSH",
    (Protocol.TCP, 3389): "Remote Desktop",
    (Protocol.UDP, 3389): "Remote Desktop",
    (Protocol.TCP, 5985): "Windows Remote Management",
    (Protocol.TCP, 5986): "Windows Remote Management",
}
"""Ports of remote administration, which only managementAccess opens."""


def read_domain_controllers(
    given: Any, regions: Sequence[str], elsewhere: KeyPaths = dict
) -> tuple[DomainControllersSection | None, list[Problem]]:
    """Read the section, including cross-checks. `elsewhere` is that of `read_section`."""
    section, problems, wrong = read_section(DomainControllersSection, given, _ROOT, elsewhere)
    if section is None:
        return None, problems
    found = [each for each in cross_problems(section, regions) if each.path[1] not in wrong]
    if "sites" in wrong:
        # None of them could be read, so that every key by site would seem to have none.
        found = [each for each in found if each.path[1:-1] not in _KEYS_BY_SITE]
    return section, [*problems, *found]


def cross_problems(section: DomainControllersSection, regions: Sequence[str]) -> Iterator[Problem]:
    """Yield the problems between values that are valid individually."""
    yield from _overlaps(section.clients, ("clients",))
    yield from _overlaps(section.on_premises_domain_controllers, ("onPremisesDomainControllers",))
    yield from _overlaps(section.read_only_domain_controllers, ("readOnlyDomainControllers",))
    checks = (
        _additional,
        _wins,
        _resolver,
        _management,
        _prefix_lists,
        _rpc_ports,
        _quotas,
        _patching,
        _backups,
        _promotion,
    )
    for check in checks:
        yield from check(section)
    for region, site in section.sites.items():
        yield from _site(region, site, regions)


def _wrong(where: SettingPath, expected: str, got: str, fix: str = "") -> Problem:
    return unexpected((*_ROOT, *where), expected, got, fix)


def _overlaps(given: Mapping[str, Sequence[str]] | Sequence[str], key: SettingPath) -> Iterator[Problem]:
    """Yield networks within another one: the smaller adds nothing, so that one of the two is a mistake.

    They are those of one setting, or of several by name.
    """
    by_name = given.items() if isinstance(given, dict) else [("", given)]
    networks = sorted(
        ((ip_network(cidr), name) for name, cidrs in by_name for cidr in cidrs),
        key=lambda each: (int_key(each[0]), each[1]),
    )
    around, whose = networks[0] if networks else (None, "")
    for network, name in networks[1:]:
        if around is None or not contains(around, network):
            around, whose = network, name
            continue
        relation = "repeats" if around == network else "is within"
        other = f"{around}{f' of {whose}' if whose else ''}"
        got = f"{shown(str(network))}, which {relation} {other}"
        yield _wrong((*key, name) if name else key, "networks that do not overlap", got)


def _additional(section: DomainControllersSection) -> Iterator[Problem]:
    for key, several in (
        ("additionalDestinations", section.additional_destinations),
        ("additionalSources", section.additional_sources),
    ):
        for name, each in several.items():
            yield from _overlaps(each.networks, (key, name, "networks"))
    fix = "Use managementAccess: session-manager or bastion for administration, and name other ports here"
    for name, each in section.additional_sources.items():
        for position, text in enumerate(each.ports):
            for port in additional_ports("", each.reason, [text]):
                closed = [
                    f"{number} ({use})"
                    for (protocol, number), use in ADMINISTRATION.items()
                    if protocol is port.protocol and port.first <= number <= port.last
                ]
                if closed:
                    where = ("additionalSources", name, "ports", position)
                    got = f"{text}, which includes {', '.join(closed)}"
                    yield _wrong(where, "no port of remote administration", got, fix)


def _wins(section: DomainControllersSection) -> Iterator[Problem]:
    if section.wins and section.profile is Profile.WINDOWS_SERVER_2025:
        fix = "Choose the profile netbios or modern while clients use WINS"
        yield _wrong(("wins",), f"false with the profile {section.profile}", "true", fix)


def _resolver(section: DomainControllersSection) -> Iterator[Problem]:
    given = section.resolver_endpoints
    if given is None:
        return
    if not section.dns:
        expected = "no section with dns: false, as only DNS servers answer queries"
        yield _wrong(("resolverEndpoints",), expected, "one", "Remove it")
    quota = section.quotas.rules_per_security_group
    most = quota // len(DNS_PROTOCOLS)
    for region, each in given.sites.items():
        where = ("resolverEndpoints", "sites", region)
        addresses, sources = (*where, "controllerAddresses"), (*where, "inboundSources")
        site = section.sites.get(region)
        if site is None:
            sites = named(section.sites) or "none"
            yield _wrong(where, f"a Region with a site ({sites})", region, "Add the site first")
            continue
        targets = len(site.controllers) + len(each.controller_addresses)
        if not 1 <= targets <= TARGETS_PER_RULE:
            built = f"those of the {len(site.controllers)} controllers that the stack builds"
            expected = f"1 to {TARGETS_PER_RULE} addresses with {built}"
            yield _wrong(addresses, expected, str(targets), "Name controllers of this Region")
        if len(each.inbound_sources) > most:
            rules = f"as each takes {len(DNS_PROTOCOLS)} of the {quota} rules of a security group"
            fix = "Use larger networks, or raise quotas.rulesPerSecurityGroup"
            yield _wrong(sources, f"at most {most} networks, {rules}", str(len(each.inbound_sources)), fix)
        yield from _overlaps(each.inbound_sources, sources)
        for position, network in enumerate(each.inbound_sources):
            if ip_network(network).version != 4:  # noqa: PLR2004 -- IPv4
                yield _wrong((*sources, position), "an IPv4 network", network, "The endpoints have IPv4")


def warnings(section: DomainControllersSection) -> Iterator[Problem]:
    """Yield warnings about valid settings that usually are mistakes.

    Sources: Microsoft KB 224196 (fixed ports of replication and Netlogon), KB 179442 (ICMP), and "What's new in Windows
    Server 2025" (LDAP signing is required by default).
    """
    if section.replication_port is not None and section.netlogon_port is None:
        yield _warning(
            "netlogonPort",
            "not set beside replicationPort, so RPC of Netlogon, which uses the dynamic range by default, is blocked: secure "
            "channels and trusts may fail. Fix both ports in the registry (KB 224196) and set netlogonPort too",
        )
    if not section.icmp_echo and section.profile is not Profile.POST:
        yield _warning(
            "icmpEcho",
            f"false with the profile {section.profile}, so controllers do not reply to pings: slow LDAP requests of Windows "
            "clients fail without an ICMP reply (KB 179442). Set it to true, unless no client depends on it",
        )
    if not section.ldaps and section.profile is Profile.WINDOWS_SERVER_2025:
        yield _warning(
            "ldaps",
            f"false with the profile {section.profile}: new forests require LDAP signing, so clients with simple binds "
            "need LDAP over SSL. Set it to true, unless all clients sign",
        )
    yield from _ineffective(section)
    if not section.sites:
        yield _warning(
            "sites",
            "empty, so no controller is protected. Add a site for each Region with controllers, or remove the section",
        )


def _warning(key: str, message: str) -> Problem:
    return Problem(path=(*_ROOT, key), message=message)


def _ineffective(section: DomainControllersSection) -> Iterator[Problem]:
    """Yield warnings about settings that have no effect beside the others."""
    if not section.network_acl:
        reason = "networkAcl is false"
        yield from ineffective(section, _ROOT, reason, "bastion_networks")
        yield from ineffective(section.quotas, (*_ROOT, "quotas"), reason, "rules_per_network_acl")
        for name, each in section.client_prefix_lists.items():
            yield from ineffective(each, (*_ROOT, "clientPrefixLists", name), reason, "networks")
    for where, each in _controllers(section):
        if each.image_id:
            yield from ineffective(each, (*_ROOT, *where), f"imageId is {each.image_id}", "image_parameter")
    if not _regions_with_controllers(section):
        yield from ineffective(section, _ROOT, "no site creates controllers", "event_logs", "health", "patching")
    if not section.administrator_roles:
        yield from ineffective(section, _ROOT, "administratorRoles is empty", "dedicated_account")
    if section.management_access is ManagementAccess.BASTION:
        yield from ineffective(section, _ROOT, "managementAccess is bastion", "require_mfa")


def _controllers(section: DomainControllersSection) -> Iterator[tuple[SettingPath, ControllerSettings]]:
    """Yield the controllers of all sites with their paths."""
    for region, site in section.sites.items():
        for position, each in enumerate(site.controllers):
            yield ("sites", region, "controllers", position), each


def _regions_with_controllers(section: DomainControllersSection) -> list[str]:
    return [region for region, site in section.sites.items() if site.controllers]


def _management(section: DomainControllersSection) -> Iterator[Problem]:
    key, networks = "bastionSecurityGroupIds", section.bastion_networks
    at_sites: dict[SettingPath, list[str]] = {
        ("sites", region, key): site.bastion_security_group_ids for region, site in section.sites.items()
    }
    if section.management_access is ManagementAccess.SESSION_MANAGER:
        given = {(key,): section.bastion_security_group_ids, ("bastionNetworks",): networks, **at_sites}
        for where, value in given.items():
            if value:
                yield _wrong(where, "an empty list, as managementAccess is session-manager", shown(value))
        return
    if not section.bastion_security_group_ids:
        without = [where for where, own in at_sites.items() if not own]
        for where in without if len(without) < len(at_sites) else [(key,)]:
            yield _wrong(where, "at least one ID, as managementAccess is bastion", "[]")
    if section.network_acl and not networks:
        yield _wrong(("bastionNetworks",), "the bastion hosts' subnets, as there is a network ACL", "[]")


def _prefix_lists(section: DomainControllersSection) -> Iterator[Problem]:
    for name, each in section.client_prefix_lists.items():
        where = ("clientPrefixLists", name, "networks")
        if section.network_acl and not each.networks:
            yield _wrong(where, "the networks of the prefix list, as there is a network ACL", "[]")
        if len(each.networks) > each.max_entries:
            yield _wrong(where, f"at most {each.max_entries} networks, its maxEntries", str(len(each.networks)))
        for position, network in enumerate(each.networks):
            if family_of(ip_network(network)) is not each.address_family:
                expected = f"networks of {each.address_family}, its addressFamily"
                yield _wrong((*where, position), expected, shown(network))
    general = {name: each.id for name, each in section.client_prefix_lists.items()}
    yield from _same_lists(general, {name: ("clientPrefixLists", name, "id") for name in general})
    for region, site in section.sites.items():
        own = {name: ("sites", region, "clientPrefixListIds", name) for name in site.client_prefix_list_ids}
        for name in own.keys() - general.keys():
            yield _wrong(own[name], "a name of clientPrefixLists", shown(name))
        yield from _same_lists(section.prefix_list_ids(region), own)


def _same_lists(ids: Mapping[str, str], paths: Mapping[str, SettingPath]) -> Iterator[Problem]:
    """Yield prefix lists that have two names, where there is a path for the second one."""
    names: dict[str, str] = {}
    for name, id_ in ids.items():
        if names.setdefault(id_, name) != name and name in paths:
            yield _wrong(paths[name], f"another prefix list than that of {names[id_]}", shown(id_))


def _rpc_ports(section: DomainControllersSection) -> Iterator[Problem]:
    others = _ports_without_rpc(section.profile)
    given = {
        "replicationPort": section.replication_port,
        "netlogonPort": section.netlogon_port,
        "dfsrPort": section.dfsr_port,
    }
    fixed = {key: port for key, port in given.items() if port is not None}
    for key, port in fixed.items():
        row = next((each for each in others if each.first <= port <= each.last), None)
        if row:
            yield _wrong((key,), "a port that no row has", f"{port}, which is for {row.row.traffic}")
        if section.replication_port is None:
            yield _wrong((key,), "a port only together with replicationPort", str(port))
        # Two services cannot listen on one port; Netlogon reports it as event 5809.
        same = next(other for other, its_port in fixed.items() if its_port == port)
        if same != key:
            yield _wrong((key,), f"a port other than that of {same}", str(port))


@cache
def _ports_without_rpc(profile: Profile) -> tuple[Port, ...]:
    tables = load_tables()
    of_all = (tables.controllers, tables.clients, tables.bastions)
    found = (port for table in of_all for port in ports("", table, Options(profile=profile)))
    return tuple(port for port in found if port.row.rpc == "no")


def _quotas(section: DomainControllersSection) -> Iterator[Problem]:
    given = section.quotas
    product = given.rules_per_security_group * given.security_groups_per_interface
    if product > RULES_PER_INTERFACE:
        times = f"{given.rules_per_security_group} x {given.security_groups_per_interface} = {product}"
        expected = f"rules times groups of at most {RULES_PER_INTERFACE}, which is the most that AWS grants"
        yield _wrong(("quotas",), expected, times)


def _patching(section: DomainControllersSection) -> Iterator[Problem]:
    given = section.patching
    if given and given.hours_between_zones < given.window_hours:
        expected = f"at least {given.window_hours}, its windowHours, so that no two windows are open at the same time"
        yield _wrong(("patching", "hoursBetweenZones"), expected, str(given.hours_between_zones))


def _backups(section: DomainControllersSection) -> Iterator[Problem]:
    if section.backups is None:
        return
    yield from _not_by_site(section, ("backups", "buckets"), section.backups.buckets, "a bucket")
    for where, each in _controllers(section):
        if any(volume.device_name == BACKUP_DEVICE for volume in each.volumes):
            expected = f"a device other than {BACKUP_DEVICE}, which is the device of the backups"
            yield _wrong((*where, "volumes"), expected, BACKUP_DEVICE)


def _not_by_site(
    section: DomainControllersSection, key: SettingPath, given: Iterable[str], what: str
) -> Iterator[Problem]:
    """Yield Regions with controllers that a mapping lacks, and its Regions without."""
    building = _regions_with_controllers(section)
    for region in building:
        if region not in given:
            yield _wrong((*key, region), f"{what} for each site that creates controllers", f"none for {region}")
    for region in given:
        if region not in building:
            yield _wrong((*key, region), f"a site that creates controllers ({named(building) or 'none'})", region)


def _promotion(section: DomainControllersSection) -> Iterator[Problem]:
    given = section.promotion
    if given is None:
        return
    if not section.dns:
        fix = "Promote the controllers without this program"
        yield _wrong(("promotion",), "dns: true, as promoted controllers are DNS servers", "false", fix)
    yield from _not_by_site(section, ("promotion", "secrets"), given.secrets, "secrets")
    for region, secrets in given.secrets.items():
        where = ("promotion", "secrets", region)
        for key, arn in secrets.model_dump(by_alias=True).items():
            if split_arn(arn).region != region:
                expected = f"an ARN in {region}, the Region of the site's endpoints"
                yield _wrong((*where, key), expected, arn, "Replicate it")
        if secrets.administrator_arn == secrets.restore_mode_arn:
            fix = "Use one password per purpose"
            yield _wrong((*where, "restoreModeArn"), "another secret than administratorArn", "the same", fix)
    yield from _promotion_devices(section, given)
    if given.new_forest:
        name = given.new_forest.controller
        names = [each.name for _, each in _controllers(section)]
        if names.count(name) != 1:
            expected = f"the name of just one controller of the sites ({named(sorted(set(names)))})"
            got = f"{shown(name)}, which {names.count(name)} have"
            yield _wrong(("promotion", "newForest", "controller"), expected, got, "Correct the name")


def _promotion_devices(section: DomainControllersSection, given: PromotionSettings) -> Iterator[Problem]:
    for key, device in given.devices.items():
        same = next(other for other, value in given.devices.items() if value == device)
        if same != key:
            yield _wrong(("promotion", key), f"another device than {same}", device, "Use a volume for each")
            continue
        for where, each in _controllers(section):
            if all(volume.device_name != device for volume in each.volumes):
                fix = f"Add {{deviceName: {device}, size: 20}}"
                yield _wrong((*where, "volumes"), f"a volume {device} (promotion.{key})", "none", fix)


def _site(region: str, site: SiteSettings, regions: Sequence[str]) -> Iterator[Problem]:
    where = ("sites", region)
    if region not in regions:
        yield Problem(path=(*_ROOT, *where), message=f"is not one of the stack's Regions ({named(regions)})")
    names: set[str] = set()
    for position, each in enumerate(site.controllers):
        at = (*where, "controllers", position)
        if each.subnet not in site.subnets:
            yield _wrong((*at, "subnet"), f"one of {named(site.subnets)}", shown(each.subnet))
        if each.name.lower() in names:
            yield _wrong((*at, "name"), "a name that no other controller has", shown(each.name))
        names.add(each.name.lower())
        if each.instance_type not in instance_types():
            known = "an instance type that the installed AWS SDK for Python knows"
            yield _wrong((*at, "instanceType"), known, shown(each.instance_type), "If the type is new, upgrade boto3")
        devices = [volume.device_name for volume in each.volumes]
        if len(devices) != len(set(devices)):
            yield _wrong((*at, "volumes"), "each deviceName once", shown(devices))
    subnets = {each.subnet for each in site.controllers}
    if site.controllers and len(subnets) < 2:  # noqa: PLR2004 -- "at least two", the post's first practice
        expected = "at least two controllers, in subnets of at least two Availability Zones"
        got = f"{len(site.controllers)} in {named(sorted(subnets))}"
        fix = "Add a controller in another subnet, move one, or leave controllers out"
        yield _wrong((*where, "controllers"), expected, got, fix)
