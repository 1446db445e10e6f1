"""Roles that are taken on, one after the other: D6, and D7 for the tags of their sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from components.iam.trust import ASSUME, admission, outsiders
from operations.audit.findings import Audited, Finding, Letting
from operations.audit.judge import finding
from operations.audit.knowledge import RequestKnowledge
from operations.audit.rules.keys import APPROVAL_TAG
from operations.audit.severity import Severity
from operations.audit.takers import Hop, Onward, Resources, Taking, plain_hop, resources_of, taking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from components.iam.choices import Knowledge
    from components.iam.documents import Statement
    from components.iam.principals import Principal
    from operations.audit.world import World

_TAG_SESSION: Final = "sts:TagSession"
_MOST_NAMED: Final = 5
"""Roles in a note."""


def chains(
    world: World, judged: Iterable[Principal], progress: Callable[[int, int], None] = lambda _done, _of: None
) -> dict[Principal, list[Finding]]:
    """The roles that count which principals can become, directly or over others.

    Args:
        world: the account, with who is privileged.
        judged: the principals to look at.
        progress: is told how far it is.
    """
    principals = list(judged)
    counting = [role for role in world.roles if _counts(role, world)]
    found = taking(world, principals, counting, progress)
    telling = _Telling(world, found)
    told = {principal: telling.findings(principal) for principal in principals}
    return {principal: findings for principal, findings in told.items() if findings}


def from_outside(world: World) -> list[Audited]:
    """Principals of other accounts that roles which count let in."""
    found: dict[str, list[Finding]] = {}
    for role in world.roles:
        if not _counts(role, world):
            continue
        for name, statement in outsiders(role, world.account.id):
            doubts = tuple(f"trust {each.text}" for each in statement.conditions)
            severity = _severity(role, world)
            found.setdefault(name, []).append(
                Finding(
                    rule="D6",
                    severity=severity.lowered() if doubts else severity,
                    lettings=(_trust_letting(role, statement, ASSUME),),
                    doubts=doubts,
                    hidden=("G10",),
                    path=(role.arn,),
                    note=_note(role, world),
                )
            )
    return [Audited(arn=arn, kind="outside", findings=tuple(findings)) for arn, findings in found.items()]


def _counts(role: Principal, world: World) -> bool:
    return role in world.resting or world.is_privileged(role)


def _severity(role: Principal, world: World) -> Severity:
    names = (role.arn == world.runbook_role, role in world.approvers)
    return Severity.CRITICAL if any(names) else Severity.HIGH


def _note(role: Principal, world: World) -> str:
    if role.arn == world.runbook_role:
        return f"{role.name} is the runbook's role"
    if role in world.approvers:
        return f"{role.name} approves; --approver declares those who should"
    worst = world.privileged.get(role.arn)
    if worst is not None and worst >= Severity.HIGH:
        return f"{role.name} has ways around of its own ({worst.word})"
    return (
        f"{role.name} is an operator; its tag counts for everybody who can take it on"
        if role in world.operators
        else ""
    )


@dataclass(frozen=True)
class _Group:
    """Roles that one statement reaches, as bad as each other; the first of them stands for all."""

    role: Principal
    onward: tuple[Principal, ...]
    note: str


class _Telling:
    """Makes findings: one for every statement and severity, which names the other roles that it reaches."""

    def __init__(self, world: World, found: Taking) -> None:
        self._world, self._found = world, found
        self._sharing = _sharing(world, found)
        self._groups: dict[tuple[Resources, bool], dict[Severity, _Group]] = {}

    def findings(self, principal: Principal) -> list[Finding]:
        told: list[Finding] = []
        for policy, statement in self._found.plain.get(principal, ()):
            for severity, group in self._grouped(principal, resources_of(statement)).items():
                hop = plain_hop(policy, statement, group.role, group.onward)
                told.append(_admitted("D6", severity, principal, hop, group.note))
        special = self._found.special.get(principal, [])
        told += self._of_special(principal, special)
        return [*told, *_session_tags(principal, self._operators(principal, special), self._world)]

    def _grouped(self, principal: Principal, resources: Resources) -> dict[Severity, _Group]:
        roles = self._found.by_resources[resources]
        if principal in roles:
            return self._group({role: onward for role, onward in roles.items() if role is not principal}, principal)
        key = (resources, principal in self._world.approvers)
        if key not in self._groups:
            self._groups[key] = self._group(roles, principal)
        return self._groups[key]

    def _group(self, roles: Onward, principal: Principal) -> dict[Severity, _Group]:
        together: dict[Severity, list[tuple[Principal, str]]] = {}
        for role, onward in roles.items():
            severity, note = _judged(principal, (role, *onward)[-1], self._world, self._sharing)
            together.setdefault(severity, []).append((role, note))
        found: dict[Severity, _Group] = {}
        for severity, several in together.items():
            (first, note), *others = sorted(several, key=lambda each: len(roles[each[0]]))
            found[severity] = _Group(first, roles[first], _with_others(note, [role.name for role, _ in others]))
        return found

    def _of_special(self, principal: Principal, hops: list[Hop]) -> list[Finding]:
        together: dict[tuple[Statement | None, Severity, bool], list[tuple[Hop, str]]] = {}
        for hop in hops:
            severity, note = _judged(principal, hop.end, self._world, self._sharing)
            own = hop.admission.grant.statement if hop.admission.grant else None
            together.setdefault((own, severity, bool(hop.admission.doubts)), []).append((hop, note))
        found: list[Finding] = []
        for (_, severity, _), several in together.items():
            (first, note), *others = sorted(several, key=lambda each: len(each[0].onward))
            note = _with_others(note, [hop.admission.role.name for hop, _ in others])
            found.append(_admitted("D6", severity, principal, first, note))
        return found

    def _operators(self, principal: Principal, special: list[Hop]) -> list[Principal]:
        """The operators' roles that a principal may become."""
        reached = {hop.admission.role: None for hop in special}
        for _, statement in self._found.plain.get(principal, ()):
            reached.update(dict.fromkeys(self._found.by_resources[resources_of(statement)]))
        return [role for role in self._world.operators if role in reached and role is not principal]


