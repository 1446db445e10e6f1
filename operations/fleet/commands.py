"""`python -m operations fleet`: subcommands."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.command_line import CommandContext, Cwd, Json
from operations.errors import UnusableError
from operations.fleet.fleet import Fleet, OrphanedStack, load_fleet, orphaned_stacks, plan_stacks
from operations.fleet.migration import (
    cloudformation_client,
    fleet_file_of,
    read_instances,
    read_parameters,
    read_stack_set,
)
from operations.fleet.result_output import markdown_comment, print_results, print_settings, results_page
from operations.fleet.results import (
    AccountResult,
    AccountState,
    FleetReport,
    NextStep,
    merge_reports,
    report_from_json,
    report_to_json,
)
from operations.fleet.rollout import Journal, run_waves, stopped_by_signals
from operations.fleet.stack_operations import (
    EngineContext,
    FleetOptions,
    engine_context,
    find_drift,
    next_steps,
    open_backend,
    orphan_result,
    preview_stack,
    progress_of,
    remove_stack,
    state_folder,
    update_stack,
    verify_account,
)
from operations.policy_pack import PackConfigurations, PolicyPack, policy_packs
from operations.terminal import Terminal, print_json, working

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations.fleet.pulumi_cli import PulumiCli
    from operations.fleet.stack_configuration import FleetStack

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Run one stack per account for a whole organization, in waves (docs/fleet.md).",
)

File = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="Fleet file.", dir_okay=False, exists=True)]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", "-a", metavar="NAME", help="Limit to this account (name or ID). Repeatable."),
]
Waves = Annotated[
    list[str] | None, typer.Option("--wave", "-w", metavar="NAME", help="Limit to this wave. Repeatable.")
]
PolicyPacks = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", metavar="DIRECTORY", help="Policy pack that evaluates every stack. Repeatable."),
]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the results as a self-contained HTML page.")
]
Comment = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write the results as a Markdown comment for a pull request."),
]


class CallAs(StrEnum):
    """Account with whose permissions a StackSet is read (CloudFormation API Reference, CallAs)."""

    SELF = "SELF"
    DELEGATED_ADMIN = "DELEGATED_ADMIN"


@app.command()
def plan(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Accounts = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the source of each setting of --account. Makes no other calls.")
    ] = False,
    json_output: Json = False,
    html: Page = None,
) -> None:
    """Show new, changed, unchanged and orphaned stacks. Changes nothing.

    Reads the fleet file, AWS Organizations if the file requires it, and the state backend. Changes of the program are
    shown by `preview`.

    Exit codes: 0 shown, 2 the file, AWS or the backend cannot be used (all problems of the file are listed).
    """
    fleet = _read_fleet(file)
    if explain:
        _explain(fleet, account or [], json_output=json_output)
        return
    selected = fleet.select(account)
    with working("Reading the state backend ..."), open_backend(fleet, cwd) as pulumi:
        results = plan_stacks(fleet, pulumi, selected)
        if not account:
            results += [orphan_result(fleet, each) for each in _orphans(fleet, pulumi)]
    steps = next_steps(fleet, "plan", results, FleetOptions(cwd=cwd, accounts=account or ()))
    _finish(context, results, json_output=json_output, html=html, steps=steps)


@app.command()
def preview(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Accounts = None,
    wave: Waves = None,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PackConfigurations = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Refresh state before previewing.")] = False,
    json_output: Json = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Preview the changes of `up` in every account, regardless of waves. Changes nothing, not even in the backend.

    Exit codes: 0 shown, 1 an account failed, 2 the file or the command line cannot be used.
    """
    fleet = _read_fleet(file)
    selected = fleet.select(account, wave)
    packs = policy_packs(policy_pack, policy_pack_config)
    results = _run_read_only(fleet, cwd, selected, preview_stack, packs=packs, refresh=refresh)
    options = FleetOptions(cwd=cwd, accounts=account or (), waves=wave or (), policy_packs=packs)
    steps = next_steps(fleet, "preview", results, options)
    _finish(context, results, json_output=json_output, html=html, markdown=markdown, steps=steps)


