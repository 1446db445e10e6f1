"""Reader of `shell-access:domainControllers`, with checks across values that are valid individually."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import split_arn
from common.network import contains, family_of, int_key
from common.problems import Problem, SettingPath, named, shown
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
    from collections.abc import Iterable, Iterator, Sequence

    from common.validation import KeyPaths
    from components.domain_controllers.operations.settings import PromotionSettings


def read_domain_controllers(
    given: Any, regions: Sequence[str], elsewhere: KeyPaths = dict
) -> tuple[DomainControllersSection | None, list[Problem]]:
    """Read the section, including cross-checks. `elsewhere` is that of `read_section`."""
    path = ("domainControllers",)
    section, problems, wrong = read_section(DomainControllersSection, given, path, elsewhere)
    if section is None:
        return None, problems
    found = [each for each in cross_problems(section, path, regions) if each.path[len(path)] not in wrong]
    if "sites" in wrong:
        # None of them could be read, so that every key by site would seem to have none.
        found = [each for each in found if each.path[len(path) : -1] not in _KEYS_BY_SITE]
    return section, [*problems, *found]


_KEYS_BY_SITE: Final = (("resolverEndpoints", "sites"), ("backups", "buckets"), ("promotion", "secrets"))
"""Mappings whose keys are Regions of sites."""


def cross_problems(section: DomainControllersSection, path: SettingPath, regions: Sequence[str]) -> list[Problem]:
    """Return the problems between values that are valid individually."""
    found = [
        *_overlaps(section.clients.items(), "clients"),
        *_overlaps([("", section.on_premises_domain_controllers)], "onPremisesDomainControllers"),
        *_overlaps([("", section.read_only_domain_controllers)], "readOnlyDomainControllers"),
        *_additional(section),
        *_wins(section),
        *_resolver(section),
        *_management(section),
        *_prefix_lists(section),
        *_rpc_ports(section),
        *_quotas(section),
        *_patching(section),
        *_backups(section),
        *_promotion(section),
        *(each for region, site in section.sites.items() for each in _site(region, site, regions)),
    ]
    return [Problem(path=(*path, *where), message=message) for where, message in found]


Finding = tuple[SettingPath, str]


def _overlaps(named: Iterable[tuple[str, Sequence[str]]], key: str) -> list[Finding]:
    """Return networks within another one: the smaller adds nothing, so that one of the two is a mistake."""
    found: list[Finding] = []
    networks = sorted(
        ((ip_network(cidr), name) for name, cidrs in named for cidr in cidrs),
        key=lambda each: (int_key(each[0]), each[1]),
    )
    around, whose = networks[0] if networks else (None, "")
    for network, name in networks[1:]:
        if around is None or not contains(around, network):
            around, whose = network, name
            continue
        relation = "repeats" if around == network else "is within"
        other = f"{around}{f' of {whose}' if whose else ''}"
        text = f"expected networks that do not overlap, got {shown(str(network))}, which {relation} {other}."
        found.append(((key, name) if name else (key,), text))
    return found


ADMINISTRATION = {
    (Protocol.TCP, 22): "SSH",
    (Protocol.TCP, 3389): "Remote Desktop",
    (Protocol.UDP, 3389): "Remote Desktop",
    (Protocol.TCP, 5985): "Windows Remote Management",
    (Protocol.TCP, 5986): "Windows Remote Management",
}
"""Ports of remote administration, which only managementAccess opens."""


def _additional(section: DomainControllersSection) -> list[Finding]:
    found: list[Finding] = []
    for key, several in (
        ("additionalDestinations", section.additional_destinations),
        ("additionalSources", section.additional_sources),
    ):
        for name, each in several.items():
            found += [((key, name, "networks"), message) for _, message in _overlaps([("", each.networks)], "networks")]
    for name, each in section.additional_sources.items():
        for number, text in enumerate(each.ports):
            for port in additional_ports("", each.reason, [text]):
                closed = [
                    f"{number} ({use})"
                    for (protocol, number), use in ADMINISTRATION.items()
                    if protocol is port.protocol and port.first <= number <= port.last
                ]
                if closed:
                    message = (
                        f"expected no port of remote administration, got {text}, which includes {', '.join(closed)}. Use "
                        "managementAccess: session-manager or bastion for administration, and name other ports here."
                    )
                    found.append((("additionalSources", name, "ports", number), message))
    return found


def _resolver(section: DomainControllersSection) -> list[Finding]:
    given = section.resolver_endpoints
    if given is None:
        return []
    found: list[Finding] = []
    if not section.dns:
        message = "expected none with dns: false, as only DNS servers answer queries. Remove the section."
        found.append((("resolverEndpoints",), message))
    for region, each in given.sites.items():
        where = ("resolverEndpoints", "sites", region)
        site = section.sites.get(region)
        if site is None:
            message = f"expected a Region with a site ({', '.join(section.sites) or 'none'}), got {region}. Add the site first."
            found.append((where, message))
            continue
        targets = len(site.controllers) + len(each.controller_addresses)
        if not 1 <= targets <= TARGETS_PER_RULE:
            message = (
                f"expected 1 to {TARGETS_PER_RULE} addresses with those of the {len(site.controllers)} controllers that the "
                f"stack builds, got {targets}. Name controllers of this Region."
            )
            found.append(((*where, "controllerAddresses"), message))
        if len(set(each.controller_addresses)) < len(each.controller_addresses):
            message = f"expected each address once, got {shown(each.controller_addresses)}. Remove the duplicates."
            found.append(((*where, "controllerAddresses"), message))
        quota = section.quotas.rules_per_security_group
        most = quota // len(DNS_PROTOCOLS)
        if len(each.inbound_sources) > most:
            message = (
                f"expected at most {most} networks, as each takes {len(DNS_PROTOCOLS)} of the {quota} rules of a security "
                f"group, got {len(each.inbound_sources)}. Use larger networks, or raise quotas.rulesPerSecurityGroup."
            )
            found.append(((*where, "inboundSources"), message))
        found += [
            ((*where, "inboundSources"), message) for _, message in _overlaps([("", each.inbound_sources)], "networks")
        ]
        found += [
            (
                (*where, "inboundSources", number),
                f"expected an IPv4 network, got {network}. The endpoints have IPv4.",
            )
            for number, network in enumerate(each.inbound_sources)
            if ip_network(network).version != 4  # noqa: PLR2004 -- IPv4
        ]
    return found


def _wins(section: DomainControllersSection) -> list[Finding]:
    if not section.wins or section.profile is not Profile.WINDOWS_SERVER_2025:
        return []
    message = (
        f"expected false with the profile {section.profile}, got true. Choose the profile netbios or modern while clients "
        "use WINS."
    )
    return [(("wins",), message)]


def warnings(section: DomainControllersSection, path: SettingPath = ("domainControllers",)) -> list[Problem]:
    """Return warnings about valid settings that usually are mistakes.

    Sources: Microsoft KB 224196 (fixed ports of replication and Netlogon), KB 179442 (ICMP), and "What's new in Windows
    Server 2025" (LDAP signing is required by default).
    """
    found: list[Finding] = []
    if section.replication_port is not None and section.netlogon_port is None:
        message = (
            "not set beside replicationPort, so RPC of Netlogon, which uses the dynamic range by default, is blocked: secure "
            "channels and trusts may fail. Fix both ports in the registry (KB 224196) and set netlogonPort too"
        )
        found.append((("netlogonPort",), message))
    if not section.icmp_echo and section.profile is not Profile.POST:
        message = (
            f"false with the profile {section.profile}, so controllers do not reply to pings: slow LDAP requests of Windows "
            "clients fail without an ICMP reply (KB 179442). Set it to true, unless no client depends on it"
        )
        found.append((("icmpEcho",), message))
    if not section.ldaps and section.profile is Profile.WINDOWS_SERVER_2025:
        message = (
            f"false with the profile {section.profile}: new forests require LDAP signing, so clients with simple binds "
            "need LDAP over SSL. Set it to true, unless all clients sign"
        )
        found.append((("ldaps",), message))
    return [
        *(Problem(path=(*path, *where), message=message) for where, message in found),
        *_ineffective(section, path),
    ]


def _ineffective(section: DomainControllersSection, path: SettingPath) -> Iterator[Problem]:
    """Yield warnings about settings that have no effect beside the others."""
    if not section.network_acl:
        reason = "networkAcl is false"
        yield from ineffective(section, path, reason, "bastion_networks")
        yield from ineffective(section.quotas, (*path, "quotas"), reason, "rules_per_network_acl")
        for name, each in section.client_prefix_lists.items():
            yield from ineffective(each, (*path, "clientPrefixLists", name), reason, "networks")
    sites = section.sites.items()
    controllers = [
        ((*path, "sites", region, "controllers", position), each)
        for region, site in sites
        for position, each in enumerate(site.controllers)
    ]
    for own, each in controllers:
        if each.image_id:
            yield from ineffective(each, own, f"imageId is {each.image_id}", "image_parameter")
    if not controllers:
        reason = "no site creates controllers"
        parts = {"event_logs": section.collected_events, "health": section.health_checks, "patching": section.patches}
        yield from ineffective(section, path, reason, *(name for name, part in parts.items() if part))
    if not section.administrator_roles:
        yield from ineffective(section, path, "administratorRoles is empty", "dedicated_account")
    if section.management_access is ManagementAccess.BASTION:
        yield from ineffective(section, path, "managementAccess is bastion", "require_mfa")
    if not sites:
        message = (
            "empty, so no controller is protected. Add a site for each Region with controllers, or remove the section"
        )
        yield Problem(path=(*path, "sites"), message=message)


def _management(section: DomainControllersSection) -> list[Finding]:
    key, networks = "bastionSecurityGroupIds", section.bastion_networks
    at_sites = {region: ("sites", region, key) for region in section.sites}
    if section.management_access is ManagementAccess.SESSION_MANAGER:
        none = "expected an empty list, as managementAccess is session-manager"
        given: list[tuple[SettingPath, list[str]]] = [
            ((key,), section.bastion_security_group_ids),
            (("bastionNetworks",), networks),
            *((path, section.sites[region].bastion_security_group_ids) for region, path in at_sites.items()),
        ]
        return [(path, f"{none}, got {shown(value)}.") for path, value in given if value]
    found: list[Finding] = []
    without = [region for region in section.sites if not section.bastion_groups(region)]
    if not section.bastion_security_group_ids and len(without) == len(section.sites):
        found.append(((key,), "expected at least one ID, as managementAccess is bastion, got []."))
    else:
        found += [
            (at_sites[region], "expected at least one ID, as managementAccess is bastion, got [].")
            for region in without
        ]
    if section.network_acl and not networks:
        found.append((("bastionNetworks",), "expected the bastion hosts' subnets, as there is a network ACL, got []."))
    return found


def _prefix_lists(section: DomainControllersSection) -> list[Finding]:
    found: list[Finding] = []
    names: dict[str, str] = {}
    for name, each in section.client_prefix_lists.items():
        where = ("clientPrefixLists", name)
        if section.network_acl and not each.networks:
            text = "expected the networks of the prefix list, as there is a network ACL, got []."
            found.append(((*where, "networks"), text))
        if len(each.networks) > each.max_entries:
            text = f"expected at most {each.max_entries} networks, its maxEntries, got {len(each.networks)}."
            found.append(((*where, "networks"), text))
        for position, network in enumerate(each.networks):
            if family_of(ip_network(network)) is not each.address_family:
                text = f"expected networks of {each.address_family}, its addressFamily, got {shown(network)}."
                found.append(((*where, "networks", position), text))
        if names.setdefault(each.id, name) != name:
            found.append(
                ((*where, "id"), f"expected another prefix list than that of {names[each.id]}, got {shown(each.id)}.")
            )
    return found + list(_site_prefix_lists(section))


def _site_prefix_lists(section: DomainControllersSection) -> Iterator[Finding]:
    for region, site in section.sites.items():
        where = ("sites", region, "clientPrefixListIds")
        for name in site.client_prefix_list_ids.keys() - section.client_prefix_lists.keys():
            yield (*where, name), f"expected a name of clientPrefixLists, got {shown(name)}."
        names: dict[str, str] = {}
        for name, id_ in section.prefix_list_ids(region).items():
            if names.setdefault(id_, name) != name and name in site.client_prefix_list_ids:
                yield (*where, name), f"expected another prefix list than that of {names[id_]}, got {shown(id_)}."


def _rpc_ports(section: DomainControllersSection) -> list[Finding]:
    others = _ports_without_rpc(section.profile)
    found: list[Finding] = []
    fixed = {
        "replicationPort": section.replication_port,
        "netlogonPort": section.netlogon_port,
        "dfsrPort": section.dfsr_port,
    }
    for key, given in fixed.items():
        row = next((each for each in others if given is not None and each.first <= given <= each.last), None)
        if row:
            found.append(((key,), f"expected a port that no row has, got {given}, which is for {row.row.traffic}."))
    beside = [(key, given) for key, given in fixed.items() if key != "replicationPort" and given is not None]
    for key, given in beside:
        if section.replication_port is None:
            found.append(((key,), f"expected a port only together with replicationPort, got {given}."))
        # Two services cannot listen on one port; Netlogon reports it as event 5809.
        same = next((other for other, port in fixed.items() if port == given), key)
        if same != key:
            found.append(((key,), f"expected a port other than that of {same}, got {given}."))
    return found


@cache
def _ports_without_rpc(profile: Profile) -> tuple[Port, ...]:
    tables = load_tables()
    of_all = (tables.controllers, tables.clients, tables.bastions)
    found = (port for table in of_all for port in ports("", table, Options(profile=profile)))
    return tuple(port for port in found if port.row.rpc == "no")


def _quotas(section: DomainControllersSection) -> list[Finding]:
    given = section.quotas
    product = given.rules_per_security_group * given.security_groups_per_interface
    if product <= RULES_PER_INTERFACE:
        return []
    times = f"{given.rules_per_security_group} x {given.security_groups_per_interface} = {product}"
    allowed = f"rules times groups of at most {RULES_PER_INTERFACE}, which is the most that AWS grants"
    return [(("quotas",), f"expected {allowed}, got {times}.")]


def _patching(section: DomainControllersSection) -> list[Finding]:
    given = section.patches
    if given is None or given.hours_between_zones >= given.window_hours:
        return []
    allowed = f"at least {given.window_hours}, its windowHours, so that no two windows are open at the same time"
    return [(("patching", "hoursBetweenZones"), f"expected {allowed}, got {given.hours_between_zones}.")]


def _backups(section: DomainControllersSection) -> list[Finding]:
    given = section.saved
    if given is None:
        return []
    building = [region for region, site in section.sites.items() if site.controllers]
    found: list[Finding] = [
        (("backups", "buckets", region), "expected a bucket for each site that creates controllers, got none.")
        for region in building
        if region not in given.buckets
    ]
    found += [
        (
            ("backups", "buckets", region),
            f"expected a site that creates controllers ({named(building) or 'none'}), got {region}.",
        )
        for region in given.buckets
        if region not in building
    ]
    for region in building:
        for number, each in enumerate(section.sites[region].controllers):
            if any(volume.device_name == BACKUP_DEVICE for volume in each.volumes):
                text = f"expected a device other than {BACKUP_DEVICE}, which is the device of the backups, got {BACKUP_DEVICE}."
                found.append((("sites", region, "controllers", number, "volumes"), text))
    return found


def _promotion(section: DomainControllersSection) -> list[Finding]:
    given = section.promotes
    if given is None:
        return []
    building = [region for region, site in section.sites.items() if site.controllers]
    found: list[Finding] = []
    if not section.dns:
        message = (
            "expected dns: true, as promoted controllers are DNS servers, got false. Promote them without this program"
        )
        found.append((("promotion",), f"{message}."))
    for region in building:
        if region not in given.secrets:
            message = f"expected secrets for each site that creates controllers, got none for {region}. Name them"
            found.append((("promotion", "secrets", region), f"{message}."))
    for region, secrets in given.secrets.items():
        where = ("promotion", "secrets", region)
        if region not in building:
            message = (
                f"expected a site that creates controllers ({named(building) or 'none'}), got {region}. Remove it."
            )
            found.append((where, message))
        arns = {
            "administratorArn": secrets.administrator_arn,
            "restoreModeArn": secrets.restore_mode_arn,
            "kmsKeyArn": secrets.kms_key_arn,
        }
        found += [
            (
                (*where, key),
                f"expected an ARN in {region}, the Region of the site's endpoints, got {arn}. Replicate it.",
            )
            for key, arn in arns.items()
            if split_arn(arn).region != region
        ]
        if secrets.administrator_arn == secrets.restore_mode_arn:
            message = "expected another secret than administratorArn, got the same. Use one password per purpose."
            found.append(((*where, "restoreModeArn"), message))
    return [*found, *_promotion_devices(section, given), *_new_forest(section, given)]


def _promotion_devices(section: DomainControllersSection, given: PromotionSettings) -> list[Finding]:
    found: list[Finding] = []
    for key, device in given.devices.items():
        same = next(other for other, value in given.devices.items() if value == device)
        if same != key:
            message = f"expected another device than {same}, got {device}. Use a volume for each."
            found.append((("promotion", key), message))
            continue
        for region, site in section.sites.items():
            for number, each in enumerate(site.controllers):
                if all(volume.device_name != device for volume in each.volumes):
                    message = f"expected a volume {device} (promotion.{key}), got none. Add {{deviceName: {device}, size: 20}}."
                    found.append((("sites", region, "controllers", number, "volumes"), message))
    return found


def _new_forest(section: DomainControllersSection, given: PromotionSettings) -> list[Finding]:
    if given.new_forest is None:
        return []
    names = [each.name for site in section.sites.values() for each in site.controllers]
    count = names.count(given.new_forest.controller)
    if count == 1:
        return []
    message = (
        f"expected the name of just one controller of the sites ({named(sorted(set(names)))}), got "
        f"{shown(given.new_forest.controller)}, which {count} have. Correct the name."
    )
    return [(("promotion", "newForest", "controller"), message)]


def _site(region: str, site: SiteSettings, regions: Sequence[str]) -> list[Finding]:
    where = ("sites", region)
    found: list[Finding] = []
    if region not in regions:
        found.append((where, f"is not one of the stack's Regions ({named(regions)})"))
    if not site.controllers:
        return found
    names: set[str] = set()
    subnets = {each.subnet for each in site.controllers}
    of_the_site = set(site.subnets)
    for number, each in enumerate(site.controllers):
        at = (*where, "controllers", number)
        if each.subnet not in of_the_site:
            found.append(((*at, "subnet"), f"expected one of {named(site.subnets)}, got {shown(each.subnet)}."))
        if each.name.lower() in names:
            found.append(((*at, "name"), f"expected a name that no other controller has, got {shown(each.name)}."))
        names.add(each.name.lower())
        if each.instance_type not in instance_types():
            fix = "If the type is new, upgrade boto3"
            found.append(
                (
                    (*at, "instanceType"),
                    f"expected an instance type that the installed AWS SDK for Python knows, got {shown(each.instance_type)}. {fix}",
                )
            )
        devices = [volume.device_name for volume in each.volumes]
        if len(devices) != len(set(devices)):
            found.append(((*at, "volumes"), f"expected each deviceName once, got {shown(devices)}."))
    if len(site.controllers) < 2 or len(subnets) < 2:  # noqa: PLR2004 -- "at least two", the post's first practice
        text = (
            f"expected at least two controllers, in subnets of at least two Availability Zones, got {len(site.controllers)} in "
            f"{named(sorted(subnets))}. Add a controller in another subnet, move one, or leave controllers out"
        )
        found.append(((*where, "controllers"), text))
    return found
