"""The command `ports`: open ports of domain controllers, by source."""

from __future__ import annotations

import json
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from common.problems import NAMESPACE, SettingsError
from components.domain_controllers.cross_checks import read_domain_controllers
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import ExitCode, UnusableError
from operations.ports.explanation import evaluate_packet, packets_of
from operations.ports.matrix import matrix
from operations.ports.output import as_csv, as_markdown, matrix_document, packets_document, print_matrix, print_packets
from operations.terminal import Terminal, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from common.network import Network
    from components.domain_controllers.settings import DomainControllersSection
    from operations.ports.matrix import SiteMatrix
    from operations.stack import StackConfiguration

_SECTION = "domainControllers"


def ports(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="Limit to the site in this Region.")
    ] = None,
    subnet: Annotated[
        list[str] | None,
        typer.Option(
            "--subnet",
            metavar="REGION/NAME=CIDR",
            help="Network of a site's subnet. Repeatable. Default: the stack's output.",
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    comma_separated: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json_output: Json = False,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--explain",
            metavar="CLIENT PORT",
            help="Evaluate whether the rules permit a packet from this address or security group to this port (389, tcp/389, udp/389, icmp or esp).",
        ),
    ] = None,
) -> None:
    """List the open ports of domain controllers, with their sources. Reads the stack's configuration and outputs only.

    For operators, and for administrators of on-premises firewalls: source, protocol, port, use, and row of the port
    table, with Microsoft's requirement where it differs; then the rules of each security group and of the network ACL
    against the account's quotas.

    Exit codes: 0 listed (with --explain: permitted), 1 the rules exceed the quotas (with --explain: denied), 2 the
    command line or the configuration cannot be used.
    """
    if sum((markdown, comma_separated, json_output)) > 1:
        raise UnusableError("--markdown, --csv and --json are alternatives: choose one.")
    given = CommandContext.of(context)
    configuration = given.read_stack(cwd, stack)
    section = _section(configuration)
    if region and region not in section.sites:
        raise UnusableError(
            f"--region: expected a Region with a site ({', '.join(section.sites) or 'none'}), got {region}."
        )
    subnets = _subnets(subnet or [], section.subnet_names)
    if not subnets.keys() >= set(section.subnet_names):
        subnets = {**_deployed_subnets(partial(given.read_outputs, cwd, configuration.name), section), **subnets}
    sites = matrix(section, subnets, region)
    if explain:
        raise typer.Exit(_explain(sites, explain, json_output=json_output))
    if json_output:
        print_json(matrix_document(sites))
    elif markdown:
        typer.echo(as_markdown(sites))
    elif comma_separated:
        typer.echo(as_csv(sites))
    else:
        print_matrix(sites, Terminal())
    raise typer.Exit(ExitCode.FINDINGS if any(each.quota_problem for each in sites) else ExitCode.SUCCESS)


def _explain(sites: Sequence[SiteMatrix], packet: tuple[str, str], *, json_output: bool) -> ExitCode:
    results = [evaluate_packet(site, query) for site in sites for query in packets_of(*packet)]
    if json_output:
        print_json(packets_document(results))
    else:
        print_packets(results, Terminal())
    return ExitCode.SUCCESS if any(each.rule for each in results) else ExitCode.FINDINGS


def _section(configuration: StackConfiguration) -> DomainControllersSection:
    """Return only this section: errors in other sections do not matter here."""
    given = configuration.value(f"{NAMESPACE}:{_SECTION}")
    if given is None:
        raise UnusableError(f"Stack {configuration.name} has no {NAMESPACE}:{_SECTION}.")
    if configuration.is_secret(_SECTION):
        raise UnusableError(f"{NAMESPACE}:{_SECTION} contains a secret, which this command would print.")
    regions = _decoded(configuration.value(f"{NAMESPACE}:regions")) or [configuration.value("aws:region") or ""]
    section, problems = read_domain_controllers(_decoded(given), regions)
    if section is None or problems:
        raise UnusableError(str(SettingsError(problems)))
    return section


def _decoded(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _subnets(given: Sequence[str], known: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Network, ...]]:
    """Parse `REGION/NAME=CIDR`; the Region may be omitted where one site only has the name.

    Raises:
        UnusableError: A network or a name is not usable.
    """
    names = tuple(known)
    found: dict[tuple[str, str], tuple[Network, ...]] = {}
    for each in given:
        place, _, cidr = each.partition("=")
        region, _, name = place.rpartition("/")
        subnets = [one for one in names if one[1] == name and region in ("", one[0])]
        if len(subnets) != 1:
            allowed = ", ".join("/".join(one) for one in subnets or names)
            raise UnusableError(f"--subnet: expected a subnet of a site ({allowed}), got {place!r}.")
        try:
            found[subnets[0]] = (*found.get(subnets[0], ()), ip_network(cidr))
        except ValueError:
            raise UnusableError(
                "--subnet: expected REGION/NAME=CIDR without host bits, such as eu-west-1/directory-a=10.0.1.0/24, "
                f"got {each}."
            ) from None
    return found


def _deployed_subnets(
    read_outputs: Callable[[], Mapping[str, Any]], section: DomainControllersSection
) -> dict[tuple[str, str], tuple[Network, ...]]:
    """Return the networks of subnets in the stack's outputs; none if it is not deployed."""
    try:
        sites: Mapping[str, Any] = read_outputs().get("domainControllers") or {}
    except UnusableError:
        return {}
    networks: dict[str, Mapping[str, Sequence[str]]] = {
        region: site.get("subnets") or {} for region, site in sites.items()
    }
    return {
        (region, name): tuple(map(ip_network, networks[region][name]))
        for region, name in section.subnet_names
        if name in networks.get(region, ())
    }