@app.command()
def up(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Accounts = None,
    wave: Waves = None,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PackConfigurations = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Refresh state before updating, which repairs drift.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Repeat accounts that an unfinished run has completed.")
    ] = False,
    json_output: Json = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Deploy every account's stack as the file specifies, wave by wave. CHANGES ACCOUNTS.

    If more accounts of a wave fail than it tolerates, started accounts are completed and no further account is started.
    The next run resumes there, and skips accounts that are completed with the same settings and program, unless
    --again, --refresh or --account is given. Once all accounts are completed, a run starts from the beginning.

    Ctrl-C (or SIGTERM) lets each engine finish its current operations; a second one aborts them. Locks are removed.
    The output of the engines is in .fleet/FILE/logs beside the fleet file.

    Exit codes: 0 all completed, 1 an account failed or was not started, 2 the file or the command line cannot be used.
    """
    fleet = _read_fleet(file)
    selected = fleet.select(account, wave)
    packs = policy_packs(policy_pack, policy_pack_config)
    journal = Journal(state_folder(fleet) / "unfinished.json")
    with engine_context(fleet, cwd, accounts=len(selected), policy_packs=packs, refresh=refresh) as engines:
        update = partial(update_stack, engines, journal, resumes=not (again or refresh or account))
        results = run_waves(fleet.waves(selected), update, engines.stop, engines.progress)
        journal.close({each.account.id: engines.fingerprint(each) for each in fleet.stacks})
    options = FleetOptions(cwd=cwd, accounts=account or (), waves=wave or (), policy_packs=packs)
    steps = next_steps(fleet, "up", results, options)
    _finish(context, results, json_output=json_output, html=html, markdown=markdown, steps=steps)


@app.command()
def drift(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Accounts = None,
    wave: Waves = None,
    json_output: Json = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Compare the live resources with the stacks' state. Changes nothing; `up --refresh` repairs drift.

    Exit codes: 0 no drift, 1 drift or a failure, 2 the file or the command line cannot be used.
    """
    fleet = _read_fleet(file)
    results = _run_read_only(fleet, cwd, fleet.select(account, wave), find_drift)
    steps = next_steps(fleet, "drift", results, FleetOptions(cwd=cwd, accounts=account or (), waves=wave or ()))
    _finish(context, results, json_output=json_output, html=html, markdown=markdown, steps=steps)


