"""Output of a move to another mode of approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from components.approval.evidence_plan import plan_evidence
from components.approval.names import OPERATORS_PATH, WorkflowLocation
from components.approval.plan import plan_approval
from components.approval.settings import Mode
from components.just_in_time.decisions import Outcome
from components.just_in_time.documents import policy_documents
from operations.approval.output import requests_table
from operations.findings import counted, listed, print_unread, styled
from operations.inventory.reader import ReadFailure
from operations.migration.approval import EFFECTS, MigrationStep
from operations.terminal import print_line, titled_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from components.approval.evidence_plan import EvidencePlan
    from components.settings import Settings
    from operations.findings import Finding
    from operations.migration.approval import MigrationSituation, Move

_ANY: Final = "*"
_TITLES: Final = {"made": "Created", "changed": "Changed", "removed": "Deleted", "kept": "Retained"}


def print_move(
    console: Console,
    move: Move,
    situation: MigrationSituation | None,
    found: Mapping[MigrationStep, Sequence[Finding]],
    now: datetime,
) -> None:
    """Print what a move changes, its steps, and what prevents those left; no situation: the settings are not valid."""
    print_line(console, f"{move.configuration.name}: from {move.approval.mode} to {move.target}", style="bold")
    if situation is not None:
        console.print(_who(move, situation))
        for line in _nodes(situation):
            print_line(console, line)
        for title, names in _resources(move).items():
            if names:
                print_line(console, f"{_TITLES[title]}: {', '.join(names)}")
        if isinstance(situation.requests, ReadFailure):
            print_unread(console, "open requests and grants", situation.requests)
        elif situation.requests:
            console.print(requests_table(situation.requests, now, "Open requests and grants"))
    seen: set[tuple[str, str]] = set()
    for number, (step, obstacles) in enumerate(found.items(), start=1):
        new = [each for each in obstacles if (each.check, each.found) not in seen]
        seen |= {(each.check, each.found) for each in new}
        state = "possible now" if not obstacles and number == 1 else "not possible yet" if obstacles else "afterwards"
        print_line(console, f"{number}. {step}: {state}. {EFFECTS[step]}", style="bold" if number == 1 else "")
        print_obstacles(console, new)


def print_obstacles(console: Console, found: Sequence[Finding]) -> None:
    """Print what prevents a step, with the remediation."""
    for each in found:
        subject = f"{each.check} ({each.about})" if each.about else each.check
        print_line(console, Text.assemble("  ", styled(each.status), f": {subject}: {each.found}"))
        if each.remedy:
            print_line(console, f"    remedy: {each.remedy}")


def print_step(console: Console, move: Move, step: MigrationStep) -> None:
    """Print what the next step does, and what it changes in the configuration."""
    print_line(console, f"Step {step}: {EFFECTS[step]}", style="bold")
    changes = move.changes(step)
    removed = sorted(key for key, value in changes.items() if value is None)
    set_ = sorted(key for key, value in changes.items() if value is not None)
    print_line(console, f"  shell-access:approval: sets {', '.join(set_)}")
    if removed:
        print_line(console, f"  shell-access:approval: removes {', '.join(removed)}")


def as_json(
    move: Move, situation: MigrationSituation | None, found: Mapping[MigrationStep, Sequence[Finding]]
) -> dict[str, Any]:
    """Return a move as a JSON document."""
    return {
        "stack": move.configuration.name,
        "from": str(move.approval.mode),
        "to": str(move.target),
        "access": [] if situation is None else _access(move, situation),
        "nodes": {} if situation is None else _counts(situation),
        "openRequests": _open_requests(situation),
        "resources": {} if situation is None else _resources(move),
        "steps": [
            {"step": str(step), "effect": EFFECTS[step], "obstacles": [_plain(each) for each in several]}
            for step, several in found.items()
        ],
    }


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "status": finding.status.value,
        "about": finding.about,
        "found": finding.found,
        "remedy": finding.remedy,
    }


def _open_requests(situation: MigrationSituation | None) -> list[dict[str, str]] | None:
    """Return the open requests and grants; None: not known."""
    if situation is None or isinstance(situation.requests, ReadFailure):
        return None
    return [
        {"id": each.id, "state": str(each.state), "principal": str(each.principal), "instance": each.instance}
        for each in situation.requests
    ]


def _who(move: Move, situation: MigrationSituation) -> Any:
    table = titled_table("Who can start sessions", "Principal", "Now", "After the move")
    for each in _access(move, situation):
        table.add_row(Text(each["principal"]), Text(each["now"]), Text(each["after"]))
    return table


def _access(move: Move, situation: MigrationSituation) -> list[dict[str, str]]:
    """Return the principals that can start sessions, now and after the move, in words."""
    paths, approval = situation.paths, move.approval
    if isinstance(paths, ReadFailure):
        return []
    approvers = listed([f"{each.type} {each.name}" for each in approval.approvers])
    to_workflow = move.target is Mode.AUTOMATION
    rows: list[dict[str, str]] = []
    lacks = {each.arn: each.lacks for each in paths.operators_just_in_time}
    for each in paths.operators:
        lacking = listed(each.lacks)
        now = f"no: lacks {lacking}" if each.lacks else f"after approval by {approvers}"
        after = f"after approval by {approvers}, in the runbook"
        if not to_workflow:
            missing = lacks.get(each.arn, ())
            after = f"no: {listed(missing)}" if missing else "on request, according to the policies of the node"
        rows.append({"principal": each.arn, "now": now, "after": after})
    known = {each.arn for each in paths.operators}
    if not to_workflow:
        rows += [
            {"principal": arn, "now": "no", "after": "on request, according to the policies of the node"}
            for arn in paths.requesters
            if arn not in known
        ]
    if approval.break_glass:
        after = "as now" if to_workflow else "no: emergency access is removed"
        users = listed(approval.break_glass.users)
        rows.append(
            {"principal": f"emergency access of {users}", "now": "without approval, with an alarm", "after": after}
        )
    rows += [
        {"principal": arn, "now": "without approval", "after": "without approval or request"} for arn in paths.standing
    ]
    return rows


def _counts(situation: MigrationSituation) -> dict[str, int]:
    counts = {outcome.value: 0 for outcome in Outcome}
    for each in situation.decisions:
        counts[each.outcome.value] += 1
    counts["automaticOnly"] = sum(each.outcome is Outcome.NO_POLICY and each.is_sound for each in situation.decisions)
    counts[Outcome.NO_POLICY.value] -= counts["automaticOnly"]
    return counts


def _nodes(situation: MigrationSituation) -> list[str]:
    if not situation.decisions:
        return []
    counts = _counts(situation)
    text = (
        f"{counted(len(situation.decisions), 'node')} after the move: {counts[Outcome.MANUAL.value]} by approval, "
        f"{counts['automaticOnly']} by automatic approval only, {counts[Outcome.NO_POLICY.value]} without a policy, "
        f"{counts[Outcome.CONFLICT.value]} with several policies"
    )
    return [text]


def _resources(move: Move) -> dict[str, list[str]]:
    """Return the names of what the move makes, changes, removes and keeps."""
    settings = move.configuration.settings()
    approval, region = move.approval, settings.regions[0]
    place = WorkflowLocation(partition="aws", account_id=_ANY, region=region)
    plan = plan_approval(approval, place, settings.regions, session_data_encryption=False)
    if move.target is Mode.AUTOMATION:
        template = [f"document {plan.template.name}"] if plan.template else []
        changed = [f"document {plan.runbook.name}", *(f"policy {each.name}" for each in plan.operator_policies)]
        return {"made": [], "changed": changed, "removed": template, "kept": []}
    exported = approval.model_copy(update={"mode": Mode.JUST_IN_TIME})
    kept = plan_evidence(exported, place, settings.regions) if approval.evidence else None
    stays = [*_named(kept), *_alarms(kept)] if kept else []
    alarms = [each for each in _alarms(plan) if each not in stays]
    return {
        "made": _made(move.planned),
        "changed": ["tag of the data key"] if settings.just_in_time is None and settings.session_manager else [],
        "removed": [
            *(each for each in _named(plan) if each not in stays),
            *([f"roles below {OPERATORS_PATH}"] if approval.operators else []),
            *([] if kept else [f"topic {place.topic_arn.rpartition(':')[2]} with its key"]),
            counted(len(alarms), "alarm"),
        ],
        "kept": ["export of records with its bucket and key, its alarms and the topic"] if kept else [],
    }


def _named(plan: EvidencePlan) -> list[str]:
    kinds = (
        ("document", plan.documents),
        ("role", plan.roles),
        ("policy", plan.policies),
        ("schedule", plan.schedules),
    )
    return [f"{kind} {each.name}" for kind, several in kinds for each in several]


def _alarms(plan: EvidencePlan) -> list[str]:
    return [each.name for each in (*plan.event_alarms, *plan.metric_alarms)]


def _made(planned: Settings) -> list[str]:
    if planned.just_in_time is None:
        return []
    regions = listed(list(planned.regions))
    return [f"document {each.name} in {regions}" for each in policy_documents(planned.just_in_time)]
