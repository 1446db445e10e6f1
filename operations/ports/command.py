"""The command `ports`: open ports of domain controllers, by source."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from common.problems import NAMESPACE, SettingsError
from components.domain_controllers.cross_checks import read_domain_controllers
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import ExitCode, UnusableError
from operations.ports.matrix import evaluate_packet, matrix, packets_of
from operations.ports.output import as_csv, as_markdown, matrix_document, packets_document, print_matrix, print_packets
from operations.terminal import Terminal, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        typer.Option("--subnet", metavar="NAME=CIDR", help="Network of a site's subnet. Repeatable."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    comma_separated: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json_output: Json = False,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--explain",
            metavar="CLIENT PORT",
            help="Evaluate whether the rules permit a packet from this address or security group to this port (389, tcp/389, udp/389 or icmp).",
        ),
    ] = None,
) -> None:
    """List the open ports of domain controllers, with their sources. Reads the stack's configuration only.

    For operators, and for administrators of on-premises firewalls: source, protocol, port, use, and row of the port
    table, with Microsoft's requirement where it differs; then the rules of each security group and of the network ACL
    against the account's quotas.

    Exit codes: 0 listed (with --explain: permitted), 1 the rules exceed the quotas (with --explain: denied), 2 the
    command line or the configuration cannot be used.
    """
    if sum((markdown, comma_separated, json_output)) > 1:
        raise UnusableError("--markdown, --csv and --json are alternatives: choose one.")
    section = _section(CommandContext.of(context).read_stack(cwd, stack))
    if region and region not in section.sites:
        raise UnusableError(
            f"--region: expected a Region with a site ({', '.join(section.sites) or 'none'}), got {region}."
        )
    sites = matrix(section, _subnets(subnet or []), region)
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


def _subnets(given: Sequence[str]) -> dict[str, Network]:
    found: dict[str, Network] = {}
    for each in given:
        name, _, cidr = each.partition("=")
        try:
            found[name] = ip_network(cidr)
        except ValueError:
            raise UnusableError(
                f"--subnet: expected NAME=CIDR without host bits, such as directory-a=10.0.1.0/24, got {each}."
            ) from None
    return found