@app.command()
def verify(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    account: Accounts = None,
    wave: Waves = None,
    json_output: Json = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Compare the live resources with the settings, check by check, in every account and Region.

    Needs neither `pulumi` nor a state. Changes nothing.

    Exit codes: 0 no differences, 1 differences, or checks that cannot be evaluated, 2 the file or the command line cannot
    be used.
    """
    fleet = _read_fleet(file)
    selected = fleet.select(account, wave)
    with stopped_by_signals() as stop, progress_of(len(selected)) as progress:
        results = run_waves(fleet.read_only_waves(selected), partial(verify_account, fleet), stop, progress)
    steps = next_steps(fleet, "verify", results, FleetOptions(accounts=account or (), waves=wave or ()))
    _finish(context, results, json_output=json_output, html=html, markdown=markdown, steps=steps)


@app.command()
def matrix(
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Accounts = None,
    wave: Waves = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Limit to accounts that are new or whose settings changed.")
    ] = False,
) -> None:
    """Print the accounts as a CI matrix: {"include": [{"account", "id", "wave", "stack"}]}. Changes nothing.

    Exit codes: 0 printed, 2 the file, AWS or the backend cannot be used.
    """
    fleet = _read_fleet(file)
    selected = fleet.select(account, wave)
    if changed:
        with working("Reading the state backend ..."), open_backend(fleet, cwd) as pulumi:
            results = plan_stacks(fleet, pulumi, selected)
        unchanged = {each.id for each in results if each.state is AccountState.UNCHANGED}
        selected = [each for each in selected if each.account.id not in unchanged]
    include = [
        {
            "account": each.account.name,
            "id": each.account.id,
            "wave": fleet.wave_names[each.account.id],
            "stack": each.name,
        }
        for each in selected
    ]
    typer.echo(json.dumps({"include": include}))


@app.command()
def remove(  # noqa: PLR0913 -- one parameter per option
    context: typer.Context,
    *,
    file: File,
    cwd: Cwd = Path(),
    account: Annotated[
        list[str] | None,
        typer.Option("--account", "-a", metavar="ID", help="Remove the stack of this account. Repeatable."),
    ] = None,
    json_output: Json = False,
    html: Page = None,
) -> None:
    """List the stacks of accounts that left the fleet; destroy those that --account names. CHANGES ACCOUNTS.

    docs/architecture.md describes what a stack restores or retains on destroy. Resources of a closed account cannot be
    destroyed: pulumi stack rm --force STACK removes the stack from the backend.

    Exit codes: 0 listed or removed, 1 one could not be removed, 2 the file or the command line cannot be used.
    """
    fleet = _read_fleet(file)
    with engine_context(fleet, cwd, accounts=0) as engines:
        left = _orphans(fleet, engines.pulumi)
        results = _remove(engines, left, account) if account else [orphan_result(fleet, each) for each in left]
    _finish(context, results, json_output=json_output, html=html)


@app.command()
def migrate(
    *,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Output of describe-stack-set, or its parameters.", dir_okay=False, exists=True
        ),
    ] = None,
    instances: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Output of list-stack-instances. Repeatable: one per page.",
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
        str | None,
        typer.Option(metavar="REGION", help="Region of the StackSet. Default: the Region of the environment."),
    ] = None,
) -> None:
    """Print the fleet file that corresponds to a StackSet of the AWS post.

    Stack instances that are left out (suspended accounts, failed instances) are named in the file and on stderr.

    Exit codes: 0 printed, 2 a file or the StackSet cannot be used (all problems of the parameters are listed).
    """
    if stack_set:
        given, found = read_stack_set(cloudformation_client(region), stack_set, call_as.value)
    elif parameters and instances:
        given, found = read_parameters(parameters), read_instances(instances)
    else:
        raise UnusableError("expected --parameters and --instances, or --stack-set.")
    migration = fleet_file_of(given, found)
    for each in migration.omitted:
        typer.echo(f"Left out: {each.account} {each.region}: {each.omission}", err=True)
    typer.echo(migration.text, nl=False)


@app.command()
def report(
    context: typer.Context,
    results: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Output of --json.", dir_okay=False, exists=True)
    ],
    *,
    json_output: Json = False,
    html: Page = None,
    markdown: Comment = None,
) -> None:
    """Merge the results of several machines, such as the jobs of a CI matrix. Makes no calls.

    Exit codes: those of the command that produced the results.
    """
    reports: list[FleetReport] = []
    for each in results:
        try:
            reports.append(report_from_json(each.read_text()))
        except (OSError, ValueError) as wrong:
            raise UnusableError(f"{each} cannot be used: {wrong}") from None
    merged = merge_reports(reports)
    _finish(
        context,
        merged.results,
        merged.command,
        json_output=json_output,
        html=html,
        markdown=markdown,
        steps=merged.next_steps,
    )


def _read_fleet(file: Path) -> Fleet:
    with working("Reading the fleet file and AWS Organizations ..."):
        return load_fleet(file)


def _run_read_only(  # noqa: PLR0913 -- the options of a command
    fleet: Fleet,
    cwd: Path,
    selected: list[FleetStack],
    operate: Callable[[EngineContext, FleetStack, str], AccountResult],
    *,
    packs: tuple[PolicyPack, ...] = (),
    refresh: bool = False,
) -> list[AccountResult]:
    """Run engines that change nothing, and return their results."""
    with engine_context(fleet, cwd, accounts=len(selected), policy_packs=packs, refresh=refresh) as engines:
        waves = fleet.read_only_waves(selected)
        return run_waves(waves, partial(operate, engines), engines.stop, engines.progress)


def _finish(  # noqa: PLR0913 -- the options of a command
    context: typer.Context,
    results: Sequence[AccountResult],
    command: str | None = None,
    *,
    json_output: bool,
    html: Path | None,
    markdown: Path | None = None,
    steps: tuple[NextStep, ...] = (),
) -> None:
    """Write the results to all requested outputs, and exit with their exit code.

    Raises:
        UnusableError: A file cannot be written.
    """
    found = FleetReport(command=command or str(context.info_name), results=tuple(results), next_steps=steps)
    try:
        if html:
            html.write_text(results_page(found, CommandContext.of(context).now()), encoding="utf-8")
        if markdown:
            markdown.write_text(markdown_comment(found), encoding="utf-8")
    except OSError as failed:
        raise UnusableError(f"The results cannot be written: {failed}") from None
    if json_output:
        typer.echo(report_to_json(found))
    else:
        print_results(found, Terminal())
    raise typer.Exit(found.exit_code)


def _explain(fleet: Fleet, accounts: list[str], *, json_output: bool) -> None:
    if not accounts:
        raise UnusableError("--explain requires --account NAME.")
    selected = fleet.select(accounts)
    if not json_output:
        for each in selected:
            print_settings(f"{each.account.name} ({each.account.id})", each.settings, Terminal())
        return
    print_json(
        {
            each.account.name: [
                {
                    "setting": setting.key,
                    "value": setting.value,
                    "from": setting.origin,
                    "insteadOf": [{"value": replaced.value, "from": replaced.origin} for replaced in setting.replaced],
                }
                for setting in each.settings
            ]
            for each in selected
        }
    )


def _orphans(fleet: Fleet, pulumi: PulumiCli) -> list[OrphanedStack]:
    return orphaned_stacks(fleet.settings, pulumi.stacks, [each.account.id for each in fleet.stacks], fleet.left_out)


def _remove(engines: EngineContext, orphans: list[OrphanedStack], accounts: list[str]) -> list[AccountResult]:
    by_id = {each.account_id: each for each in orphans}
    for name in accounts:
        if name not in by_id:
            known = ", ".join(by_id) or "none"
            raise UnusableError(f"--account: expected the account of an orphaned stack ({known}), got {name}.")
    return [remove_stack(engines, by_id[name]) for name in dict.fromkeys(accounts) if not engines.stop.is_requested]
