"""Steps of a move to another mode of approval, and what must hold before each.

A move to just-in-time node access has three steps, each an update of the stack: the approval policies beside the workflow
(`parallel`), no new requests to the workflow (`draining`), and the mode itself, which removes the workflow (`complete`). A
step begins when its conditions hold in AWS, so that one approved way to a session is open at any time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, cast

from common.problems import SettingsError
from components.approval.settings import ApprovalSettings, JustInTimeMigration, Mode
from components.just_in_time.decisions import Outcome
from components.settings import Settings
from operations.approval.requests import RequestState
from operations.errors import UnusableError
from operations.findings import Finding, Status, counted, listed, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.migration.stack_file import SECTION
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.just_in_time.decisions import AccessDecision
    from operations.approval.requests import ApprovalRequest
    from operations.migration.access_paths import AccessPaths
    from operations.stack import StackConfiguration

OPEN_REQUESTS: Final = "open-requests"
"""Check about requests and grants of the workflow, which end by themselves."""
_MOST: Final = 10
_KEPT: Final = frozenset({"enabled", "evidence", "justInTime", "takeOver"})
_KEPT_WITH_EVIDENCE: Final = frozenset({"alarmTopicArns", "notificationEmails"})
"""Keys of the section that mode `just-in-time` has, and those that it has with the export of records."""
_POLICIES: Final = "justInTime"
_STAGE: Final = "justInTimeMigration"


class MigrationStep(StrEnum):
    """Step of a move; the values are stable, as JSON documents contain them."""

    PARALLEL = "parallel"
    """Approval policies are deployed beside the workflow."""
    DRAINING = "draining"
    """The workflow accepts no new requests."""
    COMPLETE = "complete"
    """The stack has the new mode."""


EFFECTS: Final = {
    MigrationStep.PARALLEL: "Deploys the approval policies beside the workflow. Operators can request sessions in both ways.",
    MigrationStep.DRAINING: "The workflow accepts no new requests. Its open requests and grants continue.",
    MigrationStep.COMPLETE: "Sets the mode, and deletes the resources that only the earlier mode needs.",
}


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move of a stack to another mode.

    Attributes:
        policies: Section `justInTime` of the settings; None: the stack's.
    """

    configuration: StackConfiguration
    target: Mode
    policies: Mapping[str, Any] | None = None

    @property
    def section(self) -> dict[str, Any]:
        """Section `approval` of the configuration."""
        return cast("dict[str, Any]", json.loads(self.configuration.values[SECTION]))

    @property
    def approval(self) -> ApprovalSettings:
        """Settings of the workflow."""
        found = self.configuration.settings().approval
        if found is None:
            raise UnusableError(f"Stack {self.configuration.name} has no approval workflow.")
        return found

    @property
    def steps(self) -> tuple[MigrationStep, ...]:
        """Steps that are left."""
        if self.target is Mode.AUTOMATION:
            return (MigrationStep.COMPLETE,)
        stage = self.approval.just_in_time_migration
        left = {
            JustInTimeMigration.NONE: (MigrationStep.PARALLEL, MigrationStep.DRAINING, MigrationStep.COMPLETE),
            JustInTimeMigration.PARALLEL: (MigrationStep.DRAINING, MigrationStep.COMPLETE),
            JustInTimeMigration.DRAINING: (MigrationStep.COMPLETE,),
        }
        return left[stage]

    def changes(self, step: MigrationStep) -> dict[str, Any]:
        """Return the changes of a step to the section `approval`: values by key, None for keys that are removed."""
        if self.target is Mode.AUTOMATION:
            return {"mode": str(Mode.AUTOMATION)}
        policies = {_POLICIES: dict(self.policies)} if self.policies is not None else {}
        if step is not MigrationStep.COMPLETE:
            return {_STAGE: str(step), **policies}
        kept = {*_KEPT, *(_KEPT_WITH_EVIDENCE if self.section.get("evidence") is not None else ())}
        removed = dict.fromkeys(key for key in self.section if key not in {*kept, "mode"})
        return {"mode": str(Mode.JUST_IN_TIME), **removed, **policies}

    def after(self, step: MigrationStep) -> StackConfiguration:
        """Return the stack with the configuration after a step, which may be invalid."""
        section = {key: value for key, value in {**self.section, **self.changes(step)}.items() if value is not None}
        values = {**self.configuration.values, SECTION: json.dumps(section)}
        return replace(self.configuration, values=values)

    def problems(self) -> list[Finding]:
        """Return the problems of the configurations of the steps that are left, each once."""
        found: dict[str, Finding] = {}
        for step in self.steps:
            after = self.after(step)
            try:
                Settings.load({**after.values, "aws:region": after.value("aws:region")})
            except SettingsError as wrong:
                for problem in wrong.problems:
                    text = self.configuration.without_secrets(f"{problem.key}: {problem.message}")
                    found.setdefault(text, _obstacle("settings", text, "Change the settings before the move"))
        return list(found.values())

    @property
    def planned(self) -> Settings:
        """Settings of the first step that is left.

        Raises:
            UnusableError: They are not valid.
        """
        return self.after(self.steps[0]).settings()


