"""Findings about role chaining: `iam-assume-role`, and `session-tag-approval` for session tags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from common.iam.tag_requests import RequestKeys, tag_requests
from common.iam.trust import ASSUME, Admission, admission, outsiders
from common.iam.truth import Truth
from components.approval.names import RESERVED_PATH, TAG_KEY
from components.approval.scripts.trust import ACCOUNT_ACCESS, account_access_application, identity_center_user
from operations.audit.catalog import Severity
from operations.audit.duties import Reached, both_sides, people_on_both_sides
from operations.audit.evaluator import finding
from operations.audit.findings import Audited, BypassFinding, MatchedStatement
from operations.audit.request_context import RequestKnowledge, admits_session_tag
from operations.audit.role_assumption import (
    AssumptionStep,
    Onward,
    Resources,
    RoleAssumptions,
    plain_step,
    resources_of,
)
from operations.audit.rules import position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from common.iam.choices import Knowledge
    from common.iam.documents import Statement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext

_TAG_SESSION: Final = "sts:TagSession"
_PROVIDING: Final = (ACCOUNT_ACCESS,)
"""Services that pass attributes of users as session tags."""

_MOST_NAMED: Final = 5
"""Number of roles that a note names."""


def assumption_findings(
    audit: AuditContext, evaluated: Iterable[Principal]
) -> tuple[dict[Principal, list[BypassFinding]], tuple[str, ...]]:
    """Return findings about roles that principals can assume, directly or by role chaining, and what is by design."""
    principals = list(evaluated)
    counting = [role for role in audit.roles if _counts(role, audit)]
    found = RoleAssumptions(audit, principals, counting)
    builder = _FindingBuilder(audit, found)
    results = {principal: builder.findings(principal) for principal in principals}
    return {principal: findings for principal, findings in results.items() if findings}, builder.by_design()


def from_outside(audit: AuditContext) -> list[Audited]:
    """Return the principals of other accounts that protected roles trust."""
    found: dict[str, list[BypassFinding]] = {}
    for role in audit.roles:
        if not _counts(role, audit):
            continue
        for name, statement in outsiders(role, audit.account.id):
            doubts = tuple(f"trust {each.text}" for each in statement.conditions)
            severity = _severity(role, audit)
            found.setdefault(name, []).append(
                BypassFinding(
                    rule="iam-assume-role",
                    severity=severity.lowered() if doubts else severity,
                    matched_statements=(MatchedStatement.of_trust(role, statement, ASSUME),),
                    doubts=doubts,
                    obfuscation=("indirect-grant",),
                    path=(role.arn,),
                    note=_note(role, audit),
                )
            )
        if entitled := _entitled(role, audit):
            found.setdefault(ACCOUNT_ACCESS, []).append(entitled)
        if role in audit.operators_set:
            for provider, finding_of_provider in _tags_of_providers(role):
                found.setdefault(provider, []).append(finding_of_provider)
    for person in people_on_both_sides(audit):
        found.setdefault(person.arn, []).extend(person.findings)
    return [Audited(arn=arn, kind="outside", findings=tuple(findings)) for arn, findings in found.items()]


def _entitled(role: Principal, audit: AuditContext) -> BypassFinding | None:
    """Return the finding about a role of an operator or an approver that several people may be entitled to."""
    is_operator = role in audit.operators_set
    if not (is_operator or role in audit.approvers) or audit.entitled_user(role):
        return None
    trusting = [
        each
        for each in (role.trust.covering(ASSUME) if role.trust else ())
        if each.allows and each.principals and ACCOUNT_ACCESS in each.principals.services
    ]
    everything = {"Statement": [each.raw for each in role.trust.statements] if role.trust else []}
    is_one_application = bool(account_access_application(everything))
    # An approver's role is for several people by design, but not for applications of other organizations.
    if not trusting or (is_one_application and (not is_operator or role.name in audit.protected.shared_roles)):
        return None
    doubt = "which people have entitlements in account access manager"
    return BypassFinding(
        rule="iam-assume-role",
        severity=_severity(role, audit).lowered() if is_one_application else _severity(role, audit),
        matched_statements=(MatchedStatement.of_trust(role, trusting[0], ASSUME),),
        doubts=(doubt,) if is_one_application else (),
        obfuscation=("indirect-grant",),
        path=(role.arn,),
        note=f"{role.name} trusts all people with an entitlement, and they choose their session names"
        if is_one_application
        else f"{role.name} is not limited to one application of account access manager, without session tags",
    )


def _tags_of_providers(role: Principal) -> Iterator[tuple[str, BypassFinding]]:
    """Return identity providers that may send the approval tag with sessions of an operator's role."""
    statements = role.trust.covering(_TAG_SESSION) if role.trust else ()
    for statement in statements:
        named = statement.principals
        if named is None or not statement.allows or admits_session_tag(statement, statements, TAG_KEY) is Truth.NO:
            continue
        for provider in (*named.federated, *(each for each in named.services if each in _PROVIDING)):
            yield (
                provider,
                BypassFinding(
                    rule="session-tag-approval",
                    severity=Severity.CRITICAL.lowered(),
                    matched_statements=(MatchedStatement.of_trust(role, statement, _TAG_SESSION),),
                    doubts=(f"whether {provider} sends the tag {TAG_KEY}",),
                    obfuscation=("indirect-grant",),
                    path=(role.arn,),
                    note=f"sessions of {role.name} can have the tag as a session tag",
                ),
            )


