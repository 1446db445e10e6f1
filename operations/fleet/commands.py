"""`python -m operations fleet`: subcommands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.errors import UnusableError
from operations.fleet import work
from operations.fleet.fleet import load_fleet
from operations.fleet.journal import Journal
from operations.fleet.migration import fleet_file_of, read_instances, read_parameters
from operations.fleet.options import (
    CallAs,
    Comment,
    Cwd,
    File,
    Machine,
    Packs,
    Page,
    SomeAccounts,
    SomeWaves,
)
from operations.fleet.output import finish, progress_of, told_in_words
from operations.fleet.plan import orphans
from operations.fleet.report import show_settings
from operations.fleet.results import ACCOUNT_WIDE, Cell, Report, Result, State, from_json, merge_reports
from operations.fleet.runner import run_waves
from operations.fleet.running import Command, engines_of, plan_of, state_folder
from operations.fleet.stack_sets import cloudformation_client, look_up_stack_set
from operations.fleet.stopping import stopped_by_signals
from operations.terminal import Terminal

if TYPE_CHECKING:
    from operations.fleet.configuration import Rendered
    from operations.fleet.fleet import Fleet
    from operations.fleet.plan import Orphan
    from operations.fleet.work import Engines

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Runs one stack an account for a whole organization, in waves: docs/fleet.md.",
)


@app.command()
def plan(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: SomeAccounts = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show which setting of --account comes from where, and ask nothing else.")
    ] = False,
    machine: Machine = False,
    html: Page = None,
) -> None:
    """Shows which stacks are to be, which are new, whose settings changed, and which lost their account. Changes nothing.

    Looks at the fleet file, AWS Organizations where the file says so, and the state backend. What changed in the
    program is shown by `preview`.

    Exit codes: 0 shown, 2 the file, AWS or the backend cannot be used, with all that is wrong with the file.
    """
    with told_in_words():
        fleet = load_fleet(file)
        if explain:
            _explain(fleet, account or [], machine=machine)
            return
        chosen = fleet.chosen(account or [], [])
        results, stacks = plan_of(fleet, cwd, chosen)
        if not account:
            results += [_orphaned(fleet, each) for each in _orphans(fleet, stacks)]
        finish(context, Report(command="plan", results=tuple(results)), machine=machine, page=html)


@app.command()
def preview(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: SomeAccounts = None,
    wave: SomeWaves = None,
    policy_pack: Packs = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Look first at what is live.")] = False,
    machine: Machine = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Shows what `up` would do in every account, without regard to waves. Changes nothing, in the backend neither.

    Exit codes: 0 shown, 1 an account failed, 2 the file or the command line cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        chosen = fleet.chosen(account or [], wave or [])
        command = Command(fleet=fleet, cwd=cwd, policy_packs=tuple(policy_pack or ()), refresh=refresh)
        results = _with_engines(command, chosen, work.preview)
        finish(context, Report(command="preview", results=tuple(results)), machine=machine, page=html, comment=markdown)


@app.command()
def up(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: SomeAccounts = None,
    wave: SomeWaves = None,
    policy_pack: Packs = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Look first at what is live, and repair it.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Do again what an unfinished run has done.")] = False,
    machine: Machine = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Brings every account to what the file asks for, wave by wave. CHANGES ACCOUNTS.

    A wave in which more accounts fail than it tolerates is the last: what runs is finished, nothing further begins.
    The next run goes on from there, and passes over accounts that are done with the same settings and program, unless
    --again, --refresh or --account is given. Once everything is done, a run does everything again.

    Ctrl-C (or SIGTERM) lets each engine finish what it has begun; a second one breaks it off. Locks are taken away.
    Whatever engines print is in .fleet/FILE/logs beside the fleet file.

    Exit codes: 0 all done, 1 an account failed or was not begun, 2 the file or the command line cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        chosen = fleet.chosen(account or [], wave or [])
        command = Command(fleet=fleet, cwd=cwd, policy_packs=tuple(policy_pack or ()), refresh=refresh)
        journal = Journal(state_folder(fleet) / "unfinished.json")
        resumes = not (again or refresh or account)
        with stopped_by_signals() as stop, engines_of(command, stop, len(chosen)) as engines:
            results = run_waves(
                fleet.turns(chosen),
                lambda each, name: work.up(engines, journal, each, name, resumes=resumes),
                stop,
                engines.listener,
            )
            journal.close({each.account.id: engines.fingerprint(each) for each in fleet.accounts})
        finish(context, Report(command="up", results=tuple(results)), machine=machine, page=html, comment=markdown)


@app.command()
def drift(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: SomeAccounts = None,
    wave: SomeWaves = None,
    machine: Machine = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Compares what is live with what the stacks left. Changes nothing; `up --refresh` repairs.

    Exit codes: 0 no drift, 1 drift or a failure, 2 the file or the command line cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        results = _with_engines(Command(fleet=fleet, cwd=cwd), fleet.chosen(account or [], wave or []), work.drift)
        finish(context, Report(command="drift", results=tuple(results)), machine=machine, page=html, comment=markdown)


@app.command()
def verify(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    account: SomeAccounts = None,
    wave: SomeWaves = None,
    machine: Machine = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Compares what is live with what the settings ask for, check by check, in every account and Region.

    Needs neither `pulumi` nor a state. Changes nothing.

    Exit codes: 0 all as asked, 1 something differs or cannot be told, 2 the file or the command line cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        chosen = fleet.chosen(account or [], wave or [])
        with stopped_by_signals() as stop, progress_of(len(chosen)) as progress:
            results = run_waves(
                fleet.at_once(chosen),
                lambda each, name: work.verify(work.repair_command(fleet, "up --refresh", each), each, name),
                stop,
                progress,
            )
        finish(context, Report(command="verify", results=tuple(results)), machine=machine, page=html, comment=markdown)


@app.command()
def matrix(
    *,
    file: File,
    cwd: Cwd = Path(),
    account: SomeAccounts = None,
    wave: SomeWaves = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only accounts that are new or whose settings changed.")
    ] = False,
) -> None:
    """Prints the accounts as a CI matrix: {"include": [{"account", "id", "wave", "stack"}]}. Changes nothing.

    Exit codes: 0 printed, 2 the file, AWS or the backend cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        chosen = fleet.chosen(account or [], wave or [])
        if changed:
            results, _ = plan_of(fleet, cwd, chosen)
            wanted = {each.id for each in results if each.state is not State.UNCHANGED}
            chosen = [each for each in chosen if each.account.id in wanted]
        include = [
            {
                "account": each.account.name,
                "id": each.account.id,
                "wave": fleet.waves[each.account.id],
                "stack": each.stack,
            }
            for each in chosen
        ]
        typer.echo(json.dumps({"include": include}))


