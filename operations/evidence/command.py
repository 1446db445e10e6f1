"""`shell-access evidence`: sessions, who approved them, and where their logs are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from components.approval.names import BREAK_GLASS_ROLE_NAME
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import ExitCode, UnusableError
from operations.evidence.exported import read_exported
from operations.evidence.files import load, read_trail, save
from operations.evidence.findings import Context
from operations.evidence.live import SYSTEMS_MANAGER_HISTORY, People, RecordedAccount, node_names, read_account
from operations.evidence.output import as_csv, page, plain, summary, tables
from operations.evidence.queries import EventDataStore, read_event_data_store, read_trail_bucket
from operations.evidence.records import Records, RecordSource
from operations.evidence.report import Report, report
from operations.inventory.reader import aws_clients, known_identity
from operations.terminal import Terminal, print_json, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.approval.settings import ApprovalSettings, Trail
    from operations.stack import StackConfiguration

INCOMPLETE: Final = 3
"""Exit code of a report with a source that was not read completely."""
_LOOK_BACK: Final = timedelta(days=2)
"""Records before the period that are read, as a grant may begin before it: an approval takes a day at most."""
_RECENT_HISTORY: Final = timedelta(days=1)
"""Part of the event history that is read where a trail is queried, which has what is older."""
_RELATIVE: Final = re.compile(r"(\d{1,4})([hd])")


def evidence(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    *,
    since: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Start of the period: 2026-11-29, 2026-11-29T14:00, or how long ago: 24h, 30d. UTC.",
        ),
    ] = "24h",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="End of the period. Default: now.")] = "",
    account: Annotated[list[str] | None, typer.Option(metavar="ID", help="Limit to this account. Repeatable.")] = None,
    node: Annotated[
        list[str] | None, typer.Option(metavar="NODE", help="Limit to this node (ID or name). Repeatable.")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Limit to this person (name or ARN). Repeatable.")
    ] = None,
    trail: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIRECTORY",
            exists=True,
            file_okay=False,
            help="Read CloudTrail's log files below this folder, as copied from the trail's bucket. Repeatable.",
        ),
    ] = None,
    load_files: Annotated[
        list[Path] | None,
        typer.Option(
            "--load", metavar="FILE", exists=True, dir_okay=False, help="Read records that --save wrote. Repeatable."
        ),
    ] = None,
    exported: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIRECTORY",
            exists=True,
            file_okay=False,
            help="Read exported records below this folder, as copied from the evidence bucket. Repeatable.",
        ),
    ] = None,
    athena: Annotated[
        bool,
        typer.Option(
            help="Read the trail of the organization with Athena, as the stack's approval.evidence.trail defines; each "
            "query has a price."
        ),
    ] = False,
    event_data_store: Annotated[
        str,
        typer.Option(metavar="ARN", help="Read this event data store of CloudTrail Lake; each query has a price."),
    ] = "",
    offline: Annotated[bool, typer.Option(help="Read the files only; call no API and need no stack.")] = False,
    break_glass: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE", help="Emergency access role, in addition to the stack's. Repeatable."),
    ] = None,
    save_file: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Save the records that were read.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML page.")] = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """List sessions with their approvals and logs, from AWS' own records, with findings. Changes nothing.

    Reads the event history of CloudTrail (90 days), Session Manager and Automation (30 days), and the logs' locations.
    For a longer period or other accounts, read a trail: with --athena, --event-data-store, or its log files with --trail.

    Exit codes: 0 no findings above severity low, 1 findings, 2 the command line or the configuration cannot be used,
    3 the report is incomplete.
    """
    dependencies = CommandContext.of(context)
    now = dependencies.now().astimezone(UTC)
    begin, end = _period(since, until, now)
    facts = Context(now=now, since=begin, until=end)
    accounts = account or []
    store = EventDataStore.parse(event_data_store) if event_data_store else None
    _check_queries(event_data_store, store, accounts, athena=athena, offline=offline)
    configuration = None if offline else dependencies.read_stack(cwd, stack)
    people: People | None = None
    unnamed: list[RecordSource] = []
    with working("Reading ...") as status:
        records = _read_files(facts, trail or [], exported or [], load_files or [], status.update, is_offline=offline)
        if configuration:
            is_queried = bool(athena or store)
            account_read = replace(
                _account(dependencies, configuration, facts, status.update),
                reads_trail=is_queried or bool(trail),
                history=_RECENT_HISTORY if is_queried else None,
            )
            approval, export = configuration.settings().approval, configuration.settings().evidence_export
            if athena:
                records.add(read_trail_bucket(account_read, _trail_of(approval or export), accounts))
            if store:
                records.add(read_event_data_store(account_read, store, accounts))
            records.add(read_account(account_read))
            people = People(account_read, approval)
            names, unnamed = node_names(account_read, records)
            facts = replace(_facts(account_read, approval, facts), person_of=people.person_of, node_names=names)
    facts = replace(facts, break_glass=facts.break_glass | {each.lower() for each in break_glass or ()})
    made = report(records, facts)
    unread = [*(people.unread if people else ()), *(unnamed if _has_names(node or []) else ())]
    made = _limited(replace(made, sources=(*made.sources, *unread)), accounts, node or [], person or [])
    if save_file:
        save(records, save_file)
    _write(csv_file, "--csv", lambda: as_csv(made))
    _write(html_file, "--html", lambda: page(made, begin, end, now))
    if json_output:
        print_json(plain(made, begin, end))
    else:
        _show(made)
    raise typer.Exit(_exit_code(made))


def _exit_code(made: Report) -> int:
    if not made.is_complete:
        return INCOMPLETE
    return ExitCode.FINDINGS if made.counts().keys() - {"low", "info"} else ExitCode.SUCCESS


def _period(since: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    begin, end = _time("--from", since, now), _time("--to", until, now) if until else now
    if begin >= end:
        raise UnusableError(f"--from: expected a time before --to ({end:%Y-%m-%dT%H:%M}), got {since}.")
    return begin, end


def _time(option: str, given: str, now: datetime) -> datetime:
    relative = _RELATIVE.fullmatch(given)
    if relative:
        return now - timedelta(**{"hours" if relative[2] == "h" else "days": int(relative[1])})
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise UnusableError(
            f"{option}: expected a time such as 2026-11-29, 2026-11-29T14:00 or 24h, got {given!r}."
        ) from None
    return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)


def _check_queries(
    given: str, store: EventDataStore | None, accounts: list[str], *, athena: bool, offline: bool
) -> None:
    """Check the options of queries.

    Raises:
        UnusableError: An option has another form, or needs AWS.
    """
    problems = [
        f"{option}: expected a stack to call AWS for, got --offline. Omit one of them."
        for option, is_given in (("--athena", athena), ("--event-data-store", bool(given)))
        if is_given and offline
    ]
    if given and store is None:
        problems.append(
            f"--event-data-store: expected the ARN or ID of an event data store, got {given!r}. List them "
            "with: aws cloudtrail list-event-data-stores"
        )
    problems += [
        f"--account: expected an account ID of 12 digits, got {each!r}."
        for each in accounts
        if (athena or store) and not re.fullmatch(r"[0-9]{12}", each)
    ]
    if problems:
        raise UnusableError("\n".join(problems))


def _read_files(  # noqa: PLR0913 -- the kinds of files
    facts: Context,
    trails: list[Path],
    exports: list[Path],
    saved: list[Path],
    progress: Callable[[str], None],
    *,
    is_offline: bool,
) -> Records:
    """Read log files of CloudTrail, exported records, and the files that earlier runs saved."""
    if is_offline and not (trails or exports or saved):
        raise UnusableError("--offline: expected --trail, --exported or --load with it, as there is nothing to read.")
    records = Records()
    for folder in trails:
        records.add(read_trail(folder, facts.since, facts.until, progress))
    # Systems Manager and CloudTrail have the last days, and the export has those before.
    needed = facts.until if is_offline else min(facts.until, facts.now - SYSTEMS_MANAGER_HISTORY)
    for folder in exports:
        records.add(read_exported(folder, facts.since - _LOOK_BACK, facts.until, progress, needed=needed))
    for file in saved:
        records.add(load(file))
    return records


def _account(
    dependencies: CommandContext,
    configuration: StackConfiguration,
    facts: Context,
    progress: Callable[[str], None],
) -> RecordedAccount:
    """Return what to read of the stack's account, and with what."""
    settings = configuration.settings()
    is_just_in_time = settings.just_in_time is not None
    clients = aws_clients(configuration)
    identity = known_identity(clients, configuration.sts_region(settings.regions[0]))
    return RecordedAccount(
        clients=clients,
        identity=identity,
        regions=settings.regions,
        workflow_region=settings.regions[0],
        preferences=settings.session_manager,
        since=facts.since - _LOOK_BACK,
        until=facts.until,
        now=facts.now,
        pause=dependencies.pause,
        progress=progress,
        is_just_in_time=is_just_in_time,
    )