def _counts(role: Principal, audit: AuditContext) -> bool:
    return role in audit.resting or audit.is_privileged(role)


def _severity(role: Principal, audit: AuditContext) -> Severity:
    names = (role.arn == audit.runbook_role, role in audit.approvers)
    return Severity.CRITICAL if any(names) else Severity.HIGH


def _note(role: Principal, audit: AuditContext) -> str:
    if role.arn == audit.runbook_role:
        return f"{role.name} is the runbook's role"
    if role in audit.approvers:
        return f"{role.name} is an approver's role"
    worst = audit.privileged.get(role.arn)
    if worst is not None and worst >= Severity.HIGH:
        return f"{role.name} can bypass the approval ({worst.word})"
    return (
        f"{role.name} is an operator's role, and its tag applies to every principal that can assume it"
        if role in audit.operators
        else ""
    )


@dataclass(frozen=True)
class _Group:
    """Roles of one severity that a statement reaches; the finding is about the first of them."""

    role: Principal
    onward: tuple[Principal, ...]
    note: str


class _FindingBuilder:
    """Builds one finding per statement and severity, which names the other roles that the statement reaches."""

    def __init__(self, audit: AuditContext, found: RoleAssumptions) -> None:
        self._audit, self._found = audit, found
        self._sharing = _sharing(audit, found)
        self._groups: dict[tuple[Resources, bool], dict[Severity | None, _Group]] = {}
        self._of_sides: dict[Resources, Reached] = {}
        self._by_design: dict[str, dict[str, None]] = {}

    def by_design(self) -> tuple[str, ...]:
        """Return what the configuration itself allows, each once with its principals."""
        return tuple(
            _with_others(f"{note}: {next(iter(names))}", [*names][1:]) for note, names in self._by_design.items()
        )

    def _allow_by_design(self, principal: Principal, note: str) -> None:
        self._by_design.setdefault(note, {})[f"{principal.kind} {principal.name}"] = None

    def findings(self, principal: Principal) -> list[BypassFinding]:
        results: list[BypassFinding] = []
        for policy, statement in self._found.plain.get(principal, ()):
            for severity, group in self._grouped(principal, resources_of(statement)).items():
                if severity is None:
                    self._allow_by_design(principal, group.note)
                    continue
                step = plain_step(policy, statement, group.role, group.onward)
                results.append(_admitted("iam-assume-role", severity, principal, step, group.note))
        special = self._found.special.get(principal, [])
        results += self._of_special(principal, special)
        reached = self._reached(principal, special)
        results += both_sides(principal, reached, self._audit)
        operators = [role for role in self._audit.operators if len(reached.get(role, ((), False))[0]) == 1]
        return [*results, *_session_tags(principal, operators, self._audit)]

    def _reached(self, principal: Principal, special: list[AssumptionStep]) -> Reached:
        """Return the operators' and approvers' roles that a principal can assume."""
        found: Reached = {}
        for _, statement in self._found.plain.get(principal, ()):
            found.update(self._sides(resources_of(statement)))
        found.pop(principal, None)
        for step in special:
            certain = not step.admission.doubts
            for number, role in enumerate(step.path, start=1):
                if role is principal or not self._is_of_a_side(role):
                    continue
                known = found.get(role)
                if known is None or (certain, -number) > (known[1], -len(known[0])):
                    found[role] = (step.path[:number], certain)
        return found

    def _sides(self, resources: Resources) -> Reached:
        """Return the same for every principal with an unconditional statement on these resources."""
        if resources not in self._of_sides:
            found: Reached = {}
            for role, onward in self._found.by_resources[resources].items():
                path = (role, *onward)
                for number, each in enumerate(path, start=1):
                    if self._is_of_a_side(each) and (each not in found or number < len(found[each][0])):
                        found[each] = (path[:number], True)
            self._of_sides[resources] = found
        return self._of_sides[resources]

    def _is_of_a_side(self, role: Principal) -> bool:
        return role in self._audit.operators_set or role in self._audit.approvers

    def _grouped(self, principal: Principal, resources: Resources) -> dict[Severity | None, _Group]:
        roles = self._found.by_resources[resources]
        if principal in roles:
            return self._group({role: onward for role, onward in roles.items() if role is not principal}, principal)
        key = (resources, principal in self._audit.approvers)
        if key not in self._groups:
            self._groups[key] = self._group(roles, principal)
        return self._groups[key]

    def _group(self, roles: Onward, principal: Principal) -> dict[Severity | None, _Group]:
        together: dict[Severity | None, list[tuple[Principal, str]]] = {}
        for role, onward in roles.items():
            severity, note = _evaluated(principal, (role, *onward)[-1], self._audit, self._sharing)
            together.setdefault(severity, []).append((role, note))
        found: dict[Severity | None, _Group] = {}
        for severity, several in together.items():
            (first, note), *others = sorted(several, key=lambda each: len(roles[each[0]]))
            found[severity] = _Group(first, roles[first], _with_others(note, [role.name for role, _ in others]))
        return found

    def _of_special(self, principal: Principal, hops: list[AssumptionStep]) -> list[BypassFinding]:
        together: dict[tuple[Statement | None, Severity | None, bool], list[tuple[AssumptionStep, str]]] = {}
        for step in hops:
            severity, note = _evaluated(principal, step.end, self._audit, self._sharing)
            own = step.admission.grant.statement if step.admission.grant else None
            together.setdefault((own, severity, bool(step.admission.doubts)), []).append((step, note))
        found: list[BypassFinding] = []
        for (_, severity, _), several in together.items():
            (first, note), *others = sorted(several, key=lambda each: len(each[0].onward))
            note = _with_others(note, [step.admission.role.name for step, _ in others])
            if severity is None:
                self._allow_by_design(principal, note)
            else:
                found.append(_admitted("iam-assume-role", severity, principal, first, note))
        return found


