"""`ports`: open ports of domain controllers, by source."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from common.problems import NAMESPACE, SettingsError
from components.domain_controllers.cross_checks import read_domain_controllers
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.options import Cwd, Json, Stack
from operations.ports.explain import answer, questions
from operations.ports.matrix import matrix
from operations.ports.report import as_csv, as_json, as_markdown, explain, explained_as_json, show
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.network import Network
    from components.domain_controllers.settings import DomainControllersSection
    from operations.ports.matrix import SiteMatrix
    from operations.stack import StackConfiguration

SECTION = "domainControllers"


def ports(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    region: Annotated[str | None, typer.Option("--region", metavar="REGION", help="One site only.")] = None,
    subnet: Annotated[
        list[str] | None,
        typer.Option("--subnet", metavar="NAME=CIDR", help="The network of a site's subnet; may be repeated."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    comma_separated: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    machine: Json = False,
    explained: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--explain",
            metavar="CLIENT PORT",
            help="Is a packet from this address or group let in? A port is 389, tcp/389, udp/389 or icmp.",
        ),
    ] = None,
) -> None:
    """Lists which ports domain controllers have open to whom, and why. Asks nobody but the stack's configuration.

    For people, and for whoever administers the firewall on premises: source, protocol, port, use, and the row of the
    port table that each line comes from, with what Microsoft says where it differs; then the rules of each security
    group and of the network ACL against the account's quotas.

    Exit codes: 0 listed (with --explain: let in), 1 the rules do not fit the quotas (with --explain: dropped), 2 the
    command line or the configuration cannot be used.
    """
    try:
        _one_format(markdown, comma_separated, machine)
        section = _section(Surroundings.of(context).read_stack(cwd, stack))
        sites = _sites(section, subnet or [], region)
        code = _explain(sites, explained, machine) if explained else None
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    if code is None:
        _print(sites, markdown=markdown, comma_separated=comma_separated, machine=machine)
        code = ExitCode.DIFFERENT if any(each.refusal for each in sites) else ExitCode.AS_ASKED
    raise typer.Exit(code)


def _one_format(*chosen: bool) -> None:
    if sum(chosen) > 1:
        raise UnusableError("--markdown, --csv and --json are alternatives: choose one.")


def _sites(section: DomainControllersSection, subnets: Sequence[str], region: str | None) -> tuple[SiteMatrix, ...]:
    if region and region not in section.sites:
        raise UnusableError(f"{region} has no site; there are: {', '.join(section.sites) or 'none'}.")
    return matrix(section, _subnets(subnets), region)


def _explain(sites: Sequence[SiteMatrix], asked: tuple[str, str], machine: bool) -> ExitCode:  # noqa: FBT001
    answers = [answer(site, question) for site in sites for question in questions(*asked)]
    if machine:
        typer.echo(explained_as_json(answers))
    else:
        explain(answers, Terminal())
    return ExitCode.AS_ASKED if any(each.rule for each in answers) else ExitCode.DIFFERENT


def _print(sites: Sequence[SiteMatrix], *, markdown: bool, comma_separated: bool, machine: bool) -> None:
    if machine:
        typer.echo(as_json(sites))
    elif markdown:
        typer.echo(as_markdown(sites))
    elif comma_separated:
        typer.echo(as_csv(sites))
    else:
        show(sites, Terminal())


def _section(configuration: StackConfiguration) -> DomainControllersSection:
    """Return only this section: errors in other sections do not matter here."""
    given = configuration.value(f"{NAMESPACE}:{SECTION}")
    if given is None:
        raise UnusableError(f"Stack {configuration.name} has no {NAMESPACE}:{SECTION}.")
    if configuration.is_secret(SECTION):
        raise UnusableError(f"{NAMESPACE}:{SECTION} holds a secret, and this command prints all of it.")
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
                f"--subnet {each}: a name and a network without host bits, directory-a=10.0.1.0/24."
            ) from None
    return found
