"""Self-contained HTML page of results by account and Region, which sends no requests."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from operations.fleet.report import SHOWN, changes_text, summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from operations.fleet.results import Cell, Report, Result

_ACCOUNT_WIDE = "account-wide"


def results_page(report: Report, made: datetime) -> str:
    """Return the whole page.

    Args:
        report: Results to show.
        made: Time of creation, with its time zone.
    """
    style, script = _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    title = escape(summary(report))
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{style}</style>\n</head>\n<body>",
            '<a class="skip" href="#results">Skip to the results</a>',
            f"<header><h1>{title}</h1><p>{escape(made.strftime('%Y-%m-%d %H:%M %Z'))}</p>",
            *_search(report),
            "</header>\n<main>",
            *_table(report),
            f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _search(report: Report) -> Iterator[str]:
    yield '<form role="search"><label>Search <input type="search" id="search" autocomplete="off"></label>'
    yield '<label>Result <select id="state"><option value="">all</option>'
    for state in dict.fromkeys(each.state for each in report.results):
        yield f'<option value="{escape(state.value)}">{escape(SHOWN[state][0])}</option>'
    count = len(report.results)
    yield f'</select></label></form><p id="count" role="status">{count} of {count} accounts</p>'


def _table(report: Report) -> Iterator[str]:
    regions = list(dict.fromkeys(region for each in report.results for region in each.cells))
    # The target of the skip link receives the focus, so that the arrow keys scroll it.
    yield '<div class="scroll" id="results" role="region" aria-label="Results" tabindex="0"><table>'
    yield "<caption>Accounts by Regions. Open a cell for its differences and what to do.</caption><thead><tr>"
    headings = ["Account", "Wave", "Result", *(region or _ACCOUNT_WIDE for region in regions)]
    yield "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    yield "</tr></thead><tbody>"
    for result in report.results:
        yield from _row(result, regions)
    yield "</tbody></table></div>"


def _row(result: Result, regions: list[str]) -> Iterator[str]:
    said = SHOWN[result.state][0]
    yield f'<tr data-state="{escape(result.state.value)}">'
    yield f'<th scope="row">{escape(result.name)}<br><small>{escape(result.id)}</small></th>'
    yield f'<td data-label="Wave">{escape(result.wave or "none")}</td>'
    told = [each for each in (changes_text(result), result.error) if each]
    yield f'<td data-label="Result" class="{escape(result.state.value)}">{_opening(said, result.name, told)}</td>'
    for region in regions:
        cell = result.cells.get(region)
        label, where = escape(region or _ACCOUNT_WIDE), f"{result.name}, {region or _ACCOUNT_WIDE}"
        if cell is None:
            yield f'<td data-label="{label}" class="none"><span aria-hidden="true">-</span><span class="hidden">nothing</span></td>'
        else:
            yield f'<td data-label="{label}" class="{escape(cell.state.value)}">{_cell(cell, where)}</td>'
    yield "</tr>"


def _cell(cell: Cell, where: str) -> str:
    told = [*cell.differences, *([f"Remedy: {cell.remedy}"] if cell.remedy else [])]
    return _opening(SHOWN[cell.state][0], where, told)


def _opening(said: str, where: str, told: list[str]) -> str:
    """Return a state that expands to its details.

    `where` names row and column for screen readers, whose users may reach the state without them.
    """
    if not told:
        return escape(said)
    items = "".join(f"<li>{escape(each)}</li>" for each in told)
    summary_of = f'{escape(said)}<span class="hidden"> ({escape(where)})</span>'
    return f"<details><summary>{summary_of}</summary><ul>{items}</ul></details>"


def _asset(name: str) -> str:
    return resources.files("operations.fleet").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