def move_of(configuration: StackConfiguration, target: Mode, policies: Mapping[str, Any] | None) -> Move | None:
    """Return the move of a stack; None where it has the mode already.

    Raises:
        UnusableError: The stack has no workflow, or cannot move to the mode.
    """
    settings = configuration.settings()
    if settings.approval is None and settings.just_in_time is None:
        raise UnusableError(
            f"Stack {configuration.name} has no section {SECTION}, so it has no approval mode to move from. If it belongs to a "
            "fleet, set the keys of each step in the fleet file: docs/just-in-time.md, Moving from another mode."
        )
    mode = settings.approval.mode if settings.approval else Mode.JUST_IN_TIME
    if mode is target:
        return None
    if mode is Mode.JUST_IN_TIME:
        raise UnusableError(
            f"--to: expected just-in-time, which stack {configuration.name} has, got {target}. A move back is a change of the "
            "settings: set the workflow's keys with justInTimeMigration parallel, then remove justInTime."
        )
    if settings.approval and settings.approval.is_migrating and target is Mode.AUTOMATION:
        raise UnusableError(
            f"--to: expected just-in-time, to which stack {configuration.name} is moving, got {target}. Complete the move, or "
            "remove justInTimeMigration and justInTime and run pulumi up."
        )
    if target is Mode.AUTOMATION and policies is not None:
        raise UnusableError("--policies: expected no file with --to automation, got one. Omit it.")
    stage = settings.approval.just_in_time_migration if settings.approval else JustInTimeMigration.NONE
    if target is Mode.JUST_IN_TIME and stage is JustInTimeMigration.NONE and policies is None:
        raise UnusableError(
            "--policies: expected a YAML file with manualPolicies or autoApprovals, got none. Write the policies as "
            "docs/just-in-time.md describes; the first step adds them to the stack's configuration."
        )
    return Move(configuration=configuration, target=target, policies=policies)


@dataclass(frozen=True, kw_only=True)
class MigrationSituation:
    """State of AWS on which a step depends.

    Attributes:
        paths: Ways to a session that IAM leaves open; a failure: not known.
        requests: Open requests and grants of the workflow; a failure: not known.
        decisions: Decisions of just-in-time node access about the nodes.
        prerequisites: Findings about what Quick Setup and the earlier steps have made.
        unread: Findings about nodes that cannot be read.
    """

    paths: AccessPaths | ReadFailure
    requests: tuple[ApprovalRequest, ...] | ReadFailure = ()
    decisions: tuple[AccessDecision, ...] = ()
    prerequisites: tuple[Finding, ...] = ()
    unread: tuple[Finding, ...] = field(default=())


def obstacles(
    step: MigrationStep,
    target: Mode,
    situation: MigrationSituation,
    *,
    unreachable: Sequence[str] = (),
    accept_lost: bool = False,
) -> list[Finding]:
    """Return what prevents a step.

    `unreachable` are IDs or names of nodes that need no policy; `*`: none needs one. With `accept_lost`, change
    requests that wait for approval may be lost.
    """
    if target is Mode.AUTOMATION:
        return [*_closed(situation, target), *_lost(situation, accept_lost=accept_lost)]
    found = list(situation.prerequisites)
    if step is MigrationStep.PARALLEL:
        return found
    found += [
        *_closed(situation, target),
        *_standing(situation),
        *_undecided(situation, unreachable),
        *situation.unread,
    ]
    return found if step is MigrationStep.DRAINING else [*found, *_open_requests(situation)]


def path_findings(settings: Settings, paths: AccessPaths | ReadFailure) -> list[Finding]:
    """Return the findings about who can start sessions: no principal after a request, or one without an approval."""
    situation = MigrationSituation(paths=paths)
    if settings.approval and settings.approval.accepts_requests:
        return _closed(situation, Mode.AUTOMATION)
    return [*_closed(situation, Mode.JUST_IN_TIME), *_standing(situation)]


def _obstacle(check: str, found: str, remedy: str) -> Finding:
    return Finding(check=check, found=found, remedy=remedy)