def _trail_of(approval: ApprovalSettings | None) -> Trail:
    trail = approval.evidence.trail if approval and approval.evidence else None
    if trail is None:
        raise UnusableError(
            "--athena: expected a stack with shell-access:approval.evidence.trail, got one without it. Name the bucket "
            "of the trail there and deploy the stack, or copy the log files and use --trail."
        )
    return trail


def _has_names(nodes: list[str]) -> bool:
    """Return whether nodes are selected by their names, without which their sessions are not in the report."""
    return not all(each.startswith(("i-", "mi-")) for each in nodes)


def _facts(account: RecordedAccount, approval: ApprovalSettings | None, facts: Context) -> Context:
    """Return what the report is judged by, with what the stack's account adds."""
    return replace(
        facts,
        needs_approval=approval is not None or account.is_just_in_time,
        # During a move, sessions of the workflow are granted, too.
        is_just_in_time=(True if approval is None else None) if account.is_just_in_time else False,
        break_glass=frozenset({BREAK_GLASS_ROLE_NAME.lower()} if approval and approval.break_glass else ()),
    )


def _limited(made: Report, accounts: list[str], nodes: list[str], people: list[str]) -> Report:
    """Return the report with the rows that the options select."""

    def is_selected(row: Any) -> bool:
        held = row.start or row.grant
        persons = {row.person, row.start.caller.arn if row.start else row.grant.principal}
        persons |= {row.start.caller.arn.rsplit("/", 1)[-1]} if row.start else set()
        return (
            (not accounts or held.account in accounts)
            and (not nodes or held.node in nodes or row.node_name in nodes)
            and (not people or bool(persons & set(people)))
        )

    return replace(made, rows=tuple(each for each in made.rows if is_selected(each)))


def _write(file: Path | None, option: str, text: Callable[[], str]) -> None:
    if file is None:
        return
    try:
        file.write_text(text(), encoding="utf-8", newline="")
    except OSError as error:
        raise UnusableError(f"{option} {file}: expected a file that can be written: {error.strerror}.") from None


def _show(made: Report) -> None:
    console = Terminal()
    for table in tables(made):
        console.print(table)
    for gap in made.gaps:
        console.print(Text(f"Not shown: {gap}", style="dim"))
    console.print(Text(summary(made)))
