"""Output of the matrix: a table for a terminal, Markdown and CSV for firewall administrators, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from components.domain_controllers.traffic_requirements import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from components.domain_controllers.planner import GroupPlan
    from operations.ports.explain import Answer
    from operations.ports.matrix import Line, SiteMatrix

_HEADINGS: Final = (
    *("Region", "Way", "Other end", "Networks", "Protocol", "Port", "Use", "Traffic", "Source", "Row", "Why"),
    "Microsoft",
)
_USAGE_HEADINGS: Final = ("Group, ACL or list", "Inbound", "Outbound")


def as_json(sites: Sequence[SiteMatrix]) -> str:
    """Return the matrix as one JSON document."""
    return json.dumps({"sites": {each.region: _plain(each) for each in sites}}, indent=2)


def as_csv(sites: Sequence[SiteMatrix]) -> str:
    """Return the matrix as comma-separated values with a header line (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    writer.writerows(_cells(site.region, line) for site in sites for line in site.lines)
    return text.getvalue().rstrip("\n")


def as_markdown(sites: Sequence[SiteMatrix]) -> str:
    """Return the matrix as Markdown, with one table of ports and one of security groups per site."""
    return "\n".join(line for site in sites for line in _markdown(site)).rstrip("\n")


def show(sites: Sequence[SiteMatrix], console: Console) -> None:
    """Print the matrix, and then the number of rules and the quotas."""
    if not sites:
        console.print(Text("There are no sites of domain controllers: nothing is open."), soft_wrap=True)
    for site in sites:
        headings = ("Way", "Other end", "Protocol", "Port", "Traffic", "Source", "Why")
        table = _table(f"Ports of domain controllers in {site.region}", headings)
        for line in site.lines:
            cells = (line.way, line.name, line.protocol, line.port, line.traffic, line.source, line.why)
            table.add_row(*map(Text, cells))
        console.print(table)
        for said in _remarks(site):
            console.print(Text(said), soft_wrap=True)
        if site.plan:
            quotas = _table("Rules against quotas", _USAGE_HEADINGS)
            for cells in _usage(site, site.plan):
                quotas.add_row(*map(Text, cells))
            console.print(quotas)


def explained_as_json(answers: Sequence[Answer]) -> str:
    """Return the results as one JSON document."""
    return json.dumps([_answer(each) for each in answers], indent=2)


def explain(answers: Sequence[Answer], console: Console) -> None:
    """Print the results."""
    for each in answers:
        asked = each.question
        what = f"{each.region}: {asked.protocol.upper()} {asked.port} from {asked.client}"
        if each.rule is None:
            console.print(
                Text.assemble(f"{what}: ", ("dropped", "bold red"), ", as no rule lets it in"), soft_wrap=True
            )
            continue
        console.print(Text.assemble(f"{what}: ", ("let in", "bold green")), soft_wrap=True)
        for heading, text in (
            ("rule", f"{each.rule.name} of group {each.group}"),
            ("use", each.rule.description),
            ("client", ", ".join(each.who)),
            *(("row", origin) for origin in each.rule.origins),
        ):
            console.print(Text(f"  {heading}:".ljust(11) + text), soft_wrap=True)


def _plain(site: SiteMatrix) -> dict[str, Any]:
    plan = site.plan
    return {
        "lines": [asdict(line) for line in site.lines],
        "ruleCounts": plan.rule_counts if plan else None,
        "quotaHeadroom": plan.headroom if plan else None,
        "networkAcl": {**site.acl_counts, "quota": site.acl_quota} if site.acl else None,
        "refusal": site.refusal or None,
        "unknown": list(site.unknown),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    rule = answer.rule
    return {
        "region": answer.region,
        **asdict(answer.question),
        "letIn": rule is not None,
        "rule": rule.name if rule else None,
        "group": answer.group or None,
        "rows": list(rule.origins) if rule else [],
        "who": list(answer.who),
    }


def _cells(region: str, line: Line) -> tuple[str, ...]:
    return (
        *(region, line.way, line.name, " ".join(line.peers), line.protocol, line.port),
        *(line.use, line.traffic, line.source, line.table, line.why, line.note),
    )


def _markdown(site: SiteMatrix) -> Iterator[str]:
    yield f"## Ports of domain controllers in {site.region}"
    yield ""
    yield from _markdown_table(_HEADINGS[1:], [_cells(site.region, line)[1:] for line in site.lines])
    yield from (f"{said}\n" for said in _remarks(site))
    if site.plan:
        yield from _markdown_table(_USAGE_HEADINGS, list(_usage(site, site.plan)))


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _usage(site: SiteMatrix, plan: GroupPlan) -> Iterator[tuple[str, str, str]]:
    most = plan.quotas.rules_per_group
    for group in plan.groups:
        inbound, outbound = (f"{group.weight(each)} of {most}" for each in (Direction.INGRESS, Direction.EGRESS))
        yield group.name, inbound, outbound
    if site.acl:
        inbound, outbound = (f"{site.acl_counts[each]} of {site.acl_quota}" for each in Direction)
        yield "network ACL", inbound, outbound
    for each in plan.prefix_lists:
        yield each.name, f"{len(each.entries)} of {each.max_entries} entries", ""


def _remarks(site: SiteMatrix) -> list[str]:
    remarks = [f"Does not fit: {site.refusal}"] if site.refusal else []
    if site.unknown:
        remarks.append(
            f"Networks that only AWS knows, counted as one each: {', '.join(site.unknown)}. "
            "Name them with --subnet NAME=CIDR."
        )
    if site.stand_ins:
        how = "is counted with stand-ins for" if site.acl else "cannot be counted without"
        remarks.append(f"The network ACL {how} {', '.join(site.stand_ins)}, whose networks only AWS knows.")
    return remarks


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading)
    return table