@app.command()
def remove(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Annotated[
        list[str] | None, typer.Option("--account", "-a", metavar="ID", help="Remove this one; again for more.")
    ] = None,
    machine: Machine = False,
    html: Page = None,
) -> None:
    """Lists the stacks of accounts that left the fleet; those named by --account are destroyed. CHANGES ACCOUNTS.

    What a stack gives back or leaves behind when it goes is said in docs/architecture.md. Where an account is closed,
    nothing in it can be destroyed any more: pulumi stack rm --force STACK forgets it.

    Exit codes: 0 listed or removed, 1 one could not be removed, 2 the file or the command line cannot be used.
    """
    with told_in_words():
        fleet = load_fleet(file)
        with stopped_by_signals() as stop, engines_of(Command(fleet=fleet, cwd=cwd), stop, 0) as engines:
            left = _orphans(fleet, engines.stacks)
            results = [_orphaned(fleet, each) for each in left]
            if account:
                results = _remove(engines, left, account)
        finish(context, Report(command="remove", results=tuple(results)), machine=machine, page=html)


@app.command()
def migrate(
    *,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What describe-stack-set printed, or its parameters.", dir_okay=False, exists=True
        ),
    ] = None,
    instances: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="What list-stack-instances printed. Repeatable: one per page.",
            dir_okay=False,
            exists=True,
        ),
    ] = None,
    stack_set: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read this StackSet from AWS instead of from files.")
    ] = None,
    call_as: Annotated[
        CallAs, typer.Option(help="Account to act as: SELF, or DELEGATED_ADMIN of the organization.")
    ] = CallAs.SELF,
    region: Annotated[
        str | None, typer.Option(metavar="REGION", help="Region of the StackSet (default: that of the environment).")
    ] = None,
) -> None:
    """Print the fleet file that asks for what a StackSet of the AWS post asks for.

    Stack instances that are left out (suspended accounts, failed instances) are named in the file and on stderr.

    Exit codes: 0 printed, 2 a file or the StackSet cannot be used, with all that is wrong with the parameters.
    """
    with told_in_words():
        if stack_set:
            given, found = look_up_stack_set(cloudformation_client(region), stack_set, call_as.value)
        elif parameters and instances:
            given, found = read_parameters(parameters), read_instances(instances)
        else:
            raise UnusableError("Give --parameters and --instances, or --stack-set.")
        made = fleet_file_of(given, found)
        for each in made.omitted:
            typer.echo(f"Left out: {each.account} {each.region}: {each.omission}", err=True)
        typer.echo(made.text, nl=False)


