"""Output of the matrix: a table for a terminal, Markdown and CSV for firewall administrators, JSON for programs."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from components.domain_controllers.traffic_requirements import Direction
from operations.terminal import print_line, titled_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from components.domain_controllers.planner import GroupPlan
    from operations.ports.explanation import PacketResult
    from operations.ports.matrix import MatrixRow, SiteMatrix

_HEADINGS: Final = (
    *("Region", "Direction", "Peer", "Networks", "Controllers", "Protocol", "Port", "Use", "Traffic", "Source", "Row"),
    *("Condition", "Microsoft"),
)
_USAGE_HEADINGS: Final = ("Group, ACL or list", "Inbound", "Outbound")


def matrix_document(sites: Sequence[SiteMatrix]) -> dict[str, Any]:
    """Return the matrix for JSON output."""
    return {"sites": {each.region: _site_document(each) for each in sites}}


def packets_document(results: Sequence[PacketResult]) -> list[dict[str, Any]]:
    """Return the results of packets for JSON output."""
    return [
        {
            "region": each.region,
            **asdict(each.query),
            "letIn": each.rule is not None,
            "rule": each.rule.name if each.rule else None,
            "group": each.group or None,
            "rows": list(each.rule.origins) if each.rule else [],
            "who": list(each.client_names),
            "settings": [list(several) for several in each.settings],
        }
        for each in results
    ]


def as_csv(sites: Sequence[SiteMatrix]) -> str:
    """Return the matrix as comma-separated values with a header line (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    writer.writerows(_cells(site.region, row) for site in sites for row in site.rows)
    return text.getvalue().rstrip("\n")


def as_markdown(sites: Sequence[SiteMatrix]) -> str:
    """Return the matrix as Markdown, with one table of ports and one of security groups per site."""
    return "\n".join(line for site in sites for line in _markdown_lines(site)).rstrip("\n")


def print_matrix(sites: Sequence[SiteMatrix], console: Console) -> None:
    """Print the matrix, and then the number of rules and the quotas."""
    if not sites:
        print_line(
            console,
            "The stack has no sites of domain controllers, so it opens no ports. To add one, see shell-access:domainControllers.sites.",
        )
    for site in sites:
        headings = ("Direction", "Peer", "Protocol", "Port", "Traffic", "Source", "Condition")
        table = titled_table(f"Ports of domain controllers in {site.region}", *headings)
        for row in site.rows:
            cells = (row.direction, row.name, row.protocol, row.port, row.traffic, row.source, row.why)
            table.add_row(*map(Text, cells))
        console.print(table)
        for remark in _remarks(site):
            print_line(console, remark)
        if site.plan:
            quotas = titled_table("Rules against quotas", *_USAGE_HEADINGS)
            for cells in _usage(site, site.plan):
                quotas.add_row(*map(Text, cells))
            console.print(quotas)
        for line in _wider(site):
            print_line(console, line)


def print_packets(results: Sequence[PacketResult], console: Console) -> None:
    """Print the results of packets."""
    for each in results:
        packet = f"{each.region}: {each.query.protocol.upper()} {each.query.port} from {each.query.client}"
        if each.rule is None:
            print_line(console, Text.assemble(f"{packet}: ", ("denied", "bold red"), ", because no rule permits it"))
            for several in each.settings:
                print_line(console, f"  permitted by: {' with '.join(f'domainControllers.{one}' for one in several)}")
            if not each.settings:
                print_line(
                    console, "  no setting permits it: no row of the port tables has this port for such a client"
                )
            continue
        print_line(console, Text.assemble(f"{packet}: ", ("permitted", "bold green")))
        for heading, text in (
            ("rule", f"{each.rule.name} of group {each.group}"),
            ("use", each.rule.description),
            ("client", ", ".join(each.client_names)),
            *(("row", origin) for origin in each.rule.origins),
        ):
            print_line(console, f"  {heading}:".ljust(11) + text)


def _site_document(site: SiteMatrix) -> dict[str, Any]:
    plan = site.plan
    return {
        "lines": [
            {"way" if key == "direction" else key: value for key, value in asdict(row).items()} for row in site.rows
        ],
        "ruleCounts": plan.rule_counts if plan else None,
        "quotaHeadroom": plan.headroom if plan else None,
        "networkAcl": {**site.acl_counts, "quota": site.acl_quota} if site.acl else None,
        "networkAclWider": list(site.acl.wider) if site.acl else [],
        "refusal": site.quota_problem or None,
        "unknown": list(site.unknown),
    }


def _cells(region: str, row: MatrixRow) -> tuple[str, ...]:
    return (
        *(region, row.direction, row.name, " ".join(row.peers), " ".join(row.controllers), row.protocol, row.port),
        *(row.use, row.traffic, row.source, row.table, row.why, row.note),
    )


def _markdown_lines(site: SiteMatrix) -> Iterator[str]:
    yield f"## Ports of domain controllers in {site.region}"
    yield ""
    yield from _markdown_table(_HEADINGS[1:], [_cells(site.region, row)[1:] for row in site.rows])
    yield from (f"{remark}\n" for remark in _remarks(site))
    if site.plan:
        yield from _markdown_table(_USAGE_HEADINGS, list(_usage(site, site.plan)))
    if lines := _wider(site):
        yield from (lines[0], "", *(f"- {line.strip()}" for line in lines[1:]), "")


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _usage(site: SiteMatrix, plan: GroupPlan) -> Iterator[tuple[str, str, str]]:
    quota = plan.quotas.rules_per_group
    for group in plan.groups:
        inbound, outbound = (f"{group.weight(each)} of {quota}" for each in (Direction.INGRESS, Direction.EGRESS))
        yield group.name, inbound, outbound
    if site.acl:
        inbound, outbound = (f"{site.acl_counts[each]} of {site.acl_quota}" for each in Direction)
        yield "network ACL", inbound, outbound
    for each in plan.prefix_lists:
        yield each.name, f"{len(each.entries)} of {each.max_entries} entries", ""


def _wider(site: SiteMatrix) -> list[str]:
    """Return the rules of the network ACL that are wider than the security groups, after a heading; none: no lines."""
    if site.acl is None or not site.acl.wider:
        return []
    count = f"{len(site.acl.wider)} of the {len(site.acl.rules)} rules"
    heading = f"{count} of the network ACL permit more than the security groups, which still deny it:"
    return [heading, *(f"  {each}" for each in site.acl.wider)]


def _remarks(site: SiteMatrix) -> list[str]:
    remarks = [f"Exceeds the quotas: {site.quota_problem}"] if site.quota_problem else []
    if site.plan and site.plan.further:
        left = ", ".join(f"{name} {count}" for name, count in site.plan.further.items())
        remarks.append(f"Further networks that replace no rule: {left}.")
    if site.unknown:
        remarks.append(
            f"Networks that only AWS knows, counted as one each: {', '.join(site.unknown)}. "
            "Name them with --subnet REGION/NAME=CIDR, or deploy the stack."
        )
    if site.placeholders:
        counted = "is counted with placeholders for" if site.acl else "cannot be counted without"
        remarks.append(f"The network ACL {counted} {', '.join(site.placeholders)}, whose networks only AWS knows.")
    return remarks