def _sharing(audit: AuditContext, found: RoleAssumptions) -> dict[Principal, int]:
    """Return the number of people who can assume each of the operators' roles; other principals count as one."""
    takers: dict[Principal, set[str]] = {role: set() for role in audit.operators}
    for principal, hops in found.special.items():
        for step in hops:
            takers.get(step.admission.role, set()).update(_takers(principal, step.admission.role))
    for principal, statements in found.plain.items():
        for _, statement in statements:
            reached = found.by_resources[resources_of(statement)]
            for role, several in takers.items():
                if role in reached and role is not principal:
                    several.update(_takers(principal, role))
    return {role: len(several) for role, several in takers.items()}


def _takers(principal: Principal, role: Principal) -> set[str]:
    """Return who assumes a role as a principal: the person whom its trust policy names, or all with a permission set."""
    if f":role{RESERVED_PATH}" not in principal.arn:
        return {principal.arn}
    statements = role.trust.covering(ASSUME) if role.trust else ()
    person = identity_center_user({"Statement": [each.raw for each in statements if each.allows]})
    return {person} if person else {principal.arn, f"others with {principal.arn}"}


def _evaluated(
    principal: Principal, role: Principal, audit: AuditContext, sharing: Mapping[Principal, int]
) -> tuple[Severity | None, str]:
    """Return the severity of assuming a role, and the reason; None: it is by design."""
    severity, note = _severity(role, audit), _note(role, audit)
    if role is audit.emergency_role:
        return None, f"{role.name} is the emergency access role, which users of breakGlass can assume with MFA"
    if audit.is_privileged(role):
        return severity, note
    if role in audit.approvers:
        by_design = principal in audit.approvers
        return (
            (None, f"{role.name} is an approver's role that declared approvers can assume")
            if by_design
            else (severity, note)
        )
    if role.name in audit.protected.shared_roles:
        return None, f"{role.name} is an operator's role that the configuration accepts as shared"
    if role in audit.operators_set and sharing[role] == 1:
        return None, f"{role.name} is an operator's role that one principal can assume"
    return severity, note