def _sharing(world: World, found: Taking) -> dict[Principal, int]:
    """How many may become each of the operators' roles."""
    takers: dict[Principal, set[Principal]] = {role: set() for role in world.operators}
    for principal, hops in found.special.items():
        for hop in hops:
            takers.get(hop.admission.role, set()).add(principal)
    for principal, statements in found.plain.items():
        for _, statement in statements:
            reached = found.by_resources[resources_of(statement)]
            for role, several in takers.items():
                if role in reached and role is not principal:
                    several.add(principal)
    return {role: len(several) for role, several in takers.items()}


def _judged(
    principal: Principal, role: Principal, world: World, sharing: Mapping[Principal, int]
) -> tuple[Severity, str]:
    severity, note = _severity(role, world), _note(role, world)
    if world.is_privileged(role):
        return severity, note
    approves = role in world.approvers
    if role in world.operators and not approves and sharing[role] == 1:
        severity, note = Severity.LOW, f"{role.name} is an operator; nobody else here can take it on"
    if role.name in world.protected.shared_roles and not approves:
        severity, note = Severity.LOW, f"{role.name} is an operator that the stack accepts as shared"
    if approves and principal in world.approvers:
        severity, note = Severity.LOW, f"{role.name} approves, and this is a declared approver"
    return severity, note


def _with_others(note: str, others: list[str]) -> str:
    if not others:
        return note
    beyond = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return f"{note}; also {', '.join(sorted(others)[:_MOST_NAMED])}{beyond}"


def _admitted(rule: str, severity: Severity, principal: Principal, hop: Hop, note: str) -> Finding:
    found = hop.admission
    own = [found.grant] if found.grant else []
    told = finding(rule, severity.lowered() if found.doubts else severity, principal, own)
    return replace(
        told,
        lettings=(*told.lettings, _trust_letting(found.role, found.trust, ASSUME)),
        doubts=found.doubts,
        hidden=tuple(sorted({*told.hidden, "G10"}, key=_number)),
        path=tuple(each.arn for each in hop.path),
        note=note,
    )


def _session_tags(principal: Principal, operators: list[Principal], world: World) -> list[Finding]:
    """Operators' roles that a principal can become while setting the approval tag of the session."""

    def knowledge(action: str) -> Knowledge:
        return RequestKnowledge(principal, world, action, APPROVAL_TAG)

    found: list[Finding] = []
    for role in operators:
        tagging = admission(principal, role, knowledge, _TAG_SESSION)
        if tagging is not None:
            note = f"sessions of {role.name} can bring the tag along"
            found.append(_admitted("D7", Severity.CRITICAL, principal, Hop(tagging), note))
    return found


def _trust_letting(role: Principal, statement: Statement, action: str) -> Letting:
    return Letting(
        policy=f"trust policy of {role.name}",
        kind="trust",
        index=statement.index,
        sid=statement.sid,
        actions=(action,),
        statement=statement.raw,
    )


def _number(mark: str) -> int:
    return int(mark[1:])