def _closed(situation: MigrationSituation, target: Mode) -> list[Finding]:
    """Return the finding that no principal could get a session after the step."""
    paths = situation.paths
    if isinstance(paths, ReadFailure):
        return [unknown_finding("approved-path", paths)]
    if target is Mode.JUST_IN_TIME and not paths.is_just_in_time_open:
        lacking = [f"{_name(each.arn)} lacks {listed(each.lacks)}" for each in paths.operators_just_in_time]
        operators = f" Operators: {'; '.join(lacking[:_MOST])}." if lacking else ""
        return [
            _obstacle(
                "approved-path",
                f"no role can request sessions, except roles that can start sessions without a request.{operators}",
                "Attach the permissions of requesters to roles (Systems Manager User Guide, Setting up just-in-time access)",
            )
        ]
    if target is Mode.AUTOMATION and not paths.is_workflow_open:
        lacking = [f"{_name(each.arn)} lacks {listed(each.lacks)}" for each in paths.operators if each.lacks]
        text = "; ".join(lacking[:_MOST]) or "no operator, or no approver who may decide"
        return [
            _obstacle(
                "approved-path",
                f"no operator can get a session through the workflow: {text}",
                "Run pulumi up --refresh",
            )
        ]
    return []


def _standing(situation: MigrationSituation) -> list[Finding]:
    if isinstance(situation.paths, ReadFailure) or not situation.paths.standing:
        return []
    arns = situation.paths.standing
    return [
        _obstacle(
            "standing-sessions",
            f"{counted(len(arns), 'principal')} can start sessions without an approval: {listed(arns, _MOST)}. "
            "Just-in-time node access does not require requests from them",
            "Remove ssm:StartSession from them, or accept them in audit-exceptions.yaml or with --declare-admin. For details, "
            f"run {program_name()} audit",
        )
    ]


def _undecided(situation: MigrationSituation, unreachable: Sequence[str]) -> list[Finding]:
    """Return the findings about nodes on which no session could be requested after the step."""
    found: list[Finding] = []
    listing = f"{program_name()} access nodes"
    wrong = [each for each in situation.decisions if not each.is_sound]
    for outcome, text, remedy in (
        (
            Outcome.CONFLICT,
            "with several manual policies, so that each request fails",
            "Change the tags of the nodes, or the targets of the policies",
        ),
        (
            Outcome.UNKNOWN,
            "whose policy is not known, because a policy of the account has an unknown form",
            "Review the approval policies of the account",
        ),
        (
            Outcome.NO_POLICY,
            "without a policy, so that no session can be requested",
            "Tag the nodes, add a policy, or accept this with --accept-unreachable NODE",
        ),
    ):
        nodes = [each.node for each in wrong if each.outcome is outcome]
        if outcome is Outcome.NO_POLICY:
            nodes = [each for each in nodes if "*" not in unreachable and not {each.id, each.name} & {*unreachable}]
        if nodes:
            names = [f"{each.shown} in {each.region}" for each in nodes]
            status = Status.UNKNOWN if outcome is Outcome.UNKNOWN else Status.PROBLEM
            found.append(
                Finding(
                    check=f"nodes-{outcome.value}",
                    status=status,
                    found=f"{counted(len(nodes), 'node')} {text}: {listed(names, _MOST)}",
                    remedy=f"{remedy}. To list the nodes, run {listing}",
                )
            )
    return found


def _open_requests(situation: MigrationSituation) -> list[Finding]:
    if isinstance(situation.requests, ReadFailure):
        return [unknown_finding(OPEN_REQUESTS, situation.requests)]
    if not situation.requests:
        return []
    return [
        _obstacle(
            OPEN_REQUESTS,
            f"the workflow has {counted(len(situation.requests), 'open request or grant')}, which this step would end: "
            f"{_requests(situation.requests)}",
            f"Wait until they end (--wait), or end them with {program_name()} revoke and {program_name()} approve --reject",
        )
    ]


def _lost(situation: MigrationSituation, *, accept_lost: bool) -> list[Finding]:
    """Return the finding about change requests: the runbook of mode `automation` refuses those that are approved later."""
    if isinstance(situation.requests, ReadFailure):
        return [unknown_finding(OPEN_REQUESTS, situation.requests)]
    waiting = [each for each in situation.requests if each.state is not RequestState.GRANTED]
    if not waiting or accept_lost:
        return []
    return [
        _obstacle(
            OPEN_REQUESTS,
            f"{counted(len(waiting), 'change request')} would be denied after their approval, and must be submitted again: "
            f"{_requests(tuple(waiting))}",
            "Wait until approvers have decided them, or accept their loss with --accept-lost-requests. Grants are not affected",
        )
    ]


def _requests(requests: tuple[ApprovalRequest, ...]) -> str:
    texts = [f"{each.id} ({each.state}, {each.principal})" for each in requests]
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return ", ".join(texts[:_MOST]) + more


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