def _with_others(note: str, others: list[str]) -> str:
    if not others:
        return note
    beyond = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return f"{note}; also {', '.join(sorted(others)[:_MOST_NAMED])}{beyond}"


def _admitted(rule: str, severity: Severity, principal: Principal, step: AssumptionStep, note: str) -> BypassFinding:
    found = step.admission
    own = [found.grant] if found.grant else []
    base = finding(rule, severity.lowered() if found.doubts else severity, principal, own)
    return replace(
        base,
        matched_statements=(*base.matched_statements, MatchedStatement.of_trust(found.role, found.trust, ASSUME)),
        doubts=found.doubts,
        obfuscation=tuple(sorted({*base.obfuscation, "indirect-grant"}, key=position)),
        path=tuple(each.arn for each in step.path),
        note=note,
    )


def _session_tags(principal: Principal, operators: list[Principal], audit: AuditContext) -> list[BypassFinding]:
    """Return operators' roles that a principal can assume with the approval tag as session tag."""
    found: list[BypassFinding] = []
    for role in operators:
        tagging = _admission_with_tag(principal, role, audit)
        if tagging is not None:
            note = f"sessions of {role.name} can have the tag as a session tag"
            found.append(_admitted("session-tag-approval", Severity.CRITICAL, principal, AssumptionStep(tagging), note))
    return found


def _admission_with_tag(principal: Principal, role: Principal, audit: AuditContext) -> Admission | None:
    trusting = role.trust.covering(_TAG_SESSION) if role.trust else ()
    if not trusting:
        return None
    own = (each for policy in principal.permissions.every() for each in policy.covering(_TAG_SESSION))
    best: Admission | None = None
    for request in tag_requests(TAG_KEY, _TAG_SESSION, [*trusting, *own], context=principal.context()):
        keys = request.keys()

        def knowledge(action: str, keys: RequestKeys = keys) -> Knowledge:
            return RequestKnowledge(principal, audit, action, keys)

        found = admission(principal, role, knowledge, _TAG_SESSION)
        if found is not None and (best is None or len(found.doubts) < len(best.doubts)):
            best = found
    return best