@app.command()
def report(
    context: typer.Context,
    results: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What --json printed.", dir_okay=False, exists=True)
    ],
    *,
    machine: Machine = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Puts the results of several machines together, such as those of the jobs of a CI matrix. Asks nothing.

    Exit codes: as of the command that made the results.
    """
    with told_in_words():
        reports: list[Report] = []
        for each in results:
            try:
                reports.append(from_json(each.read_text()))
            except (OSError, ValueError) as wrong:
                raise UnusableError(f"{each} cannot be used: {wrong}") from None
        finish(context, merge_reports(reports), machine=machine, page=html, comment=markdown)


def _with_engines(command: Command, chosen: list[Rendered], do: work.Work) -> list[Result]:
    with stopped_by_signals() as stop, engines_of(command, stop, len(chosen)) as engines:
        turns = command.fleet.at_once(chosen)
        return run_waves(turns, lambda each, name: do(engines, each, name), stop, engines.listener)


def _explain(fleet: Fleet, accounts: list[str], *, machine: bool) -> None:
    if not accounts:
        raise UnusableError("--explain needs --account NAME")
    chosen = fleet.chosen(accounts, [])
    if machine:
        document = {
            each.account.name: [
                {
                    "setting": ".".join(setting.path),
                    "value": setting.value,
                    "from": setting.origin,
                    "insteadOf": [{"value": said.value, "from": said.origin} for said in setting.replaced],
                }
                for setting in each.settings
            ]
            for each in chosen
        }
        typer.echo(json.dumps(document, indent=2))
        return
    console = Terminal()
    for each in chosen:
        show_settings(f"{each.account.name} ({each.account.id})", each.settings, console)


def _orphans(fleet: Fleet, stacks: frozenset[str]) -> list[Orphan]:
    return orphans(fleet.settings, stacks, [each.account.id for each in fleet.accounts], fleet.left_out)


def _orphaned(fleet: Fleet, orphan: Orphan) -> Result:
    cell = Cell(
        state=State.ORPHANED,
        differences=(f"stack {orphan.stack}: {orphan.reason}",),
        remedy=work.remove_command(fleet, orphan),
    )
    account = orphan.account_id
    return Result(name=account, id=account, wave=None, state=State.ORPHANED, cells={ACCOUNT_WIDE: cell})


def _remove(engines: Engines, left: list[Orphan], accounts: list[str]) -> list[Result]:
    by_id = {each.account_id: each for each in left}
    for name in accounts:
        if name not in by_id:
            known = ", ".join(by_id) or "none"
            raise UnusableError(f"--account {name} has no stack that lost its account; there are: {known}")
    return [work.remove(engines, by_id[name]) for name in dict.fromkeys(accounts) if not engines.stop.is_asked]
